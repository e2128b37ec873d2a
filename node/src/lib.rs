//! Kinmesh node: does what the engine decided.

pub mod coordinator;
pub mod daemon;
pub mod exchange;
pub mod keys;
pub mod network;
pub mod store;
