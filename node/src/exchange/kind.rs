//! What kind of failure a command met: the command line turns it into an exit code and a hint.
//!
//! Each command of the daemon and the coordinator has its own typed errors; this says what they have in common for an operator.

/// What an operator can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was typed or written in a file is not possible.
    Usage,
    /// The machine refused: a file, the disk, the memory.
    Machine,
    /// Wrong passphrase or credential.
    Secret,
    /// Something that must be genuine is not: a signature, a fingerprint, an expiry.
    Verification,
    /// A roster is missing, older or of another version than needed.
    Roster,
    /// Another process has the folder.
    InUse,
}
