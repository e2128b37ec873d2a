//! A caseworker's verdict on a candidate.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The two records are one person.
    #[n(1)]
    Same,
    /// They are not.
    #[n(2)]
    Different,
    /// Not to be told from what is here.
    #[n(3)]
    Unsure,
}
