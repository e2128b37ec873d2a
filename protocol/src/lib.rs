#![forbid(unsafe_code)]
//! Kinmesh protocol: decides everything and touches nothing.

pub mod audit;
pub mod base;
pub mod casework;
pub mod engine;
pub mod envelope;
pub mod linkage;
pub mod person;
pub mod private_match;
pub mod roster;
pub mod wire;
