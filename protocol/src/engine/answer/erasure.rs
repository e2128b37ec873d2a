//! What the erasure of a record takes with it, and what it does not reach: ids and counts, nothing of the record.

use serde::{Deserialize, Serialize};

use crate::base::{MemberId, PersonId, UserId};
use crate::casework::erasure::{ErasureBasis, RecordId};

/// Where the erasure of a record stands, and what it means.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErasureView {
    /// The record.
    pub record: RecordId,
    /// `none`, `asked`, `withdrawn` or `erased`.
    pub state: String,
    /// Who asked for it, and why.
    pub asked: Option<ErasureLine>,
    /// Claims on it that close.
    pub claims: u32,
    /// Members that were told something of the person: what they have is theirs to erase.
    pub told: Vec<MemberId>,
    /// Records that are taken for the same person: they stay, unless they are erased too.
    pub same: Vec<PersonId>,
}

/// An erasure that waits for a second user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErasureLine {
    /// The record.
    pub record: RecordId,
    /// Why.
    pub basis: ErasureBasis,
    /// Who asked.
    pub asked_by: UserId,
    /// Unix seconds.
    pub asked_at: u64,
}

/// Why a record was not erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureProblem {
    /// Nobody asked for it.
    #[error("nobody has asked for the erasure of this record")]
    NotAsked,
    /// Somebody asked for it before, and it waits.
    #[error("the erasure of this record was asked for and waits for a second user")]
    Asked,
    /// It is done.
    #[error("this record was erased")]
    Erased,
}
