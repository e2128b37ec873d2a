//! The node: does what the engine decided. A library, so that the demo and the tests run the same commands.
//! Kinmesh node: does what the engine decided.

pub mod coordinator;
pub mod daemon;
pub mod exchange;
pub mod keys;
pub mod cli;
pub mod control;
pub mod network;
pub mod store;
