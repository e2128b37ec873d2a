//! Dates as people know them: a year, a month or a day, sometimes estimated, in the calendar of the person.
//!
//! Forms, files and attributes of peers are read here, so that one notation holds everywhere. What was written is kept;
//! the Gregorian years and days that it may be are worked out when keys and comparisons need them.

use minicbor::{Decode, Encode};
use zeroize::Zeroize;

use crate::person::calendar::{Calendar, Day};

/// A date of which the year is known, and perhaps the month and the day.
///
/// The first day of a year stands for "year only" in all four calendars, so it is kept as written but never counted as a
/// day.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ApproxDate {
    /// Year of the calendar: 1850 to 2200 Gregorian, or within these years.
    #[n(1)]
    pub year: u16,
    /// Month, 1 to 12, in the Ethiopian calendar to 13.
    #[n(2)]
    pub month: Option<u8>,
    /// Day of the month, 1 to 31; only with a month.
    #[n(3)]
    pub day: Option<u8>,
    /// True where the date is a guess.
    #[n(4)]
    pub estimated: bool,
    /// Calendar of the figures above.
    #[n(5)]
    pub calendar: Calendar,
}

/// A Gregorian date that an [`ApproxDate`] may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GregorianDate {
    /// Year.
    pub year: u16,
    /// Month and day, if the day is known.
    pub month_day: Option<(u8, u8)>,
}

impl Zeroize for ApproxDate {
    fn zeroize(&mut self) {
        self.year.zeroize();
        self.month.zeroize();
        self.day.zeroize();
    }
}

impl Default for ApproxDate {
    fn default() -> Self {
        Self { year: 1900, month: None, day: None, estimated: true, calendar: Calendar::Gregorian }
    }
}

impl ApproxDate {
    /// How a date is written, for errors and questions.
    pub const NOTATION: &'static str = "YYYY, YYYY-MM or YYYY-MM-DD, with ~ in front for an estimate, \
        and solar_hijri, hijri or ethiopian behind a date of that calendar";

    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, with `~` in front for an estimate and the calendar behind, a blank
    /// between: `1369-05-12 solar_hijri`, `~1390 hijri`, `1982 ethiopian`; nothing behind is Gregorian.
    ///
    /// Digits may be those of Arabic, Persian, Devanagari, Bengali and Burmese. A day, or month and day, of 00 is not
    /// known. A day that the calendar does not have gives `None`; of a Hijri month the 30th counts if one of the two
    /// reckonings has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let (estimated, rest) = match trimmed.strip_prefix('~') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        let (figures, calendar) = match rest.split_once(char::is_whitespace) {
            Some((figures, word)) => (figures, Calendar::of_word(word.trim_start())?),
            None => (rest, Calendar::Gregorian),
        };
        let mut parts = figures.split('-');
        let year = number(parts.next()?, 4).filter(|year| calendar.years().contains(year))?;
        let (month, day) = (parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        let month = short_number(month)?;
        let day = short_number(day)?;
        let exists = match (month, day) {
            (None, day) => day.is_none(),
            (Some(month), None) => (1..=calendar.months()).contains(&month),
            (Some(month), Some(day)) => calendar.reckon(year, month, day).iter().any(Option::is_some),
        };
        exists.then_some(Self { year, month, day, estimated, calendar })
    }

    /// The text that [`ApproxDate::parse`] reads.
    #[must_use]
    pub fn as_written(&self) -> String {
        let mark = if self.estimated { "~" } else { "" };
        let figures = match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{mark}{:04}-{month:02}-{day:02}", self.year),
            (Some(month), None) => format!("{mark}{:04}-{month:02}", self.year),
            _ => format!("{mark}{:04}", self.year),
        };
        match self.calendar {
            Calendar::Gregorian => figures,
            other => format!("{figures} {}", other.word()),
        }
    }

    /// The year for a list: `~` in front where the day is not known, the calendar's letters behind.
    #[must_use]
    pub fn year_text(&self) -> String {
        let mark = if self.day.is_some() && !self.estimated { "" } else { "~" };
        format!("{mark}{} {}", self.year, self.calendar.letters()).trim_end().to_owned()
    }

    /// The Gregorian dates that this one may be, the earlier first; one or two if the figures are a date.
    ///
    /// A year or month that reaches over a Gregorian new year gives both years. A Hijri day gives two where its two
    /// reckonings differ. An estimate and the first day of a year count as the year.
    #[must_use]
    pub fn gregorian(&self) -> Vec<GregorianDate> {
        let known = self.month.zip(self.day).filter(|month_day| !self.estimated && *month_day != (1, 1));
        if let Some((month, day)) = known {
            let days = self.calendar.reckon(self.year, month, day);
            return ends(days.into_iter().flatten()).map_or_else(Vec::new, |(first, last)| {
                let candidate = |at: Day| GregorianDate { year: at.year, month_day: Some((at.month, at.day)) };
                distinct(candidate(first), candidate(last))
            });
        }
        let month = self.month.filter(|_| !self.estimated && self.day.is_none());
        let (from, to) = (month.unwrap_or(1), month.unwrap_or_else(|| self.calendar.months()));
        let begin = self.calendar.reckon(self.year, from, 1).into_iter().flatten();
        ends(begin.chain(self.calendar.end_of(self.year, to))).map_or_else(Vec::new, |(first, last)| {
            let candidate = |at: Day| GregorianDate { year: at.year, month_day: None };
            distinct(candidate(first), candidate(last))
        })
    }
}

