//! One connection to one endpoint, shared by all calls to it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;

use super::communicator::Settings;
use super::driver;
use super::slots::{Outcome, Slots};
use crate::clock::{self, Instant};
use crate::message::RequestParts;
use crate::packet::RequestHead;
use crate::{Endpoint, Error, Result, code};

/// The calling side of a connection. It is made when the first call needs it and again when it broke.
#[derive(Debug)]
pub(super) struct Channel {
    shared: Arc<Shared>,
}

/// What callers and the connection's driver task share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) endpoint: Endpoint,
    pub(super) settings: Arc<Settings>,
    /// Bytes that the driver has taken and not written yet.
    pub(super) unsent: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    link: Link,
    /// Requests the driver has not taken yet.
    pub(super) out: Vec<u8>,
    /// Bytes ever put into `out` on this connection.
    queued: u64,
    /// One-way requests that wait for being written: where they end, counted as in `queued`, and their ids.
    pub(super) unwritten: VecDeque<(u64, i32)>,
    pub(super) slots: Slots,
    /// Wakes the driver; taken by the first caller after it went to sleep.
    pub(super) driver: Option<Waker>,
    /// No later than the earliest deadline in `slots`. The driver looks for calls that timed out when it comes.
    pub(super) sweep_at: Instant,
    /// Set when the last handle is gone.
    pub(super) abandoned: bool,
}

#[derive(Debug)]
enum Link {
    Down {
        failed: Option<Instant>,
    },
    /// Those who wait for the connection.
    Connecting(Vec<oneshot::Sender<Result<()>>>),
    Up,
}

/// What became of an attempt to send.
pub(super) enum Attempt {
    Sent(Ticket),
    NotConnected,
    Failed(Error),
}

impl Channel {
    /// How long an endpoint that could not be reached is tried only after the others.
    const PENALTY: Duration = Duration::from_secs(5);

