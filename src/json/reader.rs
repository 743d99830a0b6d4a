//! JSON text, token by token.

use std::borrow::Cow;

use super::number::{self, NotInteger};
use super::read::FromJson;
use super::unescape::unescape;
use crate::codec::{DecodeError, Length, Limits, Problem, UnknownName};

/// Reads JSON text nobody vouches for.
///
/// The text is never copied as a whole, nesting has a limit, and memory is charged before it is asked for.
#[derive(Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    /// Objects and arrays that may still be opened.
    depth: u32,
    /// Bytes of memory that may still be spent.
    budget: usize,
    /// What the budget began with, and the depth, for messages.
    granted: usize,
    max_depth: u32,
}

/// A container while its items are read.
pub(super) struct Items {
    close: u8,
    first: bool,
}

const ANY: &str = "a value";

/// Bytes of an unknown name that a message repeats.
const MAX_NAME: usize = 64;

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    pub fn new(input: &'a [u8], limits: &Limits) -> Self {
        Self {
            input,
            at: 0,
            // The outermost struct counts as little as it does in the codec, where it has no begin and no end.
            depth: limits.max_depth.saturating_add(1),
            budget: limits.budget(input.len()),
            granted: limits.budget(input.len()),
            max_depth: limits.max_depth,
        }
    }

    /// Whether nothing is left but spaces; else it is an error.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.mismatch("the end of the text")),
        }
    }

    /// Offset of the next byte from the start of the text.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Reads an object: `member` is called with each key, and reads the value or [skips](Self::skip) it.
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut items = self.open(b'{', "an object")?;
        while self.next(&mut items)? {
            let key = self.key()?;
            member(self, &key)?;
        }
        Ok(())
    }

    /// Reads the value of the member `name`.
    #[doc(hidden)]
    pub fn member<T: FromJson>(&mut self, name: &'static str) -> Result<Option<T>, DecodeError> {
        match T::read(self) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(error.in_member(name)),
        }
    }

    /// Reads the value of the optional member `name`, which is absent when it is `null`.
    #[doc(hidden)]
    pub fn nullable<T: FromJson>(&mut self, name: &'static str) -> Result<Option<T>, DecodeError> {
        if !T::READS_NULL && self.null().map_err(|error| error.in_member(name))? {
            return Ok(None);
        }
        self.member(name)
    }

    /// Reads the value of the member `name` with `presence`.
    #[doc(hidden)]
    pub fn present<T: FromJson>(&mut self, name: &'static str) -> Result<Option<T>, DecodeError> {
        if self.null().map_err(|error| error.in_member(name))? {
            return Ok(None);
        }
        self.member(name)
    }

    /// Checks the length of a value just read. This is what the derive calls for `max_len`.
    #[doc(hidden)]
    pub fn bounded<T: Length>(&self, name: &'static str, max: usize, value: Option<&T>) -> Result<(), DecodeError> {
        match value.map(Length::length) {
            Some(length) if length > max => Err(self.error(Problem::TooLong { length, max }).in_member(name)),
            _ => Ok(()),
        }
    }

    /// The value of a member that must be there.
    #[doc(hidden)]
    pub fn required<T>(&self, name: &'static str, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.error(Problem::Missing).in_member(name))
    }

    /// The value of a member, or its default, which owns `heap` bytes of memory.
    #[doc(hidden)]
    pub fn optional_or<T>(
        &mut self,
        name: &'static str,
        value: Option<T>,
        heap: usize,
        default: impl FnOnce() -> T,
    ) -> Result<T, DecodeError> {
        if let Some(value) = value {
            return Ok(value);
        }
        self.charge(heap).map_err(|error| error.in_member(name))?;
        Ok(default())
    }

    /// An enum's number, or a value's name.
    #[doc(hidden)]
    pub fn enumerator<T: From<i32>>(
        &mut self,
        by_name: impl FnOnce(&str) -> Result<T, UnknownName>,
    ) -> Result<T, DecodeError> {
        if self.peek() != Some(b'"') {
            return i32::read(self).map(T::from);
        }
        let offset = self.at;
        let name = self.text("a number or a name")?;
        named(&name, by_name).map_err(|unknown| DecodeError::new(Problem::Name(unknown), offset))
    }

    /// An enum's number or a value's name as the key of a map.
    #[doc(hidden)]
    pub fn enumerator_key<T: From<i32>>(
        &mut self,
        key: &[u8],
        by_name: impl FnOnce(&str) -> Result<T, UnknownName>,
    ) -> Result<T, DecodeError> {
        match key.first() {
            Some(b'-' | b'0'..=b'9') => i32::read_key(self, key.into()).map(T::from),
            _ => named(key, by_name).map_err(|unknown| self.error(Problem::Name(unknown))),
        }
    }

    /// Steps over `null`, if that is what follows.
    pub fn null(&mut self) -> Result<bool, DecodeError> {
        match self.peek() {
            Some(b'n') => self.word(b"null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// Skips a value. What is damaged in it is an error.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        // A byte a level, and no more levels than may be open.
        let mut open: Vec<Items> = Vec::new();
        loop {
            match self.peek() {
                Some(byte @ (b'{' | b'[')) => open.push(self.open(byte, ANY)?),
                Some(b'"') => drop(self.raw_text(ANY)?),
                Some(b't' | b'f') => drop(self.boolean(ANY)?),
                Some(b'n') => self.word(b"null")?,
                _ => drop(self.number(ANY)?),
            }
            loop {
                let Some(items) = open.last_mut() else { return Ok(()) };
                if self.next(items)? {
                    if items.close == b'}' {
                        self.raw_text("a key")?;
                        self.expect(b':', "`:`")?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// Opens an array or an object.
    pub(super) fn open(&mut self, open: u8, expected: &'static str) -> Result<Items, DecodeError> {
        self.expect(open, expected)?;
        let Some(depth) = self.depth.checked_sub(1) else {
            let max = self.max_depth;
            return Err(DecodeError::new(Problem::Depth { max }, self.at - 1));
        };
        self.depth = depth;
        let close = if open == b'{' { b'}' } else { b']' };
        Ok(Items { close, first: true })
    }

    /// Whether another item follows; steps over the comma in front of it, or over the end.
    pub(super) fn next(&mut self, items: &mut Items) -> Result<bool, DecodeError> {
        if self.peek() == Some(items.close) {
            self.at += 1;
            self.depth += 1;
            return Ok(false);
        }
        if !items.first {
            let expected = if items.close == b'}' {
                "`,` or `}`"
            } else {
                "`,` or `]`"
            };
            self.expect(b',', expected)?;
        }
        items.first = false;
        Ok(true)
    }

    /// A key and the colon behind it.
    pub(super) fn key(&mut self) -> Result<Cow<'a, [u8]>, DecodeError> {
        let key = self.text("a key")?;
        self.expect(b':', "`:`")?;
        Ok(key)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, expected: &'static str) -> Result<bool, DecodeError> {
        match self.peek() {
            Some(b't') => self.word(b"true").map(|()| true),
            Some(b'f') => self.word(b"false").map(|()| false),
            _ => Err(self.mismatch(expected)),
        }
    }

    /// An integer of at most 64 bits.
    pub(super) fn integer(&mut self, expected: &'static str) -> Result<i64, DecodeError> {
        let text = self.number(expected)?;
        let start = self.at - text.len();
        number::integer(text).map_err(|error| {
            let problem = match error {
                NotInteger::Range => Problem::Overflow { expected },
                NotInteger::Fraction => Problem::Found {
                    expected,
                    found: "a number with a fraction",
                },
            };
            DecodeError::new(problem, start)
        })
    }

    /// The text of a number, whose grammar has been checked.
    pub(super) fn number(&mut self, expected: &'static str) -> Result<&'a str, DecodeError> {
        let start = match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.at,
            _ => return Err(self.mismatch(expected)),
        };
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if self.input[whole] == b'0' && self.at > whole + 1 {
            return Err(found(whole, "a number", "one that begins with 0"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(str::from_utf8(&self.input[start..self.at]).expect("digits are ASCII"))
    }

    /// One digit or more; gives back where they begin.
    fn digits(&mut self) -> Result<usize, DecodeError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start {
            Ok(start)
        } else {
            Err(self.mismatch("a digit"))
        }
    }

    /// The bytes of a string, borrowed when nothing in it is escaped. Charged either way: it is the memory of who keeps it.
    pub(super) fn text(&mut self, expected: &'static str) -> Result<Cow<'a, [u8]>, DecodeError> {
        let (raw, escaped) = self.raw_text(expected)?;
        self.charge(raw.len())?;
        if escaped {
            let end = self.at - 1;
            unescape(raw, end - raw.len()).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(raw))
        }
    }

    /// What is between the quotes of a string, and whether something is escaped in it.
    fn raw_text(&mut self, expected: &'static str) -> Result<(&'a [u8], bool), DecodeError> {
        self.expect(b'"', expected)?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..0x20) => return Err(found(self.at, "a string", "a control character in it")),
                Some(_) => self.at += 1,
                None => {
                    self.at = self.input.len();
                    return Err(self.mismatch("the end of a string"));
                }
            }
        }
        let raw = &self.input[start..self.at];
        self.at += 1;
        Ok((raw, escaped))
    }

    /// A value whose JSON text is the key of a map.
    pub(super) fn inside_key<T: FromJson>(&mut self, key: &[u8]) -> Result<T, DecodeError> {
        let mut inner = Reader {
            input: key,
            at: 0,
            ..*self
        };
        let value = T::read(&mut inner).and_then(|value| inner.end().map(|()| value));
        self.budget = inner.budget;
        value.map_err(|error| error.at(self.at))
    }

    /// Takes `bytes` of memory from the budget. Called before the memory is asked for.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(budget) => {
                self.budget = budget;
                Ok(())
            }
            None => Err(self.error(Problem::Memory { max: self.granted })),
        }
    }

    /// Gives back what was charged for memory that is free again.
    pub(super) fn refund(&mut self, bytes: usize) {
        self.budget += bytes;
    }

    /// Room for one more element. Old and new memory exist together while the elements move.
    pub(super) fn room<T>(&mut self, items: &mut Vec<T>) -> Result<(), DecodeError> {
        let old = items.capacity();
        if items.len() < old {
            return Ok(());
        }
        // One element of a wide struct may be all that comes.
        let first = if size_of::<T>() > 64 { 1 } else { 4 };
        let new = old.saturating_mul(2).max(first);
        self.charge(new.saturating_mul(size_of::<T>()))?;
        items.reserve_exact(new - items.len());
        self.refund(old * size_of::<T>());
        Ok(())
    }

    fn byte(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// The next byte that is no space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), DecodeError> {
        if self.peek() != Some(byte) {
            return Err(self.mismatch(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), DecodeError> {
        if !self.input[self.at..].starts_with(word) {
            return Err(found(self.at, ANY, "an unknown word"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Something else stands where `expected` should.
    #[cold]
    pub(super) fn mismatch(&mut self, expected: &'static str) -> DecodeError {
        let instead = match self.peek() {
            None => "the end of the text",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a bool",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b'}') => "`}`",
            Some(b']') => "`]`",
            Some(b',') => "`,`",
            Some(b':') => "`:`",
            Some(_) => "a character that means nothing here",
        };
        found(self.at, expected, instead)
    }

    /// A problem with what has just been read.
    #[cold]
    pub(super) fn error(&self, problem: Problem) -> DecodeError {
        DecodeError::new(problem, self.at)
    }
}

#[cold]
fn found(offset: usize, expected: &'static str, found: &'static str) -> DecodeError {
    DecodeError::new(Problem::Found { expected, found }, offset)
}

/// No name in an IDL is long, and a message should not be either.
fn named<T>(name: &[u8], by_name: impl FnOnce(&str) -> Result<T, UnknownName>) -> Result<T, UnknownName> {
    by_name(&String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]))
}
