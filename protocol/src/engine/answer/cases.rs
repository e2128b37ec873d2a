//! Cases and searches as the seeker's desk sees them. No news is not shown a member.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{CaseId, MemberId, PersonId, Sensitive, SubjectId};
use crate::engine::answer::people::ShownField;

/// A case, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseLine {
    /// The case.
    pub case: CaseId,
    /// The society's own file number.
    #[serde(with = "reveal")]
    pub label: Sensitive<String>,
    /// `draft`, `active` or `closed`.
    pub status: String,
    /// Its subjects.
    pub subjects: Vec<SubjectLine>,
}

/// A sought person, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectLine {
    /// The subject.
    pub subject: SubjectId,
    /// What the sought person is to the enquirer.
    pub relation: String,
    /// First letters of the name.
    #[serde(with = "reveal")]
    pub initials: Sensitive<String>,
    /// Year of birth.
    #[serde(with = "reveal")]
    pub year: Sensitive<String>,
    /// What the desk may know: `not_searched`, `searching`, `in_review`, `answered`, `ended`, `closed`.
    pub state: String,
    /// Outcome, once there is one.
    pub outcome: Option<String>,
}

/// One case in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseShown {
    /// The masked line.
    pub line: CaseLine,
    /// The enquirer's fields.
    pub enquirer: Vec<ShownField>,
    /// Each subject's fields, in the order of the line.
    pub subjects: Vec<Vec<ShownField>>,
    /// Members that must not get a claim.
    pub claim_never: Vec<MemberId>,
    /// The enquirer as somebody who may be found, if the enquirer agreed.
    pub findable: Option<PersonId>,
    /// Whether holders of protected records may ask about the sought people.
    pub holders_may_ask: bool,
}

/// What a search would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchPlan {
    /// Names the plan; `SearchRun` takes it.
    pub plan: String,
    /// Subjects that would be searched.
    pub subjects: u32,
    /// Elements each member evaluates.
    pub elements: u32,
    /// Members that would be asked.
    pub members: u32,
    /// Members that must not get a claim.
    pub claim_never: Vec<MemberId>,
}

/// How far the search of one subject is. No news is not shown a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchLine {
    /// The subject.
    pub subject: SubjectId,
    /// Its case.
    pub case: CaseId,
    /// Members asked.
    pub asked: u32,
    /// Members that answered the evaluation.
    pub answered: u32,
    /// Members whose current set was tested.
    pub tested: u32,
    /// What the desk may know of it.
    pub state: String,
}

/// How the breaker stands at one owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BreakerLine {
    /// The owner.
    pub owner: MemberId,
    /// Sought persons tested there.
    pub tested: u32,
    /// Of them, those that hit there for the first time in the last 28 days.
    pub lately: u32,
    /// So many may, before automatic claims stop.
    pub limit: u32,
    /// `closed`: claims go. `open`: they wait for a person. `flagged`: people hit there whom this node made up.
    pub state: String,
    /// Until when a supervisor raised the limit, Unix seconds.
    pub raised_until: Option<u64>,
    /// Who did.
    pub raised_by: Option<String>,
}

/// A hit that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HeldLine {
    /// The subject.
    pub subject: SubjectId,
    /// Its case.
    pub case: CaseId,
    /// The member whose set was hit.
    pub owner: MemberId,
    /// Keys that were hit.
    pub hits: u32,
    /// Why it waits: `one_hit`, `policy`, `breaker` (too many cases hit there), or `roster_old`: the roster was not confirmed
    /// for 30 days.
    pub reason: String,
}
