//! A tracing case: one enquirer, one or more sought persons, and what was decided before any search.

use minicbor::{Decode, Encode};

use crate::base::{CaseId, ClaimId, PersonId, Sensitive, SubjectId, Timestamp, UserId};
use crate::casework::commitment::OpenedField;
use crate::casework::outcome::OutcomeKind;
use crate::person::PersonRecord;

/// One case, as its society keeps it. Never leaves the node as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CaseRecord {
    /// The society's own file number, class N.
    #[n(1)]
    pub label: Sensitive<String>,
    /// Who asks.
    #[n(2)]
    pub enquirer: PersonRecord,
    /// Who is looked for, in the form's order.
    #[n(3)]
    pub subjects: Vec<SubjectId>,
    /// True if the assessment with the enquirer says that the search is safe.
    #[n(4)]
    pub safe: bool,
    /// Notes of the assessment, class N.
    #[n(5)]
    pub safety_notes: Sensitive<String>,
    /// When it was opened.
    #[n(6)]
    pub opened_at: Timestamp,
    /// Who opened it.
    #[n(7)]
    pub opened_by: UserId,
    /// The second person who accepted it; the two-person rule fills it.
    #[n(8)]
    pub accepted_by: Option<UserId>,
    /// The enquirer as somebody who may be found, while the case is open and the enquirer agreed.
    #[n(9)]
    pub findable: Option<PersonId>,
    /// True if the enquirer agreed that a holder's desk may learn its name, after people there found the same person.
    #[n(16)]
    pub enquirer_named: bool,
}
crate::record!(CaseRecord, CaseId, Cases, 1, Records);

/// One sought person of a case, at one revision.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SubjectRecord {
    /// Its case.
    #[n(1)]
    pub case: CaseId,
    /// What the sought person is to the enquirer.
    #[n(2)]
    pub relation: Sensitive<String>,
    /// The sought person.
    #[n(3)]
    pub person: PersonRecord,
    /// Name, value and salt of each field that may be opened in an attribute message or supplement.
    #[n(4)]
    pub salted: Vec<OpenedField>,
}
crate::record!(SubjectRecord, SubjectId, Cases, 2, Records);

/// A subject that ended: from the commit that writes this row nothing is asked, tested or claimed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EndedRow {
    /// How it ended.
    #[n(1)]
    pub outcome: OutcomeKind,
    /// When.
    #[n(2)]
    pub at: Timestamp,
    /// The claim that answered it, if one did.
    #[n(3)]
    pub answered: Option<ClaimId>,
    /// When its secret, keys and pseudonyms are forgotten: two epochs later, since an audit may ask for them.
    #[n(4)]
    pub forget: Timestamp,
}
crate::record!(EndedRow, SubjectId, Subjects, 40, Service);

/// The salted fields of a registered person, written with the record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SaltedPerson {
    /// Its fields that a disclosure may open.
    #[n(1)]
    pub fields: Vec<OpenedField>,
}
crate::record!(SaltedPerson, PersonId, People, 2, Records);
