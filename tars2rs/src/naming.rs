//! Rust names for IDL names.
//!
//! Types become `UpperCamelCase`, fields, parameters, operations and modules `snake_case`, enumerators and constants
//! `SCREAMING_SNAKE_CASE`. Keywords are written raw. Where two names become one, the later gets `_` appended, with a
//! warning: a file never fails to compile because of names.

mod case;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Interface, Item, Model, ModuleId, Operation};
use crate::source::Span;
use crate::text::{self, Table, Text};

/// The names of all definitions, in the order of the model's arenas.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) modules: Vec<ModuleNames>,
    pub(crate) structs: Vec<Compound>,
    pub(crate) enums: Vec<Compound>,
    pub(crate) consts: Vec<Text>,
    pub(crate) interfaces: Vec<InterfaceNames>,
}

/// A module and all type names in it.
#[derive(Debug, Default)]
pub(crate) struct ModuleNames {
    pub(crate) name: Text,
    pub(crate) types: text::Names,
}

/// A struct or enum with its fields or enumerators.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compound {
    pub(crate) name: Text,
    pub(crate) members: Vec<Text>,
}

/// What an interface becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterfaceNames {
    /// The trait.
    pub(crate) name: Text,
    pub(crate) server: Text,
    pub(crate) client: Text,
    /// The module of the operations as they travel.
    pub(crate) module: Text,
    pub(crate) operations: Vec<OperationNames>,
    /// All type names in that module.
    pub(crate) types: text::Names,
}

/// What an operation becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperationNames {
    pub(crate) method: Text,
    pub(crate) marker: Text,
    pub(crate) args: Text,
    pub(crate) reply: Text,
    /// Only used when more than one value comes back.
    pub(crate) output: Text,
    /// The return value among the values that come back.
    pub(crate) ret: Text,
    pub(crate) params: Vec<Text>,
}

/// Chosen names by IDL path.
pub(crate) type Renames = BTreeMap<String, String>;

/// Names everything in the model.
pub(crate) fn run(model: &Model, renames: &Renames, diagnostics: &mut Diagnostics) -> Names {
    let mut namer = Namer {
        model,
        renames,
        diagnostics,
        names: Names::default(),
        types: Scope::default(),
        members: Scope::default(),
        params: Scope::with(&["self", "cx", "args", "request", "ret"]),
        snake: Memory::new(snake),
        shout: Memory::new(shout),
    };
    namer
        .names
        .structs
        .resize_with(model.structs().len(), Compound::default);
    namer.names.enums.resize_with(model.enums().len(), Compound::default);
    namer.names.consts.resize_with(model.consts().len(), Text::default);
    namer
        .names
        .interfaces
        .resize_with(model.interfaces().len(), InterfaceNames::default);
    namer.modules();
    for (id, _) in model.modules() {
        namer.types(id);
        namer.consts(id);
        namer.interfaces(id);
    }
    namer.names
}

/// A name that wants a place in a scope.
struct Claim<'m, 'o> {
    /// Of the IDL, with its place.
    idl: &'m str,
    span: Span,
    /// The path of what holds it; empty for modules.
    owner: &'o str,
    wanted: Text,
}

/// How names were written before. Structs have many names in common.
struct Memory {
    change: fn(&str) -> String,
    known: RefCell<Table<Text, Text>>,
}

impl Memory {
    fn new(change: fn(&str) -> String) -> Self {
        Self {
            change,
            known: RefCell::default(),
        }
    }

    fn of(&self, name: &Text) -> Text {
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.get(name) {
            return known.clone();
        }
        let new = Text::from((self.change)(name));
        known.insert(name.clone(), new.clone());
        new
    }
}

/// Names that must differ from each other.
#[derive(Clone, Default)]
struct Scope<'m> {
    /// For names that the IDL chose: what it calls them, and where.
    taken: Table<Text, Option<(&'m str, Span)>>,
    /// How often a name was wanted again.
    again: BTreeMap<Text, usize>,
}

/// More `_` than this are a number instead.
const MOST_UNDERSCORES: usize = 3;

impl<'m> Scope<'m> {
    fn with(names: &[&str]) -> Self {
        Self {
            taken: names.iter().map(|name| (Text::from(*name), None)).collect(),
            ..Self::default()
        }
    }

