//! Which ports everything listens at.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, bail};

/// The registry's `QueryObj`, which every client asks.
pub(crate) const QUERY: u16 = 17890;
/// The registry's object for servers that register themselves.
pub(crate) const REGISTRY: u16 = 17892;
/// The registry's AdminObj.
pub(crate) const ADMIN: u16 = 17893;
/// The registry's health and metrics.
pub(crate) const REGISTRY_HTTP: u16 = 9325;
/// The gateway.
pub(crate) const GATEWAY: u16 = 8200;
/// The gateway's health and metrics.
pub(crate) const GATEWAY_ADMIN: u16 = 8201;

/// All of them, with who wants them.
const DEFAULTS: [(u16, &str); 6] = [
    (QUERY, "the registry's QueryObj"),
    (REGISTRY, "the registry's Registry"),
    (ADMIN, "the registry's AdminObj"),
    (REGISTRY_HTTP, "the registry's health and metrics"),
    (GATEWAY, "the gateway"),
    (GATEWAY_ADMIN, "the gateway's health and metrics"),
];

/// Default ports or free ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    /// Those everybody knows, so that the suggestions can be typed as they stand.
    Default,
    /// Any free ones, so that a run disturbs nothing.
    Free,
}

impl Ports {
    /// `default`, or 0: any free port.
    pub(crate) fn choose(self, default: u16) -> u16 {
        match self {
            Self::Default => default,
            Self::Free => 0,
        }
    }

    /// Fails when something else has one of the ports, before anything is started.
    pub(crate) fn check(self) -> anyhow::Result<()> {
        let wanted: &[_] = if self == Self::Default { &DEFAULTS } else { &[] };
        wanted.iter().try_for_each(|&(port, whose)| check(port, whose))
    }
}

fn check(port: u16, whose: &str) -> anyhow::Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {port}, which {whose} needs, is taken: end what listens there (`ss -ltnp` shows it), or run `make demo ONCE=1`, \
             which takes free ports"
        ),
        Err(error) => Err(error).with_context(|| format!("port {port}, which {whose} needs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_who_wants_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check(port, "the gateway").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("port {port}, which the gateway needs, is taken: ")),
            "{error}"
        );
        assert!(Ports::Free.check().is_ok());
    }

    #[test]
    fn free_ports_are_zero() {
        assert_eq!((Ports::Default.choose(GATEWAY), Ports::Free.choose(GATEWAY)), (8200, 0));
    }
}
