//! JSON of the types of an IDL, in the mapping of the Tars protocol's version 5.
//!
//! Structs and enums of an IDL implement [`ToJson`] and [`FromJson`], and with them serde's `Serialize` and `Deserialize`.
//!
//! ```
//! use tars::codec::Limits;
//! use tars::json;
//!
//! #[derive(Debug, PartialEq, tars::TarsStruct)]
//! struct Point {
//!     #[tars(tag = 0, require)]
//!     x: i32,
//!     #[tars(tag = 1, name = "theLabel")]
//!     label: String,
//! }
//!
//! let point = Point { x: 300, label: "a".to_owned() };
//! assert_eq!(json::to_string(&point)?, r#"{"x":300,"theLabel":"a"}"#);
//! assert_eq!(json::from_slice::<Point>(br#"{"theLabel": "a", "x": 300}"#, &Limits::default())?, point);
//!
//! let error = json::from_slice::<Point>(br#"{"x": "left"}"#, &Limits::default()).unwrap_err();
//! assert_eq!(error.to_string(), "x: expected int, found a string at byte 6");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | IDL | JSON |
//! |---|---|
//! | struct | object by the members' names in the IDL, in the order of their tags; unknown members are ignored |
//! | bool | `true`, `false` |
//! | integers | numbers; `3.0` is an integer too. A `long` or an `unsigned int` may come as a string of its digits |
//! | floats | numbers; what is not finite is `null`, and `null` is read as not a number |
//! | enum | its number; read from the value's name too |
//! | string | string |
//! | `vector<byte>` | array of signed numbers; read from -128 to 255, and from a string in base64 as `TarsGo` writes it |
//! | other vectors | array |
//! | map | object; keys that are no strings are strings of what they would be: `{"1":..}`, `{"{\"x\":1}":..}` |
//!
//! Optional members are written at their default too. When they are absent or `null` they are at their default; `null` is an empty
//! vector or map everywhere. Of equal keys the last one counts. Numbers out of range and values longer than their bound are errors.
//!
//! JSON is trusted no more than other bytes: reading has the same [`Limits`] as the codec.

mod map;
mod number;
mod read;
mod reader;
mod transcode;
mod unescape;
mod write;

use std::error::Error;
use std::fmt;

pub use self::read::FromJson;
pub use self::reader::Reader;
pub use self::transcode::deserialize;
pub use self::write::{Members, Room, ToJson, Written};
use crate::codec::{DecodeError, Limits};

/// Reads one value from `text`, which is UTF-8 and holds nothing behind it.
///
/// Errors name the path to the value, what was expected there, and the offset in bytes: `list[3].x: expected int, found a string at
/// byte 40`.
pub fn from_slice<T: FromJson>(text: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    let mut reader = Reader::new(text, limits);
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Writes a value as JSON text without spaces. Fails as [`to_vec`].
pub fn to_string<T: ToJson + ?Sized>(value: &T) -> Result<String, EncodeError> {
    serde_json::to_string(&Room::new().value(value)).map_err(EncodeError)
}

/// Writes a value as JSON text without spaces.
///
/// Fails for a value longer than its `max_len`, for one that nests deeper than 100 structs, vectors and maps, and for struct keys in
/// struct keys more than four times: each time their quotes double.
pub fn to_vec<T: ToJson + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(&Room::new().value(value)).map_err(EncodeError)
}

/// Why a value has no JSON.
///
/// The text names the struct and the member: `Shard.keys: length 20 is more than the 16 allowed`.
#[derive(Debug)]
pub struct EncodeError(serde_json::Error);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for EncodeError {}
