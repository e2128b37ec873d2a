//! The parts of a record that a key may hold, and how much each tells (matching.md 4.1, 4.2).
//!
//! `match_key` combines them, the second stage aligns them. Information is counted in half-bits, in integers, so that
//! every node counts alike.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::base::limits;

use super::fields::{Fields, PlaceKind};
use super::normalize::tokens;
use super::phonetic::codes;
use super::places::{CodeKind, place_codes};
use super::tables::TABLES;

/// Own name tokens of a record that count.
pub(super) const OWN_NAMES: usize = 6;
/// Tokens of the mother's name that count.
const MOTHER_NAMES: usize = 2;
/// Place readings that count.
const PLACE_READINGS: usize = 4;
/// Half-bits that a role adds to a name that no table has.
const ROLE_GAIN: i32 = 1;

/// What keys and second stage see of a record; wiped on drop.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(super) struct Parts {
    /// Own names, at most 6, from given, family and father's name in this order; no first code twice.
    pub(super) own: Vec<NamePart>,
    /// Names of the mother that are not among the own ones, at most 2.
    pub(super) mother: Vec<NamePart>,
    /// Place readings, at most 4, no code twice.
    pub(super) places: Vec<PlacePart>,
    /// What the birth may be, at most two: year, 0 if unknown, and month and day where they are known and no default.
    pub(super) births: Vec<(u16, Option<(u8, u8)>)>,
}

/// One name token.
#[derive(Zeroize)]
pub(super) struct NamePart {
    /// The token.
    pub(super) token: String,
    /// Its codes, 1 to 3, likeliest first.
    pub(super) codes: Vec<String>,
    /// What the record uses it for.
    #[zeroize(skip)]
    pub(super) role: Role,
}

/// What a record uses a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The given name.
    Given,
    /// The father's name, or the second name of a patronymic chain.
    Father,
    /// Any other.
    None,
}

/// One reading of a place.
#[derive(Zeroize)]
pub(super) struct PlacePart {
    /// The code.
    pub(super) code: String,
    /// Index of the place that it is a reading of.
    pub(super) place: usize,
    /// Whether it is the place's first reading.
    pub(super) first: bool,
}

impl Parts {
    /// Takes a description apart.
    pub(super) fn of(fields: &Fields) -> Self {
        let mut parts = Self::default();
        parts.births.extend(fields.births());
        parts.read_names(fields);
        parts.read_places(fields);
        parts
    }

    fn read_names(&mut self, fields: &Fields) {
        let texts = [tokens(fields.given.expose()), tokens(fields.family.expose()), tokens(fields.father.expose())];
        let [_, family, father] = &texts;
        let fathers = father.first().or_else(|| family.first());
        for (field, tokens) in texts.iter().enumerate() {
            for (place, token) in tokens.iter().enumerate() {
                let role = match (field, place) {
                    (0, 0) => Role::Given,
                    (0, _) => Role::None,
                    _ if Some(token) == fathers => Role::Father,
                    _ => Role::None,
                };
                self.add_own(token, role);
            }
        }
        for token in tokens(fields.mother.expose()).iter() {
            let codes = codes(token);
            let Some(first) = codes.first() else { continue };
            if !self.own.iter().chain(&self.mother).any(|part| part.codes.first() == Some(first)) {
                self.mother.push(NamePart { token: token.clone(), codes: codes.to_vec(), role: Role::None });
            }
        }
        // Cut at the end: a name beyond the sixth still keeps itself out of the mother's part.
        self.own.truncate(OWN_NAMES);
        self.mother.truncate(MOTHER_NAMES);
    }

    fn add_own(&mut self, token: &str, role: Role) {
        if token.chars().nth(1).is_none() {
            return;
        }
        let codes = codes(token);
        let Some(first) = codes.first() else { return };
        match self.own.iter_mut().find(|part| part.codes.first() == Some(first)) {
            Some(seen) if seen.role == Role::None => seen.role = role,
            Some(_) => {}
            None => self.own.push(NamePart { token: token.to_owned(), codes: codes.to_vec(), role }),
        }
    }

    fn read_places(&mut self, fields: &Fields) {
        for (place, named) in fields.places.iter().take(limits::RECORD_LIST).enumerate() {
            for (reading, code) in place_codes(named.text.expose()).iter().enumerate() {
                let code = match (named.kind, reading) {
                    (PlaceKind::Town, _) => code.clone(),
                    (PlaceKind::Street, 0) => format!("~{code}"),
                    (PlaceKind::Street, _) => continue,
                };
                if self.places.len() < PLACE_READINGS && self.places.iter().all(|part| part.code != code) {
                    self.places.push(PlacePart { code, place, first: reading == 0 });
                }
            }
        }
    }
}

/// Half-bits of an own name wherever it stands.
pub(super) fn name_bits(code: &str) -> i32 {
    TABLES.own_bits.find(code).unwrap_or_else(|| default_bits(code))
}

/// Half-bits of an own name in its role.
pub(super) fn role_bits(code: &str) -> i32 {
    TABLES.role_bits.find(code).unwrap_or_else(|| name_bits(code) + ROLE_GAIN)
}

/// Half-bits of a name of the mother.
pub(super) fn mother_bits(code: &str) -> i32 {
    TABLES.mother_bits.find(code).unwrap_or_else(|| default_bits(code))
}

/// Half-bits of a place.
pub(super) fn place_bits(code: &str) -> i32 {
    TABLES.place_bits.find(code).unwrap_or_else(|| match CodeKind::of(code) {
        CodeKind::Town => 12,
        CodeKind::Numbered => 16,
        CodeKind::Street => 18,
    })
}

/// A name that no table has is rarer than one in some hundred; short codes meet by chance.
fn default_bits(code: &str) -> i32 {
    match code.len() {
        0 | 1 => 12,
        2 => 14,
        3 => 16,
        _ => 17,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patronymic_and_the_father_are_one_part() {
        let fields = Fields { given: "Ahmed".into(), family: "Musa Ibrahim".into(), father: "Musa".into(), ..Fields::default() };
        let parts = Parts::of(&fields);
        let own: Vec<_> = parts.own.iter().map(|part| (part.token.as_str(), part.role)).collect();
        assert_eq!(own, [("ahmed", Role::Given), ("musa", Role::Father), ("ibrahim", Role::None)]);
    }

    #[test]
    fn a_mother_with_the_family_name_adds_only_her_own() {
        let fields = Fields { family: "Shevchenko".into(), mother: "Олена Шевченко".into(), ..Fields::default() };
        let parts = Parts::of(&fields);
        assert_eq!(parts.mother.iter().map(|part| part.token.as_str()).collect::<Vec<_>>(), ["олена"]);
    }

    #[test]
    fn a_rare_name_tells_more_than_a_common_one() {
        assert_eq!((name_bits("md"), role_bits("md")), (3, 5));
        assert_eq!((name_bits("kflsk"), role_bits("kflsk")), (17, 18));
        assert_eq!((place_bits("n2630"), place_bits("~nrstrt"), place_bits("mkds")), (16, 18, 4));
    }
}
