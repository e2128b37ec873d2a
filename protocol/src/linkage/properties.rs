//! Properties of keys that hold for every description, tried on invented ones. A failure prints its case and seed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use unicode_normalization::UnicodeNormalization;

use super::compare::compare;
use super::fields::{BirthDate, Fields, PlaceKind, PlaceText, Sex};
use super::match_key::match_keys;
use super::normalize::tokens;
use super::spelling::{SpellingAgreement, compare_spellings};
use super::strength::strength;

/// Names of several scripts without joining words, each with a first code of its own.
const NAMES: [&str; 18] = [
    "Oleksandr",
    "Ковальчук",
    "Шевченко",
    "Yusuf",
    "Haddad",
    "حسين",
    "خديجة",
    "Barakat",
    "Tesfaye",
    "ሽፈራው",
    "Nguyễn",
    "López",
    "Güneş",
    "Warsame",
    "মোহাম্মদ",
    "Łukasz",
    "Γιώργος",
    "Μαρία",
];

fn labels(fields: &Fields) -> Vec<String> {
    match_keys(fields).iter().map(|key| key.label().to_owned()).collect()
}

prop_compose! {
    fn person()(
        given in select(&NAMES[..]),
        family in subsequence(&NAMES[..], 0..4),
        father in select(&NAMES[..]),
        mother in subsequence(&NAMES[..], 0..3),
        born in prop::option::of((1930u16..2020, prop::option::of((1u8..=12, 1u8..=28)))),
        places in subsequence(&["Mariupol", "حلب", "Baidoa", "Camp 4", "ዓሰብ"][..], 0..4),
    ) -> Fields {
        let place = |text: &str| PlaceText { text: text.into(), kind: PlaceKind::Town };
        Fields {
            given: given.into(),
            family: family.join(" ").as_str().into(),
            father: father.into(),
            mother: mother.join(" ").as_str().into(),
            birth: born.map(|(year, month_day)| BirthDate { year, month_day, or: None }),
            places: places.into_iter().map(place).collect(),
            ..Fields::default()
        }
    }
}

prop_compose! {
    fn anything()(
        names in vec(".{0,60}", 4),
        places in vec((".{0,60}", any::<bool>()), 0..5),
        born in prop::option::of((any::<u16>(), prop::option::of(any::<(u8, u8)>()))),
        or in prop::option::of((any::<u16>(), prop::option::of(any::<(u8, u8)>()))),
    ) -> Fields {
        let mut names = names.iter().map(|name| name.as_str().into());
        let mut next = || names.next().unwrap_or_default();
        let place = |(text, town): (String, bool)| PlaceText {
            text: text.as_str().into(),
            kind: if town { PlaceKind::Town } else { PlaceKind::Street },
        };
        Fields {
            given: next(),
            family: next(),
            father: next(),
            mother: next(),
            birth: born.map(|(year, month_day)| BirthDate { year, month_day, or }),
            places: places.into_iter().map(place).collect(),
            sex: Some(Sex::Female),
            ..Fields::default()
        }
    }
}

/// What forms and spreadsheets hold where a name or place should be.
const RUBBISH: [&str; 20] = [
    "",
    " ",
    "-",
    "x",
    "?",
    "n/a",
    "unknown",
    "0000-00-00",
    "12345",
    "٤٢",
    "A. B. C.",
    "🙂👨‍👩‍👧",
    "\u{202e}rotcoD\u{202c}",
    "\u{200b}\u{feff}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "ﷺ",
    "عبد",
    "abd al",
    "\u{fffd}\u{10ffff}",
    "bin bin bin",
];

/// Dates as they stand in files, most of them wrong.
const DATES: [&str; 12] = [
    "",
    "1984",
    "1984-03-12",
    "1984-01-01",
    "0000-00-00",
    "1984-02-31",
    "1984-13-05",
    "3000-01-02",
    "19840312",
    "12.3.84",
    "~1984",
    "1984-3",
];

prop_compose! {
    /// A text field: names, rubbish, letters of any script, up to 30 of them in any order.
    fn raw_text()(
        pieces in vec(prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), select(&RUBBISH[..]).prop_map(str::to_owned), "\\PC{0,12}"], 0..30),
        between in select(&[" ", "", "-", "\u{a0}", "\t", "|"][..]),
    ) -> String {
        pieces.join(between)
    }
}

prop_compose! {
    fn raw_record()(
        names in vec(raw_text(), 4),
        dates in select(&DATES[..]),
        places in vec((raw_text(), any::<bool>()), 0..20),
        sex in select(&[None, Some(Sex::Female), Some(Sex::Male)][..]),
    ) -> Fields {
        let mut names = names.iter().map(|name| name.as_str().into());
        let mut next = || names.next().unwrap_or_default();
        let place = |(text, town): (String, bool)| PlaceText {
            text: text.as_str().into(),
            kind: if town { PlaceKind::Town } else { PlaceKind::Street },
        };
        Fields {
            given: next(),
            family: next(),
            father: next(),
            mother: next(),
            birth: BirthDate::parse(dates),
            places: places.into_iter().map(place).collect(),
            sex,
            ..Fields::default()
        }
    }
}

