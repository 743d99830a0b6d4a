//! The texts an editor has open, and what is known about them. Pure but for files that are not open.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::analysis::{Analysis, Manner, Place};
use super::index::{Occurrence, Symbol, Target};
use super::text::{Position, Range, Starts};
use crate::source::{FsLoader, Loader as _, Overlay, tree, unsaved};

/// What goes with an open text.
#[derive(Debug)]
struct Document {
    starts: Starts,
    analysis: OnceCell<Analysis>,
    /// What was known before the last change.
    before: Option<Analysis>,
}

impl Document {
    fn forget(&mut self) {
        if let Some(known) = self.analysis.take() {
            self.before = Some(known);
        }
    }

    fn recent(&self) -> Option<&Analysis> {
        self.analysis.get().or(self.before.as_ref())
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// The open texts.
    pub(super) overlay: Overlay,
    pub(super) manner: Manner,
    /// The directories that the editor shows.
    folders: Vec<PathBuf>,
    documents: BTreeMap<PathBuf, Document>,
}

/// What was typed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// What it stands instead of; `None` for the whole text.
    pub(crate) range: Option<Range>,
    pub(crate) text: String,
}

/// A change of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range,
    pub(crate) text: String,
}

/// A file's analysis under the file's path.
pub(super) type Known<'w> = (&'w Path, &'w Analysis);

impl Workspace {
    /// No text is open yet. Relative paths start from the first folder, or from `root` without any.
    pub(crate) fn new(root: PathBuf, folders: Vec<PathBuf>, manner: Manner) -> Self {
        Self {
            overlay: Overlay {
                root: folders.first().cloned().unwrap_or(root),
                texts: BTreeMap::new(),
            },
            manner,
            folders,
            ..Self::default()
        }
    }

    /// The name under which a file is known, whatever path leads to it.
    pub(crate) fn canonical(&self, path: &Path) -> PathBuf {
        let open = self.documents.contains_key(path);
        let found = || FsLoader.canonical(path).or_else(|| unsaved(path));
        let found = if open { None } else { found() };
        found.unwrap_or_else(|| path.to_path_buf())
    }

    /// Takes in a text that was opened.
    pub(crate) fn open(&mut self, path: &Path, text: &str) {
        self.overlay.texts.insert(path.to_path_buf(), text.to_owned());
        let document = Document {
            starts: Starts::of(text, self.manner.encoding),
            analysis: OnceCell::new(),
            before: None,
        };
        self.documents.insert(path.to_path_buf(), document);
        // It may be new, and be found now where another file was found before.
        self.forget_all();
    }

    /// Changes an open text, one change after the other. Changes of a text that is not open mean nothing.
    pub(crate) fn change(&mut self, path: &Path, changes: &[Change]) {
        let (Some(document), Some(text)) = (self.documents.get_mut(path), self.overlay.texts.get_mut(path)) else {
            return;
        };
        let starts = &mut document.starts;
        // What stands before the last whole text does not matter.
        let whole = changes.iter().rposition(|change| change.range.is_none());
        for change in &changes[whole.unwrap_or(0)..] {
            if let Some(range) = change.range {
                let start = starts.offset(text, range.start);
                let end = starts.offset(text, range.end).max(start);
                text.replace_range(start..end, &change.text);
                starts.replaced(text, (start, start + change.text.len()), end - start);
            } else {
                text.clone_from(&change.text);
                *starts = Starts::of(text, self.manner.encoding);
            }
        }
        self.forget(path);
    }

    /// The file counts as it is stored again.
    pub(crate) fn close(&mut self, path: &Path) {
        self.overlay.texts.remove(path);
        self.documents.remove(path);
        self.forget_all();
    }

    /// Files may have changed where the editor does not see it.
    pub(crate) fn forget_all(&mut self) {
        self.documents.values_mut().for_each(Document::forget);
    }

    fn forget(&mut self, path: &Path) {
        for document in self.documents.values_mut() {
            if document.analysis.get().is_some_and(|known| known.depends_on(path)) {
                document.forget();
            }
        }
    }

    pub(super) fn is_open(&self, path: &Path) -> bool {
        self.documents.contains_key(path)
    }

