//! Names that are one name in another language.

use super::Lints;
use crate::ast::Name;
use crate::diag::{Code, Diagnostic};
use crate::model::{Item, ModuleId};
use crate::text::{self, Table};

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    let mut seen = Seen::default();
    for item in &draft.structs {
        let names = item.ast.fields.iter().map(|field| ("field", &field.decl.name));
        distinct(lints, &mut seen, names);
    }
    for item in &draft.interfaces {
        let names = item
            .ast
            .operations
            .iter()
            .map(|operation| ("operation", &operation.name));
        distinct(lints, &mut seen, names);
    }
    for module in &draft.modules {
        let names = module.items.iter().map(|item| match item {
            Item::Struct(id) => ("struct", &draft.structs[id.index()].ast.name),
            Item::Enum(id) => ("enum", &draft.enums[id.index()].ast.name),
            Item::Const(id) => ("constant", &draft.consts[id.index()].ast.decl.name),
            Item::Interface(id) => ("interface", &draft.interfaces[id.index()].ast.name),
        });
        distinct(lints, &mut seen, names);
    }
    enumerators(lints);
}

/// By a name's first letter, large, and the rest of it: what it names. One table for all places, one after the other.
type Seen<'n> = Table<(u8, &'n str), (&'static str, &'n Name)>;

/// TarsGo writes the first letter large, which is how Go exports a name.
fn distinct<'n>(lints: &mut Lints<'_, '_>, seen: &mut Seen<'n>, names: impl Iterator<Item = (&'static str, &'n Name)>) {
    text::empty(seen);
    for (kind, name) in names {
        // Names are ASCII.
        let (first, rest) = name.text.split_at(name.text.len().min(1));
        let key = (first.as_bytes().first().map_or(0, u8::to_ascii_uppercase), rest);
        let Some((other, holder)) = seen.get(&key) else {
            seen.insert(key, (kind, name));
            continue;
        };
        let (message, languages) = if holder.text == name.text {
            (
                format!("{kind} `{}` has the name of a{} {other}", name.text, n(other)),
                "C++ and Go",
            )
        } else {
            let message = format!(
                "{kind} `{}` and {other} `{}` differ in the case of the first letter only",
                name.text, holder.text
            );
            (message, "Go")
        };
        let warning = Diagnostic::new(Code::SameNameElsewhere, name.span, message);
        let warning = warning.label(format!("the same name in {languages}"));
        lints.push(
            warning
                .related(holder.span, "the other one")
                .help("choose another name"),
        );
    }
}

/// The end of the article.
fn n(noun: &str) -> &'static str {
    if noun.starts_with(['e', 'i', 'o']) { "n" } else { "" }
}

/// In C++ the enumerators of all enums of a module share a scope.
fn enumerators(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    let mut seen: Table<(ModuleId, &str), (&str, &Name)> = Table::default();
    for item in &draft.enums {
        for enumerator in &item.ast.enumerators {
            let (owner, name) = (item.ast.name.text.as_str(), &enumerator.name);
            let Some((other, first)) = seen.get(&(item.module, name.text.as_str())) else {
                seen.insert((item.module, &name.text), (owner, name));
                continue;
            };
            let message = format!("enumerator `{}` is in enum `{other}` too", name.text);
            let warning = Diagnostic::new(Code::SharedEnumerator, name.span, message).label("C++ has it twice");
            let help = format!("put the enum into the name, as in `{owner}_{}`", name.text);
            lints.push(warning.related(first.span, "the other one").help(help));
        }
    }
}
