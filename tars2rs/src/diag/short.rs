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
        format!("{place}{severity}[{code}]: {}\n", diagnostic.message)
    };
    diagnostics.iter().map(line).collect()
}

/// A warning for cargo, which has one line for it and says itself that it is one.
pub(crate) fn for_cargo(warning: &Diagnostic, sources: &SourceMap) -> String {
    let label = warning.primary.as_ref().map_or("", |label| label.text.as_str());
    let separator = if label.is_empty() { "" } else { ", " };
    let (place, code) = (place(warning, sources), warning.code.text());
    format!("{place}{code}: {}{separator}{label}", warning.message)
}

fn place(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    diagnostic.primary.as_ref().map_or_else(String::new, |label| {
        let file = sources.file_of(label.span);
        let (line, column) = file.position(label.span.start);
        format!("{}:{line}:{column}: ", file.name)
    })
}