    /// The open texts' paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.documents.keys().map(PathBuf::as_path)
    }

    /// What is known about an open text as it stands alone.
    fn own(&self, path: &Path) -> Option<&Analysis> {
        let document = self.documents.get(path)?;
        let look = || Analysis::of(path, &self.overlay, &self.manner);
        Some(document.analysis.get_or_init(look))
    }

    /// Everything that is known, for each open text.
    pub(super) fn analyses(&self) -> impl Iterator<Item = Known<'_>> {
        self.paths().filter_map(|path| Some((path, self.own(path)?)))
    }

    /// What is known about an open text. A file that is included inside a module makes sense only there.
    pub(super) fn analysis(&self, path: &Path) -> Option<&Analysis> {
        let own = self.own(path)?;
        let at_home = |other: &Analysis| other.is_fragment(path);
        if own.is_bare(path)
            && let Some((_, other)) = self.analyses().find(|(_, other)| at_home(other))
        {
            return Some(other);
        }
        Some(own)
    }

    /// The same, or what was known before the last changes, if that is there already: names are mostly the same.
    pub(super) fn recent(&self, path: &Path) -> Option<&Analysis> {
        let found = self.documents.get(path)?;
        let Some(own) = found.recent() else {
            return self.analysis(path);
        };
        let mut all = self.documents.values().filter_map(Document::recent);
        let home = all.find(|other| own.is_bare(path) && other.is_fragment(path));
        Some(home.unwrap_or(own))
    }

    /// What is known about files of the folders that are not open, have the name of this symbol, and include the file
    /// that declares it; `None` when there are too many to look through.
    pub(super) fn closed(&self, analysis: &Analysis, symbol: usize) -> Option<Vec<(PathBuf, Analysis)>> {
        let Symbol { name, span, .. } = &analysis.index.symbols[symbol];
        let home = &analysis.sources.file_of(*span).path;
        let mut paths = BTreeSet::new();
        for folder in &self.folders {
            paths.extend(tree(folder)?);
        }
        let closed = paths.into_iter().filter(|path| !self.is_open(path));
        let with_word = closed.filter(|path| FsLoader.read(path).is_ok_and(|bytes| has_word(&bytes, name)));
        let known = with_word.map(|path| {
            let known = Analysis::of(&path, &self.overlay, &self.manner);
            (path, known)
        });
        // Most of them have another thing of that name: they are not kept.
        Some(known.filter(|(_, known)| known.file(home).is_some()).collect())
    }

    /// What stands at a position of an open text.
    pub(super) fn at(&self, path: &Path, position: Position) -> Option<(&Analysis, Occurrence)> {
        let analysis = self.analysis(path)?;
        let id = analysis.file(path)?;
        let offset = analysis.offset(id, position);
        let found = analysis.index.at(offset)?;
        (analysis.sources.id_of(found.span) == id).then_some((analysis, found))
    }

    /// Where it is declared: a name, or the beginning of an included file.
    pub(crate) fn definition(&self, path: &Path, position: Position) -> Option<Place> {
        let (analysis, found) = self.at(path, position)?;
        Some(match found.target {
            Target::Symbol(symbol) => analysis.place(analysis.index.symbols[symbol].span),
            Target::File(id) => Place {
                path: analysis.sources.file(id).path.clone(),
                range: Range::default(),
            },
        })
    }

    /// All places that name the same, over all open files, what they include, and the files of the folders.
    pub(crate) fn references(&self, path: &Path, position: Position) -> Vec<Place> {
        let Some((analysis, found)) = self.at(path, position) else {
            return Vec::new();
        };
        let Target::Symbol(symbol) = found.target else {
            return Vec::new();
        };
        let closed = self.closed(analysis, symbol).unwrap_or_default();
        let closed = closed.iter().map(|(path, known)| (path.as_path(), known));
        let all: Vec<Known<'_>> = self.analyses().chain(closed).collect();
        places(&all, analysis, symbol).into_iter().collect()
    }

    /// An open text and where a position is in it.
    pub(super) fn text_at(&self, path: &Path, position: Position) -> Option<(&str, usize)> {
        let (text, starts) = self.text(path)?;
        Some((text, starts.offset(text, position)))
    }

    /// An open text and its lines.
    pub(super) fn text(&self, path: &Path) -> Option<(&str, &Starts)> {
        Some((self.overlay.texts.get(path)?, &self.documents.get(path)?.starts))
    }
}

/// Where a symbol of one analysis is named in all these.
pub(super) fn places(all: &[Known<'_>], analysis: &Analysis, symbol: usize) -> BTreeSet<Place> {
    let declared = analysis.index.symbols[symbol].span;
    let file = analysis.sources.file_of(declared);
    let local = declared.start - file.start;
    let mut places = BTreeSet::new();
    for (_, other) in all {
        let Some(id) = other.file(&file.path) else { continue };
        let start = other.sources.file(id).start + local;
        if let Some(symbol) = other.index.declared_at(start) {
            places.extend(other.index.places(symbol).map(|span| other.place(span)));
        }
    }
    places
}

/// Whether a word stands in a text, not as a part of another.
fn has_word(text: &[u8], word: &str) -> bool {
    let of_words = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.windows(word.len().max(1)).enumerate().any(|(at, found)| {
        found == word.as_bytes()
            && !of_words(at.checked_sub(1).and_then(|before| text.get(before)))
            && !of_words(text.get(at + word.len()))
    })
}
