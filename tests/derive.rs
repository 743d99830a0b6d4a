//! What the derives promise besides the codec: names, defaults, orders, and output that meets nothing of its user's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use tars::codec::{self, Limits, Struct};
use tars::{ByteString, TarsStruct};

/// Nothing the output names may come from its surroundings, and it must not trip over strict lints.
mod hygiene {
    #![deny(
        missing_docs,
        unused,
        clippy::all,
        clippy::pedantic,
        reason = "the output is clean for strict users"
    )]
    #![allow(dead_code, non_camel_case_types, reason = "decoys")]

    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Default;
    pub(super) struct From;
    pub(super) struct str;
    pub(super) struct u8;
    pub(super) struct usize;
    pub(super) struct bool;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod tars {}

    /// A struct with a field of each kind.
    #[derive(Clone, Debug, ::tars::TarsStruct)]
    #[tars(key(r#type))]
    pub(super) struct Strict {
        /// With a name that is a keyword.
        #[tars(tag = 0, require)]
        pub(super) r#type: i32,
        /// Left out at its default.
        #[tars(tag = 1, default = "text", max_len = 5)]
        pub(super) text: ::std::string::String,
        /// Told apart from its default.
        #[tars(tag = 2, presence, max_len = 2)]
        pub(super) present: ::std::option::Option<::std::vec::Vec<i32>>,
        /// An enum.
        #[tars(tag = 3, default = Color::GREEN)]
        pub(super) color: Color,
        /// A number.
        #[tars(tag = 4, default = -1)]
        pub(super) number: f64,
    }

    /// An enum.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::tars::TarsEnum)]
    #[tars(name = "COLOR", values(RED, GREEN = "green", ALSO_GREEN))]
    pub(super) struct Color(pub(super) i32);

    impl Color {
        /// Red.
        pub(super) const RED: Self = Self(1);
        /// Green.
        pub(super) const GREEN: Self = Self(2);
        /// Green again.
        pub(super) const ALSO_GREEN: Self = Self(2);
    }

    /// A struct without fields.
    #[derive(Clone, Debug, PartialEq, ::tars::TarsStruct)]
    pub(super) struct Empty {}
}

use hygiene::{Color, Empty, Strict};

fn decode<T: Struct>(bytes: &[u8]) -> Result<T, String> {
    codec::decode(bytes, &Limits::default()).map_err(|error| error.to_string())
}

