//! What goes on in a connection, and when that has lasted too long.
//!
//! The HTTP library bounds sizes. Times are kept here, for both HTTP versions alike: the head of a request must come, a
//! connection without requests ends, and an answer must be taken. The time of a body and of a call belong to the request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::paced::Paced;
use super::taking::{self, Taking};

/// How long things may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) answer: Duration,
}

/// Why a connection has lasted too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// No request came.
    Idle,
    /// The peer does not take its answer.
    Stalled,
}

/// What goes on in one connection.
#[derive(Debug)]
pub(super) struct Activity {
    times: Times,
    /// The answer under way in HTTP/1, which has one at a time.
    taking: Arc<Taking>,
    /// Bytes that the socket does not take.
    writing: Taking,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests whose answer is not handed over yet.
    running: usize,
    /// Since when there are none.
    idle_since: Instant,
    /// When bytes came that no request has begun with yet.
    head_since: Option<Instant>,
    /// Whether a request has come.
    is_used: bool,
    /// Bytes between requests mean nothing in HTTP/2.
    is_http2: bool,
}

impl Activity {
    pub(super) fn new(times: Times) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            times,
            taking: Arc::default(),
            writing: Taking::default(),
            state: Mutex::new(State {
                running: 0,
                idle_since: now,
                head_since: None,
                is_used: false,
                is_http2: false,
            }),
            changed: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Request {
        let mut state = self.state();
        state.running += 1;
        state.is_used = true;
        state.is_http2 = version == Version::HTTP_2;
        state.head_since = None;
        self.changed.notify_waiters();
        Request {
            activity: Arc::clone(self),
            version,
        }
    }

    /// Bytes have come.
    fn received(&self) {
        let mut state = self.state();
        if state.running == 0 && !state.is_http2 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
            self.changed.notify_waiters();
        }
    }

    /// The socket took bytes, or took none.
    fn wrote(&self, result: &Poll<std::io::Result<usize>>) {
        match result {
            Poll::Pending => self.writing.begin(self.times.answer),
            Poll::Ready(_) => self.writing.end(),
        }
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.state().running == 0
    }

    /// Ready when no request is under way.
    pub(super) async fn idle(&self) {
        loop {
            // Made before the look, so that no change in between is missed.
            let changed = self.changed.notified();
            if self.is_idle() {
                return;
            }
            changed.await;
        }
    }

    /// Ready when something has lasted too long.
    pub(super) async fn expired(&self) -> Expired {
        tokio::select! {
            () = self.stalled() => Expired::Stalled,
            () = self.unused() => Expired::Idle,
        }
    }

    /// Ready when the peer does not take what it is sent. In HTTP/2 a stream that stalls ends alone.
    pub(super) async fn stalled(&self) {
        tokio::select! {
            () = self.taking.late() => {}
            () = self.writing.late() => {}
        }
    }

    /// Ready when no request has come in time, which may change meanwhile.
    async fn unused(&self) {
        loop {
            let changed = self.changed.notified();
            let at = self.state().request_deadline(self.times);
            tokio::select! {
                biased;
                () = changed => {}
                () = taking::passed(at) => return,
            }
        }
    }
}

impl State {
    /// When a request must have come, if none is under way.
    fn request_deadline(&self, times: Times) -> Option<Instant> {
        if self.running > 0 {
            return None;
        }
        Some(match self.head_since {
            Some(since) => since + times.head,
            None if self.is_used => self.idle_since + times.idle,
            None => self.idle_since + times.head,
        })
    }
}

/// A request under way in a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Request {
    activity: Arc<Activity>,
    version: Version,
}

impl Request {
    /// The answer, on its way: the peer has a time to take it.
    pub(super) fn answer(self, body: Body) -> Paced {
        let taking = taking::of_stream().unwrap_or_else(|| Arc::clone(&self.activity.taking));
        let (time, version) = (self.activity.times.answer, self.version);
        Paced::new(body, version, taking, time, self)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.running -= 1;
        state.idle_since = Instant::now();
        self.activity.changed.notify_waiters();
    }
}

/// A stream whose bytes are noticed, those that come and those that it does not take.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: &Arc<Activity>) -> Self {
        Self {
            stream,
            activity: Arc::clone(activity),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.activity.received();
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.activity.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.activity.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        answer: Duration::from_secs(30),
    };

    async fn seconds_until(activity: &Activity) -> (u64, Expired) {
        let begun = Instant::now();
        let why = activity.expired().await;
        (begun.elapsed().as_secs(), why)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_ends() {
        let activity = Activity::new(TIMES);
        assert_eq!(seconds_until(&activity).await, (10, Expired::Idle));
        drop(activity.begin(Version::HTTP_11));
        assert_eq!(seconds_until(&activity).await, (75, Expired::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_must_follow_its_first_byte() {
        let activity = Activity::new(TIMES);
        drop(activity.begin(Version::HTTP_11));
        tokio::time::advance(Duration::from_mins(1)).await;
        activity.received();
        tokio::time::advance(Duration::from_secs(5)).await;
        activity.received(); // one byte now and then does not help
        assert_eq!(seconds_until(&activity).await, (5, Expired::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_of_http2_are_no_heads() {
        let activity = Activity::new(TIMES);
        drop(activity.begin(Version::HTTP_2));
        activity.received();
        assert_eq!(seconds_until(&activity).await, (75, Expired::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_must_be_taken() {
        let activity = Activity::new(TIMES);
        let request = activity.begin(Version::HTTP_11);
        tokio::time::advance(Duration::from_secs(1000)).await; // a request has its own limits
        let answer = request.answer(Body::from("x"));
        assert!(!activity.is_idle());
        assert_eq!(seconds_until(&activity).await, (30, Expired::Stalled));
        drop(answer);
        assert!(activity.is_idle());
        assert_eq!(seconds_until(&activity).await, (75, Expired::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_must_take_bytes() {
        let activity = Activity::new(TIMES);
        activity.wrote(&Poll::Pending);
        tokio::time::advance(Duration::from_secs(20)).await;
        activity.wrote(&Poll::Ready(Ok(1)));
        activity.wrote(&Poll::Pending);
        tokio::time::advance(Duration::from_secs(5)).await;
        activity.wrote(&Poll::Pending); // asking again does not help
        let begun = Instant::now();
        activity.stalled().await;
        assert_eq!(begun.elapsed().as_secs(), 25);
    }
}
