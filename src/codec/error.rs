//! What can go wrong between values and bytes. Errors are boxed, so that a result stays one pointer wide, and built in cold functions.

use std::error::Error;
use std::fmt;

use super::head::describe;

/// Steps of a path that are kept. Deeper paths lose steps in the middle: an error must not take more memory than the value would.
const MAX_STEPS: usize = 12;

/// Why bytes are not the value they were said to be.
///
/// The text names the struct, the path to the field, its tag and the offset:
/// `RequestPacket.iTimeout (tag 8): expected int, found a string at byte 31`.
pub struct DecodeError(Box<Details>);

struct Details {
    problem: Problem,
    /// Offset in the input of what the problem is about.
    offset: usize,
    /// From the inside out, as the error travels.
    steps: Vec<Step>,
    /// Steps dropped before the outermost one.
    elided: usize,
    /// Name of the outermost struct.
    root: Option<&'static str>,
}

enum Step {
    Field {
        name: &'static str,
        tag: u8,
    },
    Element(usize),
    Key(usize),
    Value(usize),
    /// A member of a JSON object, which has no tag.
    #[cfg(feature = "json")]
    Member(&'static str),
    /// An entry of a map that is a JSON object, or its key.
    #[cfg(feature = "json")]
    Entry {
        key: Box<str>,
        is_key: bool,
    },
}

/// Bytes of a JSON object's key that a path shows.
#[cfg(feature = "json")]
const MAX_KEY: usize = 32;

/// What is wrong, in the numbers a message needs.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    Missing,
    Mismatch {
        expected: &'static str,
        found: u8,
    },
    Unassigned {
        kind: u8,
    },
    Truncated {
        needed: usize,
        left: usize,
    },
    NotEnded,
    UnexpectedEnd,
    ElementTag {
        expected: u8,
        found: u8,
    },
    NegativeCount {
        count: i32,
    },
    Count {
        count: usize,
        left: usize,
    },
    RawKind {
        found: u8,
    },
    PairCount {
        count: usize,
    },
    Range {
        expected: &'static str,
        value: i64,
    },
    NotUtf8 {
        valid: usize,
    },
    TooLong {
        length: usize,
        max: usize,
    },
    Depth {
        max: u32,
    },
    Memory {
        max: usize,
    },
    /// JSON text that has something else where this is expected.
    #[cfg(feature = "json")]
    Found {
        expected: &'static str,
        found: &'static str,
    },
    /// A JSON number that even the widest integer could not hold, or a float that is infinite.
    #[cfg(feature = "json")]
    Overflow {
        expected: &'static str,
    },
    #[cfg(feature = "json")]
    Name(UnknownName),
}

impl DecodeError {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(problem: Problem, offset: usize) -> Self {
        Self(Box::new(Details {
            problem,
            offset,
            steps: Vec::new(),
            elided: 0,
            root: None,
        }))
    }

    /// Where in the input the problem is, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Whether a required field is not there, as opposed to bytes that are damaged or of another type.
    pub fn is_missing(&self) -> bool {
        matches!(self.0.problem, Problem::Missing)
    }

