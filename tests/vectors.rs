//! Golden bytes, checked against `TarsCpp` and `@tars/stream`, and malformed inputs that break other implementations.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;

use serde::Deserialize;
use tars::bytes::Bytes;
use tars::codec::{self, DecodeError, Limits, Struct};
use tars::{ByteString, TarsStruct};

#[derive(Deserialize)]
struct Vectors {
    encodings: Vec<Vector>,
    malformed: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    hex: String,
    /// How often the bytes are repeated.
    #[serde(default = "once")]
    repeat: usize,
}

fn once() -> usize {
    1
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        let digits = self.hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        bytes.repeat(self.repeat)
    }
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A vector's name and what its bytes are held against.
type Check = (&'static str, fn(&[u8]));

/// Runs every vector through the check of its name. A vector without a check, or a check without a vector, is a failure.
fn run(vectors: &[Vector], checks: &[Check]) {
    let in_file: BTreeSet<_> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    let in_code: BTreeSet<_> = checks.iter().map(|(name, _)| *name).collect();
    assert_eq!(in_file, in_code);
    for (name, check) in checks {
        check(&vectors.iter().find(|vector| vector.name == *name).unwrap().bytes());
    }
}

fn decode<T: Struct>(bytes: &[u8]) -> Result<T, DecodeError> {
    codec::decode(bytes, &Limits::default())
}

/// The bytes decode to the value, and the value encodes to the bytes.
#[track_caller]
fn both_ways<T: Struct + PartialEq + Debug>(bytes: &[u8], value: &T) {
    assert_eq!(&decode::<T>(bytes).unwrap(), value);
    assert_eq!(codec::encode(value).unwrap(), bytes);
}

/// The bytes decode to the value, whose own encoding is shorter and decodes to it as well.
#[track_caller]
fn one_way<T: Struct + PartialEq + Debug>(bytes: &[u8], value: &T) {
    assert_eq!(&decode::<T>(bytes).unwrap(), value);
    let own = codec::encode(value).unwrap();
    assert_ne!(own, bytes);
    assert_eq!(&decode::<T>(&own).unwrap(), value);
}

/// Takes the length in front of a packet away, after holding it against the packet.
fn unframed(packet: &[u8]) -> &[u8] {
    let (length, body) = packet.split_first_chunk().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, packet.len());
    body
}

/// One required field with tag 0.
macro_rules! only {
    ($name:ident, $tag:literal, $ty:ty) => {
        #[derive(Clone, Debug, PartialEq, TarsStruct)]
        struct $name {
            #[tars(tag = $tag, require)]
            value: $ty,
        }
    };
}

