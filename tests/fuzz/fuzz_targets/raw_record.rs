//! Arbitrary bytes as a description.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("raw_record", data));
