//! Values that other compilers do not take.

use std::collections::BTreeMap;

use super::Lints;
use crate::ast::{Name, ValueKind};
use crate::diag::{Code, Diagnostic};
use crate::source::FileId;

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    for item in &draft.enums {
        let enumerators = &item.ast.enumerators;
        let with = enumerators.iter().find(|enumerator| enumerator.value.is_some());
        let without = enumerators.iter().find(|enumerator| enumerator.value.is_none());
        if let (Some(with), Some(without)) = (with, without) {
            let message = format!("only some enumerators of `{}` have a value", item.ast.name.text);
            let warning = Diagnostic::new(Code::MixedEnum, without.name.span, message).label("none here");
            let warning = warning.related(with.name.span, "this one has a value");
            lints.push(warning.help("Java takes all or none: give every enumerator its value"));
        }
        for enumerator in enumerators {
            if let Some(value) = &enumerator.value
                && matches!(value.kind, ValueKind::Name(_))
            {
                let warning = Diagnostic::new(
                    Code::EnumeratorDefault,
                    value.span,
                    "value by the name of an enumerator",
                );
                lints.push(
                    warning
                        .label("Java refuses it, and TarsGo counts on wrongly")
                        .help("write the number"),
                );
            }
        }
    }
    let defaults = draft.structs.iter().flat_map(|item| &item.ast.fields);
    for value in defaults.filter_map(|field| field.default.as_ref()) {
        if matches!(value.kind, ValueKind::Name(_)) {
            let warning = Diagnostic::new(
                Code::EnumeratorDefault,
                value.span,
                "default by the name of an enumerator",
            );
            lints.push(
                warning
                    .label("Java refuses it")
                    .help("write the number, with the name in a comment"),
            );
        }
    }
    constants(lints);
    for item in &draft.consts {
        if matches!(item.ast.value.kind, ValueKind::Name(_)) {
            let warning = Diagnostic::new(
                Code::EnumeratorDefault,
                item.ast.value.span,
                "constant by the name of an enumerator",
            );
            lints.push(warning.label("Java and TarsGo refuse it").help("write the number"));
        }
    }
}

/// One warning a file: who has constants has many.
fn constants(lints: &mut Lints<'_, '_>) {
    let mut files: BTreeMap<FileId, Vec<&Name>> = BTreeMap::new();
    for item in &lints.draft.consts {
        let name = &item.ast.decl.name;
        files.entry(lints.sources.id_of(name.span)).or_default().push(name);
    }
    for names in files.values() {
        let Some(first) = names.first() else { continue };
        let message = match names.len() {
            1 => format!("constant `{}`", first.text),
            count => format!("constant `{}` and {} more", first.text, count - 1),
        };
        let warning = Diagnostic::new(Code::Constant, first.span, message).label("PHP leaves constants out");
        lints.push(warning.help("use an enum for whole numbers"));
    }
}
