//! The erasure of a record: why, who asked for it, and what stays of it.
//!
//! `engine::erasure` writes and reads these rows. What stays is an id, times, a reason out of five and keyed hashes: nothing
//! that says who the record was about. Free text is nowhere, since it would hold the personal data that is to go.

use core::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::base::{PersonId, SubjectId, Timestamp, UserId};

/// Why a record is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum ErasureBasis {
    /// The person took the consent back on which the record stood.
    #[n(1)]
    ConsentWithdrawn,
    /// The person objects, and nothing outweighs that.
    #[n(2)]
    Objection,
    /// The record is not needed any more for what it was made for.
    #[n(3)]
    NotNeeded,
    /// It should not have been made: no basis, the wrong person, an invented one.
    #[n(4)]
    Unlawful,
    /// The law demands it.
    #[n(5)]
    LegalDuty,
}

impl ErasureBasis {
    /// The word for screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Objection => "objection",
            Self::NotNeeded => "not_needed",
            Self::Unlawful => "unlawful",
            Self::LegalDuty => "legal_duty",
        }
    }
}

/// A record that can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordId {
    /// A registered person, or an enquirer who may be found.
    Person(PersonId),
    /// A sought person of a case.
    Subject(SubjectId),
}

impl RecordId {
    /// Under which its rows here stand: ids are random, so no two records share one.
    #[must_use]
    pub const fn key(self) -> PersonId {
        match self {
            Self::Person(person) => person,
            Self::Subject(subject) => PersonId(subject.0),
        }
    }

    /// The short form for screens.
    #[must_use]
    pub fn short(self) -> String {
        match self {
            Self::Person(person) => person.short(),
            Self::Subject(subject) => subject.short(),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => person.fmt(f),
            Self::Subject(subject) => subject.fmt(f),
        }
    }
}

/// One user asked for the erasure of a record; another one has to agree. Until then nothing of the record changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErasureAsked {
    /// Why.
    #[n(1)]
    pub basis: ErasureBasis,
    /// Who asked.
    #[n(2)]
    pub user: UserId,
    /// When.
    #[n(3)]
    pub at: Timestamp,
}
crate::record!(ErasureAsked, PersonId, People, 5, Records);

/// The tombstone of a record: from the commit that writes it the record is met by nothing, and nothing writes of it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErasedRow {
    /// Why.
    #[n(1)]
    pub basis: ErasureBasis,
    /// When.
    #[n(2)]
    pub at: Timestamp,
}
crate::record!(ErasedRow, PersonId, Index, 9, Service);

/// An erased record of which claims or links of duplicates may still be there. Goes with the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErasingRow {}
crate::record!(ErasingRow, PersonId, Index, 10, Service);

/// What keeps a file from bringing an erased record back, under the keyed hash of its file number or of all that it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErasedReference {
    /// When it was erased.
    #[n(1)]
    pub at: Timestamp,
}
crate::record!(ErasedReference, [u8; 16], People, 6, Records);
