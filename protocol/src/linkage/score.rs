//! The weight of an agreement in milli-bits and the bands of the sum: a Fellegi-Sunter score (matching.md 9).
//!
//! Called by `compare`. A shared name or place counts by its rarity in the profile's table, everything else by a fixed
//! weight that was fitted on invented populations. The parts are not independent, so the sum is an order of candidates
//! and no probability; it never leaves the node.

use serde::{Deserialize, Serialize};

use super::agreement::{Alignment, DateLevel, Level, Pair, PlaceLevel};
use super::fields::Sex;
use super::identifiers::IdentifiersAgree;
use super::parts::Role;

/// What a score means for the queue of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Below 16 bits: not shown unless asked for.
    Unlikely,
    /// 16 bits to below 24.
    Possible,
    /// 24 bits and more.
    Likely,
}

impl Band {
    /// The band of a score in milli-bits.
    #[must_use]
    pub const fn of(score_milli: i64) -> Self {
        match score_milli {
            24_000.. => Band::Likely,
            16_000.. => Band::Possible,
            _ => Band::Unlikely,
        }
    }
}

/// What became of the given name among the matched names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenName {
    /// Matched with the other's given name.
    Both,
    /// Matched with another name of the other.
    Cross,
    /// Not matched.
    None,
}

impl GivenName {
    /// Reads it off the matched names.
    pub(super) fn of(own: &Alignment<'_>) -> Self {
        let mut given = own.pairs().filter(|pair| [pair.sought.role, pair.registered.role].contains(&Role::Given));
        match given.next() {
            Some(pair) if pair.in_role() => GivenName::Both,
            Some(_) => GivenName::Cross,
            None => GivenName::None,
        }
    }
}

/// Weight of the own names.
pub(super) fn own(alignment: &Alignment<'_>) -> i64 {
    let pairs: i64 = alignment.pairs().map(own_pair).sum();
    let contradiction = match alignment.contradicting {
        0 => 7_130,
        1 => -800,
        _ => -10_520,
    };
    let given = match GivenName::of(alignment) {
        GivenName::Both => 4_650,
        GivenName::Cross => -140,
        GivenName::None => -4_950,
    };
    pairs + contradiction + given
}

/// Weight of the mother's names, where both sides have some.
pub(super) fn mother(alignment: &Alignment<'_>) -> i64 {
    if alignment.is_empty() {
        return -7_480;
    }
    let pair = |pair: &Pair<'_>| match pair.level {
        Level::SameCode => shared(pair.common_code().map_or(0, |code| code.bits)),
        Level::Coarse => -580,
        Level::Near => 80,
    };
    alignment.pairs().map(pair).sum()
}

/// Weight of the dates of birth.
pub(super) fn date(level: DateLevel) -> i64 {
    match level {
        DateLevel::Missing => 0,
        DateLevel::Full => 14_640,
        DateLevel::Swapped => 9_010,
        DateLevel::MonthDayNearYear => 9_190,
        DateLevel::MonthDayOtherYear => -4_260,
        DateLevel::YearAndPart => 4_350,
        DateLevel::YearOtherMonthDay => -4_590,
        DateLevel::NearYearOtherMonthDay => -5_930,
        DateLevel::Different => -10_140,
        DateLevel::YearOnly(0) => 3_610,
        DateLevel::YearOnly(1) => 2_750,
        DateLevel::YearOnly(2) => 2_110,
        DateLevel::YearOnly(3..=5) => -820,
        DateLevel::YearOnly(_) => -7_500,
    }
}

/// Weight of the places.
pub(super) fn place(level: PlaceLevel<'_>) -> i64 {
    match level {
        PlaceLevel::Missing => 0,
        PlaceLevel::Same(place, _) => shared(place.code.bits),
        PlaceLevel::Near => -1_130,
        PlaceLevel::Different => -5_220,
    }
}

/// Weight of the sexes.
pub(super) fn sex(sought: Option<Sex>, registered: Option<Sex>) -> i64 {
    match (sought, registered) {
        (Some(a), Some(b)) if a == b => 980,
        (Some(_), Some(_)) => -13_500,
        _ => 0,
    }
}

/// Weight of telephones and documents in common. One that differs says nothing: people change both. A telephone is less
/// than a document, since families and camps share one.
pub(super) const fn identifiers(agree: IdentifiersAgree) -> i64 {
    (if agree.document { 20_000 } else { 0 }) + (if agree.phone { 17_000 } else { 0 })
}

fn own_pair(pair: &Pair<'_>) -> i64 {
    match (pair.level, pair.in_role()) {
        (Level::SameCode, true) => shared(pair.common_code().map_or(0, |code| code.role_bits)),
        (Level::SameCode, false) => shared(pair.common_code().map_or(0, |code| code.bits)),
        (Level::Coarse, true) => -450,
        (Level::Coarse, false) => -2_460,
        (Level::Near, true) => 40,
        (Level::Near, false) => -1_910,
    }
}

/// What a value in common tells, less the share of true pairs that do not have it in common.
fn shared(half_bits: i32) -> i64 {
    i64::from(half_bits) * 500 - 400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_in_common_is_strong_and_another_one_is_nothing() {
        let agree = |phone, document| identifiers(IdentifiersAgree { phone, document });
        assert_eq!(agree(false, false), 0);
        assert!(agree(true, false) >= 16_000 && agree(false, true) > agree(true, false));
    }

    #[test]
    fn a_band_begins_at_its_bound() {
        assert_eq!(Band::of(24_000), Band::Likely);
        assert_eq!(Band::of(23_999), Band::Possible);
        assert_eq!(Band::of(16_000), Band::Possible);
        assert_eq!(Band::of(15_999), Band::Unlikely);
        assert_eq!(Band::of(i64::MIN), Band::Unlikely);
    }
}
