//! The pages of `docs/diagnostics` do not lie: each example is compiled, and what the page shows must be what comes out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tars2rs::Config;
use tempfile::TempDir;

const PAGES: &str = "../docs/diagnostics";

/// A block between fences.
#[derive(Debug)]
struct Block {
    language: String,
    /// The text line before: the file's name, or that it is stored as GBK.
    remark: String,
    text: String,
}

/// A page taken apart.
struct Page {
    code: String,
    text: String,
    /// Before "What to do".
    bad: Vec<Block>,
    fixed: Vec<Block>,
}

fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = fs::read_dir(PAGES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| !path.ends_with("README.md"))
        .map(|path| page(path))
        .collect()
}

fn page(path: &Path) -> Page {
    let text = fs::read_to_string(path).unwrap();
    let code = path.file_stem().unwrap().to_string_lossy().into_owned();
    let (bad, fixed) = text.split_once("\n## What to do\n").unwrap();
    let (bad, fixed) = (blocks(bad), blocks(fixed));
    Page { code, text, bad, fixed }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut remark = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language: language.to_owned(),
                remark: std::mem::take(&mut remark),
                text: inside.join("\n") + "\n",
            });
        } else if !line.is_empty() {
            line.clone_into(&mut remark);
        }
    }
    blocks
}

impl Block {
    /// Under which name the block is a file, if it is one.
    fn file(&self) -> Option<&str> {
        let named = self
            .remark
            .strip_suffix("`:")
            .and_then(|remark| remark.strip_prefix('`'));
        named.or((self.language == "tars").then_some("demo.tars"))
    }

    fn bytes(&self) -> Vec<u8> {
        if !self.remark.ends_with("GBK:") {
            return self.text.clone().into_bytes();
        }
        let parts: Vec<&[u8]> = self.text.split("中文").map(str::as_bytes).collect();
        parts.join(&b"\xd6\xd0\xce\xc4"[..])
    }
}

/// A directory with the files of these blocks.
fn directory(blocks: &[Block]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for block in blocks {
        if let Some(name) = block.file() {
            fs::write(dir.path().join(name), block.bytes()).unwrap();
        }
    }
    dir
}

/// What the tool says, and its exit code. On stdout is only what `breaking` finds, which is what it is asked for.
fn tool(dir: &TempDir, arguments: &str) -> (String, i32) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    let output = command
        .current_dir(dir.path())
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(output.stdout.is_empty() || arguments.starts_with("breaking "));
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

/// Examples that are too long to be read: the page has an abridged one.
fn abridged(code: &str) -> Option<String> {
    let inside = match code {
        "T0604" => {
            let params: Vec<String> = (1..=256).map(|number| format!("int p{number}")).collect();
            format!(
                "interface Store\n    {{\n        void put({});\n    }};",
                params.join(", ")
            )
        }
        _ => return None,
    };
    Some(format!("module demo\n{{\n    {inside}\n}};\n"))
}

#[test]
fn examples_say_what_the_page_shows() {
    for page in pages() {
        let Some(console) = page.bad.iter().find(|block| block.language == "console") else {
            continue;
        };
        let dir = directory(&page.bad);
        if let Some(text) = abridged(&page.code) {
            fs::write(dir.path().join("demo.tars"), text).unwrap();
        }
        let (command, shown) = console.text.split_once('\n').unwrap();
        let (said, code) = tool(&dir, command.strip_prefix("$ tars2rs ").unwrap());
        assert_eq!(said.trim_end(), shown.trim_end(), "{}", page.code);
        assert!(said.contains(&format!("[{}]", page.code)), "{said}");
        let expected = match page.code.as_str() {
            "T0312" | "T0801" => 2,
            warning if ("T09".."T2").contains(&warning) => 0,
            _ => 1,
        };
        assert_eq!(code, expected, "{}", page.code);
    }
}

#[test]
fn what_to_do_helps() {
    for page in pages() {
        if page.fixed.is_empty() {
            continue;
        }
        let (said, code) = tool(&directory(&page.fixed), "check demo.tars");
        assert!(code == 0 && !said.contains(&page.code), "{}\n{said}", page.code);
    }
}

#[test]
fn settings_say_what_the_page_shows() {
    type Setting = fn(&mut Config);
    let settings: [(&str, &str, Setting); 3] = [
        ("T0701", r#"    .rename("demo.Usr", "Person")"#, |config| {
            config.rename("demo.Usr", "Person");
        }),
        ("T0702", r#"    .hash_map(["demo.User.id"])"#, |config| {
            config.hash_map(["demo.User.id"]);
        }),
        ("T0703", r#"    .rename("demo.User", "Big User")"#, |config| {
            config.rename("demo.User", "Big User");
        }),
    ];
    for (code, line, set) in settings {
        let page = page(&Path::new(PAGES).join(format!("{code}.md")));
        assert!(page.text.contains(line), "{code}");
        let dir = directory(&page.bad);
        let mut config = Config::new();
        set(&mut config);
        let error = config
            .generate(&[dir.path().join("demo.tars")], &[] as &[&str])
            .unwrap_err();
        let shown = page.bad.iter().find(|block| block.language == "text").unwrap();
        assert_eq!(error.to_string().trim_end(), shown.text.trim_end(), "{code}");
    }
}

#[test]
fn every_page_is_built_alike_and_explain_shows_it() {
    let mut list = String::new();
    for page in pages() {
        let title = page.text.lines().next().unwrap();
        assert!(title.starts_with(&format!("# {}: ", page.code)), "{title}");
        assert!(!page.bad.is_empty(), "{}: no example", page.code);
        assert!(page.text.lines().all(|line| line.len() <= 400), "{}", page.code);
        list.push_str(&title[2..]);
        list.push('\n');
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
        command
            .args(["explain", &page.code.to_lowercase()])
            .assert()
            .code(0)
            .stdout(page.text)
            .stderr("");
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command.arg("explain").assert().code(0).stdout(list).stderr("");
}

#[test]
fn a_code_that_does_not_exist_ends_with_2() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    let output = command
        .args(["explain", "T0230"])
        .assert()
        .code(2)
        .stdout("")
        .get_output()
        .clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: there is no code `T0230`; did you mean `T02"),
        "{text}"
    );
}
