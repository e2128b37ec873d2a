//! Arbitrary bytes as a CBOR item.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("canonical", data));
