//! The task that keeps lookups up to date with the database.
//!
//! What it hears of, and how soon:
//!
//! - commits of this process, at once: calls name the server ([`Touches`](super::touches::Touches)) and wait;
//! - on SQLite, anything, every second: the file has a count of other people's commits;
//! - on MySQL, rows with a young timestamp and removals by other registries of this kind, every second: three reads of an
//!   index. What a look gives is compared by content, so a second change within one second of a timestamp is seen too;
//! - on MySQL, anything else (rows deleted by hand, timestamps that lie, transactions that took long), every eight seconds:
//!   all rows are read and compared here. Two plain reads without a join cost the database a sixth of what a digest by
//!   server costs it that it computes itself (20,000 adapters of 10,000 servers: about 20 ms).
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Lookups;
use super::own::OWN_SERVANTS;
use super::touches::Pending;
use crate::beats::Beats;
use crate::domain::InstanceKey;
use crate::domain::lookup::{Catalog, Directory, ServerName, ServerRow};
use crate::metrics::Metrics;
use crate::store::{Seen, Store, StoreError, Young};

/// Time between two looks at what was written lately.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Time between two loads where looks may miss something, at most: with the load itself, within ten seconds.
const LOAD_PERIOD: Duration = Duration::from_secs(8);

/// Time between two loads where looks miss nothing, at most.
const LOAD_ANYWAY_PERIOD: Duration = Duration::from_mins(5);

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
    /// Beats in memory that what is read may contradict.
    beats: Option<&'a Beats>,
    catalog: Catalog,
    /// What the last look saw, where the database counts writes.
    version: Option<i64>,
    /// What the last look saw, where it does not.
    young: BTreeMap<ServerName, Young>,
    /// What a commit changed and could not be read yet.
    owed: Pending,
    failures: u32,
}

impl<'a, S: Store> Follower<'a, S> {
    pub(crate) fn new(store: &'a S, lookups: &'a Lookups, metrics: &'a Metrics) -> Self {
        Self {
            store,
            lookups,
            metrics,
            beats: None,
            catalog: Catalog::new(OWN_SERVANTS),
            version: None,
            young: BTreeMap::new(),
            owed: Pending::default(),
            failures: 0,
        }
    }

    /// Tells beats in memory of the states that are read.
    pub(crate) fn telling(self, beats: &'a Beats) -> Self {
        Self {
            beats: Some(beats),
            ..self
        }
    }

    fn tell_beats(&self, servers: &[ServerRow]) {
        let Some(beats) = self.beats else { return };
        for row in servers {
            let key = InstanceKey {
                application: row.application.clone(),
                server: row.server.clone(),
                node: row.node.clone(),
            };
            beats.seen(&key, &row.present_state);
        }
    }

    /// Reads everything. From the first time on lookups are answered.
    pub(crate) async fn load(&mut self) -> Result<(), StoreError> {
        let begun = Instant::now();
        // First the look: what changes after it, the next look sees.
        if let Seen::Version(version) = self.store.look().await? {
            self.version = Some(version);
        }
        let world = self.store.load_world().await?;
        self.tell_beats(&world.servers);
        let mut catalog = std::mem::take(&mut self.catalog);
        // Many rows take a while: not on a thread that answers calls.
        let compared = tokio::task::spawn_blocking(move || {
            catalog.replace_all(&world, Instant::now());
            let directory = catalog.is_stale().then(|| catalog.directory());
            (catalog, directory)
        });
        let (catalog, directory) = compared.await.expect("the rules of lookups do not panic");
        self.catalog = catalog;
        self.owed = Pending::default();
        match directory {
            Some(directory) => self.publish_directory(directory),
            None => self.publish(),
        }
        self.lookups.confirm(begun);
        Ok(())
    }

