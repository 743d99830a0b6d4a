//! How findings are shown, and how seriously they are taken, by the command line tool.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const BAD: &str = "module demo\n{\n    struct A { 0 require int a; 0 require int b; };\n};\n";
/// One warning about Rust and one about other languages.
const WARNED: &str = "module demo { struct A { 0 require int fooBar; 1 require int foo_bar; 2 optional byte c; }; };\n";

/// The tool in a new directory with these files: stderr and exit code. Nothing is expected on stdout.
fn run(files: &[(&str, &[u8])], args: &[&str], env: &[(&str, &str)]) -> (String, i32) {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"] {
        command.env_remove(name);
    }
    let output = command
        .current_dir(dir.path())
        .args(args)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

fn check(text: &str, args: &[&str]) -> (String, i32) {
    run(
        &[("a.tars", text.as_bytes())],
        &[&["check", "a.tars"], args].concat(),
        &[],
    )
}

/// Severity and code of each finding in short messages.
fn found(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split(": ").nth(1)).collect()
}

#[test]
fn short_messages_are_a_line_each() {
    let (text, code) = check(BAD, &["--message-format", "short"]);
    assert_eq!(text, "a.tars:3:33: error[T0203]: tag 0 is used twice in struct `A`\n");
    assert_eq!(code, 1);
    let (text, code) = check("", &["--message-format", "short", "nowhere.tars"]);
    assert_eq!((text.as_str(), code), ("error[T0312]: cannot read `nowhere.tars`\n", 2));
}

#[test]
fn json_has_everything() {
    let (text, code) = check(BAD, &["--message-format", "json"]);
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 1);
    insta::assert_json_snapshot!(line);
}

