//! Times as K8STARS' variables hold them: `10s`, and more than one part as in `1m30s`.

use std::time::Duration;

/// Units with their nanoseconds, the longer names first: `ms` is no minute.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Longest time that can be set.
const MOST: Duration = Duration::from_hours(24 * 365);

/// Reads a time. `0` needs no unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (part, after) = first_part(rest).ok_or_else(|| mistake(text))?;
        sum = sum
            .checked_add(part)
            .filter(|sum| *sum <= MOST)
            .ok_or("longer than a year")?;
        rest = after;
    }
    if text.is_empty() { Err(mistake(text)) } else { Ok(sum) }
}

fn first_part(text: &str) -> Option<(Duration, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let rest = &text[digits..];
    let (unit, nanoseconds) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
    let time = Duration::from_nanos(number.checked_mul(*nanoseconds)?);
    Some((time, &rest[unit.len()..]))
}

fn mistake(text: &str) -> String {
    let has_no_unit = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if has_no_unit {
        format!("has no unit: write `{text}s` for seconds, or ms, m, h")
    } else {
        "expected a number and a unit (ns, us, ms, s, m, h, d), such as `10s` or `1m30s`".to_owned()
    }
}

/// A time as it would be typed, in its largest unit without a fraction.
pub(super) fn words(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    let (unit, many) = UNITS
        .iter()
        .map(|(unit, of)| (*unit, u128::from(*of)))
        .filter(|(_, of)| nanoseconds >= *of && nanoseconds.is_multiple_of(*of))
        .max_by_key(|(_, of)| *of)
        .unwrap_or(("s", 1_000_000_000));
    format!("{}{unit}", nanoseconds / many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let cases = [
            ("0", 0),
            ("0s", 0),
            ("10s", 10_000),
            ("300ms", 300),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("5000us", 5),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn times_in_words() {
        for text in ["0s", "10ms", "29s", "90s", "2h", "1500us"] {
            assert_eq!(words(duration(text).unwrap()), text);
        }
        assert_eq!(words(Duration::from_mins(5)), "5m");
    }

    #[test]
    fn mistakes() {
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "10 s",
            "10x",
            "1m30",
            "99999999999999999999s",
            "366d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration("30").unwrap_err().contains("`30s`"));
    }
}
