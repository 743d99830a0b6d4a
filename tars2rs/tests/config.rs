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
fn choices_for_one_thing_must_agree() {
    let wrong = |settings: fn(&mut Config)| files(RETURNS, settings).unwrap_err();
    let twice = wrong(|config| _ = config.rename("demo.S", "A").rename("demo.S", "B"));
    assert!(
        twice.contains("error[T0703]: `rename` chooses both `A` and `B` for `demo.S`"),
        "{twice}"
    );
    let elsewhere = wrong(|config| _ = config.extern_type("demo.S", "::a::S").extern_type("demo.S", "::b::S"));
    assert!(
        elsewhere.contains("`extern_type` chooses both `::a::S` and `::b::S`"),
        "{elsewhere}"
    );
    let same = files(RETURNS, |config| _ = config.rename("demo.S", "A").rename("demo.S", "A"));
    assert!(same.unwrap()[0].1.contains("pub struct A "));
}

const RETURNS: &str = "module demo { struct S { 0 require int a; }; interface I { int f(out S s); }; };";

#[test]
fn a_return_value_has_no_name_to_change() {
    let error = files(RETURNS, |config| _ = config.rename("demo.I.f.tars_ret", "code")).unwrap_err();
    assert!(
        error.contains("error[T0702]: `rename` changes nothing at `demo.I.f.tars_ret`"),
        "{error}"
    );
}

#[test]
fn what_is_compiled_elsewhere_has_no_name_to_change() {
    let elsewhere: [fn(&mut Config); 2] = [
        |config| _ = config.extern_type("demo.S", "::a::S").rename("demo.S", "T"),
        |config| _ = config.extern_module("demo", "::a").rename("demo", "b"),
    ];
    for (settings, path) in elsewhere.into_iter().zip(["demo.S", "demo"]) {
        let error = files(RETURNS, settings).unwrap_err();
        assert!(
            error.contains(&format!("error[T0702]: `rename` changes nothing at `{path}`")),
            "{error}"
        );
    }
}

