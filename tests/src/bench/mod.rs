//! What the product costs, each figure beside a reference that is measured in the same run.
//!
//! Absolute figures do not carry over from machine to machine, ratios do: so ours and the reference alternate in short
//! rounds (A B B A), each round gives a ratio, and the median of all rounds counts. Crypto and sets are measured in CPU
//! time of the thread, commits in wall time, memory in a process of its own.

mod answering;
mod commits;
mod entry;
mod figure;
mod keys;
mod paired;
mod people;
mod processes;
mod raw_voprf;
mod reference;
mod search;
mod sets;

pub use entry::main;
