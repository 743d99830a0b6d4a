//! What the registry does with a call: check, decide, store, count.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tars::protocol::{
    GetMetricsAdaptersReq, KeepAliveReq, MetricsAdapterInfo, OnPrestopReq, OnStartupReq, RegisterMetricsReq,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::beats::Beats;
use crate::config::Config;
use crate::domain::clean::Clean;
use crate::domain::worker::{NUMBERS, WorkerId, WorkerWish};
use crate::domain::{Beat, Filter, InstanceKey, Life, MetricsPort, Refusal, Registration, Scope, group_targets};
use crate::failure::Failure;
use crate::identity::{Identity, Verdict};
use crate::metrics::Metrics;
use crate::readiness::{Probe, Readiness};
use crate::snapshot::{Lookups, Touched};
use crate::store::{BeatOutcome, EndOutcome, PastBeat, Store};
use crate::{clean, flush};

/// A clean that is done waits so long for lookups to show it.
const CLEAN_SHOWN: Duration = Duration::from_secs(5);

/// Calls of `getMetricsAdapters` at once.
const METRICS_QUERIES: usize = 4;

/// The registry over a store. Shared by all its listeners.
#[derive(Debug)]
pub(crate) struct Registry<S> {
    pub(crate) store: S,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    /// What lookups are answered from.
    pub(crate) lookups: Lookups,
    /// Cancelled to end the process.
    pub(crate) stop: CancellationToken,
    pub(crate) identity: Identity,
    /// How long a call may take.
    call_limit: Duration,
    pub(crate) allow_node_wide: bool,
    /// What probes are answered from.
    pub(crate) probe: Probe,
    /// What heartbeats are answered from.
    pub(crate) beats: Beats,
    /// Held while beats are written; whether that failed the last time.
    pub(crate) flushing: tokio::sync::Mutex<bool>,
    /// Held while a clean runs.
    cleaning: tokio::sync::Mutex<()>,
    /// Calls of `getMetricsAdapters` that may still begin: each reads a whole table.
    metrics_queries: Semaphore,
}

/// What a heartbeat's caller should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatAnswer {
    /// Fine.
    Known,
    /// Register again: nobody knows the instance.
    Reregister,
}

impl<S: Store> Registry<S> {
    pub(crate) fn new(config: &Config, store: S, metrics: Arc<Metrics>) -> Self {
        let lease = Duration::from_secs(config.lease_seconds.into());
        Self {
            store,
            metrics,
            readiness: Readiness::new(),
            lookups: Lookups::default(),
            stop: CancellationToken::new(),
            identity: Identity::new(
                config.node_identity,
                config.trusted.clone(),
                &config.registry_endpoint,
                lease,
            ),
            call_limit: config.call_limit,
            allow_node_wide: config.allow_node_wide,
            probe: Probe::default(),
            beats: Beats::new(flush::period(config).map(|_| lease)),
            flushing: tokio::sync::Mutex::default(),
            cleaning: tokio::sync::Mutex::new(()),
            metrics_queries: Semaphore::new(METRICS_QUERIES),
        }
    }

    /// Measures a call and counts its return code.
    pub(crate) async fn counted<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> tars::Result<T> {
        let begun = Instant::now();
        let result = call.await;
        let code = result.as_ref().map_or_else(Failure::code, |_| 0);
        self.metrics.answered(method, code, begun.elapsed());
        if let Err(failure) = &result {
            log(method, failure);
        }
        Ok(result?)
    }

    /// Rows of a server changed, and are committed: lookups are to show it. It is done whether or not the answer is waited
    /// for.
    pub(crate) fn touched(&self, application: &str, server: &str) -> Touched {
        self.lookups.touches().server(application, server)
    }

    /// Rows of several servers changed, and are committed.
    pub(crate) fn touched_all(&self) -> Touched {
        self.lookups.touches().all()
    }

    fn touched_scope(&self, scope: &Scope) -> Touched {
        match scope {
            Scope::Instance(key) => self.touched(&key.application, &key.server),
            Scope::Node(_) => self.touched_all(),
        }
    }

