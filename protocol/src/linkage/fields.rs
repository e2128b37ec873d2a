//! What linkage reads of a person: names as text, birth, places, sex.
//!
//! Callers fill [`Fields`] from a record, a subject of a case or the attributes of a claim. Nothing here prints.
//! Calendars are the caller's: a date is Gregorian, or one of two where its calendar leaves that open.

use core::fmt;

use crate::base::Sensitive;

/// The description of one person, for keys and for the second stage. Empty text is "not recorded".
#[derive(Clone, Default)]
pub struct Fields {
    /// Given name, with further given names behind it.
    pub given: Sensitive<String>,
    /// Family names, or the names behind the given one, in the person's order.
    pub family: Sensitive<String>,
    /// The father's name, his own given name first.
    pub father: Sensitive<String>,
    /// The mother's name.
    pub mother: Sensitive<String>,
    /// When the person was born, as far as known.
    pub birth: Option<BirthDate>,
    /// Places of origin and where the person was last seen, the surest first; at most 16 count.
    pub places: Vec<PlaceText>,
    /// Sex, if recorded; not in keys.
    pub sex: Option<Sex>,
    /// Telephones as written; each is a key by its last 8 digits.
    pub phones: Vec<Sensitive<String>>,
    /// Identity documents; each is a key.
    pub documents: Vec<DocumentText>,
}

impl Fields {
    /// The births that the description may mean, at most two: year and, as evidence, month and day. Month and day are
    /// `None` where unknown, 00 or 1 January.
    pub(super) fn births(&self) -> impl Iterator<Item = (u16, Option<(u8, u8)>)> {
        let certain = |(year, month_day): (u16, Option<(u8, u8)>)| {
            (year, month_day.filter(|month_day| !matches!(month_day, (0, _) | (1, 1))))
        };
        self.birth.into_iter().flat_map(move |birth| core::iter::once((birth.year, birth.month_day)).chain(birth.or).map(certain))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields([sensitive])")
    }
}

/// A year of birth, with month and day where they are known, and a second one where a calendar leaves two open.
///
/// 1 January stands for "year only" in keys and comparison, since offices write it for unknown dates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthDate {
    /// Year of the Gregorian calendar; 0 is "unknown".
    pub year: u16,
    /// Month from 1 and day from 1.
    pub month_day: Option<(u8, u8)>,
    /// The other date that it may be: its year, month and day.
    pub or: Option<(u16, Option<(u8, u8)>)>,
}

impl BirthDate {
    /// Years that a person in any record can have been born in.
    const YEARS: core::ops::RangeInclusive<u16> = 1800..=2199;

    /// Reads `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    ///
    /// A month without a day, and a day that its month does not have, give the year only. A year outside 1800 to 2199
    /// and every other text give `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let year = number(parts.next()?, 4).filter(|year| Self::YEARS.contains(year))?;
        let month = parts.next();
        let day = parts.next();
        if parts.next().is_some() {
            return None;
        }
        if month.into_iter().chain(day).any(|part| part.len() > 2) {
            return None;
        }
        let month_day = month.zip(day).and_then(|(month, day)| {
            let month = u8::try_from(number(month, 2)?).ok()?;
            let day = u8::try_from(number(day, 2)?).ok()?;
            (1..=days_in(year, month)).contains(&day).then_some((month, day))
        });
        Some(Self { year, month_day, or: None })
    }

    /// One of two dates, or the one that both are.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        Self { or: Some((other.year, other.month_day)).filter(|or| *or != (self.year, self.month_day)), ..self }
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate([sensitive])")
    }
}

/// A place as it was told or written.
#[derive(Clone, Debug)]
pub struct PlaceText {
    /// The place's name, a postcode, or a line with a street.
    pub text: Sensitive<String>,
    /// What the text names.
    pub kind: PlaceKind,
}

/// An identity document as written.
#[derive(Clone, Debug)]
pub struct DocumentText {
    /// Its kind, a word of `a-z` and `_`.
    pub kind: Sensitive<String>,
    /// Who issued it; empty if unknown.
    pub issuer: Sensitive<String>,
    /// Its number.
    pub number: Sensitive<String>,
}

/// What a place text names. A postcode or a numbered camp is a [`PlaceKind::Town`]; it is recognised by its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A town, district, camp or postcode.
    Town,
    /// A street with or without a house.
    Street,
}

/// Sex as recorded; other entries count as not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Days of a month; 0 for a month that is none.
fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(u16, Option<(u8, u8)>)> {
        BirthDate::parse(text).map(|date| (date.year, date.month_day))
    }

    #[test]
    fn a_date_is_read_as_far_as_it_makes_sense() {
        assert_eq!(parsed("1984-03-12"), Some((1984, Some((3, 12)))));
        assert_eq!(parsed(" 1984 "), Some((1984, None)));
        assert_eq!(parsed("1984-03"), Some((1984, None)));
        assert_eq!(parsed("1984-01-01"), Some((1984, Some((1, 1)))));
        assert_eq!(parsed("2000-02-29"), Some((2000, Some((2, 29)))));
        for year_only in ["1984-00-00", "1984-02-31", "1984-13-02", "1984-03-00", "1900-02-29", "1984-99-99", "1984-??-??"] {
            assert_eq!(parsed(year_only).map(|date| date.1), Some(None), "{year_only}");
        }
        for nothing in ["", "0000-00-00", "3000-01-02", "84", "1984-2010", "12.3.1984", "1984-03-12-1", "-1984", "١٩٨٤"] {
            assert_eq!(parsed(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_description_does_not_print() {
        let fields = Fields { given: "Salma".into(), birth: BirthDate::parse("1984-03-12"), ..Fields::default() };
        let text = format!("{fields:?} {:?}", fields.birth);
        assert!(!text.contains("Salma") && !text.contains("1984"));
    }
}
