//! A description as forms, files and claims bring it: any bytes in any field.
//!
//! An input is text in lines, so that seeds can be read and written by hand: options, given, family, father, mother, date
//! of birth, then places, with `~` before a street. Options: `f` or `m` for the sex; `x` leaves bytes out that are no
//! UTF-8, else they become U+FFFD; `l` repeats every text to 2 kB, which is more than counts of
//! one, `L` to 100 kB, both with three places at most.

use kinmesh_protocol::base::limits::KEYS_A_RECORD;
use kinmesh_protocol::linkage::{
    Advice, BirthDate, FieldVerdict, Fields, MatchKey, PlaceKind, PlaceText, Prepared, Sex, compare, compare_prepared,
    compare_spellings, match_keys, score_prepared, strength,
};

/// Bytes of the longest label: four names, two of the mother and two places, each as long as a code gets.
const LABEL_BYTES: usize = 4_096;
/// Bytes of a text that the options make long, and very long.
const LONG: usize = 2_000;
const VERY_LONG: usize = 100_000;
/// Places of such a description: what is bounded is the reading of it, not the copies that its caller makes.
const LONG_PLACES: usize = 3;
/// Beyond every sum of weights.
const SCORE: i64 = 1_000_000;

/// Keys, both comparisons and the advice of an arbitrary description.
pub fn run(input: &[u8]) {
    let fields = fields(input);
    let keys = match_keys(&fields);
    check_keys(&keys);
    assert_eq!(match_keys(&fields), keys, "the same description gives the same keys");
    check_strength(&fields, &keys);
    check_comparison(&fields, &self::fields(&halved(input)));
    let _ = compare_spellings(fields.given.expose(), fields.family.expose());
}

fn check_keys(keys: &[MatchKey]) {
    assert!(keys.len() <= KEYS_A_RECORD, "{} keys", keys.len());
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "a key stands twice");
        assert!(key.label().len() <= LABEL_BYTES, "a label of {} bytes", key.label().len());
        for part in key.label().split('|') {
            // A numbered place is its own characters, whatever their script.
            let is_numbered = part.starts_with("p:n") || part.starts_with("p:~n");
            assert!(part.is_ascii() || is_numbered, "a part of a label is not ASCII");
            assert!(
                !part.contains(char::is_whitespace) && !part.contains(char::is_control),
                "a part of a label is not printable"
            );
            assert!(part.split_once(':').is_some_and(|(kind, code)| !kind.is_empty() && !code.is_empty()), "a part is empty");
        }
    }
}

fn check_strength(fields: &Fields, keys: &[MatchKey]) {
    let strength = strength(fields);
    assert_eq!(strength.keys, keys.len(), "the strength counts the keys");
    let complete = [&fields.given, &fields.father, &fields.mother].iter().all(|name| !name.expose().is_empty())
        && !fields.places.is_empty()
        && fields.birth.is_some();
    assert!(!keys.is_empty() || complete || strength.advice.is_some(), "nothing is advised where there is no key");
    let _ = strength.advice.map(Advice::text);
}

fn check_comparison(one: &Fields, other: &Fields) {
    let with_itself = compare(one, one);
    let agrees = |verdict| matches!(verdict, FieldVerdict::Match | FieldVerdict::Blank);
    assert!(with_itself.fields.iter().all(|field| agrees(field.verdict)), "a description differs from itself");
    assert!(!with_itself.possible_relative, "nobody is their own relative");
    let [prepared, prepared_other] = [one, other].map(Prepared::of);
    for (comparison, left, right) in
        [(compare(one, other), &prepared, &prepared_other), (compare(other, one), &prepared_other, &prepared)]
    {
        assert!(comparison.score_milli.abs() < SCORE, "a score of {}", comparison.score_milli);
        assert_eq!(compare_prepared(left, right), comparison, "prepared once or anew");
        let score = score_prepared(left, right);
        assert_eq!(
            (score.score_milli, score.band, score.possible_relative),
            (comparison.score_milli, comparison.band, comparison.possible_relative),
            "with its explanation or without"
        );
    }
}

fn fields(input: &[u8]) -> Fields {
    let mut lines = input.split(|byte| *byte == b'\n');
    let options = lines.next().unwrap_or_default();
    let read = |line: &[u8]| read(line, options);
    let mut text = || read(lines.next().unwrap_or_default());
    let [given, family, father, mother, birth] = [(); 5].map(|()| text());
    let place = |line: &[u8]| {
        let (text, kind) = line.strip_prefix(b"~").map_or((line, PlaceKind::Town), |street| (street, PlaceKind::Street));
        PlaceText { text: read(text).as_str().into(), kind }
    };
    let mut fields = Fields {
        given: given.as_str().into(),
        family: family.as_str().into(),
        father: father.as_str().into(),
        mother: mother.as_str().into(),
        birth: BirthDate::parse(&birth),
        places: lines.take(if length(options).is_some() { LONG_PLACES } else { usize::MAX }).map(place).collect(),
        ..Fields::default()
    };
    fields.sex = match (options.contains(&b'f'), options.contains(&b'm')) {
        (true, _) => Some(Sex::Female),
        (_, true) => Some(Sex::Male),
        _ => None,
    };
    fields
}

fn read(bytes: &[u8], options: &[u8]) -> String {
    let valid = || bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
    let text: String = if options.contains(&b'x') { valid() } else { String::from_utf8_lossy(bytes).into_owned() };
    match length(options) {
        Some(length) if !text.is_empty() => text.repeat(length.div_ceil(text.len())),
        _ => text,
    }
}

fn length(options: &[u8]) -> Option<usize> {
    match (options.contains(&b'l'), options.contains(&b'L')) {
        (_, true) => Some(VERY_LONG),
        (true, _) => Some(LONG),
        _ => None,
    }
}

/// Another description that has something in common with this one: every second byte of a part of each line is gone.
fn halved(input: &[u8]) -> Vec<u8> {
    let half = |line: &[u8]| {
        let (kept, thinned) = line.split_at(line.len() / 2);
        kept.iter().chain(thinned.iter().step_by(2)).copied().collect::<Vec<u8>>()
    };
    input.split(|byte| *byte == b'\n').map(half).collect::<Vec<_>>().join(&b'\n')
}
