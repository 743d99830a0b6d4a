//! Types that other compilers do not know, or cannot give to a map as its key.

use std::collections::BTreeSet;

use super::{Lints, uses};
use crate::ast::{Basic, Declarator, Direction, Shape, TypeKind};
use crate::diag::{Code, Diagnostic};
use crate::model::{Item, StructId, Type};
use crate::source::Span;

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    let keys = draft
        .keys
        .iter()
        .filter_map(|(module, key)| draft.lookup(*module, &key.target).ok());
    let keyed: BTreeSet<StructId> = keys
        .filter_map(|item| if let Item::Struct(id) = item { Some(id) } else { None })
        .collect();
    let mut found = Vec::new();
    for (_, used) in uses(draft) {
        used.each(&mut |used| {
            if used.ast.size.is_some() {
                let warning = Diagnostic::new(Code::SizedType, used.ast.span, "type with a size");
                found.push(warning.help("only C++ knows it; say the limit in a comment"));
            }
            match (&used.ast.kind, used.ty) {
                (TypeKind::Basic(Basic::UnsignedByte), _) => found.push(unsigned(used.ast.span, "byte", "short")),
                (TypeKind::Basic(Basic::UnsignedShort), _) => found.push(unsigned(used.ast.span, "short", "int")),
                (TypeKind::Map(key, _), Type::Map(ty, _)) => found.extend(map_key(key, ty, &keyed)),
                _ => {}
            }
        });
    }
    for warning in found {
        lints.push(warning);
    }
    for item in &draft.structs {
        for field in &item.ast.fields {
            declarator(lints, &field.decl);
            let byte =
                matches!(field.decl.ty.kind, TypeKind::Basic(Basic::Byte)) && matches!(field.decl.shape, Shape::Plain);
            if byte && !field.require && field.default.is_none() {
                let message = format!("optional byte `{}` has no default value", field.decl.name.text);
                let warning = Diagnostic::new(Code::OptionalByte, field.decl.name.span, message);
                let at = field.decl.name.span.after();
                lints.push(warning.label("TarsGo crashes").help("write `= 0`").replace(at, " = 0"));
            }
        }
    }
    for operation in draft.interfaces.iter().flat_map(|item| &item.ast.operations) {
        for param in &operation.params {
            declarator(lints, &param.decl);
            if let Direction::RouteKey(span) = param.direction {
                let warning = Diagnostic::new(Code::RouteKey, span, "`routekey` is obsolete");
                lints.push(
                    warning
                        .label("TarsGo refuses it")
                        .help("leave it out; route by a hash in the call's context"),
                );
            }
        }
    }
}

fn declarator(lints: &mut Lints<'_, '_>, decl: &Declarator) {
    match decl.shape {
        Shape::Plain => {}
        Shape::Array(size) => {
            let warning = Diagnostic::new(Code::FixedArray, decl.name.span.to(size.span), "array");
            lints.push(
                warning
                    .label("unknown to Java and others")
                    .help("use `vector<..>`, which is the same on the wire"),
            );
        }
        Shape::Pointer(star) => {
            let warning = Diagnostic::new(Code::Pointer, star, "pointer");
            lints.push(
                warning
                    .label("only C++ knows it")
                    .help("use `vector<byte>`, which is the same on the wire"),
            );
        }
    }
}

fn unsigned(span: Span, ty: &str, larger: &str) -> Diagnostic {
    let warning = Diagnostic::new(Code::UnsignedType, span, format!("`unsigned {ty}`")).label("unknown to Java");
    warning
        .help(format!("use `{larger}`, which is the same on the wire"))
        .replace(span, larger)
}

fn map_key(key: &crate::ast::Type, ty: &Type, keyed: &BTreeSet<StructId>) -> Option<Diagnostic> {
    match ty {
        Type::Float | Type::Double => {
            let warning = Diagnostic::new(Code::FloatKey, key.span, "map key is a fraction");
            Some(
                warning
                    .label("hardly ever equal")
                    .help("use a whole number or a string"),
            )
        }
        Type::Struct(id) if !keyed.contains(id) => {
            let warning = Diagnostic::new(Code::StructKey, key.span, "map key is a struct without `key[..]`");
            let TypeKind::Named(path) = &key.kind else { return None };
            let help = format!("declare its order: `key[{}, ..];`", path.text());
            Some(warning.label("C++ cannot order it").help(help))
        }
        _ => None,
    }
}
