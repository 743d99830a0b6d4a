//! Ports for `${random_port}`: tried by binding, and kept bound so that nobody else gets them before the server does.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
};

use anyhow::{Context as _, bail, ensure};
use rand::Rng as _;
use socket2::{Domain, Socket, Type};
use tars::{Endpoint, Protocol};

use super::{address::look_up, earlier::EarlierPorts};

/// Ports that are bound and not listened at: who calls them is refused at once. Free again when this is dropped. No child
/// inherits them.
#[derive(Debug, Default)]
pub(crate) struct HeldPorts(Vec<Socket>);

/// Chooses ports, each once.
pub(super) struct Ports {
    range: Range<u16>,
    /// In use by this server, or about to be.
    taken: BTreeSet<u16>,
    earlier: EarlierPorts,
    /// The server runs with its earlier ports: they cannot be tried.
    keep: bool,
    held: HeldPorts,
}

/// How an attempt to get a port ended.
enum Attempt {
    Held(Socket),
    /// Somebody has it, or this user may not.
    Taken,
}

impl Ports {
    pub(super) fn new(range: Range<u16>, earlier: EarlierPorts, keep: bool) -> anyhow::Result<Self> {
        ensure!(
            !range.is_empty(),
            "TARS_RAND_PORT_MIN {} is not below TARS_RAND_PORT_MAX {}: no port is from the one up to the other",
            range.start,
            range.end
        );
        Ok(Self {
            range,
            taken: BTreeSet::new(),
            earlier,
            keep,
            held: HeldPorts::default(),
        })
    }

    /// A port that the server has been told to use: it is not chosen.
    pub(super) fn take(&mut self, port: u16) {
        self.taken.insert(port);
    }

    /// A port for an object at an endpoint that has none: the earlier one, when it is still free, else one at random.
    pub(super) fn choose(&mut self, object: &str, endpoint: &Endpoint) -> anyhow::Result<u16> {
        let host = endpoint.bind.as_ref().unwrap_or(&endpoint.host);
        let key = (object.to_owned(), endpoint.protocol);
        let earlier = self
            .earlier
            .get(&key)
            .copied()
            .filter(|port| !self.taken.contains(port));
        if let Some(port) = earlier.filter(|_| self.keep) {
            self.take(port);
            return Ok(port);
        }
        let addresses = look_up(host).with_context(|| format!("cannot find the host `{host}`"))?;
        let earlier = earlier.filter(|port| self.range.contains(port));
        for port in earlier.into_iter().chain(self.walk()) {
            if self.taken.contains(&port) {
                continue;
            }
            let attempt = attempt(&addresses, port, endpoint.protocol, Some(port) == earlier);
            match attempt.with_context(|| format!("cannot listen at `{host}`, port {port}"))? {
                Attempt::Held(socket) => {
                    self.take(port);
                    self.held.0.push(socket);
                    return Ok(port);
                }
                Attempt::Taken => {}
            }
        }
        bail!(
            "no port at `{host}` is free for {}, from TARS_RAND_PORT_MIN {} up to TARS_RAND_PORT_MAX {}",
            endpoint.protocol,
            self.range.start,
            self.range.end
        );
    }

    pub(super) fn into_held(self) -> HeldPorts {
        self.held
    }

    /// All ports of the range, from one at random on: what starts at the same time on one node does not try the same.
    fn walk(&self) -> impl Iterator<Item = u16> + use<> {
        let middle = rand::rng().random_range(self.range.clone());
        (middle..self.range.end).chain(self.range.start..middle)
    }
}

