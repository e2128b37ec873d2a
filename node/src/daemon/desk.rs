//! The desk: what the control server passes on to the driver, one request and one reply.
//!
//! The driver owns the receiver of these and answers each exactly once; a dropped reply is read as a daemon that is
//! closing. Whether a user may do a thing is the engine's matter: the server only says who it is.

use kinmesh_protocol::base::sensitive::reveal;
use kinmesh_protocol::base::{Sensitive, UserId};
use kinmesh_protocol::engine::answer::{Answer, Failure};
use kinmesh_protocol::engine::command::Command;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::oneshot;

/// One request to the daemon.
#[derive(Debug)]
pub enum DeskRequest {
    /// Runs a command in the engine.
    Command {
        /// The unlocked user; none for the commands that need none, which run as `operator`.
        user: Option<UserId>,
        /// The command.
        command: Command,
        /// Takes the answer.
        reply: oneshot::Sender<Result<Answer, Failure>>,
    },
    /// Opens the records with a user's key.
    Unlock {
        /// The user.
        user: UserId,
        /// What opens the user's key.
        secret: UnlockInput,
        /// Takes the outcome.
        reply: oneshot::Sender<Result<(), UnlockProblem>>,
    },
    /// Locks the records.
    Lock {
        /// Answered once they are locked.
        reply: oneshot::Sender<()>,
    },
    /// Stops the daemon.
    Stop {
        /// Answered once it has taken the request; the process ends a little later.
        reply: oneshot::Sender<()>,
    },
}

/// What opens a user's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockInput {
    /// A passphrase, as typed.
    Passphrase(#[serde(with = "reveal")] Sensitive<String>),
    /// The content of a credential file: at least 32 random bytes.
    Credential(#[serde(with = "reveal")] Sensitive<Vec<u8>>),
}

/// Why the records stay locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockProblem {
    /// The passphrase or credential is not this user's, or there is no such user: the two look the same on purpose.
    #[error("not this user's passphrase or credential")]
    Wrong,
    /// A credential of fewer than 32 bytes.
    #[error("a credential has at least 32 bytes")]
    ShortCredential,
    /// The key file is damaged or of a later version.
    #[error("the key file cannot be read")]
    KeyFile,
    /// This node's role holds no records.
    #[error("a coordination node holds no records")]
    Role,
    /// Too many attempts are under way.
    #[error("too many attempts at once")]
    Busy,
}