    /// The name, with `_` behind it until it is new.
    fn take(&mut self, wanted: &Text, holder: Option<(&'m str, Span)>) -> Text {
        let base = plain(wanted);
        if self.insert(&base, holder) {
            return base;
        }
        let mut count = self.again.get(&base).copied().unwrap_or_default();
        loop {
            count += 1;
            let name = Text::from(if count <= MOST_UNDERSCORES {
                format!("{base}{}", "_".repeat(count))
            } else {
                format!("{base}_{count}")
            });
            if self.insert(&name, holder) {
                self.again.insert(base, count);
                return name;
            }
        }
    }

    fn clear(&mut self) {
        text::empty(&mut self.taken);
        self.again.clear();
    }

    /// Whether the name is new.
    fn insert(&mut self, name: &Text, holder: Option<(&'m str, Span)>) -> bool {
        match self.taken.entry(name.clone()) {
            Entry::Vacant(place) => {
                place.insert(holder);
                true
            }
            Entry::Occupied(_) => false,
        }
    }
}

struct Namer<'n> {
    model: &'n Model,
    renames: &'n Renames,
    diagnostics: &'n mut Diagnostics,
    names: Names,
    /// Structs and enums of the module at hand.
    types: Scope<'n>,
    /// Fields or enumerators of the item at hand.
    members: Scope<'n>,
    /// Names that generated methods use themselves, and that of the return value.
    params: Scope<'n>,
    snake: Memory,
    shout: Memory,
}

impl<'n> Namer<'n> {
    /// Names for the claims: chosen ones first, so that they get what was chosen.
    fn assign(&mut self, scope: &mut Scope<'n>, claims: &[Claim<'n, '_>]) -> Vec<Text> {
        scope.taken.reserve(claims.len());
        let mut names = vec![Text::default(); claims.len()];
        let mut others = Vec::with_capacity(claims.len());
        for (index, claim) in claims.iter().enumerate() {
            match self.chosen(claim) {
                Some(chosen) => names[index] = self.settle(scope, claim, &chosen.as_str().into()),
                None => others.push(index),
            }
        }
        for index in others {
            names[index] = self.settle(scope, &claims[index], &claims[index].wanted);
        }
        names
    }

    /// The name that the build script chose.
    fn chosen(&self, claim: &Claim<'_, '_>) -> Option<&'n String> {
        if self.renames.is_empty() {
            return None;
        }
        self.renames.get(&path(claim.owner, claim.idl))
    }

    fn settle(&mut self, scope: &mut Scope<'n>, claim: &Claim<'n, '_>, wanted: &Text) -> Text {
        let name = scope.take(wanted, Some((claim.idl, claim.span)));
        self.clash(scope, (claim.idl, claim.span, claim.owner), (wanted, &name));
        escape(name)
    }

    /// A name that is derived from that of an interface.
    fn derived(&mut self, scope: &mut Scope<'n>, item: &Interface, wanted: String) -> Text {
        let wanted = Text::from(wanted);
        let name = scope.take(&wanted, None);
        let owner = &self.model.module(item.module).name;
        self.clash(scope, (&item.name, item.span, owner), (&wanted, &name));
        escape(name)
    }

    /// Tells that a name did not become what it should, if somebody else has that one.
    fn clash(&mut self, scope: &Scope<'_>, (idl, span, owner): (&str, Span, &str), (wanted, name): (&Text, &Text)) {
        if wanted == name {
            return;
        }
        let base = plain(wanted);
        let Some((first, place)) = scope.taken.get(&base).copied().flatten().filter(|_| base != *name) else {
            return;
        };
        let message = format!("`{first}` and `{idl}` are both `{wanted}` in Rust");
        let warning = Diagnostic::new(Code::Renamed, span, message).label(format!("becomes `{name}`"));
        let warning = warning.related(place, "the other name");
        let help = if first == idl {
            // A choice is made for all that has the path.
            "rename one of them in the IDL".to_owned()
        } else {
            let path = path(owner, idl);
            format!("choose a name with `--rename {path}=NAME`, or `.rename(..)` in the build script")
        };
        self.diagnostics.push(warning.help(help));
    }

    fn modules(&mut self) {
        let model = self.model;
        let claims: Vec<Claim<'_, '_>> = model
            .modules()
            .map(|(_, module)| claim(&module.name, module.span, "", self.snake.of(&module.name)))
            .collect();
        let names = self.assign(&mut Scope::default(), &claims);
        self.names.modules = names
            .into_iter()
            .map(|name| ModuleNames {
                name,
                types: text::Names::default(),
            })
            .collect();
    }

    /// Structs and enums, before all else: the names of the schema win.
    fn types(&mut self, module: ModuleId) {
        let model = self.model;
        let home = &model.module(module).name;
        let mut items = Vec::new();
        let mut claims = Vec::new();
        for item in &model.module(module).items {
            let (name, span) = match item {
                Item::Struct(id) => (&model.structure(*id).name, model.structure(*id).span),
                Item::Enum(id) => (&model.enumeration(*id).name, model.enumeration(*id).span),
                Item::Const(_) | Item::Interface(_) => continue,
            };
            items.push(*item);
            claims.push(claim(name, span, home, camel(name).into()));
        }
        let mut scope = Scope::default();
        let names = self.assign(&mut scope, &claims);
        self.types = scope;
        for (item, name) in items.into_iter().zip(names) {
            match item {
                Item::Struct(id) => {
                    self.names.structs[id.index()] = Compound {
                        name,
                        members: self.fields(home, id),
                    }
                }
                Item::Enum(id) => {
                    self.names.enums[id.index()] = Compound {
                        name,
                        members: self.enumerators(home, id),
                    }
                }
                Item::Const(_) | Item::Interface(_) => {}
            }
        }
    }

