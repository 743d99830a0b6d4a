//! The registry's own metrics, in the text format of `OpenMetrics`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::domain::lookup::Counts;

/// Everything that is counted. Counters are shared handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<MethodLabel, Histogram>,
    /// Beats of instances nobody knows.
    pub(crate) unknown_keepalives: Counter,
    /// Instances made again by a beat after a clean.
    pub(crate) recreated_instances: Counter,
    /// Registrations that asked for a worker id when there was none.
    pub(crate) exhausted_worker_ids: Counter,
    /// What happens to heartbeats and leases.
    pub(crate) leases: LeaseMetrics,
    /// Calls served although the node's name is not the caller's address.
    pub(crate) identity_mismatches: Counter,
    /// Transactions run again.
    pub(crate) transaction_retries: Counter,
    /// 1 when the registry serves.
    pub(crate) ready: Gauge,
    /// 1 when the database took writes when it was asked last.
    pub(crate) database_up: Gauge,
    /// Reads of the database for lookups that failed.
    pub(crate) reload_failures: Counter,
    /// Commits whose call was answered before lookups showed them.
    pub(crate) late_changes: Counter,
    snapshot_age: Gauge<f64, AtomicU64>,
    servants: Gauge,
    endpoints: Family<StateLabel, Gauge>,
    skipped_rows: Gauge,
}

/// What happens to heartbeats and leases.
#[derive(Debug)]
pub(crate) struct LeaseMetrics {
    /// Heartbeats acknowledged from memory.
    pub(crate) memory_beats: Counter,
    /// Of those, written since.
    pub(crate) flushed_beats: Counter,
    /// Of those, not written because the instance's rows say something else.
    pub(crate) dropped_beats: Counter,
    /// Age of the oldest one that is yet to be written, at the last attempt (seconds).
    pub(crate) unflushed_seconds: Gauge,
    /// Instances whose lease ran out.
    pub(crate) expired_instances: Counter,
    /// Nodes marked inactive because none of their instances lives.
    pub(crate) expired_nodes: Counter,
    /// Instances that beat again after their lease had run out.
    pub(crate) returned_instances: Counter,
    /// 1 while nobody expires because too many would at once.
    pub(crate) protected: Gauge,
    /// 1 when this replica is the one that looks for expired leases.
    pub(crate) leads_expiry: Gauge,
}

impl LeaseMetrics {
    fn new(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let memory_beats = counter("memory_beats", "Heartbeats acknowledged from memory");
        let flushed_beats = counter("flushed_beats", "Heartbeats acknowledged from memory and written since");
        let dropped_beats = counter(
            "dropped_beats",
            "Heartbeats acknowledged from memory whose instance's rows turned out to say something else",
        );
        let expired_instances = counter("expired_instances", "Instances whose lease ran out");
        let expired_nodes = counter("expired_nodes", "Nodes on which no instance lives any more");
        let returned_instances = counter("returned_instances", "Instances that beat again after they had expired");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let unflushed_seconds = gauge(
            "unflushed_beat_seconds",
            "Age of the oldest acknowledged heartbeat that could not be written",
        );
        let protected = gauge(
            "expiry_protected",
            "1 while nobody expires because too many would at once",
        );
        let leads_expiry = gauge("expiry_leader", "1 when this replica looks for expired leases");
        Self {
            memory_beats,
            flushed_beats,
            dropped_beats,
            unflushed_seconds,
            expired_instances,
            expired_nodes,
            returned_instances,
            protected,
            leads_expiry,
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    code: i32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let request_seconds = Family::<MethodLabel, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_5, 2.0, 12)) // 0.5 ms to 1 s
        });
        let mut registry = Registry::with_prefix("registry");
        let leases = LeaseMetrics::new(&mut registry);
        registry.register("requests", "Calls by method and return code", requests.clone());
        registry.register("request_seconds", "Time until the answer", request_seconds.clone());
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let unknown_keepalives = counter("unknown_keepalive", "Heartbeats of instances nobody knows");
        let exhausted_worker_ids = counter(
            "exhausted_worker_ids",
            "Registrations that asked for a worker id when the application had none left",
        );
        let recreated_instances = counter(
            "recreated_instances",
            "Instances made again by a heartbeat after a clean",
        );
        let identity_mismatches = counter("identity_mismatches", "Calls served for a node that is not the caller");
        let transaction_retries = counter("transaction_retries", "Transactions run again after a conflict");
        let reload_failures = counter("reload_failures", "Reads of the database for lookups that failed");
        let late_changes = counter("late_changes", "Calls answered before lookups showed what they changed");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let ready = gauge("ready", "1 when the registry serves");
        let database_up = gauge("database_up", "1 when the database takes writes; asked for this page");
        let servants = gauge("servants", "Servants that lookups know");
        let skipped_rows = gauge("skipped_rows", "Rows whose endpoint cannot be read: in no answer");
        let endpoints = Family::<StateLabel, Gauge>::default();
        registry.register("endpoints", "Endpoints that lookups know, by state", endpoints.clone());
        let snapshot_age = Gauge::<f64, AtomicU64>::default();
        let help = "Time since lookups were last known to say what the database says";
        registry.register_with_unit("snapshot_age", help, Unit::Seconds, snapshot_age.clone());
        Self {
            registry,
            requests,
            request_seconds,
            unknown_keepalives,
            recreated_instances,
            exhausted_worker_ids,
            leases,
            identity_mismatches,
            transaction_retries,
            ready,
            database_up,
            reload_failures,
            late_changes,
            snapshot_age,
            servants,
            endpoints,
            skipped_rows,
        }
    }

    /// Says what lookups know. -> whether there are other rows now that they cannot use
    pub(crate) fn set_directory(&self, counts: Counts) -> bool {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.servants.set(number(counts.servants));
        for (state, count) in [("active", counts.active), ("inactive", counts.inactive)] {
            self.endpoints.get_or_create(&StateLabel { state }).set(number(count));
        }
        let skipped = number(counts.skipped);
        self.skipped_rows.set(skipped) != skipped && skipped > 0
    }

    /// Counts a call.
    pub(crate) fn answered(&self, method: &'static str, code: i32, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, code }).inc();
        self.request_seconds
            .get_or_create(&MethodLabel { method })
            .observe(took.as_secs_f64());
    }

    /// All of them as text. `snapshot_age` is how old lookups are now, if they are answered.
    pub(crate) fn text(&self, snapshot_age: Option<Duration>) -> String {
        self.snapshot_age.set(snapshot_age.unwrap_or_default().as_secs_f64());
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}
