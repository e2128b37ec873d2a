//! The engine's own rows: who this node is, what is public, timers, the outbox, peers, counters.

use minicbor::{Decode, Encode};

use crate::base::cbor::fixed;
use crate::base::{BlobId, ClaimId, MemberId, MsgId, NetworkId, Timestamp, UserId};
use crate::private_match::label::Family;
use crate::roster::MemberKeys;

/// Who this node is; written once at its setup.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct OwnRow {
    /// Network that the store was made for; it joins no other.
    #[n(1)]
    pub network: NetworkId,
    /// The member; none for the coordination node.
    #[n(2)]
    pub member: Option<MemberId>,
}
crate::record!(OwnRow, (), Own, 1, Service);

/// The roster that counts.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HeadRow {
    /// Its version.
    #[n(1)]
    pub version: u64,
    /// SHA-256 of its payload.
    #[cbor(n(2), with = "fixed")]
    pub hash: [u8; 32],
    /// Its file.
    #[n(3)]
    pub blob: BlobId,
}
crate::record!(HeadRow, (), Own, 2, Service);

/// The keys of a member, as its announcements and revocations leave them.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AnnouncedRow {
    /// The keys.
    #[n(1)]
    pub keys: MemberKeys,
}
crate::record!(AnnouncedRow, MemberId, Public, 1, Service);

/// One announcement of a member's key chain, by incarnation and number: a peer that missed some needs each of them.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ChainRow {
    /// The whole message.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub message: Vec<u8>,
    /// The last second of its operational key, Unix.
    #[n(2)]
    pub op_until: u64,
}
crate::record!(ChainRow, (MemberId, u64, u64), Public, 2, Service);

/// Two announcements of a member with one number: evidence that it shows peers different keys. Its keys do not count.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SplitViewRow {
    /// The one that was accepted.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub one: Vec<u8>,
    /// The other.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub other: Vec<u8>,
    /// When the second one came.
    #[n(3)]
    pub seen: Timestamp,
}
crate::record!(SplitViewRow, MemberId, Public, 3, Service);

/// Own key announcement before the roster lists this member.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct OwnAnnouncementRow {
    /// The whole message.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub message: Vec<u8>,
}
crate::record!(OwnAnnouncementRow, (), Own, 3, Service);

/// Counters that a screen asks for, so that no tree is walked.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Counters {
    /// Cases opened.
    #[n(1)]
    pub cases: u64,
    /// Evaluations asked for and not answered.
    #[n(2)]
    pub evaluations_open: u64,
    /// Evaluations answered.
    #[n(3)]
    pub evaluations_done: u64,
    /// Rows in the outbox.
    #[n(4)]
    pub outbox: u64,
    /// Sequence of the outbox.
    #[n(5)]
    pub out_seq: u64,
}
crate::record!(Counters, (), Own, 4, Service);

/// A timer: its time, its kind and what it is for. The only kind of timer there is.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DueRow {}
crate::record!(DueRow, (Timestamp, u8, [u8; 16]), Due, 1, Service);

/// When the only timer of a kind was last set for: a timer that sets itself again must not stand twice, or both stay for good.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SoleTimer {
    /// Its time.
    #[n(0)]
    pub at: Timestamp,
}
crate::record!(SoleTimer, u8, Own, 5, Service);

/// A matter that waits until the records are open.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ParkedRow {}
crate::record!(ParkedRow, (u8, ClaimId), Due, 2, Service);

/// What waits for the records.
pub mod parked {
    /// Send a subject's attributes to a holder that answered `candidate`.
    pub const SEND_ATTRIBUTES: u8 = 1;
    /// Compare the attributes that came with the own record.
    pub const COMPARE: u8 = 2;
}

/// Which queue of a peer a message waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Unsealed public messages; kept by nobody, asked for again.
    Public,
    /// Evaluations, sent at once.
    Eval,
    /// Sets, sent when asked for.
    Set,
    /// Everything about claims, at a constant rate.
    Bag,
}

impl Lane {
    /// Its number in row keys.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Lane::Public => 0,
            Lane::Eval => 1,
            Lane::Set => 2,
            Lane::Bag => 3,
        }
    }
}

