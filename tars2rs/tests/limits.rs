//! Inputs that make other compilers hang, crash or give up, and inputs made to be slow.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use tempfile::TempDir;

/// Far more than any input here takes even in a debug build on a busy machine, and far less than the square of its size.
const LONGEST: Duration = Duration::from_mins(1);

/// The tool on files of which `a.tars` is named.
fn tool(files: &[(String, String)]) -> (TempDir, Command) {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command
        .current_dir(dir.path())
        .args(["check", "a.tars"])
        .timeout(LONGEST);
    (dir, command)
}

/// What the tool says, and its exit code; it is neither killed nor panics.
fn check(text: &str) -> (String, i32) {
    let (_dir, mut command) = tool(&[("a.tars".into(), text.into())]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let code = output
        .status
        .code()
        .unwrap_or_else(|| panic!("killed after {LONGEST:?}"));
    assert!(
        code < 2 && !said.contains("panicked"),
        "{}",
        &said[..said.len().min(2000)]
    );
    (said, code)
}

const GOOD: &str = "module m { struct S { 0 require int a; }; };";

/// TarsCpp and its family hang on the first ones, crash on others, or end with 0 without a word.
#[test]
fn what_others_hang_on_is_answered_at_once() {
    for (text, code) in [
        (format!("{GOOD}\n// no line end"), 0),
        (format!("{GOOD}\n/* no end"), 1),
        (format!("{GOOD}\n/*"), 1),
        (format!("{GOOD}\nmodule n {{ const string S = \"no end"), 1),
        (format!("{GOOD}\n\""), 1),
        (format!("{GOOD}\n\"\\"), 1),
        (format!("#include <b.tars>\n{GOOD}"), 1),
        (format!("#include b.tars\n{GOOD}"), 1),
        ("interface I { };".to_owned(), 1),
        ("key[S, a];".to_owned(), 1),
        (format!("{GOOD}\nkey[S, a];"), 1),
        ("module m { module n { }; };".to_owned(), 1),
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
        let (_dir, mut command) = tool(&[("a.tars".into(), text.clone())]);
        // The machine may be busy: the fastest of a few counts.
        let quick = (0..20).any(|_| {
            let start = Instant::now();
            assert_eq!(command.output().unwrap().status.code(), Some(code), "{text}");
            start.elapsed() < Duration::from_millis(100)
        });
        assert!(quick, "{text}");
    }
}

#[test]
fn more_than_others_have_room_for_is_answered() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    for (text, expected) in [
        (
            format!(
                "module m {{ {} }};",
                many(3400, &|i| format!("struct S{i} {{ 0 require int a; }};\n"))
            ),
            0,
        ),
        (many(3400, &|i| format!("module m{i} {{ }};\n")), 0),
        (
            format!(
                "module m {{ interface I {{ {} }}; }};",
                many(5100, &|i| format!("void f{i}();\n"))
            ),
            0,
        ),
        (
            format!("module m {{ enum E {{ {} }}; }};", many(5100, &|i| format!("E{i},\n"))),
            0,
        ),
        (
            format!(
                "module m {{ struct S {{ 0 require {}int{} a; }}; }};",
                "vector<".repeat(5000),
                ">".repeat(5000)
            ),
            1,
        ),
    ] {
        assert_eq!(check(&text).1, expected);
    }
}

#[test]
fn nothing_costs_the_square_of_its_size() {
    // Each is full of whatever could be counted, searched or shown again and again.
    let size = 40_000;
    for piece in [
        "{",
        "}",
        ";",
        ",",
        "<",
        ">",
        "(",
        ")",
        "[",
        "]",
        ":",
        "::",
        "*",
        "=",
        "@ ",
        "#\n",
        "\"\n",
        "'",
        "*/",
        "/*",
        "//\n",
        "\\",
        "0 ",
        "00",
        "a",
        "a ",
        "a\n",
        "中",
        "中 ",
        "-",
        ".",
        "1.e",
        "\u{0}",
        "\u{FEFF}",
        "module ",
        "module a {\n",
        "module a { };\n",
        "struct ",
        "struct A {\n",
        "struct A { 0 require int a; };\n",
        "enum E { A };\n",
        "enum E {\n",
        "interface I {\n",
        "key[",
        "key[A, a];\n",
        "const int A = 1;\n",
        "#include \"b.tars\"\n",
        "0 require int a;\n",
        "0 require B b; ",
        "void f();\n",
        "vector<",
        "map<int,",
        "A::",
        "unsigned ",
        "require ",
        "\"a\" ",
        "\\\"",
    ] {
        let text = piece.repeat(size / piece.len());
        for frame in ["{}", "module m { struct S {\n{}\n}; };"] {
            check(&frame.replace("{}", &text));
        }
    }
}

