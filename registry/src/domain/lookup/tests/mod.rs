//! The rules of lookups, against a second reading of them and by example.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod model;
mod property;
mod worlds;
