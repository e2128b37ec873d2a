//! Harness, simulator and benches of Kinmesh.
//!
//! `simulation` drives the real engines of a whole network in virtual time; the test binaries beside this library use it.
//! `fuzzing` and `fuzzing_files` hold what is tried with arbitrary bytes. `bench` measures what the product costs, for the
//! binary of that name.
//! Nothing here is part of the product, and nothing in the product knows it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a harness stops a test by failing it"
)]

pub mod bench;
mod clock;
pub mod fuzzing;
pub mod fuzzing_files;
pub mod simulation;
