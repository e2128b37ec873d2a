//! Forms in TOML: one person, or one case with its enquirer and sought persons.
//!
//! `person add --form` and `case open --form` read through it. An error names the line or the field and never quotes the
//! file. A year or date may stand without quotation marks.

use std::io::{self, Read};

use kinmesh_protocol::base::limits::SUBJECTS_A_CASE;
use kinmesh_protocol::engine::command::CaseForm;
use kinmesh_protocol::person::{DocumentForm, FamilyForm, PersonForm};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::{Table, Value};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a form: the most subjects with every field at its longest, and comments.
pub const FORM_BYTES: usize = 512 * 1024;

/// Keys of a case beside its people.
const CASE_TEXTS: [&str; 3] = ["label", "safety", "safety_notes"];

/// Why a file is no form. Never holds what the file holds.
#[derive(Debug, Error)]
pub enum FormFileError {
    /// The input failed.
    #[error("the form cannot be read")]
    Io(#[from] io::Error),
    /// Longer than [`FORM_BYTES`].
    #[error("the form is longer than {FORM_BYTES} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
    /// Not TOML.
    #[error("line {line}, column {column}: not TOML")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A name that the form does not have.
    #[error("line {line} in {path}: no field of this form has this name")]
    UnknownKey {
        /// Where it stands: `enquirer`, `subjects[2].person`, or the form itself.
        path: FieldPath,
        /// Line of the first key of this name, from 1.
        line: usize,
    },
    /// A value of another kind than the field's.
    #[error("{path} is not of the kind that this field has")]
    Kind {
        /// Which field.
        path: FieldPath,
    },
    /// More sought persons than a case has.
    #[error("{found} sought persons, at most {SUBJECTS_A_CASE}")]
    Subjects {
        /// Number found.
        found: usize,
    },
}

/// A place in a form, made of the form's own names and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath {
    subject: Option<u16>,
    part: &'static str,
    entry: Option<(List, u16)>,
    field: &'static str,
}

/// A list of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Documents,
    FamilyMembers,
}

impl List {
    const fn name(self) -> &'static str {
        match self {
            List::Documents => "documents",
            List::FamilyMembers => "family_members",
        }
    }

    const fn fields(self) -> &'static [&'static str] {
        match self {
            List::Documents => &DOCUMENT_FIELDS,
            List::FamilyMembers => &FAMILY_FIELDS,
        }
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = self.subject.map(|number| format!("subjects[{number}]"));
        let entry = self.entry.map(|(list, number)| format!("{}[{number}]", list.name()));
        let names = [subject.as_deref().unwrap_or(""), self.part, entry.as_deref().unwrap_or(""), self.field];
        let path: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        f.write_str(if path.is_empty() { "the form" } else { "" })?;
        f.write_str(&path.join("."))
    }
}

/// Reads the form of one person.
///
/// # Errors
/// [`FormFileError`] names the line or field.
pub fn person_form(input: impl Read) -> Result<PersonForm, FormFileError> {
    let text = read(input)?;
    let mut table = parse(&text)?;
    check_person(&text, &mut table, &FieldPath::default())?;
    into_form(table)
}

/// Reads the form of a case.
///
/// # Errors
/// [`FormFileError`] names the line or field.
pub fn case_form(input: impl Read) -> Result<CaseForm, FormFileError> {
    let text = read(input)?;
    let mut table = parse(&text)?;
    for (key, value) in table.iter_mut() {
        let at = |field| FieldPath { field, ..FieldPath::default() };
        match (key.as_str(), &mut *value) {
            ("enquirer", Value::Table(person)) => {
                check_person(&text, person, &FieldPath { part: "enquirer", ..FieldPath::default() })?;
            }
            ("enquirer", _) => return Err(FormFileError::Kind { path: at("enquirer") }),
            ("subjects", Value::Array(subjects)) => check_subjects(&text, subjects)?,
            ("subjects", _) => return Err(FormFileError::Kind { path: at("subjects") }),
            ("claim_never", Value::Array(_))
            | ("claim_ask" | "enquirer_findable" | "enquirer_named" | "holders_may_ask", Value::Boolean(_)) => {}
            ("claim_never", _) => return Err(FormFileError::Kind { path: at("claim_never") }),
            ("claim_ask", _) => return Err(FormFileError::Kind { path: at("claim_ask") }),
            ("enquirer_named", _) => return Err(FormFileError::Kind { path: at("enquirer_named") }),
            ("enquirer_findable", _) => return Err(FormFileError::Kind { path: at("enquirer_findable") }),
            ("holders_may_ask", _) => return Err(FormFileError::Kind { path: at("holders_may_ask") }),
            (name, value) => match CASE_TEXTS.into_iter().find(|text| *text == name) {
                Some(field) => as_text(value, at(field))?,
                None => return Err(unknown(&text, key, FieldPath::default())),
            },
        }
    }
    into_form(table)
}

