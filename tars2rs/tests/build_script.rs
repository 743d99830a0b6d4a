//! A crate with a build script and five `.tars` files that include each other, built by cargo again and again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod outside;

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use outside::{Outside, runtime, text};

const BUILD: &str = r#"
fn main() -> Result<(), tars2rs::Error> {
    tars2rs::Config::new()
        .include_file("mod.rs")
        .compile(&["idl/app.tars", "idl/order.tars"], &["idl/shared"])
}
"#;

const LIB: &str = r#"
pub mod idl {
    ::tars::include_tars!("mod");
}

/// What another file of the IDL declares is the same type, whichever file brought it.
pub fn owner(order: &idl::orders::Order) -> &idl::base::Id {
    let idl::orders::Order { owner: idl::app::User { id, .. }, .. } = order;
    id
}
"#;

const FILES: [(&str, &str); 5] = [
    (
        "idl/app.tars",
        "#include \"user.tars\"\nmodule App\n{\n    interface Users\n    {\n        User find(base::Id id);\n    };\n};\n",
    ),
    (
        "idl/user.tars",
        "#include \"base.tars\"\nmodule App\n{\n    struct User\n    {\n        0 require base::Id id;\n        1 optional string name;\n    };\n};\n",
    ),
    (
        "idl/shared/base.tars",
        "module base\n{\n    struct Id\n    {\n        0 require long number;\n    };\n    key[Id, number];\n};\n",
    ),
    (
        "idl/order.tars",
        "#include \"user.tars\"\n#include \"money/money.tars\"\nmodule Orders\n{\n    struct Order\n    {\n        0 require App::User owner;\n        \
         1 require Money::Sum sum;\n    };\n};\n",
    ),
    (
        "idl/money/money.tars",
        "#include \"base.tars\"\nmodule Money\n{\n    struct Sum\n    {\n        0 require long cents;\n        1 optional base::Id paidBy;\n    };\n};\n",
    ),
];

/// What cargo said about one build of the crate.
struct Built {
    /// Nothing was to be done.
    fresh: bool,
    /// Where the build script wrote.
    out_dir: PathBuf,
    stderr: String,
}

impl Built {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out_dir.join(name)).unwrap()
    }

    fn written(&self, name: &str) -> SystemTime {
        fs::metadata(self.out_dir.join(name)).unwrap().modified().unwrap()
    }
}

fn package() -> Outside {
    let package = Outside::new("build-script");
    let runtime = runtime();
    let compiler = env!("CARGO_MANIFEST_DIR");
    package.write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"shop\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{runtime}\n\
             [build-dependencies]\ntars2rs = {{ path = {compiler:?}, default-features = false }}\n\n[workspace]\n"
        ),
    );
    package.write("build.rs", BUILD);
    package.write("src/lib.rs", LIB);
    for (name, idl) in FILES {
        package.write(name, idl);
    }
    package
}

/// A build that must succeed.
#[track_caller]
fn build(package: &Outside) -> Built {
    let output = package.cargo(&["build", "--message-format=json"]);
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{}{stderr}", text(&output.stdout));
    let messages = text(&output.stdout);
    let messages: Vec<serde_json::Value> = messages
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|message: &serde_json::Value| message["package_id"].as_str().is_some_and(|id| id.contains("shop@")))
        .collect();
    let of = |reason: &str| messages.iter().rfind(|message| message["reason"] == reason).unwrap();
    let library = of("compiler-artifact");
    assert_eq!(library["target"]["kind"][0], "lib");
    Built {
        fresh: library["fresh"].as_bool().unwrap(),
        out_dir: of("build-script-executed")["out_dir"].as_str().unwrap().into(),
        stderr,
    }
}

