//! Serde's `Deserialize`: what a self-describing format holds is written as JSON text and read from there, so that there is one
//! way to read a type.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::from_slice;
use super::read::FromJson;
use crate::codec::{DEFAULT_MAX_DEPTH, Limits};

/// Reads a type of the IDL from a self-describing format of serde: JSON, YAML, TOML, not bincode. Memory is for the format to bound.
#[doc(hidden)]
pub fn deserialize<'de, D: Deserializer<'de>, T: FromJson>(from: D) -> Result<T, D::Error> {
    let mut text = Vec::new();
    let value = Value {
        text: &mut text,
        depth: DEFAULT_MAX_DEPTH + 1,
    };
    value.deserialize(from)?;
    let limits = Limits {
        max_decoded_bytes: usize::MAX,
        max_expansion: usize::MAX,
        ..Limits::default()
    };
    from_slice(&text, &limits).map_err(|error| D::Error::custom(error.without_offset()))
}

/// Any value, to be written as JSON.
struct Value<'a> {
    text: &'a mut Vec<u8>,
    depth: u32,
}

impl Value<'_> {
    fn inside<E: Error>(&mut self) -> Result<Value<'_>, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Value { text: self.text, depth }),
            None => Err(E::custom(format_args!(
                "more than {DEFAULT_MAX_DEPTH} structs, vectors and maps inside each other"
            ))),
        }
    }

    fn word(self, word: impl fmt::Display) {
        self.text.extend_from_slice(word.to_string().as_bytes());
    }

    fn quoted<E: Error>(self, text: &str) -> Result<(), E> {
        serde_json::to_writer(self.text, text).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

/// The visits of numbers and the like, which are their own text.
macro_rules! words {
    ($($visit:ident($type:ty)),+) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<(), E> {
            self.word(value);
            Ok(())
        })+
    };
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    words!(
        visit_bool(bool),
        visit_i64(i64),
        visit_i128(i128),
        visit_u64(u64),
        visit_u128(u128)
    );

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if value.is_finite() {
            self.word(format_args!("{value:?}"));
            Ok(())
        } else {
            self.visit_unit()
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.quoted(text)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        serde_json::to_writer(self.text, bytes).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.word("null");
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        self.inside()?.deserialize(from)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        self.inside()?.deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.text.push(b'[');
        let mut first = true;
        loop {
            let end = self.text.len();
            if !first {
                self.text.push(b',');
            }
            if items.next_element_seed(self.inside()?)?.is_none() {
                self.text.truncate(end);
                break;
            }
            first = false;
        }
        self.text.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.text.push(b'{');
        let mut first = true;
        loop {
            let end = self.text.len();
            if !first {
                self.text.push(b',');
            }
            if entries.next_key_seed(Key(self.inside()?))?.is_none() {
                self.text.truncate(end);
                break;
            }
            self.text.push(b':');
            entries.next_value_seed(self.inside()?)?;
            first = false;
        }
        self.text.push(b'}');
        Ok(())
    }
}

/// The key of a map: a string, or what is written as one.
struct Key<'a>(Value<'a>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

/// The visits of keys that are no strings.
macro_rules! keys {
    ($($visit:ident($type:ty)),+) => {
        $(fn $visit<E: Error>(self, key: $type) -> Result<(), E> {
            self.0.quoted(&key.to_string())
        })+
    };
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a bool for a key")
    }

    keys!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64),
        visit_str(&str)
    );
}
