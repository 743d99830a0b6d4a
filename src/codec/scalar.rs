//! Numbers and bool.
#![allow(
    clippy::inline_always,
    reason = "with the tag a literal at the call, heads fold away only when the primitives are in line"
)]

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::error::Problem;
use super::head::kind;
use super::{Decode, DecodeError, Encode, Head, Reader, Total, Writer};

/// Reads an integer as the wide type, from no wider wire type than the IDL type has.
macro_rules! read_integer {
    ($reader:ident, $head:ident, $expected:literal, $wide:ty, $($kind:ident => $narrow:ty),+) => {
        match $head.kind {
            kind::ZERO => 0,
            $(kind::$kind => <$wide>::from(<$narrow>::from_be_bytes($reader.array()?)),)+
            _ => return Err($reader.mismatch($head, $expected)),
        }
    };
}

/// The parts of `Encode` that all numbers share.
macro_rules! encode_integer {
    ($type:ty $(, { $($special:tt)+ })?) => {
        impl Encode for $type {
            #[inline(always)]
            fn encode(&self, tag: u8, w: &mut Writer) {
                w.integer(tag, i64::from(*self));
            }

            #[inline(always)]
            fn is_zero(&self) -> bool {
                *self == 0
            }

            #[inline(always)]
            fn equals_default(&self, default: &Self) -> bool {
                self == default
            }

            $($($special)+)?
        }
    };
}

macro_rules! signed {
    ($type:ty, $expected:literal, $($kind:ident => $narrow:ty),+) => {
        encode_integer!($type);

        impl Decode for $type {
            #[inline(always)]
            fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
                Ok(read_integer!(r, head, $expected, $type, $($kind => $narrow),+))
            }
        }
    };
}

signed!(i16, "short", INT8 => i8, INT16 => i16);
signed!(i32, "int", INT8 => i8, INT16 => i16, INT32 => i32);
signed!(i64, "long", INT8 => i8, INT16 => i16, INT32 => i32, INT64 => i64);

/// Unsigned integers travel as the next wider signed type; a value the field cannot hold is an error.
macro_rules! unsigned {
    ($type:ty, $expected:literal, $wide:ty, $($kind:ident => $narrow:ty),+) => {
        encode_integer!($type);

        impl Decode for $type {
            #[inline(always)]
            fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
                let value = read_integer!(r, head, $expected, $wide, $($kind => $narrow),+);
                Self::try_from(value).map_err(|_| out_of_range(r, $expected, i64::from(value)))
            }
        }
    };
}

unsigned!(u16, "unsigned short", i32, INT8 => i8, INT16 => i16, INT32 => i32);
unsigned!(u32, "unsigned int", i64, INT8 => i8, INT16 => i16, INT32 => i32, INT64 => i64);

encode_integer!(u8);

impl Decode for u8 {
    #[inline(always)]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let value = read_integer!(r, head, "unsigned byte", i16, INT8 => i8, INT16 => i16);
        Self::try_from(value).map_err(|_| out_of_range(r, "unsigned byte", i64::from(value)))
    }

    /// A `vector<unsigned byte>` is a list of shorts; as `TarsGo` does, raw bytes are accepted too.
    fn decode_list(r: &mut Reader<'_>, head: Head) -> Result<Vec<Self>, DecodeError> {
        if head.kind != kind::SIMPLE_LIST {
            return super::list::decode(r, head);
        }
        let taken = r.raw()?;
        r.charge(taken.len())?;
        Ok(taken.to_vec())
    }
}

encode_integer!(i8, {
    /// A `vector<byte>` is raw bytes.
    fn encode_list(items: &[Self], tag: u8, w: &mut Writer) {
        w.open_bytes(tag, items.len());
        w.extend(items.iter().map(|item| item.cast_unsigned()));
    }
});

impl Decode for i8 {
    #[inline(always)]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        Ok(read_integer!(r, head, "byte", i8, INT8 => i8))
    }

    /// A `vector<byte>` is raw bytes; a list of bytes is accepted too.
    fn decode_list(r: &mut Reader<'_>, head: Head) -> Result<Vec<Self>, DecodeError> {
        if head.kind != kind::SIMPLE_LIST {
            return super::list::decode(r, head);
        }
        let taken = r.raw()?;
        r.charge(taken.len())?;
        Ok(taken.iter().map(|byte| byte.cast_signed()).collect())
    }
}

impl Encode for bool {
    #[inline(always)]
    fn encode(&self, tag: u8, w: &mut Writer) {
        w.integer(tag, i64::from(*self));
    }
}

impl Decode for bool {
    /// Any byte but zero is true, as in `TarsCpp`, `TarsGo` and `TarsJava`.
    #[inline(always)]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        Ok(read_integer!(r, head, "bool", i8, INT8 => i8) != 0)
    }
}

