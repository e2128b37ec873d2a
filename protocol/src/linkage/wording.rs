//! Verdict and reason of every field of a comparison.
//!
//! Called by `compare`. Where the score looks at the names as one bag, a verdict looks at one field as it stands in the
//! two records, because that is what the reviewer sees.

use super::agreement::{Alignment, DateLevel, Level, Pair, PlaceLevel, align};
use super::compare::{ComparedField, FieldComparison, FieldVerdict, Reason};
use super::fields::{Fields, PlaceText};
use super::normalize::tokens;
use super::parts::{NamePart, Parts, PlacePart, Role};
use super::score::GivenName;

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
    let beside_given = |pair: &&Pair<'_>| !(pair.in_role() && pair.sought.role == Role::Given);
    let pairs: Vec<Pair<'_>> = evidence.own.pairs.iter().filter(beside_given).copied().collect();
    if least == 0 { BLANK } else { agreement(&pairs, least) }
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

/// The verdict on names that all found a partner: the weakest pair decides.
fn spelled(pairs: &[Pair<'_>]) -> Finding {
    let weakest = pairs.iter().map(|pair| pair.level).min().unwrap_or(Level::Near);
    match weakest {
        Level::Near => (FieldVerdict::Variant, Reason::SimilarSpelling),
        Level::Coarse => (FieldVerdict::Unclear, Reason::SimilarSpelling),
        Level::SameCode => {
            let differing = pairs.iter().filter(|pair| pair.sought.token != pair.registered.token);
            written(differing.map(|pair| (pair.sought.token.as_str(), pair.registered.token.as_str())))
        }
    }
}

/// The verdict on texts of the same sound that are not the same text.
fn written<'a>(mut differing: impl Iterator<Item = (&'a str, &'a str)>) -> Finding {
    let Some(first) = differing.next() else { return (FieldVerdict::Match, Reason::Same) };
    let in_two_scripts = |(a, b): (&str, &str)| script(a) != script(b);
    if in_two_scripts(first) && differing.all(in_two_scripts) {
        (FieldVerdict::Match, Reason::OtherScript)
    } else {
        (FieldVerdict::Variant, Reason::OtherSpelling)
    }
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
        text.map_or_else(String::new, |tokens| tokens.join(" "))
    };
    match level {
        PlaceLevel::Missing => BLANK,
        PlaceLevel::Same(left, right) => {
            let (left, right) = (text(sought, left), text(registered, right));
            written((left != right).then_some((left.as_str(), right.as_str())).into_iter())
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
