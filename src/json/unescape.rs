//! What escapes in a string stand for.

use crate::codec::{DecodeError, Problem};

/// The bytes that the inside of a string literal stands for. `start` is its offset in the text.
pub(super) fn unescape(raw: &[u8], start: usize) -> Result<Vec<u8>, DecodeError> {
    // Nothing gets longer by being unescaped.
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        bytes.extend_from_slice(&rest[..at]);
        let escape = &rest[at + 1..];
        let (plain, taken) = match escape.first() {
            Some(b'u') => unicode(escape),
            Some(byte) => simple(*byte).map(|plain| (plain, 1)),
            None => None,
        }
        .ok_or_else(|| {
            let problem = Problem::Found {
                expected: "an escape of JSON",
                found: "another one, or half of a surrogate pair",
            };
            DecodeError::new(problem, start + raw.len() - rest.len() + at)
        })?;
        bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &escape[taken..];
    }
    bytes.extend_from_slice(rest);
    Ok(bytes)
}

fn simple(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' | b'\\' | b'/' => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// The character of `uXXXX` or of `uXXXX\uXXXX`, and how long that is.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = hex(escape.get(1..5)?)?;
    if let Some(plain) = char::from_u32(first) {
        return Some((plain, 5));
    }
    let second = escape.get(5..11)?.strip_prefix(b"\\u")?;
    let pair = [first, hex(second)?].map(|unit| u16::try_from(unit).ok());
    let pair = [pair[0]?, pair[1]?];
    let plain = char::decode_utf16(pair).next()?.ok()?;
    Some((plain, 11))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let text = unescape(br#"a\"\\\/\b\f\n\r\t\u4e2d\ud83d\ude00z"#, 0).unwrap();
        assert_eq!(str::from_utf8(&text), Ok("a\"\\/\u{8}\u{c}\n\r\t中😀z"));
    }

    #[test]
    fn what_is_none_has_a_place() {
        for raw in [
            r"ab\x",
            r"ab\u12",
            r"ab\u12g4",
            r"ab\ud83d",
            r"ab\ud83dabcdef",
            r"ab\ud83d\u0041",
            r"ab\ude00",
            r"ab\u+123",
        ] {
            let error = unescape(raw.as_bytes(), 10).unwrap_err();
            assert_eq!(error.offset(), 12, "{raw}");
        }
    }
}
