//! Another name for something, everywhere it is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::analysis::{Analysis, Place};
use super::index::{Kind, Target};
use super::text::{Position, Range};
use super::workspace::{Edit, Known, Workspace, places};
use crate::diag::{Code, Diagnostic};
use crate::parse::KEYWORDS;
use crate::source::Overlay;

/// The changes, by file.
pub(crate) type Edits = BTreeMap<PathBuf, Vec<Edit>>;

impl Workspace {
    /// The name at a position, if it can have another one.
    pub(crate) fn renamable(&self, path: &Path, position: Position) -> Result<(Range, String), String> {
        let (analysis, symbol) = self.renamed(path, position)?;
        let (_, found) = self.at(path, position).ok_or_else(nothing_here)?;
        Ok((
            analysis.place(found.span).range,
            analysis.index.symbols[symbol].name.to_string(),
        ))
    }

    fn renamed(&self, path: &Path, position: Position) -> Result<(&Analysis, usize), String> {
        let (analysis, found) = self.at(path, position).ok_or_else(nothing_here)?;
        match found.target {
            Target::File(_) => Err("an included file cannot be renamed here".to_owned()),
            Target::Symbol(symbol) if analysis.index.symbols[symbol].kind == Kind::Module => {
                Err("a module cannot be renamed: it may go on in files that nothing here includes".to_owned())
            }
            Target::Symbol(symbol) => Ok((analysis, symbol)),
        }
    }

    /// What gives the thing at a position a new name. Refused, with the reason, when the new texts would have a mistake
    /// that the old ones do not have.
    pub(crate) fn rename(&self, path: &Path, position: Position, name: &str) -> Result<Edits, String> {
        is_name(name)?;
        let (analysis, symbol) = self.renamed(path, position)?;
        let old = &analysis.index.symbols[symbol];
        if old.name == name {
            return Ok(Edits::new());
        }
        let too_many = || "there are too many files here to find all places".to_owned();
        let closed = self.closed(analysis, symbol).ok_or_else(too_many)?;
        let closed = closed.iter().map(|(path, known)| (path.as_path(), known));
        let all: Vec<Known<'_>> = self.analyses().chain(closed).collect();
        let places = places(&all, analysis, symbol);
        let touched = |other: &Analysis| places.iter().any(|place| other.file(&place.path).is_some());
        let concerned: Vec<Known<'_>> = all.into_iter().filter(|(_, other)| touched(other)).collect();
        if let Some((path, _)) = concerned.iter().find(|(_, other)| other.has_gaps()) {
            let file = path.display();
            return Err(format!(
                "mend the syntax of `{file}` and what it includes first: some names could not be read"
            ));
        }
        if let Some(path) = in_doubt(&concerned, &places) {
            let file = path.display();
            return Err(format!(
                "save `{file}` as UTF-8 first: where the name stands in its line depends on how its comments are read"
            ));
        }
        let after = self.after(&concerned, &places, name);
        for (root, before) in concerned {
            let then = Analysis::of(root, &after, &self.manner);
            if let Some(clash) = new_mistake(before, &then) {
                return Err(format!("`{name}` does not fit: {clash}"));
            }
            if meanings(before) != meanings(&then) {
                return Err(format!("`{name}` does not fit: some names would mean something else"));
            }
        }
        let mut edits = Edits::new();
        for Place { path, range } in places {
            let text = name.to_owned();
            edits.entry(path).or_default().push(Edit { range, text });
        }
        Ok(edits)
    }

    /// The texts with the new name.
    fn after<'p>(&self, analyses: &[Known<'_>], places: impl IntoIterator<Item = &'p Place>, name: &str) -> Overlay {
        let mut by_file: BTreeMap<&Path, Vec<Range>> = BTreeMap::new();
        for place in places {
            by_file.entry(&place.path).or_default().push(place.range);
        }
        let mut overlay = Overlay {
            root: self.overlay.root.clone(),
            texts: self.overlay.texts.clone(),
        };
        for (path, ranges) in by_file {
            let known = analyses.iter().find_map(|(_, known)| Some((known, known.file(path)?)));
            let Some((known, id)) = known else { continue };
            let (text, lines) = (known.text(id), known.lines(id));
            let mut new = String::with_capacity(text.len());
            let mut done = 0;
            for range in ranges {
                let (start, end) = (lines.offset(text, range.start), lines.offset(text, range.end));
                new.push_str(&text[done..start]);
                new.push_str(name);
                done = end;
            }
            new.push_str(&text[done..]);
            overlay.texts.insert(path.to_path_buf(), new);
        }
        overlay
    }
}

/// A file where something stands behind bytes that are not UTF-8: how many columns they take is the editor's choice.
fn in_doubt<'p>(analyses: &[Known<'_>], places: &'p BTreeSet<Place>) -> Option<&'p Path> {
    let doubtful = |Place { path, range }: &&Place| {
        let known = analyses.iter().find_map(|(_, known)| Some((known, known.file(path)?)));
        known.is_some_and(|(known, id)| {
            let (text, end) = (known.text(id), known.lines(id).offset(known.text(id), range.start));
            let line = text[..end].rfind(['\n', '\r']).map_or(0, |before| before + 1);
            known.sources.file(id).lossy && text[line..end].contains(char::REPLACEMENT_CHARACTER)
        })
    };
    places.iter().find(doubtful).map(|place| place.path.as_path())
}

fn nothing_here() -> String {
    "there is no name here that is declared in these files".to_owned()
}

fn is_name(name: &str) -> Result<(), String> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`{name}` is no name: letters, digits and `_`, with no digit first"
        ));
    }
    if KEYWORDS.contains(&name) {
        return Err(format!("`{name}` is a word of the language"));
    }
    Ok(())
}

/// A mistake that was not there before, or two names that were made one in Rust.
fn new_mistake<'d>(before: &Analysis, after: &'d Analysis) -> Option<&'d str> {
    let counts = |found: &&Diagnostic| found.is_error() || found.code == Code::Renamed;
    let mut left: BTreeMap<Code, usize> = BTreeMap::new();
    for found in before.diagnostics.iter().filter(counts) {
        *left.entry(found.code).or_default() += 1;
    }
    let is_new = |found: &&Diagnostic| match left.get_mut(&found.code) {
        Some(known) if *known > 0 => {
            *known -= 1;
            false
        }
        _ => true,
    };
    let mut new = after.diagnostics.iter().filter(counts).filter(is_new);
    new.next().map(|found| found.message.as_str())
}

/// What each place that names something means, in the order of the text: the same before and after, whatever the names.
fn meanings(analysis: &Analysis) -> Vec<Target> {
    let found = analysis.index.occurrences.iter();
    found.map(|occurrence| occurrence.target).collect()
}
