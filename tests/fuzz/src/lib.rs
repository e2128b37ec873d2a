//! The bodies of the targets, from the folder that the ordinary tests run too.
//!
//! Included and not depended on: the crate of that folder stands on the whole node, which is slow to build with a sanitizer.

#![allow(dead_code, clippy::panic, clippy::indexing_slicing, reason = "a target stops a run by failing it")]

#[path = "../../src/fuzzing/mod.rs"]
mod fuzzing;

pub use fuzzing::run;
