//! What the registry keeps, behind one trait of coarse operations. Each is one transaction (a clean: one a batch).
//!
//! This module is the only one that knows sqlx. The operations are written once over a narrow port
//! (`engine`); the two databases differ in connecting, migrating, and in the texts of `statement`.

mod clean;
mod connections;
mod engine;
mod error;
mod flush;
mod lease;
mod mysql;
mod operations;
mod sqlite;
mod statement;
mod worker;
mod world;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use clean::BATCH;
pub(crate) use clean::CleanScope;
pub(crate) use error::StoreError;
pub(crate) use flush::{BEATS, Flushed, PastBeat};
pub(crate) use lease::{Look, NODES, SilentNodes};
pub(crate) use mysql::{MySqlStore, migrate as migrate_mysql};
pub(crate) use operations::{BeatOutcome, EndOutcome};
pub(crate) use sqlite::SqliteStore;
pub(crate) use world::{Seen, Young};

use std::future::Future;
use std::time::Duration;

use crate::domain::clean::{Cleaned, CutOff};
use crate::domain::lease::{Leases, Looked, Overdue};
use crate::domain::lookup::{AdapterRow, ServerName, ServerRow, World};
use crate::domain::worker::WorkerId;
use crate::domain::{Beat, InstanceKey, Life, MetricsInstance, MetricsPort, Registration, Scope};
use engine::{Engine, read, transact};

/// One step of a clean takes that long at most: nobody else bounds it, and a database that vanished says nothing.
const CLEAN_LIMIT: Duration = Duration::from_secs(30);

/// A step of what happens to leases takes that long at most.
const LEASE_LIMIT: Duration = Duration::from_secs(5);

/// The check of the tables takes that long at most; it is repeated.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// A load of everything takes that long at most, one of some servers, or a look for changes, the other.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What operations need to know besides their request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// An instance counts as alive so long after its last beat.
    pub(crate) lease_seconds: u32,
    /// Whether the end of an instance deletes the configuration files for its (container) node.
    pub(crate) delete_configs: bool,
}

