//! A deterministic simulator: real engines, real cryptography, real jobs; simulated are time, network, disk and crashes.
//!
//! One seed decides everything. The same seed gives the same trace to the byte, so a failure is repeated by its number.

pub mod bait;
pub mod bundles;
pub mod clocks;
mod commands;
pub mod desks;
pub mod faults;
pub mod hostile;
pub mod invariants;
pub mod links;
pub mod meter;
pub mod moments;
pub mod network;
pub mod people;
pub mod sets;
pub mod store;
pub mod trace;
pub mod world;

pub use faults::Faults;
pub use links::Observed;
pub use network::{Papers, Setup, start, start_among, start_with};
pub use store::SimStore;
pub use world::World;
