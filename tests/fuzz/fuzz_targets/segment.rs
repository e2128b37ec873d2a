//! Arbitrary bytes as a segment of a set.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("segment", data));
