//! The texts an editor has open, and what can be asked about them. Pure but for files that are included and not open.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::analysis::{Analysis, Manner, Place};
use super::index::{Kind, Occurrence, Symbol, Target};
use super::text::{Lines, Position, Range};
use crate::diag::{Diagnostic, Severity};
use crate::format;
use crate::source::{FsLoader, Loader as _, Overlay};

/// A text that the editor has open.
#[derive(Debug)]
struct Document {
    text: Rc<str>,
    /// It came with a byte order mark, which is not in the text.
    marked: bool,
    lines: Lines,
    analysis: OnceCell<Analysis>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(super) overlay: Overlay,
    pub(super) manner: Manner,
    documents: BTreeMap<PathBuf, Document>,
}

/// A finding for the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) range: Range,
    pub(crate) code: &'static str,
    pub(crate) error: bool,
    pub(crate) message: String,
    pub(crate) related: Vec<(Place, String)>,
    /// What would mend it.
    pub(crate) change: Option<(Place, String)>,
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

/// A declaration with those inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) range: Range,
    pub(crate) selection: Range,
    pub(crate) children: Vec<Outline>,
}

/// Lines of a declaration that are shown.
const MOST_LINES: usize = 40;

impl Workspace {
    /// No text is open yet. Relative paths start from `root`.
    pub(crate) fn new(root: PathBuf, manner: Manner) -> Self {
        Self {
            overlay: Overlay {
                root,
                texts: BTreeMap::new(),
            },
            manner,
            documents: BTreeMap::new(),
        }
    }

    /// The name under which a file is known, whatever path leads to it.
    pub(crate) fn canonical(&self, path: &Path) -> PathBuf {
        let open = self.documents.contains_key(path);
        let found = if open { None } else { FsLoader.canonical(path) };
        found.unwrap_or_else(|| path.to_path_buf())
    }

    /// Takes in a text that was opened, or has changed altogether.
    pub(crate) fn open(&mut self, path: &Path, text: &str) {
        let unmarked = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let marked = unmarked.len() != text.len();
        let text: Rc<str> = Rc::from(unmarked);
        self.overlay.texts.insert(path.to_path_buf(), text.clone());
        let lines = Lines::of(&text, self.manner.encoding, marked);
        let analysis = OnceCell::new();
        let document = Document {
            text,
            marked,
            lines,
            analysis,
        };
        self.documents.insert(path.to_path_buf(), document);
        self.forget(path);
    }

    /// Changes a part of an open text. Changes of a text that is not open mean nothing.
    pub(crate) fn change(&mut self, path: &Path, changes: &[Change]) {
        let Some(document) = self.documents.get_mut(path) else {
            return;
        };
        let mut text = document.text.to_string();
        for change in changes {
            let unmarked = change.text.strip_prefix('\u{FEFF}');
            if let Some(range) = change.range {
                let start = document.lines.offset(&text, range.start);
                let end = document.lines.offset(&text, range.end).max(start);
                text.replace_range(start..end, &change.text);
            } else {
                document.marked = unmarked.is_some();
                unmarked.unwrap_or(&change.text).clone_into(&mut text);
            }
            document.lines = Lines::of(&text, self.manner.encoding, document.marked);
        }
        document.text = Rc::from(text);
        self.overlay.texts.insert(path.to_path_buf(), document.text.clone());
        self.forget(path);
    }

    /// The file counts as it is stored again.
    pub(crate) fn close(&mut self, path: &Path) {
        self.overlay.texts.remove(path);
        self.documents.remove(path);
        self.forget(path);
    }

    /// Files may have changed where the editor does not see it.
    pub(crate) fn forget_all(&mut self) {
        for document in self.documents.values_mut() {
            document.analysis.take();
        }
    }

    fn forget(&mut self, path: &Path) {
        for document in self.documents.values_mut() {
            if document.analysis.get().is_some_and(|known| known.depends_on(path)) {
                document.analysis.take();
            }
        }
    }

    /// What is known about an open text as it stands alone.
    fn own(&self, path: &Path) -> Option<&Analysis> {
        let document = self.documents.get(path)?;
        Some(document.analysis.get_or_init(|| {
            let marked = self.documents.iter().filter(|(_, document)| document.marked);
            let marked: BTreeSet<PathBuf> = marked.map(|(path, _)| path.clone()).collect();
            Analysis::of(path, &self.overlay, &self.manner, &marked)
        }))
    }

    /// Everything that is known, for each open text.
    pub(super) fn analyses(&self) -> impl Iterator<Item = (&Path, &Analysis)> {
        let open = self.documents.keys();
        open.filter_map(|path| Some((path.as_path(), self.own(path)?)))
    }

