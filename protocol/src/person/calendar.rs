//! The calendars in which births are told, and their days in the Gregorian one.
//!
//! `dates` asks here which days a date may be. Solar Hijri and Ethiopian days convert exactly. A Hijri month begins with
//! the sight of the moon, which no calculation knows: the Umm al-Qura table and the civil (tabular) rule are both
//! answered, and where they differ nobody decides. A month seen earlier or later than both is not covered. No clock, no
//! file: `icu_calendar` is arithmetic and a table that is compiled in.

use core::ops::RangeInclusive;

use icu_calendar::cal::hijri::{TabularAlgorithmEpoch, TabularAlgorithmLeapYears};
use icu_calendar::cal::{EthiopianEraStyle, Hijri};
use icu_calendar::{AsCalendar, Date, Gregorian, RangeError};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The calendar in which a date was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, Default)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// Gregorian.
    #[default]
    #[n(1)]
    Gregorian,
    /// Solar Hijri, of Iran and Afghanistan (Persian, Jalali, Hijri Shamsi).
    #[n(2)]
    SolarHijri,
    /// Hijri, the lunar one (Islamic, Hijri Qamari).
    #[n(3)]
    Hijri,
    /// Ethiopian and Eritrean, years of the era of mercy.
    #[n(4)]
    Ethiopian,
}

/// A day of the Gregorian calendar, in the order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// The day in each reckoning of a calendar; none where the reckoning does not have it.
pub(super) type Reckoned = [Option<Day>; 2];

impl Calendar {
    /// The word behind a date, as it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Calendar::Gregorian => "gregorian",
            Calendar::SolarHijri => "solar_hijri",
            Calendar::Hijri => "hijri",
            Calendar::Ethiopian => "ethiopian",
        }
    }

    /// The letters behind a year where there is little room; empty for the Gregorian calendar.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Calendar::Gregorian => "",
            Calendar::SolarHijri => "SH",
            Calendar::Hijri => "AH",
            Calendar::Ethiopian => "EC",
        }
    }

    /// The calendar of a word in any letter case; blanks and hyphens count as underscores.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word.to_lowercase().replace([' ', '-'], "_").as_str() {
            "gregorian" => Some(Calendar::Gregorian),
            "solar_hijri" | "hijri_shamsi" | "shamsi" | "jalali" | "persian" | "sh" => Some(Calendar::SolarHijri),
            "hijri" | "hijri_qamari" | "islamic" | "ah" => Some(Calendar::Hijri),
            "ethiopian" | "ec" => Some(Calendar::Ethiopian),
            _ => None,
        }
    }

    /// Years that a birth can have: 1850 to 2200 in the Gregorian calendar, or what begins within them.
    ///
    /// So a Hijri or Solar Hijri year without its calendar is refused. An Ethiopian one is not: it reads as a Gregorian
    /// year, seven or eight years too early.
    pub(super) const fn years(self) -> RangeInclusive<u16> {
        match self {
            Calendar::Gregorian => 1850..=2200,
            Calendar::SolarHijri => 1229..=1578,
            Calendar::Hijri => 1267..=1624,
            Calendar::Ethiopian => 1843..=2192,
        }
    }

    /// Months of a year.
    pub(super) const fn months(self) -> u8 {
        match self {
            Calendar::Ethiopian => 13,
            Calendar::Gregorian | Calendar::SolarHijri | Calendar::Hijri => 12,
        }
    }

    /// The day that a date of this calendar is.
    pub(super) fn reckon(self, year: u16, month: u8, day: u8) -> Reckoned {
        let whole = i32::from(year);
        match self {
            Calendar::Gregorian => [day_of(Date::try_new_gregorian(whole, month, day)), None],
            Calendar::SolarHijri => [day_of(Date::try_new_persian(whole, month, day)), None],
            Calendar::Ethiopian => [day_of(Date::try_new_ethiopian(EthiopianEraStyle::AmeteMihret, whole, month, day)), None],
            Calendar::Hijri => {
                let civil = Hijri::new_tabular(TabularAlgorithmLeapYears::TypeII, TabularAlgorithmEpoch::Friday);
                [
                    day_of(Date::try_new_hijri_with_calendar(whole, month, day, Hijri::new_umm_al_qura())),
                    day_of(Date::try_new_hijri_with_calendar(whole, month, day, civil)),
                ]
            }
        }
    }

    /// The last day of a month in each reckoning.
    pub(super) fn end_of(self, year: u16, month: u8) -> impl Iterator<Item = Day> {
        let days = move |reckoning: usize| {
            (1..=31).rev().find_map(|day| self.reckon(year, month, day).get(reckoning).copied().flatten())
        };
        [days(0), days(1)].into_iter().flatten()
    }
}

fn day_of<A: AsCalendar>(date: Result<Date<A>, RangeError>) -> Option<Day> {
    let date = date.ok()?.to_calendar(Gregorian);
    let year = u16::try_from(date.year().extended_year()).ok()?;
    Some(Day { year, month: date.month().number(), day: date.day_of_month().0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(calendar: Calendar, year: u16, month: u8, day: u8) -> [Option<(u16, u8, u8)>; 2] {
        calendar.reckon(year, month, day).map(|day| day.map(|day| (day.year, day.month, day.day)))
    }

    #[test]
    fn new_years_are_those_of_the_almanacs() {
        let solar = [(1357, (1978, 3, 21)), (1369, (1990, 3, 21)), (1375, (1996, 3, 20)), (1400, (2021, 3, 21))];
        for (year, day) in solar {
            assert_eq!(days(Calendar::SolarHijri, year, 1, 1), [Some(day), None]);
        }
        let ethiopian = [(1983, (1990, 9, 11)), (1992, (1999, 9, 12)), (2000, (2007, 9, 12)), (2013, (2020, 9, 11))];
        for (year, day) in ethiopian {
            assert_eq!(days(Calendar::Ethiopian, year, 1, 1), [Some(day), None]);
        }
    }

    #[test]
    fn the_two_reckonings_of_a_hijri_day_are_the_same_or_neighbours() {
        assert_eq!(days(Calendar::Hijri, 1400, 1, 1), [Some((1979, 11, 21)), Some((1979, 11, 21))]);
        assert_eq!(days(Calendar::Hijri, 1411, 1, 1), [Some((1990, 7, 23)), Some((1990, 7, 24))]);
        assert_eq!(days(Calendar::Hijri, 1441, 10, 1), [Some((2020, 5, 24)), Some((2020, 5, 24))]);
    }

    #[test]
    fn a_day_that_one_reckoning_does_not_have_is_the_other_ones() {
        let thirtieth = (1300..1500).map(|year| days(Calendar::Hijri, year, 12, 30));
        let kinds = thirtieth.fold([0; 4], |mut kinds, [table, rule]| {
            kinds[usize::from(table.is_some()) + 2 * usize::from(rule.is_some())] += 1;
            kinds
        });
        assert!(kinds.iter().all(|kind| *kind > 0), "{kinds:?}");
    }

    #[test]
    fn a_word_leads_to_its_calendar() {
        for calendar in [Calendar::Gregorian, Calendar::SolarHijri, Calendar::Hijri, Calendar::Ethiopian] {
            assert_eq!(Calendar::of_word(calendar.word()), Some(calendar));
            let letters = calendar.letters();
            assert!(letters.is_empty() || Calendar::of_word(letters) == Some(calendar));
        }
        assert_eq!(Calendar::of_word("Solar Hijri"), Some(Calendar::SolarHijri));
        assert_eq!(Calendar::of_word("hijri "), None);
    }
}
