//! The demo's people, cases, consents and answer key, from the readable files in `tests/data/demo` (read at build time).
//!
//! Everybody in them is invented. The answer key is parsed with the rest but looked at only by the report.

use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{MemberId, Sensitive, Timestamp, UserId};
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::person::record::Role;
use serde::Deserialize;

use crate::exchange::people::{PeopleFile, Row};
use crate::rehearsal::errors::RehearsalError;

/// One society with the file of its people.
pub struct Society {
    /// Its id.
    pub member: MemberId,
    /// Its name as shown.
    pub name: String,
    /// The CSV text.
    pub people: Vec<u8>,
    /// Name of the file, for messages.
    pub file: String,
}

/// One case of the demo.
pub struct DemoCase {
    /// The society that opens it.
    pub society: MemberId,
    /// Its file number.
    pub label: String,
    /// Who asks.
    pub enquirer: PersonForm,
    /// Who is looked for: relation and person.
    pub subjects: Vec<(String, PersonForm)>,
    /// Members that must not get a claim.
    pub claim_never: Vec<MemberId>,
}

/// What a found person says when asked at the holder's desk.
pub struct DemoConsent {
    /// The holder.
    pub society: MemberId,
    /// The record's file number.
    pub id: String,
    /// The decision.
    pub decision: Decision,
    /// The words to be disclosed.
    pub text: Sensitive<String>,
}

/// One line of the answer key.
pub struct Expected {
    /// The case's file number.
    pub case: String,
    /// The sought person's place in the case, from 1.
    pub row: usize,
    /// True if it must be found.
    pub found: bool,
    /// Where.
    pub society: Option<MemberId>,
    /// Which record.
    pub id: String,
    /// Why, or why not.
    pub reason: String,
}

/// Everything the demo plays.
pub struct Play {
    /// The societies.
    pub societies: Vec<Society>,
    /// The cases.
    pub cases: Vec<DemoCase>,
    /// What found persons say.
    pub consents: Vec<DemoConsent>,
    /// The answer key; empty for a visitor's own files.
    pub answers: Vec<Expected>,
}

const NAMES: [(&str, &str); 5] = [
    ("ALBA", "Alba Red Cross"),
    ("BORA", "Bora Red Crescent"),
    ("CIRA", "Cira Red Crescent"),
    ("DORA", "Dora Red Cross"),
    ("ELBA", "Elba Red Cross"),
];

const PEOPLE: [&str; 5] = [
    include_str!("../../../tests/data/demo/alba.csv"),
    include_str!("../../../tests/data/demo/bora.csv"),
    include_str!("../../../tests/data/demo/cira.csv"),
    include_str!("../../../tests/data/demo/dora.csv"),
    include_str!("../../../tests/data/demo/elba.csv"),
];
const CASES: &str = include_str!("../../../tests/data/demo/cases.csv");
const CONSENTS: &str = include_str!("../../../tests/data/demo/consents.csv");
const ANSWERS: &str = include_str!("../../../tests/data/demo/answers.csv");

/// Most sought persons that a visitor's first file opens cases for.
const VISITOR_SUBJECTS: usize = 96;
/// Sought persons of one of these cases.
const SUBJECTS_A_CASE: usize = 16;

/// The built-in play.
///
/// # Errors
/// [`RehearsalError::Data`] if a file of the build is not as it must be; a test reads them all.
pub fn built_in() -> Result<Play, RehearsalError> {
    let societies = NAMES
        .into_iter()
        .zip(PEOPLE)
        .map(|((id, name), people)| {
            let file = format!("{}.csv", id.to_ascii_lowercase());
            Ok(Society { member: member(id)?, name: name.to_owned(), people: people.as_bytes().to_vec(), file })
        })
        .collect::<Result<_, RehearsalError>>()?;
    Ok(Play { societies, cases: read_cases()?, consents: read_consents()?, answers: read_answers()? })
}

/// A play from a visitor's own files, one a society: whoever stands in the first file is looked for at the others.
///
/// # Errors
/// [`RehearsalError`] if a file cannot be read, or there are fewer than two or more than five.
pub fn of_visitor(files: &[PathBuf]) -> Result<Play, RehearsalError> {
    if !(2..=NAMES.len()).contains(&files.len()) {
        return Err(RehearsalError::Files { found: files.len() });
    }
    let mut societies = Vec::new();
    for ((id, name), path) in NAMES.into_iter().zip(files) {
        let people = std::fs::read(path).map_err(|error| RehearsalError::File { path: path.clone(), kind: error.kind() })?;
        societies.push(Society { member: member(id)?, name: name.to_owned(), people, file: shown(path) });
    }
    let cases = societies.first().map_or_else(|| Ok(Vec::new()), visitor_cases)?;
    Ok(Play { societies, cases, consents: Vec::new(), answers: Vec::new() })
}

