//! Rust names for IDL names.
//!
//! Types become `UpperCamelCase`, fields, parameters, operations and modules `snake_case`, enumerators and constants
//! `SCREAMING_SNAKE_CASE`. Keywords are written raw. Where two names become one, the later gets `_` appended, with a
//! warning: a file never fails to compile because of names.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Interface, Item, Model, ModuleId, Operation};
use crate::source::Span;

/// The names of all definitions, in the order of the model's arenas.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) modules: Vec<ModuleNames>,
    pub(crate) structs: Vec<Compound>,
    pub(crate) enums: Vec<Compound>,
    pub(crate) consts: Vec<String>,
    pub(crate) interfaces: Vec<InterfaceNames>,
}

/// A module and all type names in it.
#[derive(Debug, Default)]
pub(crate) struct ModuleNames {
    pub(crate) name: String,
    pub(crate) types: BTreeSet<String>,
}

/// A struct or enum with its fields or enumerators.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compound {
    pub(crate) name: String,
    pub(crate) members: Vec<String>,
}

/// What an interface becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterfaceNames {
    /// The trait.
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) client: String,
    /// The module of the operations as they travel.
    pub(crate) module: String,
    pub(crate) operations: Vec<OperationNames>,
    /// All type names in that module.
    pub(crate) types: BTreeSet<String>,
}

/// What an operation becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperationNames {
    pub(crate) method: String,
    pub(crate) marker: String,
    pub(crate) args: String,
    pub(crate) reply: String,
    /// Only used when more than one value comes back.
    pub(crate) output: String,
    /// The return value among the values that come back.
    pub(crate) ret: String,
    pub(crate) params: Vec<String>,
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
    };
    namer
        .names
        .structs
        .resize_with(model.structs().len(), Compound::default);
    namer.names.enums.resize_with(model.enums().len(), Compound::default);
    namer.names.consts.resize_with(model.consts().len(), String::new);
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
struct Claim<'m> {
    /// Of the IDL, with its place and its path.
    idl: &'m str,
    span: Span,
    path: String,
    wanted: String,
}

/// Names that must differ from each other.
#[derive(Clone, Default)]
struct Scope {
    used: BTreeSet<String>,
    /// For names that the IDL chose: what it calls them, and where.
    holders: BTreeMap<String, (String, Span)>,
    /// How often a name was wanted again.
    again: BTreeMap<String, usize>,
}

/// More `_` than this are a number instead.
const MOST_UNDERSCORES: usize = 3;