fn rewritten(fields: &Fields, rewrite: impl Fn(&str) -> String) -> Fields {
    let text = |text: &str| rewrite(text).as_str().into();
    Fields {
        given: text(fields.given.expose()),
        family: text(fields.family.expose()),
        father: text(fields.father.expose()),
        mother: text(fields.mother.expose()),
        places: fields.places.iter().map(|place| PlaceText { text: text(place.text.expose()), kind: place.kind }).collect(),
        ..fields.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn letter_case_and_spacing_do_not_change_keys(person in person()) {
        let keys = labels(&person);
        prop_assert_eq!(&labels(&rewritten(&person, str::to_uppercase)), &keys);
        prop_assert_eq!(&labels(&rewritten(&person, |text| format!(" .{} ", text.replace(' ', " - ")))), &keys);
    }

    #[test]
    fn vowel_marks_do_not_change_keys(person in person()) {
        let marked = rewritten(&person, |text| text.chars().flat_map(|c| {
            let mark = ('\u{0621}'..='\u{064a}').contains(&c).then_some('\u{064e}');
            core::iter::once(c).chain(mark)
        }).collect());
        prop_assert_eq!(labels(&marked), labels(&person));
    }

    #[test]
    fn the_unicode_form_does_not_change_tokens(text in ".{0,40}") {
        let expected = tokens(&text);
        for form in [text.nfd().collect::<String>(), text.nfc().collect(), text.nfkd().collect(), text.nfkc().collect()] {
            prop_assert_eq!(&*tokens(&form), &*expected);
        }
    }

    #[test]
    fn the_order_of_names_behind_the_given_one_does_not_change_keys(person in person()) {
        let turned = |text: &str| text.split(' ').rev().collect::<Vec<_>>().join(" ");
        let mut other = person.clone();
        other.family = turned(person.family.expose()).as_str().into();
        other.mother = turned(person.mother.expose()).as_str().into();
        prop_assert_eq!(labels(&other), labels(&person));
    }

    #[test]
    fn an_arbitrary_text_gives_at_most_48_keys_and_a_score(one in anything(), other in anything()) {
        let keys = match_keys(&one);
        prop_assert!(keys.len() <= 48);
        for (place, key) in keys.iter().enumerate() {
            prop_assert!(!key.label().is_empty() && key.label().len() <= 4096);
            prop_assert!(!keys[..place].contains(key));
            prop_assert!(key.class().split('|').all(|kind| matches!(kind, "d" | "f" | "g" | "m" | "n" | "p" | "v" | "w" | "x" | "y")));
        }
        prop_assert_eq!(compare(&one, &other).fields.len(), 7);
    }

    #[test]
    fn a_raw_record_gives_keys_that_it_shares_with_itself(one in raw_record(), other in raw_record()) {
        let keys = labels(&one);
        prop_assert!(keys.len() <= 48);
        prop_assert_eq!(&labels(&one.clone()), &keys);
        for key in &keys {
            prop_assert!(key.is_ascii() || key.contains("p:"), "{key}");
            prop_assert!(!key.contains('\0') && !key.contains(char::is_whitespace), "{key}");
        }
        prop_assert!(compare(&one, &other).score_milli.abs() < 1_000_000);
        let strength = strength(&one);
        prop_assert_eq!(strength.keys, keys.len());
        prop_assert!(strength.keys > 0 || strength.advice.is_some() || !one.mother.expose().is_empty());
    }

    #[test]
    fn a_spelling_agrees_with_itself_if_it_has_a_code(text in raw_text()) {
        let known = !tokens(&text).is_empty();
        let agreement = compare_spellings(&text, &text);
        prop_assert!(known || agreement == SpellingAgreement::None);
        prop_assert_eq!(compare_spellings(&text, "Amina"), compare_spellings("Amina", &text));
    }

    #[test]
    fn an_arbitrary_date_is_read_or_refused(text in "[0-9-]{0,12}|.{0,12}") {
        if let Some(date) = BirthDate::parse(&text) {
            prop_assert!((1800..2200).contains(&date.year));
        }
    }
}

#[test]
fn a_description_of_a_hundred_kilobytes_is_answered() {
    let place = |text: &str| PlaceText { text: text.into(), kind: PlaceKind::Town };
    let hostile = Fields {
        given: "g ".repeat(50_000).as_str().into(),
        family: "Jzhcx ".repeat(20_000).as_str().into(),
        father: "x".repeat(100_000).as_str().into(),
        mother: "ﷺ".repeat(33_000).as_str().into(),
        places: (0..100).map(|_| place(&"嶽1 ".repeat(20_000))).collect(),
        ..Fields::default()
    };
    assert!(match_keys(&hostile).len() <= 48);
    assert_eq!(compare(&hostile, &hostile).fields.len(), 7);
}