#[test]
fn large_files_of_one_kind_stay_fast() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let inside = |text: String| format!("module m {{\n{text}\n}};");
    let fields = |text: String| inside(format!("struct S {{\n{text}\n}};"));
    let spellings = |i: usize| {
        // The same name in Rust, spelt in 4096 ways.
        let letters = (0..12).map(|bit| if i >> bit & 1 == 1 { "_a" } else { "A" });
        format!("B{}", letters.collect::<String>())
    };
    for text in [
        // Unknown names among many known ones.
        inside(many(2000, &|i| {
            format!("struct Known{i} {{ 0 require Unknown{i} a; }};\n")
        })),
        fields(many(8000, &|i| format!("{i} require int field{i};\n"))),
        fields(many(200, &|i| format!("{i} require int a{i};\n")))
            + &inside(many(4000, &|i| format!("key[S, b{i}];\n"))),
        // Enumerators by name and number.
        inside(many(2000, &|i| format!("enum E{i} {{ X = 1, Y{i} = X }};\n"))),
        inside(many(2000, &|i| format!("enum E{i} {{ X{i} = 1, Y = X0 }};\n"))),
        inside(format!(
            "enum E {{ {} }};\n{}",
            many(2000, &|i| format!("X{i}, ")),
            many(2000, &|i| format!(
                "struct S{i} {{ 0 optional E a = X{i}; 1 optional E b = {i}; 2 optional E c = Z{i}; }};\n"
            ))
        )),
        // Names that become one, and one that is declared again and again.
        inside(many(4096, &|i| {
            format!("struct {} {{ 0 require int a; }};\n", spellings(i))
        })),
        inside(many(4000, &|_| "struct Same { 0 require int a; };\n".to_owned())),
        inside(format!(
            "interface I {{ {} }};",
            many(4000, &|_| "void same(int same);\n".to_owned())
        )),
        // Circles: every struct leads back to the first.
        inside(many(2000, &|i| {
            format!("struct S{i} {{ 0 require S{} a; 1 require S0 b; }};\n", (i + 1) % 2000)
        })),
        inside(many(2000, &|i| {
            format!(
                "struct S{i} {{ 0 optional vector<S{}> a; 1 optional vector<S0> b; }};\n",
                (i + 1) % 2000
            )
        })),
        // One line with everything on it.
        fields(many(2000, &|i| format!("{i} require Unknown a; "))),
        // A long comment that many things follow.
        format!("/* {} */ {}", "x ".repeat(60_000), "*/ ".repeat(30_000)),
        format!("/* /* {} */ {}", "x ".repeat(60_000), "*/ a ".repeat(30_000)),
        format!("{}{}", "// comment\n".repeat(30_000), GOOD),
        fields(many(255, &|i| {
            format!("{i} require int a{i};{} // behind\n", "\n// lines".repeat(100))
        })),
    ] {
        check(&text);
    }
}

#[test]
fn deep_and_wide_includes_stay_fast() {
    let mut chain = vec![("a.tars".to_owned(), "#include \"0.tars\"\n".to_owned())];
    for i in 0..500 {
        let text = format!(
            "#include \"{}.tars\"\nmodule m {{ struct S{i} {{ 0 require Nothing a; }}; }};\n",
            i + 1
        );
        chain.push((format!("{i}.tars"), text));
    }
    chain.push(("500.tars".to_owned(), String::new()));
    let (_dir, mut command) = tool(&chain);
    let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(
        text.ends_with("500 errors found, nothing is generated\n"),
        "{}",
        &text[text.len() - 200..]
    );

    let mut wide = String::new();
    let mut files = Vec::new();
    for i in 0..500 {
        write!(wide, "#include \"{i}.tars\"\n#include \"0.tars\"\nmodule m{i} {{ }};\n").unwrap();
        files.push((
            format!("{i}.tars"),
            "#include \"a.tars\"\n#include \"a.tars\"\n".to_owned(),
        ));
    }
    files.push(("a.tars".to_owned(), wide));
    let (_dir, mut command) = tool(&files);
    command.arg("--allow=T1013").assert().code(0).stderr("").stdout("");
}