    /// Waits until lookups here show what a call changed, but not beyond the call's limit: it is done and committed, and
    /// failing it now would only have it repeated.
    async fn show(&self, touched: Touched, limit: tokio::time::Instant) {
        let is_shown = !self.lookups.is_loaded() || tokio::time::timeout_at(limit, touched.shown()).await == Ok(true);
        if !is_shown {
            self.metrics.late_changes.inc();
            tracing::warn!("a call is answered before lookups show what it changed: the database is slow");
        }
    }

    /// -> the worker id, when there is one
    pub(crate) async fn on_startup(
        &self,
        caller: Option<IpAddr>,
        req: &OnStartupReq,
        worker: WorkerWish,
        life: Option<Life>,
    ) -> Result<Option<i64>, Failure> {
        let registration = Registration {
            life,
            worker,
            ..Registration::from_request(req)?
        };
        let key = &registration.key;
        let (scope, limit) = (Scope::Instance(key.clone()), self.call_end());
        let worker_id = self
            .within_limit(async {
                self.identify(caller, &key.node).await?;
                self.count(
                    self.identity.check_registration(caller, &registration)?,
                    caller,
                    &key.node,
                );
                let store = self.store()?;
                let change = self.beats.begin(&scope, Instant::now());
                let worker_id = store.register(&registration).await?;
                change.settle(Some(registration.state));
                Ok(worker_id)
            })
            .await?;
        self.show(self.touched(&key.application, &key.server), limit).await;
        tracing::info!(
            application = key.application,
            server = key.server,
            node = key.node,
            state = registration.state.as_str(),
            adapters = registration.adapters.len(),
            caller = caller.map(tracing::field::display),
            "registered {key}"
        );
        Ok(self.numbered(key, worker_id))
    }

    /// What came of a wish for a worker id. -> the number
    fn numbered(&self, key: &InstanceKey, worker_id: WorkerId) -> Option<i64> {
        match worker_id {
            WorkerId::None => None,
            WorkerId::Given(number) => {
                tracing::debug!(%key, number, "worker id");
                Some(number)
            }
            WorkerId::Exhausted => {
                self.metrics.exhausted_worker_ids.inc();
                tracing::warn!(
                    application = key.application,
                    server = key.server,
                    node = key.node,
                    "no worker id for {key}: all {NUMBERS} of its application are held, or rest"
                );
                None
            }
        }
    }

    pub(crate) async fn on_prestop(
        &self,
        caller: Option<IpAddr>,
        req: &OnPrestopReq,
        life: Option<Life>,
    ) -> Result<(), Failure> {
        let scope = Scope::from_request(req)?;
        let limit = self.call_end();
        let outcome = self
            .within_limit(async {
                self.authorise(caller, &scope).await?;
                let store = self.store()?;
                let change = self.beats.begin(&scope, Instant::now());
                let outcome = store.end(&scope, life).await?;
                change.settle(None);
                Ok(outcome)
            })
            .await?;
        self.show(self.touched_scope(&scope), limit).await;
        let caller = caller.map(tracing::field::display);
        let existed = outcome == EndOutcome::Ended;
        match &scope {
            Scope::Instance(key) if outcome == EndOutcome::Superseded => tracing::info!(
                application = key.application,
                server = key.server,
                node = key.node,
                caller,
                "{key} goes on: what ended is an earlier process of it"
            ),
            Scope::Instance(key) => tracing::info!(
                application = key.application,
                server = key.server,
                node = key.node,
                existed,
                caller,
                "removed {key}"
            ),
            Scope::Node(node) => tracing::info!(node, existed, caller, "took out every server of {node}"),
        }
        Ok(())
    }

