//! The interface for build scripts and for the command line tool.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::command::Report;
use crate::compile::{Outcome, Printed, compile};
use crate::diag::{Code, Diagnostic, Severity, render_all};
use crate::include::Search;
use crate::output::{tell_cargo, write_if_changed};
use crate::settings::Choices;
use crate::source::{FsLoader, SourceMap};

/// How to compile: where to write, and what to do differently at which path.
///
/// Paths are explained in the [crate documentation](crate#paths).
#[derive(Clone, Debug, Default)]
pub struct Config {
    out_dir: Option<PathBuf>,
    include_dirs: Vec<PathBuf>,
    choices: Choices,
}

impl Config {
    /// The defaults: write to cargo's `OUT_DIR`, everything as the crate documentation says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes to this directory instead of `OUT_DIR`.
    pub fn out_dir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.out_dir = Some(path.into());
        self
    }

    /// Adds a directory in which included files are looked for, after that of the including file and the working
    /// directory.
    pub fn include_dir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.include_dirs.push(path.into());
        self
    }

    /// Adds directories as [`include_dir`](Self::include_dir) does.
    pub fn include_dirs(&mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> &mut Self {
        self.include_dirs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Adds an attribute such as `#[derive(Hash)]` to structs and enums; to the output struct of an operation when the path
    /// is that of the operation.
    pub fn type_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choices.type_attributes.push((path.into(), attribute.into()));
        self
    }

    /// Adds an attribute to fields of structs, parameters and return values.
    pub fn field_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choices.field_attributes.push((path.into(), attribute.into()));
        self
    }

    /// Does not generate an IDL module, since the Rust module `rust_path` holds it: `.extern_module("tars",
    /// "::tars::protocol")`.
    pub fn extern_module(&mut self, idl_module: impl Into<String>, rust_path: impl Into<String>) -> &mut Self {
        self.choices.extern_modules.push((idl_module.into(), rust_path.into()));
        self
    }

    /// Makes `string`s `tars::ByteString`, which need not be UTF-8.
    pub fn bytes(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choices.bytes.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Makes `map`s `HashMap`s. Maps whose key is a struct or a map stay as they are, and so do those in structs with a
    /// `key[..]`.
    pub fn hash_map(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choices.hash_map.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Makes `optional` fields without a default value `Option`s: `None` is left out, `Some` always written. Peers cannot
    /// be relied on to do the same, since absent and default mean the same in Tars.
    pub fn presence(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choices.presence.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Chooses the Rust name of what stands at exactly this path. Where a struct and an interface share a name, both get it.
    pub fn rename(&mut self, path: impl Into<String>, name: impl Into<String>) -> &mut Self {
        self.choices.renames.push((path.into(), name.into()));
        self
    }

    /// Compiles `files`, with `include_dirs` added to those set before, and writes one file an IDL module; for build
    /// scripts. Tells cargo about every file read and about warnings.
    ///
    /// Fails when the files have mistakes, when a setting does not fit, or when the results cannot be written. Files whose
    /// content has not changed are not touched.
    pub fn compile(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<(), Error> {
        let out_dir = match &self.out_dir {
            Some(dir) => dir.clone(),
            None => std::env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or_else(Error::no_out_dir)?,
        };
        let outcome = self.run(files, include_dirs);
        let inputs: Vec<PathBuf> = outcome.sources.files().iter().map(|file| file.path.clone()).collect();
        let warnings = outcome.diagnostics.iter().filter(|diagnostic| !diagnostic.is_error());
        let warnings: Vec<String> = warnings.map(|warning| one_line(warning, &outcome.sources)).collect();
        tell_cargo(&inputs, &warnings);
        Generated::of(outcome)?.write_to(&out_dir)
    }

    /// Compiles as [`compile`](Self::compile) does, but writes and prints nothing.
    pub fn generate(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<Generated, Error> {
        Generated::of(self.run(files, include_dirs))
    }

    fn run(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Outcome {
        let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_path_buf()).collect();
        let given = include_dirs.iter().map(|dir| dir.as_ref().to_path_buf());
        let dirs: Vec<PathBuf> = self.include_dirs.iter().cloned().chain(given).collect();
        compile(
            &files,
            Search {
                loader: &FsLoader,
                dirs: &dirs,
            },
            &self.choices,
        )
    }
}

/// A warning for cargo, which has one line for it.
fn one_line(warning: &Diagnostic, sources: &SourceMap) -> String {
    let place = warning.primary.as_ref().map_or_else(String::new, |label| {
        let file = sources.file_of(label.span);
        let (line, column) = file.position(label.span.start);
        format!("{}:{line}:{column}: ", file.name)
    });
    let label = warning.primary.as_ref().map_or("", |label| label.text.as_str());
    let separator = if label.is_empty() { "" } else { ", " };
    format!("{place}{}: {}{separator}{label}", warning.code.text(), warning.message)
}

/// The result of a compilation that has not been written yet.
#[derive(Clone, Debug)]
pub struct Generated {
    files: Vec<Printed>,
    warnings: String,
}

impl Generated {
    fn of(outcome: Outcome) -> Result<Self, Error> {
        let rendered = render_all(&outcome.diagnostics, &outcome.sources);
        match outcome.files {
            Ok(files) => Ok(Self {
                files,
                warnings: rendered,
            }),
            Err(_) => Err(Error::of(&rendered, &outcome.diagnostics)),
        }
    }

    /// Name and text of each generated file, such as `tars.rs`.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (file.name.as_str(), file.text.as_str()))
    }

    /// The warnings as text; empty when there are none.
    pub fn warnings(&self) -> &str {
        &self.warnings
    }

    /// Writes the files into a directory, which is made if it does not exist. Files that have the content already are not
    /// touched.
    pub fn write_to(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        for file in &self.files {
            let path = dir.as_ref().join(&file.name);
            write_if_changed(&path, &file.text).map_err(|error| Error::unwritable(&path, &error))?;
        }
        Ok(())
    }
}

/// Why a compilation failed: the text shows every mistake.
#[derive(Clone, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    /// Not the files are at fault, but what was asked for.
    usage: bool,
}

impl Error {
    fn of(rendered: &str, diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics
            .iter()
            .filter(|found| found.code.severity() == Severity::Error)
            .count();
        let count = if errors == 1 {
            "1 error".to_owned()
        } else {
            format!("{errors} errors")
        };
        Self {
            text: format!("{rendered}{count} found, nothing is generated"),
            usage: diagnostics.iter().any(Diagnostic::is_of_usage),
        }
    }

    /// The files have mistakes, and `consequence` is what comes of it.
    pub(crate) fn refused(sources: &SourceMap, diagnostics: &[Diagnostic], consequence: &str) -> Self {
        let mut error = Self::of(&render_all(diagnostics, sources), diagnostics);
        error.text = error.text.replace("nothing is generated", consequence);
        error
    }

    fn no_out_dir() -> Self {
        Self {
            text: "`OUT_DIR` is not set: outside a build script call `Config::out_dir`".to_owned(),
            usage: true,
        }
    }

    /// What was asked for cannot be read.
    pub(crate) fn unreadable(name: &str, reason: &str) -> Self {
        let error = Diagnostic::general(Code::Unreadable, format!("cannot read `{name}`")).help(reason);
        Self {
            text: render_all(&[error], &SourceMap::default()).trim_end().to_owned(),
            usage: true,
        }
    }

    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        let code = Code::Unwritable.text();
        Self {
            text: format!("error[{code}]: cannot write `{}`: {error}", path.display()),
            usage: true,
        }
    }

    /// What the command line tool says.
    pub(crate) fn report(&self) -> Report {
        let text = format!("{self}\n");
        if self.usage {
            Report::usage(text)
        } else {
            Report::mistakes(text)
        }
    }
}

/// The same as [`Display`](fmt::Display): it is what a build script that returns the error shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}
