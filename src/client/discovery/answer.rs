//! What the registry's answer means. Pure: lists in, endpoints to call out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::endpoint::Protocol;
use crate::protocol::EndpointF;
use crate::{Endpoint, Error, code};

/// What the registry answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The operation's return value.
    pub(super) ret: i32,
    pub(super) active: Vec<EndpointF>,
    pub(super) inactive: Vec<EndpointF>,
}

/// An answer, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    /// Active endpoints that cannot be called, each with the reason; not all of very many.
    pub(super) skipped: Vec<String>,
}

/// What an answer means for calls.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The endpoints to call: at least one, none twice, in a stable order.
    Active(Vec<Endpoint>),
    /// There are active ones, none of which can be called.
    Unusable,
    /// The object is known, but nobody serves it now.
    Inactive(usize),
    /// The registry does not know the object.
    Unknown,
    /// The registry does not answer for this object or set.
    Refused(i32),
}

/// Endpoints of one object that a client takes over at most: each costs a little memory even if it is never called.
const MOST: usize = 10_000;

/// Endpoints that cannot be called are remembered up to this number.
const MOST_SKIPPED: usize = 100;

impl Answer {
    pub(super) fn read(self) -> Reading {
        let mut skipped = Vec::new();
        let mut usable = BTreeMap::new();
        let is_any = !self.active.is_empty();
        for endpoint in self.active {
            match callable(&endpoint) {
                Ok((host, port)) if usable.len() < MOST => {
                    usable.insert((host.clone(), port), Endpoint::tcp(host, port));
                }
                Ok((host, port)) => skipped.push(format!("{host} port {port}: it is one of more than {MOST}")),
                Err(reason) => skipped.push(format!("{:?} port {}: {reason}", endpoint.host, endpoint.port)),
            }
        }
        skipped.truncate(MOST_SKIPPED);
        let meaning = if self.ret != 0 {
            Meaning::Refused(self.ret)
        } else if !usable.is_empty() {
            Meaning::Active(usable.into_values().collect())
        } else if is_any {
            Meaning::Unusable
        } else if !self.inactive.is_empty() {
            Meaning::Inactive(self.inactive.len())
        } else {
            Meaning::Unknown
        };
        Reading { meaning, skipped }
    }
}

/// Host and port of an endpoint that can be called, or why it cannot be.
fn callable(endpoint: &EndpointF) -> Result<(String, u16), &'static str> {
    match Protocol::from_istcp(endpoint.istcp) {
        Some(Protocol::Tcp) => {}
        Some(Protocol::Udp) => return Err("udp is not supported"),
        Some(Protocol::Ssl) => return Err("ssl is not supported"),
        None => return Err("its transport is none that is known"),
    }
    let port = u16::try_from(endpoint.port).ok().filter(|port| *port != 0);
    let port = port.ok_or("its port is not one of 1 to 65535")?;
    let host = endpoint.host.trim();
    let is_name =
        !host.is_empty() && host.len() <= 253 && !host.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_name || host.starts_with('-') {
        return Err("its host is no name and no address");
    }
    // This would be whatever listens on the caller's own machine.
    if host == "*" || host.parse().is_ok_and(|address: IpAddr| address.is_unspecified()) {
        return Err("its host means every address");
    }
    Ok((host.to_owned(), port))
}

