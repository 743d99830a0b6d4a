//! The framework's own packets, constants and interfaces, compiled from the `.tars` files in `idl/` by the same compiler
//! that its users have.
//!
//! Everything is in module [`tars`], named as in the IDL, and is found here too.

#![allow(
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "the compiler's output is judged where the compiler is"
)]

include!(concat!(env!("OUT_DIR"), "/tars.rs"));

pub use self::tars::*;
