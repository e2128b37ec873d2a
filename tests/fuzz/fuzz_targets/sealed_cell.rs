//! Arbitrary bytes as what a member seals in a cell.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinmesh_fuzz::run("sealed_cell", data));
