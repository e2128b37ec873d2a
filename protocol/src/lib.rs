//! Kinmesh protocol: decides everything and touches nothing.
//!
//! One input goes into `engine`, one set of effects comes out; the node commits its writes and then performs its actions.
//! A message enters through `wire` and `envelope` as something unverified, and reaches a machine only once it is verified:
//!
//! ```text
//! bytes -> envelope (shape, signature, seal) -> engine -> roster | private_match | casework -> rows and actions
//! person -> linkage (match keys) -> private_match (blind, evaluate, label, test) -> casework (claim to outcome)
//! ```
//!
//! A folder imports lower levels only: base 0; person, envelope, audit 1; linkage, roster 2; private_match 3; casework 4;
//! wire 5; engine 6. Deliberately absent: clocks, files, sockets, threads, OS randomness, and any store or network crate.

#![forbid(unsafe_code)]

pub mod audit;
pub mod base;
pub mod casework;
pub mod engine;
pub mod envelope;
pub mod linkage;
pub mod person;
pub mod private_match;
pub mod roster;
pub mod wire;
