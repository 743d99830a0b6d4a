//! Values of literals.

use super::characters;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// A character or two for a message: those that cannot be seen by their number.
pub(super) fn printable(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(8)
        .map(|c| {
            if c.is_control() || characters::is_unseen(c) {
                format!("U+{:04X}", u32::from(c))
            } else {
                c.to_string()
            }
        })
        .collect();
    if text.chars().count() > 8 {
        format!("{shown}...")
    } else {
        shown
    }
}

/// Decimal, `0x` hexadecimal or octal with a leading 0, with an optional sign; within 64 bits.
/// `None` for what the lexer has refused already.
pub(super) fn integer(text: &str, span: Span) -> Result<Option<i64>, Diagnostic> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x") {
        (16, hex)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits)
    };
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return Ok(None);
    }
    let magnitude = u64::from_str_radix(digits, radix).ok().map(i128::from);
    let value = magnitude
        .map(|value| if negative { -value } else { value })
        .and_then(|value| i64::try_from(value).ok());
    value.map(Some).ok_or_else(|| {
        Diagnostic::new(Code::NumberTooLarge, span, format!("`{text}` does not fit 64 bits"))
            .help("the largest type is `long`, signed 64 bits")
    })
}

/// A decimal number with point or exponent, and perhaps `f` behind it.
pub(super) fn float(text: &str, span: Span) -> Result<f64, Diagnostic> {
    let number = text.trim_end_matches(['f', 'F']);
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Diagnostic::new(
            Code::NumberTooLarge,
            span,
            format!("`{text}` does not fit a double"),
        )),
    }
}

/// The text between the quotes with its escapes resolved.
///
/// Escapes are those of C: `\\ \" \' \? \n \r \t \v \f \a \b`, octal `\1`..`\377`, and `\x` with one or two digits.
/// Bytes above 127 must form UTF-8 together.
pub(super) fn string(text: &str, span: Span) -> Result<String, Diagnostic> {
    let body = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if body.contains('\u{FFFD}') {
        let error = Diagnostic::new(Code::StringNotUtf8, span, "string literal is not UTF-8");
        return Err(error.help("save the file as UTF-8; only comments may have another encoding"));
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let start = span.start + 1 + u32::try_from(body.len() - rest.len() + at).unwrap_or(0);
        let (byte, length) = escape(&rest[at + 1..]).map_err(|wrong| {
            let written = 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8);
            let place = Span::new(start, start + u32::try_from(written).unwrap_or(1));
            Diagnostic::new(Code::BadEscape, place, wrong.message).help(wrong.help)
        })?;
        bytes.push(byte);
        rest = &rest[at + 1 + length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| {
        let error = Diagnostic::new(Code::BadEscape, span, "the escapes of this string do not form UTF-8");
        error.help("write the characters themselves")
    })
}

struct Wrong {
    message: &'static str,
    help: &'static str,
}

/// The byte that an escape stands for, and the length of the escape without its backslash.
fn escape(text: &str) -> Result<(u8, usize), Wrong> {
    const NUL: Wrong = Wrong {
        message: "NUL in a string",
        help: "C and C++ peers end a string there",
    };
    const UNKNOWN: Wrong = Wrong {
        message: "unknown escape",
        help: "known are \\\\ \\\" \\' \\? \\n \\r \\t \\v \\f \\a \\b, \\ooo and \\xhh",
    };
    let first = text.bytes().next().ok_or(UNKNOWN)?;
    let byte = match first {
        b'\\' | b'"' | b'\'' | b'?' => first,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0B,
        b'f' => 0x0C,
        b'a' => 0x07,
        b'b' => 0x08,
        b'0'..=b'3' => return number(text, 3, 8, 0).ok_or(NUL),
        b'x' => {
            let digits = text[1..].bytes().take_while(u8::is_ascii_hexdigit).count();
            if !(1..=2).contains(&digits) {
                return Err(UNKNOWN);
            }
            return number(&text[1..], 2, 16, 1).ok_or(NUL);
        }
        _ => return Err(UNKNOWN),
    };
    Ok((byte, 1))
}

/// A byte other than NUL from at most `most` leading digits, and the length with `before` added.
fn number(text: &str, most: usize, radix: u32, before: usize) -> Option<(u8, usize)> {
    let length = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let value = u8::from_str_radix(&text[..length], radix).ok()?;
    (value != 0).then_some((value, length + before))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Span = Span { start: 0, end: 0 };

    #[test]
    fn integers() {
        let value = |text| integer(text, HERE).map_err(|error| error.code.text());
        assert_eq!(value("0"), Ok(Some(0)));
        assert_eq!(value("-0x10"), Ok(Some(-16)));
        assert_eq!(value("+017"), Ok(Some(15)));
        assert_eq!(value("-9223372036854775808"), Ok(Some(i64::MIN)));
        assert_eq!(value("9223372036854775808"), Err("T0106"));
        assert_eq!(value("0xffffffffffffffff"), Err("T0106"));
        assert_eq!(value("99999999999999999999999999999999999999999999"), Err("T0106"));
        assert_eq!(value("08"), Ok(None));
    }

    #[test]
    fn floats_keep_their_precision() {
        let value = |text| float(text, HERE).map_err(|error| error.code.text());
        assert_eq!(value("3.141592653589793"), Ok(std::f64::consts::PI));
        assert_eq!(value(".5f"), Ok(0.5));
        assert_eq!(value("5."), Ok(5.0));
        assert_eq!(value("-1e3"), Ok(-1000.0));
        assert_eq!(value("1e999"), Err("T0106"));
    }

    #[test]
    fn strings() {
        let value = |text: &str| string(&format!("\"{text}\""), HERE).map_err(|error| error.code.text());
        assert_eq!(value(r#"a\\b\"\'\?"#).as_deref(), Ok("a\\b\"'?"));
        assert_eq!(value(r"\n\r\t\v\f\a\b").as_deref(), Ok("\n\r\t\x0B\x0C\x07\x08"));
        assert_eq!(value(r"\101\x41\0611 \1z").as_deref(), Ok("AA11 \x01z"));
        assert_eq!(value(r"\xe4\xb8\xad中").as_deref(), Ok("中中"));
        for text in [
            r"\q", r"\7", r"\0", r"\x", r"\x00", r"\x123", r"\u4e2d", r"\xff", r"\中",
        ] {
            assert_eq!(value(text), Err("T0104"), "{text}");
        }
        assert_eq!(value("\u{FFFD}"), Err("T0111"));
    }
}