    /// Goes on for ever. After an error lookups are answered as before.
    pub(crate) async fn run(&mut self) {
        let mut looks = interval(LOOK_PERIOD);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut load = Box::pin(sleep(self.next_load()));
        loop {
            let result = tokio::select! {
                touched = self.lookups.touches.next() => self.read_touched(touched).await,
                _ = looks.tick() => self.look().await,
                () = &mut load => {
                    let result = self.load().await;
                    load = Box::pin(sleep(self.next_load()));
                    result
                }
            };
            match result {
                Ok(()) => self.failures = 0,
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Not in every replica at once.
    fn next_load(&self) -> Duration {
        let period = if self.misses_nothing() {
            LOAD_ANYWAY_PERIOD
        } else {
            LOAD_PERIOD
        };
        period.mul_f64(rand::random_range(0.8..1.0))
    }

    /// Whether looks see every change.
    pub(crate) fn misses_nothing(&self) -> bool {
        self.version.is_some()
    }

    /// Looks for changes and reads them.
    pub(crate) async fn look(&mut self) -> Result<(), StoreError> {
        if !self.owed.is_empty() {
            self.read_touched(Pending::default()).await?;
        }
        let begun = Instant::now();
        match self.store.look().await? {
            Seen::Version(version) if self.version == Some(version) => self.lookups.confirm(begun),
            Seen::Version(_) => self.load().await?,
            Seen::Young(young) => self.read_young(young).await?,
        }
        self.catalog.forget_departed(Instant::now());
        self.publish();
        Ok(())
    }

    async fn read_young(&mut self, young: BTreeMap<ServerName, Young>) -> Result<(), StoreError> {
        // Those that are not young any more have only grown older.
        let changed = young.iter().filter(|(name, rows)| self.young.get(*name) != Some(*rows));
        let names: Vec<ServerName> = changed.map(|(name, _)| name.clone()).collect();
        self.read(&names).await?;
        self.young = young;
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
        self.tell_beats(&servers);
        self.catalog
            .replace_servers(names, (&servers, &adapters), Instant::now());
        Ok(())
    }

    fn publish(&mut self) {
        if self.catalog.is_stale() || !self.lookups.is_loaded() {
            let directory = self.catalog.directory();
            self.publish_directory(directory);
        }
    }

    fn publish_directory(&self, directory: Directory) {
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

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;
    use crate::snapshot::Caller;
    use crate::store::{Rules, SqliteStore};

    async fn store(dir: &tempfile::TempDir) -> SqliteStore {
        let rules = Rules {
            lease_seconds: 120,
            delete_configs: true,
        };
        let path = dir.path().join("registry.db");
        SqliteStore::open(&path, rules, Counter::default()).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_commit_changed_is_owed_until_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (lookups, metrics) = (Lookups::default(), Metrics::new());
        let away = store(&dir).await;
        let mut follower = Follower::new(&away, &lookups, &metrics);
        assert!(lookups.find("A.S.Obj", Caller::default()).is_err(), "not loaded");
        follower.load().await.unwrap();
        away.close().await;
        let touched = lookups.touches().server("A", "S");
        let pending = lookups.touches.next().await;
        follower.read_touched(pending).await.unwrap_err();
        assert!(!touched.shown().await, "nobody waits for a database that is away");
        assert!(
            lookups.find("A.S.Obj", Caller::default()).is_ok(),
            "the last answer stays"
        );
        assert!(follower.look().await.is_err());
        assert!(!follower.owed.is_empty());
        let dir = tempfile::tempdir().unwrap();
        let back = store(&dir).await;
        follower.store = &back;
        follower.look().await.unwrap();
        assert!(follower.owed.is_empty());
    }

    #[tokio::test]
    async fn calls_that_come_together_share_one_load() {
        let dir = tempfile::tempdir().unwrap();
        let (lookups, metrics) = (Lookups::default(), Metrics::new());
        let store = store(&dir).await;
        let mut follower = Follower::new(&store, &lookups, &metrics);
        let touches = lookups.touches();
        let calls = [
            touches.server("A", "S"),
            touches.server("a", "s"),
            touches.server("A", "T"),
        ];
        let pending = lookups.touches.next().await;
        assert_eq!(pending.servers.len(), 2);
        follower.read_touched(pending).await.unwrap();
        for call in calls {
            assert!(call.shown().await);
        }
    }
}
