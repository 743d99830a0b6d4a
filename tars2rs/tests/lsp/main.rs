//! `tars2rs lsp` as an editor meets it: the real binary over its standard streams.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod client;
mod completing;
mod findings;
mod renaming;
mod session;
