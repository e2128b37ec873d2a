//! Verdict and reason of every field of a comparison.
//!
//! Called by `compare`. Where the score looks at the names as one bag, a verdict looks at one field as it stands in the
//! two records, because that is what the reviewer sees.

use super::agreement::{Alignment, DateLevel, Level, Pair, PlaceLevel, align};
use super::compare::{ComparedField, Evidence, FieldComparison, FieldVerdict, Reason};
use super::parts::Role;
use super::prepared::{Name, Prepared, Written};
use super::score::GivenName;

type Finding = (FieldVerdict, Reason);

const BLANK: Finding = (FieldVerdict::Blank, Reason::NotRecorded);
const DIFFERENT: Finding = (FieldVerdict::Mismatch, Reason::Different);

/// One entry a field, in the order of [`ComparedField`].
pub(super) fn fields(sought: &Prepared, registered: &Prepared, evidence: &Evidence<'_>) -> Vec<FieldComparison> {
    let sex = match (sought.sex, registered.sex) {
        (Some(a), Some(b)) if a == b => (FieldVerdict::Match, Reason::Same),
        (Some(_), Some(_)) => DIFFERENT,
        _ => BLANK,
    };
    let found = [
        (ComparedField::Given, given(sought, registered, &evidence.own)),
        (ComparedField::OwnNames, own_names(sought, registered, &evidence.own)),
        (ComparedField::Father, father(sought, registered)),
        (ComparedField::Mother, names(&sought.mother_field, &registered.mother_field)),
        (ComparedField::Birth, birth(evidence.date)),
        (ComparedField::Place, place(evidence.place)),
        (ComparedField::Sex, sex),
    ];
    found.map(|(field, (verdict, reason))| FieldComparison { field, verdict, reason }).to_vec()
}

fn given(sought: &Prepared, registered: &Prepared, own: &Alignment<'_>) -> Finding {
    match GivenName::of(own) {
        GivenName::Both => spelled(own.pairs().filter(|pair| pair.sought.role == Role::Given).take(1)),
        GivenName::Cross => (FieldVerdict::Unclear, Reason::OtherPosition),
        GivenName::None if sought.has_given() && registered.has_given() => DIFFERENT,
        GivenName::None => BLANK,
    }
}

/// The names besides the given one.
fn own_names(sought: &Prepared, registered: &Prepared, own: &Alignment<'_>) -> Finding {
    let others = |names: &[Name]| names.iter().filter(|name| name.role != Role::Given).count();
    let least = others(&sought.own).min(others(&registered.own));
    let givens = |pair: &Pair<'_>| [pair.sought.role, pair.registered.role].iter().filter(|role| **role == Role::Given).count();
    let pairs = own.pairs().filter(|pair| givens(pair) == 0);
    let crossed = own.pairs().any(|pair| givens(pair) == 1);
    match least {
        0 => BLANK,
        least if pairs.clone().count() < least && crossed => (FieldVerdict::Unclear, Reason::OtherPosition),
        least => agreement(pairs, least),
    }
}

fn father(sought: &Prepared, registered: &Prepared) -> Finding {
    // Where names are patronymic, a side that has no father's name carries it as its second name.
    match (sought.father_field.first(), registered.father_field.first()) {
        (Some(_), Some(_)) => names(&sought.father_field, &registered.father_field),
        (Some(father), None) => among_others(father, registered),
        (None, Some(father)) => among_others(father, sought),
        (None, None) => BLANK,
    }
}

fn among_others(father: &Name, person: &Prepared) -> Finding {
    let mut named = person.own.iter().filter(|name| name.role != Role::Given);
    if named.any(|name| name.shares_code(father)) { (FieldVerdict::Variant, Reason::OtherPosition) } else { BLANK }
}

fn names(sought: &[Name], registered: &[Name]) -> Finding {
    let least = sought.len().min(registered.len());
    if least == 0 {
        return BLANK;
    }
    agreement(align(sought, registered).pairs(), least)
}

/// The verdict on names of which the shorter side has `least`.
fn agreement<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone, least: usize) -> Finding {
    match pairs.clone().count() {
        0 => DIFFERENT,
        count if count >= least => spelled(pairs),
        _ => (FieldVerdict::Unclear, Reason::SomeAgree),
    }
}

/// The verdict on names that all found a partner: the weakest pair decides, an equal one speaks for it.
fn spelled<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Finding {
    let mut levels = pairs.clone().map(|pair| pair.level);
    match levels.clone().min() {
        Some(Level::SameCode) => written(pairs.map(|pair| (&pair.sought.written, &pair.registered.written))),
        Some(Level::Coarse) if levels.all(|level| level == Level::Coarse) => (FieldVerdict::Unclear, Reason::SimilarSpelling),
        Some(_) => (FieldVerdict::Variant, Reason::SimilarSpelling),
        None => BLANK,
    }
}

/// The verdict on texts of the same sound.
fn written<'a>(texts: impl Iterator<Item = (&'a Written, &'a Written)>) -> Finding {
    let mut finding = (FieldVerdict::Match, Reason::Same);
    for (a, b) in texts {
        if a.script != b.script {
            finding = (FieldVerdict::Match, Reason::OtherScript);
        } else if a.spelling != b.spelling {
            return (FieldVerdict::Variant, Reason::OtherSpelling);
        }
    }
    finding
}

