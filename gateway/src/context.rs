//! What goes into a call's context: little from the caller, and the gateway's own word last.

use std::net::SocketAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use tars::{Attributes, ByteString};

/// Keys that mean something to servants because a gateway or the framework says them. Compared without case.
const RESERVED: [&str; 9] = [
    "remote_ip",
    "x-guid",
    "x-request-id",
    "x-forwarded-for-host",
    "node_name",
    "ctx_tarshash_key",
    "traceparent",
    "tracestate",
    "baggage",
];

/// Beginnings of such keys.
const RESERVED_BEGINNINGS: [&str; 6] = ["x-verify-", "status_", "tars_", "tars-", "tars.", "taf_"];

/// Headers that carry a secret of the caller.
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Whether a caller must never set `key`.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    RESERVED.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
        || RESERVED_BEGINNINGS.iter().any(|start| {
            key.get(..start.len())
                .is_some_and(|key| key.eq_ignore_ascii_case(start.as_bytes()))
        })
}

/// A context key that callers may set, or with `*` at the end, every key that begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPattern {
    text: String,
    is_beginning: bool,
}

/// Why a context key or a header cannot be passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// The framework or the gateway says it.
    #[error("`{0}` is set by the gateway or the framework, never by a caller")]
    Reserved(String),
    /// Everything would pass.
    #[error("`{0}` would let nearly every key pass: name the keys, or at least two characters before `*`")]
    Wide(String),
    /// Not a header.
    #[error("`{0}` is no header name")]
    Header(String),
    /// It would reach servants and their logs.
    #[error("`{0}` carries a secret of the caller and is not passed on")]
    Secret(String),
}

impl FromStr for KeyPattern {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (key, is_beginning) = match text.strip_suffix('*') {
            Some(key) => (key, true),
            None => (text, false),
        };
        if key.len() < if is_beginning { 2 } else { 1 } {
            return Err(KeyError::Wide(text.to_owned()));
        }
        if is_reserved(key.as_bytes()) {
            return Err(KeyError::Reserved(text.to_owned()));
        }
        Ok(Self {
            text: key.to_owned(),
            is_beginning,
        })
    }
}

impl KeyPattern {
    fn matches(&self, key: &[u8]) -> bool {
        if self.is_beginning {
            key.starts_with(self.text.as_bytes())
        } else {
            key == self.text.as_bytes()
        }
    }
}

/// A header whose value is passed on, under the name as it is written in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForwardedHeader {
    key: String,
    header: HeaderName,
}

impl FromStr for ForwardedHeader {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let header: HeaderName = text.parse().map_err(|_| KeyError::Header(text.to_owned()))?;
        if SECRET.contains(&header.as_str()) {
            return Err(KeyError::Secret(text.to_owned()));
        }
        if is_reserved(text.as_bytes()) {
            return Err(KeyError::Reserved(text.to_owned()));
        }
        Ok(Self {
            key: text.to_owned(),
            header,
        })
    }
}

/// What may be passed on from a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContextRules {
    /// Keys that callers may set (`context` of `POST /json`, the packet's context of `POST /tup`).
    pub(crate) client_keys: Vec<KeyPattern>,
    /// Headers that are passed on.
    pub(crate) headers: Vec<ForwardedHeader>,
}

/// Who asks, as the gateway knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) request_id: &'a str,
    /// The name of the caller's token.
    pub(crate) name: Option<&'a str>,
}

impl ContextRules {
    /// Drops from `context` what its sender may not say, and tells how many keys that were.
    pub(crate) fn filter(&self, mut context: Attributes) -> (Attributes, usize) {
        let before = context.len();
        context.retain(|key, _| !is_reserved(key) && self.client_keys.iter().any(|pattern| pattern.matches(key)));
        let dropped = before - context.len();
        (context, dropped)
    }