#[test]
fn json_is_an_object_a_line_also_without_a_place() {
    let bad = format!("{BAD}{BAD}");
    let (text, code) = check(&bad, &["--message-format", "json", "nowhere.tars"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&str> = lines.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!((codes, code), (vec!["T0312", "T0203", "T0302", "T0203"], 2));
    assert!(lines[0]["file"].is_null() && lines[0]["span"].is_null());
}

#[test]
fn json_counts_bytes_as_they_are_stored_and_columns_in_characters() {
    // A byte order mark, a comment in GBK, and one in UTF-8 on the line itself.
    let mut file = b"\xEF\xBB\xBF// \xD6\xD0\xCE\xC4\nmodule demo { /* ".to_vec();
    file.extend("äöü */ struct A { 0 require Nothing a; }; };".as_bytes());
    let (text, _) = run(&[("a.tars", &file)], &["check", "a.tars", "--message-format=json"], &[]);
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let start = &line["span"]["start"];
    let byte = usize::try_from(start["byte"].as_u64().unwrap()).unwrap();
    assert_eq!(&file[byte..byte + 7], b"Nothing");
    assert_eq!((start["line"].as_u64(), start["column"].as_u64()), (Some(2), Some(46)));
}

#[test]
fn the_way_to_an_included_file_is_told() {
    let files: [(&str, &[u8]); 3] = [
        ("a.tars", b"\n#include \"b.tars\"\n"),
        ("b.tars", b"#include \"c.tars\"\n"),
        ("c.tars", b"module c { struct C { }; };"),
    ];
    let (text, code) = run(&files, &["check", "a.tars"], &[]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
    let (text, _) = run(&files, &["check", "a.tars", "--message-format", "json"], &[]);
    let line: Value = serde_json::from_str(&text).unwrap();
    let chain = line["included_from"].as_array().unwrap();
    let chain: Vec<_> = chain
        .iter()
        .map(|from| (from["file"].as_str(), from["span"]["start"]["line"].as_u64()))
        .collect();
    assert_eq!(chain, [(Some("b.tars"), Some(1)), (Some("a.tars"), Some(2))]);
    // A file that is named needs no way.
    let (text, _) = run(&files, &["check", "a.tars", "c.tars"], &[]);
    assert!(!text.contains("included at"), "{text}");
}

#[test]
fn suggestions_mend() {
    mend(&[
        (
            "module demo { struct A { 0 require int a; 0 require int b; }; };",
            "1 require int b",
        ),
        ("module demo { struct A { 0 require strng a; }; };", "require string a"),
        ("modul demo { struct A { 0 require int a; }; };", "module demo"),
        ("module demo { struct A { 0 require Vector<int> a; }; };", "vector<int>"),
        ("module demo { enum E { A,, B }; };", "{ A, B }"),
        ("module demo { enum E { A; B }; };", "{ A, B }"),
        ("module demo { struct A { 0 optional int a = 0X1F; }; };", "= 0x1F"),
        ("module demo { struct A { 0 optional int a = -019; }; };", "= -19"),
        ("module demo { struct A { 0 require int a; } };", "a; };"),
        (
            "module demo { enum E { RED }; struct A { 0 optional E e = RDE; }; };",
            "e = RED",
        ),
        ("module demo { struct A { 0 require demmo::A a; }; };", ""),
        (
            "module demo { struct A { 0 require int id; }; key[A, idd]; };",
            "key[A, id]",
        ),
        ("module demo { interface I { void f(in int a); }; };", "f( int a)"),
    ]);
}

#[test]
fn suggestions_mend_what_other_languages_and_editors_put_in() {
    mend(&[
        ("namespace demo { struct A { 0 require int a; }; };", "module demo"),
        ("package demo { struct A { 0 require int a; }; };", "module demo"),
        ("module demo { struct A { 0 require int a;; }; };", "a; };"),
        ("module demo { struct A { 0 require int a; };; };", "a; }; };"),
        ("module demo { struct A { 0 require int a; }; };;;", "a; }; };"),
        ("module demo { struct A { 0: require int a; }; };", "0 require int a"),
        (
            "module demo { struct A { 0 require int my-own-name; }; };",
            "int my_own_name;",
        ),
        ("module demo { struct A { 0 require int a.b; }; };", "int a_b;"),
        (
            "module a { struct X { 0 require int a; }; }; module demo { struct A { 0 require a.X a; }; };",
            "a::X a",
        ),
        (
            "module a { struct X { 0 require int a; }; }; module demo { struct A { 0 require x.a.X a; }; };",
            "a::X a",
        ),
        (
            "module demo { enum E { ONE }; struct A { 0 optional E e = demo.E.ONE; }; };",
            "= demo::E::ONE",
        ),
        (
            "module demo { struct A { 0 optional string a = \u{201c}b\u{201d}; }; };",
            "= \"b\";",
        ),
        (
            "module demo { struct A { 0 optional string a = \"b\u{201d};\n }; };",
            "= \"b\";",
        ),
        (
            "module demo { struct A { 0 optional string a = \u{2018}b\u{2019}; }; };",
            "= \"b\";",
        ),
        ("module demo { struct A { 0 optional string a = 'b'; }; };", "= \"b\";"),
        ("module demo { const byte C = 'c'; };", "= 99;"),
        ("module demo { const int C := 5; };", "C = 5;"),
        ("module demo { const bool C = FALSE; };", "C = false;"),
        ("module demo { const bool C = True; };", "C = true;"),
        ("module demo { const bool C = 1; };", "C = true;"),
        ("module demo { interface I { viod f(); }; };", "{ void f()"),
        ("module demo { interface I { Void f(); }; };", "{ void f()"),
        (
            "module demo { interface I { void f(Out vector<int> a); }; };",
            "f(out vector<int> a)",
        ),
        ("module demo { interface I { int[] f(); }; };", "{ vector<int> f()"),
        ("module demo { struct A { 0 require int\u{a0}a; }; };", "int a;"),
        ("module demo { struct A { 0 require int \u{200b}a; }; };", "int a;"),
        ("module demo { struct A { 0 require int a\u{ff1b} }; };", "int a; }"),
    ]);
}

/// Applies the first suggestion to each text: what must stand in it then, and that nothing is wrong any more unless this
/// is empty.
fn mend(rows: &[(&str, &str)]) {
    for (bad, good) in rows {
        let mended = mended(bad).unwrap();
        assert!(mended.contains(good), "{mended}");
        if !good.is_empty() {
            assert_eq!(
                check(&mended, &["--allow", "portability"]),
                (String::new(), 0),
                "{mended}"
            );
        }
    }
}

/// What a text becomes by the first suggestion made for it.
fn mended(bad: &str) -> Option<String> {
    let (text, _) = check(bad, &["--message-format", "json"]);
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let change = line.get("suggestion").filter(|change| !change.is_null())?;
    let at = |end: &str| usize::try_from(change["span"][end]["byte"].as_u64().unwrap()).unwrap();
    let replacement = change["replacement"].as_str().unwrap();
    Some(format!("{}{replacement}{}", &bad[..at("start")], &bad[at("end")..]))
}

#[test]
fn types_of_other_languages_are_mended_where_there_is_one_answer() {
    let with = |ty: &str| format!("module demo {{ struct A {{ 0 require {ty} a; }}; }};");
    for (theirs, ours) in [
        ("int32_t", "int"),
        ("int64_t", "long"),
        ("uint32_t", "unsigned int"),
        ("uint16", "unsigned short"),
        ("unsigned", "unsigned int"),
        ("unsigned char", "unsigned byte"),
        ("unsigned short int", "unsigned short"),
        ("long long", "long"),
        ("long long int", "long"),
        ("long double", "double"),
        ("bytes", "vector<byte>"),
        ("int[]", "vector<int>"),
        ("int[][]", "vector<vector<int>>"),
        ("std::string", "string"),
        ("std::vector<int>", "vector<int>"),
        ("std::int64_t", "long"),
        ("std::list<int>", "vector<int>"),
        ("unordered_map<int, string>", "map<int, string>"),
        ("vector<signed char>", "vector<byte>"),
    ] {
        let mended = mended(&with(theirs)).unwrap();
        assert_eq!(mended, with(ours));
        let (text, code) = check(&mended, &["--allow", "portability"]);
        assert_eq!((text.as_str(), code), ("", 0), "{mended}");
    }
    let array = mended(&with("int[5]")).unwrap();
    assert_eq!(array, "module demo { struct A { 0 require int a[5]; }; };");
    // The writer has to choose.
    for theirs in ["uint64_t", "unsigned long long", "size_t", "set<int>", "list", "Map"] {
        assert_eq!(mended(&with(theirs)), None, "{theirs}");
        assert!(check(&with(theirs), &[]).0.contains("= help: "), "{theirs}");
    }
}

#[test]
fn includes_as_other_languages_write_them_are_followed_and_mended() {
    let included: (&str, &[u8]) = ("b.tars", b"module b { struct B { 0 require int a; }; };");
    let rest = "\nmodule demo { struct A { 0 require b::B b; }; };\n";
    for line in [
        "#include \"b.tars\";",
        "include \"b.tars\"",
        "include \"b.tars\";",
        "import \"b.tars\";",
        "#include <b.tars>",
        "# include \"b.tars\"",
    ] {
        let bad = format!("{line}{rest}");
        let args = ["check", "a.tars", "--message-format", "json"];
        let (text, _) = run(&[("a.tars", bad.as_bytes()), included], &args, &[]);
        let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(found[0]["code"], "T0110", "{line}");
        let change = &found[0]["suggestion"];
        let at = |end: &str| usize::try_from(change["span"][end]["byte"].as_u64().unwrap()).unwrap();
        let replacement = change["replacement"].as_str().unwrap();
        let good = format!("{}{replacement}{}", &bad[..at("start")], &bad[at("end")..]);
        assert_eq!(good, format!("#include \"b.tars\"{rest}"));
        if !line.starts_with('#') || line.ends_with(';') {
            assert_eq!(found.len(), 1, "{text}");
        }
    }
}

#[test]
fn colours_come_when_they_are_wanted() {
    let with = |args: &[&str], env: &[(&str, &str)]| {
        let args = [&["check", "a.tars"], args].concat();
        run(&[("a.tars", BAD.as_bytes())], &args, env).0.contains("\u{1b}[")
    };
    // No test has a terminal.
    assert!(!with(&[], &[]));
    assert!(with(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!with(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(with(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!with(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!with(&["--message-format", "short"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!with(&["--message-format", "json"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn colours_change_nothing_else() {
    let strip = |text: &str| {
        let mut parts = text.split('\u{1b}');
        let first = parts.next().unwrap().to_owned();
        let text = parts.fold(first, |text, part| text + part.split_once('m').unwrap().1);
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    let long = format!(
        "module demo {{ struct A {{ {}0 require Nothing b; }}; }};",
        "0 optional int a; ".repeat(100)
    );
    for text in [BAD, WARNED, &long] {
        let plain = check(text, &["--color", "never"]).0;
        let coloured = check(text, &["--color", "always"]).0;
        assert_eq!(strip(&coloured), strip(&plain));
    }
}

#[test]
fn levels_are_obeyed() {
    let short = |args: &[&str]| {
        let (text, code) = check(WARNED, &[&["--message-format", "short"], args].concat());
        (found(&text).join(" "), code)
    };
    let warned = |text: &str, code| (text.to_owned(), code);
    assert_eq!(short(&[]), warned("warning[T0901] warning[T1014]", 0));
    assert_eq!(short(&["--deny", "T1014"]), warned("warning[T0901] error[T1014]", 1));
    assert_eq!(short(&["--deny", "all"]), warned("error[T0901] error[T1014]", 1));
    assert_eq!(short(&["--deny", "warnings"]), warned("error[T0901] error[T1014]", 1));
    assert_eq!(
        short(&["--deny", "portability"]),
        warned("warning[T0901] error[T1014]", 1)
    );
    assert_eq!(short(&["--allow", "portability"]), warned("warning[T0901]", 0));
    assert_eq!(short(&["--allow", "t0901", "--deny", "all"]), warned("error[T1014]", 1));
    assert_eq!(short(&["--deny", "all", "--allow", "t0901"]), warned("error[T1014]", 1));
    assert_eq!(short(&["--allow", "all"]), warned("", 0));
}

#[test]
fn builds_are_about_rust_unless_asked() {
    let build = |args: &[&str]| {
        let args = [&["build", "a.tars", "--out", "out", "--message-format", "short"], args].concat();
        let (text, code) = run(&[("a.tars", WARNED.as_bytes())], &args, &[]);
        (found(&text).join(" "), code)
    };
    assert_eq!(build(&[]), ("warning[T0901]".to_owned(), 0));
    assert_eq!(build(&["--deny", "warnings"]), ("error[T0901]".to_owned(), 1));
    assert_eq!(
        build(&["--warn", "portability"]),
        ("warning[T0901] warning[T1014]".to_owned(), 0)
    );
    assert_eq!(
        build(&["--deny", "T1014"]),
        ("warning[T0901] error[T1014]".to_owned(), 1)
    );
    assert_eq!(build(&["--deny", "all"]), ("error[T0901] error[T1014]".to_owned(), 1));
}

#[test]
fn what_is_denied_is_not_generated() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.tars"), WARNED).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command
        .current_dir(dir.path())
        .args(["build", "a.tars", "-o", "out", "--deny", "T0901"]);
    command.assert().code(1);
    assert!(!dir.path().join("out").exists());
}

#[test]
fn levels_that_cannot_be_set_end_with_2() {
    for (args, expected) in [
        (["--deny", "T9999"], "there is no code `T9999`"),
        (
            ["--allow", "everything"],
            "there is no code `everything`; a code such as",
        ),
        (["--allow", "T0203"], "error: T0203 is an error and stays one"),
        (["--warn", "T0203"], "error: T0203 is an error and stays one"),
        (["--message-format", "xml"], "invalid value 'xml'"),
    ] {
        let (text, code) = check(BAD, &args);
        assert!(code == 2 && text.contains(expected), "{text}");
    }
    // Errors are denied anyway.
    assert_eq!(check(BAD, &["--deny", "T0203"]).1, 1);
}
