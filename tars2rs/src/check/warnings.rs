//! What is legal but gives another Rust type than one may expect.

use std::collections::BTreeMap;

use super::keys;
use crate::ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Bounded, StructId, Type, is_ordered};
use crate::resolve::Draft;
use crate::source::Span;

/// The structs that have a key.
type Keyed<'a> = BTreeMap<StructId, Vec<&'a str>>;

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let keyed = keys::members(draft);
    let mut look = |ty: &Option<Bounded>, span| {
        if let Some(ty) = ty {
            maps(&ty.ty, span, draft, &keyed, diagnostics);
        }
    };
    for item in &draft.structs {
        for (field, ty) in item.ast.fields.iter().zip(&item.types) {
            look(ty, field.decl.ty.span);
        }
    }
    for item in &draft.interfaces {
        let spans = item.ast.operations.iter().flat_map(operation_types);
        for (span, ty) in spans.zip(&item.types) {
            look(ty, span);
        }
    }
}

fn operation_types(operation: &ast::Operation) -> impl Iterator<Item = Span> {
    let ret = operation.ret.as_ref().map_or(operation.name.span, |ty| ty.span);
    std::iter::once(ret).chain(operation.params.iter().map(|param| param.decl.ty.span))
}

fn maps(ty: &Type, span: Span, draft: &Draft<'_>, keyed: &Keyed<'_>, diagnostics: &mut Diagnostics) {
    match ty {
        Type::Vector(element) => maps(element, span, draft, keyed, diagnostics),
        Type::Map(key, value) => {
            if !is_ordered(key, |id| keyed.contains_key(&id)) {
                let warning = Diagnostic::new(Code::UnorderedKey, span, "map key has no order");
                let help = match **key {
                    Type::Struct(id) => format!(
                        "declare one with `key[{}, ..];`",
                        draft.structs[id.index()].ast.name.text
                    ),
                    _ => "use a key of whole numbers or strings".to_owned(),
                };
                diagnostics.push(warning.label("becomes a vector of pairs in Rust").help(help));
            }
            maps(key, span, draft, keyed, diagnostics);
            maps(value, span, draft, keyed, diagnostics);
        }
        _ => {}
    }
}