    /// Adds the headers and what the gateway itself says, over anything that is there.
    pub(crate) fn complete(&self, context: &mut Attributes, headers: &HeaderMap, caller: Caller<'_>) {
        for ForwardedHeader { key, header } in &self.headers {
            if let Some(value) = headers.get(header) {
                context.insert(key.as_str().into(), ByteString::from(value.as_bytes()));
            }
        }
        let mut say = |key: &str, value: String| context.insert(key.into(), value.into());
        say("REMOTE_IP", caller.address.ip().to_string());
        say("X-Forwarded-For-Host", caller.address.to_string());
        say("X-GUID", caller.request_id.to_owned());
        if let Some(name) = caller.name {
            say("X-Verify-UID", name.to_owned());
        }
    }
}

/// What of an answer's context or status is for the caller: not the framework's own, and nothing a gateway said.
pub(crate) fn for_caller(mut attributes: Attributes) -> Attributes {
    attributes.retain(|key, _| !is_reserved(key));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(keys: &[&str]) -> Attributes {
        keys.iter().map(|&key| (key.into(), "client".into())).collect()
    }

    #[test]
    fn callers_say_only_what_is_listed() {
        let rules = ContextRules {
            client_keys: vec!["user".parse().unwrap(), "app-*".parse().unwrap()],
            headers: Vec::new(),
        };
        let (kept, dropped) = rules.filter(attributes(&[
            "user",
            "User",
            "app-a",
            "other",
            "REMOTE_IP",
            "remote_ip",
            "X-Verify-UID",
            "x-VERIFY-Data",
            "STATUS_TRACE_KEY",
        ]));
        assert_eq!(kept, attributes(&["app-a", "user"]));
        assert_eq!(dropped, 7);
        assert_eq!(
            ContextRules::default().filter(attributes(&["user"])),
            (Attributes::new(), 1)
        );
    }

    #[test]
    fn a_wide_pattern_does_not_let_reserved_keys_pass() {
        let rules = ContextRules {
            client_keys: vec!["X-*".parse().unwrap(), "no*".parse().unwrap(), "RE*".parse().unwrap()],
            headers: Vec::new(),
        };
        let (kept, _) = rules.filter(attributes(&[
            "X-Verify-Token",
            "X-GUID",
            "node_name",
            "REMOTE_IP",
            "X-Color",
        ]));
        assert_eq!(kept, attributes(&["X-Color"]));
    }

    #[test]
    fn the_gateway_has_the_last_word() {
        let rules = ContextRules {
            client_keys: Vec::new(),
            headers: vec!["X-XUA".parse().unwrap()],
        };
        let mut context = attributes(&["X-XUA", "REMOTE_IP"]);
        let headers = [("x-xua", "phone"), ("x-other", "no")];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let caller = Caller {
            address: "192.0.2.1:5000".parse().unwrap(),
            request_id: "id-1",
            name: Some("alice"),
        };
        rules.complete(&mut context, &headers.collect(), caller);
        let expected = [
            ("REMOTE_IP", "192.0.2.1"),
            ("X-Forwarded-For-Host", "192.0.2.1:5000"),
            ("X-GUID", "id-1"),
            ("X-Verify-UID", "alice"),
            ("X-XUA", "phone"),
        ];
        assert_eq!(context, expected.map(|(key, value)| (key.into(), value.into())).into());
    }

    #[test]
    fn settings_cannot_open_what_must_stay_closed() {
        for (text, error) in [
            ("REMOTE_IP", KeyError::Reserved("REMOTE_IP".into())),
            ("x-verify-*", KeyError::Reserved("x-verify-*".into())),
            ("*", KeyError::Wide("*".into())),
            ("x*", KeyError::Wide("x*".into())),
            ("", KeyError::Wide(String::new())),
        ] {
            assert_eq!(text.parse::<KeyPattern>(), Err(error));
        }
        for (text, error) in [
            ("Authorization", KeyError::Secret("Authorization".into())),
            ("cookie", KeyError::Secret("cookie".into())),
            ("X-GUID", KeyError::Reserved("X-GUID".into())),
            ("a b", KeyError::Header("a b".into())),
        ] {
            assert_eq!(text.parse::<ForwardedHeader>(), Err(error));
        }
    }
}
