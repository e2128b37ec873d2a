//! The node: does what the engine decided. A library, so that the demo and the tests run the same commands.

pub mod keys;
pub mod cli;
pub mod control;
pub mod exchange;
pub mod network;
pub mod store;
