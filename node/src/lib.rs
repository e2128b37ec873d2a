//! The node: does what the engine decided. A library, so that the demo and the tests run the same commands.

pub mod cli;
pub mod control;
pub mod coordinator;
pub mod daemon;
pub mod exchange;
pub mod keys;
pub mod network;
pub mod store;
