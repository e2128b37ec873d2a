//! Which own records stand together: households, the ties that make them, and how much the owner-side cut takes.
//!
//! Rows only, all of ids and numbers under the service root, so that a locked node goes on cutting; `engine` fills and
//! reads them. A record without a row here is a household of its own. A household counts one mother's three registered
//! children as one bearer of her name: without it their keys would be cut (matching.md 7).

use minicbor::{Decode, Encode};

use crate::base::PersonId;
use crate::base::limits::KEYS_A_RECORD;

/// Why two records stand in one household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// They are one person, as far as the node or an operator can tell.
    Duplicate,
    /// One names the other as family.
    Family,
    /// One case file holds both.
    CaseFile,
}

impl Tie {
    /// Its bit in [`TieRow::why`].
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Tie::Duplicate => 1,
            Tie::Family => 2,
            Tie::CaseFile => 4,
        }
    }
}

/// Two records that stand together. Written in both directions, so that a record's ties are one range.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct TieRow {
    /// Bits of [`Tie`]; a tie ends with its last reason.
    #[n(1)]
    pub why: u8,
}
crate::record!(TieRow, (PersonId, PersonId), Index, 3, Service);

/// The household of a record; a record that has none of these is a household of its own.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HouseholdRow {
    /// Its smallest member.
    #[n(1)]
    pub household: PersonId,
}
crate::record!(HouseholdRow, PersonId, Index, 4, Service);

/// Two records that share a match key and were not compared yet; the smaller id first.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SuspectRow {}
crate::record!(SuspectRow, (PersonId, PersonId), Index, 5, Service);

/// What the cut left out of the last set that was built. It is the same for every peer.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct CutRow {
    /// Different keys that more than one household carries.
    #[n(1)]
    pub cut: u64,
    /// Different keys, those included.
    #[n(2)]
    pub keys: u64,
    /// True while that is more than it should be.
    #[n(3)]
    pub over: bool,
}
crate::record!(CutRow, (), Own, 11, Service);

impl CutRow {
    /// What a set shows. More than 1 % is more than it should be: the information table may lack a population. The keys of
    /// two records explain themselves by one pair that was not linked and are not enough, or a small register would warn
    /// of every pair of twins.
    #[must_use]
    pub fn of(cut: u64, keys: u64) -> Self {
        let explained = 2 * KEYS_A_RECORD as u64;
        Self { cut, keys, over: cut > explained && cut.saturating_mul(100) > keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_in_a_hundred_is_over_but_not_what_one_pair_explains() {
        assert!(!CutRow::of(96, 500).over);
        assert!(CutRow::of(97, 500).over);
        assert!(!CutRow::of(100, 10_000).over);
        assert!(CutRow::of(101, 10_000).over);
        assert!(!CutRow::of(0, 0).over);
    }
}
