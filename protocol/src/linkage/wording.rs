//! Verdict and reason of every field of a comparison.
//!
//! Called by `compare`. Where the score looks at the names as one bag, a verdict looks at one field as it stands in the
//! two records, because that is what the reviewer sees.

use zeroize::Zeroizing;

use super::agreement::{Alignment, DateLevel, Level, Pair, PlaceLevel, align};
use super::compare::{ComparedField, FieldComparison, FieldVerdict, Reason};
use super::fields::{Fields, PlaceText};
use super::normalize::tokens;
use super::parts::{NamePart, Parts, PlacePart, Role};
use super::score::GivenName;
use super::transliterate::internal;

type Finding = (FieldVerdict, Reason);

const BLANK: Finding = (FieldVerdict::Blank, Reason::NotRecorded);
const DIFFERENT: Finding = (FieldVerdict::Mismatch, Reason::Different);

/// What the comparison found, for the words.
pub(super) struct Evidence<'a> {
    /// Parts of the sought person.
    pub(super) left: &'a Parts,
    /// Parts of the registered person.
    pub(super) right: &'a Parts,
    /// Their own names, matched.
    pub(super) own: &'a Alignment<'a>,
    /// Their dates.
    pub(super) date: DateLevel,
    /// Their places.
    pub(super) place: PlaceLevel<'a>,
}

/// One entry a field, in the order of [`ComparedField`].
pub(super) fn fields(sought: &Fields, registered: &Fields, evidence: &Evidence<'_>) -> Vec<FieldComparison> {
    let sex = match (sought.sex, registered.sex) {
        (Some(a), Some(b)) if a == b => (FieldVerdict::Match, Reason::Same),
        (Some(_), Some(_)) => DIFFERENT,
        _ => BLANK,
    };
    let found = [
        (ComparedField::Given, given(evidence)),
        (ComparedField::OwnNames, own_names(evidence)),
        (ComparedField::Father, father(sought, registered, evidence)),
        (ComparedField::Mother, names(&read(sought.mother.expose()), &read(registered.mother.expose()))),
        (ComparedField::Birth, birth(evidence.date)),
        (ComparedField::Place, place(sought, registered, evidence.place)),
        (ComparedField::Sex, sex),
    ];
    found.map(|(field, (verdict, reason))| FieldComparison { field, verdict, reason }).to_vec()
}

fn given(evidence: &Evidence<'_>) -> Finding {
    let has_given = |parts: &Parts| parts.own.iter().any(|part| part.role == Role::Given);
    match GivenName::of(evidence.own) {
        GivenName::Both => {
            let pair = evidence.own.pairs.iter().find(|pair| pair.sought.role == Role::Given);
            pair.map_or(BLANK, |pair| spelled(core::slice::from_ref(pair)))
        }
        GivenName::Cross => (FieldVerdict::Unclear, Reason::OtherPosition),
        GivenName::None if has_given(evidence.left) && has_given(evidence.right) => DIFFERENT,
        GivenName::None => BLANK,
    }
}

/// The names besides the given one.
fn own_names(evidence: &Evidence<'_>) -> Finding {
    let others = |parts: &Parts| parts.own.iter().filter(|part| part.role != Role::Given).count();
    let least = others(evidence.left).min(others(evidence.right));
    let givens = |pair: &Pair<'_>| [pair.sought.role, pair.registered.role].iter().filter(|role| **role == Role::Given).count();
    let pairs: Vec<Pair<'_>> = evidence.own.pairs.iter().filter(|pair| givens(pair) == 0).copied().collect();
    let crossed = evidence.own.pairs.iter().any(|pair| givens(pair) == 1);
    match least {
        0 => BLANK,
        least if pairs.len() < least && crossed => (FieldVerdict::Unclear, Reason::OtherPosition),
        least => agreement(&pairs, least),
    }
}

fn father(sought: &Fields, registered: &Fields, evidence: &Evidence<'_>) -> Finding {
    let (left, right) = (read(sought.father.expose()), read(registered.father.expose()));
    // Where names are patronymic, a side that has no father's name carries it as its second name.
    match (left.own.first(), right.own.first()) {
        (Some(_), Some(_)) => names(&left, &right),
        (Some(father), None) => among_others(father, evidence.right),
        (None, Some(father)) => among_others(father, evidence.left),
        (None, None) => BLANK,
    }
}

fn among_others(father: &NamePart, parts: &Parts) -> Finding {
    let named = parts.own.iter().filter(|part| part.role != Role::Given);
    let mut shared = named.flat_map(|part| &part.codes).filter(|code| father.codes.contains(code));
    shared.next().map_or(BLANK, |_| (FieldVerdict::Variant, Reason::OtherPosition))
}

/// A field's text as names of its own.
fn read(text: &str) -> Parts {
    Parts::of(&Fields { family: text.into(), ..Fields::default() })
}

fn names(left: &Parts, right: &Parts) -> Finding {
    let least = left.own.len().min(right.own.len());
    if least == 0 {
        return BLANK;
    }
    agreement(&align(&left.own, &right.own).pairs, least)
}

/// The verdict on names of which the shorter side has `least`.
fn agreement(pairs: &[Pair<'_>], least: usize) -> Finding {
    if pairs.is_empty() {
        DIFFERENT
    } else if pairs.len() >= least {
        spelled(pairs)
    } else {
        (FieldVerdict::Unclear, Reason::SomeAgree)
    }
}

/// The verdict on names that all found a partner: the weakest pair decides, an equal one speaks for it.
fn spelled(pairs: &[Pair<'_>]) -> Finding {
    let levels = || pairs.iter().map(|pair| pair.level);
    match levels().min() {
        Some(Level::SameCode) => written(pairs.iter().map(|pair| (pair.sought.token.as_str(), pair.registered.token.as_str()))),
        Some(Level::Coarse) if levels().all(|level| level == Level::Coarse) => (FieldVerdict::Unclear, Reason::SimilarSpelling),
        Some(_) => (FieldVerdict::Variant, Reason::SimilarSpelling),
        None => BLANK,
    }
}

/// The verdict on texts of the same sound.
fn written<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> Finding {
    let mut finding = (FieldVerdict::Match, Reason::Same);
    for (a, b) in texts {
        if script(a) != script(b) {
            finding = (FieldVerdict::Match, Reason::OtherScript);
        } else if *Zeroizing::new(internal(a)) != *Zeroizing::new(internal(b)) {
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

fn place(sought: &Fields, registered: &Fields, level: PlaceLevel<'_>) -> Finding {
    let text = |fields: &Fields, part: &PlacePart| {
        let text = fields.places.get(part.place).map(|PlaceText { text, .. }| tokens(text.expose()));
        text.map_or_else(Zeroizing::default, |tokens| Zeroizing::new(tokens.concat()))
    };
    match level {
        PlaceLevel::Missing => BLANK,
        PlaceLevel::Same(left, right) => {
            let (left, right) = (text(sought, left), text(registered, right));
            written(core::iter::once((left.as_str(), right.as_str())))
        }
        PlaceLevel::Near => (FieldVerdict::Unclear, Reason::SimilarSpelling),
        PlaceLevel::Different => DIFFERENT,
    }
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
    use crate::linkage::compare::compare;
    use crate::linkage::fields::{BirthDate, PlaceKind};

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
