//! Dates as people know them: a year, a month or a day, sometimes estimated.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The calendar in which a date was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, Default)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// Gregorian.
    #[default]
    #[n(1)]
    Gregorian,
}

/// A date of which the year is known, and perhaps the month and the day.
///
/// 1 January stands for "year only" all over the world, so it is kept as written but never counted as a day.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ApproxDate {
    /// Year, 1850 to 2200.
    #[n(1)]
    pub year: u16,
    /// Month, 1 to 12.
    #[n(2)]
    pub month: Option<u8>,
    /// Day, 1 to 31; only with a month.
    #[n(3)]
    pub day: Option<u8>,
    /// True where the date is a guess.
    #[n(4)]
    pub estimated: bool,
    /// Calendar of the figures above.
    #[n(5)]
    pub calendar: Calendar,
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
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, with `~` in front for an estimate.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let (estimated, figures) = match trimmed.strip_prefix('~') {
            Some(rest) => (true, rest.trim()),
            None => (false, trimmed),
        };
        let mut parts = figures.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|part| number(part, 2));
        let day = parts.next().map(|part| number(part, 2));
        if parts.next().is_some() || !(1850..=2200).contains(&year) {
            return None;
        }
        let month = match month {
            Some(found) => Some(u8::try_from(found?).ok().filter(|m| (1..=12).contains(m))?),
            None => None,
        };
        let day = match (day, month) {
            (Some(found), Some(month)) => Some(u8::try_from(found?).ok().filter(|d| (1..=days_in(year, month)).contains(d))?),
            (Some(_), None) => return None,
            (None, _) => None,
        };
        Some(Self { year, month, day, estimated, calendar: Calendar::Gregorian })
    }

    /// The text that [`ApproxDate::parse`] reads.
    #[must_use]
    pub fn as_written(&self) -> String {
        let mark = if self.estimated { "~" } else { "" };
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{mark}{:04}-{month:02}-{day:02}", self.year),
            (Some(month), None) => format!("{mark}{:04}-{month:02}", self.year),
            _ => format!("{mark}{:04}", self.year),
        }
    }
}

fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_far_as_they_are_known() {
        for text in ["1984", "~1984", "1984-03", "1984-03-12", "2000-02-29"] {
            assert_eq!(ApproxDate::parse(text).unwrap().as_written(), text);
        }
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in ["", "84", "0000-00-00", "1984-13", "1984-02-31", "1984-3-2", "3000", "1984-03-12-1", "1900-02-29", "١٩٨٤"]
        {
            assert_eq!(ApproxDate::parse(text), None, "{text}");
        }
    }
}