/// Floats are written in full, zero too, and compared by bits: -0.0 is no default.
macro_rules! float {
    ($type:ty, $written:ident, $expected:literal, $($kind:ident => $narrow:ty),+) => {
        impl Encode for $type {
            #[inline(always)]
            fn encode(&self, tag: u8, w: &mut Writer) {
                w.put(tag, kind::$written, self.to_be_bytes());
            }

            #[inline(always)]
            fn is_zero(&self) -> bool {
                self.to_bits() == 0
            }

            #[inline(always)]
            fn equals_default(&self, default: &Self) -> bool {
                self.to_bits() == default.to_bits()
            }
        }

        impl Decode for $type {
            #[inline(always)]
            fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
                Ok(match head.kind {
                    kind::ZERO => 0.0,
                    $(kind::$kind => <$type>::from(<$narrow>::from_be_bytes(r.array()?)),)+
                    _ => return Err(r.mismatch(head, $expected)),
                })
            }
        }

        impl Total for $type {
            #[inline]
            fn compare(&self, other: &Self) -> Ordering {
                self.total_cmp(other)
            }

            #[inline]
            fn digest<H: Hasher>(&self, state: &mut H) {
                self.to_bits().hash(state);
            }
        }
    };
}

float!(f32, FLOAT, "float", FLOAT => f32);
float!(f64, DOUBLE, "double", FLOAT => f32, DOUBLE => f64);

#[cold]
#[inline(never)]
fn out_of_range(r: &Reader<'_>, expected: &'static str, value: i64) -> DecodeError {
    r.error(Problem::Range { expected, value })
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::super::Limits;
    use super::*;

    fn read<T: Decode>(bytes: &[u8]) -> Result<T, String> {
        Reader::new(bytes, &Limits::default())
            .require(0, "x")
            .map_err(|error| error.to_string())
    }

    fn refused<T: Decode + Debug>(bytes: &[u8]) -> String {
        read::<T>(bytes).unwrap_err()
    }

    #[test]
    fn integers_accept_narrower_wire_types_only() {
        assert_eq!(read::<i64>(&[0x00, 0xff]), Ok(-1));
        assert_eq!(read::<i64>(&[0x02, 0xff, 0xff, 0xff, 0xfe]), Ok(-2));
        assert_eq!(read::<i16>(&[0x01, 0x01, 0x2c]), Ok(300));
        assert_eq!(
            refused::<i8>(&[0x01, 0, 1]),
            "x (tag 0): expected byte, found a short at byte 0"
        );
        assert_eq!(
            refused::<i32>(&[0x03, 0, 0, 0, 0, 0, 0, 0, 1]),
            "x (tag 0): expected int, found a long at byte 0"
        );
        assert_eq!(
            refused::<i32>(&[0x04, 0, 0, 0, 0]),
            "x (tag 0): expected int, found a float at byte 0"
        );
    }

    #[test]
    fn unsigned_values_out_of_range_are_errors() {
        assert_eq!(read::<u8>(&[0x01, 0x00, 0xff]), Ok(255));
        assert_eq!(
            refused::<u8>(&[0x01, 0x01, 0x00]),
            "x (tag 0): 256 is out of range for unsigned byte at byte 3"
        );
        assert_eq!(
            refused::<u32>(&[0x00, 0xff]),
            "x (tag 0): -1 is out of range for unsigned int at byte 2"
        );
        assert_eq!(read::<u32>(&[0x03, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), Ok(u32::MAX));
        assert!(read::<u16>(&[0x02, 0, 1, 0, 0]).is_err());
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        assert_eq!(read::<bool>(&[0x00, 2]), Ok(true));
        assert_eq!(read::<bool>(&[0x00, 0]), Ok(false));
        assert_eq!(read::<bool>(&[0x0c]), Ok(false));
        assert!(read::<bool>(&[0x01, 0, 1]).is_err());
    }

    #[test]
    fn doubles_accept_floats_and_both_accept_zero() {
        assert_eq!(read::<f64>(&[0x04, 0x3f, 0xc0, 0, 0]), Ok(1.5));
        assert_eq!(read::<f64>(&[0x0c]), Ok(0.0));
        assert_eq!(read::<f32>(&[0x0c]), Ok(0.0));
        assert!(read::<f32>(&[0x05, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn negative_zero_is_no_default() {
        assert!(0.0_f64.is_zero());
        assert!(!(-0.0_f64).is_zero());
        assert!(!0.0_f32.equals_default(&-0.0));
    }

    #[test]
    fn byte_vectors_are_read_in_both_forms() {
        assert_eq!(read::<Vec<i8>>(&[0x0d, 0x00, 0x00, 2, 1, 0xff]), Ok(vec![1, -1]));
        assert_eq!(read::<Vec<i8>>(&[0x09, 0x00, 2, 0x00, 1, 0x0c]), Ok(vec![1, 0]));
        assert_eq!(read::<Vec<u8>>(&[0x0d, 0x00, 0x00, 2, 1, 0xff]), Ok(vec![1, 255]));
        assert_eq!(read::<Vec<u8>>(&[0x09, 0x00, 2, 0x01, 0, 0xff, 0x0c]), Ok(vec![255, 0]));
    }
}
