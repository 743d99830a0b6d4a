//! Bytes to values.
#![allow(
    clippy::inline_always,
    reason = "with the tag a literal at the call, the test for the expected head is one compare"
)]

use bytes::Bytes;

use super::error::{DecodeError, Problem};
use super::head::{FIRST_LONG_TAG, Head, STRUCT_END_BYTE, kind};
use super::limits::Limits;
use super::{Decode, Length, Struct};

/// Bytes of a `vector<byte>` from which a slice of the backing buffer is worth more than a copy: a small slice would keep the whole
/// buffer alive.
const SHARE_FROM: usize = 1024;

/// Reads fields from bytes nobody vouches for, forwards only and in ascending order of their tags.
///
/// Unknown fields are skipped. What is damaged is an error, also in a field that is only skipped.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) rest: &'a [u8],
    /// Length of the whole input: offsets in messages are counted from its start.
    length: usize,
    /// Structs, lists and maps that may still be opened.
    pub(super) depth: u32,
    /// Bytes of memory that may still be spent.
    budget: usize,
    limits: Limits,
    /// The buffer behind the input, when large byte vectors may share it.
    backing: Option<&'a Bytes>,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    #[inline]
    pub fn new(input: &'a [u8], limits: &Limits) -> Self {
        let budget = limits.budget(input.len());
        Self {
            rest: input,
            length: input.len(),
            depth: limits.max_depth,
            budget,
            limits: *limits,
            backing: None,
        }
    }

    /// A reader at the start of `input`, whose byte vectors of 1 KiB and more become slices that share its memory.
    #[inline]
    pub fn from_bytes(input: &'a Bytes, limits: &Limits) -> Self {
        Self {
            backing: Some(input),
            ..Self::new(input, limits)
        }
    }

    /// Reads the field with `tag`; its absence is an error. `field` is its name in messages.
    #[inline(always)]
    pub fn require<T: Decode>(&mut self, tag: u8, field: &'static str) -> Result<T, DecodeError> {
        let head = match self.expected(tag) {
            Some(head) => head,
            None => self.seek_required(tag, field)?,
        };
        T::decode(self, head).map_err(|error| error.in_field(field, tag))
    }

    /// Reads the field with `tag` if it is there. `field` is its name in messages.
    #[inline(always)]
    pub fn optional<T: Decode>(&mut self, tag: u8, field: &'static str) -> Result<Option<T>, DecodeError> {
        let head = match self.expected(tag) {
            Some(head) => head,
            None => match self.seek_optional(tag, field)? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        T::decode(self, head)
            .map(Some)
            .map_err(|error| error.in_field(field, tag))
    }

    /// Reads the field with `tag`, or takes the type's own zero: absent and default are the same thing on this wire.
    #[inline(always)]
    pub fn optional_or_default<T: Decode + Default>(&mut self, tag: u8, field: &'static str) -> Result<T, DecodeError> {
        self.optional_or(tag, field, T::DEFAULT_HEAP, T::default)
    }

    /// Reads the field with `tag`, or takes `default`, which owns `heap` bytes of memory.
    #[doc(hidden)]
    #[inline(always)]
    pub fn optional_or<T: Decode>(
        &mut self,
        tag: u8,
        field: &'static str,
        heap: usize,
        default: impl FnOnce() -> T,
    ) -> Result<T, DecodeError> {
        match self.optional(tag, field)? {
            Some(value) => Ok(value),
            None if heap == 0 => Ok(default()),
            None => {
                self.charge(heap).map_err(|error| error.in_field(field, tag))?;
                Ok(default())
            }
        }
    }

    /// Checks the length of a value just read. This is what the derive calls for `max_len`.
    #[doc(hidden)]
    #[inline]
    pub fn bounded<T: Length>(&self, tag: u8, field: &'static str, max: usize, value: &T) -> Result<(), DecodeError> {
        let length = value.length();
        if length <= max {
            return Ok(());
        }
        Err(self.error(Problem::TooLong { length, max }).in_field(field, tag))
    }

    /// Reads a struct up to its end, unknown fields behind the last known one included. This is what the derived `Decode` calls.
    #[inline]
    pub fn structure<T: Struct>(&mut self, head: Head) -> Result<T, DecodeError> {
        if head.kind != kind::STRUCT_BEGIN {
            return Err(self.mismatch(head, "struct"));
        }
        self.enter()?;
        let value = T::decode_fields(self).map_err(|error| error.in_struct(T::NAME))?;
        self.end_struct().map_err(|error| error.in_struct(T::NAME))?;
        self.leave();
        Ok(value)
    }

    /// Offset of the next byte from the start of the input.
    #[inline]
    pub fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Bytes behind the offset.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The head of the next field, if it is the expected one in its one-byte form; else nothing has happened.
    #[inline(always)]
    fn expected(&mut self, tag: u8) -> Option<Head> {
        let (&byte, rest) = self.rest.split_first()?;
        let head = Head::short(byte);
        // A struct's end has tag 0 and must not pass for a field.
        if tag >= FIRST_LONG_TAG || head.tag != tag || head.kind == kind::STRUCT_END {
            return None;
        }
        self.rest = rest;
        Some(head)
    }

    #[inline(never)]
    fn seek_required(&mut self, tag: u8, field: &'static str) -> Result<Head, DecodeError> {
        match self.seek_optional(tag, field)? {
            Some(head) => Ok(head),
            None => Err(self.error(Problem::Missing).in_field(field, tag)),
        }
    }

    /// Skips to the field with `tag`. Stops in front of a larger tag, of the struct's end, or at the end of the input.
    #[inline(never)]
    fn seek_optional(&mut self, tag: u8, field: &'static str) -> Result<Option<Head>, DecodeError> {
        while !self.rest.is_empty() {
            let before = self.rest;
            let head = self.head().map_err(|error| error.in_field(field, tag))?;
            if head.kind == kind::STRUCT_END || head.tag > tag {
                self.rest = before;
                return Ok(None);
            }
            if head.tag == tag {
                return Ok(Some(head));
            }
            self.skip(head).map_err(|error| error.in_field(field, tag))?;
        }
        Ok(None)
    }

    /// Any head. The two types that mean nothing are refused here, so nothing behind them is ever guessed at.
    #[inline]
    pub(super) fn head(&mut self) -> Result<Head, DecodeError> {
        let [byte] = self.array()?;
        let mut head = Head::short(byte);
        if head.tag == FIRST_LONG_TAG {
            let [tag] = self.array()?;
            head = Head {
                tag,
                kind: head.kind,
                width: 2,
            };
        }
        if head.kind > kind::SIMPLE_LIST {
            return Err(self.error_at(Problem::Unassigned { kind: head.kind }, head));
        }
        Ok(head)
    }

    /// The head of an element: tag 0 in lists and for keys of maps, 1 for values of maps.
    #[inline(always)]
    pub(super) fn element(&mut self, tag: u8) -> Result<Head, DecodeError> {
        match self.expected(tag) {
            Some(head) => Ok(head),
            None => self.odd_element(tag),
        }
    }

    #[cold]
    #[inline(never)]
    fn odd_element(&mut self, tag: u8) -> Result<Head, DecodeError> {
        let head = self.head()?;
        if head.kind == kind::STRUCT_END {
            return Err(self.error_at(Problem::UnexpectedEnd, head));
        }
        if head.tag != tag {
            return Err(self.error_at(
                Problem::ElementTag {
                    expected: tag,
                    found: head.tag,
                },
                head,
            ));
        }
        Ok(head)
    }

    #[inline(always)]
    fn end_struct(&mut self) -> Result<(), DecodeError> {
        match self.rest.split_first() {
            Some((&STRUCT_END_BYTE, rest)) => {
                self.rest = rest;
                Ok(())
            }
            _ => self.skip_to_end(),
        }
    }

    #[inline(never)]
    fn skip_to_end(&mut self) -> Result<(), DecodeError> {
        while !self.rest.is_empty() {
            let head = self.head()?;
            if head.kind == kind::STRUCT_END {
                return Ok(());
            }
            self.skip(head)?;
        }
        Err(self.error(Problem::NotEnded))
    }

    #[inline(always)]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(*chunk)
            }
            None => Err(self.truncated(N)),
        }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.truncated(length)),
        }
    }

    /// Count of elements, each of which takes at least `width` bytes, or length of raw bytes.
    #[inline]
    pub(super) fn count(&mut self, width: usize) -> Result<usize, DecodeError> {
        let start = self.rest;
        let head = self.element(0)?;
        let count = i32::decode(self, head)?;
        let Ok(count) = usize::try_from(count) else {
            self.rest = start;
            return Err(self.error(Problem::NegativeCount { count }));
        };
        if count > self.rest.len() / width {
            let left = self.rest.len();
            self.rest = start;
            return Err(self.error(Problem::Count { count, left }));
        }
        Ok(count)
    }

    /// The bytes of a string, in either of its two forms.
    #[inline(always)]
    pub(super) fn text(&mut self, head: Head) -> Result<&'a [u8], DecodeError> {
        let length = match head.kind {
            kind::STRING1 => {
                let [length] = self.array()?;
                usize::from(length)
            }
            kind::STRING4 => self.long_length()?,
            _ => return Err(self.mismatch(head, "string")),
        };
        self.take(length)
    }

    /// Also bytes that no machine could hold come out as "too few are left".
    #[inline(never)]
    pub(super) fn long_length(&mut self) -> Result<usize, DecodeError> {
        let length = u32::from_be_bytes(self.array()?);
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The bytes of a simple list whose head has been read.
    #[inline]
    pub(super) fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        let inner = self.head()?;
        if inner.kind != kind::INT8 {
            return Err(self.error_at(Problem::RawKind { found: inner.kind }, inner));
        }
        let length = self.count(1)?;
        self.take(length)
    }

    /// Bytes just taken from the input as an owned value: a slice of the backing buffer when they are many, else a copy.
    #[inline]
    pub(super) fn share(&mut self, taken: &'a [u8]) -> Result<Bytes, DecodeError> {
        self.charge(taken.len())?;
        Ok(match self.backing {
            Some(backing) if taken.len() >= SHARE_FROM => backing.slice_ref(taken),
            _ => Bytes::copy_from_slice(taken),
        })
    }

    /// Opens a list: its count, each element of which takes one byte or more.
    #[inline]
    pub(super) fn open_list(&mut self, head: Head) -> Result<usize, DecodeError> {
        if head.kind != kind::LIST {
            return Err(self.mismatch(head, "list"));
        }
        self.enter()?;
        self.count(1)
    }

    /// Opens a map: the count of its entries, each of which takes two bytes or more.
    #[inline]
    pub(super) fn open_map(&mut self, head: Head) -> Result<usize, DecodeError> {
        if head.kind != kind::MAP {
            return Err(self.mismatch(head, "map"));
        }
        self.enter()?;
        self.count(2)
    }

    #[inline(always)]
    fn enter(&mut self) -> Result<(), DecodeError> {
        match self.depth.checked_sub(1) {
            Some(depth) => {
                self.depth = depth;
                Ok(())
            }
            None => Err(self.too_deep()),
        }
    }

    /// Closes a list, a map or a struct.
    #[inline(always)]
    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Takes `bytes` of memory from the budget. Called before the memory is asked for.
    #[inline(always)]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(budget) => {
                self.budget = budget;
                Ok(())
            }
            None => Err(self.too_much()),
        }
    }

    /// Gives back what was charged for memory that is free again.
    #[inline]
    pub(super) fn refund(&mut self, bytes: usize) {
        self.budget += bytes;
    }

    /// An empty vector for `count` elements. What it reserves is charged, and is never more than the bytes that remain.
    #[inline]
    pub(super) fn allot<T>(&mut self, count: usize) -> Result<Vec<T>, DecodeError> {
        let capacity = count.min(self.rest.len() / size_of::<T>().max(1));
        self.charge(capacity * size_of::<T>())?;
        Ok(Vec::with_capacity(capacity))
    }

    /// Room for one more of `count` elements.
    #[inline(always)]
    pub(super) fn room<T>(&mut self, items: &mut Vec<T>, count: usize) -> Result<(), DecodeError> {
        if items.len() == items.capacity() {
            self.grow(items, count)
        } else {
            Ok(())
        }
    }

    /// Doubles a vector, but never beyond `count`. Old and new memory exist together while the elements move.
    #[cold]
    #[inline(never)]
    fn grow<T>(&mut self, items: &mut Vec<T>, count: usize) -> Result<(), DecodeError> {
        let old = items.capacity();
        let new = old.saturating_mul(2).clamp(4, count.max(4)).min(count);
        self.charge(new.saturating_mul(size_of::<T>()))?;
        items.reserve_exact(new - items.len());
        self.refund(old * size_of::<T>());
        Ok(())
    }

    /// A value of another type than the one asked for, or a narrower field than the value.
    #[cold]
    #[inline(never)]
    pub(super) fn mismatch(&self, head: Head, expected: &'static str) -> DecodeError {
        self.error_at(
            Problem::Mismatch {
                expected,
                found: head.kind,
            },
            head,
        )
    }

    #[cold]
    #[inline(never)]
    fn truncated(&self, needed: usize) -> DecodeError {
        self.error(Problem::Truncated {
            needed,
            left: self.rest.len(),
        })
    }

    #[cold]
    #[inline(never)]
    pub(super) fn too_deep(&self) -> DecodeError {
        self.error(Problem::Depth {
            max: self.limits.max_depth,
        })
    }

    #[cold]
    #[inline(never)]
    fn too_much(&self) -> DecodeError {
        self.error(Problem::Memory {
            max: self.limits.budget(self.length),
        })
    }

    /// A problem with what comes next.
    #[cold]
    #[inline(never)]
    pub(super) fn error(&self, problem: Problem) -> DecodeError {
        DecodeError::new(problem, self.offset())
    }

    /// A problem with the value whose head has just been read.
    #[cold]
    #[inline(never)]
    pub(super) fn error_at(&self, problem: Problem, head: Head) -> DecodeError {
        DecodeError::new(problem, self.offset().saturating_sub(usize::from(head.width)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(input: &[u8]) -> Reader<'_> {
        Reader::new(input, &Limits::default())
    }

    #[test]
    fn the_long_form_of_a_small_tag_is_read() {
        let mut input = reader(&[0xf0, 3, 7, 0xf0, 200, 8]);
        assert_eq!(input.require::<i32>(3, "a").unwrap(), 7);
        assert_eq!(input.require::<i32>(200, "b").unwrap(), 8);
    }

    #[test]
    fn lookup_goes_forwards_only() {
        let mut input = reader(&[0x10, 1, 0x00, 2]);
        assert_eq!(input.optional::<i32>(0, "a").unwrap(), None);
        assert_eq!(input.optional::<i32>(1, "b").unwrap(), Some(1));
        assert_eq!(input.optional::<i32>(2, "c").unwrap(), None);
    }

    #[test]
    fn damage_in_a_skipped_field_is_not_absence() {
        let error = reader(&[0x0e, 0x11, 0x22]).optional::<i32>(3, "c").unwrap_err();
        assert_eq!(error.to_string(), "c (tag 3): found the unassigned type 14 at byte 0");
        let error = reader(&[0x06, 5, 0x41]).optional::<i32>(3, "c").unwrap_err();
        assert_eq!(error.to_string(), "c (tag 3): 5 bytes needed, 1 left at byte 2");
    }

    #[test]
    fn counts_are_held_against_the_bytes_left() {
        let error = reader(&[0x09, 0x02, 0x7f, 0xff, 0xff, 0xff])
            .require::<Vec<i32>>(0, "v")
            .unwrap_err();
        let text = "v (tag 0): count 2147483647 is more than the 0 bytes left can hold at byte 1";
        assert_eq!(error.to_string(), text);
        let error = reader(&[0x09, 0x00, 0xff]).require::<Vec<i32>>(0, "v").unwrap_err();
        assert_eq!(error.to_string(), "v (tag 0): count -1 is negative at byte 1");
    }

    #[test]
    fn large_byte_vectors_share_the_input() {
        let mut writer = super::super::Writer::new();
        writer.bytes(0, &[1; 2000]);
        writer.bytes(1, &[2; 10]);
        let input = Bytes::from(writer.finish().unwrap());
        let mut shared = Reader::from_bytes(&input, &Limits::default());
        let large: Bytes = shared.require(0, "large").unwrap();
        let small: Bytes = shared.require(1, "small").unwrap();
        let inside = input.as_ptr_range();
        assert!(inside.contains(&large.as_ptr()));
        assert!(!inside.contains(&small.as_ptr()));
        assert_eq!(&small[..], [2; 10]);
    }

    #[test]
    fn vectors_grow_to_their_count_and_no_further() {
        // 1000 zeros: two bytes of count, then a byte an element, so eight byte elements cannot be reserved at once.
        let mut input = vec![0x09, 0x01, 0x03, 0xe8];
        input.extend([0x0c; 1000]);
        let value: Vec<i64> = reader(&input).require(0, "v").unwrap();
        assert_eq!((value.len(), value.capacity()), (1000, 1000));
    }
}
