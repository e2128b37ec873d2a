//! The roster's payload: everything that the custodians decide for a network (protocol.md 2.12, 3.9).
//!
//! `verify` lets one in; the engine reads it. A value of this type says nothing about who signed it: only a
//! [`HeldRoster`](crate::roster::HeldRoster) was verified.

use minicbor::{Decode, Encode};

use crate::base::cbor::{self, fixed};
use crate::base::ids::{MemberId, NetworkId, ProfileId};
use crate::roster::custodians::Custodians;
use crate::roster::member::{ClassId, Member};
use crate::roster::pace::Pace;

/// A network's roster. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Roster {
    /// The network.
    #[n(1)]
    pub network_id: NetworkId,
    /// 1, then one more each; a number is never used twice.
    #[n(2)]
    pub version: u64,
    /// SHA-256 of the payload of the version before, zeros in version 1.
    #[n(3)]
    #[cbor(with = "fixed")]
    pub prev_hash: [u8; 32],
    /// When it was proposed.
    #[n(4)]
    pub issued: u64,
    /// The last second in which it is good, at most 400 days later.
    #[n(5)]
    pub expires: u64,
    /// Oldest protocol version that is spoken.
    #[n(6)]
    pub protocol_min: u64,
    /// Newest protocol version that is spoken.
    #[n(7)]
    pub protocol_max: u64,
    /// The matching rules.
    #[n(8)]
    pub profile: Profile,
    /// T: match keys a record, 48.
    #[n(9)]
    pub keys_a_record: u64,
    /// L: bits of a label that a set holds, 48.
    #[n(10)]
    pub prefix_bits: u64,
    /// The budgets, in ascending id.
    #[n(11)]
    pub classes: Vec<CaseClass>,
    /// What one pair may do in a day.
    #[n(12)]
    pub limits: Limits,
    /// The intervals.
    #[n(13)]
    pub pace: Pace,
    /// Who signs the next version.
    #[n(14)]
    pub custodians: Custodians,
    /// The relay that confirms daily which version is current.
    #[n(15)]
    pub coordinator: Coordinator,
    /// Who may demand an audit, in ascending id.
    #[n(16)]
    pub auditors: Vec<Auditor>,
    /// The societies, in ascending id.
    #[n(17)]
    pub members: Vec<Member>,
    /// Members whose VOPRF key must roll at once, in ascending id.
    #[n(18)]
    pub force_roll: Vec<MemberId>,
    /// Texts for all operators.
    #[n(19)]
    pub notices: Vec<String>,
}

/// A version of the matching rules and the tables that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Profile {
    /// Its name.
    #[n(1)]
    pub id: ProfileId,
    /// SHA-256 over its tables (protocol.md 3.9).
    #[n(2)]
    #[cbor(with = "fixed")]
    pub parameters_hash: [u8; 32],
}

/// A class's budget at each owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CaseClass {
    /// Which class.
    #[n(1)]
    pub id: ClassId,
    /// Searches that may be opened a day.
    #[n(2)]
    pub new_a_day: u64,
    /// Searches that may be open.
    #[n(3)]
    pub open: u64,
}

/// What one member may do at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Limits {
    /// Evaluation requests a day.
    #[n(1)]
    pub eval_requests_a_day: u64,
    /// Claims a day.
    #[n(2)]
    pub claims_a_day: u64,
    /// Claims that may be open.
    #[n(3)]
    pub claims_open: u64,
    /// Claims on one record in 90 days.
    #[n(4)]
    pub claims_a_record: u64,
}

/// The ICRC's coordination node.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Coordinator {
    /// Its online ed25519 key.
    #[n(1)]
    #[cbor(with = "fixed")]
    pub key: [u8; 32],
    /// Where it can be reached.
    #[n(2)]
    pub addresses: Vec<String>,
}

/// Somebody who may demand an audit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Auditor {
    /// `@` and 1 to 15 of `[a-z0-9-]`.
    #[n(1)]
    pub id: String,
    /// Its ed25519 key.
    #[n(2)]
    #[cbor(with = "fixed")]
    pub key: [u8; 32],
}

impl Roster {
    /// Its payload, which the custodians sign.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// A society's entry, whatever its status.
    #[must_use]
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.binary_search_by(|member| member.id.cmp(id)).ok().and_then(|place| self.members.get(place))
    }

    /// The societies that take part, active or on probation.
    pub fn taking_part(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.takes_part())
    }

    /// A class's budget.
    #[must_use]
    pub fn class(&self, id: ClassId) -> Option<&CaseClass> {
        self.classes.iter().find(|class| class.id == id)
    }
}

impl CaseClass {
    /// The four classes of protocol.md 2.4.
    #[must_use]
    pub const fn standard() -> [Self; 4] {
        [
            Self { id: ClassId::S, new_a_day: 2, open: 100 },
            Self { id: ClassId::M, new_a_day: 10, open: 1_000 },
            Self { id: ClassId::L, new_a_day: 50, open: 5_000 },
            Self { id: ClassId::XL, new_a_day: 200, open: 20_000 },
        ]
    }

    /// Cases that a request is padded to a multiple of (protocol.md 2.4).
    #[must_use]
    pub const fn padding_unit(&self) -> usize {
        match self.new_a_day {
            50.. => 8,
            10.. => 4,
            _ => 2,
        }
    }
}

impl Limits {
    /// Those of protocol.md 3.6.
    #[must_use]
    pub const fn standard() -> Self {
        Self { eval_requests_a_day: 24, claims_a_day: 10, claims_open: 20, claims_a_record: 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_padded_by_class() {
        assert_eq!(CaseClass::standard().map(|class| class.padding_unit()), [2, 4, 8, 8]);
    }
}
