//! Finds what every name means. Order does not matter: a name may be used before its declaration, as TarsGo allows.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::ast::{self, Basic, Definition, Lost, Shape, TypeKind};
use crate::diag::foreign::{self, Ours};
use crate::diag::{Code, Diagnostic, Diagnostics, suggest};
use crate::include::Program;
use crate::model::{Bounded, ConstId, EnumId, Int, InterfaceId, Item, ModuleId, StructId, Type};
use crate::source::{FileId, Span};
use crate::text::{Doc, Table};

/// A module over all files that open it.
#[derive(Debug)]
pub(crate) struct DraftModule<'a> {
    pub(crate) name: &'a ast::Name,
    pub(crate) doc: Doc,
    pub(crate) items: Vec<Item>,
    pub(crate) files: Vec<FileId>,
}

/// A definition with the types of its parts: fields in the order they are written; for an operation its return value
/// and then its parameters. `None` where a name is unknown, which is reported.
#[derive(Debug)]
pub(crate) struct Resolved<'a, T> {
    pub(crate) module: ModuleId,
    pub(crate) ast: &'a T,
    pub(crate) types: Vec<Option<Bounded>>,
}

/// Names resolved, nothing checked.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    pub(crate) modules: Vec<DraftModule<'a>>,
    pub(crate) structs: Vec<Resolved<'a, ast::Struct>>,
    pub(crate) enums: Vec<Resolved<'a, ast::Enum>>,
    pub(crate) consts: Vec<Resolved<'a, ast::Const>>,
    pub(crate) interfaces: Vec<Resolved<'a, ast::Interface>>,
    pub(crate) keys: Vec<(ModuleId, &'a ast::Key)>,
    /// A name that is not found may stand where nothing could be read.
    pub(crate) lost: Lost,
    /// Where modules end is not certain, so a type may belong to another one.
    unbalanced: bool,
    module_ids: BTreeMap<&'a str, ModuleId>,
    types: BTreeMap<(ModuleId, &'a str), (Item, Span)>,
    /// For the question what may have been meant.
    by_lower_case: BTreeMap<String, Vec<(ModuleId, &'a str)>>,
    others: BTreeMap<(ModuleId, &'static str, &'a str), Span>,
    /// How many names may still be compared with unknown ones.
    comparisons: Cell<usize>,
}

/// Modules whose names are compared with an unknown one.
const MOST_MODULES: usize = 100;
/// Names that are compared with unknown ones, over a whole run.
const MOST_COMPARED: usize = 20_000;

/// Resolves all names of a program.
pub(crate) fn run<'a>(program: &'a Program, diagnostics: &mut Diagnostics) -> Draft<'a> {
    let mut draft = Draft {
        comparisons: Cell::new(MOST_COMPARED),
        ..Draft::default()
    };
    draft.lost.anything = program.incomplete;
    let homes = homes(program);
    for file in &program.files {
        draft.lost.merge(&file.lost);
        draft.unbalanced |= file.unbalanced;
        declare_file(&mut draft, file, homes.get(&file.id).copied(), diagnostics);
    }
    resolve_types(&mut draft, diagnostics);
    draft
}

/// For each file that is included inside a module: where that module is named first.
fn homes(program: &Program) -> Table<FileId, &ast::Name> {
    let mut first = Table::default();
    if !program.homes.is_empty() {
        for module in program.files.iter().flat_map(|file| &file.modules) {
            first.entry(module.name.text.as_str()).or_insert(&module.name);
        }
    }
    let homes = program.homes.iter();
    homes
        .filter_map(|(file, home)| Some((*file, *first.get(home.as_str())?)))
        .collect()
}

fn declare_file<'a>(
    draft: &mut Draft<'a>,
    file: &'a ast::File,
    home: Option<&'a ast::Name>,
    diagnostics: &mut Diagnostics,
) {
    for module in &file.modules {
        let id = draft.open(&module.name, module.doc.clone(), file.id);
        for definition in &module.definitions {
            draft.declare(id, definition, diagnostics);
        }
    }
    let Some(first) = file.bare.first() else { return };
    if let Some(home) = home {
        // The including file stands behind this one, so its module may not be open yet.
        let open = draft.module_named(&home.text);
        let id = open.unwrap_or_else(|| draft.open(home, Doc::default(), file.id));
        for definition in &file.bare {
            draft.declare(id, definition, diagnostics);
        }
        return;
    }
    let names = file.bare.iter().filter_map(Definition::declares);
    draft.lost.definitions.extend(names.map(str::to_owned));
    if !file.unbalanced {
        let (kind, span) = first.describe();
        let error = Diagnostic::new(Code::OutsideModule, span, format!("{kind} outside a module"));
        diagnostics.push(error.help("put the definitions of this file into `module NAME { .. };`"));
    }
}

