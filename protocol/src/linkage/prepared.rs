//! A description in the form that the second stage compares: names, places and birth, read once.
//!
//! `compare` makes it of each side. Whoever compares one record with many keeps it, because reading costs several times
//! what a comparison does. All that a pair needs is worked out here: codes, what they tell, spellings, scripts. It holds
//! names in the clear and is wiped on drop.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::base::Sensitive;

use super::fields::{Fields, Sex};
use super::identifiers::identifiers;
use super::normalize::tokens;
use super::parts::{NamePart, Parts, PlacePart, Role, mother_bits, name_bits, place_bits, role_bits};
use super::similarity::Spelling;
use super::transliterate::internal;

/// Codes of at most this length are not taken for each other.
const SHORT: usize = 2;
/// Bytes of a code that its mark holds.
const MARKED_BYTES: usize = 7;
/// The greatest length that a mark tells; it must not reach the byte that is shifted out.
const WHOLE_IN_MARK: u64 = 0xff;

/// A description, read for comparison. Not printed, wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Prepared {
    /// Own names, at most 6.
    pub(super) own: Vec<Name>,
    /// Names of the mother that are not among the own ones, at most 2.
    pub(super) mother: Vec<Name>,
    /// The father's name as it stands in its field, at most 6 names.
    pub(super) father_field: Vec<Name>,
    /// The mother's name as it stands in its field, at most 6 names.
    pub(super) mother_field: Vec<Name>,
    /// Place readings, at most 4.
    pub(super) places: Vec<Place>,
    /// The parts without names and places: the birth.
    pub(super) birth: Parts,
    /// Sex, if recorded.
    #[zeroize(skip)]
    pub(super) sex: Option<Sex>,
    /// Labels of telephones and documents, at most 4; each is wiped by itself.
    #[zeroize(skip)]
    pub(super) identifiers: Vec<Sensitive<String>>,
}

/// One name.
#[derive(Zeroize)]
pub(super) struct Name {
    /// Its codes, 1 to 3, likeliest first.
    pub(super) codes: Vec<Code>,
    /// The first code.
    pub(super) first: Spelling,
    /// The classes of the first code's consonants, a bit each; 0 for a code that is too short to have any.
    pub(super) classes: u128,
    /// The internal spelling in lower case.
    pub(super) lower: Spelling,
    /// How it is written.
    pub(super) written: Written,
    /// What the record uses it for.
    #[zeroize(skip)]
    pub(super) role: Role,
}

/// One code with what it tells.
#[derive(Zeroize)]
pub(super) struct Code {
    /// The code.
    pub(super) text: String,
    /// The code's first bytes and its length: equal codes have equal marks.
    mark: u64,
    /// Half-bits wherever it stands.
    pub(super) bits: i32,
    /// Half-bits in its role.
    pub(super) role_bits: i32,
}

/// One reading of a place.
#[derive(Zeroize)]
pub(super) struct Place {
    /// The code.
    pub(super) code: Code,
    /// The code, for similarity.
    pub(super) spelling: Spelling,
    /// How the place is written.
    pub(super) written: Written,
}

/// How a text is written: what remains of it besides its sound.
#[derive(Zeroize, PartialEq, Eq)]
pub(super) struct Written {
    /// The script of its first letter.
    pub(super) script: u32,
    /// Its internal spelling.
    pub(super) spelling: String,
}

impl Prepared {
    /// Reads a description.
    #[must_use]
    pub fn of(fields: &Fields) -> Self {
        let parts = Parts::of(fields);
        Self {
            own: parts.own.iter().map(Name::own).collect(),
            mother: parts.mother.iter().map(Name::mother).collect(),
            father_field: names_in(fields.father.expose()),
            mother_field: names_in(fields.mother.expose()),
            places: parts.places.iter().map(|part| Place::of(part, fields)).collect(),
            birth: Parts::of(&Fields { birth: fields.birth, ..Fields::default() }),
            sex: fields.sex,
            identifiers: identifiers(fields),
        }
    }

    /// Whether a given name is recorded.
    pub(super) fn has_given(&self) -> bool {
        self.own.iter().any(|name| name.role == Role::Given)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared([sensitive])")
    }
}

impl Name {
    fn own(part: &NamePart) -> Self {
        Self::of(part, |code| (name_bits(code), role_bits(code)))
    }

    fn mother(part: &NamePart) -> Self {
        Self::of(part, |code| (mother_bits(code), mother_bits(code)))
    }