impl Scope {
    fn with(names: &[&str]) -> Self {
        Self {
            used: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// The name, with `_` behind it until it is new.
    fn take(&mut self, wanted: &str) -> String {
        let base = plain(wanted);
        if self.used.insert(base.clone()) {
            return base;
        }
        let count = self.again.entry(base.clone()).or_default();
        loop {
            *count += 1;
            let name = if *count <= MOST_UNDERSCORES {
                format!("{base}{}", "_".repeat(*count))
            } else {
                format!("{base}_{count}")
            };
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

struct Namer<'n> {
    model: &'n Model,
    renames: &'n Renames,
    diagnostics: &'n mut Diagnostics,
    names: Names,
    /// Structs and enums of the module at hand.
    types: Scope,
}

impl Namer<'_> {
    /// Names for the claims: chosen ones first, so that they get what was chosen.
    fn assign(&mut self, scope: &mut Scope, claims: &[Claim<'_>]) -> Vec<String> {
        let mut names = vec![String::new(); claims.len()];
        let (chosen, others): (Vec<usize>, Vec<usize>) =
            (0..claims.len()).partition(|index| self.renames.contains_key(&claims[*index].path));
        for index in chosen.into_iter().chain(others) {
            let claim = &claims[index];
            let wanted = self.renames.get(&claim.path).unwrap_or(&claim.wanted);
            let name = scope.take(wanted);
            self.clash(scope, (claim.idl, claim.span, &claim.path), (wanted, &name));
            scope.holders.insert(name.clone(), (claim.idl.to_owned(), claim.span));
            names[index] = escape(&name);
        }
        names
    }

    /// A name that is derived from that of an interface.
    fn derived(&mut self, scope: &mut Scope, item: &Interface, wanted: &str) -> String {
        let name = scope.take(wanted);
        let path = format!("{}.{}", self.model.module(item.module).name, item.name);
        self.clash(scope, (&item.name, item.span, &path), (wanted, &name));
        escape(&name)
    }

    /// Tells that a name did not become what it should, if somebody else has that one.
    fn clash(&mut self, scope: &Scope, (idl, span, path): (&str, Span, &str), (wanted, name): (&str, &str)) {
        if wanted == name {
            return;
        }
        let Some((first, place)) = scope.holders.get(&plain(wanted)).filter(|_| plain(wanted) != name) else {
            return;
        };
        let message = format!("`{first}` and `{idl}` are both `{wanted}` in Rust");
        let warning = Diagnostic::new(Code::Renamed, span, message).label(format!("becomes `{name}`"));
        let warning = warning.related(*place, "the other name");
        let help = if first == idl {
            // A choice is made for all that has the path.
            "rename one of them in the IDL".to_owned()
        } else {
            format!("choose a name with `.rename(\"{path}\", \"..\")`")
        };
        self.diagnostics.push(warning.help(help));
    }

    fn modules(&mut self) {
        let claims: Vec<Claim<'_>> = self
            .model
            .modules()
            .map(|(_, module)| claim(&module.name, module.span, "", snake(&module.name)))
            .collect();
        let names = self.assign(&mut Scope::default(), &claims);
        self.names.modules = names
            .into_iter()
            .map(|name| ModuleNames {
                name,
                types: BTreeSet::new(),
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
            claims.push(claim(name, span, home, camel(name)));
        }
        let mut scope = Scope::default();
        let names = self.assign(&mut scope, &claims);
        self.names.modules[module.index()].types.clone_from(&scope.used);
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

    fn fields(&mut self, home: &str, id: crate::model::StructId) -> Vec<String> {
        let item = self.model.structure(id);
        let owner = format!("{home}.{}", item.name);
        let claims: Vec<Claim<'_>> = item
            .fields
            .iter()
            .map(|field| claim(&field.name, field.span, &owner, snake(&field.name)))
            .collect();
        self.assign(&mut Scope::default(), &claims)
    }

    fn enumerators(&mut self, home: &str, id: crate::model::EnumId) -> Vec<String> {
        let item = self.model.enumeration(id);
        let owner = format!("{home}.{}", item.name);
        let claims: Vec<Claim<'_>> = item
            .enumerators
            .iter()
            .map(|value| claim(&value.name, value.span, &owner, shout(&value.name)))
            .collect();
        self.assign(&mut Scope::default(), &claims)
    }

    fn consts(&mut self, module: ModuleId) {
        let model = self.model;
        let module_data = model.module(module);
        let ids: Vec<_> = module_data
            .items
            .iter()
            .filter_map(|item| if let Item::Const(id) = item { Some(*id) } else { None })
            .collect();
        let claims: Vec<Claim<'_>> = ids
            .iter()
            .map(|id| model.constant(*id))
            .map(|item| claim(&item.name, item.span, &module_data.name, shout(&item.name)))
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
        let claims: Vec<Claim<'_>> = ids
            .iter()
            .map(|id| model.interface(*id))
            .map(|item| claim(&item.name, item.span, &module_data.name, camel(&item.name)))
            .collect();
        let mut scope = std::mem::take(&mut self.types);
        let names = self.assign(&mut scope, &claims);
        for (id, name) in ids.into_iter().zip(names) {
            let names = self.interface(model.interface(id), name, &mut scope);
            self.names.interfaces[id.index()] = names;
        }
        self.names.modules[module.index()].types = scope.used;
    }

    fn interface(&mut self, item: &Interface, name: String, scope: &mut Scope) -> InterfaceNames {
        let owner = format!("{}.{}", self.model.module(item.module).name, item.name);
        // What is derived from the name does not carry the `_` of a clash.
        let bare = plain(&name).trim_end_matches('_').to_owned();
        let claims: Vec<Claim<'_>> = item
            .operations
            .iter()
            .map(|op| claim(&op.name, op.span, &owner, snake(&op.name)))
            .collect();
        // `proxy` is a method of every client.
        let methods = self.assign(&mut Scope::with(&["proxy"]), &claims);
        let mut inner = Scope::default();
        let mut operations = Vec::new();
        for (operation, method) in item.operations.iter().zip(methods) {
            let mut names = self.operation(operation, &format!("{owner}.{}", operation.name));
            let stem = plain(&method).to_upper_camel_case();
            let stem = if stem.is_empty() { camel(&operation.name) } else { stem };
            names.marker = escape(&inner.take(&stem));
            names.args = escape(&inner.take(&format!("{stem}Args")));
            names.reply = escape(&inner.take(&format!("{stem}Reply")));
            if operation.has_output_struct() {
                names.output = escape(&scope.take(&format!("{bare}{stem}Output")));
            }
            names.method = method;
            operations.push(names);
        }
        InterfaceNames {
            server: self.derived(scope, item, &format!("{bare}Server")),
            client: self.derived(scope, item, &format!("{bare}Client")),
            module: escape(&scope.take(&format!("{}_operations", bare.to_snake_case()))),
            name,
            operations,
            types: inner.used,
        }
    }

    fn operation(&mut self, operation: &Operation, owner: &str) -> OperationNames {
        let claims: Vec<Claim<'_>> = operation
            .params
            .iter()
            .map(|param| claim(&param.name, param.span, owner, snake(&param.name)))
            .collect();
        // Names that generated methods use themselves, and that of the return value.
        let mut scope = Scope::with(&["self", "cx", "args", "request", "ret"]);
        if operation.ret.is_none() {
            scope.used.remove("ret");
        }
        let params = self.assign(&mut scope, &claims);
        OperationNames {
            params,
            ret: "ret".to_owned(),
            ..OperationNames::default()
        }
    }
}

fn claim<'m>(idl: &'m str, span: Span, owner: &str, wanted: String) -> Claim<'m> {
    let path = if owner.is_empty() {
        idl.to_owned()
    } else {
        format!("{owner}.{idl}")
    };
    Claim {
        idl,
        span,
        path,
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
    escape(&plain(&name))
}

fn snake(name: &str) -> String {
    sound(name.to_snake_case(), "underscore")
}

fn camel(name: &str) -> String {
    sound(name.to_upper_camel_case(), "Underscore")
}

fn shout(name: &str) -> String {
    sound(name.to_shouty_snake_case(), "UNDERSCORE")
}

/// Case conversion drops outer underscores, which may leave nothing, or a digit in front.
fn sound(name: String, for_nothing: &str) -> String {
    match name.chars().next() {
        None => for_nothing.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// Words that Rust of any edition keeps for itself.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words that cannot even be written raw.
const UNUSABLE: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Without `r#`; words that cannot be a name at all get their `_` here.
fn plain(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    if UNUSABLE.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

/// With `r#` where the name is a keyword.
fn escape(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
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
        assert_eq!(escape("type"), "r#type");
        assert_eq!(plain("self"), "self_");
        let mut scope = Scope::with(&["a"]);
        assert_eq!(
            (scope.take("a"), scope.take("a"), scope.take("b")),
            ("a_".into(), "a__".into(), "b".into())
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
