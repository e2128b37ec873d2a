//! Candidates and disclosures: the holder's side by side, the seeker's receipt.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{CaseId, ClaimId, MemberId, PersonId, Sensitive, SubjectId};
use crate::casework::consent::Decision;
use crate::casework::outcome::OutcomeKind;
use crate::casework::review::Verdict;
use crate::engine::answer::people::ShownField;
use crate::linkage::{Band, FieldVerdict};

/// A candidate at the holder, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateLine {
    /// The candidate.
    pub candidate: ClaimId,
    /// The seeker.
    pub seeker: MemberId,
    /// Own record it concerns; absent while its attributes have not come.
    pub person: Option<PersonId>,
    /// What the sought person is to the person of that record, where the claim met a family member whom it only names.
    pub named_as: Option<String>,
    /// State: `waiting`, `to_review`, `confirmed`, `closed`, `consented`, `disclosed`, `ended`.
    pub state: String,
    /// Score band; shown once a verdict is given, or where the engine closed it.
    pub band: Option<Band>,
    /// Outcome that the seeker reported.
    pub outcome: Option<String>,
}

/// A candidate side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateShown {
    /// The masked line.
    pub line: CandidateLine,
    /// Rows of the comparison.
    pub rows: Vec<CandidateRow>,
    /// Score band.
    pub band: Band,
    /// A parent is shared and the given name is not.
    pub possible_relative: bool,
    /// Verdicts given so far.
    pub verdicts: Vec<Verdict>,
    /// What the found person decided, once recorded.
    pub decision: Option<Decision>,
    /// True if the seeker's society was asked for the enquirer.
    pub asked: bool,
    /// What it told of the enquirer: no field if it does not say; none before its answer came.
    pub enquirer: Option<Vec<ShownField>>,
}

/// One row of the side-by-side table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Name of the field.
    pub field: String,
    /// What the seeker's society sent.
    #[serde(with = "reveal")]
    pub sought: Sensitive<String>,
    /// What the own record holds.
    #[serde(with = "reveal")]
    pub registered: Sensitive<String>,
    /// How they compare.
    pub verdict: FieldVerdict,
    /// Why, in a caseworker's words.
    pub reason: String,
}

/// A holder's question for the enquirer that waits at the seeker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuestionLine {
    /// The candidate.
    pub candidate: ClaimId,
    /// Its case.
    pub case: CaseId,
    /// Its subject.
    pub subject: SubjectId,
    /// Who asks.
    pub holder: MemberId,
    /// True if the enquirer agreed to be named.
    pub agreed: bool,
    /// The user who agreed to the release; another one is needed.
    pub first: Option<String>,
}

/// What the receiver of a disclosure will see, exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureView {
    /// The candidate.
    pub candidate: ClaimId,
    /// The seeker.
    pub seeker: MemberId,
    /// Level.
    pub level: Decision,
    /// Opened fields of the record.
    pub fields: Vec<ShownField>,
    /// Text.
    #[serde(with = "reveal")]
    pub text: Sensitive<String>,
    /// True if it is on its way.
    pub sent: bool,
    /// What the sought person is to the person who consented, where the record only names the sought one.
    pub named_as: Option<String>,
}

/// A received disclosure, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureLine {
    /// The candidate.
    pub candidate: ClaimId,
    /// Its case.
    pub case: CaseId,
    /// Its subject.
    pub subject: SubjectId,
    /// Level.
    pub level: Decision,
    /// Outcome that was reported, if any.
    pub outcome: Option<OutcomeKind>,
}

/// A received disclosure in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureShown {
    /// The masked line.
    pub line: DisclosureLine,
    /// The holder.
    pub holder: MemberId,
    /// Opened fields, checked against the commitment made before any attribute was sent.
    pub fields: Vec<ShownField>,
    /// Text.
    #[serde(with = "reveal")]
    pub text: Sensitive<String>,
}
