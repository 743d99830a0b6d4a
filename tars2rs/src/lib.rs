//! Compiles `.tars` files, the interface definitions of the Tars RPC ecosystem, to Rust.
//!
//! The generated code stands on the runtime, package `tars2rs-runtime`, which is the library `tars`. Add both, and compile
//! the interface in the build script:
//!
//! ```toml
//! [dependencies]
//! tars = { package = "tars2rs-runtime", version = "0.1" }
//!
//! [build-dependencies]
//! tars2rs = { version = "0.1", default-features = false }
//! ```
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), tars2rs::Error> {
//!     tars2rs::Config::new().compile(&["idl/hello.tars"], &["idl"])
//! }
//! ```
//!
//! Every IDL module becomes a file of its own in `OUT_DIR`, named like the Rust module, which it holds:
//!
//! ```text
//! // src/lib.rs
//! tars::include_tars!("test_app"); // pub mod test_app { .. }
//! ```
//!
//! [`Config::include_file`] adds a file that brings all modules at once.
//!
//! The default feature `tool` is the command line tool with its dependencies; a build script does without.
//!
//! When the files have mistakes, [`Config::compile`] returns an [`Error`] whose text shows all of them, with file, line and
//! column, the line itself, and what to do. Warnings reach the user through cargo.
//!
//! # What comes out
//!
//! | IDL | Rust |
//! |---|---|
//! | `struct` | a struct with public fields, `#[derive(tars::TarsStruct)]` |
//! | `enum` | a newtype over `i32` with constants, open for numbers it does not know |
//! | `const` | a constant |
//! | `key[S, a, b]` | equality and order of `S`, by these fields first |
//! | `interface X` | the trait `X`, the service `XServer` over it, the client `XClient` |
//! | `vector<byte>` | `bytes::Bytes` |
//! | `vector<T>`, `T x[N]` | `Vec<T>` |
//! | `map<K, V>` | `BTreeMap<K, V>`, or `Vec<(K, V)>` when `K` has no order |
//!
//! Names follow Rust's conventions; the IDL's own names stay in the attributes, for JSON and TUP. When two names become
//! one, `_` is appended to the later one, with a warning, and [`Config::rename`] chooses a better name.
//!
//! Files that are included are compiled too, so that a run gives everything it needs. Modules that another crate provides
//! are left out with [`Config::extern_module`], types with [`Config::extern_type`].
//!
//! # More than Rust
//!
//! [`format()`] lays a file out in the canonical way, [`dump()`] gives the checked model as JSON, and [`Comparison`] tells what a
//! new version of files breaks. The command line tool has them as `tars2rs fmt`, `dump` and `breaking`.
//!
//! # Paths
//!
//! Settings name parts of the IDL by a dotted path of its own names: `tars.RequestPacket` is a struct,
//! `tars.RequestPacket.context` a field, `tars.QueryF.findObjectById.id` a parameter and
//! `tars.QueryF.findObjectById.tars_ret` a return value. A path also means all it holds, and `.` means everything. A path
//! that names nothing, or where the setting changes nothing, is an error.

#![cfg_attr(
    not(feature = "tool"),
    allow(
        dead_code,
        unused_imports,
        reason = "what the tool alone needs of our own costs a build script little; its dependencies are what is left out"
    )
)]

mod ast;
mod breaking;
mod check;
#[cfg(feature = "tool")]
mod cli;
#[cfg(feature = "tool")]
mod command;
mod compile;
mod config;
mod diag;
mod dump;
mod emit;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod include;
mod join;
mod lints;
#[cfg(feature = "tool")]
mod lsp;
mod model;
mod naming;
mod output;
mod parse;
mod print;
mod resolve;
mod settings;
mod source;
mod text;

pub use breaking::{Comparison, Version};
pub use config::{Config, Error, Generated};
pub use dump::dump;
pub use format::format;

/// The command line tool as a function, for its `main`.
#[doc(hidden)]
#[cfg(feature = "tool")]
pub mod tool {
    pub use crate::command::{Report, run};
}
