//! Looking at the server's ports: the one place that connects to them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::future::{join_all, select_ok};
use tokio::{net::TcpStream, time::timeout};

use super::{
    fault::Fault,
    target::{Target, Transport, targets},
    udp::Bound,
};
use crate::server::ServerInfo;

/// Time to connect, K8STARS'.
const CONNECT: Duration = Duration::from_millis(300);

/// Every adapter and the `AdminObj`: at once, so a look takes no longer than its slowest.
#[derive(Debug)]
pub(crate) struct Ports {
    targets: Vec<Target>,
}

impl Ports {
    /// Fails when an endpoint is no endpoint, or has no port.
    pub(crate) fn new(info: &ServerInfo) -> anyhow::Result<Self> {
        let targets = targets(info)?;
        Ok(Self { targets })
    }

    /// Whether all of them are open.
    pub(crate) async fn look(&self) -> Result<(), Fault> {
        let bound = self.bound();
        let looks = self.targets.iter().map(async |target| match target.transport {
            Transport::Stream => stream(target).await.err(),
            Transport::Datagrams => datagrams(target, &bound).err(),
        });
        Fault::of(join_all(looks).await)
    }

    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The list is long: it is read only when somebody needs it, and once.
    fn bound(&self) -> io::Result<Bound> {
        let is_needed = self
            .targets
            .iter()
            .any(|target| target.transport == Transport::Datagrams);
        if is_needed { Bound::read() } else { Ok(Bound::default()) }
    }
}

/// Connects, says nothing, and closes. Which address took it.
pub(super) async fn stream(target: &Target) -> Result<IpAddr, String> {
    let tries = target
        .addresses
        .iter()
        .map(|address| Box::pin(connect(SocketAddr::new(*address, target.port))));
    match timeout(CONNECT, select_ok(tries)).await {
        Ok(Ok((address, _))) => Ok(address),
        Ok(Err(error)) => Err(format!("{}: {error}", target.name)),
        Err(_) => Err(format!("{}: no connection within {CONNECT:?}", target.name)),
    }
}

async fn connect(address: SocketAddr) -> io::Result<IpAddr> {
    let stream = TcpStream::connect(address).await?;
    // Where nobody listens, a connection within this machine can meet itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(address.ip())
}

fn datagrams(target: &Target, bound: &io::Result<Bound>) -> Result<(), String> {
    let bound = bound
        .as_ref()
        .map_err(|error| format!("{}: the kernel's list of UDP ports: {error}", target.name))?;
    let is_meant = |address: IpAddr| target.is_everywhere || target.addresses.contains(&address);
    if bound.has(target.port, is_meant) {
        Ok(())
    } else {
        Err(format!("{}: nobody has bound the port", target.name))
    }
}
