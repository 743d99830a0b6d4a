//! Names that may not occur twice in their place.

use std::collections::BTreeMap;

use crate::ast::{self, Direction};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::Draft;
use crate::settings::RETURN;
use crate::source::Span;

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for item in &draft.structs {
        let names = item.ast.fields.iter().map(|field| &field.decl.name);
        unique(
            names,
            Code::DuplicateField,
            ("field", &format!("struct `{}`", item.ast.name.text)),
            diagnostics,
        );
    }
    for item in &draft.enums {
        let names = item.ast.enumerators.iter().map(|enumerator| &enumerator.name);
        unique(
            names,
            Code::DuplicateEnumerator,
            ("enumerator", &format!("enum `{}`", item.ast.name.text)),
            diagnostics,
        );
    }
    for item in &draft.interfaces {
        interface(draft, item.ast, diagnostics);
    }
}

fn interface(draft: &Draft<'_>, interface: &ast::Interface, diagnostics: &mut Diagnostics) {
    if let Some(module) = draft.module_named(&interface.name.text) {
        let message = format!("interface `{}` has the name of a module", interface.name.text);
        let error = Diagnostic::new(Code::InterfaceNamedLikeModule, interface.name.span, message);
        diagnostics.push(error.related(draft.modules[module.index()].name.span, "the module"));
    }
    let names = interface.operations.iter().map(|operation| &operation.name);
    let owner = format!("interface `{}`", interface.name.text);
    unique(names, Code::DuplicateOperation, ("operation", &owner), diagnostics);
    for operation in &interface.operations {
        params(operation, diagnostics);
    }
}

fn params(operation: &ast::Operation, diagnostics: &mut Diagnostics) {
    let owner = format!("operation `{}`", operation.name.text);
    unique(
        operation.params.iter().map(|param| &param.decl.name),
        Code::DuplicateParam,
        ("parameter", &owner),
        diagnostics,
    );
    for param in &operation.params {
        if param.decl.name.text == operation.name.text {
            let message = format!("parameter `{}` has the name of its operation", operation.name.text);
            let error = Diagnostic::new(Code::ParamNamedLikeOperation, param.decl.name.span, message);
            diagnostics.push(error.related(operation.name.span, "the operation"));
        }
    }
    returned(operation, diagnostics);
    // Tag 0 is the return value's, so 255 are left.
    if let Some(param) = operation.params.get(255) {
        let message = format!("{owner} has {} parameters", operation.params.len());
        let error = Diagnostic::new(Code::TooManyParams, param.decl.name.span, message).label("parameter 256");
        diagnostics.push(error.help("at most 255 are possible; put them into a struct"));
    }
}

/// Where values travel by name, as in JSON and TUP, the return value has a name too.
fn returned(operation: &ast::Operation, diagnostics: &mut Diagnostics) {
    let Some(ret) = &operation.ret else { return };
    let outputs = operation
        .params
        .iter()
        .filter(|param| matches!(param.direction, Direction::Out(_)));
    for param in outputs.filter(|param| param.decl.name.text == RETURN) {
        let message = format!("out parameter `{RETURN}` has the name of the return value");
        let error = Diagnostic::new(Code::ParamNamedLikeReturn, param.decl.name.span, message);
        let error = error.related(ret.span, format!("this value travels as `{RETURN}` in JSON and TUP"));
        diagnostics.push(error.help("choose another name, or return `void`"));
    }
}

fn unique<'a>(
    names: impl Iterator<Item = &'a ast::Name>,
    code: Code,
    (kind, owner): (&str, &str),
    diagnostics: &mut Diagnostics,
) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.text.as_str()) {
            let message = format!("{kind} `{}` is declared twice in {owner}", name.text);
            let error = Diagnostic::new(code, name.span, message).label("second declaration");
            diagnostics.push(error.related(*first, "first declared here"));
        } else {
            seen.insert(&name.text, name.span);
        }
    }
}
