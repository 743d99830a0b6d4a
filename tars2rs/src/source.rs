//! Source texts and positions in them. The only module that reads files.

mod editing;

use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use editing::{Overlay, listing, tree, unsaved};

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
    /// The include that led here first; `None` for files named by the caller.
    pub(crate) included_from: Option<Span>,
    /// From where in the text on it is how many bytes longer or shorter than what is stored.
    shifts: Vec<(usize, isize)>,
    index: OnceCell<Index>,
}

/// Where lines begin, and how many characters stand before each block of the text, so that a position is found fast.
#[derive(Debug)]
struct Index {
    lines: Vec<u32>,
    blocks: Vec<u32>,
}

/// Further files on the way to an included file are not named.
const MOST_INCLUDES: usize = 6;
/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes of a block: so many are counted for a position at most.
const BLOCK: usize = 1024;

impl Index {
    fn of(text: &str) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0)
            .chain(newlines.map(|(at, _)| offset(at + 1)))
            .collect();
        let mut blocks = vec![0];
        let mut count = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            count += characters(block);
            blocks.push(offset(count));
        }
        Self { lines, blocks }
    }
}

/// Characters that begin in a stretch of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

impl SourceFile {
    /// Line and column, both from 1, of an offset in the run's count. Columns count characters.
    pub(crate) fn position(&self, offset: u32) -> (usize, usize) {
        let local = self.local(offset);
        let (line, start) = self.line_of(local);
        (
            line + 1,
            self.characters_before(local) - self.characters_before(start) + 1,
        )
    }

    /// Line, from 0, and where it begins in the text, of a place in the text.
    pub(crate) fn line_of(&self, local: usize) -> (usize, usize) {
        let lines = &self.index().lines;
        let line = lines
            .partition_point(|start| *start as usize <= local)
            .saturating_sub(1);
        (line, lines[line] as usize)
    }

    /// A place in the text, which it does not leave.
    pub(crate) fn local(&self, offset: u32) -> usize {
        (offset.saturating_sub(self.start) as usize).min(self.text.len())
    }

    /// The offset, from 0, in the file as it is stored.
    pub(crate) fn stored(&self, offset: u32) -> usize {
        let local = self.local(offset);
        let at = self.shifts.partition_point(|(from, _)| *from <= local);
        let shift = at.checked_sub(1).map_or(0, |at| self.shifts[at].1);
        local.saturating_add_signed(shift)
    }

    fn characters_before(&self, local: usize) -> usize {
        let block = local / BLOCK;
        let before = self.index().blocks[block] as usize;
        before + characters(&self.text.as_bytes()[block * BLOCK..local])
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.text))
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
    /// Takes in a file, which somebody may have included. A UTF-8 byte order mark is dropped.
    pub(crate) fn add(
        &mut self,
        name: String,
        path: PathBuf,
        bytes: impl Into<Vec<u8>>,
        included_from: Option<Span>,
    ) -> Result<FileId, Unusable> {
        let Decoded { text, lossy, shifts } = decoded(bytes.into())?;
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
            text,
            start,
            lossy,
            included_from,
            shifts,
            index: OnceCell::new(),
        });
        Ok(id)
    }

    /// The file behind a handle.
    pub(crate) fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file a span lies in.
    pub(crate) fn file_of(&self, span: Span) -> &SourceFile {
        self.file(self.id_of(span))
    }

    /// The handle of the file a span lies in.
    pub(crate) fn id_of(&self, span: Span) -> FileId {
        let at = self.files.partition_point(|file| file.start <= span.start);
        FileId(u32::try_from(at.saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Notes that the caller named a file: how else it may be found does not matter.
    pub(crate) fn name(&mut self, id: FileId) {
        self.files[id.0 as usize].included_from = None;
    }

    /// The includes that lead to the file of a span, the nearest first, and not more than anybody reads.
    pub(crate) fn chain(&self, span: Span) -> Vec<Span> {
        let further = |from: &Span| self.file_of(*from).included_from;
        std::iter::successors(self.file_of(span).included_from, further)
            .take(MOST_INCLUDES)
            .collect()
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

/// A file's bytes as a text.
struct Decoded {
    text: String,
    lossy: bool,
    shifts: Vec<(usize, isize)>,
}

fn decoded(mut bytes: Vec<u8>) -> Result<Decoded, Unusable> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Unusable::Utf16);
    }
    let mark = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
    bytes.drain(..mark);
    // Almost every file is UTF-8: its bytes are its text.
    let (text, lossy, shifts) = match String::from_utf8(bytes) {
        Ok(text) => (text, false, shifts(&[], mark)),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (text, true, shifts(error.as_bytes(), mark))
        }
    };
    Ok(Decoded { text, lossy, shifts })
}

