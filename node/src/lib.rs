//! x

pub mod keys;
pub mod network;
pub mod store;
