//! What the slices do; each is pure over its bulk.

pub mod build;
pub mod check;
pub mod compare;
pub mod decoys;
pub mod delta;
pub mod evaluation;
pub mod index;
pub mod remains;
pub mod removal;
pub mod round;
pub(super) mod sets;
pub(super) mod shared;
pub mod sweep;
pub(super) mod tags;
pub mod test;

#[cfg(test)]
mod memory;
