//! The interface for build scripts and for the command line tool.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::compile::{Outcome, Printed, Refused, check, compile};
use crate::diag::{Code, Diagnostic, Level, Levels, Style, render_all, short};
use crate::include::Search;
use crate::output::{tell_cargo, write_if_changed};
use crate::settings::Choices;
use crate::source::FsLoader;

/// How to compile: where to write, and what to do differently at which path.
///
/// Paths are explained in the [crate documentation](crate#paths).
#[derive(Clone, Debug)]
pub struct Config {
    out_dir: Option<PathBuf>,
    include_dirs: Vec<PathBuf>,
    choices: Choices,
}

impl Default for Config {
    fn default() -> Self {
        Self::with(Levels::of_builds())
    }
}

impl Config {
    /// The defaults: write to cargo's `OUT_DIR`, everything as the crate documentation says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults with other levels.
    pub(crate) fn with(levels: Levels) -> Self {
        Self {
            out_dir: None,
            include_dirs: Vec::new(),
            choices: Choices {
                levels,
                ..Choices::default()
            },
        }
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

    /// Makes errors of warnings: of a code such as `T0901`, of `portability` (what compilers for other languages do not
    /// take), of all `warnings`, or of `all` that could be one. The narrower choice wins: a code over `portability`, and
    /// that over the rest.
    pub fn deny(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Deny)
    }

    /// Warns of a code, of `portability` or of `all`. Build scripts are not warned of what concerns other languages
    /// unless they ask for it here.
    pub fn warn(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Warn)
    }

    /// Says nothing of a code, of `portability`, of all `warnings`.
    pub fn allow(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Allow)
    }

    fn level(&mut self, what: &str, level: Level) -> &mut Self {
        let set = |selection| self.choices.levels.set(selection, level);
        if let Err(reason) = what.parse().and_then(set) {
            self.choices.wrong_levels.push(reason);
        }
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
        let warnings: Vec<String> = warnings
            .map(|warning| short::for_cargo(warning, &outcome.sources))
            .collect();
        tell_cargo(&inputs, &warnings);
        Generated::of(outcome)?.write_to(&out_dir)
    }

    /// Compiles as [`compile`](Self::compile) does, but writes and prints nothing.
    pub fn generate(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<Generated, Error> {
        Generated::of(self.run(files, include_dirs))
    }

    /// Compiles, and shows nothing yet.
    pub(crate) fn run(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Outcome {
        self.stages(files, include_dirs, compile)
    }

    /// Looks for mistakes only.
    pub(crate) fn check(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Outcome {
        self.stages(files, include_dirs, check)
    }

    fn stages(
        &self,
        files: &[impl AsRef<Path>],
        include_dirs: &[impl AsRef<Path>],
        run: fn(&[PathBuf], Search<'_>, &Choices) -> Outcome,
    ) -> Outcome {
        let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_path_buf()).collect();
        let given = include_dirs.iter().map(|dir| dir.as_ref().to_path_buf());
        let dirs: Vec<PathBuf> = self.include_dirs.iter().cloned().chain(given).collect();
        let search = Search {
            loader: &FsLoader,
            dirs: &dirs,
        };
        run(&files, search, &self.choices)
    }
}

/// The result of a compilation that has not been written yet.
#[derive(Clone, Debug)]
pub struct Generated {
    files: Vec<Printed>,
    warnings: String,
}

impl Generated {
    fn of(outcome: Outcome) -> Result<Self, Error> {
        let rendered = render_all(&outcome.diagnostics, &outcome.sources, Style::Plain);
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
        write_all(&self.files, dir.as_ref()).map_err(|error| Error::unwritable(&error))
    }
}

/// Writes files into a directory; the finding says which one could not be written.
pub(crate) fn write_all(files: &[Printed], dir: &Path) -> Result<(), Diagnostic> {
    for file in files {
        let path = dir.join(&file.name);
        write_if_changed(&path, &file.text).map_err(|error| {
            let message = format!("cannot write `{}`: {error}", path.display());
            Diagnostic::general(Code::Unwritable, message)
        })?;
    }
    Ok(())
}

/// Why a compilation failed: the text shows every mistake.
#[derive(Clone, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
}

impl Error {
    fn of(rendered: &str, diagnostics: &[Diagnostic]) -> Self {
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

    /// The last line of what is shown.
    pub(crate) fn count(errors: usize, consequence: &str) -> String {
        let plural = if errors == 1 { "" } else { "s" };
        format!("{errors} error{plural} found, {consequence}")
    }

    fn no_out_dir() -> Self {
        Self {
            text: "`OUT_DIR` is not set: outside a build script call `Config::out_dir`".to_owned(),
        }
    }

    fn unwritable(error: &Diagnostic) -> Self {
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