    pub(crate) async fn keep_alive(
        &self,
        caller: Option<IpAddr>,
        req: &KeepAliveReq,
        life: Option<Life>,
    ) -> Result<BeatAnswer, Failure> {
        let beat = Beat::from_request(req, life)?;
        let limit = self.call_end();
        let outcome = self
            .within_limit(async {
                self.authorise(caller, &beat.scope).await?;
                self.take_beat(&beat).await
            })
            .await?;
        let Some(outcome) = outcome else {
            return Ok(BeatAnswer::Known); // from memory: nothing changed
        };
        if matches!(outcome, BeatOutcome::Taken | BeatOutcome::Back | BeatOutcome::Recreated) {
            self.show(self.touched_scope(&beat.scope), limit).await;
        }
        match outcome {
            BeatOutcome::Taken | BeatOutcome::Late | BeatOutcome::Gone => Ok(BeatAnswer::Known),
            BeatOutcome::Back => {
                self.metrics.leases.returned_instances.inc();
                let node = beat.scope.node();
                tracing::info!(
                    node,
                    "{}.{} on {node} is back after it expired",
                    req.application,
                    req.server
                );
                Ok(BeatAnswer::Known)
            }
            BeatOutcome::Recreated => {
                self.metrics.recreated_instances.inc();
                let node = beat.scope.node();
                tracing::warn!(
                    node,
                    "{}.{} on {node} is alive after a clean: registered again",
                    req.application,
                    req.server
                );
                Ok(BeatAnswer::Known)
            }
            BeatOutcome::Unknown => {
                self.metrics.unknown_keepalives.inc();
                tracing::debug!(
                    node = req.node_name,
                    application = req.application,
                    server = req.server,
                    "unknown heartbeat"
                );
                Ok(BeatAnswer::Reregister)
            }
        }
    }

    /// From memory when it says nothing new (-> `None`), else by way of the database.
    pub(crate) async fn take_beat(&self, beat: &Beat) -> Result<Option<BeatOutcome>, Failure> {
        let now = Instant::now();
        if let Scope::Instance(key) = &beat.scope
            && self.beats.acknowledge(key, beat.state, now)
        {
            self.metrics.leases.memory_beats.inc();
            return Ok(None);
        }
        Ok(Some(self.write_beat(beat, now).await?))
    }

    async fn write_beat(&self, beat: &Beat, now: Instant) -> Result<BeatOutcome, Failure> {
        let store = self.store()?;
        let change = self.beats.begin(&beat.scope, now);
        let outcome = store.beat(beat).await?;
        change.settle(match outcome {
            BeatOutcome::Taken | BeatOutcome::Back | BeatOutcome::Recreated => Some(beat.state),
            BeatOutcome::Late | BeatOutcome::Gone | BeatOutcome::Unknown => None,
        });
        Ok(outcome)
    }

    /// A beat that was acknowledged from memory as unchanged and turned out to be a change: it takes the way of changes, so
    /// that what was acknowledged is not lost until the next one. Nobody waits for it.
    pub(crate) async fn catch_up(&self, past: &PastBeat) {
        if !self.beats.is_last(past) {
            return;
        }
        let beat = Beat {
            scope: Scope::Instance(past.key.clone()),
            state: past.state,
            life: None,
        };
        match self.write_beat(&beat, Instant::now()).await {
            Ok(outcome) => {
                self.metrics
                    .leases
                    .returned_instances
                    .inc_by((outcome == BeatOutcome::Back).into());
                drop(self.touched_scope(&beat.scope));
                tracing::debug!(key = %past.key, "its rows changed elsewhere: its heartbeat is written through");
            }
            // What is stored is uncertain here now: the next one goes there.
            Err(failure) => log("keepAlive", &failure),
        }
    }

    pub(crate) async fn register_metrics(
        &self,
        caller: Option<IpAddr>,
        req: &RegisterMetricsReq,
    ) -> Result<(), Failure> {
        let metrics = MetricsPort::from_request(req)?;
        let is_known = self.within_limit(async {
            self.identify(caller, &metrics.key.node).await?;
            Ok(self.store()?.set_metrics_port(&metrics).await?)
        });
        if is_known.await? {
            return Ok(());
        }
        // Acknowledging it, as K8STARS' registry does, would lose the port until the next start of the server.
        let reason = format!("is of {}, which is not registered; call onStartup first", metrics.key);
        Err(Refusal::Invalid {
            field: "server".into(),
            reason,
        }
        .into())
    }

