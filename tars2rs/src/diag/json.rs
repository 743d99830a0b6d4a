//! Diagnostics as JSON, one object a line, for other programs. The fields are described in `docs/diagnostics/README.md`.

use serde::Serialize;

use super::{Diagnostic, Label, Severity};
use crate::source::{SourceMap, Span};

/// A diagnostic as it is written.
#[derive(Serialize)]
pub(crate) struct Line<'d> {
    code: &'static str,
    severity: &'static str,
    message: &'d str,
    file: Option<&'d str>,
    span: Option<Place>,
    labels: Vec<Mark<'d>>,
    included_from: Vec<Mark<'d>>,
    help: Option<&'d str>,
    suggestion: Option<Change<'d>>,
}

/// Both ends; the end is the first position behind.
#[derive(Serialize)]
struct Place {
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    /// From 0, in the file as it is stored.
    byte: usize,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
}

#[derive(Serialize)]
struct Mark<'d> {
    file: &'d str,
    span: Place,
    text: &'d str,
    primary: bool,
}

#[derive(Serialize)]
struct Change<'d> {
    file: &'d str,
    span: Place,
    replacement: &'d str,
}

/// One object a line.
pub(crate) fn lines(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let line = line(diagnostic, sources);
        out.push_str(&serde_json::to_string(&line).expect("texts and numbers always become JSON"));
        out.push('\n');
    }
    out
}

/// One diagnostic.
pub(crate) fn line<'d>(diagnostic: &'d Diagnostic, sources: &'d SourceMap) -> Line<'d> {
    let primary = diagnostic.primary.as_ref();
    let related = diagnostic.related.iter().map(|label| mark(label, false, sources));
    let chain = primary.map(|label| sources.chain(label.span)).unwrap_or_default();
    Line {
        code: diagnostic.code.text(),
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: &diagnostic.message,
        file: primary.map(|label| sources.file_of(label.span).name.as_str()),
        span: primary.map(|label| place(label.span, sources)),
        labels: primary
            .map(|label| mark(label, true, sources))
            .into_iter()
            .chain(related)
            .collect(),
        included_from: chain
            .into_iter()
            .map(|span| Mark {
                file: &sources.file_of(span).name,
                span: place(span, sources),
                text: "",
                primary: false,
            })
            .collect(),
        help: diagnostic.advice.help.as_deref(),
        suggestion: diagnostic.advice.suggestion.as_ref().map(|change| Change {
            file: &sources.file_of(change.span).name,
            span: place(change.span, sources),
            replacement: &change.replacement,
        }),
    }
}

fn mark<'d>(label: &'d Label, primary: bool, sources: &'d SourceMap) -> Mark<'d> {
    Mark {
        file: &sources.file_of(label.span).name,
        span: place(label.span, sources),
        text: &label.text,
        primary,
    }
}

fn place(span: Span, sources: &SourceMap) -> Place {
    let file = sources.file_of(span);
    let point = |offset: u32| {
        let (line, column) = file.position(offset);
        Point {
            byte: file.stored(offset),
            line,
            column,
        }
    };
    Place {
        start: point(span.start),
        end: point(span.end),
    }
}
