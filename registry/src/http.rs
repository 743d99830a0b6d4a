//! Health and metrics over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::registry::Registry;
use crate::store::Store;

/// The database must answer a probe by then.
const PROBE_TIMEOUT: Duration = Duration::from_millis(900);

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

/// Calls would be served.
async fn readyz<S: Store>(State(registry): State<Arc<Registry<S>>>) -> (StatusCode, &'static str) {
    if !registry.readiness.is_ready() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: the database's tables are not read yet\n",
        );
    }
    let ask = async {
        matches!(
            tokio::time::timeout(PROBE_TIMEOUT, registry.store.ping()).await,
            Ok(Ok(()))
        )
    };
    if registry.probe.answer(ask).await {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database is away or takes no writes\n",
        )
    }
}

async fn metrics<S: Store>(State(registry): State<Arc<Registry<S>>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = registry.metrics.text(registry.lookups.age());
    ([(header::CONTENT_TYPE, kind)], text)
}
