//! Files as an editor has them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{FsLoader, Loader, fold};

/// Texts that stand in for files, as an editor has them before they are saved; whatever is not among them is read from the
/// file system.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// The directory that relative paths start from.
    pub(crate) root: PathBuf,
    /// By canonical path.
    pub(crate) texts: BTreeMap<PathBuf, String>,
}

impl Loader for Overlay {
    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        if self.texts.contains_key(path) {
            return Some(path.to_path_buf());
        }
        let path = fold(&self.root.join(path));
        if self.texts.contains_key(&path) {
            return Some(path);
        }
        FsLoader.canonical(&path)
    }

    fn why_not(&self, path: &Path) -> &'static str {
        FsLoader.why_not(&self.root.join(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.texts.get(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => FsLoader.read(path),
        }
    }

    fn current_dir(&self) -> PathBuf {
        self.root.clone()
    }
}

/// What is in a directory, as far as it concerns the language: `.tars` files, and with `true` directories. Those that are
/// hidden are left out; in the order of their names.
pub(crate) fn listing(dir: &Path) -> Vec<(String, bool)> {
    let mut found: Vec<(String, bool)> = entries(dir).take(MOST_LISTED).collect();
    found.sort();
    found
}

fn entries(dir: &Path) -> impl Iterator<Item = (String, bool)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .filter(|name| !name.starts_with('.'))?;
        let is_dir = entry.path().is_dir();
        (is_dir || Path::new(&name).extension().is_some_and(|end| end == "tars")).then_some((name, is_dir))
    })
}

/// Where a file would stand that is not there, if its directory is, whatever path leads to that.
pub(crate) fn unsaved(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Files and directories that a list shows.
const MOST_LISTED: usize = 10_000;
/// Directories that are looked into.
const MOST_DIRS: usize = 10_000;
/// Files that are looked for.
const MOST_FILES: usize = 100_000;
/// Directories with copies of other people's files.
const FOREIGN: [&str; 2] = ["target", "node_modules"];

/// All `.tars` files below a directory, by canonical path; `None` when there are too many to find them all. Links to
/// directories are not followed.
pub(crate) fn tree(root: &Path) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut dirs = vec![root.to_path_buf()];
    let mut next = 0;
    while let Some(dir) = dirs.get(next).cloned() {
        next += 1;
        for (name, is_dir) in entries(&dir) {
            if dirs.len() > MOST_DIRS || found.len() > MOST_FILES {
                return None;
            }
            let path = dir.join(&name);
            if !is_dir {
                found.extend(FsLoader.canonical(&path));
            } else if !path.is_symlink() && !FOREIGN.contains(&name.as_str()) {
                dirs.push(path);
            }
        }
    }
    Some(found)
}
