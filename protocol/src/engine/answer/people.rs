//! People as a caseworker sees them: masked in lists, whole in `show`.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{PersonId, Sensitive, UserId};
use crate::linkage::{Advice, Band, ComparedField, FieldVerdict};
use crate::person::FormError;

/// A person was registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonAdded {
    /// The record.
    pub person: PersonId,
    /// Number of match keys.
    pub keys: u32,
    /// True if it was registered before, by the same file number with the same words: nothing was written.
    #[serde(default)]
    pub known: bool,
    /// True if there is no key: too little to match privately.
    pub too_little: bool,
    /// The missing field that would help most, if there are few keys.
    pub advice: Option<Advice>,
}

/// What became of one row of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowResult {
    /// Its number in the file.
    pub row: u64,
    /// The record, if it was kept.
    pub added: Option<PersonAdded>,
    /// What was wrong, if it was not.
    pub error: Option<FormError>,
}

/// A registered person, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonLine {
    /// The record.
    pub person: PersonId,
    /// First letters of the name.
    #[serde(with = "reveal")]
    pub initials: Sensitive<String>,
    /// Year of birth, `~` in front of an estimate.
    #[serde(with = "reveal")]
    pub year: Sensitive<String>,
    /// Last place.
    #[serde(with = "reveal")]
    pub place: Sensitive<String>,
    /// `answer`, `ask_only` or `off`.
    pub match_mode: String,
    /// The record that is shown in its place, if an operator said that it is the same person.
    pub same_as: Option<PersonId>,
}

/// A page of pairs of own records, and how the cut stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Duplicates {
    /// The pairs.
    pub pairs: Vec<DuplicateLine>,
    /// Where the next page starts, if there is one; a page may be empty and have a next.
    pub next: Option<(PersonId, PersonId)>,
    /// Pairs that share a key and were not compared yet.
    pub suspects: u64,
    /// Different keys that the last sets leave out because two households carry them.
    pub keys_cut: u64,
    /// Different keys, those included.
    pub keys: u64,
    /// True if that is so many that a population may be missing from the information table.
    pub cut_warning: bool,
}

/// Two own records that may be one person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DuplicateLine {
    /// One of them.
    pub first: PersonLine,
    /// The other.
    pub second: PersonLine,
    /// `proposed`, `merged` or `different`.
    pub state: String,
    /// Band of the score.
    pub band: Band,
    /// The given names differ and a parent is shared.
    pub possible_relative: bool,
    /// Why, field by field.
    pub fields: Vec<DuplicateField>,
    /// Who decided; none for the node.
    pub decided_by: Option<UserId>,
    /// Of a merged pair, the record that is shown.
    pub shown: Option<PersonId>,
}

/// A field of a pair: whether it agrees and why, no value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DuplicateField {
    /// The field.
    pub field: ComparedField,
    /// Whether it agrees.
    pub verdict: FieldVerdict,
    /// Why, in words.
    pub reason: String,
}

/// A field with its value, for a reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownField {
    /// Name of the field.
    pub field: String,
    /// Its value.
    #[serde(with = "reveal")]
    pub value: Sensitive<String>,
}

/// One person in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonShown {
    /// The record.
    pub person: PersonId,
    /// Fields that hold something, in a fixed order.
    pub fields: Vec<ShownField>,
    /// `answer`, `ask_only` or `off`.
    pub match_mode: String,
    /// Who may learn that the record exists.
    pub visible_to: String,
    /// Number of match keys.
    pub keys: u32,
    /// The missing field that would help most, if there are few.
    pub advice: Option<Advice>,
    /// Changes so far.
    pub revision: u32,
    /// The record that is shown in its place, if an operator said that it is the same person.
    pub same_as: Option<PersonId>,
    /// Records that an operator said are the same person as this one.
    pub merged: Vec<PersonId>,
}
