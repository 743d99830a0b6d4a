//! The tree as it was written: names are not looked up, values not checked.

use std::collections::BTreeSet;

use crate::source::{FileId, Span};
use crate::text::{Doc, Text};

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: Text,
    pub(crate) span: Span,
}

/// `A`, `M::A`, `::M::A`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) segments: Vec<Name>,
    /// Written with `::` in front.
    pub(crate) rooted: bool,
    pub(crate) span: Span,
}

impl Path {
    /// The path as written, without blanks.
    pub(crate) fn text(&self) -> String {
        let names: Vec<&str> = self.segments.iter().map(|name| name.text.as_str()).collect();
        format!("{}{}", if self.rooted { "::" } else { "" }, names.join("::"))
    }
}

/// Types that need no declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Basic {
    Bool,
    Byte,
    Short,
    Int,
    Long,
    UnsignedByte,
    UnsignedShort,
    UnsignedInt,
    Float,
    Double,
    String,
}

/// The `N` of `x[N]`, `string:N`, `vector<T>:N`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// `None` when the number itself was refused.
    pub(crate) value: Option<i64>,
    pub(crate) span: Span,
}

/// A type expression.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) kind: TypeKind,
    /// Few have one, and there are many types.
    pub(crate) size: Option<Box<Size>>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum TypeKind {
    Basic(Basic),
    Vector(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Named(Box<Path>),
    /// Already reported.
    Bad,
}

/// A type with the name that it gives a type to.
#[derive(Clone, Debug)]
pub(crate) struct Declarator {
    pub(crate) ty: Type,
    pub(crate) name: Name,
    pub(crate) shape: Shape,
}

/// What follows the name, or stands before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Plain,
    /// `T x[N]`
    Array(Size),
    /// `T *x`, with the place of the star.
    Pointer(Span),
}

/// A literal or a name.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) kind: ValueKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum ValueKind {
    Int(i64),
    Float(f64),
    Str(String),
    Bool(bool),
    Name(Box<Path>),
    /// Already reported.
    Bad,
}

/// A number that must be a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    pub(crate) value: i64,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// `None` when it is missing or malformed, which is reported already.
    pub(crate) tag: Option<Tag>,
    pub(crate) require: bool,
    pub(crate) decl: Declarator,
    pub(crate) default: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Clone, Debug)]
pub(crate) struct Struct {
    pub(crate) name: Name,
    pub(crate) fields: Vec<Field>,
    pub(crate) doc: Doc,
    /// Some part of the body could not be read.
    pub(crate) incomplete: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: Name,
    pub(crate) value: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Clone, Debug)]
pub(crate) struct Enum {
    pub(crate) name: Name,
    pub(crate) enumerators: Vec<Enumerator>,
    pub(crate) doc: Doc,
    /// A comma stands where an enumerator may have been meant.
    pub(crate) vague: bool,
    /// Some part of the body could not be read.
    pub(crate) incomplete: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Const {
    pub(crate) decl: Declarator,
    pub(crate) value: Value,
    pub(crate) doc: Doc,
}

/// What stands before a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out(Span),
    /// An in parameter that old clients also used for routing.
    RouteKey(Span),
}

#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) direction: Direction,
    pub(crate) decl: Declarator,
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) name: Name,
    /// `None` for `void`.
    pub(crate) ret: Option<Type>,
    pub(crate) params: Vec<Param>,
    pub(crate) doc: Doc,
}

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) name: Name,
    pub(crate) operations: Vec<Operation>,
    pub(crate) doc: Doc,
}

/// `key[S, a, b]`
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) target: Path,
    pub(crate) members: Vec<Name>,
}

#[derive(Clone, Debug)]
pub(crate) enum Definition {
    Struct(Struct),
    Enum(Enum),
    Const(Const),
    Interface(Interface),
    Key(Key),
}

impl Definition {
    /// The name it declares.
    pub(crate) fn declares(&self) -> Option<&str> {
        match self {
            Definition::Struct(item) => Some(&item.name.text),
            Definition::Enum(item) => Some(&item.name.text),
            Definition::Const(item) => Some(&item.decl.name.text),
            Definition::Interface(item) => Some(&item.name.text),
            Definition::Key(_) => None,
        }
    }

    /// The kind with its article, and the place of the name, for messages.
    pub(crate) fn describe(&self) -> (&'static str, Span) {
        match self {
            Definition::Struct(item) => ("a struct", item.name.span),
            Definition::Enum(item) => ("an enum", item.name.span),
            Definition::Const(item) => ("a constant", item.decl.name.span),
            Definition::Interface(item) => ("an interface", item.name.span),
            Definition::Key(item) => ("a key", item.target.span),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Module {
    pub(crate) name: Name,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) doc: Doc,
    /// The braces and all between them.
    pub(crate) body: Span,
}

/// `#include "path"`
#[derive(Clone, Debug)]
pub(crate) struct Include {
    pub(crate) path: String,
    pub(crate) span: Span,
}

/// What stood in stretches of text that could not be read. Whoever misses such a name says nothing: the stretch is
/// reported already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lost {
    /// A definition without a name, or a whole file: it may have been anything.
    pub(crate) anything: bool,
    /// Words of lost definitions.
    pub(crate) definitions: BTreeSet<String>,
    /// Words of lost fields, enumerators and operations.
    pub(crate) members: BTreeSet<String>,
    /// One of these has no name, or one that is no word.
    pub(crate) any_member: bool,
}

impl Lost {
    /// Adds what another file has lost.
    pub(crate) fn merge(&mut self, other: &Lost) {
        self.anything |= other.anything;
        self.any_member |= other.any_member;
        self.definitions.extend(other.definitions.iter().cloned());
        self.members.extend(other.members.iter().cloned());
    }

    /// Whether a path may mean a lost definition.
    pub(crate) fn may_define(&self, path: &Path) -> bool {
        self.anything
            || path
                .segments
                .iter()
                .any(|name| self.definitions.contains(name.text.as_str()))
    }

    /// Whether a name may be that of a lost member.
    pub(crate) fn may_hold(&self, name: &str) -> bool {
        self.anything || self.any_member || self.members.contains(name)
    }
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: FileId,
    pub(crate) modules: Vec<Module>,
    /// Definitions outside every module: legal only in a file that is included inside a module.
    pub(crate) bare: Vec<Definition>,
    pub(crate) includes: Vec<Include>,
    /// Names that may have been declared where nothing could be read.
    pub(crate) lost: Lost,
    /// A brace is missing or too many, so what seems to stand outside a module may not.
    pub(crate) unbalanced: bool,
}
