//! Mistakes are found and told.

use serde_json::Value;

use super::files::Files;
use crate::compile::Outcome;
use crate::diag::{Diagnostic, Level, Levels, Selection, Style, json, render_all, short};
use crate::source::{SourceFile, SourceMap, Span};

/// What tells of findings costs much more than to find them, so that only a few are told.
const FEW: usize = 16;

/// Any bytes, with any files to include, are checked and linted: every finding lies in a text, every rendering comes out,
/// two runs find the same, and what is an error instead of a warning hides nothing.
pub fn parse(input: &[u8]) {
    let files = Files::of(input);
    let outcome = files.check(Levels::default());
    let errors = outcome.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(outcome.files.is_err(), errors, "nothing comes of errors");
    for found in &outcome.diagnostics {
        lies_in_a_text(found, &outcome.sources);
    }
    let again = files.check(Levels::default());
    assert_eq!(in_short(&outcome), in_short(&again), "two runs find the same");
    let mut all_denied = Levels::default();
    all_denied
        .set(Selection::All, Level::Deny)
        .expect("everything may be an error");
    let denied = files.check(all_denied);
    assert_eq!(in_short(&outcome), in_short(&denied), "what is denied hides nothing");
    if outcome.diagnostics.len() < FEW {
        tells(&outcome);
    }
}

/// What findings are, but for how serious they are.
fn in_short(outcome: &Outcome) -> Vec<(&'static str, &str, Option<Span>)> {
    let mut short = Vec::new();
    for found in &outcome.diagnostics {
        let place = found.primary.as_ref().map(|label| label.span);
        short.push((found.code.text(), found.message.as_str(), place));
    }
    short
}

fn lies_in_a_text(found: &Diagnostic, sources: &SourceMap) {
    for span in places(found) {
        let file = sources.file_of(span);
        let (start, end) = (file.local(span.start), file.local(span.end));
        let inside = span.start <= span.end && (span.end - file.start) as usize <= file.text.len();
        let whole = file.text.is_char_boundary(start) && file.text.is_char_boundary(end);
        assert!(inside && whole, "{span:?} of {found:?}");
    }
}

fn places(found: &Diagnostic) -> impl Iterator<Item = Span> {
    let labels = found.primary.iter().chain(&found.related).map(|label| label.span);
    labels.chain(found.advice.suggestion.iter().map(|change| change.span))
}

/// The findings in every form, and lines and columns as counting has them.
fn tells(outcome: &Outcome) {
    let (found, sources) = (&outcome.diagnostics, &outcome.sources);
    for span in found.iter().flat_map(places) {
        let file = sources.file_of(span);
        for offset in [span.start, span.end] {
            assert_eq!(file.position(offset), counted(file, file.local(offset)), "{found:?}");
        }
    }
    let lines = json::lines(found, sources);
    let objects = lines.lines().flat_map(serde_json::from_str::<Value>);
    assert_eq!(objects.count(), found.len(), "an object a finding\n{lines}");
    let short = short::lines(found, sources);
    assert_eq!(short.lines().count(), found.len(), "a line a finding\n{short}");
    let plain = render_all(found, sources, Style::Plain);
    let steers = |text: &str| text.contains(|c: char| c.is_control() && c != '\n');
    assert!(!steers(&short) && !steers(&plain), "{short:?}\n{plain:?}");
    render_all(found, sources, Style::Coloured);
}

/// Line and column, found by counting.
fn counted(file: &SourceFile, local: usize) -> (usize, usize) {
    let before = &file.text[..local];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
