//! The chain's name as Tars peers write it: `FLAGS[.MAXLEN]-ID`, and the key of a call, `TRACEID|SPAN[|PARENT]`.
//!
//! What a peer sent is opaque but bounded, in length and in characters: anything else could break a line of the trace
//! or a header. A key that is out of bounds is no key.

use std::fmt;
use std::fmt::Write;

use rand::random;

use super::Flags;

/// Longest `TRACEID`; those of all known peers have less than 50 characters.
const MAX_TRACE_ID: usize = 128;

/// Longest span id; those of all known peers have 16 or 32 characters.
const MAX_SPAN: usize = 64;

/// Most kilobytes of parameters a peer can ask for, as in TarsGo.
pub(super) const MAX_KB: u32 = 10 * 1024;

/// Kilobytes of parameters when nobody says more, as in every peer.
pub(super) const DEFAULT_KB: u32 = 1;

/// `FLAGS[.MAXLEN]-ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TraceId {
    /// The whole, as it came.
    pub(super) text: Box<str>,
    /// Where the id begins.
    start: usize,
    pub(super) flags: Flags,
    /// Kilobytes, from [`DEFAULT_KB`] to [`MAX_KB`].
    pub(super) max_len_kb: u32,
}

impl TraceId {
    /// `id` with what travels in front of it.
    pub(super) fn new(flags: Flags, max_len_kb: u32, id: &str) -> Self {
        let max_len_kb = max_len_kb.clamp(DEFAULT_KB, MAX_KB);
        let mut text = Settings { flags, max_len_kb }.to_string();
        text.push('-');
        let start = text.len();
        text.push_str(id);
        Self {
            text: text.into(),
            start,
            flags,
            max_len_kb,
        }
    }

    /// Reads what a peer wrote. Settings that make no sense are none, as in TarsCpp; without a `-` all is id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !is_plain(text, MAX_TRACE_ID) {
            return None;
        }
        let (settings, start) = match text.split_once('-') {
            Some((settings, _)) => (Settings::parse(settings), settings.len() + 1),
            None => (Settings::default(), 0),
        };
        (start < text.len()).then(|| Self {
            text: text.into(),
            start,
            flags: settings.flags,
            max_len_kb: settings.max_len_kb,
        })
    }

    /// What follows flags and length.
    pub(super) fn id(&self) -> &str {
        &self.text[self.start..]
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            flags: self.flags,
            max_len_kb: self.max_len_kb,
        }
    }
}

/// `FLAGS[.MAXLEN]`, also the value of our member of `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) flags: Flags,
    pub(super) max_len_kb: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flags: Flags::NONE,
            max_len_kb: DEFAULT_KB,
        }
    }
}

impl Settings {
    pub(super) fn parse(text: &str) -> Self {
        let (flags, max_len_kb) = match text.split_once('.') {
            Some((flags, length)) => (flags, parse_kilobytes(length)),
            None => (text, DEFAULT_KB),
        };
        let flags = u8::from_str_radix(flags, 16).map_or(Flags::NONE, Flags::from_bits);
        Self { flags, max_len_kb }
    }
}

fn parse_kilobytes(text: &str) -> u32 {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return DEFAULT_KB;
    }
    // Digits that are too many for the type are too many for the limit.
    text.parse().unwrap_or(MAX_KB).clamp(DEFAULT_KB, MAX_KB)
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.flags.bits())?;
        if self.max_len_kb > DEFAULT_KB {
            write!(f, ".{}", self.max_len_kb)?;
        }
        Ok(())
    }
}

/// Reads a key: the chain and the span that what receives it is called in.
///
/// The third part of three is the one that counts, as in TarsCpp, which reads and writes `TRACEID|SPAN|PARENT`.
pub(super) fn parse_key(key: &str) -> Option<(TraceId, &str)> {
    let mut parts = key.splitn(4, '|');
    let id = parts.next()?;
    let second = parts.next().filter(|span| is_plain(span, MAX_SPAN))?;
    let span = match parts.next() {
        None => second,
        Some(third) => Some(third).filter(|span| is_plain(span, MAX_SPAN))?,
    };
    if parts.next().is_some() {
        return None;
    }
    Some((TraceId::parse(id)?, span))
}

/// Visible ASCII without the separator, of a length from 1 to `max`.
fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|')
}

/// A new id: 16 random bytes, not all zero, in hexadecimal.
pub(super) fn new_id() -> String {
    hex(&random::<u128>().max(1).to_be_bytes())
}

