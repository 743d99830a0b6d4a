//! Tars' configuration files: what a server is started with, `--config=FILE`.
//!
//! ```text
//! <tars>
//!     <application>
//!         # a comment has a line of its own
//!         enableset = n
//!         <server>
//!             app = TestApp
//!         </server>
//!     </application>
//! </tars>
//! ```
//!
//! It looks like XML and is not: the format is made of lines.
//!
//! - `<name>` opens a domain and `</name>` closes it, each on a line of its own; a comment may follow. A domain that is
//!   opened again is the same one, gone on with. A name has no `/`, `<` or `>`.
//! - `key=value` is split at the first `=` that no backslash precedes; spaces around both do not count. A line without
//!   `=` is a key with an empty value. The last line of a key counts.
//! - `#` begins a comment where it is a line's first character, and nowhere else.
//! - `\\`, `\r`, `\n`, `\t` and `\=` are escapes. Everything else stands for itself: `&`, `<`, quotes, and a backslash
//!   before any other character.
//!
//! That is how TarsCpp reads. Two things are decided otherwise. TarsCpp refuses a file with any other backslash, but
//! servers in Go and Node.js, whose parsers know no escapes at all, have files with `\d` and `C:\dir`: they are kept as
//! they are. TarsCpp ignores text behind `<name>`, TarsGo reads it as a key and Tars.js gives the file up: here it is an
//! error, so that nothing is lost in silence.
//!
//! A server takes from it where its objects are served, [`servant`](crate::ServerBuilder::servant), and how it calls others,
//! [`CommunicatorBuilder::config`](crate::CommunicatorBuilder::config).
//!
//! A [`Config`] keeps each line as it is written, with its place and its comments, so each language's parser reads in what
//! it prints what it read before.

mod apply;
mod domain;
mod error;
mod escape;
mod merge;
mod parse;
mod path;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::str::FromStr;

use self::domain::{Domain, Entry};
pub use self::error::{MergeConfigError, ParseConfigError, SetConfigError};
use self::path::Path;
use crate::{Error, code};

/// A configuration file: keys and values in nested domains, in the file's order and with its comments.
///
/// A key is named by a path as in TarsCpp, `/tars/application/server<app>`, a domain by `/tars/application/server`.
///
/// ```
/// use tars::config::Config;
///
/// let mut config: Config = "<db>\n  # not the default port\n  port=3307\n  password=a&b<c=d\n</db>".parse()?;
/// assert_eq!(config.get("/db<password>").as_deref(), Some("a&b<c=d"));
///
/// config.merge(&"<db>\n  port=3306\n  charset=utf8\n</db>".parse()?)?;
/// assert_eq!(
///     config.to_string(),
///     "<db>\n    # not the default port\n    port=3306\n    password=a&b<c=d\n    charset=utf8\n</db>\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows no values: they may be passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Config {
    root: Domain,
}

impl Config {
    /// Most bytes of a file that is parsed, 1 MiB: what a `ConfigMap` of Kubernetes holds.
    pub const MAX_SIZE: usize = 1024 * 1024;

    /// Most domains inside each other.
    pub const MAX_DEPTH: usize = 64;

    /// A configuration that says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a whole file. A byte order mark at its beginning is left out.
    pub fn parse(text: &str) -> Result<Self, ParseConfigError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Reads the file at `path`. The error names it and, for a mistake in it, the line.
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let cannot = |error: &dyn fmt::Display| {
            let text = format!("cannot read `{}`: {error}", path.display());
            Error::new(code::UNKNOWN, text)
        };
        let text = read_bounded(path).map_err(|error| cannot(&error))?;
        Self::parse(&text).map_err(|error| cannot(&error).with_source(error))
    }

    /// The value of a key such as `/tars/application/server<app>`, without escapes. `None` when there is no such key, or
    /// when the path names none.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Cow<'_, str>> {
        let path = Path::parse(path)?;
        Some(self.root.find(&path.domains)?.entry(path.key?)?.value())
    }

    /// Whether there is such a domain, even an empty one.
    #[must_use]
    pub fn contains_domain(&self, path: &str) -> bool {
        self.domain(path).is_some()
    }

    /// The names of a domain's own domains, in the file's order; none when there is no such domain.
    pub fn domains(&self, path: &str) -> impl Iterator<Item = &str> {
        self.domain(path).into_iter().flat_map(Domain::domain_names)
    }

    /// A domain's own keys and values, without escapes and in the file's order, each key once.
    pub fn entries(&self, path: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let entries = self.domain(path).into_iter().flat_map(Domain::entries);
        entries.map(|entry| (entry.key(), entry.value()))
    }

    /// A domain's own lines as they are written, without comments: some domains are lists, with lines that are no keys and
    /// may repeat.
    pub fn lines(&self, path: &str) -> impl Iterator<Item = &str> {
        self.domain(path).into_iter().flat_map(Domain::lines)
    }

    /// Gives a key its value, with the escapes it needs. A key that is there keeps its place; a new one, and domains that
    /// are missing, come last.
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), SetConfigError> {
        let path = Path::parse(path).ok_or(SetConfigError::Path)?;
        let entry = Entry::with_value(path.key.ok_or(SetConfigError::Path)?, value)?;
        self.root.make(&path.domains)?.put(entry);
        Ok(())
    }

    /// Sets a key without a value: a line without `=`. Empty to [`get`](Self::get), but other languages' parsers tell it from
    /// an empty value.
    pub fn set_flag(&mut self, path: &str) -> Result<(), SetConfigError> {
        let path = Path::parse(path).ok_or(SetConfigError::Path)?;
        let entry = Entry::flag(path.key.ok_or(SetConfigError::Path)?)?;
        self.root.make(&path.domains)?.put(entry);
        Ok(())
    }

    /// Lays `overlay` over this configuration. Domains of one name become one; a key of both has the overlay's value, and
    /// the place it has here; what only the overlay has comes last, in its order. Comments of both are kept. Nothing is
    /// changed when it fails.
    pub fn merge(&mut self, overlay: &Self) -> Result<(), MergeConfigError> {
        let mut merged = self.root.clone();
        merge::merge(&mut merged, &overlay.root)?;
        self.root = merged;
        Ok(())
    }

    fn domain(&self, path: &str) -> Option<&Domain> {
        let path = Path::parse(path).filter(|path| path.key.is_none())?;
        self.root.find(&path.domains)
    }
}

/// A byte more than a file may have, so that the parser tells that it is too many.
fn read_bounded(path: &std::path::Path) -> io::Result<String> {
    let mut text = String::new();
    let limit = Config::MAX_SIZE as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

impl FromStr for Config {
    type Err = ParseConfigError;

    fn from_str(text: &str) -> Result<Self, ParseConfigError> {
        Self::parse(text)
    }
}

impl fmt::Display for Config {
    /// The file: each line as it was written, indented anew by four spaces a domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.print(f, 0)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}
