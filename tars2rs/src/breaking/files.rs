//! The files of one version: those named, and all below a directory that is named.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a path, and the directory in which their includes are looked for last if it is one.
pub(super) fn below(path: &Path) -> Result<(Vec<PathBuf>, Option<PathBuf>), String> {
    if !path.is_dir() {
        return Ok((vec![path.to_path_buf()], None));
    }
    let mut files = Vec::new();
    collect(path, &mut files).map_err(|error| error.to_string())?;
    files.sort();
    if files.is_empty() {
        return Err("there is no .tars file in it".to_owned());
    }
    Ok((files, Some(path.to_path_buf())))
}

/// Links to directories are not followed: they may lead back up.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "tars") && path.is_file() {
                files.push(path);
            }
        }
    }
    Ok(())
}
