//! The record of a person as a society keeps it.

use minicbor::{Decode, Encode};

use crate::base::{PersonId, Sensitive, Timestamp, UserId};
use crate::person::dates::ApproxDate;
use crate::person::document::Document;
use crate::person::family::FamilyMember;
use crate::person::names::{PersonName, PlaceName, Sex};
use crate::person::policy::{Audience, LegalBasis, MatchMode, ProtectionFlag};

/// One person of this node: registered, sought or enquirer. Never leaves the node as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PersonRecord {
    /// The society's own file number, class N.
    #[n(1)]
    pub society_ref: Sensitive<String>,
    /// Own names, the primary one first.
    #[n(2)]
    pub names: Vec<PersonName>,
    /// Father's name.
    #[n(3)]
    pub father: Sensitive<String>,
    /// Mother's name.
    #[n(4)]
    pub mother: Sensitive<String>,
    /// Sex.
    #[n(5)]
    pub sex: Sex,
    /// Birth.
    #[n(6)]
    pub birth: Option<Sensitive<ApproxDate>>,
    /// Place of birth or origin.
    #[n(7)]
    pub birth_place: PlaceName,
    /// Last place known.
    #[n(8)]
    pub last_place: PlaceName,
    /// Phone numbers.
    #[n(9)]
    pub phones: Vec<Sensitive<String>>,
    /// Free note, class N.
    #[n(10)]
    pub note: Sensitive<String>,
    /// Facts kept to verify the other side, class H.
    #[n(11)]
    pub held_back: Vec<Sensitive<String>>,
    /// Why the society may hold the record.
    #[n(12)]
    pub legal_basis: LegalBasis,
    /// How it takes part in matching.
    #[n(13)]
    pub match_mode: MatchMode,
    /// Who may learn that it exists.
    #[n(14)]
    pub audience: Audience,
    /// Reasons for protection.
    #[n(15)]
    pub flags: Vec<ProtectionFlag>,
    /// What the person is to this society.
    #[n(16)]
    pub role: Role,
    /// Counts changes, from 1.
    #[n(17)]
    pub revision: u32,
    /// When it was first written.
    #[n(18)]
    pub registered_at: Timestamp,
    /// Who wrote it.
    #[n(19)]
    pub registered_by: UserId,
    /// The second person where a change needs two; the two-person rule fills it.
    #[n(20)]
    pub confirmed_by: Option<UserId>,
    /// Identity documents.
    #[n(21)]
    pub documents: Vec<Document>,
    /// Family members whom the person named.
    #[n(22)]
    pub family: Vec<FamilyMember>,
}

crate::record!(PersonRecord, PersonId, People, 1, Records);

/// What a person is to this society.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// May be found.
    #[n(1)]
    Registered,
    /// Is looked for.
    #[n(2)]
    Sought,
    /// Looks for somebody.
    #[n(3)]
    Enquirer,
}

impl PersonRecord {
    /// The primary name.
    #[must_use]
    pub fn name(&self) -> Option<&PersonName> {
        self.names.first()
    }
}
