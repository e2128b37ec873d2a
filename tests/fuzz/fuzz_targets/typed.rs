//! Arbitrary bytes as what a person types.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("typed", data));