/// How much further along than the text the stored file is, where that changes: behind a byte order mark of so many
/// bytes, and behind every byte that became U+FFFD.
fn shifts(bytes: &[u8], mark: usize) -> Vec<(usize, isize)> {
    let signed = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
    let mut shift = signed(mark);
    let mut shifts = if mark == 0 { Vec::new() } else { vec![(0, shift)] };
    let mut text = 0;
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            text += char::REPLACEMENT_CHARACTER.len_utf8();
            shift += signed(chunk.invalid().len()) - signed(char::REPLACEMENT_CHARACTER.len_utf8());
            shifts.push((text, shift));
        }
    }
    shifts
}

/// Where texts come from: the file system, or a table in tests and fuzz targets.
pub(crate) trait Loader: fmt::Debug + Sync {
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
            Err(_) if path.is_symlink() => "it is a link that leads to no file",
            Err(_) if path == Path::new("-") => "only `fmt` reads standard input; name a file",
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
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Debug, Default)]
pub(crate) struct MemoryLoader {
    files: std::collections::BTreeMap<PathBuf, Vec<u8>>,
}

#[cfg(any(test, feature = "fuzzing"))]
impl MemoryLoader {
    /// Adds a file.
    pub(crate) fn with(mut self, path: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(PathBuf::from(path), text.into());
        self
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files.iter().map(|(path, text)| (path.as_path(), text.as_slice()))
    }
}

#[cfg(any(test, feature = "fuzzing"))]
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
        let a = map
            .add("a".into(), "a".into(), "x\nü y".as_bytes(), None)
            .expect("small");
        let b = map.add("b".into(), "b".into(), b"\xEF\xBB\xBFz", None).expect("small");
        let (a, b) = (map.file(a), map.file(b));
        assert_eq!(map.file_of(Span::new(5, 6)).name, "a");
        assert_eq!(a.position(5), (2, 3));
        assert_eq!(b.text, "z");
        assert_eq!((b.stored(b.start), b.stored(b.start + 1)), (3, 4));
        assert_eq!(map.file_of(Span::new(b.start, b.start + 1)).name, "b");
    }

    #[test]
    fn other_encodings_are_kept_or_refused() {
        let mut map = SourceMap::default();
        let id = map
            .add("gbk".into(), "gbk".into(), b"// \xD6\xD0\nx", None)
            .expect("comments may be GBK");
        let file = map.file(id);
        assert!(file.lossy);
        let stored: Vec<usize> = [0, 3, 6, 9, 10].map(|local| file.stored(file.start + local)).to_vec();
        assert_eq!(stored, [0, 3, 4, 5, 6]);
        assert_eq!(
            map.add("u".into(), "u".into(), b"\xFF\xFEm\0", None),
            Err(Unusable::Utf16)
        );
    }

    #[test]
    fn positions_in_long_lines_count_characters() {
        let mut map = SourceMap::default();
        let text = format!("{}\n{}z", "ä".repeat(3000), "ö".repeat(3000));
        let id = map.add("a".into(), "a".into(), text.as_bytes(), None).expect("small");
        let file = map.file(id);
        assert_eq!(file.position(2 * 2999), (1, 3000));
        assert_eq!(file.position(2 * 3000 + 1), (2, 1));
        assert_eq!(file.position(u32::try_from(text.len()).expect("small")), (2, 3002));
    }

    #[test]
    fn paths_fold() {
        assert_eq!(fold(Path::new("./a/../b/./c")), Path::new("b/c"));
        assert_eq!(fold(Path::new("../b")), Path::new("../b"));
    }
}
