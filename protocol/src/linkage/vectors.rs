//! The vectors of the profile, written by its reference implementation.

use serde_json::Value;

use crate::base::Sensitive;

use super::conjunctions::Conjunctions;
use super::fields::{BirthDate, Fields, PlaceKind, PlaceText};
use super::match_key::match_keys;
use super::normalize::tokens;
use super::parts::{Parts, mother_bits, name_bits, place_bits, role_bits};
use super::phonetic::codes;
use super::places::place_codes;

const VECTORS: &str = include_str!("../../../tests/data/vectors/linkage.jsonl");

fn vectors(with: &str) -> Vec<Value> {
    let all = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|vector| vector.get(with).is_some()).collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The description in a record as the vectors and the populations write it.
pub(super) fn fields(record: &Value) -> Fields {
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

/// What a key tells by the table of matching.md 4.2, read off its text.
fn half_bits(key: &str) -> i32 {
    let label = |label: &str| match label.split_once(':').unwrap() {
        ("n", code) => name_bits(code),
        ("g" | "f", code) => role_bits(code),
        ("m", code) => mother_bits(code),
        ("p", code) => place_bits(code),
        ("d", _) => 26,
        ("x", _) => 16,
        ("y", _) => 10,
        ("v0" | "v1", _) => 8,
        ("w0" | "w1", _) => 6,
        (other, _) => panic!("a label of kind {other}"),
    };
    key.split('|').map(label).sum()
}

#[test]
fn every_text_gives_the_tokens_and_codes_of_the_reference() {
    let vectors = vectors("text");
    assert_eq!(vectors.len(), 47);
    for vector in vectors {
        let tokens = tokens(vector["text"].as_str().unwrap());
        assert_eq!(*tokens, texts(&vector["tokens"]), "{}", vector["text"]);
        let expected: Vec<_> = vector["codes"].as_array().unwrap().iter().map(texts).collect();
        assert_eq!(tokens.iter().map(|token| codes(token).to_vec()).collect::<Vec<_>>(), expected, "{}", vector["text"]);
    }
}

#[test]
fn every_place_gives_the_codes_of_the_reference() {
    let vectors = vectors("place");
    assert_eq!(vectors.len(), 12);
    for vector in vectors {
        assert_eq!(*place_codes(vector["place"].as_str().unwrap()), texts(&vector["codes"]), "{}", vector["place"]);
    }
}

#[test]
fn every_record_gives_the_keys_of_the_reference_in_its_order() {
    let vectors = vectors("record");
    assert_eq!(vectors.len(), 96);
    for vector in vectors {
        let fields = fields(&vector["record"]);
        let keys: Vec<String> = match_keys(&fields).iter().map(|key| key.label().to_owned()).collect();
        assert_eq!(keys, texts(&vector["keys"]), "{}", vector["record"]);
        let bits: Vec<i64> = keys.iter().map(|key| i64::from(half_bits(key))).collect();
        let expected: Vec<i64> = vector["halfbits"].as_array().unwrap().iter().map(|bits| bits.as_i64().unwrap()).collect();
        assert_eq!(bits, expected, "{}", vector["record"]);
        let all = Conjunctions::of(&Parts::of(&fields)).ranked(usize::MAX);
        assert_eq!(Some(all.len()), vector["before_cap"].as_u64().map(|count| count as usize), "{}", vector["record"]);
    }
}