    pub(crate) async fn get_metrics_adapters(
        &self,
        req: &GetMetricsAdaptersReq,
    ) -> Result<Vec<MetricsAdapterInfo>, Failure> {
        let filter = Filter::from_request(&req.filter)?;
        let Ok(_place) = self.metrics_queries.try_acquire() else {
            return Err(Failure::Busy);
        };
        let instances = self
            .within_limit(async { Ok(self.store()?.metrics_instances().await?) })
            .await?;
        let groups = group_targets(instances, &filter).into_iter();
        Ok(groups
            .map(|group| MetricsAdapterInfo {
                targets: group.targets,
                labels: group.labels,
            })
            .collect())
    }

    /// Runs a clean; one at a time. -> the text for its operator
    pub(crate) async fn clean(&self, command: &Clean) -> Result<String, Failure> {
        let store = self.store()?;
        let Ok(_running) = self.cleaning.try_lock() else {
            return Err(Refusal::Policy("a clean is under way; wait for it to end".into()).into());
        };
        // What beat a moment ago is in the database before it is asked who is silent.
        self.flush().await?;
        let cleaned = clean::run(store, &self.beats, command).await;
        if !command.dry_run {
            self.show(self.touched_all(), tokio::time::Instant::now() + CLEAN_SHOWN)
                .await;
        }
        Ok(cleaned?)
    }

    async fn identify(&self, caller: Option<IpAddr>, node: &str) -> Result<(), Failure> {
        self.count(self.identity.check(caller, node).await?, caller, node);
        Ok(())
    }

    fn count(&self, verdict: Verdict, caller: Option<IpAddr>, node: &str) {
        if verdict == Verdict::Mismatch {
            self.metrics.identity_mismatches.inc();
            tracing::warn!(
                node,
                caller = caller.map(tracing::field::display),
                "nodeName, or the host of an adapter, is not the caller's address"
            );
        }
    }

    async fn authorise(&self, caller: Option<IpAddr>, scope: &Scope) -> Result<(), Failure> {
        let Scope::Node(node) = scope else {
            return self.identify(caller, scope.node()).await;
        };
        if !self.allow_node_wide {
            let text = "a request without application and server is about every server of the node, which this registry \
                        does not accept; --allow-node-wide decides";
            return Err(Refusal::Policy(text.into()).into());
        }
        if !self.identity.is_node_itself(caller, node).await? {
            let caller = caller.map_or_else(|| "unknown".to_owned(), |address| address.to_canonical().to_string());
            let text =
                format!("a request about every server of the node `{node}` comes from {caller}, not from the node");
            return Err(Refusal::Policy(text).into());
        }
        Ok(())
    }

    /// When a call that begins now is to be answered.
    fn call_end(&self) -> tokio::time::Instant {
        tokio::time::Instant::now() + self.call_limit
    }

    /// Everything a call waits for counts: the node's name as well as the database.
    async fn within_limit<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::time::timeout(self.call_limit, work)
            .await
            .unwrap_or(Err(Failure::Late))
    }

    /// The store, once its tables are checked.
    fn store(&self) -> Result<&S, Failure> {
        if self.readiness.is_ready() {
            Ok(&self.store)
        } else {
            Err(Failure::Starting)
        }
    }
}

