//! What crosses the socket: paths, bodies and limits of version 1, the same types for server and client.
//!
//! A body is JSON. An answer is an object with one key: `ok`, `failed` (the engine's reason) or `refused` (this API's).

use kinmesh_protocol::base::sensitive::reveal;
use kinmesh_protocol::base::{Sensitive, UserId};
use kinmesh_protocol::engine::answer::{Answer, Failure};
use kinmesh_protocol::engine::command::Command;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::daemon::desk::{UnlockInput, UnlockProblem};

/// Runs one command: [`CommandRequest`] to [`Reply`].
pub const COMMAND_PATH: &str = "/v1/command";
/// Opens the records for a user: [`UnlockRequest`] to [`UnlockReply`].
pub const UNLOCK_PATH: &str = "/v1/unlock";
/// Locks the records and ends every session.
pub const LOCK_PATH: &str = "/v1/lock";
/// Stops the daemon.
pub const STOP_PATH: &str = "/v1/stop";
/// How the node is, without a session.
pub const STATUS_PATH: &str = "/v1/status";

/// Bytes of a request body: a roster of the largest size as a JSON list of numbers fits.
pub const REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a reply that a client reads: every public message a node may hold, as JSON lists of numbers.
pub const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// Names an unlocked user towards the daemon: 52 characters of base32. Held in a file that only its owner can read.
pub type SessionToken = Sensitive<String>;

/// Body of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// The user's session; the few commands that open nobody need none.
    #[serde(with = "optional_session", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionToken>,
    /// The command.
    pub command: Command,
}

/// Body of an unlock.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// Whose key opens the records.
    pub user: UserId,
    /// What opens that key.
    pub secret: UnlockInput,
}

/// What an unlock gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    /// The token for further commands.
    #[serde(with = "reveal")]
    pub session: SessionToken,
}

/// Answer to a command and to `status`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It was done.
    Ok(Answer),
    /// The engine says why not.
    Failed(Failure),
    /// The request did not reach the engine, or its answer did not come.
    Refused(Refused),
}

/// Answer to an unlock.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockReply {
    /// The records are open.
    Ok(Session),
    /// They are not.
    Failed(UnlockProblem),
    /// The request did not reach the daemon's desk.
    Refused(Refused),
}

/// Answer to `lock` and `stop`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledged {
    /// It was done.
    Ok,
    /// The request did not reach the daemon's desk.
    Refused(Refused),
}

/// Why the API itself did not do what was asked. Places in the body, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// No session, or one that has ended.
    #[error("no unlocked user")]
    Session,
    /// The body is not a request of this version.
    #[error("not a request of version 1: line {line}, column {column}")]
    Body {
        /// Line of the body, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The body is longer than [`REQUEST_BYTES`].
    #[error("longer than {REQUEST_BYTES} bytes")]
    TooLong,
    /// The body did not come in time, or broke off.
    #[error("the request broke off")]
    BrokenOff,
    /// Too many requests are open.
    #[error("too many requests are open")]
    Busy,
    /// The daemon is starting or stopping.
    #[error("the daemon is starting or stopping")]
    Closing,
    /// The answer did not come in time; what is durable goes on.
    #[error("no answer in time")]
    NoAnswer,
    /// No such path or method.
    #[error("no such path in version 1")]
    Path,
}

/// A session that may be absent.
mod optional_session {
    use kinmesh_protocol::base::Sensitive;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::SessionToken;

    pub fn serialize<S: Serializer>(token: &Option<SessionToken>, s: S) -> Result<S::Ok, S::Error> {
        match token {
            Some(token) => s.serialize_some(token.expose()),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SessionToken>, D::Error> {
        Ok(Option::<String>::deserialize(d)?.map(Sensitive::new))
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::engine::answer::{Block, PublicProblem};
    use kinmesh_protocol::person::{FormError, FormProblem};

    use super::*;

    #[test]
    fn every_kind_of_failure_survives_the_way_through_json() {
        let failures = [
            Failure::Locked,
            Failure::Form(FormError { field: "birth".to_owned(), problem: FormProblem::Date }),
            Failure::Blocked(Block::Safety),
            Failure::State { state: "closed".to_owned() },
            Failure::Public(PublicProblem::SplitView),
            Failure::TooMany { limit: 16 },
        ];
        for failure in failures {
            let text = serde_json::to_string(&Reply::Failed(failure.clone())).unwrap();
            match serde_json::from_str(&text).unwrap() {
                Reply::Failed(back) => assert_eq!(back, failure),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_request_says_what_it_holds_and_never_prints_it() {
        let request = CommandRequest { session: Some("token".into()), command: Command::Status };
        assert!(!format!("{request:?}").contains("token"));
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"session":"token","command":{"do":"status"}}"#);
        let unlock = UnlockRequest { user: UserId::new("amina").unwrap(), secret: UnlockInput::Passphrase("open".into()) };
        assert!(!format!("{unlock:?}").contains("open"));
        assert!(serde_json::from_str::<CommandRequest>(r#"{"command":{"do":"status"},"more":1}"#).is_err());
    }
}
