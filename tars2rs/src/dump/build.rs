//! From the model to the shape of a dump.

use super::FORMAT;
use super::shape::{
    Const, Direction, Dump, Enum, Enumerator, Field, Interface, Module, Operation, Param, Place, Return, Struct, Type,
    TypeKind, Value,
};
use crate::model::{self, EnumId, Int, Item, Literal, Model};
use crate::source::{SourceMap, Span};

pub(super) fn dump(model: &Model, sources: &SourceMap) -> Dump {
    let writer = Writer { model, sources };
    let mut files: Vec<String> = sources.files().iter().map(|file| file.name.clone()).collect();
    files.sort();
    let mut modules: Vec<Module> = model.modules().map(|(_, module)| writer.module(module)).collect();
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    Dump {
        format: FORMAT,
        files,
        modules,
    }
}

struct Writer<'a> {
    model: &'a Model,
    sources: &'a SourceMap,
}

impl Writer<'_> {
    fn module(&self, module: &model::Module) -> Module {
        let (mut structs, mut enums, mut consts, mut interfaces) = (vec![], vec![], vec![], vec![]);
        for item in &module.items {
            match item {
                Item::Struct(id) => structs.push(self.structure(self.model.structure(*id))),
                Item::Enum(id) => enums.push(self.enumeration(self.model.enumeration(*id))),
                Item::Const(id) => consts.push(self.constant(self.model.constant(*id))),
                Item::Interface(id) => interfaces.push(self.interface(self.model.interface(*id))),
            }
        }
        structs.sort_by(|a, b| a.name.cmp(&b.name));
        enums.sort_by(|a, b| a.name.cmp(&b.name));
        consts.sort_by(|a, b| a.name.cmp(&b.name));
        interfaces.sort_by(|a, b| a.name.cmp(&b.name));
        let files = module.files.iter().map(|id| self.sources.file(*id).name.clone());
        let mut files: Vec<String> = files.collect();
        files.sort();
        Module {
            name: module.name.to_string(),
            doc: module.doc.text().to_owned(),
            place: self.place(module.span),
            files,
            structs,
            enums,
            consts,
            interfaces,
        }
    }

    fn place(&self, span: Span) -> Place {
        let file = self.sources.file_of(span);
        let (line, column) = file.position(span.start);
        Place {
            file: file.name.clone(),
            line,
            column,
        }
    }

    fn structure(&self, item: &model::Struct) -> Struct {
        Struct {
            name: item.name.to_string(),
            doc: item.doc.text().to_owned(),
            place: self.place(item.span),
            key: item
                .key
                .iter()
                .map(|index| item.fields[*index].name.to_string())
                .collect(),
            fields: item.fields.iter().map(|field| self.field(field)).collect(),
        }
    }

    fn field(&self, field: &model::Field) -> Field {
        let default = field.default.as_ref().map(|literal| self.value(literal));
        Field {
            tag: field.tag,
            name: field.name.to_string(),
            require: field.require,
            r#type: self.ty(&field.ty.ty),
            max_length: field.ty.max_len,
            when_absent: default.clone().or_else(|| self.implied(&field.ty.ty)),
            default,
            doc: field.doc.text().to_owned(),
            place: self.place(field.span),
        }
    }

    fn enumeration(&self, item: &model::Enum) -> Enum {
        let enumerator = |enumerator: &model::Enumerator| Enumerator {
            name: enumerator.name.to_string(),
            value: enumerator.value,
            doc: enumerator.doc.text().to_owned(),
            place: self.place(enumerator.span),
        };
        Enum {
            name: item.name.to_string(),
            doc: item.doc.text().to_owned(),
            place: self.place(item.span),
            enumerators: item.enumerators.iter().map(enumerator).collect(),
        }
    }

    fn constant(&self, item: &model::Const) -> Const {
        Const {
            name: item.name.to_string(),
            r#type: self.ty(&item.ty),
            value: self.value(&item.value),
            doc: item.doc.text().to_owned(),
            place: self.place(item.span),
        }
    }

    fn interface(&self, item: &model::Interface) -> Interface {
        Interface {
            name: item.name.to_string(),
            doc: item.doc.text().to_owned(),
            place: self.place(item.span),
            operations: item
                .operations
                .iter()
                .map(|operation| self.operation(operation))
                .collect(),
        }
    }

    fn operation(&self, operation: &model::Operation) -> Operation {
        let returns = operation.ret.as_ref().map(|ret| Return {
            r#type: self.ty(&ret.ty),
            max_length: ret.max_len,
        });
        Operation {
            name: operation.name.to_string(),
            returns,
            params: operation.params.iter().map(|param| self.param(param)).collect(),
            doc: operation.doc.text().to_owned(),
            place: self.place(operation.span),
        }
    }

    fn param(&self, param: &model::Param) -> Param {
        Param {
            tag: param.tag,
            name: param.name.to_string(),
            direction: if param.out { Direction::Out } else { Direction::In },
            route_key: param.route_key,
            r#type: self.ty(&param.ty.ty),
            max_length: param.ty.max_len,
            place: self.place(param.span),
        }
    }

    fn ty(&self, ty: &model::Type) -> Type {
        Type {
            text: self.model.type_text(ty),
            kind: self.kind(ty),
        }
    }

    fn kind(&self, ty: &model::Type) -> TypeKind {
        let module = |id| self.model.module(id).name.to_string();
        match ty {
            model::Type::Bool => TypeKind::Bool,
            model::Type::Int(int) => match int {
                Int::I8 => TypeKind::Byte,
                Int::I16 => TypeKind::Short,
                Int::I32 => TypeKind::Int,
                Int::I64 => TypeKind::Long,
                Int::U8 => TypeKind::UnsignedByte,
                Int::U16 => TypeKind::UnsignedShort,
                Int::U32 => TypeKind::UnsignedInt,
            },
            model::Type::Float => TypeKind::Float,
            model::Type::Double => TypeKind::Double,
            model::Type::String => TypeKind::String,
            model::Type::Bytes => TypeKind::Vector {
                element: Box::new(self.ty(&model::Type::Int(Int::I8))),
            },
            model::Type::Vector(element) => TypeKind::Vector {
                element: Box::new(self.ty(element)),
            },
            model::Type::Map(key, value) => TypeKind::Map {
                key: Box::new(self.ty(key)),
                value: Box::new(self.ty(value)),
            },
            model::Type::Struct(id) => {
                let item = self.model.structure(*id);
                TypeKind::Struct {
                    module: module(item.module),
                    name: item.name.to_string(),
                }
            }
            model::Type::Enum(id) => {
                let item = self.model.enumeration(*id);
                TypeKind::Enum {
                    module: module(item.module),
                    name: item.name.to_string(),
                }
            }
        }
    }

    fn value(&self, literal: &Literal) -> Value {
        match literal {
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Int(value) => Value::Int(*value),
            Literal::Float(value) => Value::Float(*value),
            Literal::Str(value) => Value::Text(value.clone()),
            Literal::Enumerator(id, index) => self.enumerator(*id, *index),
        }
    }

    fn enumerator(&self, id: EnumId, index: usize) -> Value {
        let enumerator = &self.model.enumeration(id).enumerators[index];
        Value::Enumerator {
            enumerator: enumerator.name.to_string(),
            value: enumerator.value,
        }
    }

    /// What a field without a default is when it is absent.
    fn implied(&self, ty: &model::Type) -> Option<Value> {
        Some(match ty {
            model::Type::Bool => Value::Bool(false),
            model::Type::Int(_) => Value::Int(0),
            model::Type::Float | model::Type::Double => Value::Float(0.0),
            model::Type::String => Value::Text(String::new()),
            model::Type::Bytes | model::Type::Vector(_) => Value::List(Vec::new()),
            model::Type::Map(..) => Value::Map {},
            model::Type::Struct(_) => return None,
            model::Type::Enum(id) if self.model.enumeration(*id).enumerators.is_empty() => Value::Int(0),
            model::Type::Enum(id) => self.enumerator(*id, 0),
        })
    }
}
