//! The task of a connection: writes what callers have encoded, hands answers to them, and ends their waits in time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use tokio::time::{Sleep, sleep_until};

use super::channel::Shared;
use super::slots::Outcome;
use crate::clock::{self, Instant};
use crate::codec::Limits;
use crate::packet::{FrameBuffer, FrameError};
use crate::protocol::ResponsePacket;
use crate::transport::{OutBuffer, Stream};
use crate::{Error, code};

/// Bursts read before the answers are handed out.
const BURSTS: usize = 16;

/// Connects and drives the connection to its end. The guard is there before the first poll, which may never come.
pub(super) fn run(shared: Arc<Shared>) -> impl Future<Output = ()> {
    let text = format!(
        "the runtime of the connection to {} has ended",
        shared.endpoint.address()
    );
    let error = Error::new(code::PROXY_CONNECT_ERR, text);
    drive(Guard { shared, error })
}

async fn drive(mut guard: Guard) {
    let address = guard.shared.endpoint.address();
    let shared = &guard.shared;
    guard.error = match Stream::connect(&shared.endpoint, shared.settings.connect_timeout).await {
        Err(error) => {
            Error::new(code::PROXY_CONNECT_ERR, format!("cannot connect to {address}: {error}")).with_source(error)
        }
        Ok(stream) => {
            shared.connected();
            let mut driver = Driver::new(Arc::clone(shared), stream);
            let End { code, reason } = std::future::poll_fn(|cx| driver.poll(cx)).await;
            Error::new(code, format!("connection to {address} ended: {reason}"))
        }
    };
    tracing::debug!(error = %guard.error, "disconnected");
}

/// Ends what waits for the connection however the driver ends, also when its runtime drops it.
struct Guard {
    shared: Arc<Shared>,
    error: Error,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.disconnected(&self.error);
    }
}

/// Why a connection ended.
struct End {
    code: i32,
    reason: String,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self {
            code: code::PROXY_CONNECT_ERR,
            reason: error.to_string(),
        }
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self {
            code: code::CLIENT_DECODE_ERR,
            reason: error.to_string(),
        }
    }
}

/// What to do after the exchange with the callers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nobody uses the connection any more.
    Stop,
    /// Let other callers add their requests first.
    Yield,
    Write,
    /// Write and come back, because requests were left that the last ones were in the way of.
    WriteAndReturn,
}

/// The outcome of the exchange with the callers.
struct Exchange {
    next: Next,
    /// One-way calls wait for their requests to be written.
    unwritten: bool,
    sweep_at: Instant,
}

struct Driver {
    shared: Arc<Shared>,
    limits: Limits,
    stream: Stream,
    input: FrameBuffer,
    out: OutBuffer,
    /// Bytes ever taken from the callers.
    taken: u64,
    /// Kept for their memory: empty between polls.
    answers: Vec<ResponsePacket>,
    woken: Vec<Waker>,
    timer: Pin<Box<Sleep>>,
    timer_at: Instant,
    yielded: bool,
}

impl Driver {
    fn new(shared: Arc<Shared>, stream: Stream) -> Self {
        let timer_at = clock::now() + clock::NEVER;
        Self {
            limits: shared.settings.limits,
            shared,
            stream,
            input: FrameBuffer::default(),
            out: OutBuffer::default(),
            taken: 0,
            answers: Vec::new(),
            woken: Vec::new(),
            timer: Box::pin(sleep_until(timer_at)),
            timer_at,
            yielded: false,
        }
    }

    /// Ready when the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let read = self.read(cx);
        loop {
            let due = self.timer.as_mut().poll(cx).is_ready();
            let Exchange {
                next,
                unwritten,
                sweep_at,
            } = self.exchange(due, cx);
            self.woken.drain(..).for_each(Waker::wake);
            if next == Next::Stop {
                return Poll::Ready(End {
                    code: code::PROXY_CONNECT_ERR,
                    reason: "nobody uses it".to_owned(),
                });
            }
            if let Err(end) = read {
                return Poll::Ready(end);
            }
            self.set_timer(sweep_at, cx);
            if next == Next::Yield {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.write(unwritten, cx) {
                Poll::Ready(Ok(())) if next == Next::WriteAndReturn => {}
                Poll::Ready(Err(error)) => return Poll::Ready(error.into()),
                Poll::Ready(Ok(())) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads and decodes what has come.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..BURSTS {
            match self.stream.poll_read(&mut self.input, cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(0) => return Err(io::Error::other("closed by the server").into()),
                Poll::Ready(_) => {}
            }
            while let Some(answer) = self.input.next_answer(self.shared.settings.max_frame, &self.limits)? {
                self.answers.push(answer);
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Hands answers to their calls and takes new requests, all under one lock. Wakers are woken after it.
    fn exchange(&mut self, due: bool, cx: &Context<'_>) -> Exchange {
        let mut state = self.shared.lock();
        for answer in self.answers.drain(..) {
            // Answers of calls that were given up, and messages pushed with id 0, belong to nobody.
            self.woken
                .extend(state.slots.complete(answer.i_request_id, Outcome::Answer(answer)));
        }
        if due {
            state.slots.expire(clock::now(), &mut self.woken);
        }
        let next = if state.abandoned {
            Next::Stop
        } else if state.out.is_empty() {
            Next::Write
        } else if self.out.unsent() > 0 {
            Next::WriteAndReturn
        } else if state.slots.len() > 1 && !self.yielded {
            // The first caller of many wakes this task, which would run at once: each request would be a write of its own.
            Next::Yield
        } else {
            std::mem::swap(&mut state.out, &mut self.out.bytes);
            self.taken += self.out.unsent() as u64;
            self.shared.unsent.store(self.out.unsent(), Ordering::Relaxed);
            Next::Write
        };
        self.yielded = next == Next::Yield;
        if !self.yielded {
            state.driver = Some(cx.waker().clone());
        }
        Exchange {
            next,
            unwritten: !state.unwritten.is_empty(),
            sweep_at: state.slots.sweep_at(),
        }
    }

    /// Sets the timer anew only when it should come at another time than it will.
    fn set_timer(&mut self, sweep_at: Instant, cx: &mut Context<'_>) {
        if self.timer_at != sweep_at {
            self.timer_at = sweep_at;
            self.timer.as_mut().reset(sweep_at);
            if self.timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }

    fn write(&mut self, unwritten: bool, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.unsent() == 0 {
            return Poll::Ready(Ok(()));
        }
        let written = self.stream.poll_write(&mut self.out, cx);
        self.shared.unsent.store(self.out.unsent(), Ordering::Relaxed);
        if unwritten {
            self.complete_one_way(self.taken - self.out.unsent() as u64);
        }
        written
    }

    /// Ends the one-way calls whose requests are among the first `written` bytes.
    fn complete_one_way(&mut self, written: u64) {
        let mut state = self.shared.lock();
        while let Some((end, id)) = state.unwritten.front().copied()
            && end <= written
        {
            state.unwritten.pop_front();
            self.woken.extend(state.slots.complete(id, Outcome::Sent));
        }
        drop(state);
        self.woken.drain(..).for_each(Waker::wake);
    }
}
