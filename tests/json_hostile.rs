//! JSON of an enemy: no panic, no overflow of the stack, and no more memory than 128 times the input and 4 KiB.
//!
//! Memory is counted for the whole process, so this binary has one test.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec_types;

use std::collections::{BTreeMap, HashMap};

use codec_types::{Everything, Maps, Tree, Vectors};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestRng, TestRunner};
use tars::TarsStruct;
use tars::bytes::Bytes;
use tars::codec::{DecodeError, Limits};
use tars::json::{self, FromJson};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MUTANTS: usize = 50_000;

/// With its five levels an element of two bytes that is 3 KiB wide.
macro_rules! wider {
    ($($name:ident of $inner:ty),+) => {
        $(
            #[derive(Clone, Debug, PartialEq, TarsStruct)]
            struct $name {
                #[tars(tag = 0)]
                a: $inner,
                #[tars(tag = 1)]
                b: $inner,
                #[tars(tag = 2)]
                c: $inner,
                #[tars(tag = 3, default = "a default text that is not in the input, but in the memory of whoever reads it")]
                text: String,
            }
        )+
    };
}

wider!(Narrow of BTreeMap<String, String>, Middle of Narrow, Wide of Middle, Widest of Wide);

/// Absent in the text, and yet in memory.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Thin {
    #[tars(tag = 0)]
    wide: Box<Widest>,
}

/// Containers whose elements are large in memory and small in the text.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Amplifiers {
    #[tars(tag = 0)]
    wide: Vec<Widest>,
    #[tars(tag = 1)]
    sorted: BTreeMap<i32, Wide>,
    #[tars(tag = 2)]
    hashed: HashMap<i32, Wide>,
    #[tars(tag = 3)]
    pairs: Vec<(i32, Wide)>,
    #[tars(tag = 4)]
    maps: Vec<BTreeMap<i32, i64>>,
    #[tars(tag = 5)]
    hash_maps: Vec<HashMap<i32, i64>>,
    #[tars(tag = 6)]
    longs: Vec<i64>,
    #[tars(tag = 7)]
    vectors: Vec<Vec<Vec<i64>>>,
    #[tars(tag = 9)]
    texts: Vec<String>,
    #[tars(tag = 10)]
    raw: Bytes,
    #[tars(tag = 11)]
    small: HashMap<i8, bool>,
    #[tars(tag = 12)]
    thin: Vec<Thin>,
    #[tars(tag = 13)]
    keys: BTreeMap<Key, i8>,
}

/// A key that may hold keys of its own kind.
#[derive(Clone, Debug, TarsStruct)]
#[tars(key(inner))]
struct Key {
    #[tars(tag = 0)]
    inner: BTreeMap<Key, i8>,
}

/// Reads within the bound and gives the outcome back, its memory already free.
fn within_bound<T: FromJson>(input: &[u8]) -> Result<(), DecodeError> {
    let bound = 128 * input.len() + 4096;
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let outcome = json::from_slice::<T>(input, &Limits::default()).map(drop);
    let spent = ALLOCATOR.peak_usage() - before;
    let shown = String::from_utf8_lossy(&input[..input.len().min(200)]);
    assert!(
        spent <= bound,
        "{spent} bytes of memory for {} bytes: {shown}",
        input.len()
    );
    if let Err(error) = &outcome {
        assert!(error.offset() <= input.len(), "{error}: {shown}");
        assert!(error.to_string().len() < 1000);
    }
    outcome
}

