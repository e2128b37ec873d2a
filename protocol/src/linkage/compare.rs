//! The comparison of two descriptions, field by field and as one score, for the person who reviews a candidate.
//!
//! Called at both desks of a claim and when an owner looks for duplicates among its own records. The result holds
//! verdicts and reasons, no value of either side. A verdict says what the two texts show; whether it is the same person
//! is for people to say.

use serde::{Deserialize, Serialize};

use super::agreement::{Alignment, DateLevel, Level, Pair, PlaceLevel, align, date_level, place_level};
use super::fields::Fields;
use super::identifiers::IdentifiersAgree;
use super::parts::Role;
use super::prepared::Prepared;
use super::score::{self, Band, GivenName};
use super::wording;

/// What two descriptions have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Sum of the evidence, in thousandths of a bit; an order of candidates, not a probability.
    pub score_milli: i64,
    /// The score's band.
    pub band: Band,
    /// The given names differ and a parent's name agrees: a brother or sister is a lead, not an error.
    pub possible_relative: bool,
    /// One entry a field, in the order of [`ComparedField`].
    pub fields: Vec<FieldComparison>,
}

/// A comparison without its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Sum of the evidence, in thousandths of a bit; an order of candidates, not a probability.
    pub score_milli: i64,
    /// The score's band.
    pub band: Band,
    /// The given names differ and a parent's name agrees: a brother or sister is a lead, not an error.
    pub possible_relative: bool,
}

/// One field of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FieldComparison {
    /// The field.
    pub field: ComparedField,
    /// Whether it agrees.
    pub verdict: FieldVerdict,
    /// Why.
    pub reason: Reason,
}

/// The fields that are compared, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedField {
    /// The given name.
    Given,
    /// The other names of the person.
    OwnNames,
    /// The father's name.
    Father,
    /// The mother's name.
    Mother,
    /// The date of birth.
    Birth,
    /// The places.
    Place,
    /// The sex.
    Sex,
}

/// Whether a field agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldVerdict {
    /// The same, as far as both sides know it.
    Match,
    /// The same but for spelling or a usual slip.
    Variant,
    /// Speaks against the same person.
    Mismatch,
    /// A side does not have it.
    Blank,
    /// Speaks neither for nor against.
    Unclear,
}

/// Why a field got its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A side does not have the field.
    NotRecorded,
    /// Letter for letter, but for case and marks.
    Same,
    /// The same name in two scripts.
    OtherScript,
    /// The same sound, spelled otherwise.
    OtherSpelling,
    /// Spelled nearly alike.
    SimilarSpelling,
    /// Some of the names agree and some do not.
    SomeAgree,
    /// The name stands among the other names of the person.
    OtherPosition,
    /// Nothing in common.
    Different,
    /// The same day of birth.
    SameDate,
    /// Day and month in each other's place.
    DayMonthSwapped,
    /// Day and month agree, the year is off by 1 or 10.
    YearSlip,
    /// Day and month agree, the year does not.
    OtherYear,
    /// Year and one of day and month agree.
    DayOrMonthDiffers,
    /// The year agrees, day and month do not.
    OtherDayAndMonth,
    /// Years at most two apart, day and month differ.
    NearYearOtherDay,
    /// A side knows the year only; the years agree.
    YearOnly,
    /// A side knows the year only; at most two apart.
    YearOnlyNear,
    /// A side knows the year only; three to five apart.
    YearOnlyApart,
    /// A side knows the year only; six or more apart.
    YearOnlyFar,
}

impl Reason {
    /// The reason in the caseworker's words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Reason::NotRecorded => "not recorded on one side",
            Reason::Same => "the same",
            Reason::OtherScript => "another script, the same name",
            Reason::OtherSpelling => "another spelling, the same sound",
            Reason::SimilarSpelling => "a similar spelling",
            Reason::SomeAgree => "some names agree, others differ",
            Reason::OtherPosition => "found among the other names",
            Reason::Different => "different",
            Reason::SameDate => "the same date",
            Reason::DayMonthSwapped => "same day and month swapped",
            Reason::YearSlip => "same day and month, year off by one or ten",
            Reason::OtherYear => "same day and month, another year",
            Reason::DayOrMonthDiffers => "same year, day or month differs",
            Reason::OtherDayAndMonth => "same year, another day and month",
            Reason::NearYearOtherDay => "years close, another day and month",
            Reason::YearOnly => "year only",
            Reason::YearOnlyNear => "year only, at most two years apart",
            Reason::YearOnlyApart => "year only, three to five years apart",
            Reason::YearOnlyFar => "year only, six or more years apart",
        }
    }
}

/// Compares the description of a sought person with that of a registered one.
#[must_use]
pub fn compare(sought: &Fields, registered: &Fields) -> Comparison {
    compare_prepared(&Prepared::of(sought), &Prepared::of(registered))
}

/// [`compare`] for descriptions that are compared more than once.
#[must_use]
pub fn compare_prepared(sought: &Prepared, registered: &Prepared) -> Comparison {
    let evidence = Evidence::of(sought, registered);
    let Score { score_milli, band, possible_relative } = evidence.score();
    Comparison { score_milli, band, possible_relative, fields: wording::fields(sought, registered, &evidence) }
}