#[test]
fn defaults_come_from_the_attributes() {
    let value = Strict::default();
    assert_eq!((value.r#type, value.text.as_str(), value.number), (0, "text", -1.0));
    assert_eq!((value.present, value.color), (None, Color::GREEN));
    assert_eq!(Color::default(), Color::RED);
}

#[test]
fn only_what_differs_from_its_default_is_written() {
    let value = Strict::default();
    // The requirement and the enum.
    assert_eq!(codec::encode(&value).unwrap(), [0x0c, 0x30, 2]);
    let value = Strict {
        text: String::new(),
        present: Some(vec![]),
        number: 0.0,
        ..value
    };
    let bytes = codec::encode(&value).unwrap();
    assert_eq!(
        bytes,
        [0x0c, 0x16, 0, 0x29, 0x0c, 0x30, 2, 0x45, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(decode::<Strict>(&bytes), Ok(value));
}

#[test]
fn bounds_hold_both_ways() {
    let long = Strict {
        text: "longer".to_owned(),
        ..Strict::default()
    };
    let error = codec::encode(&long).unwrap_err().to_string();
    assert_eq!(error, "Strict.text (tag 1): length 6 is more than the 5 allowed");
    let error = decode::<Strict>(&[0x0c, 0x16, 6, 1, 2, 3, 4, 5, 6]).unwrap_err();
    assert_eq!(
        error,
        "Strict.text (tag 1): length 6 is more than the 5 allowed at byte 9"
    );
    let many = Strict {
        present: Some(vec![1, 2, 3]),
        ..Strict::default()
    };
    assert!(codec::encode(&many).is_err());
    assert!(decode::<Strict>(&[0x0c, 0x29, 0x00, 3, 0x0c, 0x0c, 0x0c]).is_err());
}

#[test]
fn enums_have_names_and_numbers() {
    assert_eq!(Color::ALSO_GREEN.name(), Some("green"));
    assert_eq!(Color::try_from("ALSO_GREEN"), Ok(Color::GREEN));
    assert_eq!(Color(9).name(), None);
    assert_eq!(format!("{:?} {:?}", Color::RED, Color(9)), "RED Color(9)");
    assert_eq!((Color::from(1), i32::from(Color::GREEN)), (Color::RED, 2));
    let error = Color::try_from("GREEN").unwrap_err().to_string();
    assert_eq!(
        error,
        "`GREEN` is not a value of `COLOR`, expected one of `RED`, `green`, `ALSO_GREEN`"
    );
}

#[derive(Clone, Debug, TarsStruct)]
#[tars(name = "idlHost", key(port, name))]
struct Host {
    #[tars(tag = 9, require)]
    late: i32,
    #[tars(tag = 0, require)]
    name: ByteString,
    #[tars(tag = 1, require, name = "tcpPort")]
    port: i32,
    #[tars(tag = 2)]
    plain: Plain,
    #[tars(tag = 3)]
    load: f64,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Plain {
    #[tars(tag = 1)]
    values: Vec<f32>,
}

fn host(port: i32, name: &str, load: f64) -> Host {
    Host {
        name: name.into(),
        port,
        load,
        ..Host::default()
    }
}

#[test]
fn keys_decide_first_and_in_their_order() {
    assert!(host(1, "b", 0.0) < host(2, "a", 0.0));
    assert!(host(1, "a", 9.0) < host(1, "b", 0.0));
    assert!(host(1, "a", 1.0) < host(1, "a", 2.0));
    assert_eq!(host(1, "a", f64::NAN), host(1, "a", f64::NAN));
    assert_eq!(host(1, "a", -0.0).cmp(&host(1, "a", 0.0)), Ordering::Less);
    let plain = Host {
        plain: Plain { values: vec![1.0] },
        ..host(1, "a", 0.0)
    };
    assert!(plain > host(1, "a", 0.0));
    // What differs behind the key is another entry.
    let map: HashMap<_, _> = [(host(1, "a", 1.0), 1), (host(1, "a", 2.0), 2)].into();
    assert_eq!(map[&host(1, "a", 2.0)], 2);
    let map: BTreeMap<_, _> = map.into_iter().collect();
    assert_eq!(map.len(), 2);
}

#[test]
fn fields_travel_in_the_order_of_their_tags() {
    let bytes = codec::encode(&host(7, "h", 0.0)).unwrap();
    assert_eq!(bytes, [0x06, 1, b'h', 0x10, 7, 0x2a, 0x0b, 0x9c]);
}

#[test]
fn errors_name_the_idl() {
    assert_eq!(Host::NAME, "idlHost");
    let error = decode::<Host>(&[0x06, 0]).unwrap_err();
    assert_eq!(error, "idlHost.tcpPort (tag 1): required field is missing at byte 2");
    let error = decode::<Host>(&[0x06, 0, 0x1c, 0x2a, 0x19, 0x00, 1, 0x06, 0]).unwrap_err();
    assert_eq!(
        error,
        "idlHost.plain.values[0] (tag 1): expected float, found a string at byte 7"
    );
    let error = decode::<Host>(&[0x06, 0, 0x1c, 0x2a, 0x20, 1]).unwrap_err();
    assert_eq!(error, "idlHost.plain (tag 2): struct is not ended at byte 6");
}

#[test]
fn a_struct_without_fields_is_nothing() {
    assert!(codec::encode(&Empty {}).unwrap().is_empty());
    assert_eq!(decode::<Empty>(&[0x10, 1]), Ok(Empty {}));
}