/// The rows of a society's file that are people; the import command names the others to the visitor.
///
/// # Errors
/// [`RehearsalError::Input`] if the file is no table of people.
pub fn people_of(society: &Society) -> Result<Vec<PersonForm>, RehearsalError> {
    let bad = |_| RehearsalError::Input { file: society.file.clone() };
    let mut file =
        PeopleFile::open(society.people.as_slice()).map_err(|_| RehearsalError::Input { file: society.file.clone() })?;
    let mut forms = Vec::new();
    while let Some(row) = file.read().map_err(bad)? {
        if let Row::Person(row) = row {
            forms.push(row.form);
        }
    }
    Ok(forms)
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| "input".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn visitor_cases(society: &Society) -> Result<Vec<DemoCase>, RehearsalError> {
    let mut forms = people_of(society)?;
    // A row that the import leaves out is looked for by nobody.
    let user = UserId::new("desk").map_err(|_| RehearsalError::Data { file: "the user's name" })?;
    forms.retain(|form| form.clone().into_record(Role::Sought, Timestamp(0), user).is_ok());
    forms.truncate(VISITOR_SUBJECTS);
    let mut cases = Vec::new();
    for (group, number) in forms.chunks(SUBJECTS_A_CASE).zip(1..) {
        let enquirer = PersonForm { family: "Visitor".into(), legal_basis: "consent".to_owned(), ..PersonForm::default() };
        let subjects =
            group.iter().map(|form| ("other_family".to_owned(), PersonForm { id: Sensitive::default(), ..form.clone() }));
        cases.push(DemoCase {
            society: society.member,
            label: format!("C-{number:02}"),
            enquirer,
            subjects: subjects.collect(),
            claim_never: Vec::new(),
        });
    }
    Ok(cases)
}

#[derive(Deserialize)]
struct CaseRow {
    society: String,
    case: String,
    enquirer_given: String,
    enquirer_family: String,
    relation: String,
    given: String,
    family: String,
    father: String,
    mother: String,
    sex: String,
    birth: String,
    birth_place: String,
    last_place: String,
    claim_never: String,
}

fn read_cases() -> Result<Vec<DemoCase>, RehearsalError> {
    let mut cases: Vec<DemoCase> = Vec::new();
    for row in rows::<CaseRow>(CASES, "cases.csv")? {
        let subject = PersonForm {
            given: row.given.as_str().into(),
            family: row.family.as_str().into(),
            father: row.father.as_str().into(),
            mother: row.mother.as_str().into(),
            sex: row.sex.as_str().into(),
            birth: row.birth.as_str().into(),
            birth_place: row.birth_place.as_str().into(),
            last_place: row.last_place.as_str().into(),
            ..PersonForm::default()
        };
        let society = member(&row.society)?;
        if let Some(open) = cases.iter_mut().find(|case| case.label == row.case && case.society == society) {
            open.subjects.push((row.relation, subject));
            continue;
        }
        let never = row.claim_never.split('|').filter(|id| !id.trim().is_empty());
        cases.push(DemoCase {
            society,
            label: row.case,
            enquirer: PersonForm {
                given: row.enquirer_given.as_str().into(),
                family: row.enquirer_family.as_str().into(),
                legal_basis: "consent".to_owned(),
                ..PersonForm::default()
            },
            subjects: vec![(row.relation, subject)],
            claim_never: never.map(|id| member(id.trim())).collect::<Result<_, _>>()?,
        });
    }
    Ok(cases)
}

#[derive(Deserialize)]
struct ConsentRow {
    society: String,
    id: String,
    decision: String,
    text: String,
}

fn read_consents() -> Result<Vec<DemoConsent>, RehearsalError> {
    rows::<ConsentRow>(CONSENTS, "consents.csv")?
        .into_iter()
        .map(|row| {
            Ok(DemoConsent {
                society: member(&row.society)?,
                id: row.id,
                decision: Decision::parse(&row.decision).ok_or(RehearsalError::Data { file: "consents.csv" })?,
                text: Sensitive::new(row.text),
            })
        })
        .collect()
}

#[derive(Deserialize)]
struct AnswerRow {
    case: String,
    sought_row: usize,
    expected: String,
    society: String,
    id: String,
    reason: String,
}

fn read_answers() -> Result<Vec<Expected>, RehearsalError> {
    rows::<AnswerRow>(ANSWERS, "answers.csv")?
        .into_iter()
        .map(|row| {
            let society = if row.society.is_empty() { None } else { Some(member(&row.society)?) };
            Ok(Expected {
                case: row.case,
                row: row.sought_row,
                found: row.expected == "found",
                society,
                id: row.id,
                reason: row.reason,
            })
        })
        .collect()
}

fn rows<T: for<'de> Deserialize<'de>>(text: &str, file: &'static str) -> Result<Vec<T>, RehearsalError> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().map_err(|_| RehearsalError::Data { file })
}

fn member(id: &str) -> Result<MemberId, RehearsalError> {
    MemberId::new(id).map_err(|_| RehearsalError::Data { file: "a member id" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_play_is_whole() {
        let play = built_in().unwrap();
        assert_eq!(play.societies.len(), 5);
        let sought: usize = play.cases.iter().map(|case| case.subjects.len()).sum();
        assert_eq!(sought, play.answers.len());
        assert!(play.answers.iter().any(|answer| answer.found) && play.answers.iter().any(|answer| !answer.found));
        for consent in &play.consents {
            let society = play.societies.iter().find(|society| society.member == consent.society).unwrap();
            let text = String::from_utf8(society.people.clone()).unwrap();
            assert!(text.contains(&format!("{},", consent.id)), "{}", consent.id);
        }
    }
}
