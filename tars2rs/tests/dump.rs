//! `tars2rs dump`: every dump is as the schema says, and some are looked at whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use jsonschema::Validator;
use serde_json::Value;
use tempfile::TempDir;

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string("schema/dump.schema.json").unwrap()).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

fn dump(path: &Path) -> String {
    tars2rs::dump(&[path], &[path.with_extension("include")]).unwrap_or_else(|error| panic!("{error}"))
}

fn files(dir: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn every_dump_is_as_the_schema_says() {
    let validator = validator();
    let files = [files("tests/ui/ok"), files("../idl")].concat();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "tars"))
    {
        let value: Value = serde_json::from_str(&dump(path)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{error:?}"))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

/// A schema that lets anything pass would be no help.
#[test]
fn the_schema_refuses_what_is_no_dump() {
    assert!(jsonschema::meta::is_valid(&schema()));
    let validator = validator();
    let good: Value = serde_json::from_str(&dump(Path::new("tests/ui/ok/all_types.tars"))).unwrap();
    let spoil = |path: &str, value: Value| {
        let mut spoilt = good.clone();
        *spoilt.pointer_mut(path).unwrap() = value;
        assert!(!validator.is_valid(&spoilt), "{path}");
    };
    assert!(validator.is_valid(&good));
    spoil("/format", 2.into());
    spoil("/modules/1/structs/0/fields/0/tag", 256.into());
    spoil("/modules/1/structs/0/fields/0/type/kind", "integer".into());
    spoil("/modules/1/structs/0/fields/0/max_length", 0.into());
    spoil("/modules/1/structs/0/place", Value::Null);
    spoil("/modules/1/enums/0/enumerators/0/value", 2_147_483_648i64.into());
    spoil("/modules/1/name", "a b".into());
}

const IDL: &str = r#"
// The first module.
module Demo
{
    /// A colour.
    enum Color { RED = 3, GREEN /* grows */, BLUE = -1 };

    struct Point
    {
        7 optional double x = 0.5; // across
        0 require long id = -9223372036854775808;
        1 optional Color color;
        2 optional Color other = Demo::BLUE;
        3 optional map<string, vector<Point>> near;
        4 optional string:16 name = "\"中\n";
        5 optional byte hash[32];
        6 optional Other::Empty empty;
    };
    key[Point, id, name];

    const unsigned int LIMIT = 0xffffffff;
    const float PI = 3.14;

    interface Draw
    {
        // Draws it.
        int draw(Point point, routekey string user, out vector<Color> colors);
        void struct();
    };
};
module Other { struct Empty { 0 optional bool b; }; };
"#;

#[test]
fn a_dump_whole() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.tars");
    fs::write(&path, IDL).unwrap();
    let text = dump(&path);
    assert_eq!(text, dump(&path), "the same bytes each time");
    insta::assert_snapshot!(text.replace(&path.to_string_lossy().to_string(), "demo.tars"));
    assert!(validator().is_valid(&serde_json::from_str(&text).unwrap()));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let dir = TempDir::new().unwrap();
    let [a, b] = ["a.tars", "b.tars"].map(|name| dir.path().join(name));
    fs::write(&b, "module L {}; module K { enum E {}; };").unwrap();
    fs::write(&a, "module M { struct A { 0 require int b; }; };").unwrap();
    let dirs: [&Path; 0] = [];
    assert_eq!(
        tars2rs::dump(&[&a, &b], &dirs).unwrap(),
        tars2rs::dump(&[&b, &a], &dirs).unwrap()
    );
}

fn tars2rs(files: &[(&str, &str)], args: &[&str]) -> (TempDir, Command) {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command.current_dir(dir.path()).arg("dump").args(args);
    (dir, command)
}

#[test]
fn the_tool_writes_the_dump_and_nothing_else() {
    let (_dir, mut command) = tars2rs(&[("a.tars", IDL)], &["a.tars"]);
    let output = command.assert().code(0).get_output().clone();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["modules"][0]["structs"][0]["place"]["file"], "a.tars");

    let (_dir, mut command) = tars2rs(&[("a.tars", "module A { struct B { 0 require C c; }; };")], &["a.tars"]);
    let output = command.assert().code(1).stdout("").get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("error[T0301]") && text.ends_with("1 error found, nothing is dumped\n"),
        "{text}"
    );

    let (_dir, mut command) = tars2rs(&[], &["nowhere.tars"]);
    command.assert().code(2).stdout("");
}