const fn birth(level: DateLevel) -> Finding {
    match level {
        DateLevel::Missing => BLANK,
        DateLevel::Full => (FieldVerdict::Match, Reason::SameDate),
        DateLevel::Swapped => (FieldVerdict::Variant, Reason::DayMonthSwapped),
        DateLevel::MonthDayNearYear => (FieldVerdict::Variant, Reason::YearSlip),
        DateLevel::MonthDayOtherYear => (FieldVerdict::Unclear, Reason::OtherYear),
        DateLevel::YearAndPart => (FieldVerdict::Variant, Reason::DayOrMonthDiffers),
        DateLevel::YearOtherMonthDay => (FieldVerdict::Unclear, Reason::OtherDayAndMonth),
        DateLevel::NearYearOtherMonthDay => (FieldVerdict::Mismatch, Reason::NearYearOtherDay),
        DateLevel::Different => DIFFERENT,
        DateLevel::YearOnly(0) => (FieldVerdict::Match, Reason::YearOnly),
        DateLevel::YearOnly(1 | 2) => (FieldVerdict::Variant, Reason::YearOnlyNear),
        DateLevel::YearOnly(3..=5) => (FieldVerdict::Unclear, Reason::YearOnlyApart),
        DateLevel::YearOnly(_) => (FieldVerdict::Mismatch, Reason::YearOnlyFar),
    }
}

fn place(level: PlaceLevel<'_>) -> Finding {
    match level {
        PlaceLevel::Missing => BLANK,
        PlaceLevel::Same(sought, registered) => written(core::iter::once((&sought.written, &registered.written))),
        PlaceLevel::Near => (FieldVerdict::Unclear, Reason::SimilarSpelling),
        PlaceLevel::Different => DIFFERENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::compare::compare;
    use crate::linkage::fields::{BirthDate, Fields, PlaceKind, PlaceText};

    fn person(given: &str, family: &str, mother: &str, birth: &str, place: &str) -> Fields {
        let place = PlaceText { text: place.into(), kind: PlaceKind::Town };
        Fields {
            given: given.into(),
            family: family.into(),
            mother: mother.into(),
            birth: BirthDate::parse(birth),
            places: vec![place],
            ..Fields::default()
        }
    }

    fn verdict(field: ComparedField, sought: &Fields, registered: &Fields) -> Finding {
        let comparison = compare(sought, registered);
        let found = comparison.fields.iter().find(|one| one.field == field).unwrap();
        (found.verdict, found.reason)
    }

    #[test]
    fn a_name_in_another_script_matches_and_another_spelling_is_a_variant() {
        let sought = person("محمد", "أحمد علي", "", "", "مقديشو");
        let registered = person("Mohamed", "Ahmed Ali", "", "", "Muqdisho");
        for field in [ComparedField::Given, ComparedField::OwnNames, ComparedField::Place] {
            assert_eq!(verdict(field, &sought, &registered), (FieldVerdict::Match, Reason::OtherScript));
        }
        let respelled = person("Muhammad", "Ahmad Aly", "", "", "Mogadishu");
        for field in [ComparedField::Given, ComparedField::OwnNames, ComparedField::Place] {
            assert_eq!(verdict(field, &registered, &respelled), (FieldVerdict::Variant, Reason::OtherSpelling));
        }
    }

    #[test]
    fn case_and_accents_make_no_other_spelling() {
        let (sought, registered) = (person("María", "LÓPEZ", "", "", ""), person("Maria", "Lopez", "", "", ""));
        assert_eq!(verdict(ComparedField::Given, &sought, &registered), (FieldVerdict::Match, Reason::Same));
        assert_eq!(verdict(ComparedField::OwnNames, &sought, &registered), (FieldVerdict::Match, Reason::Same));
    }

    #[test]
    fn names_in_each_others_place_are_unclear() {
        let (sought, registered) = (person("Nur", "Kamal", "", "", ""), person("Kamal", "Nur", "", "", ""));
        for field in [ComparedField::Given, ComparedField::OwnNames] {
            assert_eq!(verdict(field, &sought, &registered), (FieldVerdict::Unclear, Reason::OtherPosition));
        }
    }

    #[test]
    fn a_date_says_how_it_differs() {
        let born = |birth: &str| person("Salma", "Idris", "", birth, "");
        let cases = [
            ("1984-03-12", "1984-03-12", FieldVerdict::Match, "the same date"),
            ("1984-03-12", "1984-12-03", FieldVerdict::Variant, "same day and month swapped"),
            ("1984-01-01", "1984", FieldVerdict::Match, "year only"),
            ("1984-01-01", "1983", FieldVerdict::Variant, "year only, at most two years apart"),
            ("1984-03-12", "1971-07-20", FieldVerdict::Mismatch, "different"),
            ("1984-03-12", "", FieldVerdict::Blank, "not recorded on one side"),
        ];
        for (sought, registered, expected, text) in cases {
            let (verdict, reason) = verdict(ComparedField::Birth, &born(sought), &born(registered));
            assert_eq!((verdict, reason.text()), (expected, text), "{sought} {registered}");
        }
    }

    #[test]
    fn a_mother_who_shares_one_of_two_names_is_unclear() {
        let (sought, registered) = (person("", "", "Amina Nasser", "", ""), person("", "", "Amina Barzani", "", ""));
        assert_eq!(verdict(ComparedField::Mother, &sought, &registered), (FieldVerdict::Unclear, Reason::SomeAgree));
    }

    #[test]
    fn a_father_is_looked_for_among_the_names_of_a_side_without_one() {
        let sought = Fields { father: "Tsegaye".into(), ..person("Berhane", "", "", "", "") };
        let registered = person("ብርሃኔ", "ጸጋዬ ሽፈራው", "", "", "");
        assert_eq!(verdict(ComparedField::Father, &sought, &registered), (FieldVerdict::Variant, Reason::OtherPosition));
    }
}
