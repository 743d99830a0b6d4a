//! Values to bytes.
#![allow(
    clippy::inline_always,
    reason = "with the tag a literal at the call, heads fold away only when the primitives are in line"
)]

use super::error::{EncodeError, EncodeProblem};
use super::head::{FIRST_LONG_TAG, STRUCT_END_BYTE, kind};
use super::limits::DEFAULT_MAX_DEPTH;
use super::{Encode, Length, Struct};

/// Capacity of a fresh buffer: most messages fit, and a buffer that grows from nothing costs three times the encoding.
const FRESH_CAPACITY: usize = 512;

/// Writes fields, in ascending order of their tags, into a buffer it owns.
///
/// Writing never fails at the call: the first failure is remembered, and [`finish`](Self::finish) returns it.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Structs, lists and maps that may still be opened.
    depth: u32,
    max_depth: u32,
    error: Option<EncodeError>,
}

impl Writer {
    /// A writer with room for an ordinary message.
    #[inline]
    pub fn new() -> Self {
        Self::with_capacity(FRESH_CAPACITY)
    }

    /// A writer with room for `capacity` bytes.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::from_vec(Vec::with_capacity(capacity))
    }

    /// A writer that appends to `bytes`.
    #[inline]
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            depth: DEFAULT_MAX_DEPTH,
            max_depth: DEFAULT_MAX_DEPTH,
            error: None,
        }
    }

    /// Lets structs, lists and maps nest `max_depth` deep instead of 100. Readers need the same limit.
    pub fn set_max_depth(&mut self, max_depth: u32) {
        self.depth = max_depth;
        self.max_depth = max_depth;
    }

    /// Writes one value under `tag`, whatever the value.
    #[inline(always)]
    pub fn field<T: Encode + ?Sized>(&mut self, tag: u8, value: &T) {
        value.encode(tag, self);
    }

    /// Writes raw bytes under `tag`, as the IDL type `vector<byte>`.
    #[inline]
    pub fn bytes(&mut self, tag: u8, value: &[u8]) {
        self.open_bytes(tag, value.len());
        self.bytes.extend_from_slice(value);
    }

    /// Bytes in the buffer, those it began with included.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is in the buffer.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The buffer, or the first failure.
    #[inline]
    pub fn finish(self) -> Result<Vec<u8>, EncodeError> {
        match self.error {
            None => Ok(self.bytes),
            Some(error) => Err(error),
        }
    }

    /// The buffer together with the first failure, for callers that go on with the buffer. After a failure its tail is no message.
    #[inline]
    pub fn into_parts(self) -> (Vec<u8>, Option<EncodeError>) {
        (self.bytes, self.error)
    }

    /// Head and value in one copy: a push a byte takes twice the time.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, tag: u8, kind: u8, value: [u8; N]) {
        let mut out = [0; 10];
        if tag < FIRST_LONG_TAG {
            out[0] = tag << 4 | kind;
            out[1..=N].copy_from_slice(&value);
            self.bytes.extend_from_slice(&out[..=N]);
        } else {
            out[0] = 0xf0 | kind;
            out[1] = tag;
            out[2..N + 2].copy_from_slice(&value);
            self.bytes.extend_from_slice(&out[..N + 2]);
        }
    }

    /// The smallest of zero, byte, short, int and long that holds the value.
    #[inline(always)]
    pub(super) fn integer(&mut self, tag: u8, value: i64) {
        if let Ok(value) = i8::try_from(value) {
            if value == 0 {
                self.put(tag, kind::ZERO, []);
            } else {
                self.put(tag, kind::INT8, value.to_be_bytes());
            }
        } else if let Ok(value) = i16::try_from(value) {
            self.put(tag, kind::INT16, value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.put(tag, kind::INT32, value.to_be_bytes());
        } else {
            self.put(tag, kind::INT64, value.to_be_bytes());
        }
    }

    /// The type `string`, whose bytes the wire does not interpret.
    #[inline(always)]
    pub(super) fn text(&mut self, tag: u8, value: &[u8]) {
        if let Ok(length) = u8::try_from(value.len()) {
            self.put(tag, kind::STRING1, [length]);
            self.bytes.extend_from_slice(value);
        } else {
            self.long_text(tag, value);
        }
    }

    #[inline(never)]
    fn long_text(&mut self, tag: u8, value: &[u8]) {
        match u32::try_from(value.len()) {
            Ok(length) => {
                self.put(tag, kind::STRING4, length.to_be_bytes());
                self.bytes.extend_from_slice(value);
            }
            Err(_) => self.too_long(tag, value.len(), u32::MAX as usize),
        }
    }

    /// Count of a list, a map or raw bytes; `tag` is the container's, for the message.
    #[inline(always)]
    fn count(&mut self, tag: u8, count: usize) {
        match i32::try_from(count) {
            Ok(count) => self.integer(0, i64::from(count)),
            Err(_) => self.too_long(tag, count, i32::MAX as usize),
        }
    }

    /// Begins a list or a map. Answers `false`, with the failure remembered, when that would nest too deep: write no element then.
    #[inline(always)]
    pub(super) fn open(&mut self, tag: u8, kind: u8, count: usize) -> bool {
        if self.depth == 0 {
            self.too_deep(tag);
            return false;
        }
        self.depth -= 1;
        self.put(tag, kind, []);
        self.count(tag, count);
        true
    }

    /// Ends what [`open`](Self::open) began.
    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.depth += 1;
    }

    /// Writes a struct between its begin and its end. This is what the derived `Encode` calls.
    #[inline]
    pub fn structure<T: Struct>(&mut self, tag: u8, value: &T) {
        if self.depth == 0 {
            self.too_deep(tag);
            return;
        }
        self.depth -= 1;
        self.put(tag, kind::STRUCT_BEGIN, []);
        value.encode_fields(self);
        self.bytes.push(STRUCT_END_BYTE);
        self.depth += 1;
    }

    /// Writes a field whose length is bounded. This is what the derive calls for `max_len`.
    #[doc(hidden)]
    #[inline]
    pub fn bounded<S: Struct, T: Encode + Length>(&mut self, tag: u8, name: &'static str, max: usize, value: &T) {
        if value.length() <= max {
            value.encode(tag, self);
        } else {
            let problem = EncodeProblem::TooLong {
                length: value.length(),
                max,
            };
            self.fail(EncodeError::new(problem, tag).in_field(name).in_struct(S::NAME));
        }
    }

    #[cold]
    #[inline(never)]
    fn too_long(&mut self, tag: u8, length: usize, max: usize) {
        self.fail(EncodeError::new(EncodeProblem::TooLong { length, max }, tag));
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&mut self, tag: u8) {
        self.fail(EncodeError::new(EncodeProblem::Depth { max: self.max_depth }, tag));
    }

    #[cold]
    fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Room for bytes written one by one, as the elements of a byte list.
    pub(super) fn extend(&mut self, bytes: impl Iterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    /// A value that is encoded already.
    pub(super) fn copied(&mut self, tag: u8, kind: u8, value: &[u8]) {
        self.put(tag, kind, []);
        self.bytes.extend_from_slice(value);
    }

    /// Head and length of raw bytes, which the caller adds.
    #[inline]
    pub(super) fn open_bytes(&mut self, tag: u8, length: usize) {
        self.put(tag, kind::SIMPLE_LIST, [kind::INT8]);
        self.count(tag, length);
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: i64) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.integer(1, value);
        writer.finish().unwrap()
    }

    #[test]
    fn integers_take_the_smallest_type() {
        assert_eq!(written(0), [0x1c]);
        assert_eq!(written(127), [0x10, 0x7f]);
        assert_eq!(written(-128), [0x10, 0x80]);
        assert_eq!(written(128), [0x11, 0, 0x80]);
        assert_eq!(written(-129), [0x11, 0xff, 0x7f]);
        assert_eq!(written(32_768), [0x12, 0, 0, 0x80, 0]);
        assert_eq!(written(1 << 31), [0x13, 0, 0, 0, 0, 0x80, 0, 0, 0]);
        assert_eq!(written(i64::MIN), [0x13, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn tags_from_15_take_a_byte_of_their_own() {
        let mut writer = Writer::new();
        writer.field(14, &1_i32);
        writer.field(15, &1_i32);
        writer.field(255, &0_i32);
        assert_eq!(writer.finish().unwrap(), [0xe0, 1, 0xf0, 15, 1, 0xfc, 255]);
    }

    #[test]
    fn text_changes_its_form_after_255_bytes() {
        let mut writer = Writer::from_vec(vec![9]);
        writer.text(0, &[b'a'; 255]);
        assert_eq!(writer.len(), 1 + 2 + 255);
        let mut writer = Writer::new();
        writer.text(0, &[b'a'; 256]);
        assert_eq!(writer.finish().unwrap()[..6], [7, 0, 0, 1, 0, b'a']);
    }

    #[test]
    fn nesting_too_deep_is_remembered() {
        let mut writer = Writer::new();
        writer.set_max_depth(2);
        writer.field(3, &vec![vec![vec![1_i32]]]);
        let error = writer.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "value (tag 0): more than 2 structs, lists and maps inside each other"
        );
    }
}