fn read(input: impl Read) -> Result<Zeroizing<String>, FormFileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    input.take(FORM_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FORM_BYTES {
        return Err(FormFileError::TooLong);
    }
    let text = str::from_utf8(&bytes).map_err(|_| FormFileError::NotUtf8)?;
    Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}

fn parse(text: &str) -> Result<Table, FormFileError> {
    text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or("").chars().count() + 1);
        FormFileError::Syntax { line, column }
    })
}

/// A name may be a value in the wrong place: the error says on which line it stands and does not repeat it.
fn unknown(text: &str, key: &str, path: FieldPath) -> FormFileError {
    let starts = |line: &str| line.trim_start_matches(|c: char| c.is_whitespace() || "[\"'".contains(c)).starts_with(key);
    let line = text.lines().position(starts).or_else(|| text.lines().position(|line| line.contains(key)));
    FormFileError::UnknownKey { path, line: line.unwrap_or(0) + 1 }
}

fn check_subjects(text: &str, subjects: &mut [Value]) -> Result<(), FormFileError> {
    if subjects.len() > SUBJECTS_A_CASE {
        return Err(FormFileError::Subjects { found: subjects.len() });
    }
    for (number, subject) in (1..).zip(subjects) {
        let path = FieldPath { subject: Some(number), ..FieldPath::default() };
        let Value::Table(table) = subject else { return Err(FormFileError::Kind { path }) };
        for (key, value) in table.iter_mut() {
            match (key.as_str(), &mut *value) {
                ("relation", value) => as_text(value, FieldPath { field: "relation", ..path.clone() })?,
                ("person", Value::Table(person)) => check_person(text, person, &FieldPath { part: "person", ..path.clone() })?,
                ("person", _) => return Err(FormFileError::Kind { path: FieldPath { field: "person", ..path } }),
                _ => return Err(unknown(text, key, path)),
            }
        }
    }
    Ok(())
}

fn check_person(text: &str, person: &mut Table, path: &FieldPath) -> Result<(), FormFileError> {
    for (key, value) in person.iter_mut() {
        let field = PERSON_FIELDS.into_iter().find(|field| field == key);
        let Some(field) = field else { return Err(unknown(text, key, path.clone())) };
        match field {
            "documents" => check_list(text, value, path, List::Documents, DocumentForm::read_list)?,
            "family_members" => check_list(text, value, path, List::FamilyMembers, FamilyForm::read_list)?,
            _ => as_text(value, FieldPath { field, ..path.clone() })?,
        }
    }
    Ok(())
}

/// A list of a person: tables, or one text in the notation of a cell.
fn check_list<T: Serialize>(
    text: &str,
    value: &mut Value,
    path: &FieldPath,
    list: List,
    read: impl Fn(&str) -> Vec<T>,
) -> Result<(), FormFileError> {
    let wrong = || FormFileError::Kind { path: FieldPath { field: list.name(), ..path.clone() } };
    if let Value::String(cell) = value {
        let entries = Value::try_from(read(cell)).map_err(|_| wrong())?;
        cell.zeroize();
        *value = entries;
    }
    let Value::Array(entries) = value else { return Err(wrong()) };
    for (number, entry) in (1..).zip(entries) {
        let path = FieldPath { entry: Some((list, number)), ..path.clone() };
        let Value::Table(entry) = entry else { return Err(FormFileError::Kind { path }) };
        for (key, value) in entry.iter_mut() {
            let field = list.fields().iter().find(|field| **field == key);
            let Some(field) = field else { return Err(unknown(text, key, path)) };
            as_text(value, FieldPath { field, ..path.clone() })?;
        }
    }
    Ok(())
}

/// Fields of a document and of a family member; a test compares them with the forms.
const DOCUMENT_FIELDS: [&str; 3] = ["issuer", "kind", "number"];
const FAMILY_FIELDS: [&str; 7] = ["birth", "family", "given", "person", "relation", "sex", "vital"];

/// Fields of a person's form; a test compares them with the form.
const PERSON_FIELDS: [&str; 17] = [
    "id",
    "given",
    "family",
    "father",
    "mother",
    "sex",
    "birth",
    "birth_place",
    "last_place",
    "phone",
    "documents",
    "family_members",
    "legal_basis",
    "match_mode",
    "visible_to",
    "flags",
    "note",
];

/// Numbers and dates without quotation marks are what was meant by them.
fn as_text(value: &mut Value, path: FieldPath) -> Result<(), FormFileError> {
    match value {
        Value::String(_) => Ok(()),
        Value::Integer(number) => {
            *value = Value::String(number.to_string());
            Ok(())
        }
        Value::Datetime(date) => {
            *value = Value::String(date.to_string());
            Ok(())
        }
        _ => Err(FormFileError::Kind { path }),
    }
}

