//! The checked model. Whoever holds a [`Model`] need not doubt it: every name is known, every tag unique, every value in
//! range. Only the checker can make one.

use std::rc::Rc;

use crate::check::Checked;
use crate::source::{FileId, Span};
use crate::text::{Doc, Text};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl $name {
            pub(crate) fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("a source of 4 GiB holds fewer definitions"))
            }

            pub(crate) fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// Handle of a [`Module`].
    ModuleId,
    /// Handle of a [`Struct`].
    StructId,
    /// Handle of an [`Enum`].
    EnumId,
    /// Handle of a [`Const`].
    ConstId,
    /// Handle of an [`Interface`].
    InterfaceId,
}

/// Integer types, by what Rust calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Int {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
}

impl Int {
    /// The type's name in Rust.
    pub(crate) fn rust(self) -> &'static str {
        match self {
            Int::I8 => "i8",
            Int::I16 => "i16",
            Int::I32 => "i32",
            Int::I64 => "i64",
            Int::U8 => "u8",
            Int::U16 => "u16",
            Int::U32 => "u32",
        }
    }

    /// The type's name in the IDL.
    pub(crate) fn idl(self) -> &'static str {
        match self {
            Int::I8 => "byte",
            Int::I16 => "short",
            Int::I32 => "int",
            Int::I64 => "long",
            Int::U8 => "unsigned byte",
            Int::U16 => "unsigned short",
            Int::U32 => "unsigned int",
        }
    }

    /// The smallest and the largest value.
    pub(crate) fn range(self) -> (i64, i64) {
        match self {
            Int::I8 => (i8::MIN.into(), i8::MAX.into()),
            Int::I16 => (i16::MIN.into(), i16::MAX.into()),
            Int::I32 => (i32::MIN.into(), i32::MAX.into()),
            Int::I64 => (i64::MIN, i64::MAX),
            Int::U8 => (0, u8::MAX.into()),
            Int::U16 => (0, u16::MAX.into()),
            Int::U32 => (0, u32::MAX.into()),
        }
    }
}

/// A resolved type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int(Int),
    Float,
    Double,
    String,
    /// `vector<byte>`, which has its own form on the wire.
    Bytes,
    Vector(Rc<Type>),
    Map(Rc<Type>, Rc<Type>),
    Struct(StructId),
    Enum(EnumId),
}

/// The type of a field, parameter or return value, with the bound on its length if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounded {
    pub(crate) ty: Type,
    pub(crate) max_len: Option<u32>,
}

/// A value that fits its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    /// By position in the enum.
    Enumerator(EnumId, usize),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) tag: u8,
    pub(crate) require: bool,
    pub(crate) ty: Bounded,
    pub(crate) default: Option<Literal>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) module: ModuleId,
    pub(crate) name: Text,
    pub(crate) span: Span,
    /// By ascending tag, as they travel.
    pub(crate) fields: Vec<Field>,
    /// Positions of the `key[..]` members, in the order of the key.
    pub(crate) key: Vec<usize>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) value: i32,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) module: ModuleId,
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) enumerators: Vec<Enumerator>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Const {
    pub(crate) module: ModuleId,
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) ty: Type,
    pub(crate) value: Literal,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: Text,
    pub(crate) span: Span,
    /// Position from 1, counted over in and out parameters together.
    pub(crate) tag: u8,
    pub(crate) out: bool,
    /// Written `routekey`: an in parameter that old clients also used for routing.
    pub(crate) route_key: bool,
    pub(crate) ty: Bounded,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: Text,
    pub(crate) span: Span,
    /// `None` for `void`.
    pub(crate) ret: Option<Bounded>,
    pub(crate) params: Vec<Param>,
    pub(crate) doc: Doc,
}

impl Operation {
    /// Parameters that travel to the servant.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (usize, &Param)> {
        self.params.iter().enumerate().filter(|(_, param)| !param.out)
    }

    /// Parameters that travel back.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (usize, &Param)> {
        self.params.iter().enumerate().filter(|(_, param)| param.out)
    }

    /// Whether so much comes back that it needs a struct of its own.
    pub(crate) fn has_output_struct(&self) -> bool {
        usize::from(self.ret.is_some()) + self.outputs().count() > 1
    }
}

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) module: ModuleId,
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) operations: Vec<Operation>,
    pub(crate) doc: Doc,
}

