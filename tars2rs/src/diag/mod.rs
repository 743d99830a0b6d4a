//! Diagnostics: collected by every stage, rendered by one module, printed by nobody in the library.

mod codes;
mod render;

pub(crate) use codes::{Code, Severity};
pub(crate) use render::render_all;

use crate::source::Span;

/// A place with a remark.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) code: Code,
    /// A terse phrase that stands alone.
    pub(crate) message: String,
    /// The place to look at; `None` for what is not in a file, such as a setting.
    pub(crate) primary: Option<Label>,
    /// Related places.
    pub(crate) related: Vec<Label>,
    /// What else there is to know.
    pub(crate) notes: Vec<String>,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

impl Diagnostic {
    /// A finding at a place.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let primary = Some(Label {
            span,
            text: String::new(),
        });
        Self {
            code,
            message: message.into(),
            primary,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A finding that has no place in a file.
    pub(crate) fn general(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
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
        self.notes.push(text.into());
        self
    }

    /// What to do about it, if anything is known to help.
    pub(crate) fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Whether a file that was asked for cannot be read: no mistake in any file.
    pub(crate) fn is_of_usage(&self) -> bool {
        self.code == Code::Unreadable && self.primary.is_none()
    }

    /// Whether it stops the compilation.
    pub(crate) fn is_error(&self) -> bool {
        self.code.severity() == Severity::Error
    }
}

/// Help for a word that is not one of the words that are known.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    // Longer words are not slips of the pen, and comparing takes time.
    if word.len() > 20 {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase());
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= nearest.len() / 3).then(|| format!("did you mean `{nearest}`?"))
}

/// The way out of the pipeline once an error is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halted;

/// Collects diagnostics. Dropping it without [`finish`](Self::finish) is a bug and panics, so that no finding gets lost.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    found: Vec<Diagnostic>,
    finished: bool,
}

impl Diagnostics {
    /// Adds a finding.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds findings.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.found.extend(diagnostics);
    }

    /// The gate between two stages: closed once there is an error.
    pub(crate) fn gate(&self) -> Result<(), Halted> {
        if self.found.iter().any(Diagnostic::is_error) {
            Err(Halted)
        } else {
            Ok(())
        }
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
    fn slips_of_the_pen_are_known() {
        let known = ["struct", "enum", "int", "string"];
        for (word, meant) in [
            ("strcut", "struct"),
            ("itn", "int"),
            ("String", "string"),
            ("enun", "enum"),
        ] {
            assert_eq!(did_you_mean(word, known), Some(format!("did you mean `{meant}`?")));
        }
        for word in ["oneway", "x", "", "an_utterly_different_and_long_word"] {
            assert_eq!(did_you_mean(word, known), None);
        }
    }

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
