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

/// Gives a file new content in one step: whoever reads it meanwhile, or after a crash, finds the old content or the new one.
/// A file that has the content is not touched; a link stays one.
pub(crate) fn replace_if_changed(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    if old == new {
        return Ok(());
    }
    let path = path.canonicalize()?;
    let permissions = fs::metadata(&path)?.permissions();
    // Renaming asks the directory only.
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_new(&beside, new)
        .and_then(|()| fs::set_permissions(&beside, permissions))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // The first failure is the one to tell; there may be nothing to remove.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
