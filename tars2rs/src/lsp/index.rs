//! What every name of a run means: symbols, and all places where they are named.

use std::collections::BTreeMap;

use crate::ast::{self, Type, TypeKind, ValueKind};
use crate::include::Program;
use crate::model::{self, Bounded, EnumId, Item, ModuleId};
use crate::resolve::Draft;
use crate::source::{FileId, Span};
use crate::text::{Doc, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Module,
    Struct,
    Enum,
    Const,
    Interface,
    Field,
    Enumerator,
    Operation,
    Param,
}

/// Something with a name.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) kind: Kind,
    pub(crate) name: Text,
    /// The name where it is declared; of a module, where it is first opened.
    pub(crate) span: Span,
    /// What it stands in, such as `M::S`; empty for modules.
    pub(crate) owner: Text,
    pub(crate) doc: Doc,
}

/// What is meant at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By its place in [`Index::symbols`].
    Symbol(usize),
    /// An included file.
    File(FileId),
}

/// A place where something is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occurrence {
    pub(crate) span: Span,
    pub(crate) target: Target,
}

/// All of it. Every symbol is also named where it is declared.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) symbols: Vec<Symbol>,
    /// In the order of the text.
    pub(crate) occurrences: Vec<Occurrence>,
}

impl Index {
    /// Collects the names of a program.
    pub(crate) fn of(program: &Program, draft: &Draft<'_>) -> Self {
        let mut builder = Builder {
            draft,
            index: Self::default(),
            modules: Vec::new(),
            structs: Vec::new(),
            enums: Vec::new(),
            fields: BTreeMap::new(),
            enumerators: BTreeMap::new(),
            in_module: BTreeMap::new(),
        };
        builder.declare_modules(program);
        builder.declare_types();
        builder.name_types();
        let mut index = builder.index;
        let files = program.includes.iter().map(|edge| Occurrence {
            span: edge.span,
            target: Target::File(edge.to),
        });
        index.occurrences.extend(files);
        index.occurrences.sort_by_key(|occurrence| occurrence.span);
        index
    }

    /// What is named at an offset, or ends there.
    pub(crate) fn at(&self, offset: u32) -> Option<Occurrence> {
        let behind = self.occurrences.partition_point(|found| found.span.start <= offset);
        let found = self.occurrences[..behind].last()?;
        (offset <= found.span.end).then_some(*found)
    }

    /// Every place where a symbol is named.
    pub(crate) fn places(&self, symbol: usize) -> impl Iterator<Item = Span> {
        let of = move |found: &&Occurrence| found.target == Target::Symbol(symbol);
        self.occurrences.iter().filter(of).map(|found| found.span)
    }

    /// The symbol declared at an offset.
    pub(crate) fn declared_at(&self, start: u32) -> Option<usize> {
        let first = self.occurrences.partition_point(|found| found.span.start < start);
        match self.occurrences.get(first)?.target {
            Target::Symbol(symbol) if self.symbols[symbol].span.start == start => Some(symbol),
            _ => None,
        }
    }
}

