//! Arbitrary bytes as the body of a message.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("body", data));
