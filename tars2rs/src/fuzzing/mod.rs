//! What holds for any bytes at all: a function a fuzz target, which panics where it does not hold.
//!
//! libFuzzer calls them from `/fuzz`, the tests of this module with the corpus that is kept there and with pieces of the
//! repository's own files: so what was found once stays found, on any machine.
//!
//! Whoever calls them sees to time, memory and stack: no input may take much of any.

mod build;
mod files;
mod parse;
pub(crate) mod roundtrip;
mod rust;

pub use build::build;
pub use parse::parse;
pub use roundtrip::roundtrip;

#[cfg(test)]
mod tests;
