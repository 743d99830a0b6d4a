//! Texts and positions as editors count them.

/// What a column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of 16 bits, the protocol's default.
    #[default]
    Utf16,
}

impl Encoding {
    /// Units of the characters that begin in a stretch of UTF-8.
    fn units(self, bytes: &[u8]) -> usize {
        match self {
            Encoding::Utf8 => bytes.len(),
            Encoding::Utf16 => {
                let begins = bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
                begins + bytes.iter().filter(|byte| **byte >= 0xF0).count()
            }
        }
    }
}

/// Line and column, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// From the first position up to, not including, the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// Bytes of a block: so many are counted for a position at most, however long the line.
const BLOCK: usize = 1024;

/// Where lines begin, and how many units stand before each block.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    encoding: Encoding,
    /// Units of a byte order mark that the editor has before the text.
    mark: usize,
    lines: Vec<usize>,
    blocks: Vec<usize>,
}

impl Lines {
    /// The lines of a text; `marked` when the editor has a byte order mark before it.
    pub(crate) fn of(text: &str, encoding: Encoding, marked: bool) -> Self {
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                lines.push(at + 1);
            }
        }
        let mut count = 0;
        let blocks = bytes.chunks(BLOCK).map(|block| {
            count += encoding.units(block);
            count
        });
        let blocks = std::iter::once(0).chain(blocks).collect();
        let mark = if marked {
            encoding.units("\u{FEFF}".as_bytes())
        } else {
            0
        };
        Self {
            encoding,
            mark,
            lines,
            blocks,
        }
    }

    /// The position of a byte of the text.
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let offset = offset.min(text.len());
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let column = self.units_before(text, offset) - self.units_before(text, self.lines[line]);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position {
            line: number(line),
            column: number(column + self.mark_on(line)),
        }
    }

    /// The byte at a position; what lies behind a line's end is its end, what lies behind the text is the text's.
    pub(crate) fn offset(&self, text: &str, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.lines.get(line) else {
            return text.len();
        };
        let next = self.lines.get(line + 1).copied().unwrap_or(text.len());
        let end = start + text[start..next].trim_end_matches(['\r', '\n']).len();
        let column = (position.column as usize).saturating_sub(self.mark_on(line));
        let wanted = self.units_before(text, start) + column;
        let block = self
            .blocks
            .partition_point(|units| *units <= wanted)
            .saturating_sub(1);
        let mut at = (block * BLOCK).clamp(start, end);
        while !text.is_char_boundary(at) {
            at += 1;
        }
        let mut units = self.units_before(text, at);
        for character in text[at..end].chars() {
            let length = character.len_utf8();
            units += self.encoding.units(&text.as_bytes()[at..at + length]);
            if units > wanted {
                break;
            }
            at += length;
        }
        at
    }

    fn mark_on(&self, line: usize) -> usize {
        if line == 0 { self.mark } else { 0 }
    }

    fn units_before(&self, text: &str, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.blocks[block] + self.encoding.units(&text.as_bytes()[block * BLOCK..offset])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn columns_count_what_was_agreed() {
        let text = "aü😀x\r\nb\rc\n";
        let (wide, narrow) = (
            Lines::of(text, Encoding::Utf16, false),
            Lines::of(text, Encoding::Utf8, false),
        );
        let x = text.find('x').expect("there");
        assert_eq!((wide.position(text, x), narrow.position(text, x)), (at(0, 4), at(0, 7)));
        assert_eq!((wide.offset(text, at(0, 4)), narrow.offset(text, at(0, 7))), (x, x));
        // Inside a character, behind a line, behind the text.
        assert_eq!(wide.offset(text, at(0, 3)), 3);
        assert_eq!(wide.offset(text, at(0, 99)), x + 1);
        assert_eq!(wide.offset(text, at(9, 9)), text.len());
        let c = text.find('c').expect("there");
        assert_eq!(wide.position(text, c), at(2, 0));
    }

    #[test]
    fn long_lines_agree_with_counting() {
        let text = "ä😀b".repeat(900);
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let lines = Lines::of(&text, encoding, false);
            for (offset, _) in text.char_indices().step_by(7) {
                let position = lines.position(&text, offset);
                assert_eq!(position.column as usize, encoding.units(&text.as_bytes()[..offset]));
                assert_eq!(lines.offset(&text, position), offset);
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_part_of_the_first_line() {
        let lines = Lines::of("ab\nc", Encoding::Utf16, true);
        assert_eq!(lines.position("ab\nc", 1), at(0, 2));
        assert_eq!(lines.offset("ab\nc", at(0, 2)), 1);
        assert_eq!(lines.position("ab\nc", 3), at(1, 0));
    }
}
