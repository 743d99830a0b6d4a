//! Bytes of an enemy: no panic, and no more memory than 128 times the input and 4 KiB.
//!
//! Memory is counted for the whole process, so this binary has one test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec_types;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use codec_types::{Everything, Maps, Scalars, Tree, Vectors};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestRng, TestRunner};
use tars::TarsStruct;
use tars::bytes::Bytes;
use tars::codec::{self, DecodeError, Limits, Struct};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const INPUTS: usize = 100_000;

/// An element of two bytes that is 1.5 KiB wide.
macro_rules! wide {
    ($($field:ident = $tag:literal),+) => {
        #[derive(Clone, Debug, PartialEq, TarsStruct)]
        struct Wide {
            $(
                #[tars(tag = $tag)]
                $field: BTreeMap<String, String>,
            )+
            #[tars(tag = 100, default = "a default text that is not on the wire, but in the memory of whoever reads it")]
            text: String,
        }
    };
}

wide!(
    a0 = 0,
    a1 = 1,
    a2 = 2,
    a3 = 3,
    a4 = 4,
    a5 = 5,
    a6 = 6,
    a7 = 7,
    a8 = 8,
    a9 = 9,
    b0 = 10,
    b1 = 11,
    b2 = 12,
    b3 = 13,
    b4 = 14,
    b5 = 15,
    b6 = 16,
    b7 = 17,
    b8 = 18,
    b9 = 19,
    c0 = 20,
    c1 = 21,
    c2 = 22,
    c3 = 23,
    c4 = 24,
    c5 = 25,
    c6 = 26,
    c7 = 27,
    c8 = 28,
    c9 = 29,
    d0 = 30,
    d1 = 31,
    d2 = 32,
    d3 = 33,
    d4 = 34,
    d5 = 35,
    d6 = 36,
    d7 = 37,
    d8 = 38,
    d9 = 39
);

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Nothing {}

/// Absent on the wire, and yet in memory.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Thin {
    #[tars(tag = 0)]
    wide: Box<Wide>,
}

/// Containers whose elements are large in memory and small on the wire.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Amplifiers {
    #[tars(tag = 0)]
    wide: Vec<Wide>,
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
    #[tars(tag = 8)]
    nothings: Vec<Nothing>,
    #[tars(tag = 9)]
    texts: Vec<String>,
    #[tars(tag = 10)]
    raw: Bytes,
    #[tars(tag = 11)]
    small: HashMap<i8, bool>,
    #[tars(tag = 12)]
    thin: Vec<Thin>,
}

/// Decodes within the bound and gives the outcome back, its memory already free.
fn within_bound<T: Struct + Debug>(input: &[u8]) -> Result<(), DecodeError> {
    let shared = Bytes::copy_from_slice(input);
    let bound = 128 * input.len() + 4096;
    let mut outcome = Ok(());
    for attempt in 0..2 {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let result = if attempt == 0 {
            codec::decode::<T>(input, &Limits::default())
        } else {
            codec::decode_bytes::<T>(&shared, &Limits::default())
        };
        let spent = ALLOCATOR.peak_usage() - before;
        assert!(
            spent <= bound,
            "{spent} bytes of memory for {} bytes: {input:02x?}",
            input.len()
        );
        outcome = result.map(drop);
    }
    if let Err(error) = &outcome {
        assert!(error.offset() <= input.len(), "{error}");
    }
    outcome
}

fn below(rng: &mut TestRng, end: usize) -> usize {
    rng.random_range(0..end)
}

