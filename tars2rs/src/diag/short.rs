//! Diagnostics as one line each, `file:line:column: error[CODE]: message`, as editors and scripts take them.

use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// One line each.
pub(crate) fn lines(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let line = |diagnostic: &Diagnostic| {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (place, code) = (place(diagnostic, sources), diagnostic.code.text());
        on_one_line(&format!("{place}{severity}[{code}]: {}", diagnostic.message)) + "\n"
    };
    diagnostics.iter().map(line).collect()
}

/// A warning for cargo, which has one line for it and says itself that it is one.
pub(crate) fn for_cargo(warning: &Diagnostic, sources: &SourceMap) -> String {
    let label = warning.primary.as_ref().map_or("", |label| label.text.as_str());
    let separator = if label.is_empty() { "" } else { ", " };
    let (place, code) = (place(warning, sources), warning.code.text());
    on_one_line(&format!("{place}{code}: {}{separator}{label}", warning.message))
}

/// The text, of which parts may come from a file, without what would end the line or steer a terminal.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, "\u{FFFD}")
}

fn place(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    diagnostic.primary.as_ref().map_or_else(String::new, |label| {
        let file = sources.file_of(label.span);
        let (line, column) = file.position(label.span.start);
        format!("{}:{line}:{column}: ", file.name)
    })
}