fn into_form<T: DeserializeOwned>(table: Table) -> Result<T, FormFileError> {
    let mut value = Value::Table(table);
    let form = value.clone().try_into();
    wipe(&mut value);
    // Every kind but that of the entries of `claim_never` has been checked before.
    form.map_err(|_| FormFileError::Kind { path: FieldPath { field: "claim_never", ..FieldPath::default() } })
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| wipe(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        case_form(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_case_is_read_with_bare_years_and_dates() {
        let text = "safety = 'safe'\n[enquirer]\ngiven = 'سعاد'\nbirth = 1970-09-02\n\
            [[subjects]]\nrelation = 'son'\nperson = { given = 'سليم', birth = 1998 }\n";
        let case = case_form(text.as_bytes()).unwrap();
        assert_eq!(case.enquirer.birth.expose(), "1970-09-02");
        assert_eq!(case.subjects[0].person.birth.expose(), "1998");
        assert_eq!(case.subjects[0].relation, "son");
    }

    #[test]
    fn an_error_names_the_place_and_quotes_nothing() {
        let errors = [
            ("label = 'x'\nsafety = Salim\n", "line 2, column 10: not TOML"),
            ("[enquirer]\nSalim = 'x'\n", "line 2 in enquirer: no field of this form has this name"),
            (
                "[[subjects]]\n[subjects.person]\ngiven = ['Salim']\n",
                "subjects[1].person.given is not of the kind that this field has",
            ),
            (
                "[enquirer]\n[[enquirer.family_members]]\nname = 'Salim'\n",
                "line 3 in enquirer.family_members[1]: no field of this form has this name",
            ),
            ("[enquirer]\ndocuments = ['Salim']\n", "enquirer.documents[1] is not of the kind that this field has"),
            ("enquirer_findable = 'Salim'\n", "enquirer_findable is not of the kind that this field has"),
            ("claim_never = [1]\n", "claim_never is not of the kind that this field has"),
            ("claim_never = ['Salim']\n", "claim_never is not of the kind that this field has"),
            ("safety = ['Salim']\n", "safety is not of the kind that this field has"),
            ("Salim = 1\n", "line 1 in the form: no field of this form has this name"),
        ];
        for (text, expected) in errors {
            let found = problem(text);
            assert_eq!(found, expected);
            assert!(!found.contains("Salim"));
        }
    }

    #[test]
    fn half_a_character_is_an_error_with_its_place() {
        assert!(matches!(person_form(&b"given = '\xed\xa0\xbd'"[..]), Err(FormFileError::NotUtf8)));
        let escaped = person_form(&b"id = '1'\ngiven = \"\\ud83d\""[..]);
        assert!(matches!(escaped, Err(FormFileError::Syntax { line: 2, .. })), "{escaped:?}");
        assert!(serde_json::from_str::<PersonForm>(r#"{"given":"\ud83d"}"#).is_err());
    }

    #[test]
    fn a_birth_of_another_calendar_stands_in_quotation_marks() {
        let form = person_form(&b"birth = \"1369-05-12 solar_hijri\"\n"[..]).unwrap();
        assert_eq!(form.birth.expose(), "1369-05-12 solar_hijri");
    }

    #[test]
    fn a_form_is_bounded() {
        let long = format!("label = '{}'", "x".repeat(FORM_BYTES));
        assert!(matches!(case_form(long.as_bytes()), Err(FormFileError::TooLong)));
        let many = "[[subjects]]\n".repeat(SUBJECTS_A_CASE + 1);
        assert!(matches!(case_form(many.as_bytes()), Err(FormFileError::Subjects { found: 25 })));
        assert!(matches!(person_form(&b"\xff"[..]), Err(FormFileError::NotUtf8)));
    }

    #[test]
    fn the_fields_are_those_of_the_form() {
        let form = Table::try_from(PersonForm::default()).unwrap();
        let mut fields = PERSON_FIELDS;
        fields.sort_unstable();
        assert!(form.keys().map(String::as_str).eq(fields));
        assert!(Table::try_from(FamilyForm::default()).unwrap().keys().map(String::as_str).eq(FAMILY_FIELDS));
        assert!(Table::try_from(DocumentForm::default()).unwrap().keys().map(String::as_str).eq(DOCUMENT_FIELDS));
    }

    #[test]
    fn lists_are_tables_or_the_notation_of_a_cell() {
        let tables = "given = 'Nimco'\n[[family_members]]\nrelation = 'mother'\ngiven = 'Fadumo'\nfamily = 'Xasan'\n\
            birth = 1961\n[[documents]]\nkind = 'passport'\nissuer = 'SO'\nnumber = 1234567\n";
        let cells = "given = 'Nimco'\nfamily_members = 'mother: Fadumo Xasan (1961)'\ndocuments = 'passport SO 1234567'\n";
        let form = person_form(tables.as_bytes()).unwrap();
        assert_eq!(form, person_form(cells.as_bytes()).unwrap());
        assert_eq!(form.family_members[0].birth.expose(), "1961");
    }
}
