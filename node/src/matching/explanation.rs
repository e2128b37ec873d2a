//! `match explain`: which keys two descriptions share, and how they compare, in a caseworker's words.
//!
//! For somebody who has both descriptions before them, such as a pair that a search did not find. The result tells kinds
//! of parts, verdicts and reasons, no value of either side.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::AUTO_CLAIM_HITS;
use kinmesh_protocol::linkage::{Band, ComparedField, Comparison, FieldVerdict, Fields, Strength, compare, match_keys, strength};
use serde::Serialize;
use toml::{Table, Value};

use super::error::{Input, MatchError};
use super::person_row::PersonRow;
use super::source::Source;
use crate::exchange::records::ROW_BYTES;

/// Why two descriptions meet or do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Keys of the first description.
    pub first_keys: usize,
    /// Keys of the second description.
    pub second_keys: usize,
    /// Keys that both have, by what they are made of; the most frequent kind first.
    pub shared: Vec<SharedKeys>,
    /// What would make the first description stronger, if a field is missing that would.
    pub first_lacks: Option<&'static str>,
    /// What would make the second description stronger.
    pub second_lacks: Option<&'static str>,
    /// The second stage.
    pub comparison: Comparison,
}

/// Shared keys of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SharedKeys {
    /// The class, for instance `g|p|d`.
    pub class: String,
    /// What such a key is made of, in words.
    pub made_of: String,
    /// How many keys.
    pub keys: usize,
}

/// Reads two descriptions, TOML or JSON, `-` for standard input, and compares them.
///
/// # Errors
/// [`MatchError`]: a file that cannot be read or is no description.
pub fn explain(first: &Path, second: &Path) -> Result<Explanation, MatchError> {
    if [first, second].iter().all(|path| path.as_os_str() == "-") {
        return Err(MatchError::InputTwice);
    }
    let first = description(Source::open(Input::First, first)?)?;
    let second = description(Source::open(Input::Second, second)?)?;
    Ok(Explanation::of(&first, &second))
}

impl Explanation {
    /// Compares the description of a sought person with that of a registered one.
    #[must_use]
    pub fn of(first: &Fields, second: &Fields) -> Self {
        let (left, right) = (match_keys(first), match_keys(second));
        let mut shared: Vec<SharedKeys> = Vec::new();
        for key in left.iter().filter(|key| right.contains(key)) {
            let class = key.class();
            match shared.iter_mut().find(|shared| shared.class == class) {
                Some(shared) => shared.keys += 1,
                None => shared.push(SharedKeys { made_of: made_of(&class), class, keys: 1 }),
            }
        }
        shared.sort_by_key(|shared| core::cmp::Reverse(shared.keys));
        let lacks = |Strength { advice, .. }| advice.map(|advice| advice.text());
        Self {
            first_keys: left.len(),
            second_keys: right.len(),
            shared,
            first_lacks: lacks(strength(first)),
            second_lacks: lacks(strength(second)),
            comparison: compare(first, second),
        }
    }

    /// The explanation for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let keys: usize = self.shared.iter().map(|shared| shared.keys).sum();
        let _ = writeln!(text, "{}", found(keys, self.first_keys, self.second_keys));
        for shared in &self.shared {
            let _ = writeln!(text, "  {} {}: {}", shared.keys, plural(shared.keys), shared.made_of);
        }
        if keys < AUTO_CLAIM_HITS {
            for (which, lacks) in [("first", self.first_lacks), ("second", self.second_lacks)] {
                lacks.iter().for_each(|lacks| {
                    let _ = writeln!(text, "  to the {which} description, {lacks} would add most");
                });
            }
        }
        let tenths = self.comparison.score_milli / 100;
        let sign = if tenths < 0 { "-" } else { "" };
        let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
        let _ = writeln!(text, "Side by side they score {sign}{whole}.{tenth} bits: {}.", self.comparison_words());
        for field in &self.comparison.fields {
            let _ = writeln!(text, "  {:<13}  {:<8}  {}", field_name(field.field), verdict(field.verdict), field.reason.text());
        }
        text
    }

    /// A parent's name in common is a lead whatever the score says (matching.md 9).
    fn comparison_words(&self) -> &'static str {
        match self.comparison.band {
            _ if self.comparison.possible_relative => {
                "perhaps a brother or sister, since a parent's name agrees and the given names differ"
            }
            Band::Likely => "likely the same person",
            Band::Possible => "possibly the same person",
            Band::Unlikely => "unlikely the same person",
        }
    }
}

fn found(shared: usize, first: usize, second: usize) -> String {
    match (shared, first, second) {
        (0, 0, 0) => "Neither description has a key: both say too little to be searched privately.".to_owned(),
        (0, 0, _) => "The first description has no key: it says too little to be searched privately.".to_owned(),
        (0, _, 0) => "The second description has no key: it says too little to be found privately.".to_owned(),
        (0, ..) => format!("A private search does not find this pair: none of {first} and {second} keys is the same."),
        (shared, ..) if shared < AUTO_CLAIM_HITS => {
            format!("A private search finds this pair by one key (of {first} and {second}); a person decides whether to claim.")
        }
        _ => format!("A private search finds this pair by {shared} keys (of {first} and {second}) and may claim by itself."),
    }
}

