//! Why a rehearsal ended before its end.

use std::io;
use std::path::PathBuf;

use kinmesh_protocol::base::MemberId;
use thiserror::Error;

/// Why a rehearsal ended before its end.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// A file of the build is not as it must be.
    #[error("{file} of the demo's data is not as it must be")]
    Data {
        /// Which file.
        file: &'static str,
    },
    /// An input file is no table of people.
    #[error("{file} has no header with the columns of a person (given, family, birth, ...)")]
    Input {
        /// Which file.
        file: String,
    },
    /// The wrong number of input files.
    #[error("{found} input files, expected 2 to 5: one a society")]
    Files {
        /// Files that were given.
        found: usize,
    },
    /// A file could not be read or written.
    #[error("{path}: {kind}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A folder that is to be kept holds something.
    #[error("{path} exists and is not empty: name a folder that does not exist")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A command of the program failed.
    #[error("`kinmesh {command}` ended with exit code {code}; what it said stands above")]
    Command {
        /// Its first words.
        command: String,
        /// Its exit code; -1 for a signal.
        code: i32,
    },
    /// A process could not be started.
    #[error("a process could not be started: {0}")]
    Start(io::ErrorKind),
    /// A node did not come up, or went away.
    #[error("the node of {node} does not answer; its log is {log}")]
    Node {
        /// Which node.
        node: String,
        /// Its log.
        log: PathBuf,
    },
    /// A node answered something else than what was asked.
    #[error("the node of {node} failed a request: {what}")]
    Request {
        /// Which node.
        node: String,
        /// What it said; never personal data.
        what: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// A member that is not part of the play.
    #[error("{member} is not part of this network")]
    Member {
        /// Which one.
        member: MemberId,
    },
    /// The answer key was not met.
    #[error("{found} of {findable} found, {wrong} wrong")]
    Answers {
        /// Found as expected.
        found: usize,
        /// Expected to be found.
        findable: usize,
        /// Disclosures that should not be.
        wrong: usize,
    },
    /// Names were found where none may be.
    #[error("{count} names of the input were found {place}")]
    Leak {
        /// How many.
        count: usize,
        /// Where.
        place: &'static str,
    },
    /// The drill exposed somebody else's records.
    #[error("{count} people of other societies were readable at the stolen node")]
    Exposed {
        /// How many.
        count: usize,
    },
    /// Too few people for the drill.
    #[error("{people} people at {members} societies, at least {least} are needed: 10 at each")]
    TooFew {
        /// People that were asked for.
        people: u64,
        /// Societies.
        members: u16,
        /// The least.
        least: u64,
    },
    /// The drill's processes could not be measured: no /proc on this system, or a process that is gone.
    #[error("the memory of {node} cannot be read from /proc")]
    Memory {
        /// Which node.
        node: String,
    },
    /// The drill ended otherwise than it must.
    #[error(
        "{exposed} people of others exposed, {through} attacks not refused, {lost} matches lost, {ended} nodes ended by themselves, {slow} nodes refused too late"
    )]
    Drill {
        /// People of others.
        exposed: u64,
        /// Attacks that were not refused.
        through: usize,
        /// Matches.
        lost: usize,
        /// Nodes.
        ended: usize,
        /// Nodes that took longer than the goal to refuse the lost member.
        slow: usize,
    },
    /// Stopped by the user.
    #[error("stopped")]
    Interrupted,
}
