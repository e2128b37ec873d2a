//! What came of a disclosure, as the seeker's society reports it.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// What the holder learns of the end (protocol.md 3.3, type 45).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Contact is restored or the family is together.
    #[n(1)]
    Reunited,
    /// The enquirer has been told, or messages were exchanged.
    #[n(2)]
    Informed,
    /// Ended otherwise.
    #[n(3)]
    Closed,
}
