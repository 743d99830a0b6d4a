//! Results leave the compiler here: files, and lines for cargo.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Writes a file unless it has that content already, so that nothing is rebuilt without need.
pub(crate) fn write_if_changed(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}

/// Tells cargo which files the result depends on, and what it should warn of.
pub(crate) fn tell_cargo(inputs: &[PathBuf], warnings: &[String]) {
    let mut out = io::stdout().lock();
    // Cargo has gone away when this fails, and with it the reader of any complaint.
    for input in inputs {
        let _ = writeln!(out, "cargo::rerun-if-changed={}", input.display());
    }
    for warning in warnings {
        let _ = writeln!(out, "cargo::warning={}", warning.replace('\n', " "));
    }
}
