//! Why a member is suspended, revokes its key or is refused: a code, so that no text about people travels or is stored.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// A reason; on the wire it is its number. An unknown number is read as [`ReasonCode::Other`] by whoever shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum ReasonCode {
    /// None of the others, or none given.
    #[default]
    #[n(0)]
    Other = 0,
    /// The node or its keys are in other hands.
    #[n(1)]
    Stolen = 1,
    /// The node was broken into.
    #[n(2)]
    BrokenInto = 2,
    /// It sends what it should not.
    #[n(3)]
    Misuse = 3,
    /// The society asked for it.
    #[n(4)]
    OwnWish = 4,
    /// A law or an order forbids the exchange.
    #[n(5)]
    Law = 5,
}

impl ReasonCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Other, Self::Stolen, Self::BrokenInto, Self::Misuse, Self::OwnWish, Self::Law];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// The reason of a number.
    #[must_use]
    pub fn from_code(code: u64) -> Self {
        Self::ALL.into_iter().find(|reason| reason.code() == code).unwrap_or_default()
    }

    /// The word for commands and screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Stolen => "stolen",
            Self::BrokenInto => "broken-into",
            Self::Misuse => "misuse",
            Self::OwnWish => "own-wish",
            Self::Law => "law",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_and_unknown_ones_are_other() {
        for (number, reason) in (0..).zip(ReasonCode::ALL) {
            assert_eq!((reason.code(), ReasonCode::from_code(number)), (number, reason));
        }
        assert_eq!(ReasonCode::from_code(99), ReasonCode::Other);
    }
}
