//! `tarscli supervisor` from the start of a pod to its end, with the real registry: what stands in the rows, what the probes say, how
//! long it takes, and what three hundred of them do to a registry that returns.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a run")]

mod grace;
mod herd;
mod life;
mod name;
mod outage;
mod rows;
mod server;
mod traffic;
mod worker;
