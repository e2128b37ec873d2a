//! Arbitrary bytes as a bundle.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("bundle", data));
