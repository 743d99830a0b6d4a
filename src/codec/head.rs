//! The head in front of every value: a tag and one of the wire's types.

/// The low nibble of a head: how the value that follows is laid out.
pub(super) mod kind {
    pub(in crate::codec) const INT8: u8 = 0;
    pub(in crate::codec) const INT16: u8 = 1;
    pub(in crate::codec) const INT32: u8 = 2;
    pub(in crate::codec) const INT64: u8 = 3;
    pub(in crate::codec) const FLOAT: u8 = 4;
    pub(in crate::codec) const DOUBLE: u8 = 5;
    pub(in crate::codec) const STRING1: u8 = 6;
    pub(in crate::codec) const STRING4: u8 = 7;
    pub(in crate::codec) const MAP: u8 = 8;
    pub(in crate::codec) const LIST: u8 = 9;
    pub(in crate::codec) const STRUCT_BEGIN: u8 = 10;
    pub(in crate::codec) const STRUCT_END: u8 = 11;
    pub(in crate::codec) const ZERO: u8 = 12;
    pub(in crate::codec) const SIMPLE_LIST: u8 = 13;
}

/// Tags below this one share a byte with the type; the high nibble `0xF` announces a tag byte of its own.
pub(super) const FIRST_LONG_TAG: u8 = 15;

/// The byte that ends a struct. Its tag is always written as 0.
pub(super) const STRUCT_END_BYTE: u8 = kind::STRUCT_END;

/// Tag and wire type of a value whose head has been read.
///
/// [`Decode::decode`](super::Decode::decode) receives it together with the reader, which stands at the value's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub(super) tag: u8,
    pub(super) kind: u8,
    /// Bytes the head took: errors point at the head, not behind it.
    pub(super) width: u8,
}

impl Head {
    /// Splits a one-byte head. The caller has made sure that the tag is not in a byte of its own.
    #[inline]
    pub(super) const fn short(byte: u8) -> Self {
        Self {
            tag: byte >> 4,
            kind: byte & 0x0f,
            width: 1,
        }
    }

    /// The field's tag; 0 for elements of a list and keys of a map, 1 for values of a map.
    #[inline]
    pub const fn tag(self) -> u8 {
        self.tag
    }

    /// The wire type in words, with its article: `a string`, `the end of a struct`.
    pub const fn describe(self) -> &'static str {
        describe(self.kind)
    }
}

/// A wire type in words, for messages.
pub(super) const fn describe(kind: u8) -> &'static str {
    match kind {
        kind::INT8 => "a byte",
        kind::INT16 => "a short",
        kind::INT32 => "an int",
        kind::INT64 => "a long",
        kind::FLOAT => "a float",
        kind::DOUBLE => "a double",
        kind::STRING1 | kind::STRING4 => "a string",
        kind::MAP => "a map",
        kind::LIST => "a list",
        kind::STRUCT_BEGIN => "a struct",
        kind::STRUCT_END => "the end of a struct",
        kind::ZERO => "a zero",
        kind::SIMPLE_LIST => "raw bytes",
        14 => "the unassigned type 14",
        _ => "the unassigned type 15",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_head_is_tag_and_type() {
        let head = Head::short(0x3d);
        assert_eq!((head.tag(), head.kind, head.width), (3, kind::SIMPLE_LIST, 1));
        assert_eq!(head.describe(), "raw bytes");
    }

    #[test]
    fn every_type_has_words_of_its_own() {
        let words: Vec<_> = (0..16).map(describe).collect();
        for (index, word) in words.iter().enumerate() {
            let twins = words.iter().filter(|other| *other == word).count();
            let strings = usize::from([6, 7].contains(&index));
            assert_eq!(twins, 1 + strings, "{word}");
        }
    }
}
