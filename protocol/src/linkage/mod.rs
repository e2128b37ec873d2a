//! Level 2, record linkage: which keys a person's description yields for the private match, and how well two
//! descriptions agree once both lie on one desk.
//!
//! `private_match` takes the keys of [`match_keys`], `casework` and the driver call [`compare`]. Two societies find each
//! other only if both derive the same key from differing descriptions, so everything up to a key is integer arithmetic
//! over constant tables, named together by [`profile_id`] and [`parameters_hash`]. The second stage is local to a node.
//!
//! Deliberately absent: storage, transliteration for display, and any learning from the node's own data, which would give
//! each node keys of its own.

mod agreement;
mod compare;
mod conjunctions;
mod evaluate;
mod fields;
mod identifiers;
mod match_key;
mod normalize;
mod parts;
mod phonetic;
mod places;
mod prepared;
mod profile;
mod score;
mod similarity;
mod spelling;
mod strength;
mod tables;
mod transliterate;
mod wording;

#[cfg(test)]
mod invariance;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

pub use compare::{
    ComparedField, Comparison, FieldComparison, FieldVerdict, Reason, Score, compare, compare_prepared, score_prepared,
};
pub use evaluate::{Entry, Evaluation, OwnerCut, evaluate};
pub use fields::{BirthDate, DocumentText, Fields, PlaceKind, PlaceText, Sex};
pub use identifiers::{IdentifiersAgree, identifiers, identifiers_agree};
pub use match_key::{MatchKey, RecordKeys, match_keys, record_keys};
pub use prepared::Prepared;
pub use profile::{parameters_hash, profile_id};
pub use score::Band;
pub use spelling::{SpellingAgreement, compare_spellings};
pub use strength::{Advice, STRONG_KEYS, Strength, strength};