    fn fields(&mut self, home: &str, id: crate::model::StructId) -> Vec<Text> {
        let model = self.model;
        let item = model.structure(id);
        let owner = format!("{home}.{}", item.name);
        let claims: Vec<Claim<'_, '_>> = item
            .fields
            .iter()
            .map(|field| claim(&field.name, field.span, &owner, self.snake.of(&field.name)))
            .collect();
        self.members(&claims)
    }

    /// Names for what has a scope of its own.
    fn members(&mut self, claims: &[Claim<'n, '_>]) -> Vec<Text> {
        let mut scope = std::mem::take(&mut self.members);
        let names = self.assign(&mut scope, claims);
        scope.clear();
        self.members = scope;
        names
    }

    fn enumerators(&mut self, home: &str, id: crate::model::EnumId) -> Vec<Text> {
        let model = self.model;
        let item = model.enumeration(id);
        let owner = format!("{home}.{}", item.name);
        let claims: Vec<Claim<'_, '_>> = item
            .enumerators
            .iter()
            .map(|value| claim(&value.name, value.span, &owner, self.shout.of(&value.name)))
            .collect();
        self.members(&claims)
    }

    fn consts(&mut self, module: ModuleId) {
        let model = self.model;
        let module_data = model.module(module);
        let ids: Vec<_> = module_data
            .items
            .iter()
            .filter_map(|item| if let Item::Const(id) = item { Some(*id) } else { None })
            .collect();
        let claims: Vec<Claim<'_, '_>> = ids
            .iter()
            .map(|id| model.constant(*id))
            .map(|item| claim(&item.name, item.span, &module_data.name, self.shout.of(&item.name)))
            .collect();
        // An enum is a tuple struct, and its constructor lives where constants do.
        let mut scope = self.types.clone();
        let names = self.assign(&mut scope, &claims);
        for (id, name) in ids.into_iter().zip(names) {
            self.names.consts[id.index()] = name;
        }
    }

    fn interfaces(&mut self, module: ModuleId) {
        let model = self.model;
        let module_data = model.module(module);
        let ids: Vec<_> = module_data
            .items
            .iter()
            .filter_map(|item| {
                if let Item::Interface(id) = item {
                    Some(*id)
                } else {
                    None
                }
            })
            .collect();
        let claims: Vec<Claim<'_, '_>> = ids
            .iter()
            .map(|id| model.interface(*id))
            .map(|item| claim(&item.name, item.span, &module_data.name, camel(&item.name).into()))
            .collect();
        let mut scope = std::mem::take(&mut self.types);
        let names = self.assign(&mut scope, &claims);
        for (id, name) in ids.into_iter().zip(names) {
            let names = self.interface(model.interface(id), name, &mut scope);
            self.names.interfaces[id.index()] = names;
        }
        self.names.modules[module.index()].types = scope.taken.into_keys().collect();
    }

    fn interface(&mut self, item: &'n Interface, name: Text, scope: &mut Scope<'n>) -> InterfaceNames {
        let owner = format!("{}.{}", self.model.module(item.module).name, item.name);
        // What is derived from the name does not carry the `_` of a clash.
        let bare = plain(&name);
        let bare = bare.trim_end_matches('_');
        let claims: Vec<Claim<'_, '_>> = item
            .operations
            .iter()
            .map(|op| claim(&op.name, op.span, &owner, self.snake.of(&op.name)))
            .collect();
        // `proxy` is a method of every client.
        let methods = self.assign(&mut Scope::with(&["proxy"]), &claims);
        let mut inner = Scope::default();
        let mut operations = Vec::new();
        for (operation, method) in item.operations.iter().zip(methods) {
            let mut names = self.operation(operation, &format!("{owner}.{}", operation.name));
            let stem = case::camel(&plain(&method));
            let stem = if stem.is_empty() { camel(&operation.name) } else { stem };
            names.marker = free(&mut inner, stem.clone());
            names.args = free(&mut inner, format!("{stem}Args"));
            names.reply = free(&mut inner, format!("{stem}Reply"));
            if operation.has_output_struct() {
                names.output = free(scope, format!("{bare}{stem}Output"));
            }
            names.method = method;
            operations.push(names);
        }
        InterfaceNames {
            server: self.derived(scope, item, format!("{bare}Server")),
            client: self.derived(scope, item, format!("{bare}Client")),
            module: free(scope, format!("{}_operations", case::snake(bare))),
            name,
            operations,
            types: inner.taken.into_keys().collect(),
        }
    }

