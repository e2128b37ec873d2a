//! What the found person decided when asked, and how the decision was given.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// What a found person wants the enquirer to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing: the other side sees what it sees of an unfinished search.
    #[n(1)]
    Nothing,
    /// That the person is alive, and no more.
    #[n(2)]
    AliveOnly,
    /// A message, without any place or contact.
    #[n(3)]
    Message,
    /// How to reach the person.
    #[n(4)]
    Contact,
}

impl Decision {
    /// Reads the word used in forms.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "nothing" => Some(Self::Nothing),
            "alive_only" => Some(Self::AliveOnly),
            "message" => Some(Self::Message),
            "contact" => Some(Self::Contact),
            _ => None,
        }
    }

    /// The word used in forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::AliveOnly => "alive_only",
            Self::Message => "message",
            Self::Contact => "contact",
        }
    }
}

/// How a consent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum ConsentForm {
    /// On paper.
    #[n(1)]
    Written,
    /// Spoken before a witness.
    #[n(2)]
    OralWitnessed,
    /// Recorded.
    #[n(3)]
    Recorded,
}
