//! One task a connection: reads a burst, begins its calls in place and writes their answers together.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::dispatch::{Answer, Arrived, Call, Dispatcher, Started};
use super::settings::Settings;
use crate::clock::{self, Instant};
use crate::packet::{FrameBuffer, FrameError};
use crate::protocol::RequestPacket;
use crate::transport::{OutBuffer, Stream};

/// Bursts a connection may read before other tasks get their turn.
const BURSTS: usize = 16;

/// Answers of a burst after which the first are written; the next flush comes after twice as many. The peer begins
/// to work on early answers while later ones are made.
const FIRST_FLUSH: usize = 8;

/// What is read at most after the server was told to stop: more than a socket's buffer holds, so requests that had
/// arrived by then are served, and a peer that goes on sending cannot hold up the end.
const DRAIN: usize = 8 * 1024 * 1024;

/// How long a closing connection waits for its peer to close too.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection being served.
pub(super) struct Connection {
    stream: Stream,
    settings: Arc<Settings>,
    dispatcher: Dispatcher,
    input: FrameBuffer,
    out: OutBuffer,
    /// Calls that were not ready when they began.
    running: FuturesUnordered<Call>,
    /// Bytes of their requests.
    running_bytes: usize,
    /// Set when nothing more is read: at the end of input, after a broken frame, when the server stops.
    input_closed: bool,
    /// Bytes that are still read after the server was told to stop; `None` before that.
    draining: Option<usize>,
    /// Set when nothing can be written any more. What runs goes on to its end, its answers are dropped.
    output_broken: bool,
    /// When the bytes in `input` came.
    received: Instant,
    /// The time as calls see it that begin: read once a burst and between the flushes, not for every call.
    now: Instant,
    idle: Idle,
    /// A set of one future, because a set polls its members only when they were woken, while a `CancellationToken`
    /// polled directly takes a lock that all connections share.
    stop: FuturesUnordered<WaitForCancellationFutureOwned>,
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        dispatcher: Dispatcher,
        settings: &Arc<Settings>,
        idle_timeout: Duration,
        stop: CancellationToken,
    ) -> Self {
        let now = clock::now();
        Self {
            stream,
            settings: Arc::clone(settings),
            dispatcher,
            input: FrameBuffer::default(),
            out: OutBuffer::default(),
            running: FuturesUnordered::new(),
            running_bytes: 0,
            input_closed: false,
            draining: None,
            output_broken: false,
            received: now,
            now,
            idle: Idle::new(idle_timeout),
            stop: std::iter::once(stop.cancelled_owned()).collect(),
        }
    }

    /// Serves until the peer or the server ends it, then closes.
    pub(super) async fn run(mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
        if !self.output_broken {
            self.stream.close(GOODBYE).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Some(())) = self.stop.poll_next_unpin(cx) {
            self.draining = Some(DRAIN);
        }
        if self.input.is_partial() {
            self.now = clock::now();
        }
        for _ in 0..BURSTS {
            self.collect(cx);
            let frames_left = self.start_calls(cx);
            self.flush(cx);
            if frames_left {
                self.now = clock::now();
                if self.has_room() {
                    continue;
                }
                return self.park(cx);
            }
            if self.input_closed {
                let answered = self.running.is_empty() && (self.output_broken || self.out.unsent() == 0);
                return if answered { Poll::Ready(()) } else { self.park(cx) };
            }
            if !self.has_room() {
                return self.park(cx);
            }
            if !self.read(cx) {
                if self.draining.is_none() {
                    return self.park(cx);
                }
                self.input_closed = true;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether another call may begin. When not, nothing is read, so the peer's sending slows down too.
    fn has_room(&self) -> bool {
        self.running.len() < self.settings.max_calls
            && self.running_bytes <= self.settings.max_call_bytes
            && self.out.unsent() <= self.settings.max_unsent
    }

    /// Takes the answers of calls that became ready.
    fn collect(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(ended)) = self.running.poll_next_unpin(cx) {
            self.running_bytes -= ended.bytes;
            self.answer(ended.answer);
        }
    }

    /// Begins the calls whose frames are complete. `true` when frames are left because there is no room.
    fn start_calls(&mut self, cx: &mut Context<'_>) -> bool {
        let mut answers = 0;
        let mut flush_at = FIRST_FLUSH;
        loop {
            if !self.has_room() {
                return self.input.is_partial();
            }
            let packet = match self
                .input
                .next::<RequestPacket>(self.settings.max_frame, &self.settings.limits)
            {
                Ok(Some(packet)) => {
                    // Only a whole frame counts as a sign of life: single bytes would hold a connection for ever.
                    self.idle.touch(self.now);
                    packet
                }
                Ok(None) => return false,
                Err(error) => {
                    self.give_up(&error);
                    return false;
                }
            };
            match self.dispatcher.start(
                packet,
                Arrived {
                    received: self.received,
                    now: self.now,
                },
                cx,
            ) {
                Started::Ready(answer) => {
                    self.answer(answer);
                    answers += 1;
                }
                Started::Running(call) => {
                    self.running_bytes += call.bytes;
                    self.running.push(call);
                }
            }
            if answers == flush_at {
                self.flush(cx);
                self.now = clock::now();
                answers = 0;
                flush_at *= 2;
            }
        }
    }

    /// Reads once. `false` when nothing is there yet.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let read = match self.draining {
            None => self.stream.poll_read(&mut self.input, cx),
            // What has arrived, the runtime may not have noticed yet.
            Some(_) => self.stream.read_now(&mut self.input),
        };
        match read {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.input_closed = true,
            Poll::Ready(Ok(count)) => {
                if let Some(left) = &mut self.draining {
                    *left = left.saturating_sub(count);
                    self.input_closed = *left == 0;
                }
                self.received = clock::now();
                self.now = self.received;
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(peer = %self.dispatcher.peer(), %error, "connection lost");
                self.break_output();
            }
        }
        true
    }

    fn answer(&mut self, answer: Answer) {
        if !self.output_broken
            && let Answer::Due(head, result, served) = answer
        {
            let failed = head.append(&mut self.out.bytes, result, self.settings.max_frame);
            if let (Some(mut served), Some(error)) = (served, failed) {
                served.failed(error);
            }
        }
    }

    /// Writes what the socket takes. When it is full, its readiness wakes the task.
    fn flush(&mut self, cx: &mut Context<'_>) {
        let unsent = self.out.unsent();
        if unsent == 0 {
            return;
        }
        let written = self.stream.poll_write(&mut self.out, cx);
        if self.out.unsent() < unsent {
            self.idle.touch(clock::now());
        }
        if let Poll::Ready(Err(error)) = written {
            tracing::debug!(peer = %self.dispatcher.peer(), %error, "answers not delivered");
            self.break_output();
        }
    }

    fn break_output(&mut self) {
        self.output_broken = true;
        self.input_closed = true;
        self.out.clear();
    }

    /// Reads nothing more after bytes that cannot be understood; what runs is still answered.
    fn give_up(&mut self, error: &FrameError) {
        tracing::warn!(peer = %self.dispatcher.peer(), %error, "connection closed");
        self.input_closed = true;
        self.input = FrameBuffer::default();
    }

    /// Waits, but closes a connection on which nothing happens for too long.
    fn park(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let busy = !self.running.is_empty();
        self.idle
            .poll(busy, cx)
            .map(|()| tracing::debug!(peer = %self.dispatcher.peer(), "idle connection closed"))
    }
}

/// Notices when nothing happened for a time. The timer is set again only when it fires, not at every event.
struct Idle {
    timeout: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Idle {
    /// A `timeout` of zero never ends anything.
    fn new(timeout: Duration) -> Self {
        let timeout = if timeout.is_zero() {
            clock::NEVER
        } else {
            timeout.min(clock::NEVER)
        };
        let last = clock::now();
        Self {
            timeout,
            last,
            timer: Box::pin(sleep_until(last + timeout)),
        }
    }

    fn touch(&mut self, now: Instant) {
        self.last = now;
    }

    /// Ready when nothing was touched for the time and the connection is not busy either.
    fn poll(&mut self, busy: bool, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            std::task::ready!(self.timer.as_mut().poll(cx));
            let now = clock::now();
            if busy {
                self.last = now;
            }
            let due = self.last + self.timeout;
            if due <= now {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}
