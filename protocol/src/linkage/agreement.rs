//! How far two names, dates or places agree: the levels of the second stage (matching.md 9).
//!
//! `score` weighs the levels, `compare` puts them into words. Local to one node, so spelling distances may be floats.

use strsim::jaro_winkler;
use zeroize::Zeroizing;

use super::parts::{NamePart, Parts, PlacePart, Role};
use super::score;
use super::transliterate::internal;

/// Jaro-Winkler similarity from which two spellings, two codes, two place codes are near.
const NEAR_SPELLING: f64 = 0.88;
const NEAR_CODE: f64 = 0.86;
const NEAR_PLACE: f64 = 0.85;

/// How far two name tokens agree, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nearly the same spelling or code.
    Near,
    /// The same classes of consonants in whatever order.
    Coarse,
    /// A code in common.
    SameCode,
}

/// Two tokens that are taken for each other.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// How far they agree.
    pub(super) level: Level,
    /// The sought person's token.
    pub(super) sought: &'a NamePart,
    /// The registered person's token.
    pub(super) registered: &'a NamePart,
}

impl Pair<'_> {
    /// Whether both records use the name for the same thing.
    pub(super) fn in_role(&self) -> bool {
        self.sought.role == self.registered.role && self.sought.role != Role::None
    }

    /// The first code in common, in the order of their text.
    pub(super) fn common_code(&self) -> Option<&str> {
        let common = self.sought.codes.iter().filter(|code| self.registered.codes.contains(code));
        common.min().map(String::as_str)
    }
}

/// Two lists of tokens, matched one to one, best level first, earlier tokens first among equals.
pub(super) struct Alignment<'a> {
    /// The matched tokens.
    pub(super) pairs: Vec<Pair<'a>>,
    /// Tokens without a partner where both sides have such: the shorter side's count.
    pub(super) contradicting: usize,
}

/// Matches two lists of tokens.
pub(super) fn align<'a>(sought: &'a [NamePart], registered: &'a [NamePart]) -> Alignment<'a> {
    let [left, right] = [sought, registered].map(|parts| parts.iter().map(Form::of).collect::<Vec<_>>());
    let mut possible: Vec<(Level, usize, usize)> = Vec::new();
    for (i, a) in left.iter().enumerate() {
        possible.extend(right.iter().enumerate().filter_map(|(j, b)| level(a, b).map(|level| (level, i, j))));
    }
    possible.sort_by_key(|(level, i, j)| (core::cmp::Reverse(*level), *i, *j));
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for (level, i, j) in possible {
        if taken.iter().all(|(a, b)| *a != i && *b != j)
            && let (Some(sought), Some(registered)) = (sought.get(i), registered.get(j))
        {
            taken.push((i, j));
            pairs.push(Pair { level, sought, registered });
        }
    }
    let contradicting = sought.len().min(registered.len()) - pairs.len();
    Alignment { pairs, contradicting }
}

/// A token in the forms that are compared.
struct Form<'a> {
    part: &'a NamePart,
    first: &'a str,
    coarse: Zeroizing<String>,
    spelling: Zeroizing<String>,
}

impl<'a> Form<'a> {
    fn of(part: &'a NamePart) -> Self {
        let first = part.codes.first().map_or("", String::as_str);
        let spelling = Zeroizing::new(internal(&part.token).to_ascii_lowercase());
        Self { part, first, coarse: Zeroizing::new(coarse(first)), spelling }
    }
}

fn level(a: &Form<'_>, b: &Form<'_>) -> Option<Level> {
    let long = |form: &Form<'_>| form.first.len() > 2;
    if a.part.codes.iter().any(|code| b.part.codes.contains(code)) {
        Some(Level::SameCode)
    } else if long(a) && long(b) && a.coarse == b.coarse {
        Some(Level::Coarse)
    } else if a.spelling.is_empty() || b.spelling.is_empty() {
        None
    } else {
        let near =
            jaro_winkler(&a.spelling, &b.spelling) >= NEAR_SPELLING || (long(a) && jaro_winkler(a.first, b.first) >= NEAR_CODE);
        near.then_some(Level::Near)
    }
}

/// The sorted classes of a code's consonants; the code itself if nothing is left.
fn coarse(code: &str) -> String {
    let class = |letter| match letter {
        'g' => 'k',
        'd' => 't',
        'p' | 'f' => 'b',
        other => other,
    };
    let mut letters: Vec<char> = code.trim_start_matches(['a', 'h']).chars().map(class).collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.is_empty() { code.to_owned() } else { letters.into_iter().collect() }
}

/// How far two dates of birth agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateLevel {
    /// A side has no year.
    Missing,
    /// The same day.
    Full,
    /// The same year, day and month in the other's place.
    Swapped,
    /// The same day and month, the year off by 1 or 10.
    MonthDayNearYear,
    /// The same day and month in another year.
    MonthDayOtherYear,
    /// The same year and one of day and month.
    YearAndPart,
    /// The same year, day and month differ.
    YearOtherMonthDay,
    /// Years at most 2 apart, day and month differ.
    NearYearOtherMonthDay,
    /// Years more than 2 apart, day and month differ.
    Different,
    /// A side knows the year only; years that many apart.
    YearOnly(u16),
}

