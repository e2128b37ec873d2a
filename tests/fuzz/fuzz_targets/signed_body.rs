//! Arbitrary bytes as a body that a member signed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("signed_body", data));