struct Builder<'b, 'a> {
    draft: &'b Draft<'a>,
    index: Index,
    /// The symbols of the draft's modules, structs and enums.
    modules: Vec<usize>,
    structs: Vec<usize>,
    enums: Vec<usize>,
    /// By symbol of the struct.
    fields: BTreeMap<(usize, &'a str), usize>,
    enumerators: BTreeMap<(EnumId, &'a str), usize>,
    /// The first enumerator of a name in a module.
    in_module: BTreeMap<(ModuleId, &'a str), usize>,
}

impl<'a> Builder<'_, 'a> {
    fn declare(&mut self, kind: Kind, name: &ast::Name, owner: &Text, doc: &Doc) -> usize {
        let symbol = self.index.symbols.len();
        self.index.symbols.push(Symbol {
            kind,
            name: name.text.clone(),
            span: name.span,
            owner: owner.clone(),
            doc: doc.clone(),
        });
        self.name(name.span, symbol);
        symbol
    }

    fn name(&mut self, span: Span, symbol: usize) {
        let target = Target::Symbol(symbol);
        self.index.occurrences.push(Occurrence { span, target });
    }

    fn declare_modules(&mut self, program: &Program) {
        for module in &self.draft.modules {
            let symbol = self.declare(Kind::Module, module.name, &Text::default(), &module.doc);
            self.modules.push(symbol);
        }
        for module in program.files.iter().flat_map(|file| &file.modules) {
            if let Some(id) = self.draft.module_named(&module.name.text) {
                let symbol = self.modules[id.index()];
                if self.index.symbols[symbol].span != module.name.span {
                    self.name(module.name.span, symbol);
                }
            }
        }
    }

    fn module_text(&self, id: ModuleId) -> &'a Text {
        &self.draft.modules[id.index()].name.text
    }

    fn declare_types(&mut self) {
        let draft = self.draft;
        for item in &draft.structs {
            let home = self.module_text(item.module);
            let symbol = self.declare(Kind::Struct, &item.ast.name, home, &item.ast.doc);
            self.structs.push(symbol);
            let owner = Text::from(format!("{home}::{}", item.ast.name.text));
            for field in &item.ast.fields {
                let member = self.declare(Kind::Field, &field.decl.name, &owner, &field.doc);
                self.fields.entry((symbol, &field.decl.name.text)).or_insert(member);
            }
        }
        for (index, item) in draft.enums.iter().enumerate() {
            let home = self.module_text(item.module);
            let symbol = self.declare(Kind::Enum, &item.ast.name, home, &item.ast.doc);
            self.enums.push(symbol);
            let owner = Text::from(format!("{home}::{}", item.ast.name.text));
            for enumerator in &item.ast.enumerators {
                let member = self.declare(Kind::Enumerator, &enumerator.name, &owner, &enumerator.doc);
                let text = enumerator.name.text.as_str();
                self.enumerators.entry((EnumId::new(index), text)).or_insert(member);
                self.in_module.entry((item.module, text)).or_insert(member);
            }
        }
    }

    fn name_types(&mut self) {
        let draft = self.draft;
        for item in &draft.structs {
            for (field, ty) in item.ast.fields.iter().zip(&item.types) {
                self.declarator(item.module, &field.decl, field.default.as_ref(), ty.as_ref());
            }
        }
        for (index, item) in draft.enums.iter().enumerate() {
            let values = item.ast.enumerators.iter();
            for value in values.filter_map(|enumerator| enumerator.value.as_ref()) {
                self.value(item.module, value, Some(EnumId::new(index)));
            }
        }
        for item in &draft.consts {
            let (home, ty) = (self.module_text(item.module), item.types.first());
            self.declare(Kind::Const, &item.ast.decl.name, home, &item.ast.doc);
            let ty = ty.and_then(Option::as_ref);
            self.declarator(item.module, &item.ast.decl, Some(&item.ast.value), ty);
        }
        for item in &draft.interfaces {
            self.interface(item.module, item.ast);
        }
        for (module, key) in &draft.keys {
            let Some(Item::Struct(id)) = self.path(*module, &key.target) else {
                continue;
            };
            let owner = self.structs[id.index()];
            for member in &key.members {
                if let Some(field) = self.fields.get(&(owner, member.text.as_str())).copied() {
                    self.name(member.span, field);
                }
            }
        }
    }

    fn interface(&mut self, module: ModuleId, item: &ast::Interface) {
        let home = self.module_text(module);
        self.declare(Kind::Interface, &item.name, home, &item.doc);
        let owner = Text::from(format!("{home}::{}", item.name.text));
        for operation in &item.operations {
            self.declare(Kind::Operation, &operation.name, &owner, &operation.doc);
            if let Some(ty) = &operation.ret {
                self.ty(module, ty);
            }
            let inner = Text::from(format!("{owner}::{}", operation.name.text));
            for param in &operation.params {
                self.declare(Kind::Param, &param.decl.name, &inner, &Doc::default());
                self.ty(module, &param.decl.ty);
            }
        }
    }

    fn declarator(
        &mut self,
        module: ModuleId,
        decl: &ast::Declarator,
        value: Option<&ast::Value>,
        ty: Option<&Bounded>,
    ) {
        self.ty(module, &decl.ty);
        if let (Some(value), Some(model::Type::Enum(id))) = (value, ty.map(|bounded| &bounded.ty)) {
            self.value(module, value, Some(*id));
        }
    }

    fn ty(&mut self, module: ModuleId, ty: &Type) {
        match &ty.kind {
            TypeKind::Basic(_) | TypeKind::Bad => {}
            TypeKind::Vector(element) => self.ty(module, element),
            TypeKind::Map(key, value) => {
                self.ty(module, key);
                self.ty(module, value);
            }
            TypeKind::Named(path) => {
                self.path(module, path);
            }
        }
    }

    /// Notes what a path names as a type.
    fn path(&mut self, module: ModuleId, path: &ast::Path) -> Option<Item> {
        let (home, name) = match path.segments.as_slice() {
            [name] => (module, name),
            [home, name] => (self.qualifier(home)?, name),
            _ => return None,
        };
        let item = self.draft.type_named(home, &name.text)?;
        let symbol = match item {
            Item::Struct(id) => self.structs[id.index()],
            Item::Enum(id) => self.enums[id.index()],
            Item::Const(_) | Item::Interface(_) => return None,
        };
        self.name(name.span, symbol);
        Some(item)
    }

    /// Notes a module that is named before `::`.
    fn qualifier(&mut self, name: &ast::Name) -> Option<ModuleId> {
        let id = self.draft.module_named(&name.text)?;
        self.name(name.span, self.modules[id.index()]);
        Some(id)
    }

    /// Notes the enumerator that a value names: of this enum first, then of the module.
    fn value(&mut self, module: ModuleId, value: &ast::Value, of: Option<EnumId>) {
        let ValueKind::Name(path) = &value.kind else { return };
        let [qualifiers @ .., name] = path.segments.as_slice() else {
            return;
        };
        let mut home = module;
        let mut owner = of;
        for (at, qualifier) in qualifiers.iter().enumerate() {
            if let Some(Item::Enum(id)) = self.draft.type_named(home, &qualifier.text)
                && at + 1 == qualifiers.len()
            {
                self.name(qualifier.span, self.enums[id.index()]);
                owner = Some(id);
            } else if let Some(id) = self.qualifier(qualifier) {
                home = id;
            }
        }
        let text = name.text.as_str();
        let own = owner.and_then(|id| self.enumerators.get(&(id, text)));
        if let Some(symbol) = own.or_else(|| self.in_module.get(&(home, text))).copied() {
            self.name(name.span, symbol);
        }
    }
}
