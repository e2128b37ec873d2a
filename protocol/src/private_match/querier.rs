//! The querier's side of the private match: subjects, evaluations, the sets of others, hits.
//!
//! Rows and the small pure decisions about them; `engine` translates. A subject's secret and labels stand under the service
//! root, since a locked node must repeat, renew and test.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_list, fixed_secret};
use crate::base::record::Record;
use crate::base::{BlobId, CaseId, CaseRef, ClaimId, Epoch, MemberId, MsgId, PersonId, Sensitive, SubjectId, Timestamp};
use crate::private_match::chain::ChainHead;
use crate::private_match::label::{Family, Tag};
use crate::private_match::manifest::SetManifest;

/// What the private match needs of one subject.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SubjectRow {
    /// Its case.
    #[n(1)]
    pub case: CaseId,
    /// From which blinds and dummies derive.
    #[cbor(n(2), with = "fixed_secret")]
    pub secret: Sensitive<[u8; 32]>,
    /// Labels of its match keys in profile order, at most 48.
    #[n(3)]
    pub keys: Vec<Sensitive<String>>,
    /// Salted hashes of its attributes; a claim draws the unused leaves.
    #[cbor(n(4), with = "fixed_list")]
    pub leaves: Vec<[u8; 32]>,
    /// Who must not get a claim, and whether hits wait.
    #[n(5)]
    pub policy: ClaimPolicy,
    /// True once a search was started: it then goes on by itself.
    #[n(6)]
    pub searched: bool,
    /// True where the enquirer agreed that holders of protected records ask about the subject.
    #[n(20)]
    pub holders_may_ask: bool,
    /// True if nobody seeks it: a decoy, never claimed for.
    #[n(16)]
    pub decoy: bool,
}
crate::record!(SubjectRow, SubjectId, Subjects, 1, Service);

/// What the enquirer and the society decided about claims.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimPolicy {
    /// Members that must not learn of the search.
    #[n(1)]
    pub never: Vec<MemberId>,
    /// True: every hit waits for a person.
    #[n(2)]
    pub ask: bool,
}

/// What to do about the hits of one subject at one owner (protocol.md 2.8, 2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitDecision {
    /// Claim in the next bag.
    Claim,
    /// One key only: a person decides.
    HeldOneHit,
    /// The case's policy wants a person, or forbids this owner.
    HeldPolicy,
}

impl ClaimPolicy {
    // CL-1.
    /// Decides about `hits` different keys of one subject at `owner`.
    #[must_use]
    pub fn decide(&self, owner: &MemberId, hits: usize) -> HitDecision {
        if self.ask || self.never.contains(owner) {
            HitDecision::HeldPolicy
        } else if hits < crate::base::limits::AUTO_CLAIM_HITS {
            HitDecision::HeldOneHit
        } else {
            HitDecision::Claim
        }
    }
}

/// One subject at one owner; in the family `sought` one protected record, by the bytes of its id.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct QueryRow {
    /// Its pseudonym there.
    #[n(1)]
    pub case_ref: CaseRef,
    /// The request that asks for it, while one is under way.
    #[n(2)]
    pub request: Option<MsgId>,
    /// Epoch of the tags.
    #[n(3)]
    pub epoch: Epoch,
    /// Tags of its keys, in profile order; empty until evaluated.
    #[n(4)]
    pub tags: Vec<Tag>,
}
crate::record!(QueryRow, (MemberId, Family, SubjectId), Queries, 1, Service);

/// An entry that waits to be asked about at an owner, by its place in the queue: 0 is asked first.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct WaitingRow {
    /// Not before this time: a spent budget or a refused request.
    #[n(1)]
    pub not_before: Timestamp,
}
crate::record!(WaitingRow, (MemberId, Family, u8, SubjectId), Queries, 3, Service);

/// An evaluation request under way: enough to make the same bytes again.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RequestRow {
    /// Whom it asks.
    #[n(1)]
    pub owner: MemberId,
    /// The owner's epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Unix seconds.
    #[n(3)]
    pub created: u64,
    /// Unix seconds.
    #[n(4)]
    pub expires: u64,
    /// Its number in this direction.
    #[n(5)]
    pub n: u64,
    /// Roster version when it was made.
    #[n(6)]
    pub roster_version: u64,
    /// Makes the dummy cases.
    #[cbor(n(7), with = "fixed_secret")]
    pub seed: Sensitive<[u8; 32]>,
    /// The subjects, in the order of the batch; dummies follow.
    #[n(8)]
    pub subjects: Vec<SubjectId>,
    /// Cases in the batch, dummies included.
    #[n(9)]
    pub cases: u32,
    /// The family of the sets that it is for.
    #[n(10)]
    pub family: Family,
}
crate::record!(RequestRow, MsgId, Queries, 2, Service);

/// What stood behind a reference at an owner, kept as long as an audit may ask for it (protocol.md 2.11).
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AskedRow {
    /// What it was.
    #[n(1)]
    pub asked: Asked,
    /// Unix seconds; kept until then.
    #[n(2)]
    pub expires: u64,
}
crate::record!(AskedRow, (MemberId, CaseRef), Queries, 16, Service);

