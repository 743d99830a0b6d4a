//! Formatting changes nothing but blanks, and once is enough: on every file of the repository, and on their tokens with
//! anything at all between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{run, text};
use crate::fuzzing::roundtrip::of_good;
use crate::parse::lexemes::{LexemeKind, lexemes};

fn formatted(bytes: &[u8]) -> Vec<u8> {
    run("a.tars", bytes).expect("right syntax")
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "tars") {
            out.push(path);
        }
    }
}

/// Every file of the repository whose syntax is right.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let mut paths = Vec::new();
        files(Path::new(".."), &mut paths);
        paths.sort();
        let bytes = paths.iter().map(|path| fs::read(path).expect("a file"));
        bytes.filter(|bytes| run("a.tars", bytes).is_ok()).collect()
    })
}

#[test]
fn every_file_of_the_repository() {
    assert!(samples().len() > 25, "there are files");
    for bytes in samples() {
        of_good(bytes);
    }
}

/// Cuts a file that ends in the middle of something.
#[test]
fn texts_without_tokens() {
    for text in [
        "",
        "\n",
        "// a",
        "/* a */",
        "/* a */ // b\n\n\n// c\n/* d\ne */",
        "\n\n  \n// a\n",
        "\t#include\t\"a\" // b",
    ] {
        of_good(text.as_bytes());
    }
    assert_eq!(formatted(b"\xEF\xBB\xBF \r\n\t"), b"");
}

/// What may stand between two tokens; the first ones are frequent.
const GAPS: [&str; 30] = [
    " ",
    "\n",
    " ",
    "\n\n",
    "\n    ",
    " ",
    "\r\n",
    " /* in */ ",
    "/**/",
    " // end\n",
    "// end\n\n",
    "\n// own\n",
    "\n\n    // own\n",
    "\n        // own\n\n",
    "\n/* own */\n",
    " /* end */\n",
    "\n/* before */ ",
    " /* two\n * lines */ ",
    "\n/* two\nlines   \n\n   three */\n",
    "\n    /**\n * doc\n\n     * doc */\n",
    " // a\n                  // b\n",
    " // a\n    // b\n    // c\n",
    " /* a */ /* b */ // c \t\n /* d */ // e\n",
    " /* two\n lines */ // end\n",
    "\n\n\n\n",
    "\n/* a */ // b\n\n/* c */",
    "\n#include \"x.tars\" // included\n",
    " /* \u{3A9} */ ",
    "\n// \u{4E2D} \u{3A9}\n",
    " // \u{3A9}\n",
];

/// The text with bytes that are not UTF-8 for each omega.
fn other_encoding(text: &str) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.split('\u{3A9}').map(str::as_bytes).collect();
    parts.join(&b"\xD6\xD0"[..])
}

/// Gaps for which the next line comment stands in just the column of the last one.
fn continued(out: &str) -> String {
    let line = &out[out.rfind('\n').map_or(0, |at| at + 1)..];
    format!(" // a\n{}// b\n", " ".repeat(line.len() + 1))
}

/// The tokens of a file with other gaps.
fn shuffled(bytes: &[u8], picks: &[Index], rate: usize) -> String {
    let text = text::Text::of(bytes).text;
    let mut out = String::new();
    let tokens: Vec<_> = lexemes(&text)
        .into_iter()
        .filter(|lexeme| !matches!(lexeme.kind, LexemeKind::Comment { .. }))
        .collect();
    for (index, token) in tokens.iter().enumerate() {
        out.push_str(token.text);
        let pick = picks[index % picks.len()].index(GAPS.len() * rate + 2);
        match GAPS.get(pick) {
            Some(gap) => out.push_str(gap),
            None if pick.is_multiple_of(7) => out.push_str(&continued(&out)),
            None => out.push_str([" ", "\n", " ", "\n\n"][pick % 4]),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_between_tokens(
        sample in any::<Index>(),
        rate in 1..12usize,
        picks in prop::collection::vec(any::<Index>(), 1..400),
    ) {
        let sample: &Vec<u8> = sample.get(samples());
        of_good(&other_encoding(&shuffled(sample, &picks, rate)));
    }
}
