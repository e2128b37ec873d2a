//! Kinmesh node: does what the engine decided.

pub mod daemon;
pub mod exchange;
pub mod network;
