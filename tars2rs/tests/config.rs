//! The settings of a build script.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use tars2rs::Config;
use tempfile::TempDir;

const IDL: &str = r"
module base { struct Shared { 0 require int id; }; enum Kind { ONE, TWO }; };
module demo
{
    enum LEVEL { LOW, HIGH };
    struct Packet
    {
        0 require string name;
        1 optional int count;
        2 optional int limit = 5;
        3 optional map<string, string> context;
        4 optional map<Packet, int> odd;
        5 optional base::Shared shared;
        6 optional vector<base::Kind> kinds;
        7 optional LEVEL level;
    };
    struct Keyed { 0 require map<string, int> table; 1 require string id; };
    key[Keyed, id];
    interface Find
    {
        int find(string id, map<int, string> filter, out map<string, Packet> found);
        string name(int fooBar, int foo_bar);
    };
};
";

/// The Rust of module `demo`, or the error, under settings.
fn demo(settings: impl FnOnce(&mut Config)) -> Result<String, String> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("demo.tars");
    fs::write(&file, IDL).unwrap();
    let mut config = Config::new();
    config.rename("demo.Find.name.fooBar", "foo");
    settings(&mut config);
    let hide = |text: &str| text.replace(&file.to_string_lossy().into_owned(), "demo.tars");
    let generated = config
        .generate(&[&file], &[] as &[&str])
        .map_err(|error| hide(&error.to_string()))?;
    let found = generated
        .files()
        .find(|(_, text)| text.contains("pub mod demo {"))
        .unwrap();
    Ok(hide(found.1))
}

/// The lines of the Rust that hold a text.
fn lines(rust: &str, text: &str) -> Vec<String> {
    rust.lines()
        .filter(|line| line.contains(text))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn everything_at_once() {
    let rust = demo(|config| {
        config
            .bytes(["demo.Packet.context", "demo.Packet.name", "demo.Find.find.id"])
            .hash_map(["demo.Packet.context", "demo.Find"])
            .presence(["demo.Packet"])
            .rename("demo.LEVEL", "Level")
            .rename("demo.LEVEL.LOW", "LOWEST")
            .rename("demo.Packet.count", "type")
            .rename("demo.Find", "Finder")
            .rename("demo.Find.find", "look_up")
            .extern_module("base", "::shared::base")
            .type_attribute("demo.Packet", "#[derive(Hash)]")
            .type_attribute("demo.Find.find", "#[must_use]")
            .field_attribute("demo.Packet.limit", "#[doc = \"Chosen.\"]")
            .type_attribute(".", "#[non_exhaustive]");
    });
    insta::assert_snapshot!(rust.unwrap());
}

#[test]
fn keyed_structs_keep_their_ordered_maps() {
    let rust = demo(|config| {
        config.hash_map(["demo"]);
    });
    assert_eq!(
        lines(&rust.unwrap(), "pub table"),
        ["pub table: ::std::collections::BTreeMap<String, i32>,"]
    );
}

#[test]
fn settings_that_do_not_fit_are_errors() {
    let error = demo(|config| {
        config
            .bytes(["demo.Packet.missing"])
            .hash_map(["Demo"])
            .extern_module("nowhere", "::nowhere")
            .rename("demo.Packet.nam", "x")
            .rename("demo.Packet.name", "self")
            .rename("demo.Packet.count", "a b");
    });
    insta::assert_snapshot!(error.unwrap_err());
}

#[test]
fn settings_without_effect_are_errors() {
    let error = demo(|config| {
        config
            .bytes(["demo.Packet.count"])
            .hash_map(["demo.Keyed.table"])
            .presence(["demo.Packet.name", "demo.Packet.limit"])
            .type_attribute("demo.Packet.name", "#[a]")
            .field_attribute("demo.LEVEL", "#[a]");
    });
    insta::assert_snapshot!(error.unwrap_err());
}

#[test]
fn rust_that_does_not_parse_is_an_error() {
    for attribute in ["#[derive(", "struct", "#[ok] pub"] {
        let error = demo(|config| {
            config.type_attribute("demo.Packet", attribute);
        });
        let text = error.unwrap_err();
        assert!(text.contains("error[T0703]"), "{text}");
    }
}

#[test]
fn compile_writes_where_it_is_told() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("demo.tars");
    fs::write(&file, "module TestApp { struct A { 0 require int a; }; };").unwrap();
    let out = dir.path().join("out");
    Config::new().out_dir(&out).compile(&[&file], &[] as &[&str]).unwrap();
    assert!(
        fs::read_to_string(out.join("test_app.rs"))
            .unwrap()
            .contains("pub mod test_app {")
    );
}

#[test]
fn the_result_does_not_depend_on_the_order_of_settings() {
    let one = demo(|config| {
        config.bytes(["demo.Packet.name", "demo.Packet.context"]);
    });
    let two = demo(|config| {
        config.bytes(["demo.Packet.context", "demo.Packet.name"]);
    });
    assert_eq!(one, two);
}

#[test]
fn levels_decide_what_fails() {
    let unwarned = |set: &dyn Fn(&mut Config)| {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("a.tars");
        fs::write(
            &file,
            "module m { struct S { 0 require int a_b; 1 require int aB; 2 optional byte c; }; };",
        )
        .unwrap();
        let mut config = Config::new();
        set(&mut config);
        let found = config.generate(&[file], &[] as &[&str]);
        found
            .map(|generated| generated.warnings().to_owned())
            .map_err(|error| error.to_string())
    };
    let quiet = unwarned(&|_| ()).unwrap();
    assert!(quiet.contains("warning[T0901]") && !quiet.contains("T1014"), "{quiet}");
    let asked = unwarned(&|config| _ = config.warn("portability").allow("T0901")).unwrap();
    assert!(!asked.contains("T0901") && asked.contains("warning[T1014]"), "{asked}");
    let denied = unwarned(&|config| _ = config.deny("T0901")).unwrap_err();
    assert!(
        denied.contains("error[T0901]") && denied.ends_with("\n1 error found, nothing is generated"),
        "{denied}"
    );
    let wrong = unwarned(&|config| _ = config.deny("T09").allow("T0203")).unwrap_err();
    assert!(wrong.contains("error[T0703]: there is no code `T09`"), "{wrong}");
    assert!(
        wrong.contains("error[T0703]: T0203 is an error and stays one"),
        "{wrong}"
    );
}

/// The framework's own interfaces, and whatever else is built here, compile without a word.
#[test]
fn interfaces_of_the_workspace_are_silent() {
    let mut files: Vec<_> = fs::read_dir("../idl")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "tars"));
    files.sort();
    assert!(files.len() > 3);
    let generated = Config::new().generate(&files, &["../idl"]).unwrap();
    assert_eq!(generated.warnings(), "");
}