fn distinct(first: GregorianDate, last: GregorianDate) -> Vec<GregorianDate> {
    if first == last { vec![first] } else { vec![first, last] }
}

/// The earliest and the latest of some days.
fn ends(days: impl Iterator<Item = Day>) -> Option<(Day, Day)> {
    days.fold(None, |ends, day| Some(ends.map_or((day, day), |(first, last): (Day, Day)| (first.min(day), last.max(day)))))
}

/// Two digits or nothing; 00 is nothing as well.
fn short_number(text: Option<&str>) -> Option<Option<u8>> {
    let Some(text) = text else { return Some(None) };
    let number = u8::try_from(number(text, 2)?).ok()?;
    Some((number > 0).then_some(number))
}

fn number(text: &str, digits: usize) -> Option<u16> {
    if text.chars().count() != digits {
        return None;
    }
    text.chars().try_fold(0, |sum: u16, character| sum.checked_mul(10)?.checked_add(digit(character)?))
}

/// The zeros of the digits in which people write years: Latin, Arabic, Persian and Urdu, Devanagari, Bengali, Burmese.
const ZEROS: [u32; 6] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0x1040];

fn digit(character: char) -> Option<u16> {
    let values = ZEROS.iter().filter_map(|zero| u32::from(character).checked_sub(*zero));
    values.filter(|value| *value < 10).find_map(|value| u16::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The dates that a text may be, as `YYYY-MM-DD` or `YYYY`.
    fn gregorian(text: &str) -> Vec<String> {
        let dates = ApproxDate::parse(text).unwrap_or_else(|| panic!("{text}")).gregorian();
        let text = |date: &GregorianDate| match date.month_day {
            Some((month, day)) => format!("{}-{month:02}-{day:02}", date.year),
            None => date.year.to_string(),
        };
        dates.iter().map(text).collect()
    }

    #[test]
    fn dates_are_read_as_far_as_they_are_known() {
        let written = [
            "1984",
            "~1984",
            "1984-03",
            "1984-03-12",
            "2000-02-29",
            "1369-05-12 solar_hijri",
            "~1390 hijri",
            "1982 ethiopian",
            "1411-01 hijri",
        ];
        for text in written {
            assert_eq!(ApproxDate::parse(text).unwrap().as_written(), text);
        }
    }

    #[test]
    fn other_digits_words_and_zeros_are_read_as_the_plain_notation() {
        let same = [
            ("١٩٨٤-٠٣-١٢", "1984-03-12"),
            ("۱۳۶۹-۰۵-۱۲ SH", "1369-05-12 solar_hijri"),
            ("~ ۱۳۶۹  Persian", "~1369 solar_hijri"),
            ("1369 Hijri Shamsi", "1369 solar_hijri"),
            ("১৯৮৪-০৩", "1984-03"),
            ("1411-01-05 ah", "1411-01-05 hijri"),
            ("1982-13-05 ec", "1982-13-05 ethiopian"),
            ("1984 gregorian", "1984"),
            ("1984-00-00", "1984"),
            ("1984-00", "1984"),
            ("1984-03-00", "1984-03"),
        ];
        for (text, plain) in same {
            assert_eq!(ApproxDate::parse(text).unwrap().as_written(), plain);
        }
    }

    #[test]
    fn nonsense_is_no_date() {
        let nonsense = [
            "",
            "~",
            "84",
            "0000-00-00",
            "1984-13",
            "1984-13-01",
            "1984-02-31",
            "1984-3-2",
            "1984-00-12",
            "1984-",
            "3000",
            "1984-03-12-1",
            "1900-02-29",
            "-1984",
            "12.3.1984",
            "1984 mayan",
            "hijri",
            "1984-03-12 1369-05-12",
            "1369",
            "1984 solar_hijri",
            "1369-13-01 solar_hijri",
            "1369-07-31 solar_hijri",
            "1369-12-30 solar_hijri",
            "1411-01-31 hijri",
            "1982-13-06 ethiopian",
            "1982-14 ethiopian",
            "1982-01-31 ethiopian",
        ];
        for text in nonsense {
            assert_eq!(ApproxDate::parse(text), None, "{text}");
        }
    }

    /// Conversions that are published: the new years of Iran's and Ethiopia's almanacs, and days of common knowledge.
    #[test]
    fn solar_hijri_and_ethiopian_days_convert_exactly() {
        let days = [
            ("1369-01-02 solar_hijri", "1990-03-22"),
            ("1357-11-22 solar_hijri", "1979-02-11"),
            ("1370-12-29 solar_hijri", "1992-03-19"),
            ("1399-12-30 solar_hijri", "2021-03-20"),
            ("1369-10-11 solar_hijri", "1991-01-01"),
            ("1983-01-02 ethiopian", "1990-09-12"),
            ("1983-04-29 ethiopian", "1991-01-07"),
            ("1992-01-02 ethiopian", "1999-09-13"),
            ("1991-13-06 ethiopian", "1999-09-11"),
            ("2000-01-02 ethiopian", "2007-09-13"),
        ];
        for (text, day) in days {
            assert_eq!(gregorian(text), [day], "{text}");
        }
    }

    #[test]
    fn a_hijri_day_is_the_days_of_both_reckonings() {
        assert_eq!(gregorian("1441-10-01 hijri"), ["2020-05-24"]);
        assert_eq!(gregorian("1411-01-02 hijri"), ["1990-07-24", "1990-07-25"]);
    }

    #[test]
    fn the_first_day_of_a_year_is_the_year_in_every_calendar() {
        for (first_day, year) in [
            ("1984-01-01", "1984"),
            ("1369-01-01 solar_hijri", "1369 solar_hijri"),
            ("1411-01-01 hijri", "1411 hijri"),
            ("1983-01-01 ethiopian", "1983 ethiopian"),
        ] {
            assert_eq!(gregorian(first_day), gregorian(year), "{first_day}");
        }
    }

    #[test]
    fn a_year_of_another_calendar_is_both_years_that_it_reaches_into() {
        let years: [(&str, &[&str]); 9] = [
            ("1984", &["1984"]),
            ("~1984-12", &["1984"]),
            ("1369 solar_hijri", &["1990", "1991"]),
            ("~1369-03-01 solar_hijri", &["1990", "1991"]),
            ("1983 ethiopian", &["1990", "1991"]),
            ("1411 hijri", &["1990", "1991"]),
            // A lunar year that lies within one of the sun.
            ("1429 hijri", &["2008"]),
            // A month knows better than its year, unless it is the one that reaches over.
            ("1369-09 solar_hijri", &["1990"]),
            ("1369-10 solar_hijri", &["1990", "1991"]),
        ];
        for (text, expected) in years {
            assert_eq!(gregorian(text), expected, "{text}");
        }
    }

    #[test]
    fn a_list_shows_the_year_with_its_calendar() {
        let year = |text: &str| ApproxDate::parse(text).unwrap().year_text();
        assert_eq!([year("1984-03-12"), year("1984-03"), year("~1984-03-12")], ["1984", "~1984", "~1984"]);
        assert_eq!([year("1369-05-12 sh"), year("1411 ah"), year("1982 ec")], ["1369 SH", "~1411 AH", "~1982 EC"]);
    }

    prop_compose! {
        fn figures()(
            calendar in prop::sample::select(&[Calendar::Gregorian, Calendar::SolarHijri, Calendar::Hijri, Calendar::Ethiopian][..]),
            year in 0u16..3000,
            month in 0u8..15,
            day in 0u8..33,
        ) -> (Calendar, u16, u8, u8) {
            (calendar, year, month, day)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_read_is_one_or_two_neighbouring_dates((calendar, year, month, day) in figures(), estimated: bool) {
            let mark = if estimated { "~" } else { "" };
            let text = format!("{mark}{year:04}-{month:02}-{day:02} {}", calendar.word());
            let Some(date) = ApproxDate::parse(&text) else { return Ok(()) };
            prop_assert_eq!(ApproxDate::parse(&date.as_written()), Some(date.clone()));
            let dates = date.gregorian();
            prop_assert!((1..=2).contains(&dates.len()), "{}", text);
            let (first, last) = (dates[0], dates[dates.len() - 1]);
            prop_assert!((1849..=2201).contains(&first.year) && last.year - first.year <= 1, "{}", text);
            if let (Some(first), Some(last)) = (first.month_day, last.month_day) {
                prop_assert!(!estimated && month > 0 && day > 0 && (month, day) != (1, 1));
                let apart = i32::from(last.1) - i32::from(first.1);
                prop_assert!(calendar == Calendar::Hijri || apart == 0, "{}", text);
                prop_assert!((0..=2).contains(&apart) || last.1 <= 2, "{}", text);
            }
        }

        #[test]
        fn every_solar_year_ends_the_day_before_the_next(year in 1300u16..1500, ethiopian in 1900u16..2100) {
            for (calendar, year, ordinary) in [(Calendar::SolarHijri, year, 29), (Calendar::Ethiopian, ethiopian, 5)] {
                let last = calendar.end_of(year, calendar.months()).next().unwrap();
                let next = calendar.reckon(year + 1, 1, 1)[0].unwrap();
                prop_assert_eq!(next.day - last.day, 1);
                prop_assert!(calendar.reckon(year, calendar.months(), ordinary)[0].is_some());
                prop_assert!(calendar.reckon(year, calendar.months(), ordinary + 2)[0].is_none());
            }
        }

        #[test]
        fn an_arbitrary_text_is_read_or_refused(text in ".{0,40}|[~0-9۰-۹٠-٩ -]{0,14}( (hijri|sh|ec))?") {
            if let Some(date) = ApproxDate::parse(&text) {
                prop_assert!(!date.gregorian().is_empty());
            }
        }
    }
}
