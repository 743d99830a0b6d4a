//! A proxy for TCP that can be slow, silent or away, and counts what passes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tars::Endpoint;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use crate::{port::HeldPort, registry::Registry};

/// How a proxy treats those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As if it were not there.
    Passing,
    /// Every answer comes so much later.
    Slow(Duration),
    /// Connections are taken, and nothing is ever answered: a machine behind a broken network.
    Silent,
    /// Connections are refused: a machine without the program.
    Away,
}

/// A request that came to a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it had come whole.
    pub at: Instant,
    /// The function it calls, as far as [`FUNCTIONS`] knows it.
    pub function: &'static str,
}

/// Functions that are told apart.
pub const FUNCTIONS: [&str; 5] = [
    "onStartup",
    "keepAlive",
    "onPrestop",
    "registerMetrics",
    "findObjectById",
];

/// Largest request that is looked at; longer ones count as `other`.
const FRAME: usize = 64 * 1024;

/// A running proxy. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct Proxy {
    manner: watch::Sender<Manner>,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Begins to pass on what comes to `at` to `to`.
    ///
    /// # Panics
    /// When the address cannot be listened at.
    pub async fn start(at: SocketAddr, to: SocketAddr) -> Self {
        let port = HeldPort::at(at);
        let listener = port.listen().await;
        let manner = watch::Sender::new(Manner::Passing);
        let arrivals = Arc::default();
        let route = Route {
            to,
            manner: manner.subscribe(),
            arrivals: Arc::clone(&arrivals),
        };
        Self {
            manner,
            arrivals,
            task: tokio::spawn(route.serve(port, listener)),
        }
    }

    /// Treats all connections so from now on, those that are there too.
    pub fn be(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// The requests that came so far.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Proxies before the lookups and the registration of a registry.
#[derive(Debug)]
pub struct Front {
    /// Before the lookups.
    pub query: Proxy,
    /// Before the registration.
    pub registration: Proxy,
    locator: String,
}

impl Front {
    /// Proxies at the address `host` of loopback and the registry's own ports. The registry was started with `--advertise` and this
    /// address, so that who looks its servants up comes here again.
    ///
    /// # Panics
    /// When the address cannot be listened at.
    pub async fn of(registry: &Registry, host: &str) -> Self {
        let (query, to_query, locator) = moved(registry.query(), host);
        let (registration, to_registration, _) = moved(registry.object(), host);
        Self {
            query: Proxy::start(query, to_query).await,
            registration: Proxy::start(registration, to_registration).await,
            locator,
        }
    }

    /// The object that answers lookups, as seen through the proxy.
    #[must_use]
    pub fn locator(&self) -> &str {
        &self.locator
    }

    /// What sets the manners of both, for another task.
    #[must_use]
    pub fn manners(&self) -> [watch::Sender<Manner>; 2] {
        [&self.query, &self.registration].map(|proxy| proxy.manner.clone())
    }

    /// Treats connections of both so from now on.
    pub fn be(&self, manner: Manner) {
        self.query.be(manner);
        self.registration.be(manner);
    }
}

/// An object's endpoint with another host, where it really is, and the object there.
fn moved(object: &str, host: &str) -> (SocketAddr, SocketAddr, String) {
    let (name, endpoint) = object.split_once('@').expect("a registry names its endpoints");
    let endpoint: Endpoint = endpoint.parse().expect("a registry's endpoints are valid");
    let address = |host: &str| SocketAddr::new(host.parse().expect("hosts here are addresses"), endpoint.port);
    let locator = format!("{name}@tcp -h {host} -p {}", endpoint.port);
    (address(host), address(&endpoint.host), locator)
}

/// Where a proxy's connections lead.
#[derive(Clone)]
struct Route {
    to: SocketAddr,
    manner: watch::Receiver<Manner>,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Route {
    async fn serve(mut self, port: HeldPort, listener: TcpListener) {
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        loop {
            if *self.manner.borrow_and_update() == Manner::Away {
                listener = None;
            } else if listener.is_none() {
                listener = Some(port.listen().await);
            }
            tokio::select! {
                changed = self.manner.changed() => if changed.is_err() {
                    return;
                },
                Some(accepted) = accept(listener.as_ref()) => {
                    connections.spawn(self.clone().carry(accepted));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn carry(self, client: TcpStream) {
        tokio::select! {
            () = must_close(self.manner.clone()) => {}
            () = self.passed(client) => {}
        }
    }

    async fn passed(&self, client: TcpStream) {
        self.unless_silent().await;
        let Ok(server) = TcpStream::connect(self.to).await else {
            return;
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = self.requests(from_client, to_server) => {}
            () = self.answers(from_server, to_client) => {}
        }
    }

    /// Never ends while the proxy is silent, nor afterwards.
    async fn unless_silent(&self) {
        if *self.manner.borrow() == Manner::Silent {
            std::future::pending::<()>().await;
        }
    }

    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut frames = Frames::default();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let Ok(length @ 1..) = from.read(&mut buffer).await else {
                return;
            };
            self.unless_silent().await;
            for function in frames.functions(&buffer[..length]) {
                let arrival = Arrival {
                    at: Instant::now(),
                    function,
                };
                self.arrivals
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(arrival);
            }
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }

    /// Passes each piece on after its time, however many are under way.
    async fn answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (pieces, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        let reading = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                let late = match *self.manner.borrow() {
                    Manner::Slow(late) => late,
                    _ => Duration::ZERO,
                };
                if pieces.send((Instant::now() + late, buffer[..length].to_vec())).is_err() {
                    return;
                }
            }
        };
        let writing = async {
            while let Some((at, piece)) = due.recv().await {
                sleep_until(at).await;
                self.unless_silent().await;
                if to.write_all(&piece).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = writing => {}
        }
    }
}

/// Waits until the proxy is away, or no longer silent: what was silent has lost bytes.
async fn must_close(mut manner: watch::Receiver<Manner>) {
    let mut was_silent = false;
    loop {
        match *manner.borrow_and_update() {
            Manner::Away => return,
            Manner::Silent => was_silent = true,
            Manner::Passing | Manner::Slow(_) if was_silent => return,
            Manner::Passing | Manner::Slow(_) => {}
        }
        if manner.changed().await.is_err() {
            return;
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    let (stream, _) = listener?.accept().await.ok()?;
    Some(stream)
}

/// The stream of requests cut into frames: a length of four bytes, which counts itself, and the rest.
#[derive(Default)]
struct Frames {
    pending: Vec<u8>,
    /// Bytes to come of a frame that is not looked at.
    skipped: usize,
}

impl Frames {
    /// The functions of the requests that these bytes complete.
    fn functions(&mut self, mut bytes: &[u8]) -> Vec<&'static str> {
        let skipped = self.skipped.min(bytes.len());
        (self.skipped, bytes) = (self.skipped - skipped, &bytes[skipped..]);
        self.pending.extend_from_slice(bytes);
        let mut found = Vec::new();
        while let Some(length) = self.length() {
            if length > FRAME {
                found.push("other");
                self.skipped = length.saturating_sub(self.pending.len());
                self.pending.drain(..length.min(self.pending.len()));
            } else if self.pending.len() >= length {
                let frame: Vec<u8> = self.pending.drain(..length).collect();
                found.push(function(&frame));
            } else {
                break;
            }
        }
        found
    }

    fn length(&self) -> Option<usize> {
        let head = self.pending.first_chunk::<4>()?;
        // No frame is shorter than its own length.
        usize::try_from(u32::from_be_bytes(*head))
            .ok()
            .map(|length| length.max(4))
    }
}

fn function(frame: &[u8]) -> &'static str {
    let has = |name: &str| frame.windows(name.len()).any(|part| part == name.as_bytes());
    FUNCTIONS.into_iter().find(|name| has(name)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len() + 4).expect("short");
        [&length.to_be_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn requests_are_counted_however_they_are_cut() {
        let all = [
            frame("an onStartup"),
            frame("x"),
            frame(&"y".repeat(FRAME)),
            frame("keepAlive"),
        ]
        .concat();
        for cut in [1, 3, 7, 1000, all.len()] {
            let mut frames = Frames::default();
            let found: Vec<_> = all.chunks(cut).flat_map(|part| frames.functions(part)).collect();
            assert_eq!(found, ["onStartup", "other", "other", "keepAlive"], "cut to {cut}");
        }
    }
}