/// The registry's memory. Every operation is idempotent and either happened or did not.
pub(crate) trait Store: Send + Sync + 'static {
    /// `onStartup`: the instance's rows become what the registration says. -> the worker id it asked for
    fn register(&self, registration: &Registration) -> impl Future<Output = Result<WorkerId, StoreError>> + Send;

    /// `onPrestop`: the instance's rows go, a tombstone stays.
    fn end(&self, scope: &Scope, life: Option<Life>) -> impl Future<Output = Result<EndOutcome, StoreError>> + Send;

    /// `keepAlive`.
    fn beat(&self, beat: &Beat) -> impl Future<Output = Result<BeatOutcome, StoreError>> + Send;

    /// Writes beats that were acknowledged before. -> what came of each
    fn flush(&self, beats: &[PastBeat]) -> impl Future<Output = Result<Vec<Flushed>, StoreError>> + Send;

    /// Succeeds if beats could be taken now. -> the database's clock, and the leases if the lead is this replica's
    fn census(&self, look: &Look) -> impl Future<Output = Result<Looked, StoreError>> + Send;

    /// Takes out instances that are still as a look saw them, those of at most [`NODES`] nodes. -> them
    fn expire(&self, seen: &[Overdue]) -> impl Future<Output = Result<Vec<InstanceKey>, StoreError>> + Send;

    /// Marks silent nodes, behind `after` by name, on which no instance lives.
    fn expire_nodes(&self, after: &str) -> impl Future<Output = Result<SilentNodes, StoreError>> + Send;

    /// Leaves the lead to another replica.
    fn resign(&self, holder: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `registerMetrics`. -> whether the server is there
    fn set_metrics_port(&self, metrics: &MetricsPort) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Servers with a metrics port, in the order of their registration.
    fn metrics_instances(&self) -> impl Future<Output = Result<Vec<MetricsInstance>, StoreError>> + Send;

    /// A cut-off as a moment of the database's clock.
    fn clean_cut_off(&self, cut_off: &CutOff) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// The next (at most `clean::BATCH`) nodes to clean, by name, behind `after`.
    fn clean_candidates(
        &self,
        scope: &CleanScope,
        after: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// What [`Store::clean_batch`] would delete with the given nodes.
    fn clean_listing(
        &self,
        scope: &CleanScope,
        nodes: &[String],
    ) -> impl Future<Output = Result<Cleaned, StoreError>> + Send;

    /// Deletes those of the nodes that are still without beat. -> exactly what was deleted
    fn clean_batch(
        &self,
        scope: &CleanScope,
        nodes: &[String],
    ) -> impl Future<Output = Result<Cleaned, StoreError>> + Send;

    /// Deletes old tombstones, a bounded number of them. -> how many
    fn forget_tombstones(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Everything that lookups are answered from, of one moment.
    fn load_world(&self) -> impl Future<Output = Result<World, StoreError>> + Send;

    /// The rows of some servers, of one moment.
    fn load_servers(
        &self,
        names: &[ServerName],
    ) -> impl Future<Output = Result<(Vec<ServerRow>, Vec<AdapterRow>), StoreError>> + Send;

    /// Looks for what changed. What is loaded after a look is at least as new as what the look saw.
    fn look(&self) -> impl Future<Output = Result<Seen, StoreError>> + Send;

    /// Whether the database answers.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether the tables are there and as this program knows them.
    fn check_schema(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the connections back.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// The parts of [`Store`] in which the databases differ.
trait Backend: Engine {
    fn rules(&self) -> Rules;
    fn check_schema(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn close(&self) -> impl Future<Output = ()> + Send;
}

impl<B: Backend> Store for B {
    async fn register(&self, registration: &Registration) -> Result<WorkerId, StoreError> {
        let input = (registration, i64::from(self.rules().lease_seconds));
        transact(self, &input, |tx, (registration, lease_seconds)| {
            Box::pin(operations::register(tx, registration, *lease_seconds))
        })
        .await
    }

    async fn end(&self, scope: &Scope, life: Option<Life>) -> Result<EndOutcome, StoreError> {
        let Rules {
            lease_seconds,
            delete_configs,
        } = self.rules();
        let input = operations::EndInput {
            scope,
            life,
            lease_seconds: lease_seconds.into(),
            delete_configs,
        };
        transact(self, &input, |tx, input| Box::pin(operations::end(tx, input))).await
    }

    async fn beat(&self, beat: &Beat) -> Result<BeatOutcome, StoreError> {
        let input = operations::BeatInput {
            beat,
            lease_seconds: self.rules().lease_seconds.into(),
        };
        transact(self, &input, |tx, input| Box::pin(operations::beat(tx, input))).await
    }

    async fn flush(&self, beats: &[PastBeat]) -> Result<Vec<Flushed>, StoreError> {
        let work = transact(self, beats, |tx, beats| Box::pin(flush::flush(tx, beats)));
        within(LEASE_LIMIT, Box::pin(work)).await
    }

    async fn census(&self, look: &Look) -> Result<Looked, StoreError> {
        let leases = Leases::of(self.rules().lease_seconds);
        let input = lease::LookInput { look, leases };
        let work = transact(self, &input, |tx, input| Box::pin(lease::look(tx, input)));
        within(LEASE_LIMIT, Box::pin(work)).await
    }

    async fn expire(&self, seen: &[Overdue]) -> Result<Vec<InstanceKey>, StoreError> {
        let work = transact(self, seen, |tx, seen| Box::pin(lease::expire(tx, seen)));
        within(LEASE_LIMIT, Box::pin(work)).await
    }

    async fn expire_nodes(&self, after: &str) -> Result<SilentNodes, StoreError> {
        let input = (after, self.rules().lease_seconds);
        let work = transact(self, &input, |tx, input| Box::pin(lease::expire_nodes(tx, input)));
        within(LEASE_LIMIT, Box::pin(work)).await
    }

    async fn resign(&self, holder: &str) -> Result<(), StoreError> {
        let work = transact(self, holder, |tx, holder| Box::pin(lease::resign(tx, holder)));
        within(LEASE_LIMIT, Box::pin(work)).await
    }

    async fn set_metrics_port(&self, metrics: &MetricsPort) -> Result<bool, StoreError> {
        transact(self, metrics, |tx, metrics| {
            Box::pin(operations::set_metrics_port(tx, metrics))
        })
        .await
    }

    async fn metrics_instances(&self) -> Result<Vec<MetricsInstance>, StoreError> {
        transact(self, &(), |tx, ()| Box::pin(operations::metrics_instances(tx))).await
    }

    async fn clean_cut_off(&self, cut_off: &CutOff) -> Result<String, StoreError> {
        let work = transact(self, cut_off, |tx, cut_off| Box::pin(clean::cut_off(tx, cut_off)));
        within(CLEAN_LIMIT, Box::pin(work)).await
    }

    async fn clean_candidates(&self, scope: &CleanScope, after: &str) -> Result<Vec<String>, StoreError> {
        let input = clean::BatchInput { scope, nodes: after };
        let work = transact(self, &input, |tx, input| Box::pin(clean::candidates(tx, input)));
        within(CLEAN_LIMIT, Box::pin(work)).await
    }

    async fn clean_listing(&self, scope: &CleanScope, nodes: &[String]) -> Result<Cleaned, StoreError> {
        let input = clean::BatchInput { scope, nodes };
        let work = transact(self, &input, |tx, input| Box::pin(clean::listing(tx, input)));
        within(CLEAN_LIMIT, Box::pin(work)).await
    }

    async fn clean_batch(&self, scope: &CleanScope, nodes: &[String]) -> Result<Cleaned, StoreError> {
        let input = clean::BatchInput { scope, nodes };
        let work = transact(self, &input, |tx, input| Box::pin(clean::delete(tx, input)));
        within(CLEAN_LIMIT, Box::pin(work)).await
    }

    async fn forget_tombstones(&self) -> Result<u64, StoreError> {
        let work = transact(self, &(), |tx, ()| Box::pin(clean::forget(tx)));
        within(CLEAN_LIMIT, Box::pin(work)).await
    }

    async fn load_world(&self) -> Result<World, StoreError> {
        let work = read(self, &(), |tx, ()| Box::pin(world::load(tx)));
        within(LOAD_LIMIT, Box::pin(work)).await
    }

    async fn load_servers(&self, names: &[ServerName]) -> Result<(Vec<ServerRow>, Vec<AdapterRow>), StoreError> {
        let work = read(self, names, |tx, names| Box::pin(world::load_servers(tx, names)));
        within(LOOK_LIMIT, Box::pin(work)).await
    }

    async fn look(&self) -> Result<Seen, StoreError> {
        let work = read(self, &(), |tx, ()| Box::pin(world::look(tx)));
        within(LOOK_LIMIT, Box::pin(work)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        transact(self, &(), |tx, ()| Box::pin(operations::ping(tx))).await
    }

    async fn check_schema(&self) -> Result<(), StoreError> {
        within(CHECK_LIMIT, Box::pin(Backend::check_schema(self))).await
    }

    async fn close(&self) {
        Backend::close(self).await;
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>> + Unpin,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(StoreError::timed_out()))
}
