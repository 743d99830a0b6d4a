//! The gateway from its callers' side, and from an attacker's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

mod access;
mod connections;
mod drain;
mod end_to_end;
mod json;
mod limits;
mod program;
mod tup;