    /// What is known about an open text. A file that is included inside a module makes sense only there.
    pub(super) fn analysis(&self, path: &Path) -> Option<&Analysis> {
        let own = self.own(path)?;
        let bare = own
            .file(path)
            .and_then(|id| own.program.files.iter().find(|file| file.id == id));
        if bare.is_some_and(|file| !file.bare.is_empty())
            && let Some((_, other)) = self.analyses().find(|(_, other)| other.is_fragment(path))
        {
            return Some(other);
        }
        Some(own)
    }

    /// All findings, by file. Files that are included and not open have theirs too.
    pub(crate) fn findings(&self) -> BTreeMap<PathBuf, Vec<Finding>> {
        let mut all: BTreeMap<PathBuf, Vec<Finding>> = BTreeMap::new();
        for path in self.documents.keys() {
            all.insert(path.clone(), Vec::new());
        }
        let mut told: BTreeMap<PathBuf, &Path> = BTreeMap::new();
        for (root, analysis) in self.analyses() {
            for diagnostic in &analysis.diagnostics {
                let place = diagnostic.primary.as_ref().map(|label| analysis.place(label.span));
                let place = place.unwrap_or_else(|| Place {
                    path: root.to_path_buf(),
                    range: Range::default(),
                });
                let teller = if self.documents.contains_key(&place.path) {
                    self.analysis(&place.path)
                        .is_some_and(|teller| std::ptr::eq(teller, analysis))
                } else {
                    *told.entry(place.path.clone()).or_insert(root) == root
                };
                if teller {
                    let finding = finding(analysis, diagnostic, place.range);
                    all.entry(place.path).or_default().push(finding);
                }
            }
        }
        all
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

    /// All places that name the same, over all open files and what they include.
    pub(crate) fn references(&self, path: &Path, position: Position) -> Vec<Place> {
        let Some((analysis, found)) = self.at(path, position) else {
            return Vec::new();
        };
        let Target::Symbol(symbol) = found.target else {
            return Vec::new();
        };
        let places = self.places(analysis, symbol);
        places.into_iter().collect()
    }

    /// As [`references`](Self::references), of a symbol.
    pub(super) fn places(&self, analysis: &Analysis, symbol: usize) -> BTreeSet<Place> {
        let declared = analysis.index.symbols[symbol].span;
        let file = analysis.sources.file_of(declared);
        let local = declared.start - file.start;
        let mut places = BTreeSet::new();
        for (_, other) in self.analyses() {
            let Some(id) = other.file(&file.path) else { continue };
            let start = other.sources.file(id).start + local;
            if let Some(symbol) = other.index.declared_at(start) {
                places.extend(other.index.places(symbol).map(|span| other.place(span)));
            }
        }
        places
    }

    /// What is declared, as Markdown, and the name it is about.
    pub(crate) fn hover(&self, path: &Path, position: Position) -> Option<(Range, String)> {
        let (analysis, found) = self.at(path, position)?;
        let range = analysis.place(found.span).range;
        let symbol = match found.target {
            Target::Symbol(symbol) => &analysis.index.symbols[symbol],
            Target::File(id) => return Some((range, analysis.sources.file(id).name.clone())),
        };
        Some((range, shown(analysis, symbol)))
    }

    /// What a text declares.
    pub(crate) fn outline(&self, path: &Path) -> Vec<Outline> {
        let Some(analysis) = self.analysis(path) else {
            return Vec::new();
        };
        let Some(id) = analysis.file(path) else {
            return Vec::new();
        };
        let mut flat: Vec<Outline> = Vec::new();
        for occurrence in &analysis.index.occurrences {
            let Target::Symbol(symbol) = occurrence.target else {
                continue;
            };
            let symbol = &analysis.index.symbols[symbol];
            // A module is opened anew in each file; everything else is declared once.
            let declares = symbol.span == occurrence.span
                || (symbol.kind == Kind::Module && opens_module(analysis, occurrence));
            if analysis.sources.id_of(occurrence.span) == id && declares && symbol.kind != Kind::Param {
                let here = Symbol {
                    span: occurrence.span,
                    doc: Vec::new(),
                    ..symbol.clone()
                };
                flat.push(Outline {
                    name: here.name.clone(),
                    kind: here.kind,
                    range: analysis.local_range(id, analysis.extent(&here)),
                    selection: analysis.range(id, here.span),
                    children: Vec::new(),
                });
            }
        }
        nested(flat)
    }

    /// What makes the layout canonical; nothing where the syntax is wrong.
    pub(crate) fn format(&self, path: &Path) -> Vec<Edit> {
        let Some(document) = self.documents.get(path) else {
            return Vec::new();
        };
        let old: &str = &document.text;
        let Ok(new) = format::run(&path.to_string_lossy(), old.as_bytes()) else {
            return Vec::new();
        };
        let Ok(new) = String::from_utf8(new) else {
            return Vec::new();
        };
        if new == old {
            return Vec::new();
        }
        let same = |(a, b): &(char, char)| a == b;
        let length = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs.take_while(same).map(|(a, _)| a.len_utf8()).sum()
        };
        let head = length(&mut old.chars().zip(new.chars()));
        let tail = length(&mut old[head..].chars().rev().zip(new[head..].chars().rev()));
        let end = old.len() - tail;
        vec![Edit {
            range: Range {
                start: document.lines.position(old, head),
                end: document.lines.position(old, end),
            },
            text: new[head..new.len() - tail].to_owned(),
        }]
    }

