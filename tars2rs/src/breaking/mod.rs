//! What a new version of `.tars` files breaks: on the wire, in bodies that carry names, in programs built from the files.
//!
//! Both versions are checked models, so nothing here doubts a file. `compare` and `renames` find out which definition is which,
//! `structs`, `enums`, `interfaces` and `types` hold the rules, `pairs` applies them to definitions of different names, and `report` says
//! it. Every rule has a code of its own, T2...

mod compare;
mod enums;
mod files;
mod finding;
mod interfaces;
mod pairs;
mod renames;
mod report;
mod structs;
mod types;

use std::path::PathBuf;
use std::str::FromStr;

use crate::compile::{self, Refused};
use crate::config::Error;
use crate::diag::{Code, Diagnostic, Diagnostics, Halted, Style};
use crate::include::Search;
use crate::model::Model;
use crate::source::{FsLoader, SourceMap};
use finding::{Breaks, Finding};

/// What comes of mistakes.
pub(crate) const CONSEQUENCE: &str = "nothing is compared";

/// One of two versions of `.tars` files.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// Files, and directories whose `.tars` files are all meant.
    pub paths: Vec<PathBuf>,
    /// Directories to look for included files in. A directory in `paths` is one too, after these.
    pub include_dirs: Vec<PathBuf>,
}

/// What a new version of `.tars` files breaks.
///
/// ```no_run
/// use tars2rs::{Comparison, Version};
///
/// let version = |path: &str| Version { paths: vec![path.into()], ..Version::default() };
/// let comparison = Comparison::of(&version("v1/idl"), &version("v2/idl"))?;
/// print!("{}", comparison.text());
/// # Ok::<(), tars2rs::Error>(())
/// ```
#[derive(Debug)]
pub struct Comparison {
    sources: SourceMap,
    findings: Vec<Finding>,
}

impl Comparison {
    /// Compares two versions. Fails when one of them has mistakes or cannot be read.
    pub fn of(old: &Version, new: &Version) -> Result<Self, Error> {
        Self::run(old, new).map_err(|refused| Error::refused(&refused, CONSEQUENCE))
    }

    pub(crate) fn run(old: &Version, new: &Version) -> Result<Self, Refused> {
        let (mut sources, mut diagnostics) = (SourceMap::default(), Diagnostics::default());
        let models = load_both([old, new], &mut sources, &mut diagnostics);
        let diagnostics = diagnostics.finish();
        let Ok((old, new)) = models else {
            return Err(Refused { sources, diagnostics });
        };
        Ok(Self::between(&old, &new, sources))
    }

    /// Compares two models, whose texts are both in `sources`.
    pub(crate) fn between(old: &Model, new: &Model, sources: SourceMap) -> Self {
        let findings = compare::compare(old, new);
        Self { sources, findings }
    }

    /// Leaves out findings that are accepted: those of the code, or those that break nothing but what is named.
    pub(crate) fn allow(&mut self, accepted: &[Allow]) {
        let breaks: Vec<Breaks> = accepted.iter().filter_map(|allow| allow.breaks).collect();
        self.findings.retain(|finding| {
            let by_code = accepted.iter().any(|allow| allow.code == Some(finding.code));
            let by_breaks = !finding.why.is_empty() && finding.why.iter().all(|(what, _)| breaks.contains(what));
            !by_code && !by_breaks
        });
    }

    /// Whether nothing breaks.
    pub fn is_compatible(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings for people: each with its code, both places, what it breaks, whom, and why.
    pub fn text(&self) -> String {
        self.styled(Style::Plain)
    }

    /// The text with the colours that are wanted.
    pub(crate) fn styled(&self, style: Style) -> String {
        report::text(&self.findings, &self.sources, style)
    }

    /// The findings for programs: one JSON object a line.
    pub fn json(&self) -> String {
        report::json(&self.findings, &self.sources)
    }

    /// The findings with a line each.
    pub fn short(&self) -> String {
        report::short(&self.findings, &self.sources)
    }

    /// How many there are, as a sentence; empty when there are none.
    pub(crate) fn summary(&self) -> String {
        report::summary(&self.findings)
    }
}

/// The checked models of both versions: the mistakes of both are shown.
fn load_both(
    [old, new]: [&Version; 2],
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> Result<(Model, Model), Halted> {
    let old = load(old, sources, diagnostics);
    let new = load(new, sources, diagnostics);
    Ok((old?, new?))
}

fn load(version: &Version, sources: &mut SourceMap, diagnostics: &mut Diagnostics) -> Result<Model, Halted> {
    let (mut files, mut dirs) = (Vec::new(), version.include_dirs.clone());
    for path in &version.paths {
        let (found, dir) = files::below(path).map_err(|reason| {
            let message = format!("cannot read `{}`", path.display());
            diagnostics.push(Diagnostic::general(Code::Unreadable, message).help(reason));
            Halted
        })?;
        files.extend(found);
        dirs.extend(dir);
    }
    let search = Search {
        loader: &FsLoader,
        dirs: &dirs,
    };
    // Each version has a collector of its own: the gates of the one do not close for the mistakes of the other.
    let mut own = Diagnostics::default();
    let model = compile::model(&files, search, (sources, &mut own));
    diagnostics.extend(own.finish());
    model
}

/// What is accepted: a code, or whatever breaks only what is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allow {
    code: Option<Code>,
    breaks: Option<Breaks>,
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let breaks = Breaks::ALL.into_iter().find(|breaks| breaks.word() == text);
        let own = |code: &&Code| **code >= Code::StructRemoved && code.text().eq_ignore_ascii_case(text);
        let code = Code::ALL.iter().find(own).copied();
        if breaks.is_none() && code.is_none() {
            return Err(format!(
                "`{text}` is neither a code such as T2009 nor `wire`, `names` or `source`"
            ));
        }
        Ok(Self { code, breaks })
    }
}
