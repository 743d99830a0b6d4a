//! Calls over real connections: server, client, limits, shutdown.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod client;
mod client_endpoints;
mod client_runtimes;
mod deadline;
mod generated;
mod layers;
mod limits;
mod server;
mod shutdown;
mod trace;
mod versions;
