//! The registry as a whole: over the wire, with its database away, as a program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod leases;
mod lookups;
mod outage;
mod program;
mod replicas;
mod service;
mod workers;
