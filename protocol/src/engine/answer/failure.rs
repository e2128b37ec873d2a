//! Why a command was not done; never holds personal data.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::PersonId;
use crate::base::limits::HOUSEHOLD;
use crate::engine::answer::erasure::ErasureProblem;
use crate::engine::bundle_out::CarryProblem;
use crate::person::FormError;

/// Why a command was not done. Never holds personal data.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "failed", rename_all = "snake_case")]
pub enum Failure {
    /// The records are locked.
    #[error("the records are locked")]
    Locked,
    /// No roster is held yet.
    #[error("this node has not joined a network yet")]
    NotJoined,
    /// This node's role does not do that.
    #[error("a coordination node holds no people and no cases")]
    Role,
    /// Nothing has that id or prefix.
    #[error("nothing has this id")]
    Unknown,
    /// Several things have that prefix.
    #[error("several ids start like this: type more of it")]
    Ambiguous,
    /// A prefix of fewer than six characters, or another kind's letter.
    #[error("not an id of this kind: a letter, a dash and at least six characters")]
    NotAnId,
    /// A field of a form is wrong.
    #[error("{0}")]
    Form(FormError),
    /// The case lacks something that must come before a search.
    #[error("{0}")]
    Blocked(Block),
    /// The state moved on since the plan or view was made.
    #[error("the state changed meanwhile")]
    Stale,
    /// The thing is not in the state that this needs.
    #[error("not possible in state {state}")]
    State {
        /// State it is in.
        state: String,
    },
    /// Two records cannot be joined or parted.
    #[error("{0}")]
    Pair(PairProblem),
    /// A public message was refused.
    #[error("{0}")]
    Public(PublicProblem),
    /// A paper of an audit was refused.
    #[error("{0}")]
    Audit(AuditProblem),
    /// A record was not erased.
    #[error("{0}")]
    Erasure(ErasureProblem),
    /// No bundle is made for the member.
    #[error("{0}")]
    Carry(CarryProblem),
    /// This node is suspended.
    #[error("this member is suspended")]
    Suspended,
    /// The roster was not confirmed for too long, or has ended.
    #[error("the roster at this node was not confirmed for too long")]
    RosterOld,
    /// Only the coordination node does that.
    #[error("only the coordination node confirms rosters")]
    CoordinatorOnly,
    /// It would be done to this node's own member.
    #[error("this is the node's own member")]
    OwnMember,
    /// Two different people have to do it.
    #[error("the same user did the first half of it")]
    SecondPerson,
    /// A list is longer than its limit.
    #[error("more than {limit} items")]
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// The store did not take the change: it is full or failing. Nothing was changed.
    #[error("the store did not take the change; nothing was changed")]
    Store,
    /// A stored value is damaged.
    #[error("a stored value is damaged")]
    Damaged,
    /// Too many commands are open.
    #[error("too many commands are open")]
    Busy,
}

/// Why two records were not said to be one person, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairProblem {
    /// The same record twice.
    #[error("both ids name the same record")]
    Same,
    /// The pair is not linked.
    #[error("the two are not linked")]
    NotLinked,
    /// The record is shown as another one already.
    #[error("{} is the same person as {} already", .person.short(), .shown.short())]
    Merged {
        /// The record.
        person: PersonId,
        /// The one that it is shown as.
        shown: PersonId,
    },
    /// Their households together are too large.
    #[error("their households together would have more than {HOUSEHOLD} records")]
    Household,
}

/// Why a paper of an audit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditProblem {
    /// The challenge names other members.
    #[error("the challenge is not for this member")]
    NotForUs,
    /// Not signed by who may sign it, or out of its time.
    #[error("not signed by who may sign it, or out of its time")]
    Refused,
    /// It is of another audit.
    #[error("it belongs to another audit")]
    Other,
    /// The parts of the owner's list do not fit together.
    #[error("the parts of the owner's list do not fit together")]
    Parts,
    /// The timestamp was not signed within seven days after the challenge.
    #[error("the timestamp was not signed within seven days after the challenge")]
    Draw,
    /// Another timestamp has drawn the sample.
    #[error("another timestamp has drawn the sample of this audit")]
    Drawn,
    /// A paper is missing.
    #[error("a paper of the audit is missing: the challenge, a part of the list, or the timestamp")]
    Incomplete,
}

/// What blocks a search or disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// No safety assessment that says `safe`.
    #[error("the safety assessment does not say that the search is safe")]
    Safety,
    /// No sought person.
    #[error("the case has no sought person")]
    NoSubject,
    /// No consent for this.
    #[error("the person has not agreed to this")]
    NoConsent,
    /// The enquirer did not agree to be named.
    #[error("the enquirer has not agreed to be named")]
    EnquirerNotAgreed,
    /// Policy of the case.
    #[error("the case forbids a claim at this member")]
    Policy,
    /// Audience of the record.
    #[error("the record is hidden from this member")]
    Audience,
}

/// Why a public message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicProblem {
    /// The fingerprint was not given, and no roster is held yet.
    #[error("type the root fingerprint that you were given")]
    FingerprintNeeded,
    /// The fingerprint is not one.
    #[error("not a fingerprint: eight groups of four characters")]
    FingerprintForm,
    /// The roster's custodians are not those of the fingerprint.
    #[error("the custodians' keys are not those of this fingerprint")]
    FingerprintWrong,
    /// Not signed by enough custodians.
    #[error("not signed by enough custodians")]
    Signatures,
    /// Older than the roster that is held.
    #[error("older than the roster that is held")]
    Rollback,
    /// Another roster of the same version: a split view.
    #[error("another roster of the same version: keep both files and tell the custodians")]
    SplitView,
    /// Expired.
    #[error("expired")]
    Expired,
    /// Of another network.
    #[error("of another network")]
    Network,
    /// This node's member, root key or profile is not as the roster says.
    #[error("this node is not listed in it with its keys")]
    NotListed,
    /// Another matching profile than this release's.
    #[error("asks for another matching profile than this release has")]
    Profile,
    /// The member was suspended before on the same roster: a second time needs a roster in between.
    #[error("the member was suspended on this roster before: only a roster can go on with it")]
    SuspendedBefore,
    /// A timestamp that names a later roster than the one that is held.
    #[error("it names a later roster than the one that is held")]
    Behind,
    /// A suspension that names a roster which this node does not have, or which was replaced long before.
    #[error("it names another roster than the one that is held")]
    SuspensionVersion,
    /// Not well formed.
    #[error("not well formed")]
    Form,
}
