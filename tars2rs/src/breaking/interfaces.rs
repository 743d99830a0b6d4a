//! Interfaces: operations by their names, parameters by their places.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Compare;
use super::finding::Finding;
use super::types::{Grade, Subject};
use crate::diag::Code;
use crate::model::{Bounded, Interface, InterfaceId, Item, Model, Operation, Param, Type};

/// How many candidates are looked at for an interface whose name is gone.
pub(super) const FEW: usize = 64;

impl<'m> Compare<'m> {
    pub(super) fn interface_or_gone(&mut self, old: &'m Interface) {
        let home = self.old_home(old.module);
        if let Some(Item::Interface(id)) = self.new_interface(home, &old.name) {
            self.interface(old, self.new.interface(id));
            return;
        }
        match self.interface_successor(home, old) {
            Some((rank, new)) => {
                self.interface_renamed(home, (old, new), rank);
                self.interface(old, new);
            }
            None => self.interface_removed(old),
        }
    }

    /// That its module is gone has been said.
    pub(super) fn interface_of_gone_module(&mut self, old: &'m Interface) {
        match self.interface_successor(self.old_home(old.module), old) {
            Some((_, new)) => self.interface(old, new),
            None => self.interface_removed(old),
        }
    }

    fn interface_removed(&mut self, old: &Interface) {
        let home = self.old_home(old.module);
        let mut finding = Finding::new(
            Code::InterfaceRemoved,
            format!("interface `{home}::{}` is gone", old.name),
        )
        .old(old.span, "declared here");
        if !old.operations.is_empty() {
            finding = finding.wire("calls of old clients to new servers end with \"no such function\"");
        }
        let source = "servers that implement it and clients that call it do not compile any more";
        self.found.push(finding.source(source));
    }

    fn interface_renamed(&mut self, home: &str, (old, new): (&Interface, &Interface), rank: Rank) {
        let called = self.called(home, new.module, &new.name);
        let message = format!("interface `{home}::{}` is called `{called}` now", old.name);
        let mut finding = Finding::new(Code::InterfaceRenamed, message)
            .old(old.span, "declared here")
            .source("servers that implement it and clients that call it do not compile any more");
        finding = if rank == Rank::Alike {
            finding.new_at(new.span, "declared here")
        } else {
            let help = "names of interfaces do not travel: clients and servers of both versions understand each other";
            finding.new_at(new.span, "the same operations here").help(help)
        };
        self.found.push(finding);
    }

    /// What became of an interface whose name is gone.
    fn interface_successor(&mut self, home: &str, old: &Interface) -> Option<(Rank, &'m Interface)> {
        // The operation that fewest interfaces have leads to the fewest of them.
        let rare = old.operations.iter().map(|operation| operation.name.as_str());
        let rare = rare
            .filter(|name| self.offers(name) > 0)
            .min_by_key(|name| self.offers(name));
        let candidates: Vec<InterfaceId> = self.interfaces_like(&old.name, rare?).take(FEW).collect();
        let ranked = candidates.into_iter();
        let ranked = ranked.filter_map(|id| Some((self.rank(home, old, self.new.interface(id))?, id)));
        let (rank, id) = ranked.min_by_key(|(rank, _)| *rank)?;
        self.interfaces.take(self.new.interface(id), id);
        Some((rank, self.new.interface(id)))
    }

    /// How well a new interface fits an old one whose name is gone.
    fn rank(&mut self, home: &str, old: &Interface, new: &Interface) -> Option<Rank> {
        let new_home = self.new.module(new.module).name.clone();
        let before = match self.old_interface(&new_home, &new.name) {
            Some(Item::Interface(id)) => Some(self.old.interface(id)),
            _ => None,
        };
        let (same_home, same_name) = (new_home == home, new.name == old.name);
        let lacks = |other: &Interface| old.operations.iter().any(|o| !names(other).contains(o.name.as_str()));
        let shares = old.operations.iter().any(|o| names(new).contains(o.name.as_str()));
        let complete = !lacks(new);
        let same = complete && self.same_operations(old, new);
        match before {
            None if same && (same_home || same_name) => Some(Rank::Near),
            None if same => Some(Rank::Same),
            // One that was there before has taken over what it lacked, or what another module had under the same name.
            Some(before) if same && (same_name || lacks(before)) => Some(Rank::Merged),
            None if (same_name && shares) || (same_home && complete) => Some(Rank::Alike),
            _ => None,
        }
    }