impl<'a> Draft<'a> {
    fn open(&mut self, name: &'a ast::Name, doc: Doc, file: FileId) -> ModuleId {
        let next = ModuleId::new(self.modules.len());
        let id = *self.module_ids.entry(name.text.as_str()).or_insert(next);
        if id == next {
            self.modules.push(DraftModule {
                name,
                doc: Doc::default(),
                items: Vec::new(),
                files: Vec::new(),
            });
        }
        let module = &mut self.modules[id.index()];
        if module.doc.is_empty() {
            module.doc = doc;
        }
        // Files come one after the other.
        if module.files.last() != Some(&file) {
            module.files.push(file);
        }
        id
    }

    fn declare(&mut self, module: ModuleId, definition: &'a Definition, diagnostics: &mut Diagnostics) {
        match definition {
            Definition::Struct(ast) => {
                let item = Item::Struct(StructId::new(self.structs.len()));
                self.structs.push(Resolved {
                    module,
                    ast,
                    types: Vec::new(),
                });
                self.declare_type(module, &ast.name, item, diagnostics);
            }
            Definition::Enum(ast) => {
                let item = Item::Enum(EnumId::new(self.enums.len()));
                self.enums.push(Resolved {
                    module,
                    ast,
                    types: Vec::new(),
                });
                self.declare_type(module, &ast.name, item, diagnostics);
            }
            Definition::Const(ast) => {
                let item = Item::Const(ConstId::new(self.consts.len()));
                self.consts.push(Resolved {
                    module,
                    ast,
                    types: Vec::new(),
                });
                self.declare_other(module, ("constant", &ast.decl.name), item, diagnostics);
            }
            Definition::Interface(ast) => {
                let item = Item::Interface(InterfaceId::new(self.interfaces.len()));
                self.interfaces.push(Resolved {
                    module,
                    ast,
                    types: Vec::new(),
                });
                self.declare_other(module, ("interface", &ast.name), item, diagnostics);
            }
            Definition::Key(ast) => self.keys.push((module, ast)),
        }
    }

    fn declare_type(&mut self, module: ModuleId, name: &'a ast::Name, item: Item, diagnostics: &mut Diagnostics) {
        if let Some((_, first)) = self.types.get(&(module, name.text.as_str())) {
            let message = format!("type `{}` is declared twice", self.full_name(module, &name.text));
            let error = Diagnostic::new(Code::DuplicateType, name.span, message).label("second declaration");
            diagnostics.push(error.related(*first, "first declared here"));
            return;
        }
        self.types.insert((module, name.text.as_str()), (item, name.span));
        self.by_lower_case
            .entry(name.text.to_ascii_lowercase())
            .or_default()
            .push((module, &name.text));
        self.modules[module.index()].items.push(item);
    }

    fn declare_other(
        &mut self,
        module: ModuleId,
        (kind, name): (&'static str, &'a ast::Name),
        item: Item,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(first) = self.others.get(&(module, kind, name.text.as_str())) {
            let message = format!("{kind} `{}` is declared twice", self.full_name(module, &name.text));
            let error = Diagnostic::new(Code::DuplicateItem, name.span, message).label("second declaration");
            diagnostics.push(error.related(*first, "first declared here"));
            return;
        }
        self.others.insert((module, kind, name.text.as_str()), name.span);
        self.modules[module.index()].items.push(item);
    }

    /// `Module::Name`
    pub(crate) fn full_name(&self, module: ModuleId, name: &str) -> String {
        format!("{}::{name}", self.modules[module.index()].name.text)
    }

    /// The module of a name.
    pub(crate) fn module_named(&self, name: &str) -> Option<ModuleId> {
        self.module_ids.get(name).copied()
    }

    /// The type of a name in a module.
    pub(crate) fn type_named(&self, module: ModuleId, name: &str) -> Option<Item> {
        self.types.get(&(module, name)).map(|(item, _)| *item)
    }

    /// What a path in `module` means as a type.
    pub(crate) fn lookup(&self, module: ModuleId, path: &ast::Path) -> Result<Item, Diagnostic> {
        self.lookup_or(module, path, &TYPE_WORDS)
    }

