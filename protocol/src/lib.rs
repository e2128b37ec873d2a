#![forbid(unsafe_code)]
//! Kinmesh protocol: decides everything and touches nothing.

pub mod base;
pub mod casework;
pub mod private_match;
