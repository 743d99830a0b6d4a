//! Vectors. What they hold decides how they travel: bytes as raw bytes, pairs as a map, all else as a list.

use super::head::kind;
use super::{Decode, DecodeError, Encode, Head, Length, Reader, Writer};

/// Writes a list, element by element.
#[inline]
pub(super) fn encode<T: Encode>(items: &[T], tag: u8, w: &mut Writer) {
    if w.open(tag, kind::LIST, items.len()) {
        for item in items {
            item.encode(0, w);
        }
        w.close();
    }
}

/// Reads a list, element by element.
#[inline]
pub(super) fn decode<T: Decode>(r: &mut Reader<'_>, head: Head) -> Result<Vec<T>, DecodeError> {
    let count = r.open_list(head)?;
    let mut items = r.allot(count)?;
    for index in 0..count {
        r.room(&mut items, count)?;
        match r.element(0).and_then(|head| T::decode(r, head)) {
            Ok(item) => items.push(item),
            Err(error) => return Err(error.in_element(index)),
        }
    }
    r.leave();
    Ok(items)
}

impl<T: Encode> Encode for [T] {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        T::encode_list(self, tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Encode> Encode for Vec<T> {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        T::encode_list(self, tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Decode> Decode for Vec<T> {
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        T::decode_list(r, head)
    }
}

impl<T> Length for Vec<T> {
    #[inline]
    fn length(&self) -> usize {
        self.len()
    }
}
