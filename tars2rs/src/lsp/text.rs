//! Texts and positions as editors count them.

/// A byte order mark: a part of the text an editor has, and of no text the compiler has.
pub(crate) const MARK: &str = "\u{FEFF}";

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

/// Where the lines of a text begin. Follows changes at the cost of the lines they touch.
#[derive(Clone, Debug)]
pub(crate) struct Starts {
    encoding: Encoding,
    lines: Vec<usize>,
}

impl Starts {
    /// The lines of a text.
    pub(crate) fn of(text: &str, encoding: Encoding) -> Self {
        let lines = std::iter::once(0).chain(breaks(text, 0, text.len())).collect();
        Self { encoding, lines }
    }

    /// Takes note that in this text the bytes from `start` to `end` stand where there were `removed` bytes before.
    pub(crate) fn replaced(&mut self, text: &str, (start, end): (usize, usize), removed: usize) {
        // A line that begins right where the change does is ended by the byte before, which may now be half of a `\r\n`.
        let first = self.lines.partition_point(|line| *line < start).max(1);
        let behind = self.lines.partition_point(|line| *line <= start + removed).max(first);
        for line in &mut self.lines[behind..] {
            *line = *line - removed - start + end;
        }
        self.lines
            .splice(first..behind, breaks(text, start.saturating_sub(1), end));
    }

    /// The position of a byte of the text.
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let (line, start) = self.line_of(offset.min(text.len()));
        let units = self.encoding.units(&text.as_bytes()[start..offset.min(text.len())]);
        at(line, units)
    }

    /// The byte at a position; what lies behind a line's end is its end, what lies behind the text is the text's.
    pub(crate) fn offset(&self, text: &str, position: Position) -> usize {
        let Some((start, end)) = self.line(text, position.line as usize) else {
            return text.len();
        };
        self.walk(text, (start, end), position.column as usize)
    }

    fn line_of(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        (line, self.lines[line])
    }

    /// Beginning and end of a line, without what ends it.
    fn line(&self, text: &str, line: usize) -> Option<(usize, usize)> {
        let start = *self.lines.get(line)?;
        let next = self.lines.get(line + 1).copied().unwrap_or(text.len());
        Some((start, start + text[start..next].trim_end_matches(['\r', '\n']).len()))
    }

    /// The byte before which so many units stand in this stretch.
    fn walk(&self, text: &str, (start, end): (usize, usize), units: usize) -> usize {
        let (mut at, mut seen) = (start, 0);
        for character in text[start..end].chars() {
            let length = character.len_utf8();
            seen += self.encoding.units(&text.as_bytes()[at..at + length]);
            if seen > units {
                break;
            }
            at += length;
        }
        at
    }
}

fn at(line: usize, units: usize) -> Position {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position {
        line: number(line),
        column: number(units),
    }
}

/// Beginnings of the lines that the bytes from `from` up to `to` end. What ends a line: `\n`, `\r\n` or `\r`.
fn breaks(text: &str, from: usize, to: usize) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(*at + 1) != Some(&b'\n'));
    (from..to).filter(ends).map(|at| at + 1)
}

/// Bytes of a block: so many are counted for a position at most, however long the line.
const BLOCK: usize = 1024;

/// The same for a text that stays as it is: finds positions fast, also in long lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    starts: Starts,
    /// Units before each block.
    blocks: Vec<usize>,
    /// Units of a byte order mark that the editor has before the text.
    mark: usize,
}

impl Lines {
    /// As [`Starts::of`]; `marked` when the editor has a byte order mark before the text.
    pub(crate) fn of(text: &str, encoding: Encoding, marked: bool) -> Self {
        let mut count = 0;
        let blocks = text.as_bytes().chunks(BLOCK).map(|block| {
            count += encoding.units(block);
            count
        });
        Self {
            blocks: std::iter::once(0).chain(blocks).collect(),
            starts: Starts::of(text, encoding),
            mark: if marked { encoding.units(MARK.as_bytes()) } else { 0 },
        }
    }

    /// As [`Starts::position`].
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let offset = offset.min(text.len());
        let (line, start) = self.starts.line_of(offset);
        let units = self.units_before(text, offset) - self.units_before(text, start);
        at(line, units + self.mark_on(line))
    }

    /// As [`Starts::offset`].
    pub(crate) fn offset(&self, text: &str, position: Position) -> usize {
        let Some((start, end)) = self.starts.line(text, position.line as usize) else {
            return text.len();
        };
        let column = (position.column as usize).saturating_sub(self.mark_on(position.line as usize));
        let wanted = self.units_before(text, start) + column;
        let block = self.blocks.partition_point(|units| *units <= wanted).saturating_sub(1);
        let mut at = (block * BLOCK).clamp(start, end);
        while !text.is_char_boundary(at) {
            at += 1;
        }
        let left = wanted.saturating_sub(self.units_before(text, at));
        self.starts.walk(text, (at, end), left)
    }

    fn mark_on(&self, line: usize) -> usize {
        if line == 0 { self.mark } else { 0 }
    }

    fn units_before(&self, text: &str, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.blocks[block] + self.starts.encoding.units(&text.as_bytes()[block * BLOCK..offset])
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

    #[test]
    fn lines_follow_every_change() {
        let pieces = ["", "\n", "\r", "\r\n", "a", "ü\r", "\n\n", "\rb\n"];
        let texts = ["", "a\r\nb\rc\n", "\r\r\n\n\r", "x\n"];
        for (text, piece) in texts.iter().flat_map(|text| pieces.map(|piece| (*text, piece))) {
            for start in 0..=text.len() {
                for end in start..=text.len() {
                    let mut starts = Starts::of(text, Encoding::Utf16);
                    let mut new = text.to_owned();
                    new.replace_range(start..end, piece);
                    starts.replaced(&new, (start, start + piece.len()), end - start);
                    let fresh = Starts::of(&new, Encoding::Utf16);
                    assert_eq!(starts.lines, fresh.lines, "{text:?} {start}..{end} {piece:?}");
                }
            }
        }
    }
}
