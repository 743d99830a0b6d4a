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

/// How long a new connection has to begin its first request before another one may have its place. That only has to
/// outlast the moment until what was sent with it is read.
const FIRST: Duration = Duration::from_secs(1);

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

    /// Whether another connection may have this one's place: it is between requests, or nothing came for a while.
    pub(super) fn is_spare(&self) -> bool {
        self.state().spare_at().is_some_and(|at| at <= Instant::now())
    }

    /// Ready when another connection may have this one's place.
    pub(super) async fn spare(&self) {
        self.passed(State::spare_at).await;
    }

    /// Ready when no request has been under way for `time`, from now on.
    pub(super) async fn quiet(&self, time: Duration) {
        let begun = Instant::now();
        self.passed(|state| Some(state.idle_at()?.max(begun) + time)).await;
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

    /// Ready when no request has come in time.
    async fn unused(&self) {
        self.passed(|state| state.request_deadline(self.times)).await;
    }

    /// Ready when that time of the state is over, which may change meanwhile.
    async fn passed(&self, time: impl Fn(&State) -> Option<Instant>) {
        loop {
            // Made before the look, so that no change in between is missed.
            let changed = self.changed.notified();
            let at = time(&self.state());
            tokio::select! {
                biased;
                () = changed => {}
                () = taking::passed(at) => return,
            }
        }
    }
}

impl State {
    /// Since when no request is under way, if none is.
    fn idle_at(&self) -> Option<Instant> {
        (self.running == 0).then_some(self.idle_since)
    }

    /// When a request must have come, if none is under way.
    fn request_deadline(&self, times: Times) -> Option<Instant> {
        let idle_at = self.idle_at()?;
        Some(match self.head_since {
            Some(since) => since + times.head,
            None if self.is_used => idle_at + times.idle,
            None => idle_at + times.head,
        })
    }

    /// From when on another connection may have the place, unless a request is under way or has begun to come.
    fn spare_at(&self) -> Option<Instant> {
        match (self.head_since, self.is_used) {
            (Some(_), _) => None,
            (None, true) => self.idle_at(),
            (None, false) => Some(self.idle_at()? + FIRST),
        }
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
        assert!(!activity.is_spare());
        assert_eq!(seconds_until(&activity).await, (30, Expired::Stalled));
        drop(answer);
        assert!(activity.is_spare());
        assert_eq!(seconds_until(&activity).await, (75, Expired::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_kept_for_a_request_that_comes() {
        let activity = Activity::new(TIMES);
        let begun = Instant::now();
        assert!(!activity.is_spare(), "what it sent may not be read yet");
        activity.spare().await;
        assert_eq!((begun.elapsed(), activity.is_spare()), (FIRST, true));
        activity.received();
        assert!(!activity.is_spare(), "a head has begun");
        drop(activity.begin(Version::HTTP_2));
        activity.received(); // may be anything
        assert!(activity.is_spare());
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_is_without_requests() {
        let activity = Activity::new(TIMES);
        tokio::time::advance(Duration::from_secs(5)).await;
        let begun = Instant::now();
        let requests = async {
            tokio::time::sleep(Duration::from_millis(2500)).await;
            drop(activity.begin(Version::HTTP_2));
        };
        tokio::join!(activity.quiet(Duration::from_secs(3)), requests);
        assert_eq!(
            begun.elapsed(),
            Duration::from_millis(5500),
            "from when on it is asked for"
        );
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
