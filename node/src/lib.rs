//! x

pub mod network;