    fn operation(&mut self, operation: &'n Operation, owner: &str) -> OperationNames {
        let claims: Vec<Claim<'_, '_>> = operation
            .params
            .iter()
            .map(|param| claim(&param.name, param.span, owner, self.snake.of(&param.name)))
            .collect();
        let mut scope = self.params.clone();
        if operation.ret.is_none() {
            scope.taken.remove("ret");
        }
        let params = self.assign(&mut scope, &claims);
        OperationNames {
            params,
            ret: "ret".into(),
            ..OperationNames::default()
        }
    }
}

/// A name that nobody in the IDL chose, or as near to it as is free.
fn free(scope: &mut Scope<'_>, wanted: String) -> Text {
    escape(scope.take(&wanted.into(), None))
}

fn claim<'m, 'o>(idl: &'m str, span: Span, owner: &'o str, wanted: Text) -> Claim<'m, 'o> {
    Claim {
        idl,
        span,
        owner,
        wanted,
    }
}

/// How a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Structs, enums, traits.
    Type,
    /// Modules, fields, parameters, methods.
    Value,
    Constant,
}

/// The Rust name of an IDL name that is alone in its scope.
pub(crate) fn usual(name: &str, style: Style) -> String {
    let name = match style {
        Style::Type => camel(name),
        Style::Value => snake(name),
        Style::Constant => shout(name),
    };
    escape(plain(&name.into())).to_string()
}

fn path(owner: &str, idl: &str) -> String {
    if owner.is_empty() {
        idl.to_owned()
    } else {
        format!("{owner}.{idl}")
    }
}

fn snake(name: &str) -> String {
    sound(case::snake(name), "underscore")
}

fn camel(name: &str) -> String {
    sound(case::camel(name), "Underscore")
}

fn shout(name: &str) -> String {
    sound(case::shout(name), "UNDERSCORE")
}

/// Case conversion drops outer underscores, which may leave nothing, or a digit in front.
fn sound(name: String, for_nothing: &str) -> String {
    match name.chars().next() {
        None => for_nothing.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// Words that Rust of any edition keeps for itself, in order.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words that cannot even be written raw.
const UNUSABLE: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Without `r#`; words that cannot be a name at all get their `_` here.
fn plain(name: &Text) -> Text {
    let bare = name.strip_prefix("r#").unwrap_or(name);
    if UNUSABLE.contains(&bare) {
        format!("{bare}_").into()
    } else if bare.len() < name.len() {
        bare.into()
    } else {
        name.clone()
    }
}

/// With `r#` where the name is a keyword.
fn escape(name: Text) -> Text {
    // None has another letter, which most names have.
    let simple = name.bytes().all(|byte| byte.is_ascii_lowercase());
    if simple && KEYWORDS.binary_search(&name.as_str()).is_ok() {
        format!("r#{name}").into()
    } else {
        name
    }
}

/// Whether a chosen name can be a Rust name.
pub(crate) fn is_usable(name: &str) -> bool {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !UNUSABLE.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        for (idl, rust) in [
            ("iTimeout", "i_timeout"),
            ("setID", "set_id"),
            ("_x", "x"),
            ("__", "underscore"),
            ("_1", "_1"),
        ] {
            assert_eq!(snake(idl), rust);
        }
        for (idl, rust) in [
            ("onStartupReq", "OnStartupReq"),
            ("AUTH_STATE", "AuthState"),
            ("tarsregistry", "Tarsregistry"),
        ] {
            assert_eq!(camel(idl), rust);
        }
        for (idl, rust) in [
            ("NOTIFYWARN", "NOTIFYWARN"),
            ("eTypeA", "E_TYPE_A"),
            ("AUTH_INIT", "AUTH_INIT"),
        ] {
            assert_eq!(shout(idl), rust);
        }
    }

    #[test]
    fn keywords_are_raw_and_clashes_grow() {
        assert_eq!(escape("type".into()), "r#type");
        assert_eq!(plain(&"self".into()), "self_");
        let mut scope = Scope::with(&["a"]);
        assert_eq!(
            ["a", "a", "b"].map(|name| free(&mut scope, name.to_owned())),
            ["a_", "a__", "b"]
        );
    }

    #[test]
    fn chosen_names() {
        for name in ["a", "r#type", "type", "_x", "A1"] {
            assert!(is_usable(name), "{name}");
        }
        for name in ["", "_", "self", "1a", "a b", "é", "r#"] {
            assert!(!is_usable(name), "{name}");
        }
    }
}