impl Reading {
    /// Why there is no endpoint to call, if there is none.
    pub(super) fn failure(&self, registry: &str) -> Option<Error> {
        let (code, text) = match &self.meaning {
            Meaning::Active(_) => return None,
            Meaning::Unusable => {
                let shown: Vec<_> = self.skipped.iter().take(3).map(String::as_str).collect();
                let text = format!("{registry} names no endpoint that can be called: {}", shown.join("; "));
                (code::ADAPTER_NULL, text)
            }
            Meaning::Inactive(count) => (
                code::PROXY_CONNECT_ERR,
                format!("{registry} knows {count} of its endpoints, none of which is active"),
            ),
            Meaning::Unknown => (code::ADAPTER_NULL, format!("{registry} does not know the object")),
            Meaning::Refused(ret) => (
                code::ADAPTER_NULL,
                format!("{registry} names no endpoint, it answers {ret}"),
            ),
        };
        Some(Error::new(code, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str, port: i32, istcp: i32) -> EndpointF {
        EndpointF {
            host: host.to_owned(),
            port,
            istcp,
            ..EndpointF::default()
        }
    }

    fn read(active: &[EndpointF], inactive: &[EndpointF]) -> Reading {
        let answer = Answer {
            ret: 0,
            active: active.to_vec(),
            inactive: inactive.to_vec(),
        };
        answer.read()
    }

    #[test]
    fn each_place_once_in_a_stable_order() {
        let lists = [
            endpoint("b", 1, 1),
            endpoint("a", 2, 1),
            EndpointF {
                timeout: 9,
                weight: 3,
                ..endpoint("b", 1, 1)
            },
            endpoint("::1", 1, 1),
        ];
        let reading = read(&lists, &[]);
        let expected = [Endpoint::tcp("::1", 1), Endpoint::tcp("a", 2), Endpoint::tcp("b", 1)];
        assert_eq!(reading.meaning, Meaning::Active(expected.to_vec()));
        assert_eq!(reading.skipped, [""; 0]);
    }

    #[test]
    fn what_cannot_be_called_is_skipped_with_its_reason() {
        let bad = [
            (endpoint("a", 0, 1), "its port is not one of 1 to 65535"),
            (endpoint("a", -1, 1), "its port is not one of 1 to 65535"),
            (endpoint("a", 65_536, 1), "its port is not one of 1 to 65535"),
            (endpoint("a", 1, 0), "udp is not supported"),
            (endpoint("a", 1, 2), "ssl is not supported"),
            (endpoint("a", 1, 7), "its transport is none that is known"),
            (endpoint("", 1, 1), "its host is no name and no address"),
            (endpoint("a b", 1, 1), "its host is no name and no address"),
            (endpoint("-h", 1, 1), "its host is no name and no address"),
            (endpoint(&"a".repeat(254), 1, 1), "its host is no name and no address"),
            (endpoint("0.0.0.0", 1, 1), "its host means every address"),
            (endpoint("::", 1, 1), "its host means every address"),
            (endpoint("*", 1, 1), "its host means every address"),
        ];
        for (endpoint, reason) in bad {
            let reading = read(std::slice::from_ref(&endpoint), &[]);
            assert_eq!(reading.meaning, Meaning::Unusable, "{endpoint:?}");
            assert!(reading.skipped[0].ends_with(reason), "{reading:?}");
            let error = reading.failure("R").unwrap();
            assert_eq!(error.code(), code::ADAPTER_NULL);
            assert!(error.message().contains(reason), "{error}");
        }
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let many: Vec<_> = (0..MOST + 5)
            .map(|number| endpoint(&format!("n{number}"), 1, 1))
            .collect();
        let reading = read(&many, &[]);
        assert!(matches!(&reading.meaning, Meaning::Active(endpoints) if endpoints.len() == MOST));
        assert_eq!(reading.skipped.len(), 5);
    }

    #[test]
    fn answers_without_endpoints() {
        let unknown = read(&[], &[]);
        assert_eq!(unknown.failure("R").unwrap().code(), code::ADAPTER_NULL);
        let inactive = read(&[], &[endpoint("a", 1, 1)]);
        assert_eq!(inactive.meaning, Meaning::Inactive(1));
        assert_eq!(inactive.failure("R").unwrap().code(), code::PROXY_CONNECT_ERR);
        let refused = Answer {
            ret: -1,
            active: vec![endpoint("a", 1, 1)],
            inactive: Vec::new(),
        };
        assert_eq!(refused.read().meaning, Meaning::Refused(-1));
    }
}
