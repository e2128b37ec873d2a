//! The holder's side of the family `sought`: what it keeps of a protected record that it asks about (protocol.md 2.14).
//!
//! Rows only; `engine::asking` fills and reads them. They stand under the service root, since a locked node asks, renews and
//! tests. A hit never leaves the node by itself: two people must want the claim.

use minicbor::{Decode, Encode};

use crate::base::cbor::fixed_secret;
use crate::base::{ClaimId, Epoch, MemberId, PersonId, Sensitive, Timestamp, UserId};
use crate::private_match::label::{Family, Tag};

/// Where in the queue a record stands unless its operator said otherwise, of 0 (first) to 9.
pub const RANK: u8 = 5;
/// The last place in the queue.
pub const LAST_RANK: u8 = 9;

/// A record that is asked about. Its keys are the person's own ones of the index row; whom it names is not asked about.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AskRow {
    /// From which blinds and dummies derive.
    #[cbor(n(1), with = "fixed_secret")]
    pub secret: Sensitive<[u8; 32]>,
    /// Its operator's priority: 0 is asked about first, 9 last, where an owner's budget is short.
    #[n(2)]
    pub rank: u8,
}
crate::record!(AskRow, PersonId, Subjects, 2, Service);

/// Keys of one record that are in one member's set of sought people.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AskHit {
    /// Positions among the record's keys with their tags, strongest first.
    #[n(1)]
    pub keys: Vec<(u8, Tag)>,
    /// Epoch of the tags.
    #[n(2)]
    pub epoch: Epoch,
    /// Set in which they were found.
    #[n(3)]
    pub set_seq: u64,
    /// Who wants a claim: it goes out when a second person says so too.
    #[n(4)]
    pub proposed: Option<Proposal>,
    /// The claim that followed, if one did.
    #[n(5)]
    pub claim: Option<ClaimId>,
}
crate::record!(AskHit, (PersonId, MemberId), Hits, 2, Service);

impl AskHit {
    /// True if nothing followed it yet.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.proposed.is_none() && self.claim.is_none()
    }
}

/// The first of two people who want a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Proposal {
    /// Who.
    #[n(1)]
    pub user: UserId,
    /// When.
    #[n(2)]
    pub at: Timestamp,
}

/// What this node has opened at an owner in a family, as the owner counts it (protocol.md 2.4), and what waits there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpenedRow {
    /// References that were opened, padding included.
    #[n(1)]
    pub refs: u32,
    /// Entries that wait to be asked about.
    #[n(2)]
    pub waiting: u32,
}
crate::record!(OpenedRow, (MemberId, Family), Queries, 6, Service);
