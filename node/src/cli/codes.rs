//! The table of the command line's own errors: code, exit code, what, why, what to do.
//!
//! `errors` reads it. A code never changes its meaning and is never used again; the engine's reasons stand in
//! `engine_codes`. The matches are exhaustive, so that a variant without a row does not compile.

use super::engine_codes;
use super::errors::{BundleProblem, FileProblem, Kind, NodeProblem, UsageProblem};
use super::exit::Exit;
use crate::control::{ClientError, Refused, UnlockProblem};
use crate::exchange::{FileError, FormFileError};

/// One row of the table.
#[derive(Debug)]
pub(super) struct Entry {
    /// Stable number, shown as `KM-nnnn`.
    pub(super) code: u16,
    pub(super) exit: Exit,
    pub(super) what: &'static str,
    pub(super) because: String,
    pub(super) next: &'static str,
}

impl Entry {
    /// The code as it is shown.
    pub(super) fn name(&self) -> String {
        format!("KM-{:04}", self.code)
    }
}

/// Makes a row.
pub(super) fn row(code: u16, exit: Exit, what: &'static str, because: impl Into<String>, next: &'static str) -> Entry {
    Entry { code, exit, what, because: because.into(), next }
}

/// The row of a kind.
pub(super) fn entry(kind: &Kind) -> Entry {
    match kind {
        Kind::Usage(problem) => usage(*problem),
        Kind::Client(error) => client(error),
        Kind::People(error) => people(error),
        Kind::Form(error) => form(error),
        Kind::File(problem) => file(*problem),
        Kind::Node(problem) => node(*problem),
        Kind::Bundle(problem) => bundle(*problem),
        Kind::Match(error) => row(1401, Exit::Usage, "the files cannot be used", error.to_string(), "--help says what they hold"),
        Kind::Partly { rejected } => row(
            6001,
            Exit::Partly,
            "some rows were left out",
            format!("{rejected} rows are not as they should be; the others were kept"),
            "correct the rows named above and import them in a file of their own",
        ),
        Kind::NothingKept => row(
            6002,
            Exit::Failed,
            "no row was kept",
            "each of them is not as it should be",
            "correct the rows named above; `--dry-run` checks without keeping",
        ),
        Kind::StillOpen { open } => row(
            6003,
            Exit::Unreachable,
            "the time was up before every member had answered",
            format!("{open} evaluations are open; they go on by themselves"),
            "kinmesh search status",
        ),
        Kind::SecondNeeded => row(
            6010,
            Exit::SecondPerson,
            "a second person has to confirm this",
            "one user has asked for it; nothing was sent",
            "another user gives the same command",
        ),
        Kind::Interrupted => row(6004, Exit::Interrupted, "interrupted; nothing was sent", "", ""),
        Kind::OtherAnswer => row(
            6005,
            Exit::Failed,
            "the daemon gave another answer than this program expects",
            "the two are of different releases",
            "stop the daemon and start the one of this release",
        ),
        Kind::Output => row(6006, Exit::Failed, "the result could not be written", "standard output was closed or is full", ""),
    }
}

fn usage(problem: UsageProblem) -> Entry {
    let (code, what, because, next) = match problem {
        UsageProblem::Arguments => {
            (1000, "these are not the arguments of a command", "one is missing, unknown or malformed", "--help")
        }
        UsageProblem::NoForm => {
            (1001, "no form", "this is no terminal on which to ask", "--template > FILE, fill it in, --form FILE")
        }
        UsageProblem::NoVerdict => (1002, "no verdict", "this is no terminal on which to ask", "--verdict same|different|unsure"),
        UsageProblem::NoDecision => {
            (1003, "no decision", "this is no terminal on which to ask", "--decision WORD --how WORD, and --text-file FILE")
        }
        UsageProblem::NoText => (
            1004,
            "no text to hand on",
            "a message or contact is what the person said",
            "--text-file FILE, or - for standard input",
        ),
        UsageProblem::NoPlan => (
            1005,
            "the search was not confirmed",
            "this is no terminal on which to ask",
            "search plan CASE, then --plan ID; or --yes",
        ),
        UsageProblem::NoSecret => (
            1006,
            "no passphrase",
            "this is no terminal on which to ask",
            "--credential FILE, or KINMESH_PASSPHRASE_FILE with the path of a file",
        ),
        UsageProblem::NoFingerprint => (
            1007,
            "no fingerprint",
            "this is no terminal on which to ask",
            "--fingerprint TEXT, from the letter of the custodians",
        ),
        UsageProblem::NoUser => (1008, "which user?", "several have a session here, or none can be guessed", "--user NAME"),
        UsageProblem::NoDir => (1009, "which node?", "there is no home folder for a default", "--dir DIR, or KINMESH_DIR"),
        UsageProblem::WholeId => (
            1011,
            "the record was not named whole",
            "this is no terminal on which to type its id",
            "give the whole id, as person list --json shows it",
        ),
        UsageProblem::NoMember => {
            (1010, "which society?", "a society's node is made with its id", "--member ID, for instance KE")
        }
    };
    row(code, Exit::Usage, what, because, next)
}

