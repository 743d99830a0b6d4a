//! What can go wrong. No text here shows a value, or a line that might be one: it may be a password.

use std::fmt;

/// Why a text is no configuration file: the line and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseConfigError {
    line: usize,
    message: String,
}

impl ParseConfigError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

/// Why one configuration cannot be laid over another: a name is a key in one and a domain in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeConfigError {
    /// The domain that both are in, `/` for none.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) overlay_is_domain: bool,
    /// Lines, of configurations that were parsed.
    pub(super) line: Option<usize>,
    pub(super) overlay_line: Option<usize>,
}

impl MergeConfigError {
    /// The line in the configuration below, counted from 1. `None` when it was set, not parsed.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The line in the overlay, counted from 1. `None` when it was set, not parsed.
    #[must_use]
    pub fn overlay_line(&self) -> Option<usize> {
        self.overlay_line
    }
}

impl fmt::Display for MergeConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (overlay, below) = if self.overlay_is_domain {
            ("domain", "key")
        } else {
            ("key", "domain")
        };
        write!(f, "`{}` in `{}` is a {overlay} here", self.name, self.path)?;
        if let Some(line) = self.overlay_line {
            write!(f, " (line {line})")?;
        }
        write!(f, " and a {below} in the configuration below")?;
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        Ok(())
    }
}

impl std::error::Error for MergeConfigError {}

/// Why a key cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetConfigError {
    /// The path is not of the form `/domain/domain<key>`.
    #[error("expected a path like `/domain<key>`")]
    Path,
    /// The format has no way to write such a key.
    #[error("a key is not empty, begins neither with `#` nor with `<`, and has no spaces around it")]
    Key,
    /// The format has no way to write such a value.
    #[error("a value has no spaces around it")]
    Value,
    /// The format has no way to write such a domain.
    #[error(
        "a domain's name has no `<`, `>`, `/` or line break, no spaces around it, and does not begin with `!` or `?`"
    )]
    Domain,
    /// More than [`Config::MAX_DEPTH`](super::Config::MAX_DEPTH) domains inside each other.
    #[error("more than {} domains inside each other", super::Config::MAX_DEPTH)]
    Depth,
}
