//! Protected records and what was found of them, as their holder's people see it. Nothing of it leaves the node.

use serde::{Deserialize, Serialize};

use crate::base::{ClaimId, MemberId, PersonId, UserId};

/// Keys of a protected record that are in a member's set of sought people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskHitLine {
    /// The record.
    pub person: PersonId,
    /// The member whose set was hit.
    pub member: MemberId,
    /// Keys that were hit.
    pub hits: u32,
    /// `held`; `asked`: a second person has to confirm; `claimed`; `nothing`: the claim met nobody; then a candidate's state.
    pub state: String,
    /// Who asked for a claim.
    pub asked_by: Option<UserId>,
    /// The claim, which is a candidate once the attributes came.
    pub candidate: Option<ClaimId>,
}

/// How far asking about protected records is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingLine {
    /// Records that are asked about.
    pub records: u32,
    /// Members that are asked.
    pub members: u32,
    /// Records that wait at the member where most do: its budget for this member is short.
    pub waiting: u32,
}
