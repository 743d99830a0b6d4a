//! One connection to one endpoint, shared by all calls to it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep_until};

use super::communicator::Settings;
use super::driver;
use super::route::Watch;
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
    /// The last attempt to connect failed, or the present one takes too long. Changed under the lock only.
    suspect: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    link: Link,
    /// Connections there have been, the present one included.
    connections: u32,
    /// The runtime of the last driver.
    runtime: Option<runtime::Id>,
    /// Requests the driver has not taken yet.
    pub(super) out: Vec<u8>,
    /// Bytes ever put into `out` on this connection.
    queued: u64,
    /// One-way requests that wait for being written: where they end, counted as in `queued`, and their ids.
    pub(super) unwritten: VecDeque<(u64, i32)>,
    pub(super) slots: Slots,
    /// Wakes the driver; taken by the first caller after it went to sleep.
    pub(super) driver: Option<Waker>,
    /// Set when the last handle is gone.
    pub(super) abandoned: bool,
}

#[derive(Debug)]
enum Link {
    /// When the last attempt to connect failed, if it did.
    Down {
        failed: Option<Instant>,
    },
    /// With those who wait for the connection.
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
    /// How long after it could not be reached an endpoint is left alone, as long as others can be reached.
    const PENALTY: Duration = Duration::from_secs(5);

    pub(super) fn new(endpoint: Endpoint, settings: Arc<Settings>) -> Self {
        let state = State {
            link: Link::Down { failed: None },
            connections: 0,
            runtime: None,
            out: Vec::new(),
            queued: 0,
            unwritten: VecDeque::new(),
            slots: Slots::new(clock::now()),
            driver: None,
            abandoned: false,
        };
        Self {
            shared: Arc::new(Shared {
                endpoint,
                settings,
                unsent: AtomicUsize::new(0),
                suspect: AtomicBool::new(false),
                state: Mutex::new(state),
            }),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// Time that calls have that say nothing else.
    pub(super) fn usual_timeout(&self) -> Duration {
        self.shared.settings.timeout
    }

    /// Calls that wait for an answer on this connection.
    pub(super) fn in_flight(&self) -> usize {
        self.shared.lock().slots.len()
    }

    /// Whether other endpoints are to be tried first: the last attempt to connect failed, or the present one takes too
    /// long. Only a connection ends this.
    pub(super) fn is_suspect(&self) -> bool {
        self.shared.suspect.load(Ordering::Relaxed)
    }

    /// Notes that the attempt to connect takes too long.
    pub(super) fn suspect(&self) {
        let state = self.shared.lock();
        if matches!(state.link, Link::Connecting(_)) {
            self.shared.suspect.store(true, Ordering::Relaxed);
        }
    }

    /// Connects a suspect endpoint again, at times. Nobody has to wait for it.
    pub(super) fn retry(&self, now: Instant, runtime: &Handle) {
        let state = self.shared.lock();
        if matches!(state.link, Link::Down { failed: Some(failed) } if now >= failed + Self::PENALTY) {
            self.connect(state, Vec::new(), runtime);
        }
    }

    /// Begins to connect.
    fn connect(&self, mut state: MutexGuard<'_, State>, waiting: Vec<oneshot::Sender<Result<()>>>, runtime: &Handle) {
        state.link = Link::Connecting(waiting);
        state.runtime = Some(runtime.id());
        // Unlocked before: a runtime that is ending drops the task at once, which locks.
        drop(state);
        runtime.spawn(driver::run(Arc::clone(&self.shared)));
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
        let (runtime, connection) = (state.runtime, state.connections);
        drop(state);
        // Woken after unlocking, so that it does not run into the lock on another thread.
        if let Some(driver) = driver {
            driver.wake();
        }
        Attempt::Sent(Ticket {
            channel: Arc::clone(self),
            id: Some(id),
            connection,
            watch: None,
            timer: is_elsewhere(runtime).then(|| Box::pin(sleep_until(request.deadline))),
        })
    }

    /// Waits for the connection, which is begun when nobody has begun it. Fails when this attempt fails.
    pub(super) async fn connected(&self, runtime: &Handle) -> Result<()> {
        let connected = {
            let mut state = self.shared.lock();
            let (sender, receiver) = oneshot::channel();
            match &mut state.link {
                Link::Up => return Ok(()),
                Link::Connecting(waiting) => waiting.push(sender),
                Link::Down { .. } => self.connect(state, vec![sender], runtime),
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
    /// When it is sent.
    pub(super) sent: Instant,
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
            version: parts.version.0,
            one_way: parts.one_way,
            message_type: parts.message_type,
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
        let mut state = self.lock();
        state.connections = state.connections.wrapping_add(1);
        let link = std::mem::replace(&mut state.link, Link::Up);
        self.suspect.store(false, Ordering::Relaxed);
        drop(state);
        notify(link, &Ok(()));
    }

    /// Ends what waits for the connection or on it. The next call connects again.
    pub(super) fn disconnected(&self, error: &Error) {
        let mut state = self.lock();
        let failed = matches!(state.link, Link::Connecting(_)).then(clock::now);
        self.suspect.store(failed.is_some(), Ordering::Relaxed);
        let link = std::mem::replace(&mut state.link, Link::Down { failed });
        let mut woken = Vec::new();
        state.slots.fail(error, &mut woken);
        state.out = Vec::new();
        state.queued = 0;
        state.unwritten.clear();
        state.driver = None;
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

/// Whether the caller runs in another runtime than `driver`.
fn is_elsewhere(driver: Option<runtime::Id>) -> bool {
    Handle::try_current().is_ok_and(|current| Some(current.id()) != driver)
}

/// A call's place on a connection. Dropped before the outcome was taken, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Ticket {
    channel: Arc<Channel>,
    id: Option<i32>,
    /// Which connection it is on, counted from 1.
    connection: u32,
    /// Who is told how it ended.
    watch: Option<Watch>,
    /// Ends the wait in time when the driver cannot, because its runtime, another one than the caller's, is not run.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Ticket {
    /// Lets `watch` know how the call ends.
    pub(super) fn watched_by(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let id = self.id.expect("not polled after it was ready");
        let mut outcome = self.channel.shared.lock().slots.poll(id, cx);
        if outcome.is_pending()
            && let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            self.channel.shared.lock().slots.remove(id);
            outcome = Poll::Ready(Outcome::TimedOut);
        }
        if let Poll::Ready(outcome) = &outcome {
            self.id = None;
            if let Some(watch) = &self.watch {
                watch.ended(outcome, self.connection);
            }
        }
        outcome
    }

    /// Whether a waker left with the request is enough to learn how the wait ends.
    pub(super) fn is_driven(&self) -> bool {
        self.timer.is_none()
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.channel.endpoint()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let outcome = self.channel.shared.lock().slots.remove(id);
        match (&self.watch, outcome) {
            (Some(watch), Some(outcome)) => watch.ended(&outcome, self.connection),
            (Some(watch), None) => watch.given_up(),
            (None, _) => {}
        }
    }
}
