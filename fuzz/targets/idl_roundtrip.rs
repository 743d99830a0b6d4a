//! Formatting changes nothing but blanks, and once is enough.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tars2rs::fuzzing::roundtrip(input));
