//! The bodies of the messages of case work, types 40 to 46 (protocol.md 3.3): maps numbered from 1 in the order of the
//! specification's fields.

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_list};
use crate::base::{CaseRef, ClaimId, ConsentId, Epoch, Sensitive};
use crate::casework::commitment::OpenedField;
use crate::private_match::label::{Family, Tag};

/// Message types of case work.
pub mod kind {
    /// [`super::Claim`].
    pub const CLAIM: u64 = 40;
    /// [`super::ClaimAnswer`].
    pub const CLAIM_ANSWER: u64 = 41;
    /// [`super::Attributes`].
    pub const ATTRIBUTES: u64 = 42;
    /// [`super::ReviewResult`].
    pub const REVIEW_RESULT: u64 = 43;
    /// [`super::Disclosure`].
    pub const DISCLOSURE: u64 = 44;
    /// [`super::Outcome`].
    pub const OUTCOME: u64 = 45;
    /// [`super::Withdraw`].
    pub const WITHDRAW: u64 = 46;
}

/// Type 40, claimant to other: a case has a key of yours.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// The claimant's pseudonym of its case at this owner.
    #[n(2)]
    pub case_ref: CaseRef,
    /// Epoch of the tags.
    #[n(3)]
    pub epoch: Epoch,
    /// The set in which they were found.
    #[n(4)]
    pub set_seq: u64,
    /// Its family.
    #[n(5)]
    pub family: Family,
    /// One or two tags, strongest first.
    #[n(6)]
    pub tags: Vec<Tag>,
    /// Commitment to the claimant's fields.
    #[cbor(n(7), with = "fixed")]
    pub attr_root: [u8; 32],
}

/// Whether a claim met a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ClaimStatus {
    /// It did.
    #[n(1)]
    Candidate,
    /// It did not, or the record is not for this peer, or a cap was reached.
    #[n(2)]
    None,
}

/// Type 41, other to claimant; always three roots.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimAnswer {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// Whether it met a record.
    #[n(2)]
    pub status: ClaimStatus,
    /// Three commitments, random where unused.
    #[cbor(n(3), with = "fixed_list")]
    pub roots: Vec<[u8; 32]>,
}

/// Which root an attribute message opens: the claim's own.
pub const CLAIM_ROOT: u8 = 3;

/// Type 42, seeker to holder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attributes {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// 0 to 2 a root of the answer, 3 the claim's.
    #[n(2)]
    pub root_index: u8,
    /// 0 first, 1 supplement.
    #[n(3)]
    pub supplement: u8,
    /// Opened fields.
    #[n(4)]
    pub fields: Vec<OpenedField>,
    /// The other leaves, ascending; together 32.
    #[cbor(n(5), with = "fixed_list")]
    pub other_hashes: Vec<[u8; 32]>,
}

/// What the holder says of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ReviewStatus {
    /// A question to the seeker's desk.
    #[n(1)]
    MoreDetail,
    /// People are at it.
    #[n(2)]
    InProgress,
    /// Nothing comes of it: another person, declined or unreachable.
    #[n(3)]
    Closed,
}

/// Type 43, holder to seeker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReviewResult {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// What is said.
    #[n(2)]
    pub status: ReviewStatus,
    /// Names of fields that are asked for, from a closed list.
    #[n(3)]
    pub wanted_fields: Vec<String>,
}

/// What a disclosure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DisclosureKind {
    /// How to reach the person.
    #[n(1)]
    Contact,
    /// A message.
    #[n(2)]
    Message,
    /// Alive, and no contact wished.
    #[n(3)]
    AliveNoContact,
    /// Dead; told by people, never by a list.
    #[n(4)]
    Deceased,
}

/// Type 44, holder to seeker, after the person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Disclosure {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// Which of the answer's roots it opens.
    #[n(2)]
    pub root_index: u8,
    /// Opened fields: those that the person agreed to.
    #[n(3)]
    pub fields: Vec<OpenedField>,
    /// The other leaves, ascending; together 32.
    #[cbor(n(4), with = "fixed_list")]
    pub other_hashes: Vec<[u8; 32]>,
    /// What it is.
    #[n(5)]
    pub kind: DisclosureKind,
    /// The words that the person agreed to, at most 4 KiB.
    #[n(6)]
    pub text: Sensitive<String>,
    /// The consent on file at the holder.
    #[n(7)]
    pub consent_ref: ConsentId,
}

/// Type 45, seeker to holder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Outcome {
    /// The claim.
    #[n(1)]
    pub claim_id: ClaimId,
    /// What came of it.
    #[n(2)]
    pub result: crate::casework::outcome::OutcomeKind,
}

/// Type 46, either way: the matter is closed. Exactly one of claim and case.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Withdraw {
    /// One claim.
    #[n(1)]
    pub claim_id: Option<ClaimId>,
    /// Everything about one case.
    #[n(2)]
    pub case_ref: Option<CaseRef>,
    /// Why, as a code.
    #[n(3)]
    pub reason_code: u8,
}
