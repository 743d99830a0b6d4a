//! Fields taken out of their message as they are, to be put into another one.

use super::error::DecodeError;
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
