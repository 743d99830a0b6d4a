//! Inputs that make other compilers hang, crash or give up, and inputs made to be slow, large or deep.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cost;
mod depth;
mod growth;

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

/// The subcommands that read files.
const COMMANDS: [&[&str]; 5] = [
    &["check", "a.tars"],
    &["build", "--out", "out", "a.tars"],
    &["fmt", "a.tars"],
    &["dump", "a.tars"],
    &["breaking", "a.tars", "a.tars"],
];

/// A definition without mistakes.
const GOOD: &str = "module m { struct S { 0 require int a; }; };";

/// How soon there is an answer, in time of a processor: how long others keep it says nothing of the tool.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A directory with one file.
fn one_file(text: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.tars"), text).unwrap();
    dir
}

/// Runs the tool in a directory: its exit code, if it ends at all.
fn ended(dir: &Path, command: &[&str]) -> Option<i32> {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"))
        .current_dir(dir)
        .args(command)
        .timeout(Duration::from_mins(1))
        .output()
        .unwrap();
    output.status.code()
}

/// The least that a few runs take: the first of them also loads the program.
fn least(dir: &Path, command: &[&str], text: &str) -> Duration {
    let costs = (0..3).map(|_| cost::of(command, dir, text).time);
    costs.min().unwrap()
}

/// `check` ends with the code, and every subcommand ends at once.
fn answers(text: &str, code: i32) {
    let dir = one_file(text);
    assert_eq!(ended(dir.path(), COMMANDS[0]), Some(code), "{text}");
    for command in COMMANDS {
        let code = ended(dir.path(), command);
        assert!(matches!(code, Some(0 | 1)), "{command:?}: {code:?}\n{text}");
        let took = least(dir.path(), command, text);
        assert!(took < AT_ONCE, "{command:?} takes {took:?}\n{text}");
    }
}

/// TarsCpp and its family hang on the first ones, crash on others, or end with 0 without a word.
#[test]
fn what_others_hang_on_is_answered_at_once() {
    for (text, code) in [
        (format!("{GOOD}\n// no line end"), 0),
        ("// no line end".to_owned(), 0),
        (format!("{GOOD}\n/* no end"), 1),
        (format!("{GOOD}\n/*"), 1),
        (format!("{GOOD}\nmodule n {{ const string S = \"no end"), 1),
        (format!("{GOOD}\n\""), 1),
        (format!("{GOOD}\n\"\\"), 1),
        (format!("#include <b.tars>\n{GOOD}"), 1),
        (format!("#include b.tars\n{GOOD}"), 1),
        (format!("#include \"a.tars\"\n{GOOD}"), 1),
        (format!("#include \"b.tars\" // \"note\"\n{GOOD}"), 1),
        ("interface I { };".to_owned(), 1),
        ("struct S { 0 require int a; };".to_owned(), 1),
        ("enum E { A };".to_owned(), 1),
        ("const int N = 1;".to_owned(), 1),
        ("key[S, a];".to_owned(), 1),
        (format!("{GOOD}\nkey[S, a];"), 1),
        ("module m { module n { }; };".to_owned(), 1),
        ("module m { interface m { }; };".to_owned(), 1),
        (
            "module m { interface I { }; const int N = 1; }; module m { interface I { }; const int N = 2; };"
                .to_owned(),
            1,
        ),
        ("module m { struct S { 0 require string a:5; }; };".to_owned(), 1),
        (
            "module m { enum E { }; struct S { 0 optional E e = -1; 1 optional E f = 1.5; }; };".to_owned(),
            1,
        ),
        (
            "module m { enum E { A }; struct S { 0 optional E e = x::y::A; }; };".to_owned(),
            1,
        ),
        ("module m { struct S { 0 optional byte b; }; };".to_owned(), 0),
        ("module m { struct S { 0 optional S s; }; };".to_owned(), 1),
        (String::new(), 0),
        ("}".to_owned(), 1),
    ] {
        answers(&text, code);
    }
}

/// So many definitions do not fit on the parser's stack there: what TarsCpp has room for, and a few more.
#[test]
fn more_than_others_have_room_for_is_answered() {
    // What is not optimised takes several times as long.
    let limit = if cfg!(debug_assertions) { 10 * AT_ONCE } else { AT_ONCE };
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let structs = many(3400, &|i| format!("struct S{i} {{ 0 require int a; }};\n"));
    let operations = many(5100, &|i| format!("void f{i}();\n"));
    let enumerators = many(5100, &|i| format!("E{i},\n"));
    let (open, close) = ("vector<".repeat(5000), ">".repeat(5000));
    for (text, code) in [
        (format!("module m {{ {structs} }};"), 0),
        (many(3400, &|i| format!("module m{i} {{ }};\n")), 0),
        (format!("module m {{ interface I {{ {operations} }}; }};"), 0),
        (format!("module m {{ enum E {{ {enumerators} }}; }};"), 0),
        (
            format!("module m {{ struct S {{ 0 require {open}int{close} a; }}; }};"),
            1,
        ),
    ] {
        let dir = one_file(&text);
        assert_eq!(ended(dir.path(), COMMANDS[0]), Some(code), "{}", &text[..200]);
        let took = least(dir.path(), COMMANDS[0], &text);
        assert!(took < limit, "{took:?}: {}", &text[..200]);
    }
}
