//! How far two names, dates or places agree: the levels of the second stage (matching.md 9).
//!
//! `score` weighs the levels, `compare` puts them into words. Local to one node, so spelling distances may be floats.

use super::parts::{OWN_NAMES, Parts, Role};
use super::prepared::{Code, Name, Place};
use super::score;

/// Jaro-Winkler similarity from which two spellings, two codes, two place codes are near.
const NEAR_SPELLING: f64 = 0.88;
const NEAR_CODE: f64 = 0.86;
const NEAR_PLACE: f64 = 0.85;

/// How far two names agree, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nearly the same spelling or code.
    Near,
    /// The same classes of consonants in whatever order.
    Coarse,
    /// A code in common.
    SameCode,
}

impl Level {
    /// Whether two names agree this far. Whether they agree further is not asked.
    fn holds(self, a: &Name, b: &Name) -> bool {
        match self {
            Level::SameCode => a.shares_code(b),
            Level::Coarse => a.classes != 0 && a.classes == b.classes,
            Level::Near => a.lower.is_near(&b.lower, NEAR_SPELLING) || near_code(a, b),
        }
    }
}

/// Two names that are taken for each other.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// How far they agree.
    pub(super) level: Level,
    /// The sought person's name.
    pub(super) sought: &'a Name,
    /// The registered person's name.
    pub(super) registered: &'a Name,
}

impl<'a> Pair<'a> {
    /// Whether both records use the name for the same thing.
    pub(super) fn in_role(&self) -> bool {
        self.sought.role == self.registered.role && self.sought.role != Role::None
    }

    /// The first code in common, in the order of their text.
    pub(super) fn common_code(&self) -> Option<&'a Code> {
        self.sought.common_code(self.registered)
    }
}

/// Two lists of names, matched one to one, best level first, earlier names first among equals.
#[derive(Default)]
pub(super) struct Alignment<'a> {
    pairs: [Option<Pair<'a>>; OWN_NAMES],
    count: usize,
    /// Names without a partner where both sides have such: the shorter side's count.
    pub(super) contradicting: usize,
}

impl<'a> Alignment<'a> {
    /// The matched names, best level first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Pair<'a>> + Clone {
        self.pairs.iter().flatten()
    }

    /// Whether nothing was matched.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, pair: Pair<'a>) {
        if let Some(slot) = self.pairs.get_mut(self.count) {
            *slot = Some(pair);
            self.count += 1;
        }
    }
}

/// Matches two lists of at most 6 names.
///
/// Level by level, so that the dear question of similarity is put to those names only that nothing better matched.
pub(super) fn align<'a>(sought: &'a [Name], registered: &'a [Name]) -> Alignment<'a> {
    let mut alignment = Alignment::default();
    let most = sought.len().min(registered.len());
    let (mut taken, mut taken_registered) = (0u32, 0u32);
    for level in [Level::SameCode, Level::Coarse, Level::Near] {
        if alignment.count == most {
            break;
        }
        for (i, a) in sought.iter().enumerate() {
            if taken & 1 << i != 0 {
                continue;
            }
            let free = |j: &usize| taken_registered & 1 << j == 0;
            let found = registered.iter().enumerate().find(|(j, b)| free(j) && level.holds(a, b));
            if let Some((j, b)) = found {
                taken |= 1 << i;
                taken_registered |= 1 << j;
                alignment.add(Pair { level, sought: a, registered: b });
            }
        }
    }
    alignment.contradicting = most - alignment.count;
    alignment
}

fn near_code(a: &Name, b: &Name) -> bool {
    a.is_long() && a.first.is_near(&b.first, NEAR_CODE)
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
    Same(&'a Place, &'a Place),
    /// Two codes are near.
    Near,
    /// No two codes are near.
    Different,
}

/// Compares two lists of places.
pub(super) fn place_level<'a>(sought: &'a [Place], registered: &'a [Place]) -> PlaceLevel<'a> {
    let pairs = || sought.iter().flat_map(|a| registered.iter().map(move |b| (a, b)));
    if sought.is_empty() || registered.is_empty() {
        return PlaceLevel::Missing;
    }
    if let Some((a, b)) = pairs().filter(|(a, b)| a.code.is(&b.code)).max_by_key(|(a, _)| a.code.bits) {
        return PlaceLevel::Same(a, b);
    }
    if pairs().any(|(a, b)| a.spelling.is_near(&b.spelling, NEAR_PLACE)) { PlaceLevel::Near } else { PlaceLevel::Different }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::linkage::fields::{BirthDate, Fields};
    use crate::linkage::prepared::Prepared;

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

    /// Every pair with its best level, sorted, then taken greedily: what the level-by-level matching must amount to.
    fn greedy(sought: &[Name], registered: &[Name]) -> Vec<(Level, usize, usize)> {
        let mut possible = Vec::new();
        for (i, a) in sought.iter().enumerate() {
            for (j, b) in registered.iter().enumerate() {
                let level = [Level::SameCode, Level::Coarse, Level::Near].into_iter().find(|level| level.holds(a, b));
                possible.extend(level.map(|level| (level, i, j)));
            }
        }
        possible.sort_by_key(|(level, i, j)| (core::cmp::Reverse(*level), *i, *j));
        let mut taken: Vec<(Level, usize, usize)> = Vec::new();
        for one in possible {
            if taken.iter().all(|(_, i, j)| *i != one.1 && *j != one.2) {
                taken.push(one);
            }
        }
        taken
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn matching_level_by_level_takes_the_best_pairs_first(
            sought in vec("[kgtdbnr][aio]{1,2}[kgtdbnrs]{1,3}[ao]?", 0..7),
            registered in vec("[kgtdbnr][aio]{1,2}[kgtdbnrs]{1,3}[ao]?", 0..7),
        ) {
            let [sought, registered] = [sought, registered]
                .map(|names| Prepared::of(&Fields { family: names.join(" ").as_str().into(), ..Fields::default() }));
            let place = |names: &[Name], name: &Name| names.iter().position(|one| core::ptr::eq(one, name)).unwrap();
            let alignment = align(&sought.own, &registered.own);
            let found: Vec<_> = alignment
                .pairs()
                .map(|pair| (pair.level, place(&sought.own, pair.sought), place(&registered.own, pair.registered)))
                .collect();
            prop_assert_eq!(found, greedy(&sought.own, &registered.own));
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
        let names = |family: &str| Prepared::of(&Fields { family: family.into(), ..Fields::default() });
        let (sought, registered) = (names("Ковальчук Шевченко Мельник"), names("Kovalchuk Shevchenka"));
        let alignment = align(&sought.own, &registered.own);
        let levels: Vec<Level> = alignment.pairs().map(|pair| pair.level).collect();
        assert_eq!(levels, [Level::SameCode, Level::SameCode]);
        assert_eq!(alignment.contradicting, 0);
    }
}