fn list(name: &str, count: usize, element: &str) -> Vec<u8> {
    format!(r#"{{"{name}":[{}]}}"#, vec![element; count].join(",")).into_bytes()
}

fn object(name: &str, count: usize, value: &str) -> Vec<u8> {
    let entries: Vec<_> = (0..count).map(|key| format!(r#""{key}":{value}"#)).collect();
    format!(r#"{{"{name}":{{{}}}}}"#, entries.join(",")).into_bytes()
}

fn amplifiers() {
    for count in [1, 2, 3, 4, 5, 10, 11, 12, 13, 60, 100, 1000, 20_000] {
        let lists = [
            ("wide", "{}"),
            ("maps", r#"{"1":1}"#),
            ("hash_maps", r#"{"1":1}"#),
            ("longs", "0"),
            ("vectors", "[[0]]"),
            ("vectors", "[]"),
            ("texts", r#""""#),
            ("texts", r#""\n""#),
            ("raw", "0"),
            ("thin", "{}"),
            ("unknown", "[{}]"),
        ];
        for (name, element) in lists {
            _ = within_bound::<Amplifiers>(&list(name, count, element));
        }
        for name in ["sorted", "hashed", "pairs", "small", "unknown"] {
            _ = within_bound::<Amplifiers>(&object(name, count, "{}"));
            _ = within_bound::<Amplifiers>(&object(name, count, "true"));
        }
    }
}

fn honest_texts() {
    within_bound::<Amplifiers>(&list("longs", 20_000, "0")).unwrap();
    within_bound::<Amplifiers>(&list("texts", 20_000, r#""""#)).unwrap();
    within_bound::<Amplifiers>(&list("maps", 1000, r#"{"1":1}"#)).unwrap();
    within_bound::<Amplifiers>(&list("hash_maps", 1000, r#"{"1":1}"#)).unwrap();
    within_bound::<Amplifiers>(&list("raw", 20_000, "0")).unwrap();
    within_bound::<Maps>(&object("ints", 10_000, "[]")).unwrap();
}

/// A hundred levels are read; more are refused, in known and in unknown members, without a deep stack.
fn nesting() {
    let nested = |open: &str, close: &str, count: usize| [open.repeat(count), close.repeat(count)].concat();
    let tree = |depth: usize| {
        format!(
            r#"{{"next":{}}}"#,
            nested(r#"{"next":"#, "}", depth - 1).replace(":}", ":null}")
        )
    };
    within_bound::<Tree>(tree(101).as_bytes()).unwrap();
    for count in [102, 1000, 100_000] {
        let error = within_bound::<Tree>(tree(count).as_bytes()).unwrap_err();
        assert!(error.is_limit(), "{error}");
    }
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let unknown = |count| format!(r#"{{"unknown":{}}}"#, nested(open, close, count).replace(":}", ":1}"));
        within_bound::<Tree>(unknown(100).as_bytes()).unwrap();
        assert!(within_bound::<Tree>(unknown(101).as_bytes()).unwrap_err().is_limit());
        assert!(
            within_bound::<Tree>(unknown(1_000_000).as_bytes())
                .unwrap_err()
                .is_limit()
        );
    }
}

/// Keys inside keys: their text doubles with each level, so it is bounded when it is written too.
fn keys() {
    let mut key = Key::default();
    for depth in 0..30 {
        let written = json::to_string(&key);
        if depth <= 4 {
            within_bound::<Key>(written.unwrap().as_bytes()).unwrap();
        } else {
            assert_eq!(written.unwrap_err().to_string(), "more than 4 keys inside each other");
        }
        key = Key {
            inner: BTreeMap::from([(key, 1)]),
        };
    }
}

fn below(rng: &mut TestRng, end: usize) -> usize {
    rng.random_range(0..end)
}

/// Damages a text in one to three places.
fn mutate(rng: &mut TestRng, valid: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 14] = [
        b"{", b"}", b"[", b"]", b",", b":", b"\"", b"\\", b"null", b"-", b"e9", b"0", b"\"\\u00", b"\xff",
    ];
    let mut bytes = valid.to_vec();
    for _ in 0..=below(rng, 3) {
        let place = below(rng, bytes.len().max(1)).min(bytes.len());
        let end = (place + 1 + below(rng, 8)).min(bytes.len());
        match below(rng, 5) {
            0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..end)),
            2 => {
                let copy = bytes[place..end].to_vec();
                drop(bytes.splice(place..place, copy));
            }
            3 if place < bytes.len() => bytes[place] ^= 1 << below(rng, 8),
            _ => {
                let piece = PIECES[below(rng, PIECES.len())].iter().copied();
                drop(bytes.splice(place..place, piece));
            }
        }
    }
    bytes
}

fn mutants(runner: &mut TestRunner, rng: &mut TestRng) {
    let everything = codec_types::everything();
    let vectors = codec_types::vectors();
    for round in 0..MUTANTS / 100 {
        let valid = if round % 2 == 0 {
            json::to_vec(&everything.new_tree(runner).unwrap().current()).unwrap()
        } else {
            json::to_vec(&vectors.new_tree(runner).unwrap().current()).unwrap()
        };
        for _ in 0..100 {
            let mutant = mutate(rng, &valid);
            if round % 2 == 0 {
                _ = within_bound::<Everything>(&mutant);
            } else {
                _ = within_bound::<Vectors>(&mutant);
            }
        }
    }
}

#[test]
fn memory_stays_within_128_times_the_input() {
    let mut runner = TestRunner::deterministic();
    let mut rng = runner.new_rng();
    amplifiers();
    honest_texts();
    nesting();
    keys();
    mutants(&mut runner, &mut rng);
}
