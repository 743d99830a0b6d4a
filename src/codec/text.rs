//! Strings and raw bytes.

use bytes::Bytes;

use super::error::Problem;
use super::head::kind;
use super::{Decode, DecodeError, Encode, Head, Length, Reader, Text, Writer};
use crate::byte_string::ByteString;

impl Encode for str {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        w.text(tag, self.as_bytes());
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// What both types of an IDL string share in writing.
macro_rules! encode_text {
    ($($type:ty),+) => {
        $(impl Encode for $type {
            #[inline]
            fn encode(&self, tag: u8, w: &mut Writer) {
                w.text(tag, AsRef::<[u8]>::as_ref(self));
            }

            #[inline]
            fn is_zero(&self) -> bool {
                self.is_empty()
            }

            #[inline]
            fn equals_default(&self, default: &Self) -> bool {
                self == default
            }
        })+
    };
}

encode_text!(String, ByteString);

impl Decode for String {
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let taken = r.text(head)?;
        match str::from_utf8(taken) {
            Ok(text) => {
                r.charge(text.len())?;
                Ok(text.to_owned())
            }
            Err(error) => Err(not_utf8(r, taken.len(), error.valid_up_to())),
        }
    }
}

#[cold]
#[inline(never)]
fn not_utf8(r: &Reader<'_>, length: usize, valid: usize) -> DecodeError {
    DecodeError::new(Problem::NotUtf8 { valid }, r.offset() - length + valid)
}

impl Decode for ByteString {
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let taken = r.text(head)?;
        r.share(taken).map(Self::from)
    }
}

impl Encode for Bytes {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        w.bytes(tag, self);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl Decode for Bytes {
    /// Raw bytes, or the list of bytes that some writers make of them.
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        match head.kind {
            kind::SIMPLE_LIST => {
                let taken = r.raw()?;
                r.share(taken)
            }
            kind::LIST => byte_list(r, head),
            _ => Err(r.mismatch(head, "bytes")),
        }
    }
}

#[inline(never)]
fn byte_list(r: &mut Reader<'_>, head: Head) -> Result<Bytes, DecodeError> {
    let items: Vec<i8> = super::list::decode(r, head)?;
    r.charge(items.len())?;
    Ok(items.into_iter().map(i8::cast_unsigned).collect())
}

macro_rules! length {
    ($($type:ty),+) => {
        $(impl Length for $type {
            #[inline]
            fn length(&self) -> usize {
                self.len()
            }
        })+
    };
}

length!(String, ByteString, Bytes);

impl Text for String {
    fn from_text(text: &'static str) -> Self {
        text.to_owned()
    }

    #[inline]
    fn is_text(&self, text: &'static str) -> bool {
        self == text
    }
}

impl Text for ByteString {
    fn from_text(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }

    #[inline]
    fn is_text(&self, text: &'static str) -> bool {
        self == text
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    fn read<T: Decode>(bytes: &[u8]) -> Result<T, String> {
        Reader::new(bytes, &Limits::default())
            .require(0, "x")
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_string_that_is_not_utf8_names_the_field() {
        let error = read::<String>(&[0x06, 3, b'a', 0xff, b'b']).unwrap_err();
        assert_eq!(
            error,
            "x (tag 0): string is not UTF-8 after its first 1 bytes at byte 3"
        );
        assert_eq!(
            read::<ByteString>(&[0x06, 2, b'a', 0xff]).unwrap(),
            ByteString::from(&[b'a', 0xff][..])
        );
    }

    #[test]
    fn both_string_forms_are_read_whatever_the_length() {
        assert_eq!(read::<String>(&[0x07, 0, 0, 0, 1, b'a']).as_deref(), Ok("a"));
        assert_eq!(read::<String>(&[0x06, 0]).as_deref(), Ok(""));
    }

    #[test]
    fn a_list_of_bytes_is_read_as_bytes() {
        assert_eq!(
            &read::<Bytes>(&[0x09, 0x00, 2, 0x00, 0xff, 0x0c]).unwrap()[..],
            [0xff, 0]
        );
        assert_eq!(
            read::<Bytes>(&[0x06, 0]).unwrap_err(),
            "x (tag 0): expected bytes, found a string at byte 0"
        );
    }
}
