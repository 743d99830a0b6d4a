//! Every file in `tests/ui/ok` and `tests/ui/fail` is a test: the first kind must compile, to the Rust in its snapshot; the
//! second must not, with the messages in its snapshot. A folder `X.include` beside `X.tars` is its include directory.
//!
//! `cargo insta test --accept` writes the snapshots; read what changed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use tars2rs::Config;

/// Compiles a file and gives everything it leads to, as text.
fn compile(path: &Path) -> Result<String, String> {
    let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
    let include: Vec<PathBuf> = vec![relative.with_extension("include")];
    match Config::new().generate(&[relative], &include) {
        Ok(generated) => {
            let files = generated.files().map(|(name, text)| format!("==> {name}\n{text}"));
            let mut out: Vec<String> = files.collect();
            if !generated.warnings().is_empty() {
                out.push(format!("==> warnings\n{}", generated.warnings()));
            }
            Ok(out.join("\n"))
        }
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn ok() {
    insta::glob!("ui/ok/*.tars", |path| {
        let output = compile(path).unwrap_or_else(|error| panic!("{}\n{error}", path.display()));
        insta::assert_snapshot!(output);
    });
}

#[test]
fn fail() {
    insta::glob!("ui/fail/*.tars", |path| {
        let output = compile(path).expect_err("the file must not compile");
        insta::assert_snapshot!(output);
    });
}

/// What other compilers do not take: the third kind compiles, with these warnings and no others.
#[test]
fn lint() {
    insta::glob!("ui/lint/*.tars", |path| {
        let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        let include: Vec<PathBuf> = vec![relative.with_extension("include")];
        let generated = Config::new().warn("portability").generate(&[relative], &include);
        insta::assert_snapshot!(generated.unwrap().warnings());
        // Build scripts hear nothing of it unless they ask.
        let quiet = Config::new().generate(&[relative], &include).unwrap();
        assert!(!quiet.warnings().contains("warning[T10"), "{}", quiet.warnings());
    });
}

/// The interface of the registry, which others write clients for: its Rust changes only on purpose.
#[test]
fn tarsregistry() {
    let generated = Config::new()
        .generate(&["../idl/tarsregistry.tars"], &[] as &[&str])
        .unwrap();
    let files: Vec<(&str, &str)> = generated.files().collect();
    let [(name, text)] = files[..] else {
        panic!("one module")
    };
    assert_eq!((name, generated.warnings()), ("tars.rs", ""));
    insta::assert_snapshot!(text);
}

/// No code without a sample: each stands in some snapshot, as it is shown.
#[test]
fn every_code_has_a_sample() {
    let read = |dir: &str| {
        let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.is_file())
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect::<String>()
    };
    let samples = read("tests/snapshots");
    let codes = std::fs::read_to_string("src/diag/codes.rs").unwrap();
    let codes: Vec<&str> = codes
        .split('"')
        .filter(|text| text.len() == 5 && text.starts_with('T'))
        .collect();
    assert!(codes.len() > 50, "the codes are where they were");
    let missing: Vec<&str> = codes.into_iter().filter(|code| !samples.contains(code)).collect();
    assert!(missing.is_empty(), "without a sample: {missing:?}");
}
