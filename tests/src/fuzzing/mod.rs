//! What is tried with arbitrary bytes: one target a file, all of them in one table.
//!
//! The same body runs in two places. `tests/tests/fuzz.rs` runs it over the committed corpus and over inputs mutated from
//! it, with every `cargo test`. `tests/fuzz`, a workspace of its own that includes this folder, runs it under libFuzzer for
//! as long as one likes. So this folder uses the product's crates and nothing else of this crate.
//!
//! A new target is a file with a `run`, a line in the table, a file in `tests/fuzz/fuzz_targets` with its entry in
//! `tests/fuzz/Cargo.toml`, and seeds in `tests/fuzz/corpus`; the test says which of them is missing.

mod bodies;
mod envelopes;
mod mutation;
mod papers;
mod raw_record;
mod sets;
mod targets;

pub use mutation::mutated;
pub use targets::{TARGETS, Target, run};
