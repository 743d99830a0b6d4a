//! Steps over a value nobody asked for, without recursion.

use super::error::{DecodeError, Problem};
use super::head::{Head, kind};
use super::reader::Reader;

/// What is open while a nested value is skipped.
enum Open {
    /// Until its end.
    Struct,
    /// So many values more.
    Values(usize),
}

impl Reader<'_> {
    /// Skips the value behind `head`. What is damaged in it is an error.
    pub(super) fn skip(&mut self, head: Head) -> Result<(), DecodeError> {
        // Allocates only for nested values: a few bytes a level, and a level takes a byte of input or more.
        let mut open = Vec::new();
        let mut head = head;
        loop {
            match self.step_over(head)? {
                Some(Open::Values(0)) => {}
                Some(container) if open.len() < self.depth as usize => open.push(container),
                Some(_) => return Err(self.too_deep()),
                None if head.kind == kind::STRUCT_END => self.close(&mut open, head)?,
                None => {}
            }
            while let Some(Open::Values(0)) = open.last() {
                open.pop();
            }
            match open.last_mut() {
                None => return Ok(()),
                Some(Open::Values(left)) => *left -= 1,
                Some(Open::Struct) if self.remaining() == 0 => return Err(self.error(Problem::NotEnded)),
                Some(Open::Struct) => {}
            }
            head = self.head()?;
        }
    }

    /// An end closes the struct it stands in, and means nothing anywhere else.
    fn close(&self, open: &mut Vec<Open>, head: Head) -> Result<(), DecodeError> {
        match open.pop() {
            Some(Open::Struct) => Ok(()),
            _ => Err(self.error_at(Problem::UnexpectedEnd, head)),
        }
    }

    /// Steps over a plain value, or into a nested one.
    fn step_over(&mut self, head: Head) -> Result<Option<Open>, DecodeError> {
        let length = match head.kind {
            kind::ZERO | kind::STRUCT_END => 0,
            kind::INT8 => 1,
            kind::INT16 => 2,
            kind::INT32 | kind::FLOAT => 4,
            kind::INT64 | kind::DOUBLE => 8,
            kind::STRING1 => {
                let [length] = self.array()?;
                usize::from(length)
            }
            kind::STRING4 => self.long_length()?,
            kind::SIMPLE_LIST => return self.raw().map(|_| None),
            kind::LIST => return self.count(1).map(|count| Some(Open::Values(count))),
            kind::MAP => return self.count(2).map(|count| Some(Open::Values(count * 2))),
            kind::STRUCT_BEGIN => return Ok(Some(Open::Struct)),
            kind => return Err(self.error_at(Problem::Unassigned { kind }, head)),
        };
        self.take(length).map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    /// Skips what stands in front of tag 9 and reads it.
    fn behind(skipped: &[u8]) -> Result<i32, String> {
        let mut input = skipped.to_vec();
        input.extend([0x90, 42]);
        let limits = Limits {
            max_depth: 3,
            ..Limits::default()
        };
        Reader::new(&input, &limits)
            .require(9, "x")
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_is_stepped_over() {
        let plain: &[&[u8]] = &[
            &[0x00, 1],
            &[0x01, 1, 2],
            &[0x02, 1, 2, 3, 4],
            &[0x03, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x04, 1, 2, 3, 4],
            &[0x05, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x06, 2, 1, 2],
            &[0x07, 0, 0, 0, 2, 1, 2],
            &[0x08, 0x0c],
            &[0x08, 0x00, 2, 0x0c, 0x1c, 0x06, 1, 65, 0x1a, 0x0b],
            &[0x09, 0x0c],
            &[0x09, 0x00, 3, 0x0c, 0x09, 0x00, 1, 0x0a, 0x0b, 0x0c],
            &[0x0a, 0x0b],
            &[0x0a, 0x0a, 0x00, 1, 0x0b, 0x1c, 0x0b],
            &[0x0c],
            &[0x0d, 0x00, 0x00, 2, 1, 2],
        ];
        for bytes in plain {
            assert_eq!(behind(bytes), Ok(42), "{bytes:02x?}");
        }
    }

    #[test]
    fn damage_is_found() {
        let errors: &[(&[u8], &str)] = &[
            (&[0x0f], "found the unassigned type 15 at byte 0"),
            (&[0x0a, 0x0e], "found the unassigned type 14 at byte 1"),
            (
                &[0x09, 0x00, 1, 0x0b],
                "expected an element, found the end of a struct at byte 3",
            ),
            (
                &[0x0d, 0x06, 0x00, 1],
                "raw bytes must be made of bytes, found a string at byte 1",
            ),
            (
                &[0x07, 0xff, 0xff, 0xff, 0xfb],
                "4294967291 bytes needed, 2 left at byte 5",
            ),
            (
                &[0x0a; 4],
                "more than 3 structs, lists and maps inside each other at byte 4",
            ),
            (&[0x0a, 0x00, 1], "struct is not ended at byte 5"),
        ];
        for (bytes, text) in errors {
            assert_eq!(behind(bytes), Err(format!("x (tag 9): {text}")), "{bytes:02x?}");
        }
    }
}
