//! What came out of a compilation, and its way to the disk.

use std::path::Path;

use super::Error;
use crate::compile::{Outcome, Printed};
use crate::diag::{Code, Diagnostic, Style, render_all};
use crate::output::write_if_changed;

/// The result of a compilation that has not been written yet.
#[derive(Clone, Debug)]
pub struct Generated {
    files: Vec<Printed>,
    warnings: String,
}

impl Generated {
    pub(super) fn of(outcome: Outcome) -> Result<Self, Error> {
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