fn client(error: &ClientError) -> Entry {
    match error {
        ClientError::NotRunning => {
            row(2001, Exit::NotRunning, "the daemon is not running", "nobody answers on the node's socket", "kinmesh daemon run")
        }
        ClientError::NotOwner => row(
            2002,
            Exit::NotRunning,
            "the daemon belongs to another account of this system",
            "its socket is closed to others",
            "run this as the account that runs the daemon",
        ),
        ClientError::PathLength { .. } => row(
            2003,
            Exit::Usage,
            "the node's folder has too long a path",
            error.to_string(),
            "--dir with a shorter path, or a link to it",
        ),
        ClientError::Connect(_) => {
            row(2004, Exit::NotRunning, "no connection to the daemon", "the operating system refused", "kinmesh status")
        }
        ClientError::Answer => row(
            2005,
            Exit::Failed,
            "the daemon's answer cannot be read",
            "the connection broke off, or the daemon is of another release",
            "kinmesh status; what was durable is kept",
        ),
        ClientError::TooLong => {
            row(2006, Exit::Failed, "the daemon's answer is too long", error.to_string(), "ask for less: --limit N")
        }
        ClientError::NoAnswer => row(
            2007,
            Exit::Failed,
            "the daemon did not answer in time",
            "it is busy or stopped",
            "kinmesh status; what was durable goes on",
        ),
        ClientError::Refused(refused) => self::refused(*refused),
        ClientError::Unlock(problem) => unlock(*problem),
        ClientError::Failed(failure) => engine_codes::failure(failure),
    }
}

fn refused(refused: Refused) -> Entry {
    let because = refused.to_string();
    match refused {
        Refused::Session => row(2101, Exit::Locked, "no user is unlocked here", because, "kinmesh daemon unlock --user NAME"),
        Refused::Body { .. } => row(
            2102,
            Exit::Failed,
            "the daemon does not know this request",
            because,
            "use the program and the daemon of one release",
        ),
        Refused::TooLong => row(2103, Exit::Usage, "this is too much for one request", because, "send it in parts"),
        Refused::BrokenOff => row(2104, Exit::Failed, "the request did not arrive whole", because, "try again"),
        Refused::Busy => row(2105, Exit::Failed, "the daemon is busy", because, "try again in a moment"),
        Refused::Closing => {
            row(2106, Exit::NotRunning, "the daemon takes no requests", because, "kinmesh daemon run, once it has ended")
        }
        Refused::NoAnswer => {
            row(2107, Exit::Failed, "the node did not answer in time", because, "kinmesh status; what was durable goes on")
        }
        Refused::Path => row(
            2108,
            Exit::Failed,
            "the daemon does not know this request",
            because,
            "use the program and the daemon of one release",
        ),
    }
}

fn unlock(problem: UnlockProblem) -> Entry {
    let because = problem.to_string();
    match problem {
        UnlockProblem::Wrong => row(2201, Exit::Locked, "the records stay locked", because, "check --user and type it again"),
        UnlockProblem::ShortCredential => {
            row(2202, Exit::Locked, "the records stay locked", because, "use the credential file that `init` was given")
        }
        UnlockProblem::KeyFile => {
            row(2203, Exit::Failed, "the records stay locked", because, "restore the node's key folder from a backup")
        }
        UnlockProblem::Role => row(2204, Exit::Role, "there is nothing to unlock", because, "unlock a society's node"),
        UnlockProblem::Busy => row(2205, Exit::Failed, "the records stay locked", because, "try again in a moment"),
    }
}

fn people(error: &FileError) -> Entry {
    match error {
        FileError::Io(_) => {
            row(1101, Exit::Failed, "the file broke off", error.to_string(), "rows that were counted above are kept")
        }
        FileError::Utf16 => row(
            1102,
            Exit::Usage,
            "the file is in another encoding",
            error.to_string(),
            "save it as \"CSV UTF-8\", or: iconv -f UTF-16 -t UTF-8 FILE | kinmesh person import -",
        ),
        FileError::NoHeader => row(
            1103,
            Exit::Usage,
            "the file names no columns",
            format!("{error} names a person's name and each column once"),
            "put a line of column names first: id,given,family,father,mother,sex,birth,birth_place,last_place,phone,legal_basis,note",
        ),
    }
}

