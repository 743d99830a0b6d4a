//! Two models side by side: which definition is which, and what is gone.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::interfaces::FEW;
use super::pairs::Pairs;
use super::renames::{Added, drop_one};
use super::types::Subject;
use crate::diag::Code;
use crate::model::{Const, Interface, InterfaceId, Item, Literal, Model, Module, ModuleId};

/// The definitions of a model by module and name. Structs and enums share their names.
#[derive(Debug, Default)]
struct Index<'m> {
    modules: BTreeMap<&'m str, &'m Module>,
    types: BTreeMap<(&'m str, &'m str), Item>,
    consts: BTreeMap<(&'m str, &'m str), Item>,
    interfaces: BTreeMap<(&'m str, &'m str), Item>,
}

impl<'m> Index<'m> {
    fn of(model: &'m Model) -> Self {
        let mut index = Self::default();
        for (_, module) in model.modules() {
            let home = module.name.as_str();
            index.modules.insert(home, module);
            for item in &module.items {
                let (table, name) = match item {
                    Item::Struct(id) => (&mut index.types, &model.structure(*id).name),
                    Item::Enum(id) => (&mut index.types, &model.enumeration(*id).name),
                    Item::Const(id) => (&mut index.consts, &model.constant(*id).name),
                    Item::Interface(id) => (&mut index.interfaces, &model.interface(*id).name),
                };
                table.insert((home, name.as_str()), *item);
            }
        }
        index
    }
}

/// The new interfaces, by what an old one would be known by if it was renamed.
#[derive(Debug, Default)]
pub(super) struct Interfaces<'m> {
    /// By the name of an operation.
    operations: BTreeMap<&'m str, Vec<InterfaceId>>,
    /// By their own name, in whatever module.
    named: BTreeMap<&'m str, Vec<InterfaceId>>,
}

impl<'m> Interfaces<'m> {
    fn of(new: &'m Model) -> Self {
        let mut interfaces = Self::default();
        let items = new.modules().flat_map(|(_, module)| &module.items);
        for item in items {
            if let Item::Interface(id) = item {
                let interface = new.interface(*id);
                interfaces.named.entry(&interface.name).or_default().push(*id);
                for operation in &interface.operations {
                    interfaces.operations.entry(&operation.name).or_default().push(*id);
                }
            }
        }
        interfaces
    }

    /// It is known to be an old one: of several that fit, each old one had better get its own.
    pub(super) fn take(&mut self, new: &Interface, id: InterfaceId) {
        drop_one(self.named.get_mut(new.name.as_str()), id);
        for operation in &new.operations {
            drop_one(self.operations.get_mut(operation.name.as_str()), id);
        }
    }
}

/// The comparison of two models.
#[derive(Debug)]
pub(super) struct Compare<'m> {
    pub(super) old: &'m Model,
    pub(super) new: &'m Model,
    old_index: Index<'m>,
    new_index: Index<'m>,
    pub(super) added: Added<'m>,
    pub(super) interfaces: Interfaces<'m>,
    pub(super) pairs: Pairs,
    pub(super) found: Vec<Finding>,
}

/// Everything that `new` breaks of `old`, in the order of the old files' modules.
pub(super) fn compare(old: &Model, new: &Model) -> Vec<Finding> {
    let old_index = Index::of(old);
    let mut compare = Compare {
        old,
        new,
        added: Added::of(new, |home, name| !old_index.types.contains_key(&(home, name))),
        interfaces: Interfaces::of(new),
        pairs: Pairs::default(),
        old_index,
        new_index: Index::of(new),
        found: Vec::new(),
    };
    compare.find_successors();
    for (_, module) in old.modules() {
        compare.module(module);
    }
    compare.found
}

impl<'m> Compare<'m> {
    fn module(&mut self, old: &'m Module) {
        if !self.new_index.modules.contains_key(old.name.as_str()) {
            self.module_removed(old);
            return;
        }
        for item in &old.items {
            match item {
                Item::Struct(id) => self.struct_or_gone(*id),
                Item::Enum(id) => self.enum_or_gone(*id),
                Item::Const(id) => self.constant(self.old.constant(*id)),
                Item::Interface(id) => self.interface_or_gone(self.old.interface(*id)),
            }
        }
    }

