//! Labelled people from a file: JSON lines or CSV, one entry at a time.
//!
//! An entry of the sought and one of the registered are the same person if their ids are the same text. People of one
//! household are kin; an entry without a household is one by itself, together with other entries of the same person.

use std::collections::BTreeMap;
use std::io::BufRead;

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::linkage::Entry;

use super::error::{Input, MatchError};
use super::person_row::{Date, Id, PersonRow, Place};
use super::source::Source;
use crate::exchange::records::{Record, Records};

/// Separators that spreadsheets write.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Numbers for the ids of both files, so that equal ids are equal numbers.
#[derive(Default)]
pub(super) struct Numbers {
    persons: BTreeMap<Sensitive<String>, u64>,
    households: BTreeMap<Sensitive<String>, u64>,
}

/// Entries of one file.
pub(super) struct Labelled {
    input: Input,
    rows: Rows,
}

enum Rows {
    Lines(Source),
    Cells { records: Box<Records<Box<dyn BufRead>>>, columns: Columns },
}

/// Where each column that is known stands.
struct Columns {
    places: Vec<Option<Column>>,
    count: usize,
}

/// A column of a CSV file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Household,
    Given,
    Family,
    Father,
    Mother,
    Birth,
    Places,
    Sex,
}

impl Labelled {
    /// Tells JSON lines from CSV by the first character and reads the header of the latter.
    pub(super) fn of(source: Source) -> Result<Self, MatchError> {
        let input = source.input;
        let first = source.head.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            None => Err(MatchError::Empty { input }),
            Some(b'{') => Ok(Self { input, rows: Rows::Lines(source) }),
            Some(_) => {
                let delimiter = delimiter_of(&source.head);
                let mut records = Box::new(Records::new(source.into_reader(), delimiter));
                let columns = Columns::read(input, &mut records)?;
                Ok(Self { input, rows: Rows::Cells { records, columns } })
            }
        }
    }

    /// The next entry; none at the end.
    pub(super) fn next(&mut self, numbers: &mut Numbers) -> Result<Option<Entry>, MatchError> {
        let input = self.input;
        let read = match &mut self.rows {
            Rows::Lines(source) => match source.line()? {
                Some((line, text)) => Some((line, object(input, line, &text)?)),
                None => None,
            },
            Rows::Cells { records, columns } => columns.next(input, records)?,
        };
        let Some((line, row)) = read else { return Ok(None) };
        let id = row.id.as_ref().and_then(Id::text).ok_or(MatchError::NoId { input, line })?;
        let household = row.household.as_ref().and_then(Id::text);
        let person = numbers.person(id);
        Ok(Some(Entry { person, household: numbers.household(household, person), fields: row.fields() }))
    }
}

impl Numbers {
    fn person(&mut self, id: Sensitive<String>) -> u64 {
        let next = self.persons.len() as u64;
        *self.persons.entry(id).or_insert(next)
    }

    /// Named households have even numbers, those of a person alone odd ones.
    fn household(&mut self, id: Option<Sensitive<String>>, person: u64) -> u64 {
        match id {
            Some(id) => {
                let next = self.households.len() as u64;
                2 * *self.households.entry(id).or_insert(next)
            }
            None => 2 * person + 1,
        }
    }
}

impl Columns {
    fn read(input: Input, records: &mut Records<Box<dyn BufRead>>) -> Result<Self, MatchError> {
        let header = records.read().map_err(|source| MatchError::Io { input, source })?;
        let cells = match header {
            Some(Record::Cells { cells, .. }) => cells,
            Some(Record::TooLong { line }) => return Err(MatchError::TooLong { input, line }),
            None => return Err(MatchError::Empty { input }),
        };
        let named = |cell: &Sensitive<Vec<u8>>| str::from_utf8(cell.expose()).ok().and_then(Column::named);
        let places: Vec<Option<Column>> = cells.iter().map(named).collect();
        match places.contains(&Some(Column::Id)) {
            true => Ok(Self { count: places.len(), places }),
            false => Err(MatchError::NoColumn { input, column: "id" }),
        }
    }

