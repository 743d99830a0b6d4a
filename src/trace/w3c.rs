//! The chain's name as the rest of the world writes it: W3C Trace Context, `traceparent` and `tracestate`.

use sha2::{Digest, Sha256};

use super::key::{self, Settings};

/// Our member of `tracestate`.
const MEMBER: &str = "tars";

/// Longest `tracestate` and most of its members, as the recommendation has it.
const MAX_STATE: usize = 512;
const MAX_MEMBERS: usize = 32;

/// How far a `tracestate` is read that is longer than it may be.
const SEARCHED: usize = 8 * 1024;

/// A `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent<'a> {
    /// 32 hexadecimal digits, lower case.
    pub(super) id: &'a str,
    /// 16 hexadecimal digits, lower case.
    pub(super) span: &'a str,
    pub(super) sampled: bool,
}

impl<'a> Parent<'a> {
    /// Reads `VERSION-ID-SPAN-FLAGS`. Of versions that are not known yet only what is known is read.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (text, rest) = text.split_at_checked(55)?;
        let mut parts = text.split('-');
        let version = parts.next().filter(|part| is_hex(part, 2) && *part != "ff")?;
        let id = parts.next().filter(|part| is_hex(part, 32) && !is_zero(part))?;
        let span = parts.next().filter(|part| is_hex(part, 16) && !is_zero(part))?;
        let flags = parts.next().filter(|part| is_hex(part, 2))?;
        let ends_well = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| ends_well)?;
        Some(Self {
            id,
            span,
            sampled: flags & 1 == 1,
        })
    }

    pub(super) fn write(self) -> String {
        format!("00-{}-{}-0{}", self.id, self.span, u8::from(self.sampled))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

/// The id of any peer as 32 hexadecimal digits: itself, or a hash of it.
pub(super) fn id(text: &str) -> String {
    digits(text, 32)
}

/// The span of any peer as 16 hexadecimal digits: itself, or a hash of it.
pub(super) fn span(text: &str) -> String {
    digits(text, 16)
}

fn digits(text: &str, length: usize) -> String {
    let lower = text.to_ascii_lowercase();
    if is_hex(&lower, length) && !is_zero(&lower) {
        return lower;
    }
    key::hex(&Sha256::digest(text)[..length / 2])
}

/// Our member of a `tracestate`, and the members of others as they are to be passed on.
pub(super) fn split_state(state: &str) -> (Option<Settings>, String) {
    let mut own = None;
    let mut others: Vec<&str> = Vec::new();
    let mut length = 0;
    for member in beginning(state).split(',').map(str::trim) {
        match member.split_once('=') {
            Some((MEMBER, value)) => own = own.or(Some(Settings::parse(value))),
            Some(_) if is_member(member) && others.len() < MAX_MEMBERS - 1 => {
                // What is too long is left out, as the recommendation has it; ours may stand behind it.
                let longer = length + member.len() + 1;
                if longer <= MAX_STATE - OWN_LENGTH {
                    length = longer;
                    others.push(member);
                }
            }
            _ => {}
        }
    }
    (own, others.join(","))
}

/// Whole members, as far as a `tracestate` is read.
fn beginning(state: &str) -> &str {
    if state.len() <= SEARCHED {
        return state;
    }
    let (beginning, _) = state.split_at(state.floor_char_boundary(SEARCHED));
    beginning.rsplit_once(',').map_or("", |(whole, _)| whole)
}

/// Length of our member at its longest: `tars=f.10240`.
const OWN_LENGTH: usize = 12;

fn is_member(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A `tracestate` of our member, if any, and those of others.
pub(super) fn join_state(own: Option<Settings>, others: &str) -> String {
    match own {
        Some(settings) if others.is_empty() => format!("{MEMBER}={settings}"),
        Some(settings) => format!("{MEMBER}={settings},{others}"),
        None => others.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::Flags;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn parents_are_read_as_the_recommendation_says() {
        let text = format!("00-{ID}-{SPAN}-01");
        let parent = Parent {
            id: ID,
            span: SPAN,
            sampled: true,
        };
        assert_eq!(Parent::parse(&text), Some(parent));
        assert_eq!(parent.write(), text);
        for (text, sampled) in [
            (format!("00-{ID}-{SPAN}-00"), false),
            (format!("00-{ID}-{SPAN}-03"), true),
            (format!("01-{ID}-{SPAN}-01"), true),
            (format!("cc-{ID}-{SPAN}-01-what-comes-later"), true),
        ] {
            assert_eq!(
                Parent::parse(&text).map(|parent| parent.sampled),
                Some(sampled),
                "{text}"
            );
        }
        for text in [
            String::new(),
            format!("00-{ID}-{SPAN}"),
            format!("00-{ID}-{SPAN}-1"),
            format!("00-{ID}-{SPAN}-0g"),
            format!("00-{ID}-{SPAN}-01-more"),
            format!("01-{ID}-{SPAN}-01more"),
            format!("ff-{ID}-{SPAN}-01"),
            format!("0x-{ID}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{ID}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", ID.to_uppercase()),
            format!("00_{ID}_{SPAN}_01"),
            format!("00-{SPAN}-{ID}-01"),
            format!("{}\u{e4}1", &text[..53]),
        ] {
            assert_eq!(Parent::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn other_ids_are_hashed() {
        assert_eq!(id(ID), ID);
        assert_eq!(id(&ID.to_uppercase()), ID);
        assert_eq!(id("abc"), "ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(id(&"0".repeat(32)), "84e0c0eafaa95a34c293f278ac52e45c");
        assert_eq!(span(SPAN), SPAN);
        assert_eq!(span("abc"), "ba7816bf8f01cfea");
        assert_eq!(span(ID).len(), 16);
    }

    #[test]
    fn states_keep_what_belongs_to_others() {
        let settings = |flags, max_len_kb| Some(Settings { flags, max_len_kb });
        for (state, own, others) in [
            ("", None, ""),
            ("tars=f.2", settings(Flags::ALL, 2), ""),
            (
                " a=1 ,\ttars=3 , b@c=2=3,,d",
                settings(Flags::CS | Flags::CR, 1),
                "a=1,b@c=2=3",
            ),
            ("tars=1,tars=2", settings(Flags::CS, 1), ""),
            ("a=\u{e4},b=1", None, "b=1"),
            ("a=1\n2,b=1", None, "b=1"),
        ] {
            assert_eq!(split_state(state), (own, others.to_owned()), "{state:?}");
        }
        let long = "v".repeat(600);
        for (state, others) in [
            (format!("x={long},tars=f.2"), ""),
            (format!("a=1,x={long},b=2,tars=f.2,c=3"), "a=1,b=2,c=3"),
        ] {
            assert_eq!(split_state(&state), (settings(Flags::ALL, 2), others.to_owned()));
        }
        let far = format!("{},tars=f.2", "x=\u{e4},".repeat(SEARCHED));
        assert_eq!(split_state(&far), (None, String::new()));
        assert_eq!(join_state(settings(Flags::ALL, 2), "a=1"), "tars=f.2,a=1");
        assert_eq!(join_state(settings(Flags::NONE, 1), ""), "tars=0");
        assert_eq!(join_state(None, "a=1"), "a=1");
    }

    proptest! {
        #[test]
        fn nothing_is_too_odd_to_be_read(text in ".{0,80}") {
            if let Some(parent) = Parent::parse(&text) {
                prop_assert_eq!(parent.write().len(), 55);
            }
        }

        #[test]
        fn states_stay_within_bounds(members in prop::collection::vec((1..20_usize, 0..300_usize), 0..60)) {
            let member = |&(key, value): &(usize, usize)| format!("{}={}", "k".repeat(key), "v".repeat(value));
            let state = members.iter().map(member).collect::<Vec<_>>().join(",");
            let (_, others) = split_state(&state);
            let joined = join_state(Some(Settings::parse("f.10240")), &others);
            prop_assert!(joined.len() <= MAX_STATE && joined.split(',').count() <= MAX_MEMBERS);
        }
    }
}
