//! Linkage: keys and comparisons a second, beside the reference implementation where one is given, and the record that is
//! made to be slow.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use kinmesh_protocol::base::limits::RECORD_TEXT_BYTES;
use kinmesh_protocol::base::{Draw, Sensitive};
use kinmesh_protocol::linkage::{
    BirthDate, Fields, PlaceKind, PlaceText, Prepared, compare, compare_prepared, match_keys, score_prepared,
};
use serde_json::Value;

use super::figure::{Figure, Goal};
use super::paired::alone;
use super::people::{fields, registered, sought};
use super::reference::{Reference, Work};
use crate::clock;

const VECTORS: &str = include_str!("../../data/vectors/linkage.jsonl");
/// Invented people, from which those with 48 keys are taken.
const PEOPLE: usize = 600;
/// Candidates that are compared.
const CANDIDATES: usize = 2_000;
/// Keys of a record that counts as a whole one.
const KEYS: usize = 48;

/// What both implementations work on.
struct Sample {
    /// Records with 48 keys each.
    records: Vec<Value>,
    /// A sought and a registered record that have a key in common.
    candidates: Vec<(Value, Value)>,
    /// A sought and a registered record that are next to each other in no order.
    strangers: Vec<(Value, Value)>,
}

/// A description with 48 keys.
pub fn person_of_48_keys() -> Fields {
    let vectors = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut people = vectors.filter_map(|vector| vector.get("record").map(fields));
    people.find(|person| match_keys(person).len() == KEYS).unwrap()
}

/// Records and pairs a second; the reference from a folder that holds it.
pub fn linkage(rounds: usize, reference: Option<&Path>) -> Vec<Figure> {
    let sample = Sample::draw();
    let mut figures = vec![keys(rounds, &sample)];
    figures.extend(second_stage(rounds, &sample));
    figures.extend(beside(rounds, &sample, reference));
    figures.push(worst(rounds));
    figures
}

impl Sample {
    fn draw() -> Self {
        let mut draw = Draw::new([21; 32]);
        let registered = registered(PEOPLE, &mut draw);
        let sought = sought(&registered, &mut draw);
        let mut carriers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut records = Vec::new();
        for (place, record) in registered.iter().enumerate() {
            let keys = match_keys(&fields(record));
            if keys.len() == KEYS {
                records.push(record.clone());
            }
            for key in keys {
                carriers.entry(key.label().to_owned()).or_default().push(place);
            }
        }
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (place, record) in sought.iter().enumerate() {
            let keys = match_keys(&fields(record));
            pairs.extend(keys.iter().filter_map(|key| carriers.get(key.label())).flatten().map(|other| (place, *other)));
        }
        pairs.sort_unstable();
        pairs.dedup();
        draw.shuffle(&mut pairs);
        pairs.truncate(CANDIDATES);
        let candidates = pairs.iter().map(|(one, other)| (sought[*one].clone(), registered[*other].clone())).collect();
        let far = (0..PEOPLE).map(|place| (sought[place].clone(), registered[(place + PEOPLE / 2) % PEOPLE].clone())).collect();
        Self { records, candidates, strangers: far }
    }
}

fn keys(rounds: usize, sample: &Sample) -> Figure {
    let people: Vec<Fields> = sample.records.iter().map(fields).collect();
    let keying = alone(clock::cpu, rounds, || people.iter().for_each(|person| drop(black_box(match_keys(person)))));
    Figure::alone("linkage: records to keys", "records/s", people.len() as f64 / keying.median * 1e9)
        .goal(Goal::AtLeast(20_000.0))
        .note(format!("{} invented records with 48 keys each", people.len()))
}

