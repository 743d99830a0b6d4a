//! `tarscli supervisor` as PID 1 of real PID namespaces, and not as PID 1; beside `tini` where both can do the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod harness;
mod output;
mod plain;
mod server;
