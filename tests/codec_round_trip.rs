//! What is written is read, for every type of the IDL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec_types;

use codec_types::{Everything, Level, Tree, Vectors};
use proptest::prelude::*;
use tars::TarsStruct;
use tars::bytes::Bytes;
use tars::codec::{self, Limits, Struct, Total};

/// Knows nothing of what stands in front of its field.
#[derive(Debug, PartialEq, TarsStruct)]
struct Last {
    #[tars(tag = 255)]
    number: i32,
}

#[derive(Debug, TarsStruct)]
struct WithLast {
    #[tars(tag = 254, require)]
    skipped: Vec<Everything>,
    #[tars(tag = 255)]
    number: i32,
}

fn decode<T: Struct>(bytes: &[u8]) -> T {
    codec::decode(bytes, &Limits::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_value_comes_back(value in codec_types::everything()) {
        let bytes = codec::encode(&value).unwrap();
        let copied: Everything = decode(&bytes);
        // By bits, so that a float that is not a number equals itself.
        prop_assert!(copied.compare(&value).is_eq(), "{copied:?}");
        prop_assert_eq!(codec::encode(&copied).unwrap().len(), bytes.len());
        let shared: Everything = codec::decode_bytes(&Bytes::from(bytes), &Limits::default()).unwrap();
        prop_assert!(shared.compare(&value).is_eq(), "{shared:?}");
    }

    #[test]
    fn every_value_can_be_skipped(value in codec_types::everything(), number in any::<i32>()) {
        let bytes = codec::encode(&WithLast { skipped: vec![value], number }).unwrap();
        prop_assert_eq!(decode::<Last>(&bytes), Last { number });
    }

    #[test]
    fn every_cut_is_an_error_or_a_shorter_message(value in codec_types::vectors(), cut in any::<prop::sample::Index>()) {
        let bytes = codec::encode(&value).unwrap();
        let _ = codec::decode::<Vectors>(&bytes[..cut.index(bytes.len())], &Limits::default());
    }

    #[test]
    fn keyed_structs_are_ordered_by_their_key(left in codec_types::keyed(), right in codec_types::keyed()) {
        let by_key = left.name.cmp(&right.name).then(left.weight.total_cmp(&right.weight));
        if by_key.is_ne() {
            prop_assert_eq!(left.cmp(&right), by_key);
        }
        prop_assert_eq!(left == right, codec::encode(&left).unwrap() == codec::encode(&right).unwrap());
    }
}

#[test]
fn defaults_take_no_bytes_but_for_bool_enum_and_struct() {
    assert_eq!(codec::encode(&codec_types::Maps::default()).unwrap(), [0x38, 0x0c]);
    // bool 0 and enum 7.
    assert_eq!(
        codec::encode(&codec_types::Defaults::default()).unwrap(),
        [0x00, 1, 0x70, 7]
    );
    assert_eq!(decode::<codec_types::Defaults>(&[]), codec_types::Defaults::default());
}

#[test]
fn unknown_enum_numbers_survive() {
    assert_eq!(format!("{:?} {:?}", Level::HIGH, Level(8)), "high Level(8)");
    assert_eq!(Level::HIGH.name(), Some("high"));
    assert_eq!(Level(8).name(), None);
}

fn chain(length: usize) -> Tree {
    let mut tree = Tree::default();
    for _ in 0..length {
        tree = Tree {
            children: vec![tree],
            ..Tree::default()
        };
    }
    tree
}

/// Each level is a list and a struct in it.
#[test]
fn depth_is_limited_both_ways() {
    let deep = codec::encode(&chain(50)).unwrap();
    assert_eq!(decode::<Tree>(&deep), chain(50));
    let error = codec::encode(&chain(51)).unwrap_err().to_string();
    assert_eq!(
        error,
        "Tree (tag 1): more than 100 structs, lists and maps inside each other"
    );
    let limits = Limits {
        max_depth: 99,
        ..Limits::default()
    };
    let error = codec::decode::<Tree>(&deep, &limits).unwrap_err();
    assert!(error.is_limit());
    let text = error.to_string();
    assert!(text.starts_with("Tree.children..[0].children[0]"), "{text}");
    assert!(text.contains("more than 99 structs"), "{text}");
}

#[test]
fn memory_is_limited() {
    let value = Vectors {
        texts: vec!["a".repeat(1000); 3],
        ..Vectors::default()
    };
    let bytes = codec::encode(&value).unwrap();
    let limits = |max_decoded_bytes| Limits {
        max_decoded_bytes,
        ..Limits::default()
    };
    let enough = 3 * (1000 + size_of::<String>());
    assert_eq!(codec::decode::<Vectors>(&bytes, &limits(enough)).unwrap(), value);
    let error = codec::decode::<Vectors>(&bytes, &limits(enough - 1)).unwrap_err();
    assert!(error.is_limit());
    let text = "Vectors.texts[2] (tag 6): decoded value takes more than the 3071 bytes of memory allowed at byte 3020";
    assert_eq!(error.to_string(), text);
}
