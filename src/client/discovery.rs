//! Finding an object's endpoints: one task an object asks the registry and swaps the list that calls read.

mod answer;
pub(super) mod locator;
mod schedule;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::answer::{Answer, Meaning};
use self::locator::Locator;
use self::schedule::{Ended, Schedule};
use super::pool::Pool;
use super::route::{Roster, Route};
use crate::clock::{self, Instant};
use crate::{Endpoint, Error, Result, code};

/// The endpoints of one object as the registry tells them, for all proxies of the object.
///
/// A call reads the list and one number that tells whether somebody looks after it. The task that does is held by its
/// runtime, and itself holds the discovery only weakly.
#[derive(Debug)]
pub(super) struct Discovery {
    object: String,
    mark: Option<String>,
    locator: Arc<Locator>,
    pool: Arc<Pool>,
    /// Empty until a lookup found something; never empty after that.
    found: ArcSwap<Roster>,
    created: Instant,
    /// From when on the task cannot be there any more, in milliseconds after `created`: it ended with its runtime, or
    /// that runtime is not run. The next call starts another one.
    overdue: AtomicU64,
    progress: Mutex<Progress>,
    /// Sent to whenever a lookup has ended.
    ended: watch::Sender<()>,
    /// Ends the task.
    gone: CancellationToken,
}

#[derive(Debug, Default)]
struct Progress {
    /// Number of the task that looks after the list; earlier ones stop when they notice.
    task: u64,
    /// Lets that task ask at once. An earlier one, in a runtime that is not run, would only take the word from it.
    hasten: Arc<Notify>,
    /// A lookup is under way or about to be.
    looking: bool,
    last: Option<Last>,
}

impl Progress {
    /// Whether a lookup has just ended and asking again would not help.
    fn rests(&self, now: Instant) -> bool {
        let is_recent = |last: &Last| now < last.at + Discovery::SOONEST;
        !self.looking && self.last.as_ref().is_some_and(is_recent)
    }
}

/// How the last lookup ended.
#[derive(Debug)]
struct Last {
    at: Instant,
    failure: Option<Error>,
}

impl Discovery {
    /// Calls do not make the registry be asked more often than this.
    const SOONEST: Duration = Duration::from_secs(2);

    /// How late the task may be before a call starts another one.
    const SLACK: Duration = Duration::from_secs(10);

    /// How often a call waits for a lookup, each of which may end with the runtime that runs it.
    const TRIES: usize = 8;

    pub(super) fn new(object: String, mark: Option<String>, locator: Arc<Locator>, pool: Arc<Pool>) -> Self {
        Self {
            object,
            mark,
            locator,
            pool,
            found: ArcSwap::default(),
            created: clock::now(),
            overdue: AtomicU64::new(0),
            progress: Mutex::default(),
            ended: watch::Sender::new(()),
            gone: CancellationToken::new(),
        }
    }

    /// Who is asked, in words.
    pub(super) fn registry(&self) -> &str {
        &self.locator.name
    }

    /// The list, without looking after it.
    pub(super) fn peek(&self) -> Arc<Roster> {
        self.found.load_full()
    }

    /// The list, empty when nothing was found yet. Sees to it that somebody looks after it.
    pub(super) fn current(self: &Arc<Self>, now: Instant) -> Guard<Arc<Roster>> {
        if self.is_overdue(now)
            && let Ok(runtime) = Handle::try_current()
        {
            self.start(now, &runtime);
        }
        self.found.load()
    }

    /// The list once it is not empty. Fails when a lookup that was not under way long ago found nothing.
    pub(super) async fn found(self: &Arc<Self>, runtime: &Handle) -> Result<Arc<Roster>> {
        for _ in 0..Self::TRIES {
            let mut ended = self.ended.subscribe();
            let found = self.found.load_full();
            if !found.routes.is_empty() {
                return Ok(found);
            }
            let now = clock::now();
            if let Some(failure) = self.recent_failure(now) {
                return Err(failure);
            }
            if self.is_overdue(now) {
                self.start(now, runtime);
            } else {
                self.hasten();
            }
            // The sender is in `self`, so it is not gone.
            let _ = ended.changed().await;
        }
        let text = format!("{} was not asked to the end: the runtime ends", self.registry());
        Err(Error::new(code::SEND_REQUEST_ERR, text))
    }

