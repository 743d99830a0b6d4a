//! Mistakes are found and told, whatever the bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tars2rs::fuzzing::parse(input));
