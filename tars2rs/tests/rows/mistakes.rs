//! Files with many mistakes: each line that has one says so with `//! CODE`, and these are all that is reported, in order.

use std::fs;
use std::path::Path;

use tars2rs::Config;

/// Line and code of every mistake that a file announces.
fn announced(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    let codes = lines.filter_map(|(line, text)| Some((line + 1, text.split_once("//! ")?.1)));
    codes
        .flat_map(|(line, codes)| codes.split(' ').map(move |code| (line, code.to_owned())))
        .collect()
}

/// Line and code of every error that is reported.
fn reported(path: &Path) -> Vec<(usize, String)> {
    let error = Config::new().generate(&[path], &[] as &[&str]).unwrap_err().to_string();
    let mut found = Vec::new();
    let mut lines = error.lines();
    while let Some(line) = lines.next() {
        let Some(code) = line.strip_prefix("error[").and_then(|rest| rest.split(']').next()) else {
            continue;
        };
        let place = lines.next().unwrap().trim().trim_start_matches("--> ");
        found.push((place.split(':').nth(1).unwrap().parse().unwrap(), code.to_owned()));
    }
    let count = format!("\n{} errors found, nothing is generated", found.len());
    assert!(error.ends_with(&count), "{error}");
    found
}

#[test]
fn all_mistakes_are_reported_in_order_and_nothing_else() {
    let mut files = 0;
    for entry in fs::read_dir("tests/rows/mistakes").unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let expected = announced(&text);
        assert!(expected.len() >= 12, "{}", path.display());
        assert_eq!(reported(&path), expected, "{}", path.display());
        files += 1;
    }
    assert!(files >= 6);
}
