//! What is legal but gives another Rust type than one may expect.

use std::collections::BTreeMap;

use super::keys;
use crate::ast::{self, TypeKind};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Bounded, StructId, Type, is_ordered};
use crate::resolve::Draft;

/// The structs that have a key.
type Keyed<'a> = BTreeMap<StructId, Vec<&'a str>>;

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let keyed = keys::members(draft);
    let mut look = |ty: &Option<Bounded>, written| {
        if let Some(ty) = ty {
            maps(&ty.ty, written, draft, &keyed, diagnostics);
        }
    };
    for item in &draft.structs {
        for (field, ty) in item.ast.fields.iter().zip(&item.types) {
            look(ty, &field.decl.ty);
        }
    }
    for item in &draft.interfaces {
        let written = item.ast.operations.iter().flat_map(operation_types);
        for (written, ty) in written.zip(&item.types) {
            if let Some(written) = written {
                look(ty, written);
            }
        }
    }
}

/// What is returned, if anything is, and the parameters.
fn operation_types(operation: &ast::Operation) -> impl Iterator<Item = Option<&ast::Type>> {
    let params = operation.params.iter().map(|param| Some(&param.decl.ty));
    std::iter::once(operation.ret.as_ref()).chain(params)
}

/// Looks at each map of a type where it is written.
fn maps(ty: &Type, written: &ast::Type, draft: &Draft<'_>, keyed: &Keyed<'_>, diagnostics: &mut Diagnostics) {
    match (ty, &written.kind) {
        (Type::Vector(element), TypeKind::Vector(written)) => maps(element, written, draft, keyed, diagnostics),
        // The elements of an array: its brackets are no part of the type as it is written.
        (Type::Vector(element), _) => maps(element, written, draft, keyed, diagnostics),
        (Type::Map(key, value), TypeKind::Map(written_key, written_value)) => {
            if !is_ordered(key, |id| keyed.contains_key(&id)) {
                let warning = Diagnostic::new(Code::UnorderedKey, written.span, "map key has no order");
                let help = match **key {
                    Type::Struct(id) => format!(
                        "declare one with `key[{}, ..];`",
                        draft.structs[id.index()].ast.name.text
                    ),
                    _ => "use a key of whole numbers or strings".to_owned(),
                };
                diagnostics.push(warning.label("becomes a vector of pairs in Rust").help(help));
            }
            maps(key, written_key, draft, keyed, diagnostics);
            maps(value, written_value, draft, keyed, diagnostics);
        }
        _ => {}
    }
}
