#![forbid(unsafe_code)]
//! Kinmesh protocol: decides everything and touches nothing.

pub mod base;
pub mod envelope;
pub mod roster;
