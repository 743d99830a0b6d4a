//! What is looked at: pure, from the server's description to addresses. Nothing is asked of a name server: an endpoint of
//! this server is at an address of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, ensure};
use tars::{Endpoint, Protocol};

use crate::server::ServerInfo;

/// One port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// For people: what is served there and where.
    pub(super) name: String,
    pub(super) transport: Transport,
    pub(super) port: u16,
    /// Where it can be reached, the best first; at least one.
    pub(super) addresses: Vec<IpAddr>,
    /// It listens at every address.
    pub(super) is_everywhere: bool,
    /// The servant to ping, when it speaks Tars over TCP.
    pub(super) servant: Option<String>,
}

/// How a port can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// By connecting. TLS is a TCP connection as well.
    Stream,
    /// By the kernel's list: a connection proves nothing.
    Datagrams,
}

/// Every adapter and the server's `AdminObj`.
pub(super) fn targets(info: &ServerInfo) -> anyhow::Result<Vec<Target>> {
    let node = info.local_ip.parse().ok();
    let mut found = Vec::new();
    for adapter in &info.conf.adapters {
        let what = format!("adapter `{}`", adapter.object);
        let mut target = target(&what, &adapter.endpoint, node)?;
        let speaks_tars = adapter.protocol.is_empty() || adapter.protocol == "tars";
        let is_tcp = adapter.endpoint.trim_start().starts_with("tcp");
        target.servant = (speaks_tars && is_tcp).then(|| info.conf.servant(adapter));
        found.push(target);
    }
    if !info.conf.local.is_empty() {
        found.push(target("the AdminObj", &info.conf.local, node)?);
    }
    Ok(found)
}

fn target(what: &str, endpoint: &str, node: Option<IpAddr>) -> anyhow::Result<Target> {
    let name = format!("{what} at `{endpoint}`");
    let endpoint: Endpoint = endpoint.parse().with_context(|| format!("endpoint of {what}"))?;
    ensure!(endpoint.port != 0, "{name} has no port");
    let host = endpoint.bind.as_deref().unwrap_or(&endpoint.host);
    let given: Option<IpAddr> = host.parse().ok();
    let transport = match endpoint.protocol {
        Protocol::Udp => Transport::Datagrams,
        Protocol::Tcp | Protocol::Ssl => Transport::Stream,
    };
    Ok(Target {
        name,
        transport,
        port: endpoint.port,
        addresses: addresses(given, node),
        is_everywhere: given.is_none_or(|address| address.is_unspecified()),
        servant: None,
    })
}

/// Where to connect for a server at `given`, which is `None` for a name: as given; else loopback, where a server at every
/// address is, and the node's own, where the loopback's is not.
fn addresses(given: Option<IpAddr>, node: Option<IpAddr>) -> Vec<IpAddr> {
    let (four, six) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
    let own = node.filter(|node| !node.is_unspecified());
    match given {
        Some(address) if !address.is_unspecified() => vec![address],
        Some(IpAddr::V4(_)) => [Some(four), own].into_iter().flatten().collect(),
        Some(IpAddr::V6(_)) => [Some(six), own, Some(four)].into_iter().flatten().collect(),
        None => [own, Some(four), Some(six)].into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Adapter, ServerConf};

    fn info(adapters: &[(&str, &str, &str)], local: &str) -> ServerInfo {
        let adapters = adapters.iter().map(|(object, endpoint, protocol)| Adapter {
            object: (*object).to_owned(),
            endpoint: (*endpoint).to_owned(),
            protocol: (*protocol).to_owned(),
            ..Adapter::default()
        });
        ServerInfo {
            conf: ServerConf {
                application: "App".to_owned(),
                server: "Server".to_owned(),
                local: local.to_owned(),
                adapters: adapters.collect(),
                ..ServerConf::default()
            },
            local_ip: "10.0.0.7".to_owned(),
            tars_path: "/tars".to_owned(),
        }
    }

    fn texts(addresses: &[IpAddr]) -> String {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hosts_become_addresses() {
        for (endpoint, expected, everywhere) in [
            ("tcp -h 10.0.0.9 -p 1", "10.0.0.9", false),
            ("tcp -h ::1 -p 1", "::1", false),
            ("tcp -h 0.0.0.0 -p 1", "127.0.0.1 10.0.0.7", true),
            ("tcp -h * -p 1", "127.0.0.1 10.0.0.7", true),
            ("tcp -h :: -p 1", "::1 10.0.0.7 127.0.0.1", true),
            ("tcp -h pod.example -p 1", "10.0.0.7 127.0.0.1 ::1", true),
            ("tcp -h 1.2.3.4 -p 1 -b 127.0.0.2", "127.0.0.2", false),
            ("udp -h 10.0.0.9 -p 1 -b 0.0.0.0", "127.0.0.1 10.0.0.7", true),
        ] {
            let found = target("it", endpoint, "10.0.0.7".parse().ok()).unwrap();
            assert_eq!(
                (texts(&found.addresses).as_str(), found.is_everywhere),
                (expected, everywhere),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn every_adapter_and_the_admin_object() {
        let adapters = [
            ("OneObj", "tcp -h 10.0.0.7 -p 1 -t 60000", "tars"),
            ("TwoObj", "udp -h 10.0.0.7 -p 2", "tars"),
            ("WebObj", "tcp -h 10.0.0.7 -p 3", "not_tars"),
            ("TlsObj", "ssl -h 10.0.0.7 -p 4", "tars"),
        ];
        let found = targets(&info(&adapters, "tcp -h 127.0.0.1 -p 5 -t 5000")).unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|target| (target.port, target.transport, target.servant.as_deref()))
            .collect();
        let expected = [
            (1, Transport::Stream, Some("App.Server.OneObj")),
            (2, Transport::Datagrams, None),
            (3, Transport::Stream, None),
            (4, Transport::Stream, None),
            (5, Transport::Stream, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!(found[0].name, "adapter `OneObj` at `tcp -h 10.0.0.7 -p 1 -t 60000`");
        assert_eq!(targets(&info(&[], "")).unwrap(), []);
    }

    #[test]
    fn an_endpoint_that_cannot_be_looked_at_is_named() {
        for (endpoint, expected) in [("tcp -h 10.0.0.7", "no port"), ("tcp -h 10.0.0.7 -p http", "column 20")] {
            let error = targets(&info(&[("OneObj", endpoint, "tars")], "")).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(expected) && error.contains("OneObj"), "{error}");
        }
    }
}