only!(OnlyText, 0, String);
only!(OnlyBytes, 3, Bytes);
only!(OnlyMap, 0, BTreeMap<String, String>);
only!(OnlyInts, 0, Vec<i32>);
only!(OnlyUnsignedBytes, 0, Vec<u8>);
only!(OnlyBools, 0, Vec<bool>);
only!(OnlyBool, 0, bool);
only!(OnlyByte, 0, i8);
only!(OnlyDouble, 0, f64);
only!(OnlyUnsignedInt, 0, u32);
only!(OnlyOuter, 0, Outer);
only!(OnlyArguments, 0, BTreeMap<String, Bytes>);
only!(FirstText, 1, String);

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Integers {
    #[tars(tag = 0, require)]
    zero: i8,
    #[tars(tag = 1, require)]
    byte: i8,
    #[tars(tag = 2, require)]
    short_as_byte: i16,
    #[tars(tag = 3, require)]
    short: i16,
    #[tars(tag = 4, require)]
    int: i32,
    #[tars(tag = 5, require)]
    int_as_short: i32,
    #[tars(tag = 6, require)]
    long: i64,
    #[tars(tag = 7, require)]
    long_as_byte: i64,
    #[tars(tag = 8, require)]
    yes: bool,
    #[tars(tag = 9, require)]
    no: bool,
    #[tars(tag = 10, require)]
    unsigned_byte: u8,
    #[tars(tag = 11, require)]
    unsigned_short: u16,
    #[tars(tag = 12, require)]
    unsigned_int: u32,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Floats {
    #[tars(tag = 0, require)]
    float: f32,
    #[tars(tag = 1, require)]
    double: f64,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Texts {
    #[tars(tag = 0, require)]
    empty: String,
    #[tars(tag = 1, require)]
    ascii: String,
    #[tars(tag = 2, require)]
    chinese: String,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Outer {
    #[tars(tag = 1, require)]
    inner: Inner,
    #[tars(tag = 2, require)]
    number: i64,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Inner {
    #[tars(tag = 0, require)]
    number: i32,
    #[tars(tag = 1, require)]
    text: String,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Optionals {
    #[tars(tag = 1, require)]
    a: i32,
    #[tars(tag = 2)]
    b: String,
    #[tars(tag = 3)]
    c: BTreeMap<String, String>,
    #[tars(tag = 4)]
    d: bool,
    #[tars(tag = 5)]
    e: f32,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Request {
    #[tars(tag = 1, require)]
    version: i16,
    #[tars(tag = 2, require)]
    packet_type: i8,
    #[tars(tag = 3, require)]
    message_type: i32,
    #[tars(tag = 4, require)]
    id: i32,
    #[tars(tag = 5, require)]
    servant: String,
    #[tars(tag = 6, require)]
    function: String,
    #[tars(tag = 7, require)]
    body: Bytes,
    #[tars(tag = 8, require)]
    timeout: i32,
    #[tars(tag = 9, require)]
    context: BTreeMap<ByteString, ByteString>,
    #[tars(tag = 10, require)]
    status: BTreeMap<ByteString, ByteString>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Response {
    #[tars(tag = 1, require)]
    version: i16,
    #[tars(tag = 2, require)]
    packet_type: i8,
    #[tars(tag = 3, require)]
    id: i32,
    #[tars(tag = 4, require)]
    message_type: i32,
    #[tars(tag = 5, require)]
    ret: i32,
    #[tars(tag = 6, require)]
    body: Bytes,
    #[tars(tag = 7, require)]
    status: BTreeMap<ByteString, ByteString>,
    #[tars(tag = 8)]
    description: String,
    #[tars(tag = 9)]
    context: BTreeMap<ByteString, ByteString>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct SayHelloReply {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 2, require)]
    greeting: String,
}

fn request(version: i16, id: i32, function: &str, body: &[u8], timeout: i32) -> Request {
    Request {
        version,
        id,
        servant: "Test.HelloServer.HelloObj".to_owned(),
        function: function.to_owned(),
        body: Bytes::copy_from_slice(body),
        timeout,
        ..Request::default()
    }
}

fn text_map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn at_default() -> Optionals {
    Optionals {
        a: 5,
        ..Optionals::default()
    }
}

fn integers(bytes: &[u8]) {
    let value = Integers {
        zero: 0,
        byte: -1,
        short_as_byte: 127,
        short: -129,
        int: 32768,
        int_as_short: -32768,
        long: 2_147_483_648,
        long_as_byte: -5,
        yes: true,
        no: false,
        unsigned_byte: 200,
        unsigned_short: 65535,
        unsigned_int: u32::MAX,
    };
    both_ways(bytes, &value);
}

fn say_hello(bytes: &[u8]) {
    let body = codec::encode(&FirstText {
        value: "world".to_owned(),
    })
    .unwrap();
    both_ways(unframed(bytes), &request(1, 1, "sayHello", &body, 3000));
}

fn node_response(bytes: &[u8]) {
    let reply = SayHelloReply {
        ret: 0,
        greeting: "hello world".to_owned(),
    };
    let body = codec::encode(&reply).unwrap().into();
    one_way(
        unframed(bytes),
        &Response {
            version: 1,
            id: 1,
            body,
            ..Response::default()
        },
    );
}

fn tup_body(bytes: &[u8]) {
    let argument = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let name = codec::encode(&OnlyText {
        value: "world".to_owned(),
    })
    .unwrap();
    let value = [
        ("n".to_owned(), argument(&[0, 5])),
        ("name".to_owned(), argument(&name)),
    ];
    both_ways(bytes, &OnlyArguments { value: value.into() });
}

/// Numbers and strings.
const SCALARS: &[Check] = &[
    ("integer narrowing and unsigned types", integers),
    ("float and double", |bytes| {
        both_ways(
            bytes,
            &Floats {
                float: 1.5,
                double: -2.25,
            },
        );
    }),
    ("float/double zero (C++/Go/Java form)", |bytes| {
        both_ways(bytes, &Floats::default());
    }),
    ("string1", |bytes| {
        let value = Texts {
            empty: String::new(),
            ascii: "tars".to_owned(),
            chinese: "\u{4e2d}".to_owned(),
        };
        both_ways(bytes, &value);
    }),
    ("string4", |bytes| {
        both_ways(bytes, &OnlyText { value: "a".repeat(256) });
    }),
];

/// Vectors, maps, structs and defaults.
const CONTAINERS: &[Check] = &[
    ("vector<byte>", |bytes| {
        both_ways(
            bytes,
            &OnlyBytes {
                value: Bytes::from_static(&[1, 2, 0xff]),
            },
        );
    }),
    ("empty vector<byte>", |bytes| both_ways(bytes, &OnlyBytes::default())),
    ("map<string,string>", |bytes| {
        both_ways(
            bytes,
            &OnlyMap {
                value: text_map(&[("a", "1"), ("b", "")]),
            },
        );
    }),
    ("vector<int>", |bytes| {
        both_ways(
            bytes,
            &OnlyInts {
                value: vec![0, 1, 300, -70000],
            },
        );
    }),
    ("vector<unsigned byte>", |bytes| {
        both_ways(bytes, &OnlyUnsignedBytes { value: vec![0, 1, 200] });
    }),
    ("vector<bool>", |bytes| {
        both_ways(
            bytes,
            &OnlyBools {
                value: vec![true, false],
            },
        );
    }),
    ("nested struct", |bytes| {
        let inner = Inner {
            number: 7,
            text: "x".to_owned(),
        };
        both_ways(
            bytes,
            &OnlyOuter {
                value: Outer { inner, number: 300 },
            },
        );
    }),
    ("optional members at default: Go", |bytes| {
        one_way_to(bytes, &at_default(), &[0x10, 5, 0x4c]);
    }),
    ("optional members at default: Node", |bytes| {
        one_way_to(bytes, &at_default(), &[0x10, 5, 0x4c]);
    }),
];

/// What travels between clients and servers.
const PACKETS: &[Check] = &[
    ("TARS request", say_hello),
    ("TARS response (Node form)", node_response),
    ("no-function error response", |bytes| {
        let value = Response {
            version: 1,
            id: 1,
            ret: -3,
            ..Response::default()
        };
        both_ways(unframed(bytes), &value);
    }),
    ("ping request", |bytes| {
        both_ways(unframed(bytes), &request(1, 2, "tars_ping", &[], 5000));
    }),
    ("TUP v3 body, sorted keys", tup_body),
    ("JSON request", |bytes| {
        both_ways(
            unframed(bytes),
            &request(5, 5, "sayHello", br#"{"name":"world"}"#, 3000),
        );
    }),
];

#[test]
fn golden_bytes() {
    run(&vectors().encodings, &[SCALARS, CONTAINERS, PACKETS].concat());
}

/// As [`one_way`], with the bytes that are written instead: bool always, the other members only when they are not at their default.
#[track_caller]
fn one_way_to<T: Struct + PartialEq + Debug>(bytes: &[u8], value: &T, own: &[u8]) {
    one_way(bytes, value);
    assert_eq!(codec::encode(value).unwrap(), own);
}

#[track_caller]
fn refused<T: Struct + Debug>(bytes: &[u8], text: &str) {
    assert_eq!(decode::<T>(bytes).unwrap_err().to_string(), text);
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Nest {
    #[tars(tag = 0)]
    inner: Vec<Nest>,
    #[tars(tag = 1)]
    number: i32,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct OutOfOrder {
    #[tars(tag = 0, presence)]
    first: Option<i32>,
    #[tars(tag = 1, presence)]
    second: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct ThirdOptional {
    #[tars(tag = 3)]
    value: i32,
}

fn nested_begins(bytes: &[u8]) {
    let text = "ThirdOptional.value (tag 3): more than 100 structs, lists and maps inside each other at byte 101";
    refused::<ThirdOptional>(bytes, text);
    refused::<Nest>(bytes, "Nest.inner (tag 0): expected list, found a struct at byte 0");
    assert!(decode::<OnlyOuter>(bytes).is_err());
}

#[test]
fn malformed_inputs() {
    let checks: &[Check] = &[
        ("nested struct begins", nested_begins),
        ("huge list count", |bytes| {
            let text = "OnlyInts.value (tag 0): count 2147483647 is more than the 0 bytes left can hold at byte 1";
            refused::<OnlyInts>(bytes, text);
        }),
        ("truncated string", |bytes| {
            refused::<OnlyText>(bytes, "OnlyText.value (tag 0): 5 bytes needed, 1 left at byte 2");
        }),
        ("trailing bytes", |bytes| {
            assert_eq!(decode::<OnlyByte>(bytes).unwrap(), OnlyByte { value: 1 });
        }),
        ("bool from byte 2", |bytes| {
            assert_eq!(decode::<OnlyBool>(bytes).unwrap(), OnlyBool { value: true });
        }),
        ("double from float", |bytes| {
            assert_eq!(decode::<OnlyDouble>(bytes).unwrap(), OnlyDouble { value: 1.5 });
        }),
        ("fields out of order", |bytes| {
            assert_eq!(
                decode::<OutOfOrder>(bytes).unwrap(),
                OutOfOrder {
                    first: None,
                    second: Some(1)
                }
            );
        }),
        ("unassigned type before an optional field", |bytes| {
            refused::<ThirdOptional>(
                bytes,
                "ThirdOptional.value (tag 3): found the unassigned type 14 at byte 0",
            );
        }),
        ("unsigned int from byte -1", |bytes| {
            let text = "OnlyUnsignedInt.value (tag 0): -1 is out of range for unsigned int at byte 2";
            refused::<OnlyUnsignedInt>(bytes, text);
        }),
    ];
    run(&vectors().malformed, checks);
}