    fn next(&self, input: Input, records: &mut Records<Box<dyn BufRead>>) -> Result<Option<(u64, PersonRow)>, MatchError> {
        match records.read().map_err(|source| MatchError::Io { input, source })? {
            None => Ok(None),
            Some(Record::TooLong { line }) => Err(MatchError::TooLong { input, line }),
            Some(Record::Cells { line, cells }) if cells.len() != self.count => {
                Err(MatchError::Cells { input, line, expected: self.count, found: cells.len() })
            }
            Some(Record::Cells { line, cells }) => {
                let mut row = PersonRow::default();
                for (cell, column) in cells.iter().zip(&self.places) {
                    let text = str::from_utf8(cell.expose()).map_err(|_| MatchError::NotUtf8 { input, line })?;
                    column.iter().for_each(|column| column.put(&mut row, text));
                }
                Ok(Some((line, row)))
            }
        }
    }
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "id" => Some(Self::Id),
            "household" => Some(Self::Household),
            "given" => Some(Self::Given),
            "family" => Some(Self::Family),
            "father" => Some(Self::Father),
            "mother" => Some(Self::Mother),
            "dob" | "birth" => Some(Self::Birth),
            "places" => Some(Self::Places),
            "sex" => Some(Self::Sex),
            _ => None,
        }
    }

    fn put(self, row: &mut PersonRow, text: &str) {
        let value = || Sensitive::new(Some(text.to_owned()));
        match self {
            Self::Id => row.id = Some(Id::Text(text.into())),
            Self::Household => row.household = Some(Id::Text(text.into())),
            Self::Given => row.given = value(),
            Self::Family => row.family = value(),
            Self::Father => row.father = value(),
            Self::Mother => row.mother = value(),
            Self::Birth => row.dob = Sensitive::new(Some(Date::Text(text.to_owned()))),
            Self::Places => {
                row.places = Sensitive::new(Some(text.split('|').map(|place| Place::Name(place.to_owned())).collect()));
            }
            Self::Sex => row.sex = value(),
        }
    }
}

/// The object of a line. The parser's own text could quote the line: only its place is kept.
fn object(input: Input, line: u64, text: &Sensitive<String>) -> Result<PersonRow, MatchError> {
    serde_json::from_str(text.expose()).map_err(|error| MatchError::NotPerson { input, line, column: error.column() })
}

/// The separator that stands most often in the first line.
fn delimiter_of(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or(&[]);
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn entries(text: &str) -> Result<Vec<Entry>, MatchError> {
        entries_with(text, &mut Numbers::default())
    }

    fn entries_with(text: &str, numbers: &mut Numbers) -> Result<Vec<Entry>, MatchError> {
        let source = Source::of(Input::Sought, Box::new(Cursor::new(text.as_bytes().to_vec())))?;
        let mut labelled = Labelled::of(source)?;
        let mut entries = Vec::new();
        while let Some(entry) = labelled.next(numbers)? {
            entries.push(entry);
        }
        Ok(entries)
    }

    #[test]
    fn json_lines_and_csv_give_the_same_people() {
        let lines = r#"{"id":"a","household":"h","given":"ብርሃኔ","family":"ጸጋዬ","father":"","dob":"1995","places":[["ET","ዓሰብ"]]}
{"id":2,"given":"Rahima","mother":"Fatema","dob":"1985-04-02","places":["Maungdaw","street:Main Road"]}"#;
        let csv = "id;given;family;father;mother;dob;places;note;household\na;ብርሃኔ;ጸጋዬ;;;1995;ዓሰብ;x;h\n\
                   2;Rahima;;;Fatema;1985-04-02;Maungdaw| street:Main Road;y;\n";
        let shown = |entry: &Entry| {
            let places: Vec<_> = entry.fields.places.iter().map(|place| (place.text.expose().clone(), place.kind)).collect();
            let texts = [&entry.fields.given, &entry.fields.family, &entry.fields.mother].map(|text| text.expose().clone());
            (entry.person, entry.household, texts, entry.fields.birth, places)
        };
        let [lines, csv] = [lines, csv].map(|text| entries(text).unwrap().iter().map(shown).collect::<Vec<_>>());
        assert_eq!(lines, csv);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn an_id_is_the_same_person_in_both_files_and_a_household_of_its_own() {
        let mut numbers = Numbers::default();
        let registered = entries_with("id,given\n12,A\nx,B\n12,C\n", &mut numbers).unwrap();
        let sought = entries_with(r#"{"id":12,"given":"A"}"#, &mut numbers).unwrap();
        assert_eq!((sought[0].person, sought[0].household), (registered[0].person, registered[0].household));
        assert_eq!(registered[0].household, registered[2].household);
        assert_ne!(registered[0].household, registered[1].household);
        let named = entries_with("id,household\nq,12\n", &mut numbers).unwrap();
        assert_ne!(named[0].household, registered[0].household);
    }

    #[test]
    fn a_file_that_cannot_be_judged_is_named_by_its_place() {
        assert!(matches!(entries("given,family\nA,B\n"), Err(MatchError::NoColumn { column: "id", .. })));
        assert!(matches!(entries("id,given\n1,A\n,B\n"), Err(MatchError::NoId { line: 3, .. })));
        assert!(matches!(entries("id,given\n1\n"), Err(MatchError::Cells { line: 2, expected: 2, found: 1, .. })));
        assert!(matches!(entries("{\"id\":1}\n{\"id\":[]}\n"), Err(MatchError::NotPerson { line: 2, .. })));
        assert!(matches!(entries("{\"given\":\"A\"}\n"), Err(MatchError::NoId { line: 1, .. })));
        assert!(matches!(entries(" \n"), Err(MatchError::Empty { .. })));
        let error = entries("{\"id\":1,\"given\":\"Hussein\n").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("Hussein"));
    }
}
