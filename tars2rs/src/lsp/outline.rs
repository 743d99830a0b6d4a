//! What a text declares, and its canonical layout.

use std::path::Path;

use super::analysis::Analysis;
use super::index::{Kind, Occurrence, Target};
use super::text::Range;
use super::workspace::{Edit, Workspace};
use crate::format;

/// A declaration with those inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) range: Range,
    pub(crate) selection: Range,
    pub(crate) children: Vec<Outline>,
}

impl Workspace {
    /// What a text declares.
    pub(crate) fn outline(&self, path: &Path) -> Vec<Outline> {
        let Some(analysis) = self.analysis(path) else {
            return Vec::new();
        };
        let Some(id) = analysis.file(path) else {
            return Vec::new();
        };
        let mut flat: Vec<Outline> = Vec::new();
        for occurrence in &analysis.index.occurrences {
            let Target::Symbol(symbol) = occurrence.target else {
                continue;
            };
            let symbol = &analysis.index.symbols[symbol];
            // A module is opened anew in each file; everything else is declared once.
            let declares =
                symbol.span == occurrence.span || (symbol.kind == Kind::Module && opens_module(analysis, occurrence));
            if analysis.sources.id_of(occurrence.span) == id && declares && symbol.kind != Kind::Param {
                flat.push(Outline {
                    name: symbol.name.to_string(),
                    kind: symbol.kind,
                    range: analysis.local_range(id, analysis.extent(symbol.kind, occurrence.span)),
                    selection: analysis.range(id, occurrence.span),
                    children: Vec::new(),
                });
            }
        }
        nested(flat)
    }

    /// What makes the layout canonical; nothing where the syntax is wrong.
    pub(crate) fn format(&self, path: &Path) -> Vec<Edit> {
        let Some((old, starts)) = self.text(path) else {
            return Vec::new();
        };
        let Ok(new) = format::run(&path.to_string_lossy(), old.as_bytes()) else {
            return Vec::new();
        };
        let Ok(new) = String::from_utf8(new) else {
            return Vec::new();
        };
        if new == old {
            return Vec::new();
        }
        let same = |(a, b): &(char, char)| a == b;
        let length = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs.take_while(same).map(|(a, _)| a.len_utf8()).sum()
        };
        let head = length(&mut old.chars().zip(new.chars()));
        let tail = length(&mut old[head..].chars().rev().zip(new[head..].chars().rev()));
        let end = old.len() - tail;
        vec![Edit {
            range: Range {
                start: starts.position(old, head),
                end: starts.position(old, end),
            },
            text: new[head..new.len() - tail].to_owned(),
        }]
    }
}

/// Whether the name of a module is one that opens it, not one before `::`.
fn opens_module(analysis: &Analysis, occurrence: &Occurrence) -> bool {
    let id = analysis.sources.id_of(occurrence.span);
    let file = analysis.sources.file(id);
    let behind = file.text[file.local(occurrence.span.end)..].trim_start();
    !behind.starts_with("::")
}

/// Declarations that stand in the order of the text, put into those around them.
fn nested(flat: Vec<Outline>) -> Vec<Outline> {
    let mut open: Vec<Outline> = Vec::new();
    let mut done = Vec::new();
    let close = |open: &mut Vec<Outline>, done: &mut Vec<Outline>| {
        if let Some(inner) = open.pop() {
            match open.last_mut() {
                Some(outer) => outer.children.push(inner),
                None => done.push(inner),
            }
        }
    };
    for item in flat {
        while open.last().is_some_and(|outer| outer.range.end <= item.range.start) {
            close(&mut open, &mut done);
        }
        open.push(item);
    }
    while !open.is_empty() {
        close(&mut open, &mut done);
    }
    done
}
