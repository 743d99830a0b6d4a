//! Bytes to text and back, without losing any.

/// A file as text: without a byte order mark, with `\n` at the end of its lines, and with U+FFFD for bytes that are not
/// UTF-8, just as the parser sees it. What stands behind each U+FFFD is remembered in order.
#[derive(Debug)]
pub(crate) struct Text<'b> {
    pub(crate) text: String,
    replaced: Vec<&'b [u8]>,
}

const REPLACEMENT: char = '\u{FFFD}';

impl<'b> Text<'b> {
    /// Takes in the bytes of a file.
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut text = String::with_capacity(bytes.len());
        let mut replaced = Vec::new();
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid();
            let genuine = valid.matches(REPLACEMENT).count();
            replaced.extend(std::iter::repeat_n("\u{FFFD}".as_bytes(), genuine));
            text.push_str(valid);
            if !chunk.invalid().is_empty() {
                text.push(REPLACEMENT);
                replaced.push(chunk.invalid());
            }
        }
        if text.contains("\r\n") {
            text = text.replace("\r\n", "\n");
        }
        Self { text, replaced }
    }

    /// The bytes of a text that is this one but for blanks: each U+FFFD becomes what it stands for.
    pub(crate) fn restore(&self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut replaced = self.replaced.iter();
        for (index, part) in text.split(REPLACEMENT).enumerate() {
            if index > 0 {
                out.extend_from_slice(replaced.next().map_or("\u{FFFD}".as_bytes(), |bytes| bytes));
            }
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for bytes in [
            b"plain".as_slice(),
            b"",
            b"\xD6\xD0 gbk \xB0\\",
            "genuine \u{FFFD} and \u{4E2D}".as_bytes(),
            b"\xFF\xEF\xBF\xBD\xE4\xB8",
        ] {
            let text = Text::of(bytes);
            assert_eq!(text.restore(&text.text), bytes);
            assert_eq!(text.text, String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn marks_and_line_ends_are_made_the_same() {
        assert_eq!(Text::of(b"\xEF\xBB\xBFa\r\nb\rc\n").text, "a\nb\rc\n");
    }
}
