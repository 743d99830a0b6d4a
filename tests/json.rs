//! JSON of every type of the IDL: what is written, what is read, and what errors say.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec_types;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use codec_types::{Defaults, Everything, Keyed, Level, Maps, Scalars, Tree, Vectors};
use proptest::prelude::*;
use tars::bytes::Bytes;
use tars::codec::{Limits, Total};
use tars::json::{self, FromJson, ToJson};
use tars::{ByteString, TarsStruct};

/// Members of one type each, to be read from short texts.
#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Few {
    #[tars(tag = 0)]
    int: i32,
    #[tars(tag = 1)]
    long: i64,
    #[tars(tag = 2)]
    unsigned_byte: u8,
    #[tars(tag = 3)]
    unsigned_int: u32,
    #[tars(tag = 4)]
    double: f64,
    #[tars(tag = 5)]
    raw: Bytes,
    #[tars(tag = 6)]
    level: Level,
    #[tars(tag = 7, default = "none", max_len = 4)]
    text: String,
    #[tars(tag = 8, presence)]
    number: Option<i32>,
    #[tars(tag = 9)]
    bools: BTreeMap<bool, Level>,
    #[tars(tag = 10)]
    levels: Vec<(Level, i8)>,
    #[tars(tag = 11, name = "inner")]
    needy: Vec<Needy>,
    #[tars(tag = 12)]
    needy_keys: BTreeMap<Needy, i8>,
}

#[derive(Clone, Debug, TarsStruct)]
#[tars(key(x))]
struct Needy {
    #[tars(tag = 3, require)]
    x: i16,
}

/// As the compiler writes the reply of an operation.
#[derive(Debug, PartialEq, TarsStruct)]
struct AddReply {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 3, require)]
    c: i32,
    #[tars(tag = 4, require)]
    z: String,
}

fn read<T: FromJson>(text: &str) -> Result<T, String> {
    json::from_slice(text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())
}

fn refused<T: FromJson + Debug>(text: &str) -> String {
    read::<T>(text).unwrap_err()
}

fn written<T: ToJson>(value: &T) -> String {
    json::to_string(value).unwrap()
}

fn needy(x: i16) -> Needy {
    Needy { x }
}

