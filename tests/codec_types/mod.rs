//! Structs that between them hold every type of the IDL, and strategies for their values.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::{BTreeMap, HashMap};

use proptest::collection::{btree_map, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use tars::bytes::Bytes;
use tars::{ByteString, TarsEnum, TarsStruct};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, TarsEnum)]
#[tars(values(LOW, HIGH = "high"))]
pub(crate) struct Level(pub(crate) i32);

impl Level {
    pub(crate) const LOW: Self = Self(-3);
    pub(crate) const HIGH: Self = Self(7);
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Scalars {
    #[tars(tag = 0, require)]
    pub(crate) bool_: bool,
    #[tars(tag = 1)]
    pub(crate) byte: i8,
    #[tars(tag = 2)]
    pub(crate) short: i16,
    #[tars(tag = 3, require)]
    pub(crate) int: i32,
    #[tars(tag = 4)]
    pub(crate) long: i64,
    #[tars(tag = 5)]
    pub(crate) unsigned_byte: u8,
    #[tars(tag = 14)]
    pub(crate) unsigned_short: u16,
    #[tars(tag = 15, require)]
    pub(crate) unsigned_int: u32,
    #[tars(tag = 16)]
    pub(crate) float: f32,
    #[tars(tag = 200)]
    pub(crate) double: f64,
    #[tars(tag = 255)]
    pub(crate) level: Level,
}

/// Every kind of default.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Defaults {
    #[tars(tag = 0, default = true)]
    pub(crate) bool_: bool,
    #[tars(tag = 1, default = -5)]
    pub(crate) byte: i8,
    #[tars(tag = 2, default = 0xffff_ffff)]
    pub(crate) unsigned_int: u32,
    #[tars(tag = 3, default = 1)]
    pub(crate) float: f32,
    #[tars(tag = 4, default = -0.0)]
    pub(crate) double: f64,
    #[tars(tag = 5, default = "active")]
    pub(crate) text: String,
    #[tars(tag = 6, default = "\u{4e2d}", max_len = 8)]
    pub(crate) bytes: ByteString,
    #[tars(tag = 7, default = Level::HIGH)]
    pub(crate) level: Level,
}

#[derive(Clone, Debug, TarsStruct)]
#[tars(key(name, weight))]
pub(crate) struct Keyed {
    #[tars(tag = 0)]
    pub(crate) weight: f32,
    #[tars(tag = 1, require)]
    pub(crate) name: String,
    #[tars(tag = 2)]
    pub(crate) scores: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Vectors {
    #[tars(tag = 0)]
    pub(crate) raw: Bytes,
    #[tars(tag = 1)]
    pub(crate) signed: Vec<i8>,
    #[tars(tag = 2)]
    pub(crate) unsigned: Vec<u8>,
    #[tars(tag = 3)]
    pub(crate) bools: Vec<bool>,
    #[tars(tag = 4)]
    pub(crate) nested: Vec<Vec<i32>>,
    #[tars(tag = 5, require)]
    pub(crate) raws: Vec<Bytes>,
    #[tars(tag = 6)]
    pub(crate) texts: Vec<String>,
    #[tars(tag = 7)]
    pub(crate) structs: Vec<Keyed>,
    #[tars(tag = 8)]
    pub(crate) levels: Vec<Level>,
    #[tars(tag = 9, max_len = 4)]
    pub(crate) bounded: Vec<i64>,
    #[tars(tag = 10, presence, max_len = 4)]
    pub(crate) present: Option<String>,
    #[tars(tag = 11, presence)]
    pub(crate) number: Option<i32>,
    #[tars(tag = 12)]
    pub(crate) maps: Vec<BTreeMap<String, i32>>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Maps {
    #[tars(tag = 0)]
    pub(crate) bools: BTreeMap<bool, String>,
    #[tars(tag = 1)]
    pub(crate) bytes: BTreeMap<i8, Bytes>,
    #[tars(tag = 2)]
    pub(crate) shorts: BTreeMap<i16, i16>,
    #[tars(tag = 3, require)]
    pub(crate) ints: BTreeMap<i32, Vec<i32>>,
    #[tars(tag = 4)]
    pub(crate) longs: BTreeMap<i64, f64>,
    #[tars(tag = 5)]
    pub(crate) unsigned: BTreeMap<u32, BTreeMap<u16, u8>>,
    #[tars(tag = 6)]
    pub(crate) texts: BTreeMap<String, String>,
    #[tars(tag = 7)]
    pub(crate) byte_texts: BTreeMap<ByteString, ByteString>,
    #[tars(tag = 8)]
    pub(crate) levels: BTreeMap<Level, Keyed>,
    #[tars(tag = 9)]
    pub(crate) structs: BTreeMap<Keyed, Level>,
    #[tars(tag = 10)]
    pub(crate) pairs: Vec<(f32, String)>,
    #[tars(tag = 20)]
    pub(crate) hashed: HashMap<String, Keyed>,
}

/// Recursive through a vector and through a map.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Tree {
    #[tars(tag = 0)]
    pub(crate) number: i32,
    #[tars(tag = 1)]
    pub(crate) children: Vec<Tree>,
    #[tars(tag = 2)]
    pub(crate) named: BTreeMap<String, Tree>,
    #[tars(tag = 3, presence)]
    pub(crate) next: Option<Box<Tree>>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub(crate) struct Everything {
    #[tars(tag = 0, require)]
    pub(crate) scalars: Scalars,
    #[tars(tag = 1)]
    pub(crate) defaults: Defaults,
    #[tars(tag = 2, require)]
    pub(crate) vectors: Vectors,
    #[tars(tag = 3)]
    pub(crate) maps: Maps,
    #[tars(tag = 4)]
    pub(crate) tree: Tree,
}

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

pub(crate) fn byte_string() -> impl Strategy<Value = ByteString> {
    bytes().prop_map(ByteString::from)
}

/// Short ones, and now and then one too long for a length of one byte.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![30 => ".{0,12}", 1 => "[a-z]{250,260}"]
}

/// Known numbers and others.
pub(crate) fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::LOW), Just(Level::HIGH), any::<i32>().prop_map(Level)]
}

