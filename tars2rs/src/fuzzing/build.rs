//! What has no mistakes can be used for everything.

use serde_json::Value;

use super::files::Files;
use super::rust;
use crate::diag::{Code, Levels};
use crate::source::SourceMap;
use crate::{dump, format};

/// Files in which no mistake is found become Rust that parses and in which no two things have one name; they are dumped as
/// JSON, formatted, and compatible with their format.
pub fn build(input: &[u8]) {
    let files = Files::of(input);
    let checked = files.check(Levels::of_builds());
    let built = files.compile(Levels::of_builds());
    let names = |code: &Code| *code != Code::BadSetting;
    let codes = |found: &[crate::diag::Diagnostic]| -> Vec<Code> { found.iter().map(|found| found.code).collect() };
    let found = codes(&built.diagnostics);
    assert!(found.iter().all(names), "{:?}", built.diagnostics);
    assert_eq!(
        codes(&checked.diagnostics),
        found,
        "`check` tells what `build` will say"
    );
    let Ok(generated) = built.files else {
        return;
    };
    for file in &generated {
        rust::is_sound(&file.text);
    }
    let again = files.compile(Levels::of_builds()).files;
    assert_eq!(again.as_ref(), Ok(&generated), "two runs generate the same");

    let mut sources = SourceMap::default();
    let model = files.model(&mut sources).expect("files without mistakes");
    let json = dump::json(&model, &sources);
    assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
    let formatted = files.map(|text| format::run("a.tars", text).unwrap_or_else(|_| text.to_vec()));
    let comparison = files.compared_with(&formatted);
    assert!(comparison.is_compatible(), "{}", comparison.text());
}