    /// An open text and where a position is in it.
    pub(super) fn text_at(&self, path: &Path, position: Position) -> Option<(&str, usize)> {
        let document = self.documents.get(path)?;
        Some((&document.text, document.lines.offset(&document.text, position)))
    }
}

/// Whether the name of a module is one that opens it, not one before `::`.
fn opens_module(analysis: &Analysis, occurrence: &Occurrence) -> bool {
    let id = analysis.sources.id_of(occurrence.span);
    let file = analysis.sources.file(id);
    let behind = file.text[file.local(occurrence.span.end)..].trim_start();
    !behind.starts_with("::")
}

/// Declarations that stand in the order of the text, put into those around them.
fn nested(flat: Vec<Outline>) -> Vec<Outline> {
    let mut open: Vec<Outline> = Vec::new();
    let mut done = Vec::new();
    let close = |open: &mut Vec<Outline>, done: &mut Vec<Outline>| {
        if let Some(inner) = open.pop() {
            match open.last_mut() {
                Some(outer) => outer.children.push(inner),
                None => done.push(inner),
            }
        }
    };
    for item in flat {
        while open.last().is_some_and(|outer| outer.range.end <= item.range.start) {
            close(&mut open, &mut done);
        }
        open.push(item);
    }
    while !open.is_empty() {
        close(&mut open, &mut done);
    }
    done
}

fn finding(analysis: &Analysis, diagnostic: &Diagnostic, range: Range) -> Finding {
    let mut message = diagnostic.message.clone();
    let mut add = |text: &str| {
        if !text.is_empty() {
            message.push('\n');
            message.push_str(text);
        }
    };
    if let Some(primary) = &diagnostic.primary {
        add(&primary.text);
    }
    for note in &diagnostic.advice.notes {
        add(note);
    }
    if let Some(help) = &diagnostic.advice.help {
        add(&format!("help: {help}"));
    }
    let related = diagnostic.related.iter();
    let change = diagnostic.advice.suggestion.as_ref();
    Finding {
        range,
        code: diagnostic.code.text(),
        error: diagnostic.severity == Severity::Error,
        message,
        related: related
            .map(|label| (analysis.place(label.span), label.text.clone()))
            .collect(),
        change: change.map(|change| (analysis.place(change.span), change.replacement.clone())),
    }
}

/// The declaration as it stands, where it stands, and its comment.
fn shown(analysis: &Analysis, symbol: &Symbol) -> String {
    let id = analysis.sources.id_of(symbol.span);
    let text = analysis.text(id);
    let (start, end) = match symbol.kind {
        // What is in a module says nothing about it.
        Kind::Module => (0, 0),
        _ => analysis.extent(symbol),
    };
    let declaration = match symbol.kind {
        Kind::Module => format!("module {}", symbol.name),
        _ => dedented(text, start, end),
    };
    let mut out = format!("```tars\n{declaration}\n```");
    if !symbol.owner.is_empty() {
        out.push_str(&format!("\n\nin `{}`", symbol.owner));
    }
    if !symbol.doc.is_empty() {
        out.push_str("\n\n---\n\n");
        out.push_str(&symbol.doc.join("\n"));
    }
    out
}

/// A stretch of text without the blanks that indent its first line, and not longer than anybody reads.
fn dedented(text: &str, start: usize, end: usize) -> String {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent: String = text[line..start].chars().take_while(|c| c.is_whitespace()).collect();
    let mut lines: Vec<&str> = text[start..end]
        .lines()
        .map(|line| line.strip_prefix(indent.as_str()).unwrap_or(line))
        .take(MOST_LINES + 1)
        .collect();
    if lines.len() > MOST_LINES {
        lines[MOST_LINES] = "..";
    }
    lines.join("\n")
}
