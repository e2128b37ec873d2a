//! One society on the roster.
//!
//! The custodians write it; the engine asks it for standing, classes and caps. It holds no operational key: those are in
//! the key chain.

use minicbor::{Decode, Encode};

use crate::base::cbor::fixed;
use crate::base::ids::MemberId;

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum MemberStatus {
    /// Takes part.
    #[n(1)]
    Active = 1,
    /// Takes part in class S, for its first 14 days.
    #[n(2)]
    Probation,
    /// Refused by everybody; its sets are void.
    #[n(3)]
    Suspended,
    /// Left the network.
    #[n(4)]
    Left,
}

/// Names a row of the roster's table of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ClassId {
    /// The class of small societies and of members on probation.
    #[n(1)]
    S = 1,
    /// The usual class.
    #[n(2)]
    M,
    /// Large societies.
    #[n(3)]
    L,
    /// The ICRC.
    #[n(4)]
    XL,
}

/// A member's entry (protocol.md 3.9). Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Member {
    /// Its id; entries are in ascending order of it.
    #[n(1)]
    pub id: MemberId,
    /// Language tag and name in that language, 1 to 16.
    #[n(2)]
    pub names: Vec<(String, String)>,
    /// Country code, 2 or 3 capital letters.
    #[n(3)]
    pub country: String,
    /// Where it stands.
    #[n(4)]
    pub status: MemberStatus,
    /// Its offline ed25519 key, 32 bytes.
    #[n(5)]
    #[cbor(with = "fixed")]
    pub root_key: [u8; 32],
    /// A power of two above the number of people that it attests to hold; bounds its sets.
    #[n(6)]
    pub people_cap: u64,
    /// Its budget of searches in the `registered` family.
    #[n(7)]
    pub case_class: ClassId,
    /// Where it can be reached, at most 8.
    #[n(8)]
    pub addresses: Vec<String>,
    /// How its incident desk is reached.
    #[n(9)]
    pub incident_contact: String,
    /// When it joined.
    #[n(10)]
    pub joined: u64,
    /// Since when it has this status.
    #[n(11)]
    pub status_since: u64,
    /// Whether one person may review alone, in a society of fewer than three staff.
    #[n(12)]
    pub single_reviewer: bool,
    /// Its budget of searches in the `sought` family.
    #[n(13)]
    pub ask_class: ClassId,
}

impl Member {
    /// Whether it may send and receive.
    #[must_use]
    pub const fn takes_part(&self) -> bool {
        matches!(self.status, MemberStatus::Active | MemberStatus::Probation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cbor;

    #[test]
    fn statuses_and_classes_have_the_numbers_of_the_specification() {
        let statuses = [MemberStatus::Active, MemberStatus::Probation, MemberStatus::Suspended, MemberStatus::Left];
        assert_eq!(cbor::encode(&statuses), [0x84, 1, 2, 3, 4]);
        assert_eq!(cbor::encode(&[ClassId::S, ClassId::M, ClassId::L, ClassId::XL]), [0x84, 1, 2, 3, 4]);
    }
}