/// A build that must fail, and what the build script said about it.
#[track_caller]
fn refused(package: &Outside) -> String {
    let output = package.cargo(&["build"]);
    let stderr = text(&output.stderr);
    assert!(!output.status.success(), "{stderr}");
    let (_, said) = stderr
        .split_once("  --- stderr\n")
        .unwrap_or_else(|| panic!("{stderr}"));
    let lines = said
        .lines()
        .take_while(|line| line.starts_with("  ") || line.is_empty());
    lines
        .flat_map(|line| [line.strip_prefix("  ").unwrap_or(line), "\n"])
        .collect()
}

/// What the command line tool says of the same files.
fn tool(package: &Outside) -> String {
    let output = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"))
        .args([
            "build",
            "idl/app.tars",
            "idl/order.tars",
            "-I",
            "idl/shared",
            "-o",
            "never",
        ])
        .current_dir(package.path(""))
        .output()
        .unwrap();
    text(&output.stderr)
}

#[test]
fn cargo_rebuilds_what_has_changed_and_shows_what_is_wrong() {
    let package = package();
    let first = build(&package);
    assert!(first.read("base.rs").contains("pub number: i64,"));
    assert!(build(&package).fresh, "nothing has changed");

    edits_of_included_files(&package, &first);
    includes_that_come_and_go(&package);
    mistakes_are_shown_as_rendered(&package);

    assert!(!build(&package).fresh, "all is well again");
    assert!(build(&package).fresh);
}

fn edits_of_included_files(package: &Outside, first: &Built) {
    // In a directory of includes, and reached by three ways.
    package.write("idl/shared/base.tars", &FILES[2].1.replace("long number", "int number"));
    let edited = build(package);
    assert!(!edited.fresh);
    assert!(edited.read("base.rs").contains("pub number: i32,"));
    assert_eq!(
        edited.written("money.rs"),
        first.written("money.rs"),
        "what is the same is not touched"
    );
    assert!(build(package).fresh);

    package.write("idl/README.md", "No IDL.");
    package.write("idl/unused.tars", "module unused { };");
    assert!(build(package).fresh, "what is not included does not matter");
}

fn includes_that_come_and_go(package: &Outside) {
    let order = FILES[3].1;
    package.write("idl/extra.tars", "module Extra { struct A { 0 require int a; }; };\n");
    package.write("idl/order.tars", &format!("#include \"extra.tars\"\n{order}"));
    let more = build(package);
    assert!(!more.fresh && more.read("mod.rs").contains("include!(\"extra.rs\");"));

    // Warnings are cargo's to show.
    package.write(
        "idl/extra.tars",
        "module Extra { struct A { 0 require int aB; 1 require int a_b; }; };\n",
    );
    let warned = build(package);
    assert!(!warned.fresh && warned.read("extra.rs").contains("pub a_b_: i32,"));
    let warning = warned.stderr.lines().find(|line| line.contains("T0901")).unwrap();
    assert!(warning.starts_with("warning: shop@0.0.0: "), "{warning}");

    package.write("idl/order.tars", order);
    let less = build(package);
    assert!(!less.fresh && !less.read("mod.rs").contains("extra.rs"));
    fs::remove_file(package.path("idl/extra.tars")).unwrap();
    assert!(build(package).fresh, "nobody includes it any more");
}

fn mistakes_are_shown_as_rendered(package: &Outside) {
    let (name, user) = FILES[1];
    package.write(name, &user.replace("1 optional string name", "0 optional strin name"));
    let said = refused(package);
    assert!(said.contains(&tool(package)), "{said}");
    insta::assert_snapshot!("a_build_that_fails", said);
    // It fails again, whether or not something has changed meanwhile.
    assert_eq!(refused(package), said);
    package.write(name, user);
    assert!(!build(package).fresh);

    fs::remove_file(package.path(FILES[4].0)).unwrap();
    let said = refused(package);
    assert!(
        said.contains("error[T0310]") && said.contains(" --> idl/order.tars:2:"),
        "{said}"
    );
    package.write(FILES[4].0, FILES[4].1);
}
