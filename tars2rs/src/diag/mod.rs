//! Diagnostics: collected by every stage, rendered by one module, printed by nobody in the library.

mod codes;
pub(crate) mod foreign;
pub(crate) mod json;
mod levels;
mod render;
pub(crate) mod short;
pub(crate) mod suggest;

pub(crate) use codes::{Code, Kind};
pub(crate) use levels::{Level, Levels, Selection};
pub(crate) use render::{Style, render_all};

use foreign::Ours;

use crate::source::Span;

/// A place with a remark.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Nothing is generated.
    Error,
    /// The generated Rust is not what one may expect, or other compilers understand the file differently.
    Warning,
}

/// A change that would mend a mistake, for programs that offer it.
#[derive(Clone, Debug)]
pub(crate) struct Suggestion {
    pub(crate) span: Span,
    pub(crate) replacement: String,
}

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    /// A terse phrase that stands alone.
    pub(crate) message: String,
    /// The place to look at; `None` for what is not in a file, such as a setting.
    pub(crate) primary: Option<Label>,
    /// Related places.
    pub(crate) related: Vec<Label>,
    /// Boxed, so that a result which may hold a finding stays small.
    pub(crate) advice: Box<Advice>,
}

/// What goes beyond the places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Advice {
    /// What else there is to know.
    pub(crate) notes: Vec<String>,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The same for programs.
    pub(crate) suggestion: Option<Suggestion>,
}

impl Diagnostic {
    /// A finding at a place.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let primary = Some(Label {
            span,
            text: String::new(),
        });
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            primary,
            related: Vec::new(),
            advice: Box::default(),
        }
    }

    /// A finding that has no place in a file.
    pub(crate) fn general(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            advice: Box::default(),
        }
    }

    /// Remark at the place itself.
    pub(crate) fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = text.into();
        }
        self
    }

    /// Remark at a related place.
    pub(crate) fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Something else to know.
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.advice.notes.push(text.into());
        self
    }

    /// What may have been meant at the place itself, if anything comes to mind.
    pub(crate) fn meant(self, word: Option<&str>) -> Self {
        match (word, &self.primary) {
            (Some(word), Some(primary)) => {
                let span = primary.span;
                self.help(suggest::phrase(word)).replace(span, word)
            }
            _ => self,
        }
    }

    /// What the language has for what stands at the place itself, where other languages have it.
    pub(crate) fn instead(self, ours: Ours) -> Self {
        match ours {
            // Without the types of what they hold these are no types.
            Ours::Word(word @ ("vector" | "map")) => self.help(suggest::phrase(&format!("{word}<..>"))),
            Ours::Word(word) => self.meant(Some(word)),
            Ours::Choice(advice) => self.help(advice),
        }
    }

    /// What should stand at a place instead.
    pub(crate) fn replace(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.advice.suggestion = Some(Suggestion {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.advice.help = Some(text.into());
        self
    }

    /// Whether what was asked for cannot be done, which is no mistake in any file.
    pub(crate) fn is_of_usage(&self) -> bool {
        matches!(self.code, Code::Unreadable | Code::Unwritable) && self.primary.is_none()
    }

    /// Whether it stops the compilation.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The way out of the pipeline once an error is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halted;

/// Collects diagnostics. Dropping it without [`finish`](Self::finish) is a bug and panics, so that no finding gets lost.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    found: Vec<Diagnostic>,
    levels: Levels,
    finished: bool,
}

impl Diagnostics {
    /// A collector that takes findings as seriously as it is told.
    pub(crate) fn new(levels: Levels) -> Self {
        let mut new = Self::default();
        new.levels = levels;
        new
    }

    /// How seriously findings of a code are taken.
    pub(crate) fn level(&self, code: Code) -> Level {
        self.levels.of(code)
    }

    /// Adds a finding.
    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.severity = match self.level(diagnostic.code) {
            Level::Allow => return,
            Level::Warn => Severity::Warning,
            Level::Deny => Severity::Error,
        };
        self.found.push(diagnostic);
    }

    /// Adds findings.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// The gate between two stages: closed once there is a mistake. What is only denied does not close it, so that it
    /// hides nothing else.
    pub(crate) fn gate(&self) -> Result<(), Halted> {
        let mistake = |found: &Diagnostic| found.code.kind() == Kind::Error;
        Self::closed_by(self.found.iter().any(mistake))
    }

    /// The last gate: closed once there is anything for which nothing is to be generated.
    pub(crate) fn last_gate(&self) -> Result<(), Halted> {
        Self::closed_by(self.found.iter().any(Diagnostic::is_error))
    }

    fn closed_by(error: bool) -> Result<(), Halted> {
        if error { Err(Halted) } else { Ok(()) }
    }

    /// All findings: those without a place first, the others in the order of the files.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.finished = true;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|d| d.primary.as_ref().map(|label| (label.span, d.code)));
        found
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "diagnostics were collected but nobody looked at them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "nobody looked at them")]
    fn a_forgotten_collector_panics() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::general(Code::UnknownType, "lost"));
    }

    #[test]
    fn findings_come_out_in_file_order_and_errors_close_the_gate() {
        let mut diagnostics = Diagnostics::default();
        assert_eq!(diagnostics.gate(), Ok(()));
        diagnostics.push(Diagnostic::new(Code::UnknownType, Span::new(9, 10), "second"));
        diagnostics.push(Diagnostic::new(Code::UnknownType, Span::new(1, 2), "first"));
        assert_eq!(diagnostics.gate(), Err(Halted));
        let messages: Vec<String> = diagnostics.finish().into_iter().map(|d| d.message).collect();
        assert_eq!(messages, ["first", "second"]);
    }
}
