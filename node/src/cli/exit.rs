//! Exit codes: the contract with scripts (docs/src/cli.md).

use std::process::ExitCode;

/// How a command ended. A code that is not listed here is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, or queued.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The arguments or a form are wrong.
    Usage = 2,
    /// Done in part: rows or peers failed.
    Partly = 3,
    /// The daemon is not running.
    NotRunning = 10,
    /// Locked, or a wrong passphrase.
    Locked = 11,
    /// The role does not allow it.
    Role = 12,
    /// Waits for a second person.
    SecondPerson = 13,
    /// Stopped by policy, consent or safety.
    Blocked = 14,
    /// The roster is missing, stale or rolled back.
    Roster = 15,
    /// This node is suspended.
    Suspended = 16,
    /// The state has changed, the plan is stale.
    Stale = 17,
    /// Peers did not answer in time, with `--wait`.
    Unreachable = 20,
    /// Verification failed.
    Verification = 21,
    /// The clock is not to be relied on.
    Clock = 22,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