/// What [`compare_prepared`] says of the whole, without the fields.
#[must_use]
pub fn score_prepared(sought: &Prepared, registered: &Prepared) -> Score {
    Evidence::of(sought, registered).score()
}

/// What two descriptions have in common.
pub(super) struct Evidence<'a> {
    sought: &'a Prepared,
    registered: &'a Prepared,
    /// Their own names, matched.
    pub(super) own: Alignment<'a>,
    mother: Alignment<'a>,
    /// Their dates.
    pub(super) date: DateLevel,
    /// Their places.
    pub(super) place: PlaceLevel<'a>,
}

impl<'a> Evidence<'a> {
    fn of(sought: &'a Prepared, registered: &'a Prepared) -> Self {
        Self {
            sought,
            registered,
            own: align(&sought.own, &registered.own),
            mother: align(&sought.mother, &registered.mother),
            date: date_level(&sought.birth, &registered.birth),
            place: place_level(&sought.places, &registered.places),
        }
    }

    fn score(&self) -> Score {
        let mothers_known = !self.sought.mother.is_empty() && !self.registered.mother.is_empty();
        let score_milli = score::own(&self.own)
            + if mothers_known { score::mother(&self.mother) } else { 0 }
            + score::date(self.date)
            + score::place(self.place)
            + score::sex(self.sought.sex, self.registered.sex)
            + score::identifiers(IdentifiersAgree::of(&self.sought.identifiers, &self.registered.identifiers));
        Score { score_milli, band: Band::of(score_milli), possible_relative: self.possible_relative() }
    }

    fn possible_relative(&self) -> bool {
        let same_mother = || self.mother.pairs().any(|pair| pair.level == Level::SameCode);
        let is_father = |pair: &Pair<'_>| pair.level == Level::SameCode && pair.in_role() && pair.sought.role == Role::Father;
        GivenName::of(&self.own) == GivenName::None
            && self.sought.has_given()
            && self.registered.has_given()
            && (same_mother() || self.own.pairs().any(is_father))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{BirthDate, PlaceKind, PlaceText, Sex};

    fn person(names: [&str; 4], birth: &str, place: &str, sex: Option<Sex>) -> Fields {
        let [given, family, father, mother] = names.map(Into::into);
        let place = PlaceText { text: place.into(), kind: PlaceKind::Town };
        Fields { given, family, father, mother, birth: BirthDate::parse(birth), places: vec![place], sex, ..Fields::default() }
    }

    /// The scores are those of the reference implementation, times 1,000.
    #[test]
    fn a_pair_has_the_score_of_the_reference() {
        let (f, m) = (Some(Sex::Female), Some(Sex::Male));
        let pairs = [
            (
                person(["محمد", "أحمد علي", "أحمد", "فاطمة حسن"], "1990", "مقديشو", m),
                person(["Mohamed", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1991-01-01", "Mogadishu", m),
                29_430,
            ),
            (
                person(["Олександр", "Іванович Ковальчук", "", ""], "1984-03-12", "Маріуполь", m),
                person(["Oleksandr", "Kovalchuk", "", ""], "1984-12-03", "Mariupol", None),
                34_590,
            ),
            (
                person(["Salma", "Idris Osman", "Idris", "Halima Yusuf"], "1999-05-07", "Nyala", f),
                person(["Amna", "Idris Osman", "Idris", "Halima Yusuf"], "2003-01-01", "Nyala", f),
                16_910,
            ),
            (
                person(["Nur", "Kamal", "Kamal Hossain", "Rahima"], "1985", "Buthidaung", f),
                person(["Kamal", "Nur", "", "Fatema"], "1996-01-01", "Maungdaw", m),
                -21_510,
            ),
            (
                person(["ብርሃኔ", "ጸጋዬ ሽፈራው", "ጸጋዬ", ""], "1995-01-01", "ዓሰብ", m),
                person(["Berhane", "Tsegaye Shiferaw", "", "Fikirte"], "1994-01-01", "Assab", None),
                34_930,
            ),
            (
                person(["Maria", "Lopez Garcia", "", "Rosa Garcia"], "1978-08-21", "San Salvador", f),
                person(["María", "López", "", ""], "1978-08-12", "San Pedro Sula", f),
                23_090,
            ),
            (person([""; 4], "", "", None), person(["Aung", "Kyaw", "", ""], "", "", None), 2_180),
        ];
        for (place, (sought, registered, expected)) in pairs.iter().enumerate() {
            let comparison = compare(sought, registered);
            assert_eq!(comparison.score_milli, *expected, "pair {place}");
            assert_eq!(comparison.band, Band::of(*expected), "pair {place}");
            assert_eq!(comparison.possible_relative, place == 2, "pair {place}");
            assert!(comparison.fields.is_sorted_by(|a, b| a.field < b.field));
            assert_eq!(comparison.fields.len(), 7);
        }
    }

    #[test]
    fn a_comparison_is_written_in_snake_case_and_without_a_name() {
        let person = person(["Amina", "Nasser", "", ""], "1990-05-07", "Homs", Some(Sex::Female));
        let text = serde_json::to_string(&compare(&person, &person)).unwrap();
        assert!(text.contains(r#"{"field":"own_names","verdict":"match","reason":"same"}"#), "{text}");
        assert!(!text.to_lowercase().contains("amina"));
    }
}