/// A new span: 8 random bytes, not all zero, in hexadecimal.
pub(super) fn new_span() -> String {
    hex(&random::<u64>().max(1).to_be_bytes())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
            text
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_are_read_as_peers_read_them() {
        for (text, flags, max_len_kb) in [
            ("0-x", 0, 1),
            ("f-x", 15, 1),
            ("F-x", 15, 1),
            ("f.2-x", 15, 2),
            ("3.1024-x", 3, 1024),
            ("3.0-x", 3, 1),
            ("3.10240-x", 3, 10_240),
            ("3.10241-x", 3, 10_240),
            ("3.99999999999999999999-x", 3, 10_240),
            ("3.-x", 3, 1),
            ("3.2k-x", 3, 1),
            ("10-x", 0, 1),
            ("ff.2-x", 0, 2),
            ("g-x", 0, 1),
            (".3-x", 0, 3),
            ("-x", 0, 1),
            ("x", 0, 1),
        ] {
            let id = TraceId::parse(text).unwrap();
            assert_eq!((id.flags.bits(), id.max_len_kb), (flags, max_len_kb), "{text}");
            assert_eq!((&*id.text, id.id()), (text, "x"));
        }
        let uuid = TraceId::parse("f.2-6ba7b810-9dad-11d1").unwrap();
        assert_eq!((uuid.id(), uuid.flags), ("6ba7b810-9dad-11d1", Flags::ALL));
    }

    #[test]
    fn ids_are_written_with_their_settings() {
        for (flags, max_len_kb, text) in [
            (Flags::NONE, 0, "0-ab"),
            (Flags::ALL, 1, "f-ab"),
            (Flags::SR | Flags::SS, 2, "c.2-ab"),
            (Flags::CS, 1_000_000, "1.10240-ab"),
        ] {
            let id = TraceId::new(flags, max_len_kb, "ab");
            assert_eq!(&*id.text, text);
            assert_eq!(TraceId::parse(text), Some(id));
        }
    }

    #[test]
    fn keys_have_two_or_three_parts() {
        for (key, expected) in [
            ("f.2-abc|s", Some(("f.2-abc", "s"))),
            ("f.2-abc|s|p", Some(("f.2-abc", "p"))),
            ("abc|s", Some(("abc", "s"))),
            ("", None),
            ("abc", None),
            ("|s", None),
            ("f-|s", None),
            ("f-abc|", None),
            ("f-abc||p", None),
            ("f-abc|s|", None),
            ("f-abc|s|p|x", None),
            ("f-a b|s", None),
            ("f-abc|s\n", None),
            ("f-abc|s\0", None),
            ("f-ab\u{e4}|s", None),
        ] {
            let parsed = parse_key(key).map(|(id, span)| (id.text.to_string(), span));
            assert_eq!(
                parsed,
                expected.map(|(id, span): (&str, _)| (id.to_owned(), span)),
                "{key:?}"
            );
        }
        let long = |id: usize, span: usize| parse_key(&format!("{}|{}", "a".repeat(id), "b".repeat(span))).is_some();
        assert!(long(128, 64));
        assert!(!long(129, 64));
        assert!(!long(128, 65));
    }

    #[test]
    fn new_ids_are_hexadecimal_and_new() {
        let (id, span) = (new_id(), new_span());
        assert_eq!((id.len(), span.len()), (32, 16));
        assert!((id.clone() + &span).bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(id, new_id());
        assert_ne!(span, new_span());
    }

    proptest! {
        #[test]
        fn no_key_is_too_odd_to_be_read(key in ".{0,300}") {
            if let Some((id, span)) = parse_key(&key) {
                let whole = id.text.into_string() + span;
                prop_assert!(!whole.contains(['|', '\n', ' ']));
            }
        }

        #[test]
        fn keys_survive_a_round_trip(text in "[0-9a-g]{0,3}(\\.[0-9]{0,12})?-[!-{}~]{1,60}", span in "[!-{}~]{1,64}") {
            let key = format!("{text}|{span}");
            let (id, read) = parse_key(&key).unwrap();
            prop_assert_eq!(format!("{}|{}", id.text, read), key);
            let (again, _) = parse_key(&format!("{}|s", TraceId::new(id.flags, id.max_len_kb, id.id()).text)).unwrap();
            prop_assert_eq!((again.settings(), again.id()), (id.settings(), id.id()));
        }
    }
}