/// Says once what a failed call met; what the caller may not read is in here.
fn log(method: &'static str, failure: &Failure) {
    match failure {
        Failure::Refused(refusal) => tracing::info!(method, "refused: {refusal}"),
        Failure::Starting | Failure::Late | Failure::Unresolved(_) | Failure::Busy => {
            tracing::warn!(method, "{failure}");
        }
        Failure::Store(error) => {
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::error!(method, cause, "{error}");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsString;

    use prometheus_client::metrics::counter::Counter;
    use sqlx::{Connection, SqliteConnection};

    use super::*;
    use crate::config::{CALL_LIMIT, Command};
    use crate::domain::State;
    use crate::resolver::Resolver;
    use crate::store::{Rules, SqliteStore};

    /// The settings that arguments give. No call is late, however slow the machine is.
    pub(crate) fn config(arguments: &[&str]) -> Config {
        let arguments = ["tarsregistry"].iter().chain(arguments).map(OsString::from);
        match Command::read(arguments, |_| None) {
            Ok(Command::Serve(config)) => Config {
                call_limit: Duration::from_mins(1),
                ..*config
            },
            other => panic!("{other:?}"),
        }
    }

    /// A registry at every address, and the file it is on.
    pub(crate) async fn registry(arguments: &[&str]) -> (Registry<SqliteStore>, tempfile::TempDir) {
        let (config, dir) = (config(arguments), tempfile::tempdir().unwrap());
        let rules = Rules {
            lease_seconds: config.lease_seconds,
            delete_configs: true,
        };
        let path = dir.path().join("registry.db");
        let store = SqliteStore::open(&path, rules, Counter::default()).await.unwrap();
        let registry = Registry::new(&config, store, Arc::new(Metrics::new()));
        registry.readiness.set();
        (registry, dir)
    }

    /// Another connection to the file.
    pub(crate) async fn connect(dir: &tempfile::TempDir) -> SqliteConnection {
        let url = format!("sqlite:{}", dir.path().join("registry.db").display());
        SqliteConnection::connect(&url).await.unwrap()
    }

    /// Somebody who keeps the database from being written until dropped.
    pub(crate) async fn occupy(dir: &tempfile::TempDir) -> SqliteConnection {
        let mut other = connect(dir).await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        other
    }

    /// Runs a statement as somebody else would.
    pub(crate) async fn exec(dir: &tempfile::TempDir, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query(sql).execute(&mut connect(dir).await).await.unwrap();
    }

    /// A number that is read.
    pub(crate) async fn number(dir: &tempfile::TempDir, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql)
            .fetch_one(&mut connect(dir).await)
            .await
            .unwrap()
    }

    /// A registration of `App.S` on a node.
    pub(crate) fn registration(node: &str) -> Registration {
        let req = OnStartupReq {
            node_name: node.into(),
            application: "App".into(),
            server: "S".into(),
            ..OnStartupReq::default()
        };
        Registration::from_request(&req).unwrap()
    }

    /// A beat of `App.S` on a node.
    pub(crate) fn beat(node: &str, state: State) -> Beat {
        let scope = Scope::Instance(registration(node).key);
        let life = None;
        Beat { scope, state, life }
    }

    #[tokio::test]
    async fn a_slow_name_and_a_slow_database_together_are_within_the_limit() {
        let (mut registry, dir) = registry(&[]).await;
        registry.call_limit = CALL_LIMIT;
        registry.identity = registry.identity.resolving(Resolver::with(|_| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(250)).await;
                Ok(vec!["10.0.0.7".parse().unwrap()])
            })
        }));
        let _other = occupy(&dir).await;
        let req = OnStartupReq {
            node_name: "pod".into(),
            application: "App".into(),
            server: "S".into(),
            ..OnStartupReq::default()
        };
        // What limits the call and what measures it is one clock, which moves when there is nothing to do but wait.
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let failure = registry
            .on_startup("10.0.0.7".parse().ok(), &req, WorkerWish::Unwanted, None)
            .await
            .unwrap_err();
        assert_eq!(failure.code(), -9, "{failure}");
        assert!(begun.elapsed() < Duration::from_millis(1100), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_clean_ends_when_nothing_follows_the_database_any_more() {
        let (registry, _dir) = registry(&[]).await;
        let mut follower = crate::snapshot::Follower::new(&registry.store, &registry.lookups, &registry.metrics);
        follower.load().await.unwrap();
        registry.lookups.touches().close();
        let command = Clean::parse(&["n"]).unwrap();
        let cleaning = tokio::time::timeout(Duration::from_secs(4), registry.clean(&command));
        let text = cleaning.await.expect("nobody waits for what nobody does").unwrap();
        assert!(!text.is_empty());
    }

    #[tokio::test]
    async fn only_some_read_the_whole_table_at_once() {
        let (mut registry, dir) = registry(&[]).await;
        registry.call_limit = CALL_LIMIT;
        let _other = occupy(&dir).await;
        let req = GetMetricsAdaptersReq::default();
        let all = || registry.get_metrics_adapters(&req);
        // Late before SQLite gives up waiting.
        tokio::time::pause();
        let (a, b, c, d, more) = tokio::join!(all(), all(), all(), all(), all());
        for slow in [a, b, c, d] {
            assert!(matches!(slow, Err(Failure::Late)));
        }
        assert!(matches!(more, Err(Failure::Busy)));
    }
}
