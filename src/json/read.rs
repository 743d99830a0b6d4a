//! Values from JSON text.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::reader::Reader;
use crate::ByteString;
use crate::codec::{DecodeError, Problem};

/// A value of an IDL that can be read from JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of the Tars IDL",
    note = "structs derive `TarsStruct`, enums are a newtype over `i32` with `TarsEnum`"
)]
pub trait FromJson: Sized {
    /// Whether `null` is a value of this type, and not the absence of one.
    #[doc(hidden)]
    const READS_NULL: bool = false;

    /// Reads the value that follows.
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads many of this type. An array, unless the type has another form in numbers.
    #[doc(hidden)]
    fn read_list(r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        read_array(r)
    }

    /// Reads the key of a map. The JSON text of the value, unless the type has a simpler one.
    #[doc(hidden)]
    fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
        r.inside_key(&key)
    }
}

fn read_array<T: FromJson>(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let mut list = r.open(b'[', "an array")?;
    let mut items = Vec::new();
    while r.next(&mut list)? {
        r.room(&mut items)?;
        match T::read(r) {
            Ok(item) => items.push(item),
            Err(error) => return Err(error.in_element(items.len())),
        }
    }
    Ok(items)
}

/// `null` is what `TarsGo` writes for a vector that was never made.
impl<T: FromJson> FromJson for Vec<T> {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.null()? { Ok(Self::new()) } else { T::read_list(r) }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    const READS_NULL: bool = T::READS_NULL;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.charge(size_of::<T>())?;
        T::read(r).map(Self::new)
    }

    fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
        r.charge(size_of::<T>())?;
        T::read_key(r, key).map(Self::new)
    }
}

/// An integer of at most 64 bits that must fit the type.
fn fit<T: TryFrom<i64>>(value: i64, expected: &'static str, offset: usize) -> Result<T, DecodeError> {
    T::try_from(value).map_err(|_| DecodeError::new(Problem::Range { expected, value }, offset))
}

fn number<T: TryFrom<i64>>(r: &mut Reader<'_>, expected: &'static str) -> Result<T, DecodeError> {
    r.peek();
    let offset = r.offset();
    fit(r.integer(expected)?, expected, offset)
}

/// A number or the string of one, as programs write it that hold numbers in doubles.
fn number_or_text<T: TryFrom<i64>>(r: &mut Reader<'_>, expected: &'static str) -> Result<T, DecodeError> {
    if r.peek() == Some(b'"') {
        let offset = r.offset();
        let text = r.text(expected)?;
        return digits(&text, expected, offset);
    }
    number(r, expected)
}

/// The digits of an integer as a string.
pub(super) fn digits<T: TryFrom<i64>>(text: &[u8], expected: &'static str, offset: usize) -> Result<T, DecodeError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let value = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    match value {
        Some(value) => fit(value, expected, offset),
        None if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Err(DecodeError::new(Problem::Overflow { expected }, offset))
        }
        None => {
            let found = "a string that is no number";
            Err(DecodeError::new(Problem::Found { expected, found }, offset))
        }
    }
}

macro_rules! integer {
    ($type:ty, $expected:literal, $read:ident $(, { $($special:tt)+ })?) => {
        impl FromJson for $type {
            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $read(r, $expected)
            }

            fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
                digits(&key, $expected, r.offset())
            }

            $($($special)+)?
        }
    };
}

integer!(i16, "short", number);
integer!(i32, "int", number);
integer!(i64, "long", number_or_text);
integer!(u16, "unsigned short", number);
integer!(u32, "unsigned int", number_or_text);

integer!(i8, "byte", number, {
    fn read_list(r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        Ok(read_bytes(r)?.into_iter().map(u8::cast_signed).collect())
    }
});

integer!(u8, "unsigned byte", number, {
    fn read_list(r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        if r.peek() == Some(b'"') {
            read_bytes(r)
        } else {
            read_array(r)
        }
    }
});

/// One byte of a `vector<byte>`, signed or not.
struct Byte(u8);

impl FromJson for Byte {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let value: i16 = number(r, "byte")?;
        let signed = i8::try_from(value).map(i8::cast_unsigned);
        match signed.or_else(|_| u8::try_from(value)) {
            Ok(byte) => Ok(Self(byte)),
            Err(_) => Err(r.error(Problem::Range {
                expected: "byte",
                value: value.into(),
            })),
        }
    }
}

/// Padding is written by most and missed by some.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Numbers, or a string in base64.
fn read_bytes(r: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    if r.peek() != Some(b'"') {
        return Ok(read_array::<Byte>(r)?.into_iter().map(|byte| byte.0).collect());
    }
    let offset = r.offset();
    let text = r.text("bytes")?;
    BASE64.decode(&text).map_err(|_| {
        let problem = Problem::Found {
            expected: "an array of bytes or base64",
            found: "a string that is not base64",
        };
        DecodeError::new(problem, offset)
    })
}

impl FromJson for Bytes {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.null()? {
            Ok(Self::new())
        } else {
            read_bytes(r).map(Self::from)
        }
    }
}

impl FromJson for bool {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.boolean("bool")
    }

    /// Also as `TarsCpp` writes it.
    fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
        match &*key {
            b"true" | b"1" => Ok(true),
            b"false" | b"0" => Ok(false),
            _ => Err(r.error(Problem::Found {
                expected: "bool",
                found: "another key",
            })),
        }
    }
}

macro_rules! float {
    ($type:ty, $expected:literal) => {
        impl FromJson for $type {
            const READS_NULL: bool = true;

            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                if r.null()? {
                    return Ok(Self::NAN);
                }
                let text = r.number($expected)?;
                match text.parse::<Self>() {
                    Ok(value) if value.is_finite() => Ok(value),
                    _ => Err(DecodeError::new(
                        Problem::Overflow { expected: $expected },
                        r.offset() - text.len(),
                    )),
                }
            }

            fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
                let value = str::from_utf8(&key).ok().and_then(|key| key.parse().ok());
                value.ok_or_else(|| {
                    r.error(Problem::Found {
                        expected: $expected,
                        found: "another key",
                    })
                })
            }
        }
    };
}

float!(f32, "float");
float!(f64, "double");

fn utf8(bytes: Cow<'_, [u8]>, r: &Reader<'_>) -> Result<String, DecodeError> {
    String::from_utf8(bytes.into_owned()).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        r.error(Problem::NotUtf8 { valid })
    })
}

impl FromJson for String {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let text = r.text("string")?;
        utf8(text, r)
    }

    fn read_key(r: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
        utf8(key, r)
    }
}

/// Bytes that are not UTF-8, as `TarsCpp` passes them through, are taken as they are.
impl FromJson for ByteString {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from(Bytes::from(r.text("string")?.into_owned())))
    }

    fn read_key(_: &mut Reader<'_>, key: Cow<'_, [u8]>) -> Result<Self, DecodeError> {
        Ok(Self::from(Bytes::from(key.into_owned())))
    }
}