/// What a key of a class is made of.
fn made_of(class: &str) -> String {
    const KINDS: [(char, &str, &str); 10] = [
        ('g', "given name", "given names"),
        ('f', "father's name", "father's names"),
        ('n', "a name of the person", "names of the person"),
        ('m', "a name of the mother", "names of the mother"),
        ('p', "a place", "places"),
        ('d', "date of birth (day and month in either order)", ""),
        ('x', "day and month of birth (in either order)", ""),
        ('y', "year of birth", ""),
        ('v', "year of birth, at most 1 apart", ""),
        ('w', "year of birth, at most 3 apart", ""),
    ];
    let words = KINDS.iter().filter_map(|(kind, one, several)| match class.chars().filter(|found| found == kind).count() {
        0 => None,
        1 => Some((*one).to_owned()),
        count => Some(format!("{count} {several}")),
    });
    words.collect::<Vec<_>>().join(" + ")
}

const fn plural(keys: usize) -> &'static str {
    if keys == 1 { "key" } else { "keys" }
}

const fn field_name(field: ComparedField) -> &'static str {
    match field {
        ComparedField::Given => "given name",
        ComparedField::OwnNames => "other names",
        ComparedField::Father => "father",
        ComparedField::Mother => "mother",
        ComparedField::Birth => "birth",
        ComparedField::Place => "place",
        ComparedField::Sex => "sex",
    }
}

const fn verdict(verdict: FieldVerdict) -> &'static str {
    match verdict {
        FieldVerdict::Match => "match",
        FieldVerdict::Variant => "variant",
        FieldVerdict::Mismatch => "mismatch",
        FieldVerdict::Blank => "blank",
        FieldVerdict::Unclear => "unclear",
    }
}

/// Reads one description: an object of JSON, or TOML as in the form of `person add`.
fn description(source: Source) -> Result<Fields, MatchError> {
    let input = source.input;
    let is_json = source.head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let mut bytes = Sensitive::new(Vec::new());
    let read = source.into_reader().take(ROW_BYTES as u64 + 1).read_to_end(bytes.expose_mut());
    read.map_err(|source| MatchError::Io { input, source })?;
    if bytes.expose().len() > ROW_BYTES {
        return Err(MatchError::TooLong { input, line: 1 });
    }
    let text = str::from_utf8(bytes.expose()).map_err(|_| MatchError::NotUtf8 { input, line: 1 })?;
    let row = if is_json { json(input, text) } else { toml(input, text) };
    row.map(|row| row.fields())
}

fn json(input: Input, text: &str) -> Result<PersonRow, MatchError> {
    serde_json::from_str(text).map_err(|error| MatchError::NotPerson { input, line: error.line() as u64, column: error.column() })
}

fn toml(input: Input, text: &str) -> Result<PersonRow, MatchError> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        MatchError::NotPerson { input, line: before.matches('\n').count() as u64 + 1, column }
    })?;
    // A year or date may stand without quotation marks.
    for (_, value) in &mut table {
        match value {
            Value::Integer(number) => *value = Value::String(number.to_string()),
            Value::Datetime(date) => *value = Value::String(date.to_string()),
            _ => {}
        }
    }
    table.try_into().map_err(|_: toml::de::Error| MatchError::NotPerson { input, line: 1, column: 0 })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const TRANSCRIPT: &str = include_str!("../../../tests/data/matching/explained.txt");

    fn read(text: &str) -> Result<Fields, MatchError> {
        description(Source::of(Input::First, Box::new(Cursor::new(text.as_bytes().to_vec())))?)
    }

    /// The file holds, ten times: `# ` and what the pair is, two descriptions as JSON after `> `, and the text for them.
    #[test]
    fn ten_pairs_are_explained_as_in_the_transcript() {
        let mut shown = String::new();
        let mut pairs = 0;
        for block in TRANSCRIPT.split_inclusive("\n\n") {
            let head: String = block.split_inclusive('\n').filter(|line| line.starts_with(['#', '>'])).collect();
            let objects: Vec<Fields> =
                head.lines().filter_map(|line| line.strip_prefix("> ")).map(|text| read(text).unwrap()).collect();
            let explained = Explanation::of(&objects[0], &objects[1]).text();
            shown.push_str(&format!("{head}{explained}\n"));
            pairs += 1;
        }
        assert_eq!(pairs, 10);
        assert!(shown.trim_end() == TRANSCRIPT.trim_end(), "another text than in the transcript:\n{shown}");
    }

    #[test]
    fn a_form_in_toml_and_an_object_in_json_are_read_alike() {
        let form = "given = \"Salma\"\nfamily = \"Idris\"\nbirth = 1999-05-07\nbirth_place = \"Nyala\"\nnote = \"x\"\n";
        let object = r#"{"given":"Salma","family":"Idris","dob":"1999-05-07","places":["Nyala"]}"#;
        let (form, object) = (read(form).unwrap(), read(object).unwrap());
        let explanation = Explanation::of(&form, &object);
        assert_eq!(explanation.first_keys, explanation.second_keys);
        assert_eq!(explanation.shared.iter().map(|shared| shared.keys).sum::<usize>(), explanation.first_keys);
        assert_eq!(explanation.comparison.band, Band::Likely);
    }

    #[test]
    fn what_is_no_description_is_named_by_its_place() {
        assert!(matches!(read("given = \"Amina\"\n\nfamily"), Err(MatchError::NotPerson { line: 3, .. })));
        assert!(matches!(read("{\n\"given\": [1]}"), Err(MatchError::NotPerson { line: 2, .. })));
        assert!(matches!(read("given = [1]"), Err(MatchError::NotPerson { column: 0, .. })));
        let error = read("given = \"Hussein").err().unwrap();
        assert!(!format!("{error:?}").contains("Hussein"));
    }
}