fn second_stage(rounds: usize, sample: &Sample) -> Vec<Figure> {
    let read = |pairs: &[(Value, Value)]| -> Vec<(Fields, Fields)> {
        pairs.iter().map(|(one, other)| (fields(one), fields(other))).collect()
    };
    let prepare = |pairs: &[(Fields, Fields)]| -> Vec<(Prepared, Prepared)> {
        pairs.iter().map(|(one, other)| (Prepared::of(one), Prepared::of(other))).collect()
    };
    let candidates = read(&sample.candidates);
    let prepared = prepare(&candidates);
    let strangers = prepare(&read(&sample.strangers));
    let per_second = |count: usize, nanos: f64| count as f64 / nanos * 1e9;
    let scoring = alone(clock::cpu, rounds, || {
        prepared.iter().for_each(|(one, other)| {
            black_box(score_prepared(one, other));
        });
    });
    let explaining = alone(clock::cpu, rounds, || {
        prepared.iter().for_each(|(one, other)| drop(black_box(compare_prepared(one, other))));
    });
    let apart = alone(clock::cpu, rounds, || {
        strangers.iter().for_each(|(one, other)| drop(black_box(compare_prepared(one, other))));
    });
    let comparing = alone(clock::cpu, rounds, || {
        candidates.iter().for_each(|(one, other)| drop(black_box(compare(one, other))));
    });
    let preparing = alone(clock::cpu, rounds, || drop(black_box(prepare(&candidates))));
    let goal = Goal::AtLeast(200_000.0);
    vec![
        Figure::alone("linkage: second stage, score", "pairs/s", per_second(prepared.len(), scoring.median))
            .goal(goal)
            .note(format!("{} candidates of the keys, each record prepared before", prepared.len())),
        Figure::alone("linkage: second stage, explained", "pairs/s", per_second(prepared.len(), explaining.median)).goal(goal),
        Figure::alone("linkage: strangers, explained", "pairs/s", per_second(strangers.len(), apart.median))
            .note("people who share no key: nearly all pairs when an owner looks for duplicates"),
        Figure::alone("linkage: second stage, unprepared", "pairs/s", per_second(candidates.len(), comparing.median)),
        Figure::alone("linkage: records prepared", "records/s", per_second(2 * candidates.len(), preparing.median)),
    ]
}

/// Keys and scores beside the reference, in rounds.
fn beside(rounds: usize, sample: &Sample, reference: Option<&Path>) -> Vec<Figure> {
    const KEYING: &str = "linkage: keys beside the reference";
    const SCORING: &str = "linkage: score beside the reference";
    let skipped = |why: &str| vec![Figure::skipped(KEYING, "us", why.to_owned()), Figure::skipped(SCORING, "us", why.to_owned())];
    let Some(folder) = reference else {
        return skipped("no --reference FOLDER with a kinmatch.py");
    };
    let mut reference = match Reference::start(folder, &sample.records, &sample.candidates) {
        Ok(reference) => reference,
        Err(why) => return skipped(&why),
    };
    let people: Vec<Fields> = sample.records.iter().map(fields).collect();
    let labels = |person: &Fields| match_keys(person).iter().map(|key| key.label().to_owned()).collect::<Vec<_>>();
    assert_eq!(reference.labels(), people.iter().flat_map(labels).collect::<Vec<_>>(), "both implementations give the same keys");
    let pairs: Vec<(Prepared, Prepared)> =
        sample.candidates.iter().map(|(one, other)| (Prepared::of(&fields(one)), Prepared::of(&fields(other)))).collect();
    let score = |(one, other): &(Prepared, Prepared)| score_prepared(one, other).score_milli;
    assert_eq!(reference.scores(), pairs.iter().map(score).collect::<Vec<_>>(), "both implementations give the same scores");
    let keying = reference.beside(rounds, Work::Keys, || people.iter().for_each(|person| drop(black_box(match_keys(person)))));
    let scoring = reference.beside(rounds, Work::Scores, || {
        pairs.iter().for_each(|pair| {
            black_box(score(pair));
        });
    });
    vec![
        Figure::paired(KEYING, "us/record", 1e-3 / people.len() as f64, "Python", keying).goal(Goal::RatioAtMost(0.125)),
        Figure::paired(SCORING, "us/pair", 1e-3 / pairs.len() as f64, "Python", scoring),
    ]
}

fn worst(rounds: usize) -> Figure {
    let hostile = hostile();
    let worst = alone(clock::cpu, rounds, || drop(black_box(match_keys(&hostile))));
    Figure::alone("linkage: record made to be slow", "ms", worst.median * 1e-6)
        .note("every field as long as a record may be, every token with three codes")
}

fn hostile() -> Fields {
    let long = |syllables: &str| -> Sensitive<String> {
        syllables.chars().cycle().take(RECORD_TEXT_BYTES).collect::<String>().as_str().into()
    };
    let place = |text: &str| PlaceText { text: long(text), kind: PlaceKind::Town };
    Fields {
        given: long("jirace "),
        family: long("zhoxa zhoxano zhotsedhe chiraji "),
        father: long("cekhachi "),
        mother: long("chitse jijili "),
        birth: BirthDate::parse("1984-03-12"),
        places: vec![place("Cecilia "), place("tsezhotha ")],
        ..Fields::default()
    }
}