    fn of(part: &NamePart, bits: impl Fn(&str) -> (i32, i32)) -> Self {
        let first = part.codes.first().map_or("", String::as_str);
        let written = Written::of(&part.token);
        Self {
            codes: part.codes.iter().map(|code| Code::of(code, bits(code))).collect(),
            first: Spelling::of(first.to_owned()),
            classes: if first.len() > SHORT { classes(first) } else { 0 },
            lower: Spelling::of(written.spelling.to_ascii_lowercase()),
            written,
            role: part.role,
        }
    }

    /// Whether the first code is long enough to be taken for another.
    pub(super) const fn is_long(&self) -> bool {
        self.first.len() > SHORT
    }

    /// Whether both have a code in common.
    pub(super) fn shares_code(&self, other: &Self) -> bool {
        self.codes.iter().any(|code| other.codes.iter().any(|theirs| code.is(theirs)))
    }

    /// The code in common that is first in the order of its text.
    pub(super) fn common_code(&self, other: &Self) -> Option<&Code> {
        let common = self.codes.iter().filter(|code| other.codes.iter().any(|theirs| code.is(theirs)));
        common.min_by(|a, b| a.text.cmp(&b.text))
    }
}

impl Code {
    fn of(text: &str, (bits, role_bits): (i32, i32)) -> Self {
        let length = u64::try_from(text.len()).map_or(WHOLE_IN_MARK, |length| length.min(WHOLE_IN_MARK));
        let mark = text.bytes().take(MARKED_BYTES).fold(length, |mark, byte| mark << 8 | u64::from(byte));
        Self { text: text.to_owned(), mark, bits, role_bits }
    }

    /// Whether it is the same code.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.mark == other.mark && (self.text.len() <= MARKED_BYTES || self.text == other.text)
    }
}

impl Place {
    fn of(part: &PlacePart, fields: &Fields) -> Self {
        let bits = place_bits(&part.code);
        let text = fields.places.get(part.place).map(|place| tokens(place.text.expose()));
        let text = Zeroizing::new(text.map(|tokens| tokens.concat()).unwrap_or_default());
        Self { code: Code::of(&part.code, (bits, bits)), spelling: Spelling::of(part.code.clone()), written: Written::of(&text) }
    }
}

impl Written {
    fn of(text: &str) -> Self {
        Self { script: script(text), spelling: internal(text) }
    }
}

/// A field's text as names of its own.
fn names_in(text: &str) -> Vec<Name> {
    Parts::of(&Fields { family: text.into(), ..Fields::default() }).own.iter().map(Name::own).collect()
}

/// The set of a code's consonant classes; a code of vowels and h alone has none.
fn classes(code: &str) -> u128 {
    let class = |letter| match letter {
        b'g' => b'k',
        b'd' => b't',
        b'p' | b'f' => b'b',
        other => other,
    };
    let letters = code.trim_start_matches(['a', 'h']).bytes().map(class);
    letters.fold(0, |all, letter| all | 1 << (letter & 0x7f))
}

/// The script of a token's first letter: Latin is 0, scripts with letters in several blocks are one.
fn script(token: &str) -> u32 {
    match token.chars().next().map_or(0, u32::from) {
        0..=0x24f | 0x1e00..=0x1eff => 0,
        0x400..=0x52f => 1,
        0x590..=0x5ff => 2,
        0x600..=0x77f | 0x8a0..=0x8ff => 3,
        0x1200..=0x139f => 4,
        0x2e80..=0x9fff => 5,
        other => other & !0x7f,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_from_one_that_begins_alike() {
        let code = |text: &str| Code::of(text, (0, 0));
        assert!(code("alksndr").is(&code("alksndr")));
        assert!(!code("alksndr").is(&code("alksnd")));
        assert!(!code("abdrmnabdrmn").is(&code("abdrmnabdrms")));
        assert!(code(&"k".repeat(300)).is(&code(&"k".repeat(300))));
        assert!(!code(&"k".repeat(300)).is(&code(&"k".repeat(301))));
    }

    #[test]
    fn voiced_and_unvoiced_letters_are_one_class_and_their_order_does_not_count() {
        assert_eq!(classes("abdlgfr"), classes("rklbt"));
        assert_ne!(classes("abdlgfr"), classes("rklt"));
        assert_eq!(classes("aha"), 0);
    }

    #[test]
    fn a_prepared_description_does_not_print() {
        let prepared = Prepared::of(&Fields { given: "Salma".into(), ..Fields::default() });
        assert!(!format!("{prepared:?}").to_lowercase().contains("salma"));
    }
}