    /// Why the last lookup found nothing, when that is so short ago that asking again would not help.
    fn recent_failure(&self, now: Instant) -> Option<Error> {
        let progress = self.lock();
        let last = progress.last.as_ref().filter(|_| progress.rests(now))?;
        last.failure.clone()
    }

    /// Asks the registry soon, unless that is being done or was done just now.
    pub(super) fn hasten(&self) {
        let now = clock::now();
        let mut progress = self.lock();
        // When the task is missing, the next call starts another one, which asks at once.
        if !self.is_overdue(now) && !progress.looking && !progress.rests(now) {
            progress.looking = true;
            // If the task's runtime is not run, the next calls are not to wait for it as long as it wanted to sleep.
            self.expect_within(Locator::LIMIT);
            progress.hasten.notify_one();
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.millis(now) >= self.overdue.load(Ordering::Relaxed)
    }

    fn expect_within(&self, time: Duration) {
        let overdue = self.millis(clock::now() + time + Self::SLACK);
        self.overdue.store(overdue, Ordering::Relaxed);
    }

    fn millis(&self, time: Instant) -> u64 {
        u64::try_from(time.saturating_duration_since(self.created).as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Nothing inside can panic half-way.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the task that looks after the list, when it is still missing.
    fn start(self: &Arc<Self>, now: Instant, runtime: &Handle) {
        let mut progress = self.lock();
        // As long as nothing was found, each lookup is a task of its own.
        let waits = self.found.load().routes.is_empty() && progress.rests(now);
        if waits || !self.is_overdue(now) {
            return;
        }
        progress.task += 1;
        progress.hasten = Arc::default();
        // A lookup that another task began and never ended is this one's.
        progress.looking = true;
        self.expect_within(Locator::LIMIT);
        let task = Task {
            discovery: Arc::downgrade(self),
            number: progress.task,
        };
        let (hasten, gone) = (Arc::clone(&progress.hasten), self.gone.clone());
        // Unlocked before: a runtime that is ending drops the task at once, which locks.
        drop(progress);
        runtime.spawn(async move {
            tokio::select! {
                () = task.run(&hasten) => {}
                () = gone.cancelled() => {}
            }
        });
    }

    /// Takes what a lookup gave over. -> how it ended
    fn take(&self, answer: Result<Answer>, warned: &mut Vec<String>) -> Ended {
        let (ended, failure) = match answer {
            Ok(answer) => {
                let reading = answer.read();
                for skipped in reading
                    .skipped
                    .iter()
                    .filter(|skipped| !warned.contains(skipped))
                    .take(10)
                {
                    tracing::warn!(object = self.object, "endpoint skipped: {skipped}");
                }
                let failure = reading.failure(&self.locator.name);
                *warned = reading.skipped;
                if let Meaning::Active(endpoints) = reading.meaning {
                    self.swap(endpoints);
                    (Ended::Found, None)
                } else if matches!(reading.meaning, Meaning::Refused(_)) {
                    (Ended::Failed, failure)
                } else {
                    (Ended::Empty, failure)
                }
            }
            Err(error) => (Ended::Failed, Some(error)),
        };
        if let Some(failure) = &failure {
            self.report(failure);
        }
        let mut progress = self.lock();
        let failed_before = progress.last.as_ref().is_some_and(|last| last.failure.is_some());
        if failed_before && failure.is_none() {
            tracing::info!(object = self.object, "lookups have endpoints again");
        }
        progress.looking = false;
        progress.last = Some(Last {
            at: clock::now(),
            failure,
        });
        ended
    }

    /// Says what went wrong when it is something else than before.
    fn report(&self, failure: &Error) {
        let progress = self.lock();
        let before = progress.last.as_ref().and_then(|last| last.failure.as_ref());
        let is_new = before.is_none_or(|before| before.code() != failure.code());
        let kept = self.found.load().routes.len();
        drop(progress);
        if is_new {
            tracing::warn!(object = self.object, kept, error = %failure, "lookup without endpoints; the known ones are kept");
        } else {
            tracing::debug!(object = self.object, kept, error = %failure, "lookup without endpoints again");
        }
    }

    /// Makes the list these endpoints. Those that stay keep their connection; those that go lose it when the last call
    /// on it has ended.
    fn swap(&self, endpoints: Vec<Endpoint>) {
        let old = self.found.load_full();
        let places = old.routes.iter().map(|route| {
            let endpoint = route.endpoint();
            ((endpoint.host.as_str(), endpoint.port), route)
        });
        let known: HashMap<_, _> = places.collect();
        let mut added = 0_usize;
        let routes = endpoints.into_iter().map(|endpoint| {
            if let Some(route) = known.get(&(endpoint.host.as_str(), endpoint.port)) {
                return Arc::clone(route);
            }
            added += 1;
            Route::new(self.pool.channel(endpoint, self.mark.as_deref()))
        });
        let roster = Roster {
            routes: routes.collect(),
        };
        let removed = old.routes.len() + added - roster.routes.len();
        if added + removed > 0 {
            let endpoints = roster.addresses();
            let shown = endpoints
                .iter()
                .take(10)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            tracing::info!(
                object = self.object,
                count = endpoints.len(),
                added,
                removed,
                "endpoints: {shown}{}",
                if endpoints.len() > 10 { ", ..." } else { "" }
            );
            self.found.store(Arc::new(roster));
        }
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

/// Looks after a discovery until it is gone.
struct Task {
    discovery: Weak<Discovery>,
    number: u64,
}

impl Task {
    /// Asks again and again once something was found. What was never found is asked for again when a call needs it: a
    /// name that is wrong is no reason to ask for ever.
    async fn run(self, hasten: &Notify) {
        let mut schedule = None;
        let mut warned = Vec::new();
        while let Some((locator, object)) = self.begin(hasten) {
            let schedule = schedule.get_or_insert_with(|| Schedule::new(locator.interval));
            let answer = locator.look_up(&object).await;
            let Some(discovery) = self.mine() else { return };
            let ended = discovery.take(answer, &mut warned);
            if discovery.found.load().routes.is_empty() {
                return;
            }
            let pause = schedule.after(ended);
            discovery.expect_within(pause);
            discovery.ended.send_replace(());
            drop(discovery);
            tokio::select! {
                () = sleep(pause) => {}
                () = hasten.notified() => {}
            }
        }
    }

    /// Begins a lookup, if this task is still the one to do it.
    fn begin(&self, hasten: &Notify) -> Option<(Arc<Locator>, String)> {
        let discovery = self.mine()?;
        {
            let mut progress = discovery.lock();
            progress.looking = true;
            // What was asked for until now is what begins here.
            let _ = hasten.notified().now_or_never();
        }
        discovery.expect_within(Locator::LIMIT);
        Some((Arc::clone(&discovery.locator), discovery.object.clone()))
    }

    fn mine(&self) -> Option<Arc<Discovery>> {
        let discovery = self.discovery.upgrade()?;
        let is_mine = discovery.lock().task == self.number;
        is_mine.then_some(discovery)
    }
}

impl Drop for Task {
    /// Lets the next call, and those that wait, start another one when the runtime of this one ended.
    fn drop(&mut self) {
        if let Some(discovery) = self.mine() {
            let mut progress = discovery.lock();
            discovery.overdue.store(0, Ordering::Relaxed);
            progress.looking = false;
            drop(progress);
            discovery.ended.send_replace(());
        }
    }
}
