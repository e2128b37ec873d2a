//! Kinmesh node: does what the engine decided.
//!
//! A library, so that the demo and the tests run the same commands as the binary. Levels: keys; store, network, exchange;
//! daemon, coordinator, matching; control; cli; rehearsal. A folder imports lower ones only.

pub mod cli;
pub mod control;
pub mod coordinator;
pub mod daemon;
pub mod exchange;
pub mod keys;
pub mod matching;
pub mod network;
pub mod rehearsal;
pub mod store;

mod wiring;

pub use wiring::main;
