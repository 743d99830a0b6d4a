//! Source texts and positions in them. The only module that reads files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A stretch of source text. Offsets count through all files of a run, so a span alone says which file it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: u32,
    /// First byte behind.
    pub(crate) end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    pub(crate) fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    pub(crate) fn to(self, other: Span) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span behind this one: the place where something is missing.
    pub(crate) fn after(self) -> Self {
        Self {
            start: self.end,
            end: self.end,
        }
    }

    /// Whether `other` lies inside.
    pub(crate) fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Handle of a file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(u32);

/// One file as it was read.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Name for messages and headers: relative to the working directory where possible, always with `/`.
    pub(crate) name: String,
    /// The file as the loader knows it.
    pub(crate) path: PathBuf,
    /// The text; bytes that are not UTF-8 are U+FFFD (comments may have any encoding).
    pub(crate) text: String,
    /// Offset of the first byte in the run's count.
    pub(crate) start: u32,
    /// Whether some byte had to be replaced.
    pub(crate) lossy: bool,
}

impl SourceFile {
    /// Line and column, both from 1, of an offset in the run's count. Columns count characters.
    pub(crate) fn position(&self, offset: u32) -> (usize, usize) {
        let local = (offset.saturating_sub(self.start) as usize).min(self.text.len());
        let before = &self.text.as_bytes()[..local];
        let line = self.text.as_bytes()[..local].split(|b| *b == b'\n').count();
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        (line, column)
    }
}

/// Why a file cannot be taken in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// More than 4 GiB of text in one run: spans are 32 bits wide.
    TooLarge,
    /// UTF-16, by its byte order mark.
    Utf16,
}

/// All texts of a run, in the order they were loaded.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Takes in a file. A UTF-8 byte order mark is dropped.
    pub(crate) fn add(&mut self, name: String, path: PathBuf, bytes: &[u8]) -> Result<FileId, Unusable> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(Unusable::Utf16);
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let lossy = matches!(text, std::borrow::Cow::Owned(_));
        let start = self.end();
        // One spare offset between files keeps their end positions apart.
        let end = u64::from(start) + text.len() as u64 + 1;
        if end >= u64::from(u32::MAX) {
            return Err(Unusable::TooLarge);
        }
        let id = FileId(u32::try_from(self.files.len()).map_err(|_| Unusable::TooLarge)?);
        self.files.push(SourceFile {
            name,
            path,
            text: text.into_owned(),
            start,
            lossy,
        });
        Ok(id)
    }

    /// The file behind a handle.
    pub(crate) fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file a span lies in.
    pub(crate) fn file_of(&self, span: Span) -> &SourceFile {
        let at = self.files.partition_point(|file| file.start <= span.start);
        &self.files[at.saturating_sub(1)]
    }

    /// Every file, in the order of loading.
    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    fn end(&self) -> u32 {
        // `add` has made sure that the sum fits.
        self.files.last().map_or(0, |file| {
            file.start + u32::try_from(file.text.len()).unwrap_or(u32::MAX) + 1
        })
    }
}

/// Where texts come from: the file system, or a table in tests.
pub(crate) trait Loader: fmt::Debug {
    /// The one name of an existing regular file, whatever path leads to it; `None` when there is none.
    fn canonical(&self, path: &Path) -> Option<PathBuf>;

    /// Why there is no canonical path.
    fn why_not(&self, _: &Path) -> &'static str {
        "there is no such file"
    }
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The directory that relative paths start from.
    fn current_dir(&self) -> PathBuf;
}

/// Reads from the file system.
#[derive(Debug)]
pub(crate) struct FsLoader;

impl Loader for FsLoader {
    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        // A pipe or a device would never end.
        path.is_file().then(|| path.canonicalize().ok()).flatten()
    }

    fn why_not(&self, path: &Path) -> &'static str {
        match path.metadata() {
            Ok(found) if found.is_dir() => "it is a directory; name the files in it",
            Ok(_) => "it is no regular file",
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => "permission denied",
            Err(_) => "there is no such file",
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn current_dir(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_default()
    }
}

/// Serves texts from a table. Paths are compared after `.` and `..` are folded.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct MemoryLoader {
    files: std::collections::BTreeMap<PathBuf, Vec<u8>>,
}

#[cfg(test)]
impl MemoryLoader {
    /// Adds a file.
    pub(crate) fn with(mut self, path: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(PathBuf::from(path), text.into());
        self
    }
}

#[cfg(test)]
impl Loader for MemoryLoader {
    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        let path = fold(path);
        self.files.contains_key(&path).then_some(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn current_dir(&self) -> PathBuf {
        PathBuf::from("/")
    }
}

/// Folds `.` and `..` by the text of the path alone.
pub(crate) fn fold(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_tell_their_file_and_position() {
        let mut map = SourceMap::default();
        let a = map.add("a".into(), "a".into(), "x\nü y".as_bytes()).expect("small");
        let b = map.add("b".into(), "b".into(), b"\xEF\xBB\xBFz").expect("small");
        let (a, b) = (map.file(a), map.file(b));
        assert_eq!(map.file_of(Span::new(5, 6)).name, "a");
        assert_eq!(a.position(5), (2, 3));
        assert_eq!(b.text, "z");
        assert_eq!(map.file_of(Span::new(b.start, b.start + 1)).name, "b");
    }

    #[test]
    fn other_encodings_are_kept_or_refused() {
        let mut map = SourceMap::default();
        let id = map
            .add("gbk".into(), "gbk".into(), b"// \xD6\xD0\n")
            .expect("comments may be GBK");
        assert!(map.file(id).lossy);
        assert_eq!(map.add("u".into(), "u".into(), b"\xFF\xFEm\0"), Err(Unusable::Utf16));
    }

    #[test]
    fn paths_fold() {
        assert_eq!(fold(Path::new("./a/../b/./c")), Path::new("b/c"));
        assert_eq!(fold(Path::new("../b")), Path::new("../b"));
    }
}
