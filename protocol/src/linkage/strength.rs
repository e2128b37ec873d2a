//! How well a description can be matched privately, and which missing field would help most.
//!
//! For the person who records it: `person show` and the import's report say it while the one who knows is still there.
//! Advice comes from trying: a typical value is put into each missing field and the keys are counted. It says what keys
//! there would be, not whether anybody registered the person.

use serde::{Deserialize, Serialize};

use super::conjunctions::Conjunctions;
use super::fields::{BirthDate, Fields, PlaceKind, PlaceText};
use super::normalize::tokens;
use super::parts::Parts;
use crate::base::limits::KEYS_A_RECORD;

/// Keys from which a record is strong: one more field would rarely be what finds the person.
pub const STRONG_KEYS: usize = 12;
/// Keys that are counted of a try: beyond the cap they still tell how much choice a field gives.
const TRIED: usize = 4 * KEYS_A_RECORD;

/// How well a description can be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strength {
    /// Its match keys, 0 to 48. None: it says too little to be matched privately.
    pub keys: usize,
    /// The missing field that would help most; none if nothing is missing or nothing missing would help.
    pub advice: Option<Advice>,
}

/// A field that is missing and would give more keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The mother's name.
    Mother,
    /// A place: of origin, or last seen.
    Place,
    /// The birth, be it the year alone.
    Birth,
    /// The father's name.
    Father,
}

impl Advice {
    /// The fields in the order in which they are asked for where two would help alike.
    const ALL: [Self; 4] = [Self::Mother, Self::Place, Self::Birth, Self::Father];

    /// What to add, in the caseworker's words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Advice::Mother => "the mother's name",
            Advice::Place => "a place of origin or where the person was last seen",
            Advice::Birth => "the year of birth, also if it is estimated",
            Advice::Father => "the father's name",
        }
    }

    /// The description with a typical value in this field, one entry a value; none if the field is filled.
    ///
    /// Month and day are not asked for where the year is known: who knows the year only rarely learns the rest.
    fn filled(self, fields: &Fields, parts: &Parts) -> Vec<Fields> {
        let set = |change: &dyn Fn(&mut Fields)| {
            let mut filled = fields.clone();
            change(&mut filled);
            filled
        };
        match self {
            Advice::Mother if parts.mother.is_empty() => {
                TYPICAL_MOTHERS.map(|name| set(&|filled| filled.mother = name.into())).to_vec()
            }
            Advice::Father if tokens(fields.father.expose()).is_empty() => {
                TYPICAL_FATHERS.map(|name| set(&|filled| filled.father = name.into())).to_vec()
            }
            Advice::Place if parts.places.is_empty() => {
                let town = || PlaceText { text: TYPICAL_TOWN.into(), kind: PlaceKind::Town };
                vec![set(&|filled| filled.places = vec![town()])]
            }
            Advice::Birth if parts.births.iter().all(|(year, _)| *year == 0) => {
                let known = parts.births.first().and_then(|(_, month_day)| *month_day);
                vec![set(&|filled| filled.birth = Some(BirthDate { year: 1990, month_day: known, or: None }))]
            }
            _ => Vec::new(),
        }
    }
}

/// Names and a town that tell as much as most do (12 or 13 half-bits, 8 for a town). Of names two, in case that the
/// person bears one of them.
const TYPICAL_MOTHERS: [&str; 2] = ["Fadumo", "Helen"];
const TYPICAL_FATHERS: [&str; 2] = ["Idris", "Helen"];
const TYPICAL_TOWN: &str = "Tikrit";

/// Counts a description's keys and looks for the field that is missed most.
#[must_use]
pub fn strength(fields: &Fields) -> Strength {
    let parts = Parts::of(fields);
    let all = tried(&parts);
    let mut best = (all, None);
    let mut missing = Advice::ALL.into_iter().filter(|advice| !advice.filled(fields, &parts).is_empty());
    for advice in Advice::ALL {
        let filled = advice.filled(fields, &parts);
        let keys = filled.iter().map(|fields| tried(&Parts::of(fields))).max().unwrap_or(0);
        if keys > best.0 {
            best = (keys, Some(advice));
        }
    }
    // Where one field alone does not reach a key, it is the first of those that are needed together.
    let advice = if best.0 == 0 { missing.next() } else { best.1 };
    Strength { keys: all.min(KEYS_A_RECORD), advice }
}

fn tried(parts: &Parts) -> usize {
    Conjunctions::of(parts).ranked(TRIED).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::match_key::match_keys;

    fn person(given: &str, family: &str, father: &str, mother: &str, birth: &str, place: &str) -> Fields {
        let place = PlaceText { text: place.into(), kind: PlaceKind::Town };
        Fields {
            given: given.into(),
            family: family.into(),
            father: father.into(),
            mother: mother.into(),
            birth: BirthDate::parse(birth),
            places: vec![place],
            ..Fields::default()
        }
    }

    #[test]
    fn a_name_alone_gives_no_key_and_is_advised() {
        let names = person("Amina", "Ali", "", "", "", "");
        assert_eq!(strength(&names), Strength { keys: 0, advice: Some(Advice::Mother) });
    }

    #[test]
    fn the_advised_field_is_one_that_is_missing_and_gives_keys() {
        let cases = [
            person("محمد", "أحمد علي", "أحمد", "", "1990", "مقديشو"),
            person("Oleksandr", "Kovalchuk", "Ivan", "Olena", "", "Mariupol"),
            person("ብርሃኔ", "ጸጋዬ", "ጸጋዬ", "Fikirte", "1995-01-01", ""),
            person("Amina", "Ali", "", "", "", ""),
        ];
        for (case, fields) in cases.iter().enumerate() {
            let before = strength(fields);
            let missing = match before.advice.unwrap() {
                Advice::Mother => fields.mother.expose().is_empty(),
                Advice::Father => fields.father.expose().is_empty(),
                Advice::Place => fields.places.iter().all(|place| place.text.expose().is_empty()),
                Advice::Birth => fields.birth.is_none(),
            };
            assert!(missing, "case {case}");
            assert_eq!(before.keys, match_keys(fields).len(), "case {case}");
        }
    }

    #[test]
    fn nothing_is_advised_where_nothing_is_missing() {
        let whole = person("Mohamed", "Ahmed Ali", "Ahmed", "Fadumo Xasan", "1991", "Mogadishu");
        assert_eq!(strength(&whole).advice, None);
    }

    #[test]
    fn a_bearer_of_a_typical_name_is_advised_as_others_are() {
        let advice = |given: &str| strength(&person(given, "Warsame", "Warsame", "", "1990", "Baidoa")).advice;
        assert_eq!(advice("Fadumo"), Some(Advice::Mother));
        assert_eq!(advice("Helen"), Some(Advice::Mother));
    }
}
