//! What the compiler writes, through the derive, to bytes: the published golden encodings by generated types.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use tars::{
    bytes::Bytes as Raw,
    codec::{self, Limits, Struct},
};
use tars_system_tests::vectors::{
    Bools, Bytes, Color, Everything, Floats, Inner, Integers, Ints, LongString, Nested, Optionals, Outer, Point,
    StringMap, Strings, Tree, UnsignedBytes,
};

/// The bytes of the golden encoding called `name`.
fn golden(name: &str) -> Vec<u8> {
    let text = include_str!("../../data/vectors.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let vectors = all["encodings"].as_array().unwrap();
    let vector = vectors
        .iter()
        .find(|v| v["name"] == name)
        .unwrap_or_else(|| panic!("no vector `{name}`"));
    let hex = vector["hex"].as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect()
}

/// Asserts that `value` encodes to the golden bytes, and that these decode to `value`.
#[track_caller]
fn both_ways<T: Struct + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let bytes = golden(name);
    assert_eq!(codec::encode(value).unwrap(), bytes, "encoding of `{name}`");
    assert_eq!(
        codec::decode::<T>(&bytes, &Limits::default()).unwrap(),
        *value,
        "decoding of `{name}`"
    );
}

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
}

#[test]
fn integers_narrow_and_unsigned_widen() {
    let value = Integers {
        zero: 0,
        negative_byte: -1,
        byte_sized_short: 127,
        negative_short: -129,
        over_short: 32768,
        lowest_short: -32768,
        over_int: 2_147_483_648,
        negative_long: -5,
        yes: true,
        no: false,
        u8: 200,
        u16: 65535,
        u32: 4_294_967_295,
    };
    both_ways("integer narrowing and unsigned types", &value);
}

#[test]
fn floats() {
    both_ways(
        "float and double",
        &Floats {
            single: 1.5,
            twice: -2.25,
        },
    );
    both_ways(
        "float/double zero (C++/Go/Java form)",
        &Floats {
            single: 0.0,
            twice: 0.0,
        },
    );
}

#[test]
fn strings_short_and_long() {
    both_ways(
        "string1",
        &Strings {
            empty: String::new(),
            ascii: "tars".into(),
            chinese: "\u{4E2D}".into(),
        },
    );
    both_ways("string4", &LongString { text: "a".repeat(256) });
}

#[test]
fn containers() {
    both_ways(
        "vector<byte>",
        &Bytes {
            raw: Raw::from_static(&[1, 2, 0xff]),
        },
    );
    both_ways("empty vector<byte>", &Bytes { raw: Raw::new() });
    both_ways(
        "map<string,string>",
        &StringMap {
            entries: strings(&[("a", "1"), ("b", "")]),
        },
    );
    both_ways(
        "vector<int>",
        &Ints {
            values: vec![0, 1, 300, -70000],
        },
    );
    both_ways(
        "vector<unsigned byte>",
        &UnsignedBytes {
            values: vec![0, 1, 200],
        },
    );
    both_ways(
        "vector<bool>",
        &Bools {
            values: vec![true, false],
        },
    );
}

#[test]
fn nested_structs() {
    let inner = Inner {
        number: 7,
        text: "x".into(),
    };
    both_ways(
        "nested struct",
        &Nested {
            outer: Outer { inner, after: 300 },
        },
    );
}

#[test]
fn optional_members_at_their_default_are_read_in_every_form() {
    let expected = Optionals {
        a: 5,
        ..Optionals::default()
    };
    for form in ["optional members at default: Go", "optional members at default: Node"] {
        assert_eq!(
            codec::decode::<Optionals>(&golden(form), &Limits::default()).unwrap(),
            expected,
            "{form}"
        );
    }
    // Ours is TarsCpp's form: only the bool is written.
    assert_eq!(codec::encode(&expected).unwrap(), [0x10, 5, 0x4c]);
}

#[test]
fn defaults_come_from_the_interface() {
    let value = Everything::default();
    assert_eq!(value.text, "hello \"tars\"\n");
    assert_eq!(value.color, Color::GREEN);
    assert_eq!(value.r#type, -5);
    assert_eq!(value.ratio.to_bits(), std::f64::consts::PI.to_bits());
    assert_eq!(Color::BLUE, Color(8));
    assert_eq!(Color::default(), Color::RED, "the first enumerator is the default");
}

#[test]
fn every_type_survives_a_round_trip() {
    let point = |x| Point {
        x,
        y: f64::from(x) / 3.0,
        note: format!("point {x}"),
    };
    let value = Everything {
        flag: true,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        f32: f32::MIN_POSITIVE,
        f64: f64::MAX,
        text: String::new(),
        raw: Raw::from(vec![0u8; 300]),
        color: Color(99),
        point: point(1),
        points: vec![point(2), point(3)],
        rows: vec![vec![], vec!["a".into(), String::new()]],
        by_number: BTreeMap::from([(-1, vec![point(4)]), (70000, vec![])]),
        by_point: BTreeMap::from([(point(5), "five".into()), (point(6), "six".into())]),
        by_float: vec![(1.5, true), (-0.0, false)],
        nested: BTreeMap::from([(Color::RED, BTreeMap::from([("k".into(), i64::MAX)]))]),
        tree: Tree {
            value: 1,
            children: vec![Tree {
                value: 2,
                children: vec![Tree::default()],
            }],
        },
        r#type: 0,
        ratio: 0.0,
        far_tag: "beyond the short head".into(),
    };
    let bytes = codec::encode(&value).unwrap();
    assert_eq!(codec::decode::<Everything>(&bytes, &Limits::default()).unwrap(), value);
    assert_eq!(Color(99).name(), None, "an unknown number survives without a name");
}