fn form(error: &FormFileError) -> Entry {
    let (code, next) = match error {
        FormFileError::Io(_) => (1201, "check the file, or - for standard input"),
        FormFileError::TooLong => (1202, "shorten the notes"),
        FormFileError::NotUtf8 => (1203, "save it as UTF-8"),
        FormFileError::Syntax { .. } => {
            (1204, "texts stand in quotation marks: given = \"...\"; --template prints an empty form")
        }
        FormFileError::UnknownKey { .. } => (1205, "--template prints the names that a form has"),
        FormFileError::Kind { .. } => (1206, "--template prints what each field takes"),
        FormFileError::Subjects { .. } => (1207, "open a second case for the others"),
    };
    row(code, Exit::Usage, "the form cannot be used; nothing was sent", error.to_string(), next)
}

fn file(problem: FileProblem) -> Entry {
    let because = problem.to_string();
    let (code, what, next) = match problem {
        FileProblem::NotThere => (1301, "a file cannot be read", "check its path"),
        FileProblem::NotAllowed => (1302, "a file cannot be read or written", "check its owner and mode"),
        FileProblem::Io => (1303, "a file cannot be read or written", "check the disk"),
        FileProblem::TooLong { .. } => (1304, "a file cannot be used", "shorten it, or check its path"),
        FileProblem::NotUtf8 => (1305, "a file cannot be used", "save it as UTF-8"),
        FileProblem::Empty => (1306, "a file cannot be used", "check its path"),
    };
    row(code, Exit::Usage, what, because, next)
}

fn bundle(problem: BundleProblem) -> Entry {
    let because = problem.to_string();
    let (code, exit, what, next) = match problem {
        BundleProblem::NotABundle => {
            (1501, Exit::Usage, "this is no bundle; nothing was changed", "check which file it is: kinmesh bundle inspect FILE")
        }
        BundleProblem::CutOff => (
            1502,
            Exit::Usage,
            "the bundle is not whole; nothing was changed",
            "copy it again, and take the medium out only when it is written",
        ),
        BundleProblem::Damaged => {
            (1503, Exit::Usage, "the bundle is damaged; nothing was changed", "copy it again, or ask for another one")
        }
        BundleProblem::TooLong => (1504, Exit::Usage, "the bundle is too long; nothing was changed", "check which file it is"),
        BundleProblem::ForAnother => (
            1505,
            Exit::Usage,
            "the bundle is not for this node; nothing was changed",
            "carry it to the member that `kinmesh bundle inspect FILE` shows; --dir names another node on this machine",
        ),
        BundleProblem::Exists => (1506, Exit::Usage, "no bundle was written", "name another file with --out, or remove that one"),
        BundleProblem::Refused { .. } => (
            1507,
            Exit::Partly,
            "a part of the bundle was refused",
            "see the reason of each above; what was refused still waits at its sender",
        ),
        BundleProblem::Stuck => {
            (1508, Exit::Failed, "the bundle is not done", "run it again: what was done counts; kinmesh status")
        }
    };
    row(code, exit, what, because, next)
}

fn node(problem: NodeProblem) -> Entry {
    match problem {
        NodeProblem::NotMade => {
            row(5001, Exit::Usage, "there is no node in this folder", "", "kinmesh --dir DIR init --member ID --network NET")
        }
        NodeProblem::AlreadyMade => {
            row(5002, Exit::Usage, "there is a node in this folder already", "", "--dir with another folder")
        }
        NodeProblem::InUse => row(5003, Exit::Failed, "another daemon has this folder", "", "kinmesh status"),
        NodeProblem::WrongSecret => {
            row(5004, Exit::Locked, "the node's keys stay closed", "not this node's passphrase or credential", "type it again")
        }
        NodeProblem::Keys => {
            row(5005, Exit::Failed, "the node's keys cannot be used", "", "restore the key folder from a backup")
        }
        NodeProblem::Store => row(
            5006,
            Exit::Failed,
            "the store cannot be opened",
            "",
            "leave its files as they are and restore a backup beside them",
        ),
        NodeProblem::DiskFull => {
            row(5007, Exit::Failed, "the disk is full; nothing was changed", "", "free some space and start again")
        }
        NodeProblem::Network => {
            row(5008, Exit::Failed, "the network cannot be opened", "", "check the listen addresses; a port may be taken")
        }
        NodeProblem::Clock => {
            row(5009, Exit::Clock, "the clock is not to be relied on", "", "set the system's clock and start again")
        }
        NodeProblem::RosterFile => row(5010, Exit::Usage, "a file is not what this step needs", "", "check which file it is"),
        NodeProblem::Verification => {
            row(5011, Exit::Verification, "verification failed; nothing was changed", "", "keep the file and ask the custodians")
        }
        NodeProblem::Ceremony => {
            row(5012, Exit::Usage, "the ceremony cannot be run", "", "a threshold of at least 2, and custodians at least as many")
        }
        NodeProblem::Demo => {
            row(5013, Exit::Failed, "the demo failed", "", "run it again with --keep DIR and read the logs there")
        }
        NodeProblem::Drill => {
            row(5014, Exit::Failed, "the drill failed", "", "run it again with --keep DIR and read the logs there")
        }
    }
}
