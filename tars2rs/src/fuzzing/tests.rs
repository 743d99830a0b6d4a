//! The same functions on the kept corpus, on the repository's own files, and on whatever can be made of their pieces.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 3] = [
    ("idl_parse", super::parse),
    ("idl_roundtrip", super::roundtrip),
    ("idl_build", super::build),
];

/// Files below a directory, in order.
fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let built = |path: &PathBuf| path.ends_with("target") || path.ends_with(".git") || path.ends_with("node_modules");
    let inside = |path: PathBuf| if path.is_dir() { below(&path) } else { vec![path] };
    paths.into_iter().filter(|path| !built(path)).flat_map(inside).collect()
}

/// Every `.tars` file of the repository, also those with mistakes.
fn samples() -> &'static [String] {
    static SAMPLES: OnceLock<Vec<String>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let paths = below(Path::new("..")).into_iter();
        let samples = paths.filter(|path| path.extension().is_some_and(|extension| extension == "tars"));
        let text = |path| String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned();
        samples.map(text).filter(|text| !text.trim().is_empty()).collect()
    })
}

#[test]
fn the_corpus_holds() {
    for (name, target) in TARGETS {
        let files = below(&Path::new("../fuzz/corpus").join(name));
        assert!(files.len() > 10, "{name} has a corpus");
        for path in files {
            eprintln!("{}", path.display());
            target(&fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn the_files_of_the_repository_hold() {
    assert!(samples().len() > 80, "there are files");
    for sample in samples() {
        for (_, target) in TARGETS {
            target(sample.as_bytes());
        }
    }
}

/// Cuts a text into words, blanks and marks.
fn pieces(text: &str) -> Vec<&str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if word(first) {
            rest.find(|c| !word(c))
        } else {
            Some(first.len_utf8())
        };
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn sample(index: Index) -> &'static str {
    &samples()[index.index(samples().len())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }

    #[test]
    fn any_pieces_hold(picks in prop::collection::vec((any::<Index>(), any::<Index>()), 0..200)) {
        let piece = |(from, at): &(Index, Index)| *at.get(&pieces(sample(*from)));
        let text: Vec<&str> = picks.iter().map(piece).collect();
        for (_, target) in TARGETS {
            target(text.join(" ").as_bytes());
        }
    }

    #[test]
    fn changed_files_hold(
        from in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4u8), 1..6),
    ) {
        let mut pieces = pieces(sample(from));
        for (at, other, change) in changes {
            if pieces.is_empty() {
                break;
            }
            let (at, other) = (at.index(pieces.len()), other.index(pieces.len()));
            match change {
                0 => drop(pieces.remove(at)),
                1 => pieces.insert(at, pieces[other]),
                2 => pieces.swap(at, other),
                _ => pieces.truncate(at.max(1)),
            }
        }
        for (_, target) in TARGETS {
            target(pieces.concat().as_bytes());
        }
    }
}
