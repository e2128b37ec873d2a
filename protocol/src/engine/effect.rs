//! What the engine wants done: rows to commit, and then actions to perform.

use core::fmt;

use crate::base::{DeliveryId, JobId, PeerId, ReceiptId, Ticket, Timestamp};
use crate::engine::answer::{Answer, Failure};
use crate::engine::batch::Batch;
use crate::engine::job::{Job, JobClass};

/// One step's result: commit `writes`, then and only then perform `actions`.
#[must_use]
#[derive(Default)]
pub struct Effects {
    /// One atomic, durable batch; empty if nothing changes.
    pub writes: Batch,
    /// In this order, after the commit.
    pub actions: Vec<Action>,
}

/// The whole answer of a carrier's recipient; nothing else crosses unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The receiver has committed what the item caused.
    Committed,
    /// Try again after this many milliseconds.
    Busy(u32),
    /// Refused; the code is one of protocol.md 3.7.
    Refused(u8),
}

/// What the driver does after the commit.
pub enum Action {
    /// Gives an item to the network; at most one in flight a peer and cell kind.
    Send {
        /// Names the delivery in `Input::Sent`.
        delivery: DeliveryId,
        /// The peer's transport identity.
        peer: PeerId,
        /// A cell or a public message.
        item: Vec<u8>,
    },
    /// Answers a carrier.
    Receipt {
        /// The item it answers.
        of: ReceiptId,
        /// The answer.
        answer: Receipt,
    },
    /// Ends a ticket; exactly one for each.
    Reply {
        /// The ticket.
        ticket: Ticket,
        /// Its answer.
        answer: Box<Result<Answer, Failure>>,
    },
    /// Lets a peer through the gate.
    Admit {
        /// The peer.
        peer: PeerId,
    },
    /// Shuts the gate for a peer and disconnects it.
    Deny {
        /// The peer.
        peer: PeerId,
    },
    /// Connects to a peer.
    Dial {
        /// The peer.
        peer: PeerId,
        /// Multiaddresses as texts; none for a peer that only the relay leads to.
        addresses: Vec<String>,
    },
    /// Names the node whose relay is used: this node keeps a place there, and reaches others through it where no address
    /// leads to them. Replaces the one named before.
    Relay {
        /// The relay.
        peer: PeerId,
        /// Its multiaddresses as texts.
        addresses: Vec<String>,
    },
    /// Takes another transport identity: every connection ends and is made again.
    Identify {
        /// Seed of the operational key that is it.
        seed: crate::base::Sensitive<[u8; 32]>,
    },
    /// Gives a job to the pool.
    Run {
        /// Names the job in `Input::JobDone`.
        job: JobId,
        /// Which work the pool takes first.
        class: JobClass,
        /// The work.
        work: Box<Job>,
    },
    /// Asks for one `Input::Wake` at this time; replaces the last such request.
    WakeAt(Timestamp),
    /// A code and ids for log and metrics, never personal data.
    Notify(Notice),
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Send { delivery, peer, item } => write!(f, "Send({delivery:?}, {peer:?}, {} B)", item.len()),
            Action::Receipt { of, answer } => write!(f, "Receipt({of:?}, {answer:?})"),
            Action::Reply { ticket, answer } => write!(f, "Reply({ticket:?}, ok {})", answer.is_ok()),
            Action::Admit { peer } => write!(f, "Admit({peer:?})"),
            Action::Deny { peer } => write!(f, "Deny({peer:?})"),
            Action::Dial { peer, .. } => write!(f, "Dial({peer:?})"),
            Action::Identify { .. } => f.write_str("Identify"),
            Action::Relay { peer, .. } => write!(f, "Relay({peer:?})"),
            Action::Run { job, class, .. } => write!(f, "Run({job:?}, {class:?})"),
            Action::WakeAt(at) => write!(f, "WakeAt({at:?})"),
            Action::Notify(notice) => write!(f, "Notify({notice:?})"),
        }
    }
}

/// An event for the log: a code and ids, never personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub code: NoticeCode,
    /// The member it concerns, if any.
    pub member: Option<crate::base::MemberId>,
    /// A number that belongs to the code: a refusal's code, a version, a count of bytes.
    pub number: u64,
}

/// What a notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeCode {
    /// A roster was accepted; the number is its version.
    RosterAccepted,
    /// An item of a peer was refused; the number is the refusal's code.
    Refused,
    /// A member is shut out; the number is the roster's version, or the reason of this node's own refusal.
    Suspended,
    /// A member takes part again.
    Readmitted,
    /// A member revoked its own operational key.
    KeyRevoked,
    /// A roster lists a member that waits for the operator's word.
    MemberWaits,
    /// The coordination node names a later roster; the number is its version.
    RosterBehind,
    /// Two rosters of one version are shown: keep both and ask the custodians. The number is the version.
    SplitView,
    /// The roster was confirmed after a time without word.
    RosterFresh,
    /// An owner's evaluation did not prove its key.
    ProofFailed,
    /// An owner's set was discarded.
    SetDiscarded,
    /// An owner's set was applied; the number is its count of prefixes.
    SetApplied,
    /// A stored value is damaged.
    Damaged,
    /// An epoch of this owner's index is ready; the number is the epoch.
    IndexReady,
    /// More than one in a hundred of the own keys is left out of the sets: a population may be missing from the information
    /// table; the number is the share in thousandths.
    KeysCut,
    /// A household has as many members as it may; the number is the bound.
    HouseholdFull,
    /// As many pairs wait to be compared as may; the number is the bound.
    SuspectsFull,
    /// A claim named a tag that this node never gave to its sender: colluding members (the number is 0), or a guess (1).
    ClaimAnomaly,
    /// Too many cases hit at a member: automatic claims to it stop.
    BreakerOpened,
    /// A made-up person hit at a member; the number is how many keys did so far.
    DecoyHit,
    /// Made-up people hit twice at a member: its set holds people whom nobody registered. Automatic claims to it stop.
    OwnerFlagged,
    /// A holder asks for an enquirer's name.
    EnquirerAsked,
    /// A record was erased; the number is how many open claims on it were closed with that step.
    RecordErased,
    /// A member shows peers different keys; the number is that of its announcement.
    KeysDiffer,
    /// The coordination node signed two logs of what it took: its two signatures are kept.
    LogForked,
}