/// What a reference stood for.
#[derive(Clone, Debug, Encode, Decode)]
pub enum Asked {
    /// One subject.
    #[n(1)]
    Subject(#[n(0)] SubjectId),
    /// A dummy case, with its secret.
    #[n(2)]
    Dummy(#[cbor(n(0), with = "fixed_secret")] Sensitive<[u8; 32]>),
    /// A protected record, asked about at sets of sought people.
    #[n(3)]
    Record(#[n(0)] PersonId),
}

/// Requests under way at one owner, so that they are found when it returns.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct OpenRequestRow {}
crate::record!(OpenRequestRow, (MemberId, MsgId), Queries, 4, Service);

/// How far the subjects at an owner were queued for renewal in an epoch.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RenewRow {
    /// The owner's epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// The last subject that was looked at.
    #[n(2)]
    pub after: SubjectId,
    /// The family in which it is asked.
    #[n(3)]
    pub family: Family,
}
crate::record!(RenewRow, MemberId, Queries, 5, Service);

/// The set that this querier holds of an owner, and the one that is coming.
#[derive(Clone, Debug, Encode, Decode, Default)]
#[cbor(map)]
pub struct SetIn {
    /// The set that counts.
    #[n(1)]
    pub held: Option<HeldSet>,
    /// The base or delta that is being fetched.
    #[n(2)]
    pub coming: Option<ComingSet>,
    /// What became of a chain that broke.
    #[n(3)]
    pub repair: Repair,
    /// Number of the set at which it broke.
    #[n(4)]
    pub broken_seq: u64,
}
crate::record!(SetIn, (MemberId, Family), SetsIn, 1, Service);

/// What became of a chain that broke: the base is fetched again once, then a person has to see to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Repair {
    /// It is whole.
    #[default]
    #[n(1)]
    None,
    /// The base is asked for, whatever is held.
    #[n(2)]
    Wanted,
    /// The base came again, and the chain is not beyond the set at which it broke.
    #[n(3)]
    Tried,
}

/// A base and the deltas behind it, whole and checked; each is a [`HeldPart`].
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HeldSet {
    /// Where its chain stands.
    #[n(1)]
    pub head: ChainHead,
    /// Bytes of its segments.
    #[n(2)]
    pub bytes: u64,
    /// Number of the set up to which every evaluated subject was tested; 0 if one has to be tested against all of it.
    #[n(3)]
    pub tested_seq: u64,
}

impl HeldSet {
    /// True when every evaluated subject was tested against it.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        self.tested_seq == self.head.set_seq
    }
}

/// One set of a held chain, by its number.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HeldPart {
    /// Its manifest.
    #[n(1)]
    pub manifest: SetManifest,
    /// Its segments' files, in order.
    #[n(2)]
    pub segments: Vec<BlobId>,
}
crate::record!(HeldPart, (MemberId, Family, u64), SetsIn, 2, Service);

/// A set of which some segments are here.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ComingSet {
    /// Its manifest.
    #[n(1)]
    pub manifest: SetManifest,
    /// SHA-256 of the manifest's encoding.
    #[cbor(n(2), with = "fixed")]
    pub manifest_hash: [u8; 32],
    /// For each segment its file, once it came and was checked.
    #[n(3)]
    pub segments: Vec<Option<BlobId>>,
    /// Segments that were asked for and did not come yet.
    #[n(4)]
    pub asked: u32,
}

impl ComingSet {
    /// The files of all segments, once every one is here.
    #[must_use]
    pub fn whole(&self) -> Option<Vec<BlobId>> {
        self.segments.iter().copied().collect()
    }

    /// Indices of segments that did not come yet, at most `most`.
    #[must_use]
    pub fn missing(&self, most: usize) -> Vec<u32> {
        self.segments.iter().zip(0u32..).filter(|(segment, _)| segment.is_none()).map(|(_, index)| index).take(most).collect()
    }
}

/// Keys of one subject that are in one owner's set.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HitRow {
    /// Positions among the subject's keys with their tags, strongest first.
    #[n(1)]
    pub keys: Vec<(u8, Tag)>,
    /// Epoch of the tags.
    #[n(2)]
    pub epoch: Epoch,
    /// Set in which they were found.
    #[n(3)]
    pub set_seq: u64,
    /// The claim that followed, if one did.
    #[n(4)]
    pub claim: Option<ClaimId>,
    /// True if too many cases hit at this owner when it was found: a person decides.
    #[n(16)]
    pub held_back: bool,
}
crate::record!(HitRow, (SubjectId, MemberId), Hits, 1, Service);

/// Where the queries of one family at one owner stand: what a test of its set reads.
#[must_use]
pub fn queries_at(owner: &MemberId, family: Family) -> crate::base::record::RowKey {
    crate::base::record::row_key(QueryRow::KIND, &(*owner, family))
}

/// Hits of a test by the entry that was asked about.
#[must_use]
pub fn by_entry(hits: &[(SubjectId, u8, Tag)]) -> BTreeMap<SubjectId, Vec<(u8, Tag)>> {
    let mut entries: BTreeMap<SubjectId, Vec<(u8, Tag)>> = BTreeMap::new();
    for (entry, position, tag) in hits {
        entries.entry(*entry).or_default().push((*position, *tag));
    }
    entries
}

/// Adds keys that were hit to those of earlier tests: each position once, strongest first.
pub fn add_keys(keys: &mut Vec<(u8, Tag)>, found: Vec<(u8, Tag)>) {
    for (position, tag) in found {
        if !keys.iter().any(|(known, _)| *known == position) {
            keys.push((position, tag));
        }
    }
    keys.sort_by_key(|(position, _)| *position);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hits_at_an_allowed_owner_claim_by_themselves() {
        let (ke, be) = (MemberId::new("KE").unwrap(), MemberId::new("BE").unwrap());
        let policy = ClaimPolicy { never: vec![be], ask: false };
        assert_eq!(policy.decide(&ke, 2), HitDecision::Claim);
        assert_eq!(policy.decide(&ke, 1), HitDecision::HeldOneHit);
        assert_eq!(policy.decide(&be, 9), HitDecision::HeldPolicy);
        assert_eq!(ClaimPolicy { never: vec![], ask: true }.decide(&ke, 2), HitDecision::HeldPolicy);
    }
}
