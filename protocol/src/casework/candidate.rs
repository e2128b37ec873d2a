//! What a desk keeps of a candidate: at the holder attributes, comparison, reviews and consent; at the seeker what was
//! disclosed. All of it under the records root.

use minicbor::{Decode, Encode};

use crate::base::{CaseId, ClaimId, ConsentId, MemberId, Sensitive, SubjectId, Timestamp, UserId};
use crate::casework::commitment::OpenedField;
use crate::casework::consent::{ConsentForm, Decision};
use crate::casework::messages::DisclosureKind;
use crate::casework::outcome::OutcomeKind;
use crate::casework::review::Verdict;

/// A candidate at the holder.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct CandidateRecord {
    /// What the seeker's society sent, opened against its commitment.
    #[n(1)]
    pub attributes: Vec<OpenedField>,
    /// Score in thousandths of a bit, once compared.
    #[n(2)]
    pub score_milli: Option<i64>,
    /// Verdicts, in the order in which they were given.
    #[n(3)]
    pub reviews: Vec<Review>,
    /// What the found person decided.
    #[n(4)]
    pub consent: Option<Consent>,
}
crate::record!(CandidateRecord, ClaimId, Candidates, 1, Records);

/// What the seeker's society told of the enquirer; no field: not given.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SupplementRecord {
    /// `enquirer` and `relation`, opened against the claim's commitment.
    #[n(1)]
    pub fields: Vec<OpenedField>,
    /// When it came.
    #[n(2)]
    pub received: Timestamp,
}
crate::record!(SupplementRecord, ClaimId, Candidates, 40, Records);

/// One caseworker's verdict.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Review {
    /// Who.
    #[n(1)]
    pub user: UserId,
    /// The verdict.
    #[n(2)]
    pub verdict: Verdict,
    /// Why, in the caseworker's words.
    #[n(3)]
    pub note: Sensitive<String>,
    /// When.
    #[n(4)]
    pub at: Timestamp,
}

/// The found person's decision, with its evidence.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Consent {
    /// Names it in the disclosure.
    #[n(1)]
    pub id: ConsentId,
    /// The decision.
    #[n(2)]
    pub decision: Decision,
    /// How it was given.
    #[n(3)]
    pub form: ConsentForm,
    /// The words that the person agreed to.
    #[n(4)]
    pub text: Sensitive<String>,
    /// Who recorded it.
    #[n(5)]
    pub user: UserId,
    /// When.
    #[n(6)]
    pub at: Timestamp,
    /// The second person who approves the disclosure; the two-person rule fills it.
    #[n(7)]
    pub approved_by: Option<UserId>,
}

/// A disclosure at the seeker.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DisclosureRecord {
    /// Who disclosed.
    #[n(1)]
    pub holder: MemberId,
    /// The case.
    #[n(2)]
    pub case: CaseId,
    /// The subject.
    #[n(3)]
    pub subject: SubjectId,
    /// What it is.
    #[n(4)]
    pub kind: DisclosureKind,
    /// Opened fields.
    #[n(5)]
    pub fields: Vec<OpenedField>,
    /// The words that the person agreed to.
    #[n(6)]
    pub text: Sensitive<String>,
    /// The consent on file at the holder.
    #[n(7)]
    pub consent: ConsentId,
    /// When it came.
    #[n(8)]
    pub received: Timestamp,
    /// What was reported, once the enquirer has been told.
    #[n(9)]
    pub outcome: Option<OutcomeKind>,
}
crate::record!(DisclosureRecord, ClaimId, Candidates, 2, Records);
