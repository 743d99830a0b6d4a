//! Each outside thing has one module that touches it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .collect()
}

#[test]
fn outside_things_stay_in_their_modules() {
    let homes = [
        ("nom::", "parse/"),
        ("use quote", "emit/"),
        ("syn::", "print.rs|fuzzing/rust.rs"),
        ("prettyplease::", "print.rs"),
        ("similar::", "format/diff.rs"),
        ("annotate_snippets", "diag/render.rs"),
        ("clap::", "cli.rs"),
        ("io::stderr().lock", "main.rs"),
    ];
    for path in sources(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        for (thing, home) in homes {
            let path_text = path.to_string_lossy();
            let inside = home.split('|').any(|home| path_text.contains(home));
            assert!(inside || !text.contains(thing), "`{thing}` in {}", path.display());
        }
    }
}