    /// The same, where one of these words may have been meant.
    fn lookup_or(&self, module: ModuleId, path: &ast::Path, words: &[&'static str]) -> Result<Item, Diagnostic> {
        let found = match (path.rooted, path.segments.as_slice()) {
            (false, [name]) => self.type_named(module, &name.text),
            (false, [other, name]) => self
                .module_named(&other.text)
                .and_then(|other| self.type_named(other, &name.text)),
            _ => None,
        };
        found.ok_or_else(|| self.unknown(module, path, words))
    }

    /// `words` are those of the language that may have been meant.
    fn unknown(&self, module: ModuleId, path: &ast::Path, words: &[&'static str]) -> Diagnostic {
        let text = path.text();
        let last = path.segments.last().map_or("", |name| name.text.as_str());
        let home = match path.segments.as_slice() {
            [other, _] => self.module_named(&other.text),
            _ => Some(module),
        };
        for kind in ["interface", "constant"] {
            if home.is_some_and(|home| self.others.contains_key(&(home, kind, last))) {
                let article = if kind == "interface" { "an" } else { "a" };
                return Diagnostic::new(
                    Code::NotAType,
                    path.span,
                    format!("`{text}` is {article} {kind}, not a type"),
                );
            }
        }
        let error = Diagnostic::new(Code::UnknownType, path.span, format!("unknown type `{text}`"))
            .help("declare it, or include the file that does");
        let error = match path.segments.as_slice() {
            [other, _] if !path.rooted && self.module_named(&other.text).is_none() => {
                error.label(format!("there is no module `{}`", other.text))
            }
            [_, _, _, ..] => error.label("a type of another module is `Module::Type`"),
            _ if path.rooted => error.label("no path begins with `::`"),
            _ => error,
        };
        match self.similar(module, path, words) {
            Some(Similar::Type(meant)) => error.meant(Some(&meant)),
            Some(Similar::Ours(ours)) => error.instead(ours),
            None => error,
        }
    }

    /// A type that the writer may have meant: the same name elsewhere, in other case, or misspelt.
    fn similar(&self, module: ModuleId, path: &ast::Path, words: &[&'static str]) -> Option<Similar> {
        let last = path.segments.last().map_or("", |name| name.text.as_str());
        let spelt = |(home, name): (ModuleId, &str)| {
            if home == module {
                name.to_owned()
            } else {
                self.full_name(home, name)
            }
        };
        if let Some(candidates) = self.by_lower_case.get(&last.to_ascii_lowercase()) {
            let exact = candidates.iter().find(|(_, other)| *other == last);
            let here = || candidates.iter().find(|(home, _)| *home == module);
            return exact.or_else(here).copied().map(spelt).map(Similar::Type);
        }
        let home = match path.segments.as_slice() {
            [_] => module,
            [other, rest @ ..] => {
                let Some(home) = self.module_named(&other.text) else {
                    let ours = || foreign::of_type(last).filter(|_| rest.len() == 1).map(Similar::Ours);
                    return self
                        .in_similar_module(&other.text, rest)
                        .map(Similar::Type)
                        .or_else(ours);
                };
                home
            }
            [] => return None,
        };
        if home == module
            && let Some(ours) = foreign::of_type(last)
        {
            return Some(Similar::Ours(ours));
        }
        let own = self.types.range((home, "")..).take_while(|((id, _), _)| *id == home);
        let ours = words.iter().copied().filter(|_| home == module);
        let meant = self.nearest(last, ours.chain(own.map(|((_, name), _)| *name)))?;
        let word = words.iter().copied().find(|word| *word == meant);
        Some(word.map_or_else(
            || Similar::Type(spelt((home, meant))),
            |word| Similar::Ours(Ours::Word(word)),
        ))
    }

    /// A type whose module may have been misspelt.
    fn in_similar_module(&self, module: &str, rest: &[ast::Name]) -> Option<String> {
        let modules = self.module_ids.keys().copied().take(MOST_MODULES);
        let home = self.module_named(self.nearest(module, modules)?)?;
        let [name] = rest else { return None };
        self.type_named(home, &name.text)
            .map(|_| self.full_name(home, &name.text))
    }

    /// The name among those known that may have been meant. Comparing takes time: many unknown names where many are known
    /// must not cost the square.
    pub(crate) fn nearest<'k>(&self, name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        let left = self.comparisons.get();
        let known: Vec<&str> = known.into_iter().take(left).collect();
        self.comparisons.set(left - known.len());
        suggest::nearest(name, known)
    }

    /// The type of a declarator: an array is a vector of bounded length, a pointer to bytes is bytes.
    fn declarator(&self, module: ModuleId, decl: &ast::Declarator, diagnostics: &mut Diagnostics) -> Option<Bounded> {
        let ty = self.bounded(module, &decl.ty, diagnostics)?;
        let vector = |ty| {
            if ty == Type::Int(Int::I8) {
                Type::Bytes
            } else {
                Type::Vector(Rc::new(ty))
            }
        };
        Some(match decl.shape {
            Shape::Plain => ty,
            Shape::Array(size) => Bounded {
                ty: vector(ty.ty),
                max_len: bound(size),
            },
            Shape::Pointer(_) => Bounded {
                ty: vector(ty.ty),
                max_len: None,
            },
        })
    }

    fn bounded(&self, module: ModuleId, ty: &ast::Type, diagnostics: &mut Diagnostics) -> Option<Bounded> {
        let max_len = ty.size.as_deref().copied().and_then(bound);
        Some(Bounded {
            ty: self.resolve(module, ty, diagnostics)?,
            max_len,
        })
    }

    fn resolve(&self, module: ModuleId, ty: &ast::Type, diagnostics: &mut Diagnostics) -> Option<Type> {
        match &ty.kind {
            TypeKind::Basic(basic) => Some(basic_type(*basic)),
            TypeKind::Vector(element) => {
                let element = self.resolve(module, element, diagnostics)?;
                Some(if element == Type::Int(Int::I8) {
                    Type::Bytes
                } else {
                    Type::Vector(Rc::new(element))
                })
            }
            TypeKind::Map(key, value) => {
                let (key, value) = (
                    self.resolve(module, key, diagnostics),
                    self.resolve(module, value, diagnostics),
                );
                Some(Type::Map(Rc::new(key?), Rc::new(value?)))
            }
            TypeKind::Named(path) => match self.lookup(module, path) {
                Ok(Item::Struct(id)) => Some(Type::Struct(id)),
                Ok(Item::Enum(id)) => Some(Type::Enum(id)),
                Ok(_) => None,
                Err(error) => {
                    self.say(path, error, diagnostics);
                    None
                }
            },
            TypeKind::Bad => None,
        }
    }

    /// The type of a return value, where `void` may have been meant, too.
    fn returned(&self, module: ModuleId, ty: &ast::Type, diagnostics: &mut Diagnostics) -> Option<Bounded> {
        if let TypeKind::Named(path) = &ty.kind
            && self.lookup_or(module, path, &RETURN_WORDS).is_err_and(|error| {
                self.say(path, error, diagnostics);
                true
            })
        {
            return None;
        }
        self.bounded(module, ty, diagnostics)
    }

    /// Whether a path may mean what stands where nothing could be read, or in another module than it seems.
    pub(crate) fn may_be_lost(&self, path: &ast::Path) -> bool {
        let last = path.segments.last().map_or("", |name| name.text.as_str());
        let elsewhere = || self.by_lower_case.contains_key(&last.to_ascii_lowercase());
        self.lost.may_define(path) || (self.unbalanced && elsewhere())
    }

    /// Reports an unknown name, unless it may be declared where nothing could be read.
    pub(crate) fn say(&self, path: &ast::Path, error: Diagnostic, diagnostics: &mut Diagnostics) {
        if error.code == Code::NotAType || !self.may_be_lost(path) {
            diagnostics.push(error);
        }
    }
}

/// What may have been meant by the name of a type that is unknown.
enum Similar {
    /// A type that is declared.
    Type(String),
    /// What the language has for it.
    Ours(Ours),
}

/// Words that a misspelt type may be meant to be.
const TYPE_WORDS: [&str; 10] = [
    "bool", "byte", "short", "int", "long", "float", "double", "string", "vector", "map",
];

/// The same where an operation says what it returns.
const RETURN_WORDS: [&str; 11] = [
    "void", "bool", "byte", "short", "int", "long", "float", "double", "string", "vector", "map",
];

fn resolve_types(draft: &mut Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut structs = std::mem::take(&mut draft.structs);
    for item in &mut structs {
        let fields = item.ast.fields.iter();
        item.types = fields
            .map(|field| draft.declarator(item.module, &field.decl, diagnostics))
            .collect();
    }
    draft.structs = structs;
    let mut consts = std::mem::take(&mut draft.consts);
    for item in &mut consts {
        item.types = vec![draft.declarator(item.module, &item.ast.decl, diagnostics)];
    }
    draft.consts = consts;
    let mut interfaces = std::mem::take(&mut draft.interfaces);
    for item in &mut interfaces {
        for operation in &item.ast.operations {
            let ret = operation
                .ret
                .as_ref()
                .and_then(|ty| draft.returned(item.module, ty, diagnostics));
            item.types.push(ret);
            let params = operation.params.iter();
            item.types
                .extend(params.map(|param| draft.declarator(item.module, &param.decl, diagnostics)));
        }
    }
    draft.interfaces = interfaces;
}

fn bound(size: ast::Size) -> Option<u32> {
    size.value.and_then(|value| u32::try_from(value).ok())
}

fn basic_type(basic: Basic) -> Type {
    match basic {
        Basic::Bool => Type::Bool,
        Basic::Byte => Type::Int(Int::I8),
        Basic::Short => Type::Int(Int::I16),
        Basic::Int => Type::Int(Int::I32),
        Basic::Long => Type::Int(Int::I64),
        Basic::UnsignedByte => Type::Int(Int::U8),
        Basic::UnsignedShort => Type::Int(Int::U16),
        Basic::UnsignedInt => Type::Int(Int::U32),
        Basic::Float => Type::Float,
        Basic::Double => Type::Double,
        Basic::String => Type::String,
    }
}