    pub(super) fn new(endpoint: Endpoint, settings: Arc<Settings>) -> Self {
        let now = clock::now();
        let state = State {
            link: Link::Down { failed: None },
            out: Vec::new(),
            queued: 0,
            unwritten: VecDeque::new(),
            slots: Slots::new(now),
            driver: None,
            sweep_at: now + clock::NEVER,
            abandoned: false,
        };
        Self {
            shared: Arc::new(Shared {
                endpoint,
                settings,
                unsent: AtomicUsize::new(0),
                state: Mutex::new(state),
            }),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// Calls that wait for an answer on this connection.
    pub(super) fn in_flight(&self) -> usize {
        self.shared.lock().slots.len()
    }

    /// Whether the last attempt to connect failed a short while ago.
    pub(super) fn is_suspect(&self, now: Instant) -> bool {
        matches!(self.shared.lock().link, Link::Down { failed: Some(failed) } if now < failed + Self::PENALTY)
    }

    /// Encodes the request into the connection's buffer, if there is a connection.
    pub(super) fn try_send(self: &Arc<Self>, request: &Outgoing<'_>, waker: Option<&Waker>) -> Attempt {
        let mut state = self.shared.lock();
        if !matches!(state.link, Link::Up) {
            return Attempt::NotConnected;
        }
        let id = match self.shared.put(&mut state, request, waker) {
            Ok(id) => id,
            Err(error) => return Attempt::Failed(error),
        };
        let driver = state.driver.take();
        drop(state);
        // Woken after unlocking, so that it does not run into the lock on another thread.
        if let Some(driver) = driver {
            driver.wake();
        }
        Attempt::Sent(Ticket {
            channel: Arc::clone(self),
            id: Some(id),
        })
    }

    /// Waits for the connection, which is begun when nobody has begun it. Fails when this attempt fails.
    pub(super) async fn connected(&self) -> Result<()> {
        let connected = {
            let mut state = self.shared.lock();
            let (sender, receiver) = oneshot::channel();
            match &mut state.link {
                Link::Up => return Ok(()),
                Link::Connecting(waiting) => waiting.push(sender),
                Link::Down { .. } => {
                    let runtime = tokio::runtime::Handle::try_current().map_err(|error| {
                        Error::new(code::SEND_REQUEST_ERR, "calls are made inside a tokio runtime").with_source(error)
                    })?;
                    state.link = Link::Connecting(vec![sender]);
                    runtime.spawn(driver::run(Arc::clone(&self.shared)));
                }
            }
            receiver
        };
        connected
            .await
            .unwrap_or_else(|_| Err(Error::new(code::PROXY_CONNECT_ERR, "the attempt to connect was ended")))
    }
}

impl Drop for Channel {
    /// Ends the driver, which closes the connection.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.abandoned = true;
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

/// A request with what only the sender knows.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) parts: &'a RequestParts,
    pub(super) object: &'a str,
    /// When the caller stops waiting, and the milliseconds until then.
    pub(super) deadline: Instant,
    pub(super) timeout_ms: i32,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside can panic half-way: a poisoned lock would only turn one bug into many.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, state: &mut State, request: &Outgoing<'_>, waker: Option<&Waker>) -> Result<i32> {
        let parts = request.parts;
        let mut head = RequestHead {
            version: parts.version,
            one_way: parts.one_way,
            id: 0,
            object: request.object,
            function: &parts.function,
            timeout_ms: request.timeout_ms,
            context: &parts.context,
            status: &parts.status,
        };
        let body = parts.body.as_slice();
        self.check_room(state, head.size_with(body.len()))?;
        head.id = state.slots.insert(request.deadline, waker.cloned());
        let before = state.out.len();
        if let Err(error) = head.append(&mut state.out, body) {
            state.slots.remove(head.id);
            return Err(Error::new(code::SEND_REQUEST_ERR, error.to_string()).with_source(error));
        }
        state.queued += (state.out.len() - before) as u64;
        if parts.one_way {
            state.unwritten.push_back((state.queued, head.id));
        }
        state.sweep_at = state.sweep_at.min(request.deadline);
        Ok(head.id)
    }

    fn check_room(&self, state: &State, size: usize) -> Result<()> {
        let Settings {
            max_frame,
            max_unsent,
            max_calls,
            ..
        } = *self.settings;
        let unsent = state.out.len() + self.unsent.load(Ordering::Relaxed);
        let text = if size > max_frame {
            format!("a request of {size} bytes, but frames are limited to {max_frame}")
        } else if unsent > 0 && unsent + size > max_unsent {
            format!(
                "{unsent} bytes wait to be sent to {}, at most {max_unsent} may",
                self.endpoint.address()
            )
        } else if state.slots.len() >= max_calls {
            format!(
                "{max_calls} calls wait for answers of {}, no more may",
                self.endpoint.address()
            )
        } else {
            return Ok(());
        };
        Err(Error::new(code::SEND_REQUEST_ERR, text))
    }

    /// Lets those who waited for the connection go on.
    pub(super) fn connected(&self) {
        let link = std::mem::replace(&mut self.lock().link, Link::Up);
        notify(link, &Ok(()));
    }

    /// Ends what waits for the connection or on it. The next call connects again.
    pub(super) fn disconnected(&self, error: &Error) {
        let mut state = self.lock();
        let failed = matches!(state.link, Link::Connecting(_)).then(clock::now);
        let link = std::mem::replace(&mut state.link, Link::Down { failed });
        let mut woken = Vec::new();
        state.slots.fail(error, &mut woken);
        state.out = Vec::new();
        state.queued = 0;
        state.unwritten.clear();
        state.driver = None;
        state.sweep_at = clock::now() + clock::NEVER;
        self.unsent.store(0, Ordering::Relaxed);
        drop(state);
        notify(link, &Err(error.clone()));
        woken.into_iter().for_each(Waker::wake);
    }
}

fn notify(link: Link, result: &Result<()>) {
    if let Link::Connecting(waiting) = link {
        for sender in waiting {
            // A receiver that is gone belongs to a call that was given up.
            let _ = sender.send(result.clone());
        }
    }
}

/// A call's place on a connection. Dropped before the outcome was taken, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Ticket {
    channel: Arc<Channel>,
    id: Option<i32>,
}

impl Ticket {
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        let id = self.id.expect("not polled after it was ready");
        let outcome = std::task::ready!(self.channel.shared.lock().slots.poll(id, cx));
        self.id = None;
        Poll::Ready(outcome)
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.channel.endpoint()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.channel.shared.lock().slots.remove(id);
        }
    }
}
