//! Arbitrary bytes as an item of a carrier.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("item", data));
