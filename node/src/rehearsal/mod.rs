//! Level 5: rehearsals. A whole network of real nodes on this machine, driven through the same commands and the same
//! control interface that operators and caseworkers use.
//!
//! Called by `kinmesh demo` and `kinmesh drill breach`. Its caseworkers decide by what a caseworker's screen shows; the answer key is opened only at
//! the end. Nothing here reaches behind the control interface, but the breach drills, which play the thief.

pub mod breach;
pub mod data;
pub mod demo;
pub mod desks;
pub mod drill;
pub mod drill_attacks;
pub mod drill_people;
pub mod drill_report;
pub mod drill_thief;
pub mod drill_usage;
pub mod drill_world;
pub mod errors;
pub mod fleet;
pub mod ledger;
pub mod network;
pub mod plants;
pub mod ports;
pub mod report;
pub mod screen;
pub mod tap;
pub mod work;

pub use demo::{DemoOptions, run};
pub use drill::{DrillOptions, bare_peer, run as drill};
pub use errors::RehearsalError;