    /// Whether one of the [`Limits`](super::Limits) refused the value.
    pub fn is_limit(&self) -> bool {
        matches!(self.0.problem, Problem::Depth { .. } | Problem::Memory { .. })
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_field(self, name: &'static str, tag: u8) -> Self {
        self.step(Step::Field { name, tag })
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_element(self, index: usize) -> Self {
        self.step(Step::Element(index))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn in_key(self, index: usize) -> Self {
        self.step(Step::Key(index))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn in_value(self, index: usize) -> Self {
        self.step(Step::Value(index))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn in_struct(mut self, name: &'static str) -> Self {
        self.0.root = Some(name);
        self
    }

    #[cfg(feature = "json")]
    #[cold]
    #[inline(never)]
    pub(crate) fn in_member(self, name: &'static str) -> Self {
        self.step(Step::Member(name))
    }

    /// In the entry with this key, or in the key itself.
    #[cfg(feature = "json")]
    #[cold]
    #[inline(never)]
    pub(crate) fn in_entry(self, key: &[u8], is_key: bool) -> Self {
        let shown = String::from_utf8_lossy(&key[..key.len().min(MAX_KEY)]);
        let more = if key.len() > MAX_KEY { ".." } else { "" };
        let key = format!("{shown}{more}").into_boxed_str();
        self.step(Step::Entry { key, is_key })
    }

    /// Moves the place of the problem: the text of a key has places of its own, which say nothing about the input.
    #[cfg(feature = "json")]
    #[cold]
    pub(crate) fn at(mut self, offset: usize) -> Self {
        self.0.offset = offset;
        self
    }

    /// The path and the problem without the offset, for input whose bytes nobody sees.
    pub(crate) fn without_offset(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            self.0.write_path(f)?;
            write!(f, "{}", self.0.problem)
        })
    }

    fn step(mut self, step: Step) -> Self {
        let details = &mut *self.0;
        if details.steps.len() == MAX_STEPS {
            details.steps.pop();
            details.elided += 1;
        }
        details.steps.push(step);
        self
    }
}

impl Details {
    /// `Outer.items[3].name (tag 1)`; says nothing when neither a struct nor a field is known.
    fn write_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.unwrap_or_default())?;
        for (place, step) in self.steps.iter().rev().enumerate() {
            if place == 1 && self.elided > 0 {
                f.write_str("..")?;
            }
            match step {
                Step::Field { name, .. } if place == 0 && self.root.is_none() => f.write_str(name)?,
                Step::Field { name, .. } => write!(f, ".{name}")?,
                Step::Element(index) => write!(f, "[{index}]")?,
                Step::Key(index) => write!(f, "[key {index}]")?,
                Step::Value(index) => write!(f, "[value {index}]")?,
                #[cfg(feature = "json")]
                Step::Member(name) if place == 0 && self.root.is_none() => f.write_str(name)?,
                #[cfg(feature = "json")]
                Step::Member(name) => write!(f, ".{name}")?,
                #[cfg(feature = "json")]
                Step::Entry { key, is_key } => write!(f, "[{}{key:?}]", if *is_key { "key " } else { "" })?,
            }
        }
        if let Some(tag) = self.steps.iter().find_map(Step::tag) {
            write!(f, " (tag {tag})")?;
        }
        if self.root.is_some() || !self.steps.is_empty() {
            f.write_str(": ")
        } else {
            Ok(())
        }
    }
}

impl Step {
    const fn tag(&self) -> Option<u8> {
        match self {
            Self::Field { tag, .. } => Some(*tag),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            #[cfg(feature = "json")]
            Self::Found { expected, found } => write!(f, "expected {expected}, found {found}"),
            #[cfg(feature = "json")]
            Self::Overflow { expected } => write!(f, "the number is out of range for {expected}"),
            #[cfg(feature = "json")]
            Self::Name(ref unknown) => write!(f, "{unknown}"),
            Self::Missing => f.write_str("required field is missing"),
            Self::Mismatch { expected, found } => write!(f, "expected {expected}, found {}", describe(found)),
            Self::Unassigned { kind } => write!(f, "found {}", describe(kind)),
            Self::Truncated { needed, left } => write!(f, "{needed} bytes needed, {left} left"),
            Self::NotEnded => f.write_str("struct is not ended"),
            Self::UnexpectedEnd => f.write_str("expected an element, found the end of a struct"),
            Self::ElementTag { expected, found } => {
                write!(f, "expected an element with tag {expected}, found tag {found}")
            }
            Self::NegativeCount { count } => write!(f, "count {count} is negative"),
            Self::Count { count, left } => write!(f, "count {count} is more than the {left} bytes left can hold"),
            Self::RawKind { found } => write!(f, "raw bytes must be made of bytes, found {}", describe(found)),
            Self::PairCount { count } => write!(f, "expected a map of one entry, found {count}"),
            Self::Range { expected, value } => write!(f, "{value} is out of range for {expected}"),
            Self::NotUtf8 { valid } => write!(f, "string is not UTF-8 after its first {valid} bytes"),
            Self::TooLong { length, max } => write!(f, "length {length} is more than the {max} allowed"),
            Self::Depth { max } => write!(f, "more than {max} structs, lists and maps inside each other"),
            Self::Memory { max } => write!(f, "decoded value takes more than the {max} bytes of memory allowed"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_path(f)?;
        write!(f, "{} at byte {}", self.0.problem, self.0.offset)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

impl Error for DecodeError {}

/// Why a value has no encoding: it breaks a bound of its definition, or one of the wire format.
///
/// The text names the struct and the field: `Shard.keys (tag 2): length 20 is more than the 16 allowed`.
pub struct EncodeError(Box<EncodeDetails>);

struct EncodeDetails {
    problem: EncodeProblem,
    /// Name of the struct that was being written.
    owner: Option<&'static str>,
    field: Option<&'static str>,
    tag: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum EncodeProblem {
    TooLong { length: usize, max: usize },
    Depth { max: u32 },
}

impl EncodeError {
    #[cold]
    #[inline(never)]
    pub(super) fn new(problem: EncodeProblem, tag: u8) -> Self {
        Self(Box::new(EncodeDetails {
            problem,
            owner: None,
            field: None,
            tag,
        }))
    }

    /// Names the field.
    #[cold]
    #[inline(never)]
    pub(super) fn in_field(mut self, name: &'static str) -> Self {
        self.0.field = Some(name);
        self
    }

    /// Names the struct, unless one further in has been named.
    #[cold]
    #[inline(never)]
    pub(super) fn in_struct(mut self, name: &'static str) -> Self {
        self.0.owner.get_or_insert(name);
        self
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.owner.unwrap_or("value"))?;
        if let Some(field) = self.0.field {
            write!(f, ".{field}")?;
        }
        write!(f, " (tag {}): ", self.0.tag)?;
        match self.0.problem {
            EncodeProblem::TooLong { length, max } => write!(f, "length {length} is more than the {max} allowed"),
            EncodeProblem::Depth { max } => write!(f, "more than {max} structs, lists and maps inside each other"),
        }
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodeError({self})")
    }
}

impl Error for EncodeError {}

/// A text that names no value of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    given: String,
    enumeration: &'static str,
    known: &'static [&'static str],
}

impl UnknownName {
    /// What the derived `TryFrom<&str>` returns: the text, the enum's name and the names it has.
    #[doc(hidden)]
    #[cold]
    pub fn new(given: &str, enumeration: &'static str, known: &'static [&'static str]) -> Self {
        Self {
            given: given.to_owned(),
            enumeration,
            known,
        }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a value of `{}`, expected one of ",
            self.given, self.enumeration
        )?;
        for (index, name) in self.known.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

impl Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_struct_field_tag_and_offset() {
        let error = DecodeError::new(
            Problem::Mismatch {
                expected: "int",
                found: 6,
            },
            31,
        );
        assert_eq!(error.to_string(), "expected int, found a string at byte 31");
        let error = error.in_field("iTimeout", 8).in_struct("RequestPacket");
        assert_eq!(
            error.to_string(),
            "RequestPacket.iTimeout (tag 8): expected int, found a string at byte 31"
        );
    }

    #[test]
    fn nested_steps_read_from_the_outside_in() {
        let error = DecodeError::new(Problem::Missing, 5)
            .in_field("name", 1)
            .in_struct("Nested");
        let error = error.in_element(3).in_field("items", 8).in_struct("Medium");
        assert_eq!(
            error.to_string(),
            "Medium.items[3].name (tag 1): required field is missing at byte 5"
        );
    }

    #[test]
    fn long_paths_keep_both_ends() {
        let mut error = DecodeError::new(Problem::Missing, 0).in_field("inner", 1);
        for _ in 0..50 {
            error = error.in_field("next", 2);
        }
        let text = error.in_field("outer", 3).in_struct("Root").to_string();
        assert!(text.starts_with("Root.outer...next"), "{text}");
        assert!(text.contains(".inner (tag 1)"), "{text}");
        assert!(text.len() < 200, "{text}");
    }

    #[test]
    fn results_stay_one_pointer_wide() {
        assert_eq!(size_of::<Result<(), DecodeError>>(), size_of::<usize>());
        assert_eq!(size_of::<Option<EncodeError>>(), size_of::<usize>());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = UnknownName::new("x", "Level", &["LOW", "HIGH"]);
        assert_eq!(
            error.to_string(),
            "`x` is not a value of `Level`, expected one of `LOW`, `HIGH`"
        );
    }
}
