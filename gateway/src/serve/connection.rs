//! Listening, and serving one connection. Only this module knows the HTTP library and sockets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::activity::{Activity, Expired, Times, Watched};
use super::paced::Paced;
use super::room::Room;
use super::taking;
use crate::config::Limits;
use crate::gateway::Peer;
use crate::metrics::{Metrics, Running};

/// How long a connection that is asked to end may take for it when nothing is under way.
const GOODBYE: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be accepted: files may become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of one answer that wait inside an HTTP/2 connection. They are out of reach until they are written.
const STREAM_BUFFER: usize = 16 * 1024;

/// A listener's connections, while they live.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    router: Router,
    http: auto::Builder<Tracked>,
    times: Times,
    room: Arc<Room>,
    metrics: Option<Arc<Metrics>>,
    tasks: TaskTracker,
    end: CancellationToken,
    kill: CancellationToken,
}

/// Runs what the HTTP library starts, one future for each HTTP/2 stream, where it is waited for.
#[derive(Clone, Debug)]
struct Tracked(TaskTracker);

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, future: F) {
        drop(self.0.spawn(taking::serve_stream(future)));
    }
}

impl Connections {
    pub(super) fn new(router: Router, limits: &Limits, max: usize) -> Self {
        let tasks = TaskTracker::new();
        let head = limits.header_bytes.size();
        let mut http = auto::Builder::new(Tracked(tasks.clone()));
        // Times are kept by `activity`: the library's own begins when a connection falls idle.
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(head);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(u32::try_from(limits.streams_per_connection.get()).unwrap_or(u32::MAX))
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .max_send_buf_size(STREAM_BUFFER);
        Self {
            router,
            http,
            times: Times {
                head: limits.header_timeout_ms.millis(),
                idle: limits.idle_timeout_ms.millis(),
                answer: limits.answer_timeout_ms.millis(),
            },
            room: Arc::new(Room::new(max)),
            metrics: None,
            tasks,
            end: CancellationToken::new(),
            kill: CancellationToken::new(),
        }
    }

    /// Counts them.
    pub(super) fn counted(mut self, metrics: &Arc<Metrics>) -> Self {
        self.metrics = Some(Arc::clone(metrics));
        self
    }

    /// Accepts connections and serves them, until `end` is ready; what runs then runs on.
    pub(super) async fn accept(&self, listener: TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                () = self.accept_one(&listener) => {}
            }
        }
        self.end.cancel();
        self.tasks.close();
    }

    async fn accept_one(&self, listener: &TcpListener) {
        match listener.accept().await {
            // The one that waits for room is over the limit; those after it wait in the system's queue.
            Ok((stream, peer)) => {
                let permit = self.permit().await;
                drop(self.tasks.spawn(self.clone().serve(stream, peer, permit)));
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    /// Room for a connection: one that can be spared ends for it.
    async fn permit(&self) -> OwnedSemaphorePermit {
        if let Some(permit) = self.room.place() {
            return permit;
        }
        if let Some(metrics) = &self.metrics {
            metrics.held_connections.inc();
        }
        self.room.place_in_time().await
    }

    /// Ready when no connection is left. Those that are left when `late` is ready are dropped.
    pub(super) async fn ended(&self, late: impl Future<Output = ()>) {
        tokio::select! {
            () = self.tasks.wait() => return,
            () = late => {}
        }
        tracing::warn!(
            connections = self.tasks.len(),
            "ending with connections that did not end in time"
        );
        self.kill.cancel();
        self.tasks.wait().await;
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, _permit: OwnedSemaphorePermit) {
        let _running = self.metrics.as_ref().map(|metrics| Running::of(&metrics.connections));
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let activity = Activity::new(self.times);
        let service = service_fn(|request| respond(self.router.clone(), Arc::clone(&activity), peer, request));
        let io = TokioIo::new(Watched::new(stream, &activity));
        let mut connection = pin!(self.http.serve_connection(io, service));
        // What has come is read first, before anyone looks at how long it took or whether the connection is idle.
        tokio::select! {
            biased;
            result = connection.as_mut() => return log(result),
            why = activity.expired() => if why == Expired::Stalled {
                tracing::debug!(%peer, "closed: what was sent was not taken in time");
                return;
            },
            () = self.room.is_needed(&activity) => {}
            () = self.end.cancelled() => {}
            () = self.kill.cancelled() => return,
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            result = connection.as_mut() => log(result),
            // Its peer does not close it.
            () = activity.quiet(GOODBYE) => {}
            () = activity.stalled() => {}
            () = self.kill.cancelled() => {}
        }
    }
}

fn log(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!("a connection ended: {error}");
    }
}

async fn respond(
    mut router: Router,
    activity: Arc<Activity>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Paced>, Infallible> {
    let running = activity.begin(request.version());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    let response = router.call(request).await?;
    Ok(response.map(|body| running.answer(body)))
}
