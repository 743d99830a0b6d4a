//! Calls over real connections: server, client, limits, shutdown.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod client;
mod client_endpoints;
mod client_runtimes;
mod deadline;
mod discovery;
mod fakes;
mod generated;
mod layers;
mod limits;
#[cfg(feature = "json")]
mod refused_versions;
mod registration;
mod server;
mod session;
mod set_aside;
mod shutdown;
mod trace;
#[cfg(feature = "json")]
mod versions;
