//! What is known about one open file and all it includes.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::declaration::{self, Token};
use super::index::{Index, Kind};
use super::text::{Encoding, Lines, MARK, Position, Range};
use crate::compile::{self, Examined};
use crate::diag::Diagnostic;
use crate::include::{Program, Search};
use crate::settings::Choices;
use crate::source::{FileId, Overlay, SourceFile, SourceMap, Span};

/// A stretch of a file, for the editor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) range: Range,
}

/// What a file needs to be asked about, made when it is asked about.
#[derive(Debug, Default)]
struct Made {
    /// The editor has it with a byte order mark.
    marked: bool,
    lines: OnceCell<Lines>,
    tokens: OnceCell<Vec<Token>>,
}

#[derive(Debug)]
pub(crate) struct Analysis {
    pub(crate) sources: SourceMap,
    pub(crate) program: Program,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) index: Index,
    ids: BTreeMap<PathBuf, FileId>,
    made: BTreeMap<FileId, Made>,
    encoding: Encoding,
}

/// How texts are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) include_dirs: Vec<PathBuf>,
    pub(crate) choices: Choices,
    pub(crate) encoding: Encoding,
}

impl Analysis {
    /// Looks at a file and all it includes.
    pub(crate) fn of(root: &Path, overlay: &Overlay, manner: &Manner) -> Self {
        let search = Search {
            loader: overlay,
            dirs: &manner.include_dirs,
        };
        let Examined {
            sources,
            program,
            diagnostics,
            seen,
        } = compile::examine(&[root.to_path_buf()], search, &manner.choices, Index::of);
        let id = |file: &SourceFile| sources.id_of(Span::new(file.start, file.start));
        let files = sources.files().iter();
        let ids: BTreeMap<PathBuf, FileId> = files.map(|file| (file.path.clone(), id(file))).collect();
        let marked = |path| overlay.texts.get(path).is_some_and(|text| text.starts_with(MARK));
        let made = ids.iter().map(|(path, id)| {
            let marked = marked(path);
            (
                *id,
                Made {
                    marked,
                    ..Made::default()
                },
            )
        });
        let made = made.collect();
        Self {
            ids,
            made,
            sources,
            program,
            diagnostics,
            index: seen,
            encoding: manner.encoding,
        }
    }

    /// The file of a path, if this analysis has met it.
    pub(crate) fn file(&self, path: &Path) -> Option<FileId> {
        self.ids.get(path).copied()
    }

    pub(crate) fn text(&self, id: FileId) -> &str {
        &self.sources.file(id).text
    }

    pub(crate) fn tokens(&self, id: FileId) -> &[Token] {
        self.made[&id].tokens.get_or_init(|| declaration::tokens(self.text(id)))
    }

    pub(crate) fn lines(&self, id: FileId) -> &Lines {
        let made = &self.made[&id];
        let lines = || Lines::of(self.text(id), self.encoding, made.marked);
        made.lines.get_or_init(lines)
    }

    /// The offset in the run's count of a position.
    pub(crate) fn offset(&self, id: FileId, position: Position) -> u32 {
        let local = self.lines(id).offset(self.text(id), position);
        // Texts of a run are smaller than 4 GiB together.
        self.sources.file(id).start + u32::try_from(local).unwrap_or(u32::MAX)
    }

    /// The place of a span.
    pub(crate) fn place(&self, span: Span) -> Place {
        let id = self.sources.id_of(span);
        Place {
            path: self.sources.file(id).path.clone(),
            range: self.range(id, span),
        }
    }

    /// The range of a span of this file.
    pub(crate) fn range(&self, id: FileId, span: Span) -> Range {
        let file = self.sources.file(id);
        self.local_range(id, (file.local(span.start), file.local(span.end)))
    }

    /// The range of a stretch of this file's text.
    pub(crate) fn local_range(&self, id: FileId, (start, end): (usize, usize)) -> Range {
        let (lines, text) = (self.lines(id), self.text(id));
        Range {
            start: lines.position(text, start),
            end: lines.position(text, end),
        }
    }

    /// First byte and first byte behind the declaration of something with its name here, in the text of its file.
    pub(crate) fn extent(&self, kind: Kind, name: Span) -> (usize, usize) {
        let id = self.sources.id_of(name);
        let file = self.sources.file(id);
        let name = (file.local(name.start), file.local(name.end));
        declaration::extent(&file.text, self.tokens(id), kind, name.0).unwrap_or(name)
    }

    /// Whether a file is included inside a module, where its definitions belong.
    pub(crate) fn is_fragment(&self, path: &Path) -> bool {
        self.file(path).is_some_and(|id| self.program.homes.contains_key(&id))
    }

    /// Whether a file has definitions outside all modules.
    pub(crate) fn is_bare(&self, path: &Path) -> bool {
        let id = self.file(path);
        let mut files = self.program.files.iter();
        files.any(|file| Some(file.id) == id && !file.bare.is_empty())
    }

    /// Whether some part of a text could not be read, so that names may be missing.
    pub(crate) fn has_gaps(&self) -> bool {
        let gap = |file: &crate::ast::File| {
            let lost = &file.lost;
            file.unbalanced
                || lost.anything
                || lost.any_member
                || !lost.definitions.is_empty()
                || !lost.members.is_empty()
        };
        self.program.files.iter().any(gap)
    }

    /// Whether a change of this file may change what is known.
    pub(crate) fn depends_on(&self, path: &Path) -> bool {
        self.program.incomplete || self.ids.contains_key(path)
    }
}
