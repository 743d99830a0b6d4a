//! The paths.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::gateway::Gateway;
use crate::incoming::Asked;
use crate::phase::Phase;

impl Gateway {
    /// The routes of callers.
    pub fn router(&self) -> Router {
        // Methods are refused by the gateway, which has one shape for all errors.
        Router::new()
            .route("/json/{object}/{function}", any(by_path))
            .route("/json/{object}/{function}/", any(by_path))
            .route("/json", any(by_body))
            .route("/json/", any(by_body))
            .route("/tup", any(by_packet))
            .route("/tup/", any(by_packet))
            .fallback(elsewhere)
            .with_state(self.clone())
    }

    /// The routes of operators: health and metrics.
    pub fn admin_router(&self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self.clone())
    }
}

/// A path that cannot be decoded names nothing that could be called; as an empty name it is refused like any other.
async fn by_path(
    State(gateway): State<Gateway>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let (object, function) = path.map(|Path(names)| names).unwrap_or_default();
    gateway.respond(Asked::Path { object, function }, request).await
}

async fn by_body(State(gateway): State<Gateway>, request: Request) -> Response {
    gateway.respond(Asked::Body, request).await
}

async fn by_packet(State(gateway): State<Gateway>, request: Request) -> Response {
    gateway.respond(Asked::Packet, request).await
}

async fn elsewhere(State(gateway): State<Gateway>, request: Request) -> Response {
    gateway.respond(Asked::Nothing, request).await
}

async fn readyz(State(gateway): State<Gateway>) -> (StatusCode, &'static str) {
    match gateway.phases().now() {
        Phase::Serving => (StatusCode::OK, "ready\n"),
        Phase::Leaving | Phase::Ending => (StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
    }
}

async fn metrics(State(gateway): State<Gateway>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], gateway.metrics().text())
}
