//! The owner's side of the private match: its keys, its index, what it keeps of each querier.
//!
//! Rows only; `engine` fills and reads them. Everything that a locked node must answer with stands here, prepared when the
//! record was written, so that a question never needs the record itself.

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_list, fixed_secret};
use crate::base::{BlobId, CaseRef, Epoch, Kid, MemberId, MsgId, Sensitive, Timestamp};
use crate::person::{Audience, MatchMode};
use crate::private_match::budget::Bucket;
use crate::private_match::delta::Backing;
use crate::private_match::entry::EntryId;
use crate::private_match::evaluation::EvalStatus;
use crate::private_match::label::Family;
use crate::private_match::manifest::{SegmentInfo, SetManifest};

/// The VOPRF key of one epoch. Random, never derived, never in a backup.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct EpochKey {
    /// Seed of DeriveKeyPair.
    #[cbor(n(1), with = "fixed_secret")]
    pub seed: Sensitive<[u8; 32]>,
    /// Public key.
    #[cbor(n(2), with = "fixed")]
    pub public: [u8; 32],
    /// From when it counts.
    #[n(3)]
    pub from: Timestamp,
    /// Until when it counts.
    #[n(4)]
    pub until: Timestamp,
}
crate::record!(EpochKey, Epoch, Keys, 1, Service);

/// A sealing key of this node: used to seal to it for a while, kept longer to open what was under way.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SealingKey {
    /// The private half.
    #[cbor(n(1), with = "fixed_secret")]
    pub secret: Sensitive<[u8; 32]>,
    /// Until when peers seal to it.
    #[n(2)]
    pub until: Timestamp,
}
crate::record!(SealingKey, Kid, Keys, 2, Service);

/// A further operational key of this node: announced, or waiting for the root key's signature. The first one stands in the
/// key file.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct OperationalSeed {
    /// Seed of the ed25519 key (RFC 8032).
    #[cbor(n(1), with = "fixed_secret")]
    pub seed: Sensitive<[u8; 32]>,
    /// Its last second, Unix.
    #[n(2)]
    pub until: u64,
}
crate::record!(OperationalSeed, Kid, Keys, 4, Service);

/// What the private match needs of one registered person, or of one subject that others may be asked for.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct IndexRow {
    /// Labels of its match keys in profile order, at most 48.
    #[n(1)]
    pub keys: Vec<Sensitive<String>>,
    /// Who may learn that it exists.
    #[n(2)]
    pub audience: Audience,
    /// How it takes part.
    #[n(3)]
    pub mode: MatchMode,
    /// Salted hashes of its fields; a claim draws the unused leaves.
    #[cbor(n(4), with = "fixed_list")]
    pub leaves: Vec<[u8; 32]>,
    /// For each of the last keys, the family member whom it describes, by its place in the record; the keys before are the
    /// person's own.
    #[n(8)]
    pub mentions: Vec<u8>,
    /// The household of a subject: its case. That of a record stands in a row of its own, since it changes without the record.
    #[n(9)]
    pub household: Option<EntryId>,
}
crate::record!(IndexRow, (Family, EntryId), Index, 1, Service);

impl IndexRow {
    /// The family member whom the key at a position describes; none for the person's own keys.
    #[must_use]
    pub fn mention_at(&self, position: usize) -> Option<u8> {
        let own = self.keys.len().saturating_sub(self.mentions.len());
        position.checked_sub(own).and_then(|place| self.mentions.get(place)).copied()
    }
}

/// An entry whose keys wait to be evaluated in an epoch.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct PendingRow {
    /// Generation of its family's index when it was queued last. A slice that began earlier leaves it waiting.
    #[n(1)]
    pub turn: u64,
    /// True if the record itself is fresh or changed: pairs that were told apart are compared again.
    #[n(2)]
    pub revised: bool,
}
crate::record!(PendingRow, (Epoch, Family, EntryId), Index, 2, Service);

