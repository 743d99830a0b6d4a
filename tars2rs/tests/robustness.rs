//! Whatever is fed to the compiler, it ends, without a panic, and in time that grows with the size of the input only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use tars2rs::Config;
use tempfile::TempDir;

/// Compiles bytes; the result does not matter here.
fn compile(bytes: &[u8]) -> Result<String, String> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.tars");
    fs::write(&path, bytes).unwrap();
    let generated = Config::new()
        .generate(&[path], &[] as &[PathBuf])
        .map_err(|error| error.to_string())?;
    Ok(generated.files().map(|(_, text)| text).collect())
}

/// Cuts a text into words, blanks and marks.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| c.is_alphanumeric() == first.is_alphanumeric() && c.is_alphanumeric();
        let end = rest.find(|c: char| !same(c)).filter(|end| *end > 0).unwrap_or_else(|| {
            if first.is_alphanumeric() {
                rest.len()
            } else {
                first.len_utf8()
            }
        });
        out.push(&rest[..end]);
        rest = &rest[end..];
    }
    out
}

/// A file in which every token matters.
const EXACT: &str = r#"
module base
{
    enum Kind { A = 1, B, C };
    struct Id { 0 require string id; 1 optional Kind kind = B; };
    key[Id, id, kind];
};
module demo
{
    const int N = 5;
    struct Req
    {
        0 require int a;
        1 optional vector<string> names;
        2 optional map<base::Id, vector<int>> table;
        3 optional string s = "x";
        4 optional base::Kind kind = base::C;
    };
    interface Service
    {
        void ping();
        int call(Req req, out Req rsp, out vector<base::Id> ids);
        vector<Req> list(string name, int n);
    };
};
"#;

#[test]
fn one_mistake_is_one_error() {
    assert!(compile(EXACT.as_bytes()).is_ok());
    let mut start = 0;
    for token in tokens(EXACT) {
        let end = start + token.len();
        let (before, behind) = (&EXACT[..start], &EXACT[end..]);
        start = end;
        // A quote takes the rest of the line with it, and half a `::` is a token of its own.
        if token.trim().is_empty() || matches!(token, "\"" | ":") {
            continue;
        }
        for broken in [
            format!("{before}{behind}"),
            format!("{before}{token} {token}{behind}"),
            format!("{before}@{behind}"),
        ] {
            // A text without the token may be a good one too.
            if let Err(error) = compile(broken.as_bytes()) {
                assert!(
                    error.ends_with("\n1 error found, nothing is generated"),
                    "{broken}\n{error}"
                );
            }
        }
    }
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [
        ("vector<", ">"),
        ("map<int,", ">"),
        ("{", "}"),
        ("(", ")"),
        ("[", "]"),
        ("module a {", "};"),
        ("/*", "*/"),
    ] {
        let text = format!(
            "module a {{ struct A {{ 0 require {}int{} a; }}; }};",
            open.repeat(20_000),
            close.repeat(20_000)
        );
        let _ = compile(text.as_bytes());
        let _ = compile(&text.as_bytes()[..text.len() / 2]);
        let _ = compile(open.repeat(20_000).as_bytes());
    }
}

#[test]
fn a_large_file_compiles() {
    let mut text = String::from("module big {\n");
    for i in 0..1000 {
        write!(text, "// Struct {i}.\nstruct S{i} {{").unwrap();
        for tag in 0..10 {
            write!(text, " {tag} optional vector<S{}> f{tag};", (i * 7 + tag) % 1000).unwrap();
        }
        text.push_str(" };\n");
    }
    text.push_str("};\n");
    let rust = compile(text.as_bytes()).unwrap();
    assert_eq!(rust.matches("::tars::TarsStruct").count(), 1000);
}

#[test]
fn many_mistakes_stay_readable() {
    let mistakes = "0 require Nothing a; ".repeat(5000);
    let text = format!("module big {{ struct A {{ {mistakes} }}; }};");
    let error = compile(text.as_bytes()).unwrap_err();
    assert!(error.contains("... and ") && error.len() < 700_000, "{}", error.len());
}

#[test]
fn chains_of_structs_need_no_stack() {
    let mut text = String::from("module chain {\n");
    for i in 0..5_000 {
        writeln!(text, "struct S{i} {{ 0 require S{} next; }};", i + 1).unwrap();
    }
    text.push_str("struct S5000 { 0 require int end; };\n};\n");
    assert!(compile(text.as_bytes()).is_ok());
    let text = text.replace("require int end", "require S0 end");
    assert!(compile(text.as_bytes()).unwrap_err().contains("error[T0207]"));
}

/// The same with all other samples. Some mistakes look like two to everybody: of thousands very few may, and none like
/// many.
#[test]
fn hardly_any_mistake_is_more_than_one_error() {
    let mut several = Vec::new();
    let mut edits = 0;
    for sample in [
        "interfaces",
        "enums",
        "keys",
        "literals",
        "all_types",
        "opinions",
        "names",
    ] {
        let text = fs::read_to_string(format!("tests/ui/ok/{sample}.tars")).unwrap();
        let mut start = 0;
        for token in tokens(&text) {
            let (before, behind) = (&text[..start], &text[start + token.len()..]);
            start += token.len();
            let line = before.rsplit('\n').next().unwrap();
            let hidden = line.contains("//") || line.contains('"') || before.rfind("/*") > before.rfind("*/");
            if token.trim().is_empty() || matches!(token, "\"" | ":" | "/" | "*" | "'" | "\\") || hidden {
                continue;
            }
            for broken in [
                format!("{before}{behind}"),
                format!("{before}{token} {token}{behind}"),
                format!("{before}@{behind}"),
            ] {
                edits += 1;
                if let Err(error) = compile(broken.as_bytes())
                    && !error.ends_with("\n1 error found, nothing is generated")
                {
                    let errors = error.lines().filter(|line| line.starts_with("error[")).count();
                    assert!(errors <= 3, "{broken}\n{error}");
                    several.push(error);
                }
            }
        }
    }
    assert!(
        several.len() * 100 < edits,
        "{} of {edits}\n{}",
        several.len(),
        several.join("\n")
    );
}
