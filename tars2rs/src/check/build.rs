//! Turns a draft without mistakes into the parts of the model.

use super::keys;
use super::values::Values;
use crate::ast::{self, Direction};
use crate::model::{
    Bounded, Const, Enum, Enumerator, Field, Interface, Literal, Module, Operation, Param, Parts, Struct, StructId,
};
use crate::resolve::{Draft, Resolved};

/// Why the parts can be taken for granted here.
const CHECKED: &str = "a draft with an error does not get past the gate";

pub(super) fn parts(draft: &Draft<'_>, values: &Values) -> Parts {
    let keys = keys::members(draft);
    let key_of = |index| keys.get(&StructId::new(index)).map_or(&[][..], Vec::as_slice);
    let structs = draft.structs.iter().zip(&values.defaults).enumerate();
    let enums = draft.enums.iter().zip(&values.enumerators);
    let consts = draft.consts.iter().zip(&values.consts);
    Parts {
        modules: modules(draft),
        structs: structs
            .map(|(index, (item, defaults))| structure(item, defaults, key_of(index)))
            .collect(),
        enums: enums.map(|(item, values)| enumeration(item, values)).collect(),
        consts: consts.map(|(item, value)| constant(item, value.as_ref())).collect(),
        interfaces: draft.interfaces.iter().map(interface).collect(),
    }
}

fn modules(draft: &Draft<'_>) -> Vec<Module> {
    let module = |module: &crate::resolve::DraftModule<'_>| Module {
        name: module.name.text.clone(),
        span: module.name.span,
        doc: module.doc.clone(),
        items: module.items.clone(),
        files: module.files.clone(),
    };
    draft.modules.iter().map(module).collect()
}

fn structure(item: &Resolved<'_, ast::Struct>, defaults: &[Option<Literal>], key: &[&str]) -> Struct {
    let mut order: Vec<usize> = (0..item.ast.fields.len()).collect();
    order.sort_by_key(|index| item.ast.fields[*index].tag.map(|tag| tag.value));
    let position = |name: &&str| {
        order
            .iter()
            .position(|index| item.ast.fields[*index].decl.name.text == **name)
    };
    let key = key.iter().filter_map(position).collect();
    let field = |index: usize| {
        let ast = &item.ast.fields[index];
        Field {
            name: ast.decl.name.text.clone(),
            span: ast.decl.name.span,
            tag: ast.tag.and_then(|tag| u8::try_from(tag.value).ok()).expect(CHECKED),
            require: ast.require,
            ty: taken(item.types[index].as_ref()),
            default: defaults[index].clone(),
            doc: ast.doc.clone(),
        }
    };
    Struct {
        module: item.module,
        name: item.ast.name.text.clone(),
        span: item.ast.name.span,
        fields: order.into_iter().map(field).collect(),
        key,
        doc: item.ast.doc.clone(),
    }
}

fn taken(ty: Option<&Bounded>) -> Bounded {
    ty.cloned().expect(CHECKED)
}

fn enumeration(item: &Resolved<'_, ast::Enum>, values: &[Option<i32>]) -> Enum {
    let enumerator = |(ast, value): (&ast::Enumerator, &Option<i32>)| Enumerator {
        name: ast.name.text.clone(),
        span: ast.name.span,
        value: value.expect(CHECKED),
        doc: ast.doc.clone(),
    };
    Enum {
        module: item.module,
        name: item.ast.name.text.clone(),
        span: item.ast.name.span,
        enumerators: item.ast.enumerators.iter().zip(values).map(enumerator).collect(),
        doc: item.ast.doc.clone(),
    }
}

fn constant(item: &Resolved<'_, ast::Const>, value: Option<&Literal>) -> Const {
    Const {
        module: item.module,
        name: item.ast.decl.name.text.clone(),
        span: item.ast.decl.name.span,
        ty: taken(item.types[0].as_ref()).ty,
        value: value.cloned().expect(CHECKED),
        doc: item.ast.doc.clone(),
    }
}

fn interface(item: &Resolved<'_, ast::Interface>) -> Interface {
    let mut types = item.types.iter();
    let operations = item
        .ast
        .operations
        .iter()
        .map(|ast| operation(ast, &mut types))
        .collect();
    Interface {
        module: item.module,
        name: item.ast.name.text.clone(),
        span: item.ast.name.span,
        operations,
        doc: item.ast.doc.clone(),
    }
}

/// Takes its types from the front of the interface's list.
fn operation<'t>(ast: &ast::Operation, types: &mut impl Iterator<Item = &'t Option<Bounded>>) -> Operation {
    let ret = types.next().expect("a type for each return value").clone();
    let param = |(index, param): (usize, &ast::Param)| Param {
        name: param.decl.name.text.clone(),
        span: param.decl.name.span,
        tag: u8::try_from(index + 1).expect(CHECKED),
        out: matches!(param.direction, Direction::Out(_)),
        route_key: matches!(param.direction, Direction::RouteKey(_)),
        ty: taken(types.next().expect("a type for each parameter").as_ref()),
    };
    Operation {
        name: ast.name.text.clone(),
        span: ast.name.span,
        ret,
        params: ast.params.iter().enumerate().map(param).collect(),
        doc: ast.doc.clone(),
    }
}
