//! The endpoints of one object: which of them a call takes, and who is set aside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;

use super::channel::{Attempt, Channel, Outgoing};
use super::health::{Health, Unanswered};
use super::proxy::Proxy;
use super::slots::Outcome;
use super::target::Target;
use crate::clock::{self, Instant};
use crate::{Endpoint, Error, Result, jitter};

/// One endpoint of an object: the connection, which calls of other objects may share, and how calls of this object
/// fare there.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) channel: Arc<Channel>,
    health: Health,
    created: Instant,
    /// Before this nothing is done about an endpoint that is set aside, in milliseconds after `created`. Read before
    /// anything is locked: many calls come by.
    rests_until: AtomicU64,
}

/// A call on its way, for the route that wants to know how it ends.
#[derive(Debug)]
pub(super) struct Watch {
    route: Arc<Route>,
    sent: Instant,
    /// Time the call had.
    timeout_ms: i32,
}

impl Watch {
    /// Takes note of how the call ended.
    pub(super) fn ended(&self, outcome: &Outcome, connection: u32) {
        let health = &self.route.health;
        let is_set_aside = match outcome {
            Outcome::Answer(_) => return health.answered(),
            Outcome::Sent => return,
            Outcome::TimedOut => {
                let call = Unanswered::timed_out(self.waited(), self.route.channel.usual_timeout());
                health.unanswered(call, clock::now())
            }
            Outcome::Broken(_) => health.broken(connection, clock::now()),
        };
        self.report(is_set_aside);
    }

    /// Takes note of a caller who does not wait any longer.
    pub(super) fn given_up(&self) {
        let call = Unanswered::given_up(self.waited(), self.route.channel.usual_timeout());
        self.report(self.route.health.unanswered(call, clock::now()));
    }

    /// The time in which nothing came. Not more than the call had, if this process was late itself.
    fn waited(&self) -> Duration {
        let had = Duration::from_millis(u64::try_from(self.timeout_ms).unwrap_or_default());
        clock::now().saturating_duration_since(self.sent).min(had)
    }

    fn report(&self, is_set_aside: bool) {
        if is_set_aside {
            tracing::warn!(endpoint = %self.route.endpoint(), "set aside: calls are not answered");
        }
    }
}

impl Route {
    /// Time of a probe, connecting included.
    const PROBE: Duration = Duration::from_millis(1500);

    /// How often, at most, it is looked whether something is to be done about an endpoint that is set aside.
    const REST: Duration = Duration::from_millis(100);

    pub(super) fn new(channel: Arc<Channel>) -> Arc<Self> {
        Arc::new(Self {
            channel,
            health: Health::default(),
            created: clock::now(),
            rests_until: AtomicU64::new(0),
        })
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
            ticket.watched_by(Watch {
                route: Arc::clone(self),
                sent: request.sent,
                timeout_ms: request.timeout_ms,
            });
        }
        attempt
    }

    /// Does something, at times, about an endpoint that is set aside: connects again, or probes it. No call waits for
    /// that.
    pub(super) fn revive(self: &Arc<Self>, target: &Target, now: Instant) {
        if self.rests(now) {
            return;
        }
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

    /// Whether it was looked after just now; if not, it is looked after now.
    fn rests(&self, now: Instant) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let age = now.saturating_duration_since(self.created);
        if millis(age) < self.rests_until.load(Ordering::Relaxed) {
            return true;
        }
        self.rests_until.store(millis(age + Self::REST), Ordering::Relaxed);
        false
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

    /// Up to so many endpoints are all looked at for one that is not set aside; of more, so many at first.
    const FEW: usize = 32;
    const TRIES: usize = 16;

    /// The endpoint whose turn it is.
    pub(super) fn at(&self, turn: usize) -> Option<&Arc<Route>> {
        match self.routes.as_slice() {
            [] => None,
            [only] => Some(only),
            routes => Some(&routes[turn % routes.len()]),
        }
    }

    /// Who takes the turn of one that is set aside: another one, each as often as any other.
    pub(super) fn instead(&self, turn: usize) -> Option<&Arc<Route>> {
        if self.routes.len() <= Self::FEW {
            return self.instead_of_few(turn);
        }
        // Looking at one is an access to far memory, so not at all of them. By chance, since those that are set aside
        // may be neighbours.
        (0..Self::TRIES)
            .map(|_| &self.routes[jitter::below(self.routes.len())])
            .find(|route| !route.is_aside())
            .or_else(|| self.instead_of_few(turn))
    }

    /// The others in turn: the turns of all that are set aside are counted through.
    fn instead_of_few(&self, turn: usize) -> Option<&Arc<Route>> {
        let (round, place) = (turn / self.routes.len(), turn % self.routes.len());
        let able = || self.routes.iter().filter(|route| !route.is_aside());
        let count = able().count();
        let before = self.routes[..place].iter().filter(|route| route.is_aside()).count();
        let number = round.wrapping_mul(self.routes.len() - count).wrapping_add(before);
        // One that is set aside between the two lines leaves the turn to nobody, which only means the slow way.
        able().nth(number.checked_rem(count)?)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::client::communicator::Settings;
    use crate::client::health::{PAUSE, RUN};

    /// `count` endpoints, the ports from 1 on, of which the first are set aside.
    fn roster(count: u16, aside: u16) -> Roster {
        let settings = Arc::new(Settings::default());
        let route = |port| {
            let route = Route::new(Arc::new(Channel::new(Endpoint::tcp("a", port), Arc::clone(&settings))));
            for second in (0..RUN).filter(|_| port <= aside) {
                let now = clock::now() + Duration::from_secs(second.into());
                route.health.unanswered(Unanswered::Failure, now);
            }
            route
        };
        let routes = (1..=count).map(route).collect();
        Roster { routes }
    }

    /// How many of the turns of those set aside each of the others takes.
    fn shares(roster: &Roster, turns: usize) -> BTreeMap<u16, usize> {
        let mut shares = BTreeMap::new();
        for turn in (0..turns).filter(|turn| roster.at(*turn).unwrap().is_aside()) {
            let route = roster.instead(turn).unwrap();
            assert!(!route.is_aside());
            *shares.entry(route.endpoint().port).or_default() += 1;
        }
        shares
    }

    #[test]
    fn the_turns_of_a_few_are_shared_evenly() {
        let roster = roster(10, 5);
        let shares = shares(&roster, 10);
        let expected: BTreeMap<_, _> = (6..=10).map(|port| (port, 1)).collect();
        assert_eq!(shares, expected, "in each round");
    }

    #[test]
    fn the_turns_of_many_are_shared_about_evenly() {
        let roster = roster(200, 100);
        let shares = shares(&roster, 200 * 200);
        assert_eq!(shares.len(), 100);
        assert!(shares.values().all(|share| (100..=300).contains(share)), "{shares:?}");
    }

    #[test]
    fn one_among_many_is_found_and_none_is_none() {
        assert_eq!(shares(&roster(200, 199), 200), BTreeMap::from([(200, 199)]));
        for count in [1, 200] {
            assert!(roster(count, count).instead(7).is_none());
        }
    }

    #[test]
    fn many_calls_look_after_an_endpoint_seldom() {
        let roster = roster(2, 1);
        let route = &roster.routes[0];
        let later = clock::now() + PAUSE * 2;
        let looks = (0..1000).filter(|call| !route.rests(later + Duration::from_millis(*call)));
        assert_eq!(looks.count(), 10);
    }
}