/// Compares two dates of birth; where a calendar leaves two open, those that speak most for the same person.
pub(super) fn date_level(sought: &Parts, registered: &Parts) -> DateLevel {
    let pairs = sought.births.iter().flat_map(|a| registered.births.iter().map(move |b| level_between(*a, *b)));
    pairs.max_by_key(|level| score::date(*level)).unwrap_or(DateLevel::Missing)
}

fn level_between(
    (year, month_day): (u16, Option<(u8, u8)>),
    (other_year, other_month_day): (u16, Option<(u8, u8)>),
) -> DateLevel {
    if year == 0 || other_year == 0 {
        return DateLevel::Missing;
    }
    let apart = year.abs_diff(other_year);
    let (Some((month, day)), Some((other_month, other_day))) = (month_day, other_month_day) else {
        return DateLevel::YearOnly(apart);
    };
    if (month, day) == (other_month, other_day) {
        return match apart {
            0 => DateLevel::Full,
            1 | 10 => DateLevel::MonthDayNearYear,
            _ => DateLevel::MonthDayOtherYear,
        };
    }
    match apart {
        0 if (month, day) == (other_day, other_month) => DateLevel::Swapped,
        0 if month == other_month || day == other_day => DateLevel::YearAndPart,
        0 => DateLevel::YearOtherMonthDay,
        1 | 2 => DateLevel::NearYearOtherMonthDay,
        _ => DateLevel::Different,
    }
}

/// How far two lists of places agree.
#[derive(Clone, Copy)]
pub(super) enum PlaceLevel<'a> {
    /// A side has no place.
    Missing,
    /// A reading in common; the one that tells most.
    Same(&'a PlacePart, &'a PlacePart),
    /// Two codes are near.
    Near,
    /// No two codes are near.
    Different,
}

/// Compares two lists of places; `bits` weighs a code.
pub(super) fn place_level<'a>(sought: &'a Parts, registered: &'a Parts, bits: fn(&str) -> i32) -> PlaceLevel<'a> {
    let pairs = || sought.places.iter().flat_map(|a| registered.places.iter().map(move |b| (a, b)));
    if pairs().next().is_none() {
        return PlaceLevel::Missing;
    }
    if let Some((a, b)) = pairs().filter(|(a, b)| a.code == b.code).max_by_key(|(a, _)| bits(&a.code)) {
        return PlaceLevel::Same(a, b);
    }
    if pairs().any(|(a, b)| jaro_winkler(&a.code, &b.code) >= NEAR_PLACE) { PlaceLevel::Near } else { PlaceLevel::Different }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{BirthDate, Fields};

    fn born(text: &str) -> Parts {
        Parts::of(&Fields { birth: BirthDate::parse(text), ..Fields::default() })
    }

    #[test]
    fn dates_agree_to_a_level() {
        let cases = [
            ("1984-03-12", "1984-03-12", DateLevel::Full),
            ("1984-03-12", "1984-12-03", DateLevel::Swapped),
            ("1984-03-12", "1974-03-12", DateLevel::MonthDayNearYear),
            ("1984-03-12", "1982-03-12", DateLevel::MonthDayOtherYear),
            ("1984-03-12", "1984-03-13", DateLevel::YearAndPart),
            ("1984-03-12", "1984-05-13", DateLevel::YearOtherMonthDay),
            ("1984-03-12", "1985-12-03", DateLevel::NearYearOtherMonthDay),
            ("1984-03-12", "1990-05-13", DateLevel::Different),
            ("1984-03-12", "1984-01-01", DateLevel::YearOnly(0)),
            ("1984", "1990-05-13", DateLevel::YearOnly(6)),
            ("", "1990-05-13", DateLevel::Missing),
        ];
        for (sought, registered, expected) in cases {
            assert_eq!(date_level(&born(sought), &born(registered)), expected, "{sought} {registered}");
        }
    }

    #[test]
    fn of_two_dates_that_a_birth_may_be_the_better_counts() {
        let either = |first: &str, second: &str| {
            let birth = BirthDate::parse(first).zip(BirthDate::parse(second)).map(|(first, second)| first.either(second));
            Parts::of(&Fields { birth, ..Fields::default() })
        };
        assert_eq!(date_level(&either("1990", "1991"), &born("1991")), DateLevel::YearOnly(0));
        assert_eq!(date_level(&born("1993-05-06"), &either("1990", "1991")), DateLevel::YearOnly(2));
        assert_eq!(date_level(&either("1990-07-24", "1990-07-25"), &born("1990-07-25")), DateLevel::Full);
        assert_eq!(date_level(&either("1990-07-24", "1990-07-25"), &either("1990", "1991")), DateLevel::YearOnly(0));
        assert_eq!(date_level(&either("1990", "1991"), &born("")), DateLevel::Missing);
    }

    #[test]
    fn names_are_matched_one_to_one_best_first() {
        let parts = |family: &str| Parts::of(&Fields { family: family.into(), ..Fields::default() });
        let (sought, registered) = (parts("Ковальчук Шевченко Мельник"), parts("Kovalchuk Shevchenka"));
        let alignment = align(&sought.own, &registered.own);
        let levels: Vec<Level> = alignment.pairs.iter().map(|pair| pair.level).collect();
        assert_eq!(levels, [Level::SameCode, Level::SameCode]);
        assert_eq!(alignment.contradicting, 0);
        assert_eq!(coarse("abdlgfr"), "bklrt");
        assert_eq!(coarse("a"), "a");
    }
}
