//! What a proxy calls: an object, and where its endpoints come from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use arc_swap::Guard;
use tokio::runtime::Handle;
use tokio::time::timeout_at;

use super::channel::{Attempt, Outgoing};
use super::communicator::Settings;
use super::discovery::Discovery;
use super::exchange::Timing;
use super::route::{Roster, Route};
use crate::clock::Instant;
use crate::{Error, Result, code, jitter};

/// An object and how to reach it.
pub(super) struct Target {
    pub(super) object: String,
    pub(super) settings: Arc<Settings>,
    source: Source,
    next: AtomicUsize,
}

/// Where the endpoints come from.
pub(super) enum Source {
    /// The object's string names them.
    Direct(Arc<Roster>),
    /// The registry does.
    Registry(Arc<Discovery>),
}

/// The endpoints as they are now.
enum Current<'a> {
    Direct(&'a Roster),
    Registry(Guard<Arc<Roster>>),
}

impl Deref for Current<'_> {
    type Target = Roster;

    fn deref(&self) -> &Roster {
        match self {
            Self::Direct(roster) => roster,
            Self::Registry(roster) => roster,
        }
    }
}

impl Target {
    pub(super) fn new(object: String, source: Source, settings: Arc<Settings>) -> Self {
        let next = match &source {
            Source::Direct(_) => 0,
            // Clients that make few calls would otherwise all call the same endpoint.
            Source::Registry(_) => jitter::start(),
        };
        Self {
            object,
            settings,
            source,
            next: AtomicUsize::new(next),
        }
    }

    /// The same object at one endpoint only.
    pub(super) fn only(&self, route: Arc<Route>) -> Self {
        let roster = Roster { routes: vec![route] };
        let source = Source::Direct(Arc::new(roster));
        Self::new(self.object.clone(), source, Arc::clone(&self.settings))
    }

    /// Begins counting elsewhere than at the first endpoint.
    pub(super) fn starting_anywhere(self) -> Self {
        Self {
            next: AtomicUsize::new(jitter::start()),
            ..self
        }
    }

    /// Counts a call: the number decides which endpoint it takes.
    pub(super) fn turn(&self) -> usize {
        match &self.source {
            Source::Direct(roster) if roster.routes.len() == 1 => 0,
            _ => self.next.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Sends over the connection to the endpoint whose turn it is, if there is one.
    pub(super) fn try_send(&self, turn: usize, now: Instant, request: &Outgoing<'_>, waker: &Waker) -> Attempt {
        let roster = self.current(now);
        let Some(mut route) = roster.at(turn) else {
            return Attempt::NotConnected;
        };
        let watched = roster.routes.len() > 1;
        if watched && route.is_aside() {
            route.revive(self, now);
            route = roster.instead(turn).unwrap_or(route);
        }
        route.try_send(request, Some(waker), watched)
    }

    /// The endpoints that are known.
    fn current(&self, now: Instant) -> Current<'_> {
        match &self.source {
            Source::Direct(roster) => Current::Direct(roster),
            Source::Registry(discovery) => Current::Registry(discovery.current(now)),
        }
    }

    /// The endpoints, at least one; waits for the registry when none are known yet.
    pub(super) async fn roster(&self, timing: Timing, runtime: &Handle) -> Result<Arc<Roster>> {
        let discovery = match &self.source {
            Source::Direct(roster) => return Ok(Arc::clone(roster)),
            Source::Registry(discovery) => discovery,
        };
        timeout_at(timing.deadline, discovery.found(runtime))
            .await
            .unwrap_or_else(|_| {
                let (registry, millis) = (discovery.registry(), timing.timeout.as_millis());
                let text = format!("{registry} has not told the endpoints within {millis} ms");
                Err(Error::new(code::INVOKE_TIMEOUT, text))
            })
    }

    /// Takes note that no endpoint could be reached: perhaps there are others by now.
    pub(super) fn doubt(&self) {
        if let Source::Registry(discovery) = &self.source {
            discovery.hasten();
        }
    }

    /// Calls that wait for answers on the connections of this object.
    pub(super) fn in_flight(&self) -> usize {
        let roster = self.peek();
        roster.routes.iter().map(|route| route.channel.in_flight()).sum()
    }

    /// The endpoints that are known, without looking for others.
    pub(super) fn peek(&self) -> Arc<Roster> {
        match &self.source {
            Source::Direct(roster) => Arc::clone(roster),
            Source::Registry(discovery) => discovery.peek(),
        }
    }

    /// Who tells the endpoints, when it is the registry.
    pub(super) fn registry(&self) -> Option<&str> {
        match &self.source {
            Source::Direct(_) => None,
            Source::Registry(discovery) => Some(discovery.registry()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roster = self.peek();
        let endpoints: Vec<_> = roster.routes.iter().map(|route| route.endpoint().to_string()).collect();
        let mut debug = f.debug_struct("Target");
        debug.field("object", &self.object).field("endpoints", &endpoints);
        if let Some(registry) = self.registry() {
            debug.field("registry", &registry);
        }
        debug.finish_non_exhaustive()
    }
}
