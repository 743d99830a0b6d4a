//! Formatting changes nothing but blanks, and once is enough.

use super::files::Files;
use crate::compile::Refused;
use crate::diag::{Diagnostic, Diagnostics, Levels};
use crate::format::{self, text::Text};
use crate::parse;
use crate::parse::lexemes::{LexemeKind, lexemes};
use crate::source::SourceMap;

/// Any bytes are formatted or refused. What is formatted has the same tokens, comments and tree, the same findings, and is
/// its own format.
pub fn roundtrip(input: &[u8]) {
    if let Ok(once) = format::run("a.tars", input) {
        holds(input, &once);
    }
}

/// The same for bytes whose syntax is right.
#[cfg(test)]
pub(crate) fn of_good(input: &[u8]) {
    holds(input, &formatted(input));
}

fn holds(bytes: &[u8], once: &[u8]) {
    let (source, result) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(once));
    let shown = format!("{source}\n==>\n{result}");
    let (before, after) = (meaning(bytes), meaning(once));
    let pairs = before.lexemes.iter().zip(&after.lexemes);
    let changed = pairs.clone().find(|(before, after)| before != after);
    assert_eq!(
        (changed, before.lexemes.len()),
        (None, after.lexemes.len()),
        "tokens of\n{shown}"
    );
    assert!(before.tree == after.tree, "tree of\n{shown}");
    assert_eq!(before.findings, after.findings, "findings of\n{shown}");
    let twice = formatted(once);
    let again = String::from_utf8_lossy(&twice);
    assert!(once == twice, "not stable\n{shown}\n==>\n{again}");
    // Blanks of other alphabets are part of a comment.
    let tidy = result
        .lines()
        .all(|line| !line.ends_with([' ', '\t', '\r', '\x0B', '\x0C']));
    assert!(tidy, "blanks at the end of a line\n{result}");
    let one_end = once.ends_with(b"\n") && !once.ends_with(b"\n\n");
    assert!(once.is_empty() || one_end, "{result:?}");
}

fn formatted(bytes: &[u8]) -> Vec<u8> {
    format::run("a.tars", bytes).unwrap_or_else(|refused: Refused| {
        let found: Vec<_> = refused.diagnostics.iter().map(in_words).collect();
        panic!("{}\n{found:?}", String::from_utf8_lossy(bytes))
    })
}

/// What a text means.
struct Meaning {
    /// The tree with its comments, without places.
    tree: String,
    /// Every token and comment without the blanks around its lines.
    lexemes: Vec<(LexemeKind, String)>,
    /// Codes and messages.
    findings: Vec<(&'static str, String)>,
}

fn meaning(bytes: &[u8]) -> Meaning {
    let (mut sources, mut diagnostics) = (SourceMap::default(), Diagnostics::default());
    let id = sources.add("a".into(), "a".into(), bytes, None).expect("a text");
    let file = parse::file(id, sources.file(id), &mut diagnostics);
    diagnostics.finish();
    let text = Text::of(bytes).text;
    Meaning {
        tree: without_spans(&format!("{file:?}")),
        lexemes: lexemes(&text)
            .iter()
            .map(|lexeme| (lexeme.kind, bare(lexeme.kind, lexeme.text)))
            .collect(),
        findings: Files::one(bytes)
            .check(Levels::default())
            .diagnostics
            .iter()
            .map(in_words)
            .collect(),
    }
}

fn in_words(found: &Diagnostic) -> (&'static str, String) {
    (found.code.text(), found.message.clone())
}

/// A lexeme without blanks.
fn bare(kind: LexemeKind, text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    if kind == LexemeKind::Include {
        lines = lines[0].split('"').collect();
        lines[0] = "#include";
    }
    lines.join("\n")
}

/// What `Debug` says of a tree, without the places.
fn without_spans(tree: &str) -> String {
    let mut parts = tree.split("Span { start: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        out + part.split_once('}').map_or(part, |(_, rest)| rest)
    })
}
