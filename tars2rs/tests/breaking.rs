//! `tars2rs breaking`: a file in `tests/breaking` is a test. It holds the old and the new version, and names the codes of
//! what the one breaks of the other; its snapshot is the text of the findings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use tars2rs::{Comparison, Version};
use tempfile::TempDir;

/// A directory with the two versions of a case, and the codes it expects.
fn case(path: &Path) -> (TempDir, Vec<String>) {
    let text = fs::read_to_string(path).unwrap();
    let (old, new) = text.split_once("// ==> new\n").unwrap();
    let (codes, old) = old.split_once('\n').unwrap();
    let codes = codes.strip_prefix("// expect:").unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("old.tars"), old).unwrap();
    fs::write(dir.path().join("new.tars"), new).unwrap();
    (dir, codes.split_whitespace().map(str::to_owned).collect())
}

fn version(dir: &TempDir, name: &str) -> Version {
    Version {
        paths: vec![dir.path().join(name)],
        ..Version::default()
    }
}

/// The temporary directory is called something else each time.
fn stable(text: &str, dir: &TempDir) -> String {
    text.replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn rules() {
    insta::glob!("breaking/*.tars", |path| {
        let (dir, expected) = case(path);
        let (old, new) = (version(&dir, "old.tars"), version(&dir, "new.tars"));
        let comparison = Comparison::of(&old, &new).unwrap_or_else(|error| panic!("{error}"));
        let values: Vec<Value> = comparison
            .json()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let codes: Vec<&str> = values.iter().map(|value| value["code"].as_str().unwrap()).collect();
        assert_eq!(codes, expected, "{}", path.display());
        assert_eq!(comparison.is_compatible(), expected.is_empty());
        insta::assert_snapshot!(stable(&comparison.text(), &dir));
        // Nothing is incompatible with itself.
        for version in [&old, &new] {
            let same = Comparison::of(version, version).unwrap();
            assert!(same.is_compatible(), "{}", same.text());
        }
    });
}

fn samples() -> Vec<PathBuf> {
    let files = |dir: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.extension().is_some_and(|extension| extension == "tars"))
            .collect()
    };
    let mut files = [files("tests/ui/ok"), files("../idl")].concat();
    files.sort();
    files
}

