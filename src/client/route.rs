//! The endpoints of one object: which of them a call takes, and who is set aside.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;

use super::channel::{Attempt, Channel, Outgoing};
use super::health::Health;
use super::proxy::Proxy;
use super::slots::Outcome;
use super::target::Target;
use crate::clock::{self, Instant};
use crate::{Endpoint, Error, Result};

/// One endpoint of an object: the connection, which calls of other objects may share, and how calls of this object
/// fare there.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) channel: Arc<Channel>,
    health: Health,
}

impl Route {
    /// Time of a probe, connecting included.
    const PROBE: Duration = Duration::from_millis(1500);

    pub(super) fn new(channel: Arc<Channel>) -> Arc<Self> {
        let health = Health::default();
        Arc::new(Self { channel, health })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.channel.endpoint()
    }

    /// Whether other endpoints are to be called as long as there are some.
    pub(super) fn is_aside(&self) -> bool {
        self.channel.is_suspect() || self.health.is_aside()
    }

    /// Encodes the request into the connection's buffer, if there is a connection. When it is `watched`, the endpoint
    /// may be set aside for what becomes of it.
    pub(super) fn try_send(self: &Arc<Self>, request: &Outgoing<'_>, waker: Option<&Waker>, watched: bool) -> Attempt {
        let mut attempt = self.channel.try_send(request, waker);
        if watched && let Attempt::Sent(ticket) = &mut attempt {
            ticket.watched_by(Arc::clone(self));
        }
        attempt
    }

    /// Takes note of how a call ended.
    pub(super) fn note(&self, outcome: &Outcome, connection: u32) {
        let is_set_aside = match outcome {
            Outcome::Answer(_) => return self.health.answered(),
            Outcome::Sent => return,
            Outcome::TimedOut => self.health.timed_out(clock::now()),
            Outcome::Broken(_) => self.health.broken(connection, clock::now()),
        };
        if is_set_aside {
            tracing::warn!(endpoint = %self.endpoint(), "set aside: calls are not answered");
        }
    }

    /// Does something, at times, about an endpoint that is set aside: connects again, or probes it. No call waits for
    /// that.
    pub(super) fn revive(self: &Arc<Self>, target: &Target, now: Instant) {
        let Ok(runtime) = Handle::try_current() else {
            return; // the call will say so
        };
        if self.channel.is_suspect() {
            self.channel.retry(now, &runtime);
        } else if self.health.begins_probe(now) {
            let probe = Probe {
                route: Arc::clone(self),
                answered: false,
            };
            // The call is made in there: a task of its own inherits nothing from the call that happened to be here.
            runtime.spawn(probe.run(Proxy::new(target.only(Arc::clone(self)))));
        }
    }
}

/// Whether somebody answered. An error from the other side is an answer too.
fn is_alive(answer: &Result<()>) -> bool {
    answer.as_ref().err().is_none_or(Error::is_answer)
}

/// A probe on its way. It ends also when its runtime drops it.
struct Probe {
    route: Arc<Route>,
    answered: bool,
}

impl Probe {
    async fn run(mut self, proxy: Proxy) {
        self.answered = is_alive(&proxy.ping().timeout(Route::PROBE).await);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.route.health.probed(self.answered, clock::now());
        if self.answered {
            tracing::info!(endpoint = %self.route.endpoint(), "called again: it answers");
        }
    }
}

/// The endpoints of an object that calls go to.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) routes: Vec<Arc<Route>>,
}

impl Roster {
    /// So many endpoints one call tries to connect to. Those that fail are set aside, so the next call tries others.
    const CANDIDATES: usize = 32;

    /// The endpoint whose turn it is.
    pub(super) fn at(&self, turn: usize) -> Option<&Arc<Route>> {
        match self.routes.as_slice() {
            [] => None,
            [only] => Some(only),
            routes => Some(&routes[turn % routes.len()]),
        }
    }

    /// Who takes the turn of one that is set aside: the others, in turn.
    pub(super) fn instead(&self, turn: usize) -> Option<&Arc<Route>> {
        let able = || self.routes.iter().filter(|route| !route.is_aside());
        let count = able().count();
        // One that is set aside between the two lines leaves the turn to nobody, which only means the slow way.
        able().nth((turn / self.routes.len()).checked_rem(count)?)
    }

    /// The endpoints that a call may connect to, from `turn` on, those set aside last.
    pub(super) fn candidates(&self, turn: usize) -> Vec<Arc<Route>> {
        let (before, from) = self.routes.split_at(turn.checked_rem(self.routes.len()).unwrap_or(0));
        let (mut able, mut aside) = (Vec::new(), Vec::new());
        for route in from.iter().chain(before) {
            let list = if route.is_aside() { &mut aside } else { &mut able };
            if list.len() < Self::CANDIDATES {
                list.push(Arc::clone(route));
            } else if able.len() == Self::CANDIDATES {
                break;
            }
        }
        able.extend(aside);
        able.truncate(Self::CANDIDATES);
        able
    }

    /// Host and port of each, for people.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.routes.iter().map(|route| route.endpoint().address()).collect()
    }
}
