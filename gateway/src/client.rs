//! Who a request is from: its peer, or the client that a trusted proxy speaks for.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Networks;

/// The header in which proxies write whom they speak for, the nearest last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client behind `peer`: the last hop in `X-Forwarded-For` that is no trusted proxy itself. A peer
/// that is not trusted is the client, whatever it says.
pub(crate) fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &Networks) -> SocketAddr {
    let mut client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    if !trusted.contain(client.ip()) {
        return client;
    }
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        for hop in line.as_bytes().rsplit(|&byte| byte == b',') {
            // What the last trusted proxy says and nobody can read ends the chain: further ones are hearsay.
            let Some(hop) = std::str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) else {
                return client;
            };
            client = hop;
            if !trusted.contain(client.ip()) {
                return client;
            }
        }
    }
    client
}

/// An address with or without a port.
fn address(hop: &str) -> Option<SocketAddr> {
    if let Ok(address) = hop.parse::<SocketAddr>() {
        return Some(SocketAddr::new(address.ip().to_canonical(), address.port()));
    }
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address: IpAddr = bare.parse().ok()?;
    Some(SocketAddr::new(address.to_canonical(), 0))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].iter().map(|text| text.parse().unwrap());
        let headers = lines.iter().map(|line| {
            (
                HeaderName::from_static(FORWARDED_FOR),
                line.parse::<HeaderValue>().unwrap(),
            )
        });
        let headers: HeaderMap = headers.collect();
        client_address(
            SocketAddr::new(peer.parse().unwrap(), 1),
            &headers,
            &Networks(networks.collect()),
        )
        .ip()
        .to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &["198.51.100.9"] as &[&str], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            ("::ffff:10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // The client wrote the first hop itself.
            ("10.0.0.1", &["127.0.0.1, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["127.0.0.1, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
            (
                "10.0.0.1",
                &["127.0.0.1", "198.51.100.9:4711", "10.0.0.2"],
                "198.51.100.9",
            ),
            ("10.0.0.1", &["[2001:db9::1]:80"], "2001:db9::1"),
            ("10.0.0.1", &["2001:db9::1"], "2001:db9::1"),
            ("10.0.0.1", &["198.51.100.9, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.9, , 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_the_client_whatever_it_says(line in "[ -~]{0,40}") {
            prop_assert_eq!(client("192.0.2.1", &[&line]), "192.0.2.1");
        }

        #[test]
        fn what_a_client_writes_before_its_own_address_changes_nothing(line in "[0-9a-f.:, ]{0,40}") {
            prop_assert_eq!(client("10.0.0.1", &[&format!("{line}, 198.51.100.9")]), "198.51.100.9");
        }
    }
}
