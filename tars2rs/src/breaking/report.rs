//! Findings as text, as lines, and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::finding::{Breaks, Finding, Spot};
use crate::diag::{Diagnostic, Style, json, render_all};
use crate::source::SourceMap;

/// For people.
pub(super) fn text(findings: &[Finding], sources: &SourceMap, style: Style) -> String {
    let diagnostics: Vec<Diagnostic> = findings.iter().map(diagnostic).collect();
    render_all(&diagnostics, sources, style)
}

/// The new place comes first, since it is the one to mend; what is gone has only the old one.
fn diagnostic(finding: &Finding) -> Diagnostic {
    let mut diagnostic = match (&finding.new, &finding.old) {
        (Some(new), Some(old)) => Diagnostic::new(finding.code, new.span, &finding.message)
            .label(format!("new: {}", new.text))
            .related(old.span, format!("old: {}", old.text)),
        (Some(spot), None) | (None, Some(spot)) => {
            Diagnostic::new(finding.code, spot.span, &finding.message).label(spot.text.as_str())
        }
        (None, None) => Diagnostic::general(finding.code, &finding.message),
    };
    for (breaks, why) in &finding.why {
        diagnostic = diagnostic.note(format!("{}: {why}", breaks.word()));
    }
    match &finding.help {
        Some(help) => diagnostic.help(help.as_str()),
        None => diagnostic,
    }
}

/// A line each.
pub(super) fn short(findings: &[Finding], sources: &SourceMap) -> String {
    let mut out = String::new();
    for finding in findings {
        let spot = finding.new.as_ref().or(finding.old.as_ref());
        if let Some(Place { file, line, column, .. }) = spot.map(|spot| place(spot, sources)) {
            // Writing to a string cannot fail.
            let _ = write!(out, "{file}:{line}:{column}: ");
        }
        let (word, code) = (finding.worst().word(), finding.code.text());
        let _ = writeln!(out, "error[{code}]: {} ({word})", finding.message);
    }
    out
}

/// How many there are of each kind.
pub(super) fn summary(findings: &[Finding]) -> String {
    let count = |breaks: Breaks| findings.iter().filter(|finding| finding.worst() == breaks).count();
    let part = |breaks, what: &str| match count(breaks) {
        0 => None,
        1 => Some(format!("1 breaks {what}")),
        more => Some(format!("{more} break {what}")),
    };
    let parts = [
        part(Breaks::Wire, "the wire"),
        part(Breaks::Names, "names in JSON and TUP"),
        part(Breaks::Source, "sources"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match findings.len() {
        0 => String::new(),
        1 => format!("1 incompatible change: {}\n", parts.join(", ")),
        more => format!("{more} incompatible changes: {}\n", parts.join(", ")),
    }
}

/// A diagnostic and more: whoever reads the one reads the other.
#[derive(Serialize)]
struct Line<'f> {
    #[serde(flatten)]
    diagnostic: json::Line<'f>,
    /// The worst that it breaks.
    breaks: &'static str,
    why: Vec<Why<'f>>,
    old: Option<Place<'f>>,
    new: Option<Place<'f>>,
}

#[derive(Serialize)]
struct Place<'f> {
    file: &'f str,
    line: usize,
    column: usize,
    text: &'f str,
}

#[derive(Serialize)]
struct Why<'f> {
    breaks: &'static str,
    text: &'f str,
}

/// For programs: one object a line.
pub(super) fn json(findings: &[Finding], sources: &SourceMap) -> String {
    let mut out = String::new();
    for finding in findings {
        let diagnostic = diagnostic(finding);
        let why = finding.why.iter().map(|(breaks, text)| Why {
            breaks: breaks.word(),
            text,
        });
        let line = Line {
            diagnostic: json::line(&diagnostic, sources),
            breaks: finding.worst().word(),
            why: why.collect(),
            old: finding.old.as_ref().map(|spot| place(spot, sources)),
            new: finding.new.as_ref().map(|spot| place(spot, sources)),
        };
        out.push_str(&serde_json::to_string(&line).expect("texts and numbers always become JSON"));
        out.push('\n');
    }
    out
}

fn place<'f>(spot: &'f Spot, sources: &'f SourceMap) -> Place<'f> {
    let file = sources.file_of(spot.span);
    let (line, column) = file.position(spot.span.start);
    Place {
        file: &file.name,
        line,
        column,
        text: &spot.text,
    }
}