/// A definition of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Struct(StructId),
    Enum(EnumId),
    Const(ConstId),
    Interface(InterfaceId),
}

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: Text,
    pub(crate) span: Span,
    pub(crate) doc: Doc,
    /// In the order of declaration.
    pub(crate) items: Vec<Item>,
    /// The files that open it.
    pub(crate) files: Vec<FileId>,
}

/// What the checker hands over.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) modules: Vec<Module>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) consts: Vec<Const>,
    pub(crate) interfaces: Vec<Interface>,
}

/// Everything that a run declares.
#[derive(Debug)]
pub(crate) struct Model(Parts);

impl Model {
    /// Seals checked parts. The witness exists only inside the checker.
    pub(crate) fn seal(parts: Parts, _: Checked) -> Self {
        Self(parts)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = (ModuleId, &Module)> {
        self.0
            .modules
            .iter()
            .enumerate()
            .map(|(index, module)| (ModuleId::new(index), module))
    }

    pub(crate) fn module(&self, id: ModuleId) -> &Module {
        &self.0.modules[id.index()]
    }

    pub(crate) fn structure(&self, id: StructId) -> &Struct {
        &self.0.structs[id.index()]
    }

    pub(crate) fn structs(&self) -> &[Struct] {
        &self.0.structs
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.0.enums[id.index()]
    }

    pub(crate) fn enums(&self) -> &[Enum] {
        &self.0.enums
    }

    pub(crate) fn constant(&self, id: ConstId) -> &Const {
        &self.0.consts[id.index()]
    }

    pub(crate) fn consts(&self) -> &[Const] {
        &self.0.consts
    }

    pub(crate) fn interface(&self, id: InterfaceId) -> &Interface {
        &self.0.interfaces[id.index()]
    }

    pub(crate) fn interfaces(&self) -> &[Interface] {
        &self.0.interfaces
    }

    /// The type as it is written in the IDL, with the module of each name.
    pub(crate) fn type_text(&self, ty: &Type) -> String {
        let named = |module: ModuleId, name: &str| format!("{}::{name}", self.module(module).name);
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::Int(int) => int.idl().to_owned(),
            Type::Float => "float".to_owned(),
            Type::Double => "double".to_owned(),
            Type::String => "string".to_owned(),
            Type::Bytes => "vector<byte>".to_owned(),
            Type::Vector(element) => format!("vector<{}>", self.type_text(element)),
            Type::Map(key, value) => format!("map<{}, {}>", self.type_text(key), self.type_text(value)),
            Type::Struct(id) => named(self.structure(*id).module, &self.structure(*id).name),
            Type::Enum(id) => named(self.enumeration(*id).module, &self.enumeration(*id).name),
        }
    }

    /// A literal for messages: as in the IDL, an enumerator with its number.
    pub(crate) fn literal(&self, literal: &Literal) -> String {
        match literal {
            Literal::Bool(value) => value.to_string(),
            Literal::Int(value) => value.to_string(),
            Literal::Float(value) => value.to_string(),
            Literal::Str(value) => format!("{value:?}"),
            Literal::Enumerator(id, index) => {
                let enumerator = &self.enumeration(*id).enumerators[*index];
                format!("{} ({})", enumerator.name, enumerator.value)
            }
        }
    }

    /// Whether Rust can order values of the type: floats and structs without a key it cannot.
    pub(crate) fn is_ordered(&self, ty: &Type) -> bool {
        is_ordered(ty, |id| !self.structure(id).key.is_empty())
    }
}

/// Whether Rust can order values of the type, given which structs have a key.
pub(crate) fn is_ordered(ty: &Type, has_key: impl Fn(StructId) -> bool + Copy) -> bool {
    match ty {
        Type::Bool | Type::Int(_) | Type::String | Type::Bytes | Type::Enum(_) => true,
        Type::Float | Type::Double => false,
        Type::Vector(element) => is_ordered(element, has_key),
        Type::Map(key, value) => is_ordered(key, has_key) && is_ordered(value, has_key),
        Type::Struct(id) => has_key(*id),
    }
}