    /// Whether all calls of old clients to the new interface go well, and those of new ones to the old.
    fn same_operations(&mut self, old: &Interface, new: &Interface) -> bool {
        let by_name: BTreeMap<&str, &Operation> = new.operations.iter().map(|o| (o.name.as_str(), o)).collect();
        old.operations.iter().all(|was| {
            let is = by_name.get(was.name.as_str());
            is.is_some_and(|is| self.same_operation(was, is))
        })
    }

    fn same_operation(&mut self, old: &Operation, new: &Operation) -> bool {
        let returns = match (&old.ret, &new.ret) {
            (None, None) => true,
            (Some(was), Some(is)) => self.reads((old, was), (new, is)),
            _ => false,
        };
        let mut params = old.params.iter().zip(&new.params);
        returns
            && old.params.len() == new.params.len()
            && params.all(|(was, is)| was.out == is.out && self.reads((old, &was.ty), (new, &is.ty)))
    }

    /// Whether programs of both versions read all that the others send.
    fn reads(&mut self, (old, was): (&Operation, &Bounded), (new, is): (&Operation, &Bounded)) -> bool {
        let subject = Subject::of_use(String::new(), old.span, new.span);
        let change = self.change(&subject, &was.ty, &is.ty);
        was.max_len == is.max_len && change.is_none_or(|change| change.grade == Grade::Renamed)
    }

    fn interface(&mut self, old: &'m Interface, new: &'m Interface) {
        let name = format!("{}::{}", self.old_home(old.module), old.name);
        let by_name: BTreeMap<&str, &Operation> = new.operations.iter().map(|o| (o.name.as_str(), o)).collect();
        let known: BTreeSet<&str> = old.operations.iter().map(|o| o.name.as_str()).collect();
        let added = new.operations.iter().filter(|o| !known.contains(o.name.as_str()));
        let added: BTreeMap<Signature, &Operation> = added.map(|o| (self.signature(o, false), o)).collect();
        for operation in &old.operations {
            if let Some(other) = by_name.get(operation.name.as_str()) {
                self.operation(&format!("{name}::{}", operation.name), operation, other);
            } else {
                let same = added.get(&self.signature(operation, true)).copied();
                self.operation_gone(&name, operation, new, same);
            }
        }
    }

    /// `same` is a new operation with its parameters.
    fn operation_gone(&mut self, owner: &str, old: &Operation, is: &Interface, same: Option<&Operation>) {
        let wire = "operations are called by name: calls of old clients to new servers end with \"no such function\"";
        let source = "servers that implement it and clients that call it do not compile any more";
        let finding = if let Some(new) = same {
            let message = format!("operation `{}` of `{owner}` is called `{}` now", old.name, new.name);
            Finding::new(Code::OperationRenamed, message)
                .new_at(new.span, "the same parameters here")
                .wire(format!("{wire}, and so do those of new clients to old servers"))
        } else {
            let message = format!("operation `{}` of `{owner}` is gone", old.name);
            Finding::new(Code::OperationRemoved, message)
                .new_at(is.span, "not in this interface")
                .wire(wire)
        };
        let finding = finding.old(old.span, "declared here").source(source);
        self.found
            .push(finding.help("keep the operation until no client is built from the old files"));
    }

