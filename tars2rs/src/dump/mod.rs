//! The checked model as JSON, for other tools. The fields are described by `schema/dump.schema.json`; a test holds both
//! together. A field is never removed and never changes its meaning without a new [`FORMAT`].

mod build;
mod shape;

use std::path::{Path, PathBuf};

use crate::compile::{self, Refused};
use crate::config::Error;
use crate::diag::Diagnostics;
use crate::include::Search;
use crate::model::Model;
use crate::source::{FsLoader, SourceMap};

/// The number of this form of the dump.
const FORMAT: u32 = 1;

/// What comes of mistakes.
pub(crate) const CONSEQUENCE: &str = "nothing is dumped";

/// A dump, and what the compiler warned of.
#[derive(Debug)]
pub(crate) struct Dumped {
    pub(crate) json: String,
    pub(crate) found: Refused,
}

/// The model of `.tars` files, and of those they include, as JSON.
///
/// Every name is resolved, every enumerator has its number, and fields stand in the order of their tags. The same files give
/// the same bytes on every machine; the form is described by the JSON Schema `schema/dump.schema.json` of this crate.
///
/// Fails as [`Config::generate`](crate::Config::generate) does when the files have mistakes.
pub fn dump(files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<String, Error> {
    let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_path_buf()).collect();
    let dirs: Vec<PathBuf> = include_dirs.iter().map(|dir| dir.as_ref().to_path_buf()).collect();
    run(&files, &dirs)
        .map(|dumped| dumped.json)
        .map_err(|refused| Error::refused(&refused, CONSEQUENCE))
}

/// The dump with the warnings.
pub(crate) fn run(files: &[PathBuf], include_dirs: &[PathBuf]) -> Result<Dumped, Refused> {
    let (mut sources, mut diagnostics) = (SourceMap::default(), Diagnostics::default());
    let search = Search {
        loader: &FsLoader,
        dirs: include_dirs,
    };
    let model = compile::model(files, search, (&mut sources, &mut diagnostics));
    let found = Refused {
        sources,
        diagnostics: diagnostics.finish(),
    };
    let Ok(model) = model else {
        return Err(found);
    };
    let json = json(&model, &found.sources);
    Ok(Dumped { json, found })
}

/// A model as it is written.
pub(crate) fn json(model: &Model, sources: &SourceMap) -> String {
    let dump = build::dump(model, sources);
    let mut json = serde_json::to_string_pretty(&dump).expect("texts and numbers always become JSON");
    json.push('\n');
    json
}
