//! Endpoints to listen at.

use std::net::{IpAddr, Ipv4Addr};

use tars::{Endpoint, ParseEndpointError};

/// An endpoint to listen at: without `-h`, at every address.
pub(super) fn listener(text: &str) -> Result<Endpoint, ParseEndpointError> {
    match text.split_once(char::is_whitespace) {
        Some((protocol, options)) if !options.split_whitespace().any(|word| word.starts_with("-h")) => {
            format!("{protocol} -h 0.0.0.0 {options}").parse()
        }
        _ => text.parse(),
    }
}

/// A host that clients can be told.
pub(super) fn advertised_host(text: &str) -> Result<String, HostError> {
    let host = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text);
    let is_no_word = host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_no_word || host == "*" || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        return Err(HostError);
    }
    Ok(host.to_owned())
}

/// A text that is no host to tell anybody.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostError;

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected a host name or an address that clients can connect to")
    }
}

impl std::error::Error for HostError {}

/// The address an endpoint is bound to, unless it is a name.
fn address(endpoint: &Endpoint) -> Option<IpAddr> {
    match endpoint.bind.as_deref().unwrap_or(&endpoint.host) {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        host => host.parse::<IpAddr>().ok().map(|address| address.to_canonical()),
    }
}

/// Whether only this machine reaches it.
pub(crate) fn is_loopback(endpoint: &Endpoint) -> bool {
    address(endpoint).is_some_and(|address| address.is_loopback())
}

/// Whether two endpoints are one: the same port, at the same address or one of them at every address.
pub(super) fn is_same(a: &Endpoint, b: &Endpoint) -> bool {
    let is_at_every_address = |endpoint| address(endpoint).is_some_and(|address| address.is_unspecified());
    let host =
        |endpoint: &Endpoint| address(endpoint).map_or_else(|| endpoint.host.clone(), |address| address.to_string());
    a.port == b.port && a.port != 0 && (host(a) == host(b) || is_at_every_address(a) || is_at_every_address(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_at_one_place_are_the_same() {
        let is_same = |a: &str, b: &str| is_same(&listener(a).unwrap(), &listener(b).unwrap());
        for (a, b) in [
            ("tcp -h 10.0.0.1 -p 1", "tcp -h 10.0.0.1 -p 1 -t 5"),
            ("tcp -p 1", "tcp -h 127.0.0.1 -p 1"),
            ("tcp -h localhost -p 1", "tcp -h 127.0.0.1 -p 1"),
            ("tcp -h pod -p 1 -b 127.0.0.1", "tcp -h 127.0.0.1 -p 1"),
            ("tcp -h pod -p 1", "tcp -h pod -p 1"),
        ] {
            assert!(is_same(a, b) && is_same(b, a), "{a} and {b}");
        }
        for (a, b) in [
            ("tcp -h 10.0.0.1 -p 1", "tcp -h 10.0.0.1 -p 2"),
            ("tcp -h 10.0.0.1 -p 1", "tcp -h 10.0.0.2 -p 1"),
            ("tcp -p 0", "tcp -p 0"),
        ] {
            assert!(!is_same(a, b), "{a} and {b}");
        }
    }
}
