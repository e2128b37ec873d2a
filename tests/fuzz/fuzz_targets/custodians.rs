//! Arbitrary bytes as what custodians sign.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("custodians", data));