#[test]
fn no_type_hides_one_of_the_language() {
    for name in ["i32", "r#bool"] {
        let error = files(RETURNS, |config| _ = config.rename("demo.S", name)).unwrap_err();
        assert!(
            error.contains(&format!(
                "error[T0703]: `{name}`, chosen for `demo.S`, is a type of Rust already"
            )),
            "{error}"
        );
    }
    let field = files(RETURNS, |config| _ = config.rename("demo.S.a", "i32"));
    assert!(field.unwrap()[0].1.contains("pub i32: i32,"));
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

/// All files under settings, with what they are called, or the error.
fn files(idl: &str, settings: impl FnOnce(&mut Config)) -> Result<Vec<(String, String)>, String> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("demo.tars");
    fs::write(&file, idl).unwrap();
    let mut config = Config::new();
    settings(&mut config);
    let generated = config
        .generate(&[&file], &[] as &[&str])
        .map_err(|error| error.to_string())?;
    let files = generated.files();
    Ok(files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

const SIDES: &str = r#"
module base { enum Kind { ONE, TWO }; };
module demo
{
    const string VERSION = "1";
    enum Level { LOW, HIGH = 10 };
    struct Secret { 0 require string password; 1 optional Level level; };
    interface Store
    {
        /** Looks it up. */
        base::Kind get(string id, out Secret secret);
        void drop(string id);
    };
};
"#;

#[test]
fn only_one_side() {
    for (name, client, server) in [
        ("client", true, false),
        ("server", false, true),
        ("structs", false, false),
    ] {
        let files = files(SIDES, |config| _ = config.build_client(client).build_server(server)).unwrap();
        let demo = &files.iter().find(|(name, _)| name == "demo.rs").unwrap().1;
        insta::assert_snapshot!(format!("only_{name}"), demo);
    }
}

#[test]
fn attributes_reach_what_they_are_for() {
    let rust = demo(|config| {
        config
            .struct_attribute("demo", "#[derive(Hash)]")
            .enum_attribute("demo", "#[repr(transparent)]")
            .const_attribute("demo.LEVEL.HIGH", "#[doc(alias = \"TOP\")]")
            .trait_attribute("demo.Find", "#[mocked]")
            .client_attribute("demo", "#[cfg(feature = \"client\")]")
            .server_attribute("demo", "#[cfg(feature = \"server\")]")
            .field_attribute("demo.Find.find.tars_ret", "#[allow(dead_code)]")
            .type_attribute("demo.LEVEL", "#[first]")
            .enum_attribute("demo.LEVEL", "#[second]");
    })
    .unwrap();
    let flat = rust.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert_eq!(rust.matches("#[derive(Hash)]").count(), 3, "two structs and an output");
    for text in [
        "#[repr(transparent)] #[first] #[second] pub struct Level(pub i32);",
        "#[doc(alias = \"TOP\")] pub const HIGH: Self = Self(1);",
        "#[mocked] pub trait Find: Send + Sync + 'static {",
        "#[cfg(feature = \"client\")] pub struct FindClient {",
        "#[cfg(feature = \"server\")] pub struct FindServer<T> {",
        "#[allow(dead_code)] pub ret: i32,",
    ] {
        assert!(flat.contains(text), "{text}\n{rust}");
    }
}

#[test]
fn secrets_need_not_be_shown() {
    let files = files(SIDES, |config| _ = config.skip_debug(["demo.Secret", "demo.Store.get"])).unwrap();
    let demo = &files[1].1;
    let derives = lines(demo, "::tars::TarsStruct)]");
    assert_eq!(
        derives[0], "#[derive(Clone, PartialEq, ::tars::TarsStruct)]",
        "of the struct"
    );
    assert_eq!(
        derives[1], "#[derive(Clone, PartialEq, ::tars::TarsStruct)]",
        "of the output"
    );
    assert_eq!(derives[2], "#[derive(Clone, Debug, PartialEq, ::tars::TarsStruct)]");
}

#[test]
fn the_narrower_choice_of_a_map_counts() {
    let table = |settings: &dyn Fn(&mut Config)| {
        let idl = "module demo { struct S { 0 require map<string, int> a; 1 require map<string, int> b; }; };";
        files(idl, settings).map(|files| {
            let types = lines(&files[0].1, ": ::std::collections::");
            types.iter().map(|line| line.contains("HashMap")).collect::<Vec<bool>>()
        })
    };
    let but_one = table(&|config| _ = config.hash_map(["."]).btree_map(["demo.S.a"]));
    assert_eq!(but_one, Ok(vec![false, true]));
    let one = table(&|config| _ = config.btree_map(["demo.S"]).hash_map(["demo", "demo.S.b"]));
    assert!(one.as_ref().is_ok_and(|maps| maps == &[false, true]), "{one:?}");
    let useless = table(&|config| _ = config.btree_map(["demo.S.a"])).unwrap_err();
    assert!(
        useless.contains("`btree_map` changes nothing at `demo.S.a`"),
        "{useless}"
    );
}

#[test]
fn a_type_may_live_elsewhere_and_the_rest_of_its_module_here() {
    let idl = "module tars { struct EndpointF { 0 require string host; }; key[EndpointF, host]; enum State { ON, OFF };
        struct Mine { 0 require EndpointF one; 1 optional State state = OFF; 2 optional map<EndpointF, int> more; };
        interface Ask { EndpointF ask(vector<EndpointF> all); }; };";
    let files = files(idl, |config| {
        config
            .extern_type("tars.EndpointF", "::tars::protocol::EndpointF")
            .extern_type("tars.State", "crate::State")
            .rename("tars.State.OFF", "SLEEPING");
    })
    .unwrap();
    let rust = &files[0].1;
    assert!(
        !rust.contains("pub struct EndpointF") && !rust.contains("pub struct State"),
        "{rust}"
    );
    for line in [
        "pub one: ::tars::protocol::EndpointF,",
        "#[tars(tag = 1, default = crate::State::SLEEPING)]",
        "pub more: ::std::collections::BTreeMap<::tars::protocol::EndpointF, i32>,",
        "pub all: Vec<::tars::protocol::EndpointF>,",
        "all: &[::tars::protocol::EndpointF],",
    ] {
        assert!(rust.lines().any(|found| found.trim() == line), "{line}\n{rust}");
    }
}

#[test]
fn one_file_brings_all_modules() {
    let generated = files(SIDES, |config| {
        _ = config.include_file("mod.rs").extern_module("base", "::base");
    })
    .unwrap();
    let names: Vec<&str> = generated.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["demo.rs", "mod.rs"]);
    let generated = files(SIDES, |config| _ = config.include_file("all.rs")).unwrap();
    insta::assert_snapshot!(generated[2].1);
    for (name, reason) in [
        (
            "demo.rs",
            "`demo.rs` is the file of a module and cannot be the include file too",
        ),
        (
            "Demo.RS",
            "`demo.rs` is the file of a module and cannot be the include file too",
        ),
        ("a/mod.rs", "`a/mod.rs`, chosen for the include file, is no file name"),
    ] {
        let error = files(SIDES, |config| _ = config.include_file(name)).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn paths_that_were_meant_are_named() {
    let error = demo(|config| {
        config
            .bytes([
                "demo.Packet.nmae",
                "Packet.context",
                "demo.Find.find.idd",
                "demo.find.find",
            ])
            .hash_map(["dmo.packet.context", "demo.Packet.utterly_different"])
            .extern_module("demo.Packet", "::shared")
            .extern_module("bsae", "::shared")
            .extern_type("demo.Find", "::shared::Find")
            .extern_type("demo.Paket", "super::Packet")
            .extern_type("Shared", "::shared::Shared");
    });
    insta::assert_snapshot!(error.unwrap_err());
}
