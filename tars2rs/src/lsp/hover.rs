//! What is declared, for whoever points at a name.

use std::path::Path;

use super::analysis::Analysis;
use super::index::{Kind, Symbol, Target};
use super::text::{Position, Range};
use super::workspace::Workspace;
use crate::diag::Code;
use crate::naming::{Style, usual};

/// Lines of a declaration that are shown.
const MOST_LINES: usize = 40;

impl Workspace {
    /// What is declared, as Markdown, and the name it is about.
    pub(crate) fn hover(&self, path: &Path, position: Position) -> Option<(Range, String)> {
        let (analysis, found) = self.at(path, position)?;
        let range = analysis.place(found.span).range;
        let symbol = match found.target {
            Target::Symbol(symbol) => &analysis.index.symbols[symbol],
            Target::File(id) => return Some((range, format!("`{}`", analysis.sources.file(id).name))),
        };
        Some((range, shown(analysis, symbol)))
    }
}

/// The declaration as it stands, where it stands, and its comment.
fn shown(analysis: &Analysis, symbol: &Symbol) -> String {
    let id = analysis.sources.id_of(symbol.span);
    let text = analysis.text(id);
    let (start, end) = match symbol.kind {
        // What is in a module says nothing about it.
        Kind::Module => (0, 0),
        _ => analysis.extent(symbol.kind, symbol.span),
    };
    let declaration = match symbol.kind {
        Kind::Module => format!("module {}", symbol.name),
        _ => dedented(text, start, end),
    };
    let mut out = format!("```tars\n{declaration}\n```");
    if !symbol.owner.is_empty() {
        out = format!("{out}\n\nIn `{}`.", symbol.owner);
    }
    out = format!("{out}\n\n{}", in_rust(analysis, symbol));
    if !symbol.doc.is_empty() {
        out.push_str("\n\n---\n\n");
        out.push_str(symbol.doc.text());
    }
    out
}

/// What it is called in Rust, if nobody chose another name.
fn in_rust(analysis: &Analysis, symbol: &Symbol) -> String {
    let name = |style| usual(&symbol.name, style);
    let mut owners = symbol.owner.split("::");
    let module = usual(owners.next().unwrap_or_default(), Style::Value);
    let owner = usual(owners.next().unwrap_or_default(), Style::Type);
    let names = match symbol.kind {
        Kind::Struct | Kind::Enum => format!("{module}::{}", name(Style::Type)),
        Kind::Const => format!("{module}::{}", name(Style::Constant)),
        Kind::Enumerator => format!("{owner}::{}", name(Style::Constant)),
        Kind::Module | Kind::Field | Kind::Param => name(Style::Value),
        Kind::Operation => format!("{owner}::{}", name(Style::Value)),
        Kind::Interface => {
            let name = name(Style::Type);
            return format!("In Rust: trait `{module}::{name}`, server `{name}Server`, client `{name}Client`");
        }
    };
    // Two names that became one are told of as a finding.
    let renamed = analysis.diagnostics.iter().find_map(|found| {
        let place = found.primary.as_ref().filter(|place| place.span == symbol.span)?;
        (found.code == Code::Renamed).then_some(&place.text)
    });
    match renamed {
        Some(becomes) => format!("In Rust: {becomes}"),
        None => format!("In Rust: `{names}`"),
    }
}

/// A stretch of text without the blanks that indent its first line, and not longer than anybody reads.
fn dedented(text: &str, start: usize, end: usize) -> String {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent: String = text[line..start].chars().take_while(|c| c.is_whitespace()).collect();
    let mut lines: Vec<&str> = text[start..end]
        .lines()
        .map(|line| line.strip_prefix(indent.as_str()).unwrap_or(line))
        .take(MOST_LINES + 1)
        .collect();
    if lines.len() > MOST_LINES {
        lines[MOST_LINES] = "..";
    }
    lines.join("\n")
}
