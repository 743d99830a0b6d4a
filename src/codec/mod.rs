//! The Tars wire format: values to bytes and back.
//!
//! A field is a head (tag and type in one byte or two) and a value; a struct is a sequence of fields in ascending order of their
//! tags. Types are not described on the wire, only their layout is: what a field means is in the IDL, and generated code carries it
//! in the attributes of [`TarsStruct`](crate::TarsStruct).
//!
//! ```
//! use tars::codec::{self, Limits};
//!
//! #[derive(Debug, PartialEq, tars::TarsStruct)]
//! struct Point {
//!     #[tars(tag = 0, require)]
//!     x: i32,
//!     #[tars(tag = 1)]
//!     label: String,
//! }
//!
//! let point = Point { x: 300, label: "a".to_owned() };
//! let bytes = codec::encode(&point)?;
//! assert_eq!(bytes, [0x01, 0x01, 0x2c, 0x16, 0x01, b'a']);
//! assert_eq!(codec::decode::<Point>(&bytes, &Limits::default())?, point);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Bytes are never trusted: counts and lengths are held against the bytes that remain before anything is reserved, nesting and
//! memory have [`Limits`], and what is damaged is an error that names the struct, the field and the offset.

mod cut;
mod error;
mod head;
mod limits;
mod list;
mod map;
mod reader;
mod scalar;
mod skip;
mod text;
mod total;
mod writer;

use bytes::Bytes;

pub(crate) use self::cut::{Field, Packed};
#[cfg(feature = "json")]
pub(crate) use self::error::Problem;
pub use self::error::{DecodeError, EncodeError, UnknownName};
pub use self::head::Head;
#[cfg(feature = "json")]
pub(crate) use self::limits::DEFAULT_MAX_DEPTH;
pub use self::limits::Limits;
#[cfg(feature = "json")]
pub(crate) use self::map::{NODE_MINIMUM, node_bytes, table_bytes};
pub use self::reader::Reader;
pub use self::total::Total;
pub use self::writer::Writer;

/// A value with a form on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of the Tars IDL",
    note = "structs derive `TarsStruct`, enums are a newtype over `i32` with `TarsEnum`, `vector<byte>` is `tars::bytes::Bytes`"
)]
pub trait Encode {
    /// Writes head and value under `tag`, whatever the value.
    fn encode(&self, tag: u8, w: &mut Writer);

    /// Whether an optional field with this value may be left out: a number that is zero by its bits, an empty string, vector or
    /// map. Never for bool, enum and struct, which `TarsCpp` always writes.
    #[inline]
    fn is_zero(&self) -> bool {
        false
    }

    /// Whether an optional field whose IDL default is `default` may be left out.
    #[doc(hidden)]
    #[inline]
    fn equals_default(&self, default: &Self) -> bool
    where
        Self: Sized,
    {
        let _ = default;
        false
    }

    /// Writes many of this type. A list, unless the type has another form in numbers.
    #[doc(hidden)]
    #[inline]
    fn encode_list(items: &[Self], tag: u8, w: &mut Writer)
    where
        Self: Sized,
    {
        list::encode(items, tag, w);
    }
}

/// A value that can be read from the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of the Tars IDL",
    note = "structs derive `TarsStruct`, enums are a newtype over `i32` with `TarsEnum`, `vector<byte>` is `tars::bytes::Bytes`"
)]
pub trait Decode: Sized {
    /// Memory that the type's default value owns. It takes no byte of input, so it is charged to the budget.
    #[doc(hidden)]
    const DEFAULT_HEAP: usize = 0;

    /// Reads the value behind `head`.
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError>;

    /// Reads many of this type. A list, unless the type has another form in numbers.
    #[doc(hidden)]
    #[inline]
    fn decode_list(r: &mut Reader<'_>, head: Head) -> Result<Vec<Self>, DecodeError> {
        list::decode(r, head)
    }
}

/// A struct of the IDL. Derived by [`TarsStruct`](crate::TarsStruct).
pub trait Struct: Encode + Decode + Default {
    /// The name in the IDL.
    const NAME: &'static str;

    /// The fields' names in the IDL and their tags, in ascending order of the tags.
    const FIELDS: &'static [(&'static str, u8)];

    /// Writes the fields alone, without the struct's begin and end.
    fn encode_fields(&self, w: &mut Writer);

    /// Reads the fields alone. Fields behind the last known one are left to the caller.
    fn decode_fields(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// What `max_len` counts: bytes of a string, elements of a vector, entries of a map.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` has no length that `max_len` could bound")]
pub trait Length {
    fn length(&self) -> usize;
}

/// What a field with a string for its `default` is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot have a string as its default",
    label = "not `String` or `ByteString`"
)]
pub trait Text {
    fn from_text(text: &'static str) -> Self;

    /// Compares without making a default to be thrown away.
    fn is_text(&self, text: &'static str) -> bool;
}

/// Encodes the fields of a struct without its begin and end: the form of packets and of parameter blocks.
pub fn encode<T: Struct>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new();
    value.encode_fields(&mut writer);
    writer.finish().map_err(|error| error.in_struct(T::NAME))
}

/// Decodes what [`encode`] makes. Fields behind the last known one are not looked at.
pub fn decode<T: Struct>(input: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    fields(&mut Reader::new(input, limits))
}

/// As [`decode`], but byte vectors of 1 KiB and more share the memory of `input` instead of being copied.
pub fn decode_bytes<T: Struct>(input: &Bytes, limits: &Limits) -> Result<T, DecodeError> {
    fields(&mut Reader::from_bytes(input, limits))
}

fn fields<T: Struct>(reader: &mut Reader<'_>) -> Result<T, DecodeError> {
    T::decode_fields(reader).map_err(|error| error.in_struct(T::NAME))
}

impl<T: Encode + ?Sized> Encode for &T {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        T::encode(self, tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        T::is_zero(self)
    }
}

impl<T: Encode> Encode for Box<T> {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        T::encode(self, tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        T::is_zero(self)
    }

    #[inline]
    fn equals_default(&self, default: &Self) -> bool {
        T::equals_default(self, default)
    }
}

impl<T: Decode> Decode for Box<T> {
    const DEFAULT_HEAP: usize = size_of::<T>().saturating_add(T::DEFAULT_HEAP);

    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        r.charge(size_of::<T>())?;
        T::decode(r, head).map(Self::new)
    }
}