#[test]
fn exact_texts() {
    let cases: &[(String, &str)] = &[
        (
            written(&Scalars::default()),
            r#"{"bool_":false,"byte":0,"short":0,"int":0,"long":0,"unsigned_byte":0,"unsigned_short":0,"unsigned_int":0,"float":0.0,"double":0.0,"level":-3}"#,
        ),
        (
            written(&Defaults::default()),
            r#"{"bool_":true,"byte":-5,"unsigned_int":4294967295,"float":1.0,"double":-0.0,"text":"active","bytes":"中","level":7}"#,
        ),
        (
            written(&Vectors {
                raw: Bytes::from_static(&[0, 127, 128, 255]),
                signed: vec![-1, 1],
                unsigned: vec![255],
                number: Some(0),
                maps: vec![BTreeMap::from([("a".to_owned(), 1)])],
                ..Vectors::default()
            }),
            r#"{"raw":[0,127,-128,-1],"signed":[-1,1],"unsigned":[255],"bools":[],"nested":[],"raws":[],"texts":[],"structs":[],"levels":[],"bounded":[],"number":0,"maps":[{"a":1}]}"#,
        ),
        (
            written(&Maps {
                bools: BTreeMap::from([(true, "\"\\/\n\u{1}".to_owned())]),
                shorts: BTreeMap::from([(-1, 1), (2, 2)]),
                byte_texts: BTreeMap::from([("k".into(), ByteString::from(&b"a\xffb"[..]))]),
                levels: BTreeMap::from([(Level::HIGH, Keyed::default())]),
                structs: BTreeMap::from([(Keyed::default(), Level(9))]),
                pairs: vec![(1.5, "b".to_owned()), (1.5, "a".to_owned())],
                ..Maps::default()
            }),
            concat!(
                r#"{"bools":{"true":"\"\\/\n\u0001"},"bytes":{},"shorts":{"-1":1,"2":2},"ints":{},"longs":{},"unsigned":{},"texts":{},"#,
                r#""byte_texts":{"k":"a"#,
                "\u{fffd}",
                r#"b"},"levels":{"7":{"weight":0.0,"name":"","scores":[]}},"#,
                r#""structs":{"{\"weight\":0.0,\"name\":\"\",\"scores\":[]}":9},"pairs":{"1.5":"b","1.5":"a"},"hashed":{}}"#
            ),
        ),
        (written(&f64::NAN), "null"),
        (written(&vec![f32::INFINITY, -0.0, 1e30]), "[null,-0.0,1e+30]"),
        (written(&i64::MIN), "-9223372036854775808"),
        (written(&HashMap::from([("k".to_owned(), 1_u16)])), r#"{"k":1}"#),
        (written(&Tree::default()), r#"{"number":0,"children":[],"named":{}}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(text, expected);
    }
}

#[test]
fn a_return_value_comes_behind_the_out_parameters() {
    let reply = AddReply {
        ret: 0,
        c: 3,
        z: String::new(),
    };
    assert_eq!(written(&reply), r#"{"c":3,"z":"","tars_ret":0}"#);
    assert_eq!(read(r#"{"c":3,"z":"","tars_ret":0}"#), Ok(reply));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_read() {
    let few = Few::default;
    let cases: Vec<(&str, Few)> = vec![
        ("{}", few()),
        (" \t\r\n{ } ", few()),
        (r#"{"int":3.0}"#, Few { int: 3, ..few() }),
        (r#"{"int":-12.5e1}"#, Few { int: -125, ..few() }),
        (r#"{"int":1,"int":2}"#, Few { int: 2, ..few() }),
        (r#"{"int":1,"int":null}"#, few()),
        (r#"{"\u0069nt":1}"#, Few { int: 1, ..few() }),
        (
            r#"{"Int":1,"other":{"a":[1,{"b":"}"}],"c":null},"more":[[],{}]}"#,
            few(),
        ),
        (
            r#"{"long":"-9223372036854775808"}"#,
            Few {
                long: i64::MIN,
                ..few()
            },
        ),
        (
            r#"{"unsigned_int":"4294967295"}"#,
            Few {
                unsigned_int: u32::MAX,
                ..few()
            },
        ),
        (
            r#"{"raw":[-128,255,0,1]}"#,
            Few {
                raw: vec![128, 255, 0, 1].into(),
                ..few()
            },
        ),
        (
            r#"{"raw":"gP8AAQ=="}"#,
            Few {
                raw: vec![128, 255, 0, 1].into(),
                ..few()
            },
        ),
        (
            r#"{"raw":"gP8AAQ"}"#,
            Few {
                raw: vec![128, 255, 0, 1].into(),
                ..few()
            },
        ),
        (
            r#"{"raw":null,"bools":null,"levels":null,"inner":null,"text":null,"level":null}"#,
            few(),
        ),
        (
            r#"{"level":"high"}"#,
            Few {
                level: Level::HIGH,
                ..few()
            },
        ),
        (
            r#"{"level":12}"#,
            Few {
                level: Level(12),
                ..few()
            },
        ),
        (r#"{"number":null}"#, few()),
        (
            r#"{"number":0}"#,
            Few {
                number: Some(0),
                ..few()
            },
        ),
        (
            r#"{"bools":{"true":1,"0":2}}"#,
            Few {
                bools: BTreeMap::from([(true, Level(1)), (false, Level(2))]),
                ..few()
            },
        ),
        (
            r#"{"levels":{"LOW":1,"-3":2,"LOW":3}}"#,
            Few {
                levels: vec![(Level::LOW, 1), (Level::LOW, 2), (Level::LOW, 3)],
                ..few()
            },
        ),
        (
            r#"{"inner":[{"x":1}],"needy_keys":{"{\"x\":2}":3}}"#,
            Few {
                needy: vec![needy(1)],
                needy_keys: BTreeMap::from([(needy(2), 3)]),
                ..few()
            },
        ),
    ];
    for (text, value) in cases {
        assert_eq!(read::<Few>(text), Ok(value), "{text}");
    }
    assert!(read::<Few>(r#"{"double":null}"#).unwrap().double.is_nan());
    assert_eq!(read("[1e2, -0.0, 0.1]"), Ok(vec![100.0, -0.0, 0.1_f32]));
    assert_eq!(read::<Vec<u8>>(r#""/w==""#), Ok(vec![255]));
    assert_eq!(read::<Vec<i8>>("[200,-1]"), Ok(vec![-56, -1]));
    let bytes = json::from_slice::<ByteString>(b"\"a\xff\"", &Limits::default()).unwrap();
    assert_eq!(bytes, ByteString::from(&b"a\xff"[..]));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_name_the_path_and_what_was_expected() {
    for (text, error) in [
        ("", "expected an object, found the end of the text at byte 0"),
        ("[]", "expected an object, found an array at byte 0"),
        ("{} {}", "expected the end of the text, found an object at byte 3"),
        (
            r#"{"int":1"#,
            "expected `,` or `}`, found the end of the text at byte 8",
        ),
        (r#"{"int":1,}"#, "expected a key, found `}` at byte 9"),
        (r#"{"int" 1}"#, "expected `:`, found a number at byte 7"),
        (
            "{int:1}",
            "expected a key, found a character that means nothing here at byte 1",
        ),
        (r#"{"int":}"#, "int: expected int, found `}` at byte 7"),
        (r#"{"int":"1"}"#, "int: expected int, found a string at byte 7"),
        (
            r#"{"int":1.5}"#,
            "int: expected int, found a number with a fraction at byte 7",
        ),
        (
            r#"{"int": 2147483648}"#,
            "int: 2147483648 is out of range for int at byte 8",
        ),
        (
            r#"{"int":01}"#,
            "int: expected a number, found one that begins with 0 at byte 7",
        ),
        (r#"{"int":1.}"#, "int: expected a digit, found `}` at byte 9"),
        (r#"{"int":-}"#, "int: expected a digit, found `}` at byte 8"),
        (
            r#"{"long":9223372036854775808}"#,
            "long: the number is out of range for long at byte 8",
        ),
        (
            r#"{"long":"9223372036854775808"}"#,
            "long: the number is out of range for long at byte 8",
        ),
        (
            r#"{"long":"1x"}"#,
            "long: expected long, found a string that is no number at byte 8",
        ),
        (
            r#"{"unsigned_byte":-1}"#,
            "unsigned_byte: -1 is out of range for unsigned byte at byte 17",
        ),
        (
            r#"{"double":1e999}"#,
            "double: the number is out of range for double at byte 10",
        ),
        (
            r#"{"double":nul}"#,
            "double: expected a value, found an unknown word at byte 10",
        ),
        (r#"{"raw":[1,256]}"#, "raw[1]: 256 is out of range for byte at byte 13"),
        (
            r#"{"raw":"%"}"#,
            "raw: expected an array of bytes or base64, found a string that is not base64 at byte 7",
        ),
        (
            r#"{"level":"MIDDLE"}"#,
            "level: `MIDDLE` is not a value of `Level`, expected one of `LOW`, `high` at byte 9",
        ),
        (
            r#"{"text":"abcde"}"#,
            "text: length 5 is more than the 4 allowed at byte 15",
        ),
        (
            r#"{"text":"\ud800"}"#,
            "text: expected an escape of JSON, found another one, or half of a surrogate pair at byte 9",
        ),
        (
            "{\"text\":\"a\nb\"}",
            "text: expected a string, found a control character in it at byte 10",
        ),
        (
            r#"{"text":"a"#,
            "text: expected the end of a string, found the end of the text at byte 10",
        ),
        (
            r#"{"bools":{"yes":1}}"#,
            r#"bools[key "yes"]: expected bool, found another key at byte 16"#,
        ),
        (
            r#"{"bools":{"true":"x"}}"#,
            r#"bools["true"]: `x` is not a value of `Level`, expected one of `LOW`, `high` at byte 17"#,
        ),
        (
            r#"{"inner":[{"x":1},{}]}"#,
            "inner[1].x: required field is missing at byte 20",
        ),
        (
            r#"{"inner":[{"x":null}]}"#,
            "inner[0].x: expected short, found null at byte 15",
        ),
        (
            r#"{"needy_keys":{"{\"x\":\"a\"}":1}}"#,
            r#"needy_keys[key "{\"x\":\"a\"}"].x: expected short, found a string at byte 31"#,
        ),
        (r#"{"unknown":[1,}"#, "expected a value, found `}` at byte 14"),
        (r#"{"unknown":[1}"#, "expected `,` or `]`, found `}` at byte 13"),
        (
            "{\"unknown\":\u{1}}",
            "expected a value, found a character that means nothing here at byte 11",
        ),
    ] {
        assert_eq!(refused::<Few>(text), error, "{text}");
    }
    let error = json::from_slice::<String>(b"\"a\xff\"", &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "string is not UTF-8 after its first 1 bytes at byte 4"
    );
}

#[test]
fn values_too_long_are_not_written() {
    let value = Few {
        text: "abcde".to_owned(),
        ..Few::default()
    };
    let error = json::to_string(&vec![value]).unwrap_err();
    assert_eq!(error.to_string(), "Few.text: length 5 is more than the 4 allowed");
}

#[test]
fn serde_reads_and_writes_the_same() {
    let value = Few {
        int: 7,
        raw: Bytes::from_static(&[200]),
        double: f64::NAN,
        levels: vec![(Level::LOW, 1), (Level::LOW, 2)],
        needy_keys: BTreeMap::from([(needy(2), 3)]),
        ..Few::default()
    };
    let text = serde_json::to_string(&value).unwrap();
    assert_eq!(text, written(&value));
    let copy: Few = serde_json::from_str(&text).unwrap();
    assert!(copy.compare(&value).is_eq(), "{copy:?}");
    assert_eq!(serde_json::from_str::<Level>("\"high\"").unwrap(), Level::HIGH);

    let error = serde_json::from_str::<Vec<Few>>(r#"[{"inner":[{"x":"a"}]}]"#).unwrap_err();
    let text = "inner[0].x: expected short, found a string";
    assert!(error.to_string().starts_with(text), "{error}");
    let entries = [
        (serde_json::json!("int"), serde_json::json!(3.0)),
        (serde_json::json!("text"), serde_json::json!("x")),
    ];
    let value: serde_json::Value = entries
        .into_iter()
        .map(|(key, value)| (key.as_str().unwrap().to_owned(), value))
        .collect();
    assert_eq!(
        serde_json::from_value::<Few>(value).unwrap(),
        Few {
            int: 3,
            text: "x".to_owned(),
            ..Few::default()
        }
    );
}

/// Replaces what JSON cannot hold: numbers that are not finite, and bytes that are not text.
fn tame(mut value: Everything) -> Everything {
    let float = |float: &mut f32| {
        if !float.is_finite() {
            *float = f32::NAN;
        }
    };
    let double = |double: &mut f64| {
        if !double.is_finite() {
            *double = f64::NAN;
        }
    };
    let keyed = |keyed: &mut Keyed| {
        float(&mut keyed.weight);
        keyed.scores.iter_mut().for_each(double);
    };
    float(&mut value.scalars.float);
    double(&mut value.scalars.double);
    float(&mut value.defaults.float);
    double(&mut value.defaults.double);
    value.vectors.structs.iter_mut().for_each(keyed);
    let maps = &mut value.maps;
    maps.longs.values_mut().for_each(double);
    maps.levels.values_mut().for_each(keyed);
    maps.hashed.values_mut().for_each(keyed);
    for (key, _) in &mut maps.pairs {
        if key.is_nan() {
            *key = f32::NAN;
        }
    }
    let structs = std::mem::take(&mut maps.structs).into_iter();
    maps.structs = structs
        .map(|(mut key, value)| {
            keyed(&mut key);
            (key, value)
        })
        .collect();
    let text = |text: &ByteString| ByteString::from(&*text.to_string_lossy());
    maps.byte_texts = maps
        .byte_texts
        .iter()
        .map(|(key, value)| (text(key), text(value)))
        .collect();
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_value_comes_back(value in codec_types::everything()) {
        let value = tame(value);
        let text = json::to_vec(&value).unwrap();
        let copy: Everything = json::from_slice(&text, &Limits::default()).unwrap();
        prop_assert!(copy.compare(&value).is_eq(), "{copy:?}\n{value:?}");
        // Another reader takes it for JSON too.
        let parsed: serde_json::Value = serde_json::from_slice(&text).unwrap();
        prop_assert!(parsed.is_object());
    }

    #[test]
    fn every_cut_is_an_error(value in codec_types::vectors(), cut in any::<prop::sample::Index>()) {
        let text = json::to_vec(&value).unwrap();
        prop_assert!(json::from_slice::<Vectors>(&text[..cut.index(text.len())], &Limits::default()).is_err());
    }
}
