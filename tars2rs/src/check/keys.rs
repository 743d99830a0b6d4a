//! `key[Struct, member, ..]`

use std::collections::{BTreeMap, BTreeSet};

use crate::ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Item, ModuleId, StructId};
use crate::resolve::Draft;
use crate::source::Span;

/// What the lines say about one struct.
#[derive(Default)]
struct Seen<'a> {
    fields: BTreeSet<&'a str>,
    members: BTreeMap<&'a str, Span>,
}

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<StructId, Seen<'_>> = BTreeMap::new();
    for (module, key) in &draft.keys {
        let Some(target) = target(draft, *module, key, diagnostics) else {
            continue;
        };
        let ast = draft.structs[target.index()].ast;
        let seen = seen.entry(target).or_insert_with(|| {
            let fields = ast.fields.iter().map(|field| field.decl.name.text.as_str()).collect();
            Seen {
                fields,
                members: BTreeMap::new(),
            }
        });
        for member in &key.members {
            let lost = || ast.incomplete && draft.lost.may_hold(&member.text);
            if !seen.fields.contains(member.text.as_str()) && !lost() {
                let message = format!("struct `{}` has no field `{}`", ast.name.text, member.text);
                let error = Diagnostic::new(Code::KeyMember, member.span, message);
                let meant = draft.nearest(&member.text, seen.fields.iter().copied());
                diagnostics.push(error.related(ast.name.span, "the struct").meant(meant));
            }
            // Several lines for one struct add up; naming a member again changes nothing, and is a slip.
            if let Some(first) = seen.members.get(member.text.as_str()) {
                let message = format!("`{}` is in the key of `{}` already", member.text, ast.name.text);
                let warning = Diagnostic::new(Code::RepeatedKeyMember, member.span, message);
                diagnostics.push(warning.label("changes nothing").related(*first, "first named here"));
            } else {
                seen.members.insert(&member.text, member.span);
            }
        }
    }
}

fn target(draft: &Draft<'_>, module: ModuleId, key: &ast::Key, diagnostics: &mut Diagnostics) -> Option<StructId> {
    match draft.lookup(module, &key.target) {
        Ok(Item::Struct(id)) => Some(id),
        Ok(_) => {
            let message = format!("`{}` is not a struct", key.target.text());
            diagnostics
                .push(Diagnostic::new(Code::KeyTarget, key.target.span, message).help("only structs have a key"));
            None
        }
        Err(mut error) => {
            if error.code == Code::NotAType {
                error.code = Code::KeyTarget;
                diagnostics.push(error);
            } else {
                draft.say(&key.target, error, diagnostics);
            }
            None
        }
    }
}

/// The members of each struct's key, in order, each once.
pub(super) fn members<'a>(draft: &Draft<'a>) -> BTreeMap<StructId, Vec<&'a str>> {
    let mut members: BTreeMap<StructId, Vec<&str>> = BTreeMap::new();
    let mut named: BTreeSet<(StructId, &str)> = BTreeSet::new();
    for (module, key) in &draft.keys {
        if let Ok(Item::Struct(id)) = draft.lookup(*module, &key.target) {
            let new = key.members.iter().map(|name| name.text.as_str());
            members
                .entry(id)
                .or_default()
                .extend(new.filter(|name| named.insert((id, *name))));
        }
    }
    members
}
