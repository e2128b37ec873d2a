#![forbid(unsafe_code)]
//! Kinmesh protocol: decides everything and touches nothing.

pub mod base;
pub mod casework;
pub mod engine;
pub mod person;
pub mod linkage;
pub mod envelope;
pub mod private_match;
pub mod wire;
