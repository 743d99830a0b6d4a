//! Numbers from their digits, exactly.

/// Why the text of a number is not an integer.
#[derive(Debug, PartialEq)]
pub(super) enum NotInteger {
    /// It has a fraction that is not zero.
    Fraction,
    /// 64 bits do not hold it.
    Range,
}

/// The integer that the text of a JSON number stands for: `300`, `-3.0`, `1e3`, `12.50e1`.
pub(super) fn integer(text: &str) -> Result<i64, NotInteger> {
    if !text.contains(['.', 'e', 'E']) {
        return text.parse().map_err(|_| NotInteger::Range);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (negative, mantissa) = mantissa
        .strip_prefix('-')
        .map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    // An exponent with too many digits to parse is out of range either way.
    let limit = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    let exponent: i64 = exponent.parse().unwrap_or(limit);
    let shift = exponent
        .saturating_sub(length(fraction))
        .saturating_add(i64::try_from(zeros).unwrap_or(i64::MAX));
    if shift < 0 {
        return Err(NotInteger::Fraction);
    }
    if shift > 19 {
        return Err(NotInteger::Range);
    }
    let sign = if negative { "-" } else { "" };
    let shift = usize::try_from(shift).unwrap_or_default();
    format!("{sign}{significant}{}", "0".repeat(shift))
        .parse()
        .map_err(|_| NotInteger::Range)
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_any_notation() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("3.0", 3),
            ("-3.000", -3),
            ("1e3", 1000),
            ("1E+3", 1000),
            ("12.50e1", 125),
            ("1200e-2", 12),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775807.0", i64::MAX),
            ("-9.223372036854775808e18", i64::MIN),
            ("9007199254740993.0", 9_007_199_254_740_993),
        ] {
            assert_eq!(integer(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in ["3.5", "1e-1", "1200e-3", "0.1", "1e-99999999999999999999"] {
            assert_eq!(integer(text), Err(NotInteger::Fraction), "{text}");
        }
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1e19",
            "1e99999999999999999999",
        ] {
            assert_eq!(integer(text), Err(NotInteger::Range), "{text}");
        }
    }
}
