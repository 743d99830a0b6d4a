//! Addresses: this node's own, and those of host names.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket},
    sync::mpsc,
    time::Duration,
};

use anyhow::bail;
use tars::ObjectAddress;

/// Longest wait for a name's addresses.
pub(super) const LOOKUP: Duration = Duration::from_secs(2);

/// Somewhere else: what is asked is by which of this node's addresses it would be reached. It is K8STARS' own.
const ELSEWHERE: &str = "10.0.0.1";

/// This node's name: what was given, else the address from which the registry is reached, else the one from which the
/// rest of the network is. K8STARS falls to `0.0.0.0`, where no client ever finds the server; here it is an error.
pub(super) fn own(given: Option<&str>, locator: &ObjectAddress) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let registries = locator.endpoints.iter().map(|endpoint| endpoint.host.as_str());
    match registries.chain([ELSEWHERE]).find_map(|host| reached_from(host).ok()) {
        Some(address) => Ok(address.to_string()),
        None => bail!("this node's address cannot be told, it reaches no network: set POD_IP"),
    }
}

/// The own address on the way to `host`. No packet is sent.
fn reached_from(host: &str) -> io::Result<IpAddr> {
    let mut last = io::ErrorKind::NotFound.into();
    // A name may have addresses of a kind that this node has no way to.
    for to in look_up(host)? {
        match own_towards(to) {
            Ok(own) => return Ok(own),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn own_towards(to: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(SocketAddr::new(to, 80))?;
    Ok(socket.local_addr()?.ip())
}

/// What is odd about a node's name that nobody gave.
pub(super) fn doubt(given: Option<&str>, node: &str) -> Option<String> {
    let is_loopback = node.parse::<IpAddr>().is_ok_and(|node| node.is_loopback());
    (given.is_none() && is_loopback).then(|| {
        format!(
            "this node is `{node}`, from where the registry is reached: clients on other machines cannot call the server; \
             set POD_IP"
        )
    })
}

/// The addresses of a host, at least one. A thread that goes on asking a slow name server does not keep the process.
pub(super) fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    std::thread::Builder::new().spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        // Nobody waits any more when it took too long.
        let _ = answer.send(found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>()));
    })?;
    match answered.recv_timeout(LOOKUP) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
        Ok(found) => found,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the name servers do not answer",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locator(text: &str) -> ObjectAddress {
        text.parse().unwrap()
    }

    #[test]
    fn without_it_the_way_to_the_registry_tells() {
        let near = locator("a.b.c@tcp -h 127.0.0.1 -p 1");
        assert_eq!(own(None, &near).unwrap(), "127.0.0.1");
        assert_eq!(own(Some("10.0.0.7"), &near).unwrap(), "10.0.0.7", "it was said");
        // One that cannot be found is passed over.
        let locator = locator("a.b.c@tcp -h no-such-host.invalid -p 1:tcp -h 127.0.0.1 -p 1");
        assert_eq!(own(None, &locator).unwrap(), "127.0.0.1");
    }

    #[test]
    fn names_are_looked_up() {
        assert!(look_up("localhost").unwrap().iter().all(IpAddr::is_loopback));
        assert!(look_up("no-such-host.invalid").is_err());
    }
}
