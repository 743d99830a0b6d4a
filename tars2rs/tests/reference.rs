//! The examples of `docs/tars-idl.md` are what the text says: they compile, are laid out as `fmt` does it, or have just the
//! mistakes that stand behind the fence; and the Rust that is shown comes out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use tars2rs::Config;
use tempfile::TempDir;

struct Block {
    /// `tars`, `tars T0203`, `tars file common.tars`, `rust`
    fence: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string("../docs/tars-idl.md").unwrap();
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                fence: fence.to_owned(),
                text: inside.join("\n") + "\n",
            });
        }
    }
    blocks
}

/// The codes of the errors in a file; warnings do not count.
fn errors(dir: &TempDir, name: &str) -> Vec<String> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    let output = command
        .current_dir(dir.path())
        .args(["check", "--message-format", "json", name])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let findings = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = findings.filter(|finding| finding["severity"] == "error");
    errors.map(|error| error["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn examples_compile_or_have_the_mistake_that_they_show() {
    let dir = TempDir::new().unwrap();
    let mut seen = 0;
    for block in blocks() {
        let Some(kind) = block.fence.strip_prefix("tars") else {
            continue;
        };
        let kind = kind.trim();
        let name = kind.strip_prefix("file ").unwrap_or("demo.tars");
        fs::write(dir.path().join(name), &block.text).unwrap();
        let expected: Vec<&str> = kind.split(' ').filter(|word| word.starts_with('T')).collect();
        assert_eq!(errors(&dir, name), expected, "{}", block.text);
        seen += 1;
    }
    assert!(seen > 30, "the examples are where they were");
}

#[test]
fn examples_are_laid_out_as_fmt_does_it() {
    for block in blocks() {
        if block.fence.starts_with("tars") {
            let formatted = tars2rs::format("demo.tars", block.text.as_bytes());
            // What is no syntax has no layout.
            if let Ok(formatted) = formatted {
                assert_eq!(String::from_utf8(formatted).unwrap(), block.text);
            }
        }
    }
}

#[test]
fn the_rust_that_is_shown_comes_out() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.tars");
    let mut seen = 0;
    for pair in blocks().windows(2) {
        if let [idl, rust] = pair
            && idl.fence == "tars"
            && rust.fence == "rust"
        {
            fs::write(&path, &idl.text).unwrap();
            let generated = Config::new().generate(&[&path], &[] as &[&str]).unwrap();
            let text: String = generated.files().map(|(_, text)| text).collect();
            for line in rust.text.lines().map(str::trim) {
                assert!(text.contains(line), "`{line}` in\n{text}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
}
