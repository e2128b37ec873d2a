//! Level N2: the daemon of a node. One loop that asks the engine, commits and performs; around it the only clock, the job pool,
//! the folder of a node and how it is made.

pub mod clock;
pub mod desk;
pub mod driver;
pub mod folder;
pub mod init;
pub mod jobs;
pub mod join;
pub mod opened;
mod perform;
pub mod public;
pub mod renewal;
pub mod run;
mod tickets;
pub mod users;

#[cfg(test)]
mod tests;

pub use desk::{DeskRequest, UnlockInput, UnlockProblem};
