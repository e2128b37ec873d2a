//! What the slices do; each is pure over its bulk.

pub mod build;
pub mod compare;
pub mod decoys;
pub mod evaluation;
pub mod index;
pub mod removal;
pub mod sweep;
pub mod test;
