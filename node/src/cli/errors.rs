//! What a command says when it fails: what happened, why, what to do, a stable code, an exit code.
//!
//! Every noun and the wiring of other folders return [`CommandError`]. The texts stand in `codes` and `engine_codes`, one
//! row a variant. No error holds personal data: kinds carry numbers, ids and the program's own words.

use std::fmt::Display;

use serde::Serialize;
use thiserror::Error;

use super::codes;
use super::exit::Exit;
use crate::control::ClientError;
use crate::exchange::{FileError, FormFileError};
use crate::matching::MatchError;

/// A failed command.
#[derive(Debug)]
pub struct CommandError {
    /// What kind of failure it is.
    pub kind: Kind,
    /// A cause that the kind does not tell, of another folder's own error.
    pub detail: Option<String>,
    /// Further advice.
    pub hints: Vec<&'static str>,
}

impl CommandError {
    /// Adds the cause as another folder tells it. Its text must hold no personal data, as no error of the project does.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Self {
        self.detail = Some(cause.to_string());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hints.push(hint);
        self
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        codes::entry(&self.kind).exit
    }

    /// The lines for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let entry = codes::entry(&self.kind);
        let mut text = format!("✗ {} [{}]\n", entry.what, entry.name());
        for because in
            [Some(entry.because.as_str()), self.detail.as_deref()].into_iter().flatten().filter(|cause| !cause.is_empty())
        {
            text.push_str(&format!("  because {because}\n"));
        }
        for next in std::iter::once(entry.next).chain(self.hints.iter().copied()).filter(|next| !next.is_empty()) {
            text.push_str(&format!("  → {next}\n"));
        }
        text
    }

    /// The object for a script.
    #[must_use]
    pub fn json(&self) -> String {
        let entry = codes::entry(&self.kind);
        let because = match &self.detail {
            Some(detail) if entry.because.is_empty() => detail.clone(),
            Some(detail) => format!("{}: {detail}", entry.because),
            None => entry.because.clone(),
        };
        let shown = Shown {
            schema: "kinmesh/error/1",
            code: entry.name(),
            exit: entry.exit as u8,
            what: entry.what,
            because: &because,
            next: entry.next,
            hints: &self.hints,
        };
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

impl<K: Into<Kind>> From<K> for CommandError {
    fn from(kind: K) -> Self {
        Self { kind: kind.into(), detail: None, hints: Vec::new() }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    code: String,
    exit: u8,
    what: &'static str,
    because: &'a str,
    next: &'static str,
    hints: &'a [&'static str],
}

/// Every way in which a command fails.
#[derive(Debug, Error)]
pub enum Kind {
    /// The arguments do not fit together, or the terminal is missing that would be asked.
    #[error("usage")]
    Usage(#[from] UsageProblem),
    /// The daemon could not be asked, or did not do it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file of people cannot be read.
    #[error(transparent)]
    People(#[from] FileError),
    /// A form is none.
    #[error(transparent)]
    Form(#[from] FormFileError),
    /// A file that was named in an argument.
    #[error("a file")]
    File(#[from] FileProblem),
    /// Labelled data or descriptions cannot be used.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// Rows were left out, others were kept.
    #[error("{rejected} rows were left out")]
    Partly {
        /// Rows left out.
        rejected: u64,
    },
    /// No row was kept.
    #[error("no row was kept")]
    NothingKept,
    /// Evaluations had not been answered when the time was up.
    #[error("{open} evaluations are not answered")]
    StillOpen {
        /// How many.
        open: u64,
    },
    /// Another user has to say so too.
    #[error("a second person is needed")]
    SecondNeeded,
    /// The user left a prompt.
    #[error("left")]
    Interrupted,
    /// The daemon answered with something else than was asked.
    #[error("another answer")]
    OtherAnswer,
    /// The result could not be written.
    #[error("not written")]
    Output,
    /// A bundle.
    #[error("a bundle")]
    Bundle(#[from] BundleProblem),
    /// A matter of the node itself: its folder, keys, store, roster files.
    #[error("the node")]
    Node(#[from] NodeProblem),
}

/// What is wrong with a bundle, or keeps one from being made or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BundleProblem {
    /// The first bytes are others.
    #[error("it does not start as a bundle does")]
    NotABundle,
    /// It ends within an item.
    #[error("it ends within an item: it was cut off or copied in part")]
    CutOff,
    /// An item has a length that none has.
    #[error("the length of an item is none that an item has")]
    Damaged,
    /// Longer than 256 MiB.
    #[error("a bundle has at most 256 MiB")]
    TooLong,
    /// Its cells are sealed to somebody else.
    #[error("its cells are for another member")]
    ForAnother,
    /// A file of that name is there.
    #[error("a file of that name is there already")]
    Exists,
    /// Some items were refused.
    #[error("{items} items were refused; the others were taken")]
    Refused {
        /// How many.
        items: u64,
    },
    /// The daemon does not get on.
    #[error("the daemon does not get on with its work")]
    Stuck,
}

/// Arguments that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UsageProblem {
    /// Not the arguments that a command takes.
    #[error("arguments")]
    Arguments,
    /// No terminal on which to type an id, and only the beginning of one.
    #[error("not a whole id")]
    WholeId,
    /// Neither a terminal nor `--form`.
    #[error("no form")]
    NoForm,
    /// Neither a terminal nor `--verdict`.
    #[error("no verdict")]
    NoVerdict,
    /// Neither a terminal nor `--decision` and `--how`.
    #[error("no decision")]
    NoDecision,
    /// A message or contact without its text.
    #[error("no text")]
    NoText,
    /// `search run` without `--plan` or `--yes`, and nobody to ask.
    #[error("no plan")]
    NoPlan,
    /// No passphrase and nobody to ask.
    #[error("no passphrase")]
    NoSecret,
    /// No fingerprint and nobody to ask.
    #[error("no fingerprint")]
    NoFingerprint,
    /// No user named and none to be guessed.
    #[error("no user")]
    NoUser,
    /// No home folder for the default.
    #[error("no folder")]
    NoDir,
    /// `init` of a society without its id.
    #[error("no member id")]
    NoMember,
}

/// What is wrong with a file that an argument or variable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FileProblem {
    /// It is not there.
    #[error("not there")]
    NotThere,
    /// It may not be read or written.
    #[error("not allowed")]
    NotAllowed,
    /// Another fault of the operating system.
    #[error("input or output failed")]
    Io,
    /// Longer than it may be.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// Bytes that it may have.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Empty.
    #[error("empty")]
    Empty,
}

/// A matter of the node itself, for the folders behind [`super::Elsewhere`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NodeProblem {
    /// The folder holds no node.
    #[error("no node here")]
    NotMade,
    /// The folder holds a node already.
    #[error("a node is here already")]
    AlreadyMade,
    /// Another daemon has the folder.
    #[error("in use")]
    InUse,
    /// A wrong passphrase or credential for the node's own keys.
    #[error("wrong secret")]
    WrongSecret,
    /// The key files cannot be read or written.
    #[error("keys")]
    Keys,
    /// The store is damaged or another node's.
    #[error("store")]
    Store,
    /// The disk is full.
    #[error("disk full")]
    DiskFull,
    /// The network could not be opened: an address is wrong or taken.
    #[error("network")]
    Network,
    /// The clock is not to be relied on.
    #[error("clock")]
    Clock,
    /// A roster, bundle, enrolment or key file is not what it should be.
    #[error("file")]
    RosterFile,
    /// A signature or fingerprint is not right.
    #[error("verification")]
    Verification,
    /// The ceremony's numbers do not fit.
    #[error("ceremony")]
    Ceremony,
    /// The demo failed.
    #[error("demo")]
    Demo,
    /// The drill failed, or showed what must not be.
    #[error("drill")]
    Drill,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let error = CommandError::from(ClientError::NotRunning).hint("kinmesh --dir alba daemon run");
        let text = error.text();
        assert!(text.starts_with("✗ the daemon is not running [KM-2001]\n  because "), "{text}");
        assert!(text.ends_with("  → kinmesh --dir alba daemon run\n"), "{text}");
        assert_eq!(error.exit(), Exit::NotRunning);
        let json: serde_json::Value = serde_json::from_str(&error.json()).unwrap();
        assert_eq!((json["code"].as_str(), json["exit"].as_u64()), (Some("KM-2001"), Some(10)));
        assert_eq!(json["schema"], "kinmesh/error/1");
    }

    #[test]
    fn a_cause_of_another_folder_is_added() {
        let error = CommandError::from(NodeProblem::Store).because("page 7 is damaged");
        assert!(error.text().contains("  because page 7 is damaged\n"));
        assert!(error.json().contains("page 7 is damaged"));
    }
}
