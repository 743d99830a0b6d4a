//! The files that an input stands for.

use std::path::{Path, PathBuf};

use crate::breaking::Comparison;
use crate::compile::{self, Outcome};
use crate::diag::{Diagnostics, Halted, Levels};
use crate::include::Search;
use crate::model::Model;
use crate::settings::Choices;
use crate::source::{MemoryLoader, SourceMap};

/// The line between two files of one input. No file has it: it is no IDL.
const BETWEEN: &[u8] = b"=====\n";

/// The file that is named; those behind it are `b.tars`, `c.tars` and so on, which it may include.
const NAMED: &str = "/a.tars";

/// Files in memory.
#[derive(Debug)]
pub(super) struct Files {
    loader: MemoryLoader,
}

impl Files {
    /// The files of an input.
    pub(super) fn of(input: &[u8]) -> Self {
        let paths = ('a'..='z').map(|letter| format!("/{letter}.tars"));
        let with = |loader: MemoryLoader, (path, text): (String, &[u8])| loader.with(&path, text);
        Self {
            loader: paths.zip(parts(input)).fold(MemoryLoader::default(), with),
        }
    }

    /// One file alone, whatever is in it.
    pub(super) fn one(text: &[u8]) -> Self {
        Self {
            loader: MemoryLoader::default().with(NAMED, text),
        }
    }

    /// As `tars2rs check` does.
    pub(super) fn check(&self, levels: Levels) -> Outcome {
        self.run(levels, compile::check)
    }

    /// As `tars2rs build` does.
    pub(super) fn compile(&self, levels: Levels) -> Outcome {
        self.run(levels, compile::compile)
    }

    fn run(&self, levels: Levels, stages: fn(&[PathBuf], Search<'_>, &Choices) -> Outcome) -> Outcome {
        let choices = Choices {
            levels,
            ..Choices::default()
        };
        stages(&[NAMED.into()], self.search(), &choices)
    }

    /// The checked model, with the texts behind those that are in `sources` already.
    pub(super) fn model(&self, sources: &mut SourceMap) -> Result<Model, Halted> {
        let mut diagnostics = Diagnostics::default();
        let model = compile::model(&[NAMED.into()], self.search(), (sources, &mut diagnostics));
        diagnostics.finish();
        model
    }

    /// What changes from these files, which have no mistakes, to those.
    pub(super) fn compared_with(&self, new: &Self) -> Comparison {
        let mut sources = SourceMap::default();
        let old = self.model(&mut sources).expect("files without mistakes");
        let new = new.model(&mut sources).expect("files without mistakes");
        Comparison::between(&old, &new, sources)
    }

    /// The same files, each as `change` makes it.
    pub(super) fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let with = |loader: MemoryLoader, (path, text): (&Path, &[u8])| {
            loader.with(path.to_str().expect("a name of ours"), change(text))
        };
        Self {
            loader: self.loader.files().fold(MemoryLoader::default(), with),
        }
    }

    fn search(&self) -> Search<'_> {
        Search {
            loader: &self.loader,
            dirs: &[],
        }
    }
}

/// The stretches between the lines that are [`BETWEEN`].
fn parts(input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line == BETWEEN {
            parts.push(&input[start..end - line.len()]);
            start = end;
        }
    }
    parts.push(&input[start..]);
    parts
}