/// Tries to bind at the first of `addresses` that is one of this node's. A port that was used before may have connections
/// that linger, which keep nobody but us from binding it.
fn attempt(addresses: &[IpAddr], port: u16, protocol: Protocol, used_before: bool) -> io::Result<Attempt> {
    let mut foreign = None;
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        let mut bound = bind(address, protocol);
        if used_before && protocol != Protocol::Udp && is_taken(&bound) && only_lingers(address) {
            bound = bind_beside_lingering(address);
        }
        match bound {
            Ok(socket) => return Ok(Attempt::Held(socket)),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => foreign = Some(error),
            bound if is_taken(&bound) => return Ok(Attempt::Taken),
            Err(error) => return Err(error),
        }
    }
    Err(foreign.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

fn is_taken<T>(bound: &io::Result<T>) -> bool {
    let kinds = [io::ErrorKind::AddrInUse, io::ErrorKind::PermissionDenied];
    bound.as_ref().is_err_and(|error| kinds.contains(&error.kind()))
}

fn bind(address: SocketAddr, protocol: Protocol) -> io::Result<Socket> {
    let socket = socket(address, protocol)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Nobody listens there, so a server could.
fn only_lingers(address: SocketAddr) -> bool {
    let listen = || {
        let socket = bind_beside_lingering(address)?;
        socket.listen(1)
    };
    listen().is_ok()
}

fn bind_beside_lingering(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address, Protocol::Tcp)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn socket(address: SocketAddr, protocol: Protocol) -> io::Result<Socket> {
    let kind = match protocol {
        Protocol::Udp => Type::DGRAM,
        // TLS is spoken over TCP.
        Protocol::Tcp | Protocol::Ssl => Type::STREAM,
    };
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        // As servers do it: `::` is every address of both kinds.
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    /// A free port. The tests of this file each have an address of their own, so nobody else takes it.
    fn free(address: &str) -> u16 {
        let listener = TcpListener::bind((address, 0)).unwrap();
        listener.local_addr().unwrap().port()
    }

    fn ports(range: Range<u16>) -> Ports {
        Ports::new(range, EarlierPorts::new(), false).unwrap()
    }

    fn with_earlier(range: Range<u16>, port: u16, keep: bool) -> Ports {
        let earlier = EarlierPorts::from([(("O".to_owned(), Protocol::Tcp), port)]);
        Ports::new(range, earlier, keep).unwrap()
    }

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn ports_are_held_until_they_are_dropped() {
        for (protocol, host) in [
            ("tcp", "127.61.0.1"),
            ("ssl", "127.61.0.1"),
            ("udp", "127.61.0.1"),
            ("tcp", "::1"),
        ] {
            let Ok(probe) = TcpListener::bind((host, 0)) else {
                continue; // no IPv6 here
            };
            drop(probe);
            let mut ports = ports(20_000..30_000);
            let endpoint = endpoint(&format!("{protocol} -h {host}"));
            let port = ports.choose("O", &endpoint).unwrap();
            let other = ports.choose("P", &endpoint).unwrap();
            assert!(port != other && (20_000..30_000).contains(&port));
            let is_free = || match protocol {
                "udp" => UdpSocket::bind((host, port)).is_ok(),
                _ => TcpListener::bind((host, port)).is_ok(),
            };
            assert!(!is_free(), "{protocol} {host}");
            assert!(
                protocol == "udp" || TcpStream::connect((host, port)).is_err(),
                "it is refused"
            );
            drop(ports.into_held());
            assert!(is_free(), "{protocol} {host}");
        }
    }

    #[test]
    fn the_whole_range_is_tried_and_no_port_twice() {
        let free = free("127.61.0.2");
        let taken = TcpListener::bind("127.61.0.2:0").unwrap().local_addr().unwrap().port();
        let mut ports = ports(taken..taken + 1);
        let at = endpoint("tcp -h 127.61.0.2");
        assert_eq!(ports.choose("O", &at).unwrap(), taken);
        let error = ports.choose("P", &at).unwrap_err().to_string();
        let expected = format!(
            "no port at `127.61.0.2` is free for tcp, from TARS_RAND_PORT_MIN {taken} up to TARS_RAND_PORT_MAX {}",
            taken + 1
        );
        assert_eq!(error, expected);

        let mut ports = self::ports(free..free + 1);
        ports.take(free);
        assert!(ports.choose("O", &at).is_err(), "the server has another use for it");
    }

    #[test]
    fn a_port_that_somebody_has_is_passed_over() {
        let listener = TcpListener::bind("127.61.0.3:0").unwrap();
        let taken = listener.local_addr().unwrap().port();
        let range = taken..taken.saturating_add(2);
        let chosen = ports(range).choose("O", &endpoint("tcp -h 127.61.0.3"));
        assert_eq!(chosen.unwrap(), taken + 1);
        // Where it would listen is not where clients are told.
        let mut ports = ports(taken..taken + 1);
        assert!(ports.choose("O", &endpoint("tcp -h 127.61.0.9 -b 127.61.0.3")).is_err());
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    fn an_empty_range_is_refused() {
        for range in [16_000..13_000, 13_000..13_000] {
            let Err(error) = Ports::new(range.clone(), EarlierPorts::new(), false) else {
                panic!("{range:?}");
            };
            let start = format!(
                "TARS_RAND_PORT_MIN {} is not below TARS_RAND_PORT_MAX 13000",
                range.start
            );
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }

    #[test]
    fn a_host_of_somebody_else_is_an_error_at_once() {
        let error = ports(20_000..30_000)
            .choose("O", &endpoint("tcp -h 192.0.2.77"))
            .unwrap_err();
        assert!(
            format!("{error:#}").starts_with("cannot listen at `192.0.2.77`, port "),
            "{error:#}"
        );
        let error = ports(20_000..30_000)
            .choose("O", &endpoint("tcp -h no-such-host.invalid"))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("cannot find the host `no-such-host.invalid`")
        );
    }

    #[test]
    fn an_earlier_port_is_kept_while_it_can_be() {
        let at = endpoint("tcp -h 127.61.0.4");
        let listener = TcpListener::bind("127.61.0.4:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let range = port..port.saturating_add(2);
        assert_eq!(
            with_earlier(range.clone(), port, false).choose("O", &at).unwrap(),
            port + 1,
            "in use"
        );
        let mut ports = with_earlier(20_000..20_001, port, true);
        assert_eq!(ports.choose("O", &at).unwrap(), port, "the server itself has it");
        assert_eq!(ports.into_held().0.len(), 0);

        // The server has ended, and a connection of its own lingers.
        let client = TcpStream::connect(("127.61.0.4", port)).unwrap();
        drop(listener.accept().unwrap());
        drop((listener, client));
        let mut ports = with_earlier(range.clone(), port, false);
        assert_eq!(ports.choose("O", &at).unwrap(), port);
        assert!(TcpListener::bind(("127.61.0.5", port)).is_ok() && !only_lingers_for_test(port));
        drop(ports);
        assert_ne!(
            with_earlier(20_000..20_100, port, false).choose("O", &at).unwrap(),
            port,
            "not of the range"
        );
        assert_ne!(
            with_earlier(range, port, false).choose("P", &at).map_err(drop),
            Err(()),
            "another object"
        );
    }

    /// Whether somebody could bind without being told that it is in use.
    fn only_lingers_for_test(port: u16) -> bool {
        bind(SocketAddr::new([127, 61, 0, 4].into(), port), Protocol::Tcp).is_ok()
    }
}
