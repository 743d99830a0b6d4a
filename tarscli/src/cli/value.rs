//! What a single value may be. Every refusal says what was expected, so that it helps behind a variable's name as well.

use std::{path::PathBuf, time::Duration};

use super::duration::{duration, words};

/// Reads a yes or a no.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" | "1" => Ok(true),
        no if is_no(no) => Ok(false),
        _ => Err("expected y or n (or yes, true, on, 1, no, false, off, 0)".to_owned()),
    }
}

/// Reads a switch of K8STARS: any text means yes, and only what plainly says no means no.
#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
pub(super) fn any_text(text: &str) -> Result<bool, String> {
    Ok(!is_no(&text.to_ascii_lowercase()))
}

fn is_no(text: &str) -> bool {
    matches!(text, "" | "n" | "no" | "false" | "off" | "0")
}

/// Reads a text that the rule accepts, as it stands.
pub(super) fn kept(
    rule: impl Fn(&str) -> Result<(), String> + Clone + Send + Sync,
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync {
    move |text| rule(text).map(|()| text.to_owned())
}

/// Reads a folder that configurations can name: those are UTF-8.
pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("expected a folder".to_owned());
    }
    Ok(text.into())
}

/// Reads a port that can be listened on.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| "expected a port, 1 to 65535".to_owned())
}

/// Reads a count.
pub(super) fn number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number, 0 to {}", u32::MAX))
}

/// Reads times that are not below `least`.
pub(super) fn at_least(least: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    move |text| {
        let time = duration(text)?;
        if time < least {
            return Err(format!("expected at least {}", words(least)));
        }
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches() {
        for text in ["y", "Yes", "TRUE", "on", "1"] {
            assert_eq!(switch(text), Ok(true), "{text}");
        }
        for text in ["n", "No", "FALSE", "off", "0"] {
            assert_eq!((switch(text), any_text(text)), (Ok(false), Ok(false)), "{text}");
        }
        assert!(switch("maybe").is_err());
        assert_eq!(any_text("maybe"), Ok(true), "as K8STARS reads it");
    }

    #[test]
    fn ports_and_numbers() {
        assert_eq!((port("1"), port("65535")), (Ok(1), Ok(65535)));
        for text in ["0", "65536", "-1", "http", "tcp://10.0.0.1:9325"] {
            assert!(port(text).unwrap_err().contains("65535"), "{text}");
        }
        assert_eq!((number("0"), number("4294967295")), (Ok(0), Ok(u32::MAX)));
        for text in ["-1", "1.5", "many", "4294967296"] {
            assert!(number(text).unwrap_err().contains("whole number"), "{text}");
        }
    }

    #[test]
    fn a_least_time_is_named() {
        let read = at_least(Duration::from_millis(10));
        assert_eq!(read("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(read("0"), Err("expected at least 10ms".to_owned()));
        assert!(read("30").unwrap_err().contains("`30s`"));
    }
}
