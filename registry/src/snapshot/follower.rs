//! The task that keeps lookups up to date with the database.
//!
//! What it hears of, and how soon:
//!
//! - commits of this process, at once: calls name the server ([`Touches`](super::touches::Touches)) and wait;
//! - on MySQL, rows with a young timestamp and removals by other registries of this kind, every second: three reads of an
//!   index. What a look gives is compared by content, so a second change within one second of a timestamp is seen too;
//! - on MySQL, anything else (rows deleted by hand, timestamps that lie, transactions that took long), every eight seconds:
//!   a digest of all rows by server, computed where they are, about a third of what reading them costs;
//! - on SQLite, anything, every second: the file has a count of other people's commits;
//! - every few minutes everything is read, whatever was seen.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::Lookups;
use super::own::OWN_SERVANTS;
use super::touches::Pending;
use crate::domain::lookup::{Catalog, GroupRows, ServerName};
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::store::{Depth, Digests, Seen, Store, StoreError};

/// Time between two looks at what was written lately.
const LATELY_PERIOD: Duration = Duration::from_secs(1);

/// Time between two looks at everything: with a load after it, within ten seconds.
const WHOLE_PERIOD: Duration = Duration::from_secs(8);

/// Time between two loads of everything, more or less.
const LOAD_PERIOD: Duration = Duration::from_mins(5);

/// When more servers changed at once, everything is read.
const MANY: usize = 200;

/// Of failures in a row that many pass for each one logged.
const LOG_EVERY: u32 = 30;

/// Follows the database.
#[derive(Debug)]
pub(crate) struct Follower<'a, S> {
    store: &'a S,
    lookups: &'a Lookups,
    metrics: &'a Metrics,
    catalog: Catalog,
    /// What the last looks saw.
    version: Option<i64>,
    lately: Digests,
    whole: Digests,
    /// What a commit changed and could not be read yet.
    owed: Pending,
    failures: u32,
}

impl<'a, S: Store> Follower<'a, S> {
    pub(crate) fn new(registry: &'a Registry<S>) -> Self {
        Self {
            store: &registry.store,
            lookups: &registry.lookups,
            metrics: &registry.metrics,
            catalog: Catalog::new(OWN_SERVANTS),
            version: None,
            lately: Digests::new(),
            whole: Digests::new(),
            owed: Pending::default(),
            failures: 0,
        }
    }

    /// Reads everything. From the first time on lookups are answered.
    pub(crate) async fn load(&mut self) -> Result<(), StoreError> {
        let begun = Instant::now();
        // First the look: what changes after it, the next look sees.
        let seen = self.store.look(Depth::Whole).await?;
        let world = self.store.load_world().await?;
        self.catalog.replace_all(&world, Instant::now());
        match seen {
            Seen::Version(version) => self.version = Some(version),
            Seen::Digests(digests, _) => self.whole = digests,
        }
        self.owed = Pending::default();
        self.publish();
        self.lookups.confirm(begun);
        Ok(())
    }

    /// Goes on for ever. After an error lookups are answered as before.
    pub(crate) async fn run(&mut self) {
        let period = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut lately, mut whole) = (period(LATELY_PERIOD), period(WHOLE_PERIOD));
        let mut load = Box::pin(tokio::time::sleep(next_load()));
        loop {
            let result = tokio::select! {
                touched = self.lookups.touches.next() => self.read_touched(touched).await,
                _ = lately.tick() => self.look(Depth::Lately).await,
                _ = whole.tick() => self.look(Depth::Whole).await,
                () = &mut load => {
                    load = Box::pin(tokio::time::sleep(next_load()));
                    self.load().await
                }
            };
            match result {
                Ok(()) => self.failures = 0,
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Looks for changes and reads them.
    pub(crate) async fn look(&mut self, depth: Depth) -> Result<(), StoreError> {
        if !self.owed.is_empty() {
            self.read_touched(Pending::default()).await?;
        }
        let begun = Instant::now();
        match self.store.look(depth).await? {
            Seen::Version(version) if self.version == Some(version) => self.lookups.confirm(begun),
            Seen::Version(_) => self.load().await?,
            Seen::Digests(digests, groups) => self.read_changed(depth, digests, groups, begun).await?,
        }
        self.catalog.forget_departed(Instant::now());
        self.publish();
        Ok(())
    }

    async fn read_changed(
        &mut self,
        depth: Depth,
        digests: Digests,
        groups: Option<GroupRows>,
        begun: Instant,
    ) -> Result<(), StoreError> {
        let before = match depth {
            Depth::Lately => &self.lately,
            Depth::Whole => &self.whole,
        };
        let changed = digests
            .iter()
            .filter(|(name, digest)| before.get(*name) != Some(*digest));
        // Who is not among the young any more has grown older; who is not there at all is gone.
        let gone = before
            .keys()
            .filter(|name| depth == Depth::Whole && !digests.contains_key(*name));
        let names: Vec<ServerName> = changed.map(|(name, _)| name).chain(gone).cloned().collect();
        self.read(&names).await?;
        if let Some(groups) = groups {
            self.catalog.replace_groups(&groups, Instant::now());
        }
        match depth {
            Depth::Lately => self.lately = digests,
            Depth::Whole => {
                self.whole = digests;
                self.lookups.confirm(begun);
            }
        }
        Ok(())
    }

    /// Reads what commits of this process changed, and lets their calls be answered.
    async fn read_touched(&mut self, touched: Pending) -> Result<(), StoreError> {
        let mut touched = touched;
        touched.servers.append(&mut self.owed.servers);
        touched.all |= self.owed.all;
        let result = if touched.all {
            self.load().await
        } else {
            let names: Vec<ServerName> = touched.servers.iter().cloned().collect();
            self.read(&names).await
        };
        match result {
            Ok(()) => {
                self.owed = Pending::default();
                self.publish();
                touched.tell();
                Ok(())
            }
            Err(error) => {
                touched.waiting.clear(); // they are told by it that nothing is shown
                self.owed = touched;
                Err(error)
            }
        }
    }

    async fn read(&mut self, names: &[ServerName]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        if names.len() > MANY {
            return self.load().await;
        }
        let (servers, adapters) = self.store.load_servers(names).await?;
        self.catalog
            .replace_servers(names, (&servers, &adapters), Instant::now());
        Ok(())
    }

    fn publish(&mut self) {
        if self.lookups.is_loaded() && !self.catalog.is_stale() {
            return;
        }
        let directory = self.catalog.directory();
        let counts = directory.counts();
        if self.metrics.set_directory(counts) {
            tracing::warn!(
                rows = counts.skipped,
                "rows whose endpoint cannot be read, or has port 0, are in no answer"
            );
        }
        self.lookups.publish(directory);
    }

    fn failed(&mut self, error: &StoreError) {
        self.metrics.reload_failures.inc();
        if self.failures.is_multiple_of(LOG_EVERY) {
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::warn!(cause, "lookups are answered as before: {error}");
        }
        self.failures += 1;
    }
}

/// Not in every replica at once.
fn next_load() -> Duration {
    LOAD_PERIOD.mul_f64(rand::random_range(0.8..1.2))
}
