//! Health and metrics over HTTP.

mod listener;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::readiness::Phase;
use crate::registry::Registry;
use crate::store::Store;

pub(crate) use listener::{Limits, serve};

/// The database must answer by then: probes of Kubernetes wait a second for the page.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// The routes.
pub(crate) fn router<S: Store>(registry: Arc<Registry<S>>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz::<S>))
        .route("/metrics", get(metrics::<S>))
        .with_state(registry)
}

/// The process lives. Nothing else: a restart mends no database.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Lookups are answered. Not: the database is there. Without it they are answered from memory, and a registry taken out of
/// its service for that (all replicas at once) would take every lookup with it.
async fn readyz<S: Store>(State(registry): State<Arc<Registry<S>>>) -> (StatusCode, &'static str) {
    match registry.readiness.phase() {
        Phase::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: the database's tables are not read yet\n",
        ),
        Phase::Ready if has_database(&registry).await => (StatusCode::OK, "ready\ndatabase: ok\n"),
        Phase::Ready => (
            StatusCode::OK,
            "ready\ndatabase: away, or takes no writes; lookups are answered from memory\n",
        ),
        Phase::Ending => (StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
    }
}

/// Whether the database takes writes.
async fn has_database<S: Store>(registry: &Registry<S>) -> bool {
    let ask = async {
        matches!(
            tokio::time::timeout(PROBE_TIMEOUT, registry.store.ping()).await,
            Ok(Ok(()))
        )
    };
    let answer = registry.probe.answer(ask).await;
    registry.metrics.database_up.set(answer.into());
    answer
}

async fn metrics<S: Store>(State(registry): State<Arc<Registry<S>>>) -> impl IntoResponse {
    has_database(&registry).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = registry.metrics.text(registry.lookups.age());
    ([(header::CONTENT_TYPE, kind)], text)
}
