//! Linkage: keys and comparisons a second, and the record that is made to be slow.

use std::hint::black_box;

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::RECORD_TEXT_BYTES;
use kinmesh_protocol::linkage::{BirthDate, Fields, PlaceKind, PlaceText, compare, match_keys};
use serde_json::Value;

use super::clock;
use super::figure::{Figure, Goal};
use super::paired::alone;

const VECTORS: &str = include_str!("../../data/vectors/linkage.jsonl");

/// The descriptions of the profile's vectors.
pub fn people() -> Vec<Fields> {
    let vectors = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    vectors.filter_map(|vector| vector.get("record").map(fields)).collect()
}

/// A description with 48 keys.
pub fn person_of_48_keys() -> Fields {
    people().into_iter().find(|person| match_keys(person).len() == 48).unwrap()
}

/// Records and pairs a second.
pub fn linkage(rounds: usize) -> Vec<Figure> {
    let people = people();
    let count = people.len() as f64;
    let keys: usize = people.iter().map(|person| match_keys(person).len()).sum();
    let keying = alone(clock::cpu, rounds, || people.iter().for_each(|person| drop(black_box(match_keys(person)))));
    let others = || people.iter().cycle().skip(1);
    let comparing = alone(clock::cpu, rounds, || {
        people.iter().zip(others()).for_each(|(one, other)| drop(black_box(compare(one, other))));
    });
    let hostile = hostile();
    let worst = alone(clock::cpu, rounds, || drop(black_box(match_keys(&hostile))));
    let note = format!("the {} records of the profile's vectors, {:.1} keys each", people.len(), keys as f64 / count);
    vec![
        Figure::alone("linkage: records to keys", "records/s", count / keying.median * 1e9)
            .goal(Goal::AtLeast(20_000.0))
            .note(note),
        Figure::alone("linkage: keys", "keys/s", keys as f64 / keying.median * 1e9),
        Figure::alone("linkage: second stage", "pairs/s", count / comparing.median * 1e9).goal(Goal::AtLeast(200_000.0)),
        Figure::alone("linkage: record made to be slow", "ms", worst.median * 1e-6)
            .note("every field as long as a record may be, every token with three codes"),
    ]
}

fn fields(record: &Value) -> Fields {
    let text = |name: &str| Sensitive::from(record[name].as_str().unwrap_or(""));
    let place = |place: &Value| PlaceText {
        text: place[1].as_str().unwrap().into(),
        kind: if place[2].as_str() == Some("street") { PlaceKind::Street } else { PlaceKind::Town },
    };
    Fields {
        given: text("given"),
        family: text("family"),
        father: text("father"),
        mother: text("mother"),
        birth: BirthDate::parse(record["dob"].as_str().unwrap_or("")),
        places: record["places"].as_array().map(|places| places.iter().map(place).collect()).unwrap_or_default(),
        ..Fields::default()
    }
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
