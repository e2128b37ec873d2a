//! Level 5: rehearsals. A whole network of real nodes on this machine, driven through the same commands and the same
//! control interface that operators and caseworkers use.
//!
//! Called by `kinmesh demo`. Its caseworkers decide by what a caseworker's screen shows; the answer key is opened only at
//! the end. Nothing here reaches behind the control interface, but the breach drill, which plays the thief.

pub mod breach;
pub mod data;
pub mod demo;
pub mod desks;
pub mod errors;
pub mod fleet;
pub mod ledger;
pub mod network;
pub mod plants;
pub mod report;
pub mod screen;
pub mod tap;
pub mod work;

pub use demo::{DemoOptions, run};
pub use errors::RehearsalError;
