//! The same files give the same bytes: again, elsewhere, in another order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tars2rs::Config;
use tempfile::TempDir;

/// Every sample that compiles, with its directory of includes.
fn samples() -> Vec<PathBuf> {
    let dirs = ["tests/ui/ok", "../idl", "../tests/system/idl"];
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "tars"));
    files.sort();
    assert!(files.len() > 15);
    files
}

fn generate(files: &[PathBuf]) -> BTreeMap<String, String> {
    let include: Vec<PathBuf> = files.iter().map(|file| file.with_extension("include")).collect();
    let generated = Config::new()
        .include_file("all.rs")
        .generate(files, &include)
        .unwrap_or_else(|error| panic!("{error}"));
    let files = generated.files();
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn another_run_in_another_directory_gives_the_same_bytes() {
    for sample in samples() {
        let first = generate(std::slice::from_ref(&sample));
        assert_eq!(first, generate(std::slice::from_ref(&sample)), "{}", sample.display());
        let homes = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let [one, other] = [0, 1].map(|index| {
            let home = homes[index].path().join("deep/er".repeat(index));
            copy(sample.parent().unwrap(), &home);
            generate(&[home.join(sample.file_name().unwrap())])
        });
        // Both were named by absolute paths, which differ.
        assert_eq!(one, other, "{}", sample.display());
        let body = |files: &BTreeMap<String, String>| -> Vec<String> {
            let after_header = |text: &String| text.split_once('\n').unwrap().1.to_owned();
            files.values().map(after_header).collect()
        };
        assert_eq!(body(&first), body(&one), "{}", sample.display());
    }
}

#[test]
fn the_order_of_files_does_not_matter_to_modules_of_one_file() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let base = write(
        "base.tars",
        "module base { enum Kind { ONE, TWO }; struct S { 0 require Kind kind; }; };",
    );
    let left = write(
        "left.tars",
        "#include \"base.tars\"\nmodule left { struct L { 0 require base::S s; }; interface I { void f(L l); }; };",
    );
    let right = write(
        "right.tars",
        "#include \"left.tars\"\n#include \"base.tars\"\nmodule right { const int N = 1; struct R { 0 require left::L l; }; };",
    );
    let wanted = generate(&[base.clone(), left.clone(), right.clone()]);
    assert_eq!(wanted.len(), 4);
    for order in [[&right, &left, &base], [&left, &right, &base], [&right, &base, &left]] {
        assert_eq!(generate(&order.map(PathBuf::clone)), wanted);
    }
    assert_eq!(generate(&[right]), wanted, "and includes are files like others");
}

#[test]
fn only_what_changed_is_written() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.tars");
    let compile = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut config = Config::new();
        config.include_file("mod.rs");
        let generated = config.generate(&[&file], &[] as &[&str]).unwrap();
        generated.write_to(dir.path().join("out")).unwrap();
        let modified = |name: &str| {
            fs::metadata(dir.path().join("out").join(name))
                .unwrap()
                .modified()
                .unwrap()
        };
        ["one.rs", "two.rs", "mod.rs"].map(modified)
    };
    let before =
        compile("module one { struct A { 0 require int a; }; }; module two { struct B { 0 require int b; }; };");
    // So old that no clock is too coarse to see a write.
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for name in ["one.rs", "two.rs", "mod.rs"] {
        let file = fs::File::options()
            .write(true)
            .open(dir.path().join("out").join(name))
            .unwrap();
        file.set_modified(past).unwrap();
    }
    let same = compile("module one { struct A { 0 require int a; }; }; module two { struct B { 0 require int b; }; };");
    assert_eq!(same, [past; 3]);
    let [one, two, joined] =
        compile("module one { struct A { 0 require int a; }; }; module two { struct B { 0 require long b; }; };");
    assert!(one == past && joined == past && two >= before[1]);
}