fn random_bytes(rng: &mut TestRng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Half of them begin with a head that fits, or else hardly any would get anywhere.
fn random_inputs(rng: &mut TestRng) {
    for round in 0..INPUTS {
        let length = below(rng, 300);
        let mut input = random_bytes(rng, length);
        if round % 2 == 0 {
            for byte in &mut input {
                // Small tags and small numbers, which are what bytes of a message mostly are.
                *byte &= [0xff, 0x0f, 0x1d, 0x03][usize::from(*byte >> 6)];
            }
        }
        match round % 6 {
            0 => _ = within_bound::<Everything>(&input),
            1 => _ = within_bound::<Maps>(&input),
            2 => _ = within_bound::<Vectors>(&input),
            3 => _ = within_bound::<Tree>(&input),
            _ => _ = within_bound::<Amplifiers>(&input),
        }
    }
}

/// Damages a message in one to three places.
fn mutate(rng: &mut TestRng, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..=below(rng, 3) {
        let place = below(rng, bytes.len().max(1)).min(bytes.len());
        let end = (place + 1 + below(rng, 8)).min(bytes.len());
        match below(rng, 7) {
            0 if place < bytes.len() => bytes[place] ^= 1 << below(rng, 8),
            1 if place < bytes.len() => bytes[place] = [0x00, 0x01, 0x0a, 0x0b, 0x0c, 0x7f, 0x80, 0xff][below(rng, 8)],
            2 => bytes.truncate(place),
            3 => drop(bytes.drain(place..end)),
            4 => bytes.extend_from_within(place..end),
            5 => {
                let copy = bytes[place..end].to_vec();
                drop(bytes.splice(place..place, copy));
            }
            _ => {
                let length = below(rng, 9);
                let noise = random_bytes(rng, length);
                drop(bytes.splice(place..place, noise));
            }
        }
    }
    bytes
}

/// What the first field of `Everything` is, and nothing behind it.
#[derive(Debug, TarsStruct)]
struct FirstField {
    #[tars(tag = 0, require)]
    scalars: Scalars,
}

fn mutants(runner: &mut TestRunner, rng: &mut TestRng) {
    let strategy = codec_types::everything();
    let mut past_first = 0;
    for _ in 0..INPUTS / 100 {
        let valid = codec::encode(&strategy.new_tree(runner).unwrap().current()).unwrap();
        within_bound::<Everything>(&valid).unwrap();
        for _ in 0..100 {
            let mutant = mutate(rng, &valid);
            past_first += usize::from(codec::decode::<FirstField>(&mutant, &Limits::default()).is_ok());
            _ = within_bound::<Everything>(&mutant);
        }
    }
    assert!(
        past_first * 10 >= INPUTS * 3,
        "{past_first} of {INPUTS} mutants get past their first field"
    );
}

fn list(tag: u8, kind: u8, count: usize, element: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag << 4 | kind, 0x02];
    bytes.extend(u32::try_from(count).unwrap().to_be_bytes());
    bytes.extend(element.repeat(count));
    bytes
}

/// Distinct keys, each with the same value.
fn map(tag: u8, count: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = list(tag, 8, count, &[]);
    for key in 0..u32::try_from(count).unwrap() {
        bytes.push(0x02);
        bytes.extend(key.to_be_bytes());
        bytes.extend(value);
    }
    bytes
}

fn amplifiers() {
    for count in [1, 2, 3, 4, 5, 10, 11, 12, 13, 60, 100, 1000, 20_000] {
        let inputs = [
            list(0, 9, count, &[0x0a, 0x0b]),
            map(1, count, &[0x1a, 0x0b]),
            map(2, count, &[0x1a, 0x0b]),
            list(3, 8, count, &[0x0c, 0x1a, 0x0b]),
            list(4, 9, count, &[0x08, 0x00, 0x01, 0x0c, 0x1c]),
            list(5, 9, count, &[0x08, 0x00, 0x01, 0x0c, 0x1c]),
            list(6, 9, count, &[0x0c]),
            list(7, 9, count, &[0x09, 0x00, 0x01, 0x09, 0x00, 0x01, 0x0c]),
            list(8, 9, count, &[0x0a, 0x0b]),
            list(9, 9, count, &[0x06, 0x00]),
            list(10, 9, count, &[0x0c]),
            list(12, 9, count, &[0x0a, 0x0b]),
            list(13, 9, count, &[0x0a]),
        ];
        for input in inputs {
            _ = within_bound::<Amplifiers>(&input);
        }
    }
}

/// What honest peers send is within the bound.
fn honest_messages() {
    within_bound::<Amplifiers>(&list(6, 9, 20_000, &[0x0c])).unwrap();
    within_bound::<Amplifiers>(&list(8, 9, 20_000, &[0x0a, 0x0b])).unwrap();
    within_bound::<Amplifiers>(&list(9, 9, 20_000, &[0x06, 0x00])).unwrap();
    within_bound::<Amplifiers>(&list(4, 9, 1000, &[0x08, 0x00, 0x01, 0x0c, 0x1c])).unwrap();
    within_bound::<Amplifiers>(&list(5, 9, 1000, &[0x08, 0x00, 0x01, 0x0c, 0x1c])).unwrap();
    within_bound::<Maps>(&map(2, 10_000, &[0x1c])).unwrap_err();
    within_bound::<Maps>(&map(3, 10_000, &[0x19, 0x0c])).unwrap();
}

/// Without the limit the bound breaks, so the measure is one.
fn the_measure_sees_what_the_limit_prevents() {
    let input = list(0, 9, 1000, &[0x0a, 0x0b]);
    let error = within_bound::<Amplifiers>(&input).unwrap_err();
    assert!(error.is_limit(), "{error}");
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let limits = Limits {
        max_expansion: usize::MAX,
        ..Limits::default()
    };
    let value: Amplifiers = codec::decode(&input, &limits).unwrap();
    assert_eq!(value.wide.len(), 1000);
    assert!(ALLOCATOR.peak_usage() - before > 128 * input.len() + 4096);
}

#[test]
fn memory_stays_within_128_times_the_input() {
    let mut runner = TestRunner::deterministic();
    let mut rng = runner.new_rng();
    the_measure_sees_what_the_limit_prevents();
    amplifiers();
    honest_messages();
    random_inputs(&mut rng);
    mutants(&mut runner, &mut rng);
}
