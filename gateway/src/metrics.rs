//! The gateway's own metrics, in the text format of `OpenMetrics`.
//!
//! Callers cannot make up labels: an object shows as the rule that allowed it, and a return code that is not the
//! framework's as `other`.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tars::code;

/// Everything that is counted. Counters are shared handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    return_codes: Family<CodeLabels, Counter>,
    /// Requests under way.
    pub(crate) running_requests: Gauge,
    /// Calls of servants under way.
    pub(crate) running_calls: Gauge,
    /// Connections of callers.
    pub(crate) connections: Gauge,
    /// Connections that waited because there were too many.
    pub(crate) held_connections: Counter,
    /// Context keys that callers sent and may not.
    pub(crate) dropped_context_keys: Counter,
    /// Call chains begun or continued.
    pub(crate) traced_calls: Counter,
    /// 1 when calls are taken.
    pub(crate) ready: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    rule: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
    rule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    rule: String,
    code: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let request_seconds = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.001, 2.0, 14)) // 1 ms to 8 s
        });
        let return_codes = Family::<CodeLabels, Counter>::default();
        let mut registry = Registry::with_prefix("tarsgateway");
        registry.register("requests", "Requests by route, rule and HTTP status", requests.clone());
        registry.register(
            "request_seconds",
            "Time from a request to its answer",
            request_seconds.clone(),
        );
        registry.register(
            "return_codes",
            "Calls by rule and Tars return code",
            return_codes.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let running_requests = gauge("running_requests", "Requests under way");
        let running_calls = gauge("running_calls", "Calls of servants under way");
        let connections = gauge("connections", "Connections of callers");
        let ready = gauge("ready", "1 when calls are taken");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let held_connections = counter("held_connections", "Times that the limit of connections was reached");
        let dropped_context_keys = counter("dropped_context_keys", "Context keys that callers sent and may not");
        let traced_calls = counter("traced_calls", "Calls that begin or continue a call chain");
        Self {
            registry,
            requests,
            request_seconds,
            return_codes,
            running_requests,
            running_calls,
            connections,
            held_connections,
            dropped_context_keys,
            traced_calls,
            ready,
        }
    }

    /// Counts a request.
    pub(crate) fn answered(&self, route: &'static str, rule: Option<&Arc<str>>, status: u16, took: Duration) {
        let rule = rule.map(ToString::to_string).unwrap_or_default();
        let labels = RouteLabels {
            route,
            rule: rule.clone(),
        };
        self.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels { route, rule, status })
            .inc();
    }

    /// Counts a call's return code.
    pub(crate) fn returned(&self, rule: &str, code: i32) {
        let known = code::description(code).map(|_| code.to_string());
        let labels = CodeLabels {
            rule: rule.to_owned(),
            code: known.unwrap_or_else(|| "other".to_owned()),
        };
        self.return_codes.get_or_create(&labels).inc();
    }

    /// All of them as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}

/// Counts something as long as it lives.
#[derive(Debug)]
pub(crate) struct Running(Gauge);

impl Running {
    pub(crate) fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}
