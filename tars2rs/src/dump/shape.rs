//! What a dump looks like. The order of the fields here is their order in the text.

use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Dump {
    pub(super) format: u32,
    /// By name.
    pub(super) files: Vec<String>,
    /// By name.
    pub(super) modules: Vec<Module>,
}

#[derive(Serialize)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) place: Place,
    pub(super) files: Vec<String>,
    /// These four by name.
    pub(super) structs: Vec<Struct>,
    pub(super) enums: Vec<Enum>,
    pub(super) consts: Vec<Const>,
    pub(super) interfaces: Vec<Interface>,
}

/// Where a name stands.
#[derive(Serialize)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Serialize)]
pub(super) struct Struct {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) place: Place,
    /// Names of fields.
    pub(super) key: Vec<String>,
    /// By tag.
    pub(super) fields: Vec<Field>,
}

#[derive(Serialize)]
pub(super) struct Field {
    pub(super) tag: u8,
    pub(super) name: String,
    pub(super) require: bool,
    pub(super) r#type: Type,
    pub(super) max_length: Option<u32>,
    /// As declared.
    pub(super) default: Option<Value>,
    /// What a reader takes when the field is absent; nothing for a struct, whose fields say it.
    pub(super) when_absent: Option<Value>,
    pub(super) doc: String,
    pub(super) place: Place,
}

#[derive(Clone, Serialize)]
pub(super) struct Type {
    /// As it would be written in the IDL, with the module of each name.
    pub(super) text: String,
    #[serde(flatten)]
    pub(super) kind: TypeKind,
}

#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum TypeKind {
    Bool,
    Byte,
    Short,
    Int,
    Long,
    #[serde(rename = "unsigned byte")]
    UnsignedByte,
    #[serde(rename = "unsigned short")]
    UnsignedShort,
    #[serde(rename = "unsigned int")]
    UnsignedInt,
    Float,
    Double,
    String,
    Vector {
        element: Box<Type>,
    },
    Map {
        key: Box<Type>,
        value: Box<Type>,
    },
    Struct {
        module: String,
        name: String,
    },
    Enum {
        module: String,
        name: String,
    },
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Enumerator { enumerator: String, value: i32 },
    List(Vec<()>),
    Map {},
}

#[derive(Serialize)]
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) place: Place,
    /// In the order of declaration.
    pub(super) enumerators: Vec<Enumerator>,
}

#[derive(Serialize)]
pub(super) struct Enumerator {
    pub(super) name: String,
    pub(super) value: i32,
    pub(super) doc: String,
    pub(super) place: Place,
}

#[derive(Serialize)]
pub(super) struct Const {
    pub(super) name: String,
    pub(super) r#type: Type,
    pub(super) value: Value,
    pub(super) doc: String,
    pub(super) place: Place,
}

#[derive(Serialize)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) place: Place,
    /// In the order of declaration.
    pub(super) operations: Vec<Operation>,
}

#[derive(Serialize)]
pub(super) struct Operation {
    pub(super) name: String,
    /// Nothing for `void`.
    pub(super) returns: Option<Return>,
    /// In the order of declaration.
    pub(super) params: Vec<Param>,
    pub(super) doc: String,
    pub(super) place: Place,
}

#[derive(Serialize)]
pub(super) struct Return {
    pub(super) r#type: Type,
    pub(super) max_length: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Param {
    pub(super) tag: u8,
    pub(super) name: String,
    pub(super) direction: Direction,
    pub(super) route_key: bool,
    pub(super) r#type: Type,
    pub(super) max_length: Option<u32>,
    pub(super) place: Place,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    In,
    Out,
}