/// An entry that left the index and whose tags a job has still to remove.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RemovalRow {}
crate::record!(RemovalRow, (Family, EntryId), Index, 8, Service);

/// Where this owner's index stands.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct IndexState {
    /// The epoch whose key is live.
    #[n(1)]
    pub epoch: Epoch,
    /// The epoch that is announced and being indexed ahead of its roll.
    #[n(2)]
    pub next: Option<NextEpoch>,
    /// Records that others ask for.
    #[n(3)]
    pub registered: FamilyIndex,
    /// Subjects that holders ask for.
    #[n(4)]
    pub sought: FamilyIndex,
}
crate::record!(IndexState, (), Own, 10, Service);

impl IndexState {
    /// Where the index of a family stands.
    #[must_use]
    pub const fn of(&self, family: Family) -> &FamilyIndex {
        match family {
            Family::Registered => &self.registered,
            Family::Sought => &self.sought,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, family: Family) -> &mut FamilyIndex {
        match family {
            Family::Registered => &mut self.registered,
            Family::Sought => &mut self.sought,
        }
    }
}

/// Where the index of one family stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FamilyIndex {
    /// Changes with every change of the index or of an audience.
    #[n(1)]
    pub generation: u64,
    /// Entries that wait to be indexed.
    #[n(2)]
    pub pending: u64,
    /// Entries indexed or waiting.
    #[n(3)]
    pub entries: u64,
    /// Entries whose tags wait to be removed.
    #[n(4)]
    pub removals: u64,
}

impl FamilyIndex {
    /// The index of a node that was just set up.
    #[must_use]
    pub const fn empty() -> Self {
        Self { generation: 1, pending: 0, entries: 0, removals: 0 }
    }

    /// True if no entry waits: what the pages of tags say is all that there is.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.pending == 0 && self.removals == 0
    }
}

/// The epoch that comes next: its key is announced, its index is made before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NextEpoch {
    /// Its number.
    #[n(1)]
    pub epoch: Epoch,
    /// Entries of both families that wait to be indexed under its key, but those behind the cursor.
    #[n(2)]
    pub pending: u64,
    /// The last entry up to which everything is indexed or waiting; none before the first.
    #[n(3)]
    pub after: Option<(Family, EntryId)>,
    /// True once the cursor reached the last entry.
    #[n(4)]
    pub filled: bool,
}

/// When the key of this owner rolls next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RollRow {
    /// Not before this time.
    #[n(1)]
    pub at: Timestamp,
    /// True if the roster demands it: nothing is waited for but the index.
    #[n(2)]
    pub forced: bool,
}
crate::record!(RollRow, (), Own, 13, Service);

/// An epoch that was rolled away from (protocol.md 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RetiredEpoch {
    /// Until then evaluations in flight are answered; then its key is destroyed.
    #[n(1)]
    pub evaluations_until: Timestamp,
    /// Until then claims under its tags are answered; then its index is deleted.
    #[n(2)]
    pub claims_until: Timestamp,
}
crate::record!(RetiredEpoch, Epoch, Keys, 3, Service);

/// The sets that this owner offers to one peer: a base and the deltas behind it, each a [`SetPart`].
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SetOut {
    /// The epoch of the chain.
    #[n(1)]
    pub epoch: Epoch,
    /// Number of the last set; 0 until the first one is built.
    #[n(2)]
    pub set_seq: u64,
    /// Number of its base.
    #[n(3)]
    pub base_seq: u64,
    /// SHA-256 of the last set's manifest, the link of the chain.
    #[cbor(n(4), with = "fixed")]
    pub manifest_hash: [u8; 32],
    /// Salt of the labels.
    #[cbor(n(5), with = "fixed_secret")]
    pub salt: Sensitive<[u8; 32]>,
    /// From which the dummies derive.
    #[cbor(n(6), with = "fixed_secret")]
    pub pad_seed: Sensitive<[u8; 32]>,
    /// What stands behind the set's prefixes.
    #[n(7)]
    pub backing: Backing,
    /// The round that it shows.
    #[n(8)]
    pub round: u64,
    /// Generation of the index that it shows.
    #[n(9)]
    pub generation: u64,
    /// When the last set was built.
    #[n(10)]
    pub built_at: Timestamp,
    /// Sequence that the peer has confirmed.
    #[n(11)]
    pub confirmed_seq: u64,
    /// The first set of this chain that shows this generation: a peer that holds it or a later one knows what there is.
    #[n(12)]
    pub shown_from: u64,
}
crate::record!(SetOut, (MemberId, Family), SetsOut, 1, Service);