fn compare(old: &Path, new: &Path) -> Comparison {
    let version = |path: &Path| Version {
        paths: vec![path.to_path_buf()],
        include_dirs: vec![path.with_extension("include")],
    };
    Comparison::of(&version(old), &version(new)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_file_is_compatible_with_itself_laid_out_anew() {
    let dir = TempDir::new().unwrap();
    for path in samples() {
        let formatted = tars2rs::format("a.tars", &fs::read(&path).unwrap()).unwrap();
        let new = dir.path().join(path.file_name().unwrap());
        fs::write(&new, formatted).unwrap();
        let version = |name: &Path| Version {
            paths: vec![name.to_path_buf()],
            include_dirs: vec![path.with_extension("include"), path.parent().unwrap().to_path_buf()],
        };
        let comparison = Comparison::of(&version(&path), &version(&new)).unwrap_or_else(|error| panic!("{error}"));
        assert!(comparison.is_compatible(), "{}", comparison.text());
    }
}

#[test]
fn any_two_files_can_be_compared() {
    let samples = samples();
    for pair in samples.windows(2) {
        let comparison = compare(&pair[0], &pair[1]);
        assert_eq!(comparison.text().is_empty(), comparison.is_compatible());
        assert_eq!(comparison.json().lines().count(), comparison.short().lines().count());
    }
}

/// Looking for each old name among all new ones would take minutes.
#[test]
fn everything_renamed_is_found_at_once() {
    let text = |prefix: &str| -> String {
        let one = |i: usize| {
            format!(
                "struct {prefix}{i} {{ 0 require int f{i}; }}; enum {prefix}E{i} {{ A{i} }};\n\
                 interface {prefix}I{i} {{ void f{i}(); }};\n"
            )
        };
        format!("module M {{\n{}}};\n", (0..3000).map(one).collect::<String>())
    };
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("old.tars"), text("Old")).unwrap();
    fs::write(dir.path().join("new.tars"), text("New")).unwrap();
    let start = Instant::now();
    let comparison = Comparison::of(&version(&dir, "old.tars"), &version(&dir, "new.tars")).unwrap();
    let short = comparison.short();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(short.lines().count(), 9000);
    assert!(short.lines().all(|line| line.contains(" is called `New")));
}

/// No rule without a case.
#[test]
fn every_rule_has_a_case() {
    let codes = fs::read_to_string("src/diag/codes.rs").unwrap();
    let rules = codes
        .split('"')
        .filter(|text| text.len() == 5 && text.starts_with("T2"));
    let cases: String = fs::read_dir("tests/breaking")
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let missing: Vec<&str> = rules.filter(|code| !cases.contains(code)).collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}

const OLD: &str = "#include \"common.tars\"\nmodule Demo { struct A { 0 require int a; 1 optional Common::C c; }; };\n";
const NEW: &str =
    "#include \"common.tars\"\nmodule Demo { struct A { 0 require long a; 1 optional Common::C d; }; };\n";
const COMMON: &str = "module Common { struct C { 0 require int c; }; };\n";

/// Two directories, whose common include lies elsewhere.
fn versions() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in [
        ("v1/idl/demo.tars", OLD),
        ("v1/common/common.tars", COMMON),
        ("v2/idl/demo.tars", NEW),
        ("v2/common/common.tars", COMMON),
        (
            "v2/broken/demo.tars",
            "module Demo { struct A { 0 require Nothing a; }; };\n",
        ),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn run(dir: &TempDir, args: &[&str], code: i32) -> (String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command.current_dir(dir.path()).arg("breaking").args(args);
    let output = command.assert().code(code).get_output().clone();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

const BOTH: [&str; 6] = [
    "v1/idl",
    "v2/idl",
    "--old-include=v1/common",
    "--new-include",
    "v2/common",
    "--allow=T2401",
];

#[test]
fn directories_are_compared_with_includes_of_their_own() {
    let dir = versions();
    let (stdout, stderr) = run(&dir, &BOTH, 1);
    insta::assert_snapshot!(stdout);
    assert_eq!(
        stderr,
        "2 incompatible changes: 1 breaks the wire, 1 breaks names in JSON and TUP\n"
    );
    let same = ["v1", "v1/idl/demo.tars", "-I", "v1/common"];
    assert_eq!(run(&dir, &same, 0), (String::new(), String::new()));
}

#[test]
fn findings_can_be_accepted() {
    let dir = versions();
    let with = |args: &[&'static str]| [&BOTH[..], args].concat();
    assert_eq!(
        run(&dir, &with(&["--allow", "T2502,T2009"]), 0),
        (String::new(), String::new())
    );
    assert_eq!(
        run(&dir, &with(&["--allow", "T2502", "--allow", "names,source"]), 0).0,
        ""
    );
    let (stdout, _) = run(&dir, &with(&["--allow", "source", "--message-format", "short"]), 1);
    assert_eq!(stdout.lines().count(), 2, "names and wire remain: {stdout}");
    let (stdout, stderr) = run(&dir, &with(&["--allow", "T0203"]), 2);
    assert!(
        stdout.is_empty() && stderr.contains("`T0203` is neither a code such as T2009"),
        "{stderr}"
    );
}

#[test]
fn programs_get_a_line_each() {
    let dir = versions();
    let (stdout, stderr) = run(&dir, &[&BOTH[..], &["--message-format", "json"]].concat(), 1);
    assert_eq!(stderr, "");
    insta::assert_snapshot!(stdout);
    insta::assert_snapshot!(run(&dir, &[&BOTH[..], &["--message-format", "short"]].concat(), 1).0);
}

#[test]
fn files_with_mistakes_are_not_compared() {
    let dir = versions();
    let (stdout, stderr) = run(&dir, &["v1/common", "v2/broken"], 1);
    assert_eq!(stdout, "");
    insta::assert_snapshot!(stderr);
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let dir = versions();
    fs::create_dir(dir.path().join("empty")).unwrap();
    for other in ["nowhere", "empty", "nowhere.tars"] {
        let (stdout, stderr) = run(&dir, &["v1/common", other], 2);
        assert!(
            stdout.is_empty() && stderr.contains(&format!("cannot read `{other}`")),
            "{stderr}"
        );
    }
}
