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

use super::{address::look_up, earlier::Earlier};

/// Ports that are bound and not listened at: who calls them is refused at once. Free again when this is dropped. No child
/// inherits them.
#[derive(Debug, Default)]
pub(crate) struct HeldPorts(Vec<Socket>);

impl HeldPorts {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Chooses ports, each once.
pub(super) struct Ports {
    range: Range<u16>,
    /// In use by this server, or about to be.
    taken: BTreeSet<u16>,
    earlier: Earlier,
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
    pub(super) fn new(range: Range<u16>, earlier: Earlier, keep: bool) -> anyhow::Result<Self> {
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
