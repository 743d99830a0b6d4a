//! Mistakes are found and told.

use serde_json::Value;

use super::files::Files;
use crate::compile::Outcome;
use crate::diag::{Diagnostic, Level, Levels, Selection, Style, json, render_all, short};
use crate::source::{SourceFile, SourceMap, Span};

/// Any bytes, with any files to include, are checked and linted: every finding lies in a text, every rendering comes out,
/// two runs say the same, and an error hides no other finding because it only was a warning.
pub fn parse(input: &[u8]) {
    let files = Files::of(input);
    let outcome = files.check(Levels::default());
    for found in &outcome.diagnostics {
        lies_in_a_text(found, &outcome.sources);
    }
    let errors = outcome.diagnostics.iter().filter(|found| found.is_error()).count();
    assert_eq!(
        outcome.files.is_ok(),
        errors == 0,
        "nothing is generated when there are errors"
    );

    let said = told(&outcome);
    assert_eq!(said, told(&files.check(Levels::default())), "two runs say the same");
    shown(&outcome);

    let mut all_denied = Levels::default();
    all_denied
        .set(Selection::All, Level::Deny)
        .expect("everything may be an error");
    let denied = files.check(all_denied);
    assert_eq!(places(&outcome), places(&denied), "what is denied hides nothing");
}

/// The findings as programs take them.
fn told(outcome: &Outcome) -> [String; 2] {
    let (found, sources) = (&outcome.diagnostics, &outcome.sources);
    let lines = json::lines(found, sources);
    let objects = lines.lines().flat_map(serde_json::from_str::<Value>);
    assert_eq!(objects.count(), found.len(), "an object a finding\n{lines}");
    let short = short::lines(found, sources);
    assert_eq!(short.lines().count(), found.len(), "a line a finding\n{short}");
    assert!(!steers(&short), "{short:?}");
    [lines, short]
}

/// Excerpts cost much more than all the rest, so that only a few findings are shown in colour.
const IN_COLOUR: usize = 20;

/// The findings as people see them.
fn shown(outcome: &Outcome) {
    let (found, sources) = (&outcome.diagnostics, &outcome.sources);
    let plain = render_all(found, sources, Style::Plain);
    assert!(!steers(&plain), "{plain:?}");
    if found.len() < IN_COLOUR {
        render_all(found, sources, Style::Coloured);
    }
}

/// Whether a text has more in it than lines of characters.
fn steers(text: &str) -> bool {
    text.contains(|c: char| c.is_control() && c != '\n')
}

/// Codes and places.
fn places(outcome: &Outcome) -> Vec<(&'static str, Option<Span>)> {
    let place = |found: &Diagnostic| (found.code.text(), found.primary.as_ref().map(|label| label.span));
    outcome.diagnostics.iter().map(place).collect()
}

fn lies_in_a_text(found: &Diagnostic, sources: &SourceMap) {
    let labels = found.primary.iter().chain(&found.related).map(|label| label.span);
    let change = found.advice.suggestion.iter().map(|change| change.span);
    for span in labels.chain(change) {
        let file = sources.file_of(span);
        let (start, end) = (file.local(span.start), file.local(span.end));
        let inside = span.start <= span.end && (span.end - file.start) as usize <= file.text.len();
        let whole = file.text.is_char_boundary(start) && file.text.is_char_boundary(end);
        assert!(inside && whole, "{span:?} of {found:?}");
        for offset in [span.start, span.end] {
            assert_eq!(file.position(offset), counted(file, file.local(offset)), "{found:?}");
        }
    }
}

/// Line and column, found by counting.
fn counted(file: &SourceFile, local: usize) -> (usize, usize) {
    let before = &file.text[..local];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
