//! What is used before it is declared, as compilers that read a file once cannot take it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lints, uses};
use crate::diag::{Code, Diagnostic};
use crate::graph;
use crate::model::{Item, StructId, Type};
use crate::source::{FileId, Span};

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    let mut targets = vec![Vec::new(); draft.structs.len()];
    let mut found = Vec::new();
    for (owner, used) in uses(draft) {
        used.each(&mut |used| {
            let item = match used.ty {
                Type::Struct(id) => Item::Struct(*id),
                Type::Enum(id) => Item::Enum(*id),
                _ => return,
            };
            if let (Some(owner), Item::Struct(id)) = (owner, item) {
                targets[owner.index()].push(id.index());
            }
            found.push((owner, used.ast.span, item));
        });
    }
    for (module, key) in &draft.keys {
        if let Ok(item) = draft.lookup(*module, &key.target) {
            found.push((None, key.target.span, item));
        }
    }
    let circle = graph::components(&targets);
    circles(lints, &targets, &circle);
    let together = |owner: Option<StructId>, item| match (owner, item) {
        (Some(owner), Item::Struct(id)) => circle[owner.index()] == circle[id.index()],
        _ => false,
    };
    found.retain(|(owner, _, item)| !together(*owner, *item));
    forward(lints, &found);
}

/// Structs that hold each other.
fn circles(lints: &mut Lints<'_, '_>, targets: &[Vec<usize>], circle: &[usize]) {
    let draft = lints.draft;
    let mut members = vec![Vec::new(); targets.len()];
    for (index, part) in circle.iter().enumerate() {
        members[*part].push(&draft.structs[index].ast.name);
    }
    for mut names in members {
        names.sort_by_key(|name| name.span);
        let [first, second, others @ ..] = names.as_slice() else {
            continue;
        };
        let more = match others.len() {
            0 => String::new(),
            more => format!(" through {more} more"),
        };
        let message = format!("structs `{}` and `{}` hold each other{more}", first.text, second.text);
        let warning = Diagnostic::new(Code::MutualRecursion, first.span, message).label("C++ cannot declare this");
        let warning = warning.related(second.span, "it needs the one above, and the other way round");
        lints.push(warning.help("let one hold an id of the other; a struct may hold itself in a vector or map"));
    }
}

/// Uses before the declaration: in one file by place, over files by includes. Each name is reported once a file.
fn forward(lints: &mut Lints<'_, '_>, found: &[(Option<StructId>, Span, Item)]) {
    let mut said = BTreeSet::new();
    let mut seen = Reach::new(lints);
    for (_, span, item) in found {
        let Some(declared) = declaration(lints, *item) else {
            continue;
        };
        let (here, there) = (lints.sources.id_of(*span), lints.sources.id_of(declared.span));
        if here == there && declared.span.start < span.start {
            continue;
        }
        if !lints.is_named(*span) || (here != there && seen.reaches(here, there)) {
            continue;
        }
        if !said.insert((here, there, declared.span)) {
            continue;
        }
        let warning = if here == there {
            Diagnostic::new(
                Code::ForwardReference,
                *span,
                format!("`{}` is used before it is declared", declared.text),
            )
            .help("declare it first: C++ and the languages that share its compiler read a file once")
        } else {
            let message = format!("`{}` is declared in a file that is not included", declared.text);
            Diagnostic::new(Code::ForwardReference, *span, message)
                .help(format!("add `#include \"{}\"`", lints.sources.file(there).name))
        };
        lints.push(warning.related(declared.span, "declared here"));
    }
}

fn declaration<'a>(lints: &Lints<'_, 'a>, item: Item) -> Option<&'a crate::ast::Name> {
    match item {
        Item::Struct(id) => Some(&lints.draft.structs[id.index()].ast.name),
        Item::Enum(id) => Some(&lints.draft.enums[id.index()].ast.name),
        Item::Const(_) | Item::Interface(_) => None,
    }
}

/// The files that a file sees through its includes; computed once a file.
struct Reach {
    includes: BTreeMap<FileId, Vec<FileId>>,
    of: Option<(FileId, BTreeSet<FileId>)>,
}

impl Reach {
    fn new(lints: &Lints<'_, '_>) -> Self {
        let mut includes: BTreeMap<FileId, Vec<FileId>> = BTreeMap::new();
        for edge in &lints.program.includes {
            includes.entry(edge.from).or_default().push(edge.to);
        }
        Self { includes, of: None }
    }

    fn reaches(&mut self, from: FileId, to: FileId) -> bool {
        let seen = match self.of.take() {
            Some((known, seen)) if known == from => seen,
            _ => self.seen_from(from),
        };
        let found = seen.contains(&to);
        self.of = Some((from, seen));
        found
    }

    fn seen_from(&self, from: FileId) -> BTreeSet<FileId> {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let next = self.includes.get(&at).into_iter().flatten();
            open.extend(next.copied().filter(|to| seen.insert(*to)));
        }
        seen
    }
}
