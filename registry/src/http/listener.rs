//! Listening for HTTP, so that nobody who connects can take what the registry's other listeners need.
//!
//! A connection has one request and a few seconds: probes and scrapes need no more, and every connection ends by itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

/// How long to wait when no connection can be accepted: files may become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 16 * 1024;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; those beyond wait in the system's queue.
    pub(super) connections: usize,
    /// Of those, from one address; those beyond are closed. Else one machine could keep probes out.
    pub(super) of_one_peer: usize,
    /// The head of the request must be there by then.
    pub(super) head: Duration,
    /// The connection ends by then, whatever it is at.
    pub(super) whole: Duration,
    /// Requests under way at the end get that long.
    pub(super) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            of_one_peer: 16,
            head: Duration::from_secs(3),
            whole: Duration::from_secs(10),
            grace: Duration::from_secs(2),
        }
    }
}

/// Serves until `end` is ready and what was under way then is answered, or late.
pub(crate) async fn serve(listener: TcpListener, routes: Router, limits: Limits, end: impl Future<Output = ()>) {
    let tasks = TaskTracker::new();
    tokio::select! {
        () = accept(&listener, &routes, limits, &tasks) => {}
        () = end => {}
    }
    drop(listener);
    tasks.close();
    // Those who are late end by their own limit.
    let _ = timeout(limits.grace, tasks.wait()).await;
}

async fn accept(listener: &TcpListener, routes: &Router, limits: Limits, tasks: &TaskTracker) {
    let (room, peers) = (Arc::new(Semaphore::new(limits.connections)), Arc::new(Peers::default()));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(place) = Peers::enter(&peers, peer.ip(), limits.of_one_peer) else {
                    continue; // closed
                };
                let connection = connection(stream, routes.clone(), limits);
                drop(tasks.spawn(async move {
                    connection.await;
                    drop((permit, place));
                }));
            }
            Err(error) => {
                tracing::warn!("cannot accept an HTTP connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, routes: Router, limits: Limits) {
    let serving = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match timeout(limits.whole, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("an HTTP connection ended: {error}"),
        Err(_) => tracing::debug!("an HTTP connection took too long"),
    }
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Peers(Mutex<HashMap<IpAddr, usize>>);

/// A connection of an address, until dropped.
#[derive(Debug)]
struct Place {
    peers: Arc<Peers>,
    peer: IpAddr,
}

impl Peers {
    fn enter(this: &Arc<Self>, peer: IpAddr, most: usize) -> Option<Place> {
        let mut counts = this.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(peer).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        let peers = Arc::clone(this);
        Some(Place { peers, peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn limits() -> Limits {
        Limits {
            head: Duration::from_millis(200),
            whole: Duration::from_millis(400),
            ..Limits::default()
        }
    }

    async fn start(limits: Limits) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/", get(async || "fine"))
            .route("/never", get(std::future::pending::<String>));
        tokio::spawn(serve(listener, routes, limits, std::future::pending()));
        address
    }

    /// Everything that comes until the connection is closed.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        // Closed with bytes that nobody read, it is reset: an end as well.
        let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes))
            .await
            .expect("it is closed");
        String::from_utf8(bytes).unwrap()
    }

    async fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(request).await;
        answer(&mut stream).await
    }

    #[tokio::test]
    async fn who_says_nothing_or_never_ends_is_closed() {
        let address = start(limits()).await;
        let text = ask(address, REQUEST).await;
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("fine"), "{text}");
        let (silent, slow, stuck) = tokio::join!(
            ask(address, b""),
            ask(address, b"GET / HTTP/1.1\r\nHo"),
            ask(address, b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        );
        assert!(!silent.contains("200") && !slow.contains("200") && stuck.is_empty());
        let mut endless = b"GET / HTTP/1.1\r\nA: ".to_vec();
        endless.resize(2 * HEAD_BYTES, b'a');
        assert!(!ask(address, &endless).await.contains("200"));
    }

    #[tokio::test]
    async fn who_fills_all_places_has_them_for_a_moment_only() {
        let full = Limits {
            connections: 2,
            ..limits()
        };
        let address = start(full).await;
        let _silent = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let text = ask(address, REQUEST).await;
        assert!(text.ends_with("fine"), "{text}");
    }

    #[tokio::test]
    async fn one_address_does_not_get_all_places() {
        let few = Limits {
            of_one_peer: 1,
            head: Duration::from_mins(1),
            whole: Duration::from_mins(1),
            ..limits()
        };
        let address = start(few).await;
        let silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(address, REQUEST).await, "");
        drop(silent);
        while !ask(address, REQUEST).await.ends_with("fine") {
            tokio::task::yield_now().await;
        }
    }
}
