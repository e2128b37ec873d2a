//! What the engine is told.

use crate::base::{DeliveryId, JobId, MemberId, PeerId, ReceiptId, Ticket, Timestamp, UserId};
use crate::engine::command::Command;
use crate::engine::job::{JobFailure, JobOutput};

/// The time of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, UTC.
    pub wall: Timestamp,
    /// Milliseconds since the process started; never runs back.
    pub steady_ms: u64,
}

/// Everything that can happen to a node.
pub enum Input {
    /// A person or program asked for something.
    Command {
        /// Names the request; it gets exactly one reply.
        ticket: Ticket,
        /// Who asked.
        user: UserId,
        /// What for.
        command: Box<Command>,
    },
    /// The caller left; work goes on where it is durable.
    Gone {
        /// The ticket.
        ticket: Ticket,
    },
    /// A carrier brought an item.
    Cell {
        /// Names the item in `Action::Receipt`.
        receipt: ReceiptId,
        /// Who brought it.
        carrier: Carrier,
        /// The item, at most `limits::ITEM_BYTES`.
        bytes: Vec<u8>,
    },
    /// A connection came up or went down.
    Link {
        /// The peer.
        peer: PeerId,
        /// What changed.
        change: LinkChange,
    },
    /// What became of a delivery.
    Sent {
        /// The delivery.
        delivery: DeliveryId,
        /// What became of it.
        outcome: SendOutcome,
    },
    /// A job ended.
    JobDone {
        /// The job.
        job: JobId,
        /// Its output.
        result: Box<Result<JobOutput, JobFailure>>,
    },
    /// The records root was opened or locked.
    Custody(Custody),
    /// The clock reached the time last asked for.
    Wake,
}

/// How an item came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Over a connection with this peer.
    Link(PeerId),
    /// From a file that an operator imported.
    File,
}

/// What changed at a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// The first connection to the peer is there.
    Up,
    /// The last connection to the peer is gone.
    Down,
    /// No address of the peer answered.
    DialFailed,
    /// How the peer is reached; direct where nothing else was said since `Up`.
    Path(Path),
    /// A place at the relay: at the coordination node the peer's, at a member its own with the peer. None since `Up` where
    /// nothing was said.
    Place(bool),
}

/// How a connection runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// From node to node.
    #[default]
    Direct,
    /// Through the coordination node's relay, which sees ciphertext.
    Relayed,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The receiver has committed it.
    Committed,
    /// The receiver asks to wait this many milliseconds.
    Busy(u32),
    /// The receiver refused it with this code.
    Refused(u8),
    /// No answer came.
    Lost,
}

/// The state of the records root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    /// This user opened it.
    Opened(UserId),
    /// It was locked.
    Locked,
}

/// Who this node is, as its keys say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// A society's node.
    Member(MemberId),
    /// The coordination node.
    Coordinator,
}
