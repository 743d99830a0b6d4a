//! Why a compilation failed, as a text.

use std::fmt;

use crate::compile::Refused;
use crate::diag::{Diagnostic, Style, render_all};

/// Why a compilation failed: the text shows every mistake.
#[derive(Clone, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
}

impl Error {
    pub(super) fn of(rendered: &str, diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics.iter().filter(|found| found.is_error()).count();
        Self {
            text: format!("{rendered}{}", Self::count(errors, "nothing is generated")),
        }
    }

    /// The files have mistakes, and `consequence` is what comes of it.
    pub(crate) fn refused(refused: &Refused, consequence: &str) -> Self {
        let errors = refused.diagnostics.iter().filter(|found| found.is_error()).count();
        let shown = render_all(&refused.diagnostics, &refused.sources, Style::Plain);
        Self {
            text: format!("{shown}{}", Self::count(errors, consequence)),
        }
    }

    /// The last line of what is shown; `consequence` may be empty.
    pub(crate) fn count(errors: usize, consequence: &str) -> String {
        let plural = if errors == 1 { "" } else { "s" };
        let comma = if consequence.is_empty() { "" } else { ", " };
        format!("{errors} error{plural} found{comma}{consequence}")
    }

    pub(super) fn no_out_dir() -> Self {
        Self {
            text: "`OUT_DIR` is not set: outside a build script call `Config::out_dir`".to_owned(),
        }
    }

    pub(super) fn unwritable(error: &Diagnostic) -> Self {
        Self {
            text: format!("error[{}]: {}", error.code.text(), error.message),
        }
    }
}

/// The same as [`Display`](fmt::Display): it is what a build script that returns the error shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}
