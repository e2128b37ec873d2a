//! People as a caseworker sees them: masked in lists, whole in `show`.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{PersonId, Sensitive};
use crate::linkage::Advice;
use crate::person::FormError;

/// A person was registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonAdded {
    /// The record.
    pub person: PersonId,
    /// Number of match keys.
    pub keys: u32,
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
}
