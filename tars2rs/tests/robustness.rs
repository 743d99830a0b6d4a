//! Whatever is fed to the compiler, it ends, without a panic, and in time that grows with the size of the input only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use tars2rs::Config;
use tempfile::TempDir;

/// Compiles a text.
fn compile(text: &str) -> Result<String, String> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.tars");
    fs::write(&path, text).unwrap();
    let generated = Config::new()
        .generate(&[path], &[] as &[PathBuf])
        .map_err(|error| error.to_string())?;
    Ok(generated.files().map(|(_, text)| text).collect())
}

/// The errors of a text, a line each.
fn errors(text: &str, dir: &TempDir) -> Vec<String> {
    let path = dir.path().join("a.tars");
    fs::write(&path, text).unwrap();
    let args = ["tars2rs", "check", "--message-format=short"].map(OsString::from);
    let report = tars2rs::tool::run(args.into_iter().chain([path.into_os_string()]));
    let errors = report.stderr().lines().filter(|line| line.contains(": error["));
    errors.map(ToOwned::to_owned).collect()
}

/// A text without each of its tokens, with each twice, and with something that is no token instead: the mistakes of typing.
fn mistyped(text: &str) -> impl Iterator<Item = String> {
    let mut start = 0;
    tokens(text).into_iter().flat_map(move |token| {
        let (before, behind) = (&text[..start], &text[start + token.len()..]);
        start += token.len();
        // A quote takes the rest of the line with it, and half a `::` or of a comment's mark is a token of its own.
        let line = before.rsplit('\n').next().unwrap_or_default();
        let hidden = line.contains("//") || line.contains('"') || before.rfind("/*") > before.rfind("*/");
        let alone = !token.trim().is_empty() && !matches!(token, "\"" | ":" | "/" | "*" | "'" | "\\");
        let edits = [
            format!("{before}{behind}"),
            format!("{before}{token} {token}{behind}"),
            format!("{before}@{behind}"),
        ];
        edits.into_iter().filter(move |_| alone && !hidden)
    })
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
    let dir = TempDir::new().unwrap();
    assert_eq!(errors(EXACT, &dir), [""; 0]);
    for text in mistyped(EXACT) {
        // A text without the token may be a good one too.
        let errors = errors(&text, &dir);
        assert!(errors.len() < 2, "{text}\n{errors:#?}");
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
    let rust = compile(&text).unwrap();
    assert_eq!(rust.matches("::tars::TarsStruct").count(), 1000);
}

#[test]
fn many_mistakes_stay_readable() {
    let mistakes = "0 require Nothing a; ".repeat(5000);
    let text = format!("module big {{ struct A {{ {mistakes} }}; }};");
    let error = compile(&text).unwrap_err();
    assert!(error.contains("... and ") && error.len() < 700_000, "{}", error.len());
}

/// The same with all other samples. Some mistakes look like two to everybody: of thousands very few may, and none like
/// many.
#[test]
fn hardly_any_mistake_is_more_than_one_error() {
    let dir = TempDir::new().unwrap();
    let (mut edits, mut several) = (0, Vec::new());
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
        // Each token is mistyped in one of the three ways, in turn.
        for text in mistyped(&text)
            .enumerate()
            .filter(|(i, _)| i % 3 == i / 3 % 3)
            .map(|(_, text)| text)
        {
            edits += 1;
            let errors = errors(&text, &dir);
            assert!(errors.len() < 4, "{text}\n{errors:#?}");
            if errors.len() > 1 {
                several.push(errors);
            }
        }
    }
    assert!(
        several.len() * 100 < edits,
        "{} of {edits}\n{several:#?}",
        several.len()
    );
}
