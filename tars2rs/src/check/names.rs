//! Names that may not occur twice in their place.

use std::fmt;

use crate::ast::{self, Direction};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::Draft;
use crate::settings::RETURN;
use crate::source::Span;
use crate::text::{self, Table};

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut seen = Seen::default();
    for item in &draft.structs {
        let names = item.ast.fields.iter().map(|field| &field.decl.name);
        let owner = format_args!("struct `{}`", item.ast.name.text);
        seen.unique(names, Code::DuplicateField, ("field", owner), diagnostics);
    }
    for item in &draft.enums {
        let names = item.ast.enumerators.iter().map(|enumerator| &enumerator.name);
        let owner = format_args!("enum `{}`", item.ast.name.text);
        seen.unique(names, Code::DuplicateEnumerator, ("enumerator", owner), diagnostics);
    }
    for item in &draft.interfaces {
        interface(draft, item.ast, &mut seen, diagnostics);
    }
}

fn interface<'a>(draft: &Draft<'_>, interface: &'a ast::Interface, seen: &mut Seen<'a>, diagnostics: &mut Diagnostics) {
    if let Some(module) = draft.module_named(&interface.name.text) {
        let message = format!("interface `{}` has the name of a module", interface.name.text);
        let error = Diagnostic::new(Code::InterfaceNamedLikeModule, interface.name.span, message);
        diagnostics.push(error.related(draft.modules[module.index()].name.span, "the module"));
    }
    let names = interface.operations.iter().map(|operation| &operation.name);
    let owner = format_args!("interface `{}`", interface.name.text);
    seen.unique(names, Code::DuplicateOperation, ("operation", owner), diagnostics);
    for operation in &interface.operations {
        params(operation, seen, diagnostics);
    }
}

fn params<'a>(operation: &'a ast::Operation, seen: &mut Seen<'a>, diagnostics: &mut Diagnostics) {
    let owner = format_args!("operation `{}`", operation.name.text);
    let names = operation.params.iter().map(|param| &param.decl.name);
    seen.unique(names, Code::DuplicateParam, ("parameter", owner), diagnostics);
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

/// Names that stand in one place, with where. One table for all places, one after the other.
#[derive(Default)]
struct Seen<'a>(Table<&'a str, Span>);

impl<'a> Seen<'a> {
    /// Reports names that stand in `owner` already.
    fn unique(
        &mut self,
        names: impl Iterator<Item = &'a ast::Name>,
        code: Code,
        (kind, owner): (&str, fmt::Arguments<'_>),
        diagnostics: &mut Diagnostics,
    ) {
        text::empty(&mut self.0);
        for name in names {
            let first = *self.0.entry(&name.text).or_insert(name.span);
            if first != name.span {
                let message = format!("{kind} `{}` is declared twice in {owner}", name.text);
                let error = Diagnostic::new(code, name.span, message).label("second declaration");
                diagnostics.push(error.related(first, "first declared here"));
            }
        }
    }
}
