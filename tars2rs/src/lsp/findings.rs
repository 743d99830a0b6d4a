//! What is wrong, by file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::analysis::{Analysis, Place};
use super::text::Range;
use super::workspace::Workspace;
use crate::diag::{Diagnostic, Severity};

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

impl Workspace {
    /// All findings, by file. Files that are included and not open have theirs too; what is wrong with a file only where
    /// another one includes it, as two definitions in two of its includes, is told as well.
    pub(crate) fn findings(&self) -> BTreeMap<PathBuf, Vec<Finding>> {
        let mut all: BTreeMap<PathBuf, Vec<Finding>> = BTreeMap::new();
        for path in self.paths() {
            all.insert(path.to_path_buf(), Vec::new());
        }
        // By which analysis: the same is told once, whatever includes lead to it.
        let mut told = BTreeMap::new();
        for (root, analysis) in self.analyses() {
            // A text that is a part of another makes no sense alone.
            let at_home = self.analysis(root).is_some_and(|home| std::ptr::eq(home, analysis));
            for diagnostic in &analysis.diagnostics {
                let place = diagnostic.primary.as_ref().map(|label| analysis.place(label.span));
                let place = place.unwrap_or_else(|| Place {
                    path: root.to_path_buf(),
                    range: Range::default(),
                });
                if !at_home && place.path == root {
                    continue;
                }
                if *told.entry((place.clone(), diagnostic.code)).or_insert(root) == root {
                    let finding = finding(analysis, diagnostic, place.range);
                    all.entry(place.path).or_default().push(finding);
                }
            }
        }
        all
    }
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
