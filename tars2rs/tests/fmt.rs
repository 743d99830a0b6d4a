//! `tars2rs fmt`: a file in `tests/fmt` is a test, whose snapshot is its canonical layout.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use assert_cmd::Command;
use tars2rs::format;
use tempfile::TempDir;

fn formatted(bytes: &[u8]) -> Vec<u8> {
    format("a.tars", bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn samples() {
    insta::glob!("fmt/*.tars", |path| {
        let once = formatted(&fs::read(path).unwrap());
        assert_eq!(
            String::from_utf8_lossy(&formatted(&once)),
            String::from_utf8_lossy(&once)
        );
        insta::assert_snapshot!(String::from_utf8_lossy(&once));
    });
}

#[test]
fn encodings_are_kept() {
    let text = b"\xEF\xBB\xBF// \xD6\xD0\xCE\xC4 \xB0\\\r\nmodule   A { /* \xD6\xD0\r\n   \xFF */ };\r\n";
    let wanted: &[u8] = b"// \xD6\xD0\xCE\xC4 \xB0\\\nmodule A\n{\n    /* \xD6\xD0\n   \xFF */\n};\n";
    assert_eq!(formatted(text), wanted);
    let string = b"module A\n{\n    const string S = \"\xD6\xD0\";\n};\n";
    assert_eq!(formatted(string), string);
}

#[test]
fn only_the_syntax_matters() {
    let text = "#include \"nowhere.tars\"\nmodule A{struct A{0 require Unknown a=08;0 require int a=99999999999999999999;};struct A{};};";
    let wanted = "#include \"nowhere.tars\"\n\nmodule A\n{\n    struct A\n    {\n        0 require Unknown a = 08;\n        \
                  0 require int a = 99999999999999999999;\n    };\n\n    struct A\n    {\n    };\n};\n";
    assert_eq!(String::from_utf8(formatted(text.as_bytes())).unwrap(), wanted);
    let error = format("a.tars", b"module A { struct B { 0 require int a } };").unwrap_err();
    insta::assert_snapshot!(error);
    let error = format("a.tars", b"\xFF\xFEm\0").unwrap_err();
    insta::assert_snapshot!(error);
}

/// The tool in a new directory with these files.
fn tars2rs(files: &[(&str, &str)], args: &[&str]) -> (TempDir, Command) {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command.current_dir(dir.path()).arg("fmt").args(args);
    (dir, command)
}

fn output(command: &mut Command, code: i32) -> (String, String) {
    let output = command.assert().code(code).get_output().clone();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

const UGLY: &str = "module A{struct B{0 require int a;};};";
const NICE: &str = "module A\n{\n    struct B\n    {\n        0 require int a;\n    };\n};\n";
const WRONG: &str = "module A { struct B { 0 require int a } };\n";

#[test]
fn files_are_written_only_when_they_change() {
    let (dir, mut command) = tars2rs(&[("ugly.tars", UGLY), ("nice.tars", NICE)], &["ugly.tars", "nice.tars"]);
    let (ugly, nice) = (dir.path().join("ugly.tars"), dir.path().join("nice.tars"));
    let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
    let before = modified(&nice);
    let mut permissions = fs::metadata(&ugly).unwrap().permissions();
    permissions.set_mode(0o640);
    fs::set_permissions(&ugly, permissions).unwrap();
    assert_eq!(output(&mut command, 0), (String::new(), String::new()));
    assert_eq!(
        (fs::read_to_string(&ugly).unwrap(), modified(&nice)),
        (NICE.to_owned(), before)
    );
    assert_eq!(fs::metadata(&ugly).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_file_that_must_not_be_written_ends_with_2() {
    let (dir, mut command) = tars2rs(&[("ugly.tars", UGLY)], &["ugly.tars"]);
    let path = dir.path().join("ugly.tars");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let (stdout, stderr) = output(&mut command, 2);
    assert_eq!(stdout, "");
    insta::assert_snapshot!(stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), UGLY);
}

#[test]
fn a_link_stays_a_link() {
    let (dir, mut command) = tars2rs(&[("ugly.tars", UGLY)], &["link.tars"]);
    std::os::unix::fs::symlink("ugly.tars", dir.path().join("link.tars")).unwrap();
    output(&mut command, 0);
    assert!(dir.path().join("link.tars").is_symlink());
    assert_eq!(fs::read_to_string(dir.path().join("ugly.tars")).unwrap(), NICE);
}

#[test]
fn check_names_what_would_change_and_writes_nothing() {
    let files = [("ugly.tars", UGLY), ("nice.tars", NICE)];
    let (dir, mut command) = tars2rs(&files, &["--check", "ugly.tars", "nice.tars"]);
    let (stdout, stderr) = output(&mut command, 1);
    assert_eq!(stdout, "ugly.tars\n");
    insta::assert_snapshot!(stderr);
    assert_eq!(fs::read_to_string(dir.path().join("ugly.tars")).unwrap(), UGLY);
    let (_dir, mut command) = tars2rs(&files, &["--check", "nice.tars"]);
    assert_eq!(output(&mut command, 0), (String::new(), String::new()));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let (_dir, mut command) = tars2rs(&[], &["-"]);
    assert_eq!(output(command.write_stdin(UGLY), 0), (NICE.to_owned(), String::new()));
    let (_dir, mut command) = tars2rs(&[], &["--check", "-"]);
    assert_eq!(output(command.write_stdin(UGLY), 1).0, "<stdin>\n");
    let (_dir, mut command) = tars2rs(&[], &["-"]);
    let (stdout, stderr) = output(command.write_stdin(WRONG), 1);
    assert_eq!(stdout, "");
    assert!(stderr.contains("--> <stdin>:1:"), "{stderr}");
}

#[test]
fn a_file_with_wrong_syntax_is_left_alone_and_the_others_are_not() {
    let (dir, mut command) = tars2rs(
        &[("wrong.tars", WRONG), ("ugly.tars", UGLY)],
        &["wrong.tars", "ugly.tars"],
    );
    let (stdout, stderr) = output(&mut command, 1);
    assert_eq!(stdout, "");
    insta::assert_snapshot!(stderr);
    let read = |name| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(
        (read("wrong.tars"), read("ugly.tars")),
        (WRONG.to_owned(), NICE.to_owned())
    );
}

#[test]
fn what_is_no_file_ends_with_2() {
    let (_dir, mut command) = tars2rs(&[("nice.tars", NICE)], &["nowhere.tars", ".", "nice.tars"]);
    let (stdout, stderr) = output(&mut command, 2);
    assert_eq!(stdout, "");
    insta::assert_snapshot!(stderr);
}