    fn operation(&mut self, name: &str, old: &Operation, new: &Operation) {
        self.returns(name, old, new);
        let index_of = |list: &[Param], name: &str| list.iter().position(|param| param.name == name);
        let (mut order, mut pairs, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (place, param) in old.params.iter().enumerate() {
            let by_name = index_of(&new.params, &param.name);
            let by_place = || {
                new.params
                    .get(place)
                    .filter(|other| index_of(&old.params, &other.name).is_none())
            };
            match by_name {
                Some(index) => {
                    order.push(index);
                    pairs.push((param, &new.params[index]));
                }
                None => match by_place() {
                    Some(other) => pairs.push((param, other)),
                    None => gone.push(param),
                },
            }
        }
        for (was, is) in &pairs {
            self.param(name, was, is);
        }
        let taken = |param: &Param| pairs.iter().any(|(_, is)| is.tag == param.tag);
        let added: Vec<&Param> = new.params.iter().filter(|param| !taken(param)).collect();
        for param in gone {
            self.param_removed(name, param, (old, new));
        }
        for param in added {
            self.param_added(name, param, old);
        }
        if !order.is_sorted() {
            self.reordered(name, old, new);
        }
    }

    fn returns(&mut self, name: &str, old: &Operation, new: &Operation) {
        let what = format!("the return value of `{name}`");
        match (&old.ret, &new.ret) {
            (None, None) => {}
            (Some(was), Some(is)) => {
                let subject = Subject::of_use(what, old.span, new.span);
                self.bounded(&subject, was, is);
            }
            (was, is) => {
                let text = |model: &Model, ret: &Option<Bounded>| {
                    let text = ret.as_ref().map(|ret| model.type_text(&ret.ty));
                    text.unwrap_or_else(|| "void".to_owned())
                };
                let (was_text, is_text) = (text(self.old, was), text(self.new, is));
                let who = if was.is_some() { "old clients" } else { "new clients" };
                let servers = if was.is_some() { "new servers" } else { "old servers" };
                let finding = Finding::new(
                    Code::ReturnChanged,
                    format!("{what} changed from `{was_text}` to `{is_text}`"),
                );
                let finding = finding
                    .old(old.span, format!("`{was_text}` here"))
                    .new_at(new.span, format!("`{is_text}` here"))
                    .wire(format!(
                        "{who} wait for a return value that {servers} do not send: the answer is refused"
                    ))
                    .source("servers that implement the operation and clients that call it do not compile any more");
                self.found.push(finding);
            }
        }
    }

    /// A parameter with the same name or, if that is gone, in the same place.
    fn param(&mut self, operation: &str, old: &Param, new: &Param) {
        let what = format!("parameter `{}` of `{operation}`", old.name);
        let subject = Subject::of_use(what.clone(), old.span, new.span);
        self.bounded(&subject, &old.ty, &new.ty);
        if old.out != new.out {
            let text = |out: bool| if out { "`out` here" } else { "an in parameter here" };
            let direction = if new.out { "out" } else { "in" };
            let finding = Finding::new(Code::ParamDirectionChanged, format!("{what} goes {direction} now"))
                .old(old.span, text(old.out))
                .new_at(new.span, text(new.out))
                .wire("who waits for it does not get it: servers refuse the requests of clients of the other version, or clients the answers")
                .source("servers that implement the operation and clients that call it do not compile any more");
            self.found.push(finding);
        }
        if old.name != new.name {
            let mut finding = Finding::new(Code::ParamRenamed, format!("{what} is called `{}` now", new.name))
                .old(old.span, "declared here")
                .new_at(new.span, "in the same place here")
                .names("JSON and TUP bodies carry names of parameters: clients and servers of different versions do not find each other's");
            if new.out {
                finding =
                    finding.source("programs that read it from the operation's output by name do not compile any more");
            }
            self.found.push(finding.help("on the wire only places count"));
        }
        if old.route_key != new.route_key {
            let finding = Finding::new(
                Code::RouteKeyChanged,
                format!(
                    "{what} is {} `routekey`",
                    if new.route_key { "now" } else { "no longer" }
                ),
            );
            let finding = finding
                .old(old.span, "declared here")
                .new_at(new.span, "declared here")
                .source("clients in C++ that are built anew route their calls by another value");
            self.found.push(finding);
        }
    }

    fn param_removed(&mut self, operation: &str, old: &Param, (was, is): (&Operation, &Operation)) {
        let mut finding = Finding::new(
            Code::ParamRemoved,
            format!("parameter `{}` of `{operation}` is gone", old.name),
        );
        finding = finding
            .old(old.span, format!("place {} here", old.tag))
            .new_at(is.span, "not in this operation");
        finding = finding.wire(if old.out {
            "old clients refuse the answers of new servers: an out parameter is missing"
        } else {
            "old servers refuse the requests of new clients: a parameter is missing"
        });
        if usize::from(old.tag) < was.params.len() {
            finding = finding.wire("parameters travel by their places, and all behind it have another place now");
        }
        finding =
            finding.source("servers that implement the operation and clients that call it do not compile any more");
        self.found
            .push(finding.help("add an operation with the new parameters, and keep this one"));
    }

    fn param_added(&mut self, operation: &str, new: &Param, old: &Operation) {
        let mut finding = Finding::new(
            Code::ParamAdded,
            format!("parameter `{}` of `{operation}` is new", new.name),
        );
        finding = finding
            .old(old.span, "not in this operation")
            .new_at(new.span, format!("place {} here", new.tag));
        finding = finding.wire(if new.out {
            "new clients refuse the answers of old servers: an out parameter is missing"
        } else {
            "new servers refuse the requests of old clients: a parameter is missing"
        });
        if usize::from(new.tag) <= old.params.len() {
            finding = finding.wire("parameters travel by their places, and all behind it have another place now");
        }
        finding =
            finding.source("servers that implement the operation and clients that call it do not compile any more");
        self.found
            .push(finding.help("add an operation with the new parameters, and keep this one"));
    }

    fn reordered(&mut self, operation: &str, old: &Operation, new: &Operation) {
        let list = |operation: &Operation| {
            let names: Vec<&str> = operation.params.iter().map(|param| param.name.as_str()).collect();
            names.join(", ")
        };
        let finding = Finding::new(
            Code::ParamsReordered,
            format!("the parameters of `{operation}` have another order"),
        );
        let finding = finding
            .old(old.span, list(old))
            .new_at(new.span, list(new))
            .wire("parameters travel by their places: each is refused, or taken for another of the same type")
            .source("Rust and C++ programs pass them by their places: calls do not compile any more, or mean something else");
        self.found.push(finding.help("keep the order"));
    }
}

fn names(interface: &Interface) -> BTreeSet<&str> {
    interface
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect()
}

/// How well a new interface fits an old one whose name is gone; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// New, with the same operations, and the same module or name.
    Near,
    /// New, with the same operations.
    Same,
    /// One of the old ones, which has all its operations now.
    Merged,
    /// New, with operations of the same names.
    Alike,
}

