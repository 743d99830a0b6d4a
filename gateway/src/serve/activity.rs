//! What goes on in a connection, and when that has lasted too long.
//!
//! The HTTP library bounds sizes. Times are kept here, for both HTTP versions alike: the head of a request must come, a
//! connection without requests ends, and an answer must be taken. The time of a body and of a call belong to the request.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::Version;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes of an answer handed to the connection at once, so that it asks for the rest when its peer has read them.
const PIECE: usize = 64 * 1024;

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
    /// When answers on their way must be taken, in the order in which they began.
    answers: BTreeMap<u64, Instant>,
    next: u64,
}

impl Activity {
    pub(super) fn new(times: Times) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            times,
            state: Mutex::new(State {
                running: 0,
                idle_since: now,
                head_since: None,
                is_used: false,
                is_http2: false,
                answers: BTreeMap::new(),
                next: 0,
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
            answer: None,
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
            () = self.passed(State::answer_deadline) => Expired::Stalled,
            () = self.passed(|state| state.request_deadline(self.times)) => Expired::Idle,
        }
    }

    /// Ready when the peer does not take its answer.
    pub(super) async fn stalled(&self) {
        self.passed(State::answer_deadline).await;
    }

    /// Ready when a deadline has passed, which may move meanwhile.
    async fn passed(&self, deadline: impl Fn(&State) -> Option<Instant>) {
        loop {
            let changed = self.changed.notified();
            let at = deadline(&self.state());
            let passing = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = changed => {}
                () = passing => return,
            }
        }
    }
}

impl State {
    /// When the oldest answer on its way must be taken.
    fn answer_deadline(&self) -> Option<Instant> {
        self.answers.first_key_value().map(|(_, &at)| at)
    }

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
    answer: Option<u64>,
}

impl Request {
    /// The answer, on its way: the peer has a time to take it.
    pub(super) fn answer(mut self, body: Body) -> Paced {
        let mut state = self.activity.state();
        let number = state.next;
        state.next += 1;
        state
            .answers
            .insert(number, Instant::now() + self.activity.times.answer);
        drop(state);
        self.activity.changed.notify_waiters();
        self.answer = Some(number);
        Paced {
            body,
            rest: Bytes::new(),
            _request: self,
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.running -= 1;
        state.idle_since = Instant::now();
        if let Some(number) = self.answer {
            state.answers.remove(&number);
        }
        self.activity.changed.notify_waiters();
    }
}

/// An answer's body in pieces.
#[derive(Debug)]
pub(super) struct Paced {
    body: Body,
    rest: Bytes,
    _request: Request,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let size = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        match hint.exact() {
            Some(more) => SizeHint::with_exact(rest + more),
            None => hint,
        }
    }
}

/// A stream whose received bytes are noticed.
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
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
    use http_body_util::BodyExt;

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

    #[tokio::test]
    async fn an_answer_goes_in_pieces() {
        let activity = Activity::new(TIMES);
        let bytes = Bytes::from(vec![7; 2 * PIECE + 1]);
        let mut paced = activity.begin(Version::HTTP_11).answer(Body::from(bytes.clone()));
        let mut sizes = Vec::new();
        assert_eq!(paced.size_hint().exact(), Some(bytes.len() as u64));
        while let Some(frame) = paced.frame().await {
            sizes.push(frame.unwrap().into_data().unwrap().len());
            let left = bytes.len() - sizes.iter().sum::<usize>();
            assert_eq!(paced.size_hint().exact(), Some(left as u64));
        }
        assert_eq!(sizes, [PIECE, PIECE, 1]);
        assert!(paced.is_end_stream());
    }
}