/// One set of a peer's chain, by its number.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SetPart {
    /// Its manifest.
    #[n(1)]
    pub manifest: SetManifest,
    /// Its segments' files, in order.
    #[n(2)]
    pub segments: Vec<BlobId>,
}
crate::record!(SetPart, (MemberId, Family, u64), SetsOut, 3, Service);

impl SetOut {
    /// The number of the set that follows `have`, the last one that the peer has of this chain: the next delta, or the base
    /// where it cannot go on from there. None if it has the last one.
    #[must_use]
    pub fn next_after(&self, have: u64) -> Option<u64> {
        if self.set_seq <= have {
            None
        } else if have < self.base_seq {
            Some(self.base_seq)
        } else {
            Some(have + 1)
        }
    }
}

/// Elements that a querier may still ask for in one family (protocol.md 2.4).
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct BudgetRow {
    /// The bucket.
    #[n(1)]
    pub bucket: Bucket,
    /// Refs that were opened.
    #[n(2)]
    pub refs: u32,
}
crate::record!(BudgetRow, (MemberId, Family), Budget, 1, Service);

/// What this owner keeps of one case of a querier in one family: enough for an audit and for a renewal.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RefRow {
    /// SHA-256 of its elements.
    #[cbor(n(1), with = "fixed")]
    pub elements: [u8; 32],
    /// Epoch in which it was evaluated last.
    #[n(2)]
    pub epoch: Epoch,
    /// When it was opened.
    #[n(3)]
    pub opened: Timestamp,
    /// Epoch in which it was evaluated first.
    #[n(4)]
    pub first: Epoch,
}
crate::record!(RefRow, (MemberId, Family, CaseRef), Budget, 2, Service);

/// An evaluation request that was accepted: the same request is evaluated again, without charge and with the same bytes.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct EvaluatedRow {
    /// SHA-256 of the request's payload.
    #[cbor(n(1), with = "fixed")]
    pub hash: [u8; 32],
    /// Makes the proof repeatable.
    #[cbor(n(2), with = "fixed_secret")]
    pub proof_seed: Sensitive<[u8; 32]>,
    /// Status of each case.
    #[n(3)]
    pub statuses: Vec<EvalStatus>,
    /// Until when it is kept.
    #[n(4)]
    pub expires: u64,
}
crate::record!(EvaluatedRow, (MemberId, MsgId), Seen, 2, Service);

/// Segments with the files that hold them.
#[must_use]
pub fn segments_of(manifest: &SetManifest, blobs: &[BlobId]) -> Vec<(SegmentInfo, BlobId)> {
    manifest.segments.iter().cloned().zip(blobs.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_what_follows_its_last_set_or_the_base() {
        let out = SetOut {
            epoch: Epoch(1),
            set_seq: 7,
            base_seq: 4,
            manifest_hash: [0; 32],
            salt: Sensitive::new([0; 32]),
            pad_seed: Sensitive::new([0; 32]),
            backing: Backing::default(),
            round: 9,
            generation: 1,
            built_at: Timestamp(0),
            confirmed_seq: 0,
            shown_from: 1,
        };
        let next = [0, 1, 3, 4, 5, 6, 7, 8].map(|have| out.next_after(have));
        assert_eq!(next, [Some(4), Some(4), Some(4), Some(5), Some(6), Some(7), None, None]);
    }
}