/// All bit patterns, not numbers and both zeros among them.
pub(crate) fn float() -> impl Strategy<Value = f32> {
    prop_oneof![Just(0.0), Just(-0.0), any::<u32>().prop_map(f32::from_bits)]
}

pub(crate) fn double() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), any::<u64>().prop_map(f64::from_bits)]
}

/// Values of every width on the wire.
pub(crate) fn long() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

pub(crate) fn int() -> impl Strategy<Value = i32> {
    (any::<i32>(), 0_u32..32).prop_map(|(value, shift)| value >> shift)
}

pub(crate) fn scalars() -> impl Strategy<Value = Scalars> {
    let integers = (
        any::<bool>(),
        any::<i8>(),
        any::<i16>(),
        int(),
        long(),
        any::<u8>(),
        any::<u16>(),
        any::<u32>(),
    );
    (integers, float(), double(), level()).prop_map(|(integers, float, double, level)| {
        let (bool_, byte, short, int, long, unsigned_byte, unsigned_short, unsigned_int) = integers;
        Scalars {
            bool_,
            byte,
            short,
            int,
            long,
            unsigned_byte,
            unsigned_short,
            unsigned_int,
            float,
            double,
            level,
        }
    })
}

pub(crate) fn defaults() -> impl Strategy<Value = Defaults> {
    let own = (
        any::<bool>(),
        any::<i8>(),
        any::<u32>(),
        float(),
        double(),
        text(),
        "[a-z]{0,8}",
        level(),
    );
    let own = own.prop_map(|(bool_, byte, unsigned_int, float, double, text, bytes, level)| {
        let bytes = ByteString::from(bytes);
        Defaults {
            bool_,
            byte,
            unsigned_int,
            float,
            double,
            text,
            bytes,
            level,
        }
    });
    prop_oneof![Just(Defaults::default()), own]
}

pub(crate) fn keyed() -> impl Strategy<Value = Keyed> {
    (float(), "[a-c]{0,2}", vec(double(), 0..3)).prop_map(|(weight, name, scores)| Keyed { weight, name, scores })
}

pub(crate) fn vectors() -> impl Strategy<Value = Vectors> {
    let plain = (
        bytes(),
        vec(any::<i8>(), 0..5),
        vec(any::<u8>(), 0..5),
        vec(any::<bool>(), 0..5),
    );
    let nested = (
        vec(vec(int(), 0..4), 0..4),
        vec(bytes(), 0..3),
        vec(text(), 0..4),
        vec(keyed(), 0..3),
    );
    let rest = (
        vec(level(), 0..4),
        vec(long(), 0..5),
        option::of("[a-z]{0,4}"),
        option::of(int()),
    );
    let maps = vec(btree_map(text(), int(), 0..3), 0..3);
    (plain, nested, rest, maps).prop_map(|(plain, nested, rest, maps)| {
        let (raw, signed, unsigned, bools) = plain;
        let (nested, raws, texts, structs) = nested;
        let (levels, mut bounded, present, number) = rest;
        bounded.truncate(4);
        Vectors {
            raw,
            signed,
            unsigned,
            bools,
            nested,
            raws,
            texts,
            structs,
            levels,
            bounded,
            present,
            number,
            maps,
        }
    })
}

pub(crate) fn maps() -> impl Strategy<Value = Maps> {
    let few = 0..4_usize;
    let numbers = (
        btree_map(any::<bool>(), text(), few.clone()),
        btree_map(any::<i8>(), bytes(), few.clone()),
        btree_map(any::<i16>(), any::<i16>(), few.clone()),
        btree_map(int(), vec(int(), 0..3), few.clone()),
        btree_map(long(), double(), few.clone()),
        btree_map(
            any::<u32>(),
            btree_map(any::<u16>(), any::<u8>(), few.clone()),
            few.clone(),
        ),
    );
    let others = (
        btree_map(text(), text(), few.clone()),
        btree_map(byte_string(), byte_string(), few.clone()),
        btree_map(level(), keyed(), few.clone()),
        btree_map(keyed(), level(), few.clone()),
        vec((float(), text()), few.clone()),
        hash_map(text(), keyed(), few),
    );
    (numbers, others).prop_map(|(numbers, others)| {
        let (bools, bytes, shorts, ints, longs, unsigned) = numbers;
        let (texts, byte_texts, levels, structs, pairs, hashed) = others;
        Maps {
            bools,
            bytes,
            shorts,
            ints,
            longs,
            unsigned,
            texts,
            byte_texts,
            levels,
            structs,
            pairs,
            hashed,
        }
    })
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = int().prop_map(|number| Tree {
        number,
        ..Tree::default()
    });
    leaf.prop_recursive(4, 12, 3, |inner| {
        let children = vec(inner.clone(), 0..3);
        let named = btree_map("[a-z]{0,3}", inner.clone(), 0..2);
        let next = option::of(inner.prop_map(Box::new));
        (int(), children, named, next).prop_map(|(number, children, named, next)| Tree {
            number,
            children,
            named,
            next,
        })
    })
}

pub(crate) fn everything() -> impl Strategy<Value = Everything> {
    (scalars(), defaults(), vectors(), maps(), tree()).prop_map(|(scalars, defaults, vectors, maps, tree)| Everything {
        scalars,
        defaults,
        vectors,
        maps,
        tree,
    })
}
