//! Fields taken out of their message as they are, to be put into another one.

use super::Encode;
use super::error::DecodeError;
use super::head::kind;
use super::reader::Reader;
use super::writer::Writer;

/// A field that has not been decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    tag: u8,
    kind: u8,
    /// What stands behind the head.
    value: &'a [u8],
}

impl Field<'_> {
    pub(crate) fn tag(&self) -> u8 {
        self.tag
    }

    /// Whether the value is a string.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, kind::STRING1 | kind::STRING4)
    }

    /// Bytes of the value without its head.
    pub(crate) fn size(&self) -> usize {
        self.value.len()
    }

    /// Writes the field with another tag.
    pub(crate) fn append(&self, tag: u8, to: &mut Writer) {
        to.copied(tag, self.kind, self.value);
    }
}

impl<'a> Reader<'a> {
    /// The next field, `None` at the end of the input. What is damaged in it is an error.
    pub(crate) fn cut(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let head = self.head()?;
        let before = self.rest;
        self.skip(head)?;
        let length = before.len() - self.rest.len();
        Ok(Some(Field {
            tag: head.tag,
            kind: head.kind,
            value: &before[..length],
        }))
    }
}

/// A field in raw bytes of its own, as their field 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a>(pub(crate) Field<'a>);

impl Encode for Packed<'_> {
    fn encode(&self, tag: u8, w: &mut Writer) {
        const HEAD: usize = 1;
        w.open_bytes(tag, HEAD + self.0.size());
        self.0.append(0, w);
    }
}