/// A message that waits for a carrier, by peer, lane and sequence.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct OutRow {
    /// What is to be sent.
    #[n(1)]
    pub what: Outgoing,
    /// Unix seconds; afterwards its machine makes it anew or ends by its timeout.
    #[n(2)]
    pub expires: u64,
}
crate::record!(OutRow, (MemberId, u8, u64), Outbox, 1, Service);

/// What is to be sent.
#[derive(Clone, Debug, Encode, Decode)]
pub enum Outgoing {
    /// A signed message.
    #[n(1)]
    Signed(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A segment, made into a message when it is sent.
    #[n(2)]
    Segment {
        /// Family.
        #[n(0)]
        family: Family,
        /// Sequence of the set.
        #[n(1)]
        set_seq: u64,
        /// Index of the segment.
        #[n(2)]
        index: u32,
    },
    /// An evaluation request, blinded again when it is sent.
    #[n(3)]
    Request(#[n(0)] MsgId),
    /// The answer to an evaluation request that came in a bundle: no connection waits for it.
    #[n(4)]
    Answer {
        /// Its message id.
        #[n(0)]
        id: MsgId,
        /// The request that it answers.
        #[n(1)]
        request: MsgId,
        /// The signed message, up to 98 kB.
        #[n(2)]
        blob: BlobId,
    },
    /// A question for an owner's set, made when it is sent.
    #[n(5)]
    SetGet(#[n(0)] Family),
    /// The manifest of a peer's set, made into a message when it is sent.
    #[n(6)]
    Manifest {
        /// Family.
        #[n(0)]
        family: Family,
        /// Sequence of the set.
        #[n(1)]
        set_seq: u64,
    },
}

impl Outgoing {
    /// Whether two rows stand for the same of a set: one of them is enough.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SetGet(family), Self::SetGet(also)) => family == also,
            (Self::Manifest { family, set_seq }, Self::Manifest { family: also, set_seq: seq }) => {
                (family, set_seq) == (also, seq)
            }
            (Self::Segment { family, set_seq, index }, Self::Segment { family: also, set_seq: seq, index: place }) => {
                (family, set_seq, index) == (also, seq, place)
            }
            _ => false,
        }
    }
}

/// A message that was accepted: the same id has no second effect.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SeenRow {
    /// SHA-256 of its payload.
    #[cbor(n(1), with = "fixed")]
    pub hash: [u8; 32],
    /// Unix seconds; kept until then.
    #[n(2)]
    pub expires: u64,
}
crate::record!(SeenRow, (MemberId, MsgId), Seen, 1, Service);

/// A message that came in a bundle and was committed: the next bundle to its sender says so.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct CarriedRow {
    /// Unix seconds; the message's own end, after which its sender does not wait for the word any more.
    #[n(1)]
    pub expires: u64,
}
crate::record!(CarriedRow, (MemberId, MsgId), Seen, 3, Service);

/// What this node keeps about a peer.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct PeerRow {
    /// Messages made for it so far.
    #[n(1)]
    pub n: u64,
    /// A bag fell due while it was away.
    #[n(3)]
    pub bag_owed: bool,
    /// Cells that it made this node open in the hour that began then.
    #[n(4)]
    pub opened: u32,
    /// Start of that hour.
    #[n(5)]
    pub hour: u64,
    /// Set segments that were asked for and did not come yet: their cells are not counted.
    #[n(6)]
    pub segments_due: u32,
}
crate::record!(PeerRow, MemberId, Peer, 1, Service);

/// A user asked for a bag outside the rhythm; another one has to agree.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct BagAskedRow {
    /// Who asked.
    #[n(1)]
    pub user: UserId,
    /// When.
    #[n(2)]
    pub at: Timestamp,
}
crate::record!(BagAskedRow, MemberId, Peer, 43, Service);

/// When a member was last connected.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ReachRow {
    /// Hours of Unix time.
    #[n(1)]
    pub hour: u64,
}
crate::record!(ReachRow, MemberId, Peer, 7, Service);
