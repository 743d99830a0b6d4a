//! The `N` of `x[N]`, `string:N`, `vector<T>:N`, and pointers.

use crate::ast::{Basic, Declarator, Shape, Size, Type, TypeKind};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::Draft;

/// The largest size that TarsCpp takes.
const MOST: i64 = 1_048_575;

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for item in &draft.structs {
        for field in &item.ast.fields {
            declarator(&field.decl, diagnostics);
        }
    }
    for item in &draft.consts {
        declarator(&item.ast.decl, diagnostics);
    }
    for item in &draft.interfaces {
        for operation in &item.ast.operations {
            if let Some(ret) = &operation.ret {
                ty(ret, false, diagnostics);
            }
            for param in &operation.params {
                declarator(&param.decl, diagnostics);
            }
        }
    }
}

fn declarator(decl: &Declarator, diagnostics: &mut Diagnostics) {
    ty(&decl.ty, false, diagnostics);
    match decl.shape {
        Shape::Plain => {}
        Shape::Array(length) => {
            range(&length, diagnostics);
            if let Some(inner) = &decl.ty.size {
                let error = Diagnostic::new(
                    Code::SizeNotAllowed,
                    inner.span,
                    "array of a type that has a size itself",
                );
                diagnostics.push(error.help("give the size once"));
            }
        }
        Shape::Pointer(star) => {
            if !matches!(decl.ty.kind, TypeKind::Basic(Basic::Byte) | TypeKind::Bad) {
                let error = Diagnostic::new(Code::BadType, star, "pointer to something other than `byte`");
                diagnostics.push(error.help("`byte *name` is the only pointer; use a vector"));
            }
        }
    }
}

fn ty(ast: &Type, inner: bool, diagnostics: &mut Diagnostics) {
    if let Some(size) = &ast.size {
        range(size, diagnostics);
        match ast.kind {
            TypeKind::Basic(Basic::String) | TypeKind::Vector(_) => {
                if inner {
                    let warning =
                        Diagnostic::new(Code::InnerSize, size.span, "size inside another type is not checked");
                    diagnostics.push(warning.help("only the size of a whole field, parameter or return value is"));
                }
            }
            TypeKind::Bad => {}
            _ => {
                let error = Diagnostic::new(Code::SizeNotAllowed, size.span, "this type takes no size");
                diagnostics.push(error.help("only `string` and `vector<..>` do"));
            }
        }
    }
    match &ast.kind {
        TypeKind::Vector(element) => ty(element, true, diagnostics),
        TypeKind::Map(key, value) => {
            ty(key, true, diagnostics);
            ty(value, true, diagnostics);
        }
        TypeKind::Basic(_) | TypeKind::Named(_) | TypeKind::Bad => {}
    }
}

fn range(size: &Size, diagnostics: &mut Diagnostics) {
    if let Some(value) = size.value
        && !(1..=MOST).contains(&value)
    {
        let error = Diagnostic::new(Code::SizeOutOfRange, size.span, format!("size {value} is out of range"));
        diagnostics.push(error.help(format!("sizes are 1 to {MOST}")));
    }
}
