//! The rules of the language, one row each: a rule in words, the smallest file that shows it, and what the compiler says
//! to it, a code or nothing. "Accepted" rows compile; what they mean is shown by the snapshots of `tests/ui/ok`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decided;
mod files;
mod grammar;
mod lexical;
mod mistakes;
mod semantics;

use std::fs;

use tars2rs::Config;
use tempfile::TempDir;

/// A rule, a file, and the codes of all findings in their order; none for a file that is accepted without a word.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// What the compiler says to files in a directory, of which `a.tars` is named: the codes in order.
fn codes(files: &[(&str, &[u8])], config: &Config) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let text = match config.generate(&[dir.path().join("a.tars")], &[dir.path().join("inc")]) {
        Ok(generated) => generated.warnings().to_owned(),
        Err(error) => error.to_string(),
    };
    let found = text
        .lines()
        .filter(|line| line.starts_with("error[") || line.starts_with("warning["));
    found
        .map(|line| line[line.find('[').unwrap() + 1..line.find(']').unwrap()].to_owned())
        .collect()
}

/// Checks rows whose files are whole.
fn whole(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (rule, file, expected) in rows {
        let found = codes(&[("a.tars", file.as_bytes())], &Config::new());
        if found != *expected {
            wrong.push(format!("{rule}: expected {expected:?}, found {found:?} for\n{file}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Checks rows whose files are the inside of a module, with `struct S`, `enum E` and `enum F` declared before.
fn inside(rows: &[Row]) {
    let frame = |module: &str, body: &str| {
        let known = "struct S { 0 require int a; 1 optional string b; };\nenum E { X, Y = 5, Z };\nenum F { P };\n";
        format!("module {module}\n{{\n{known}{body}\n}};\n")
    };
    let mut wrong = Vec::new();
    for (rule, body, expected) in rows {
        let file = frame("m", body);
        let found = codes(&[("a.tars", file.as_bytes())], &Config::new());
        if found != *expected {
            wrong.push(format!("{rule}: expected {expected:?}, found {found:?} for\n{body}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // All of them in one file: none hides another one, and none leads to more.
    let name = |index: usize| {
        if index == 0 {
            "m".to_owned()
        } else {
            format!("m{index}")
        }
    };
    let named = |(index, row): (usize, &Row)| frame(&name(index), &row.1.replace("m::", &format!("{}::", name(index))));
    let file: String = rows.iter().enumerate().map(named).collect();
    let expected: Vec<&str> = rows.iter().flat_map(|row| row.2).copied().collect();
    // Warnings about names only come when there are no errors.
    let errors =
        |codes: &mut dyn Iterator<Item = &str>| codes.filter(|code| *code < "T09").map(str::to_owned).collect();
    let expected: Vec<String> = errors(&mut expected.into_iter());
    let found = codes(&[("a.tars", file.as_bytes())], &Config::new());
    let found: Vec<String> = errors(&mut found.iter().map(String::as_str));
    assert_eq!(found, expected, "all in one file");
}