/// What an operation takes and gives, without names: direction, type and bound, the return value first.
type Signature = Vec<(Option<bool>, Option<String>, Option<u32>)>;

impl Compare<'_> {
    fn signature(&self, operation: &Operation, old: bool) -> Signature {
        let ret = operation.ret.as_ref();
        let ret = (
            None,
            ret.map(|ret| self.now(&ret.ty, old)),
            ret.and_then(|ret| ret.max_len),
        );
        let param = |param: &Param| (Some(param.out), Some(self.now(&param.ty.ty, old)), param.ty.max_len);
        std::iter::once(ret).chain(operation.params.iter().map(param)).collect()
    }

    /// The text of a type by what it is called now.
    fn now(&self, ty: &Type, old: bool) -> String {
        let successor = match ty {
            Type::Vector(element) => return format!("vector<{}>", self.now(element, old)),
            Type::Map(key, value) => return format!("map<{}, {}>", self.now(key, old), self.now(value, old)),
            Type::Struct(id) if old => self.successor(Item::Struct(*id)),
            Type::Enum(id) if old => self.successor(Item::Enum(*id)),
            _ => None,
        };
        match successor {
            Some(Item::Struct(id)) => self.new.type_text(&Type::Struct(id)),
            Some(Item::Enum(id)) => self.new.type_text(&Type::Enum(id)),
            _ if old => self.old.type_text(ty),
            _ => self.new.type_text(ty),
        }
    }
}