    /// One finding for what nobody can name any more. What is in another module now is compared with that.
    fn module_removed(&mut self, old: &'m Module) {
        let finding = Finding::new(Code::ModuleRemoved, format!("module `{}` is gone", old.name))
            .old(old.span, "declared here")
            .source("programs that name its types, constants or interfaces do not compile any more")
            .help("if it was renamed, keep the old files until nobody is built from them");
        self.found.push(finding);
        for item in &old.items {
            match (*item, self.successor(*item)) {
                (Item::Struct(was), Some(Item::Struct(is))) => {
                    self.structure(self.old.structure(was), self.new.structure(is));
                }
                (Item::Enum(was), Some(Item::Enum(is))) => {
                    self.enumeration(self.old.enumeration(was), self.new.enumeration(is));
                }
                (Item::Interface(id), _) => self.interface_of_gone_module(self.old.interface(id)),
                _ => {}
            }
        }
    }

    /// The new type of that name.
    pub(super) fn new_type(&self, module: &str, name: &str) -> Option<Item> {
        self.new_index.types.get(&(module, name)).copied()
    }

    /// The new interface of that name.
    pub(super) fn new_interface(&self, module: &str, name: &str) -> Option<Item> {
        self.new_index.interfaces.get(&(module, name)).copied()
    }

    /// The old interface of that name.
    pub(super) fn old_interface(&self, module: &str, name: &str) -> Option<Item> {
        self.old_index.interfaces.get(&(module, name)).copied()
    }

    /// New interfaces that an old one may have become: those of its name, and those with an operation of that name.
    pub(super) fn interfaces_like(&self, name: &str, operation: &str) -> impl Iterator<Item = InterfaceId> {
        let named = self.interfaces.named.get(name).into_iter().flatten();
        let like = self.interfaces.operations.get(operation).into_iter().flatten();
        // Half of those that are looked at at most, so that the others have their turn.
        named.take(FEW / 2).chain(like).copied()
    }

    /// How many new interfaces have an operation of that name.
    pub(super) fn offers(&self, operation: &str) -> usize {
        self.interfaces.operations.get(operation).map_or(0, Vec::len)
    }

    /// The name of a module of the old model.
    pub(super) fn old_home(&self, id: ModuleId) -> &'m str {
        &self.old.module(id).name
    }

    fn constant(&mut self, old: &'m Const) {
        let home = self.old_home(old.module);
        let what = format!("constant `{home}::{}`", old.name);
        let found = self.new_index.consts.get(&(home, old.name.as_str()));
        let Some(Item::Const(id)) = found else {
            let finding = Finding::new(Code::ConstRemoved, format!("{what} is gone"))
                .old(old.span, "declared here")
                .source("programs that use it do not compile any more");
            self.found.push(finding);
            return;
        };
        let new = self.new.constant(*id);
        let subject = Subject::of_use(what.clone(), old.span, new.span);
        // That its enum is called something else has been said.
        if self.change(&subject, &old.ty, &new.ty).is_some() {
            let (old_type, new_type) = (self.old.type_text(&old.ty), self.new.type_text(&new.ty));
            let finding = Finding::new(
                Code::ConstTypeChanged,
                format!("{what} changed from `{old_type}` to `{new_type}`"),
            );
            let finding = finding
                .old(old.span, format!("`{old_type}` here"))
                .new_at(new.span, format!("`{new_type}` here"))
                .source("Rust and C++ programs that use it as the old type do not compile any more");
            self.found.push(finding);
        }
        if !self.same_constant(&old.value, &new.value) {
            let (was, is) = (self.old.literal(&old.value), self.new.literal(&new.value));
            let finding = Finding::new(Code::ConstChanged, format!("{what} changed from {was} to {is}"))
                .old(old.span, format!("{was} here"))
                .new_at(new.span, format!("{is} here"))
                .source("programs built from the old files go on with the old value: the two disagree until all are built anew");
            self.found.push(finding);
        }
    }

    /// An enumerator with another number or name is reported at its enum.
    fn same_constant(&self, old: &Literal, new: &Literal) -> bool {
        match (old, new) {
            (Literal::Enumerator(a, was), Literal::Enumerator(b, is)) => {
                let was = &self.old.enumeration(*a).enumerators[*was];
                let is = &self.new.enumeration(*b).enumerators[*is];
                was.name == is.name || was.value == is.value
            }
            _ => self.old.literal(old) == self.new.literal(new),
        }
    }
}
