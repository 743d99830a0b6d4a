//! What has no mistakes becomes Rust, JSON, and its own format.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tars2rs::fuzzing::build(input));
