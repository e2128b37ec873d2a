//! A person as typed or imported, and the one way from there to a record.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::limits::{RECORD_LIST, RECORD_LIST_BYTES, RECORD_TEXT_BYTES};
use crate::base::sensitive::reveal;
use crate::base::{PersonId, Sensitive, Timestamp, UserId};
use crate::person::dates::ApproxDate;
use crate::person::document::{Document, DocumentForm};
use crate::person::family::FamilyMember;
use crate::person::family_form::FamilyForm;
use crate::person::names::{NamePart, PersonName, PlaceName, Sex};
use crate::person::policy::{Audience, LegalBasis, MatchMode, ProtectionFlag, ProtectionLevel};
use crate::person::record::{PersonRecord, Role};

/// The fields of one person as texts. Every one may be empty but the given or family name and the legal basis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonForm {
    /// The society's file number.
    #[serde(with = "reveal")]
    pub id: Sensitive<String>,
    /// Given name.
    #[serde(with = "reveal")]
    pub given: Sensitive<String>,
    /// Family name, with whatever other parts.
    #[serde(with = "reveal")]
    pub family: Sensitive<String>,
    /// Father's name.
    #[serde(with = "reveal")]
    pub father: Sensitive<String>,
    /// Mother's name.
    #[serde(with = "reveal")]
    pub mother: Sensitive<String>,
    /// `f`, `m`, `x` or empty (also `female`, `male`, `other`).
    #[serde(with = "reveal")]
    pub sex: Sensitive<String>,
    /// As [`ApproxDate::parse`] reads it.
    #[serde(with = "reveal")]
    pub birth: Sensitive<String>,
    /// Place of birth or origin.
    #[serde(with = "reveal")]
    pub birth_place: Sensitive<String>,
    /// Last place known.
    #[serde(with = "reveal")]
    pub last_place: Sensitive<String>,
    /// Phone numbers, `|` between them.
    #[serde(with = "reveal")]
    pub phone: Sensitive<String>,
    /// Identity documents.
    pub documents: Vec<DocumentForm>,
    /// Family members whom the person names.
    pub family_members: Vec<FamilyForm>,
    /// `consent`, `vital_interest`, `public_interest`, `legitimate_interest` or `legal_obligation`.
    pub legal_basis: String,
    /// `answer`, `ask_only`, `off`, or empty for what the flags say.
    pub match_mode: String,
    /// `all`, `only:A|B` or `except:A|B`.
    pub visible_to: String,
    /// Protection flags, `|` between them.
    pub flags: String,
    /// Free note; never leaves the node.
    #[serde(with = "reveal")]
    pub note: Sensitive<String>,
}

/// What is wrong with one field of a form. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormProblem {
    /// Nothing was given where something is needed.
    #[error("is needed")]
    Missing,
    /// Longer than `limits::RECORD_TEXT_BYTES`.
    #[error("is longer than {RECORD_TEXT_BYTES} bytes")]
    TooLong,
    /// More entries than `limits::RECORD_LIST`.
    #[error("has more than {RECORD_LIST} entries")]
    TooMany,
    /// A list whose texts are together longer than `limits::RECORD_LIST_BYTES`.
    #[error("is together longer than {RECORD_LIST_BYTES} bytes")]
    ListTooLong,
    /// A control or text-direction character.
    #[error("holds a control or text-direction character")]
    Control,
    /// Not a date, or a day that its calendar does not have.
    #[error("is not {notation}; or there is no such day", notation = ApproxDate::NOTATION)]
    Date,
    /// The file number of a person who was registered with other words.
    #[error("is the file number of {}, whose record says otherwise", .person.short())]
    Taken {
        /// That person.
        person: PersonId,
    },
    /// Not one of the words of the field.
    #[error("is not one of the words this field knows")]
    Word,
    /// Not the id of a record of this node.
    #[error("is not the whole id of a person of this node")]
    Record,
    /// The file number, or all the words, of a person whose record was erased.
    #[error("is of a record that was erased")]
    Erased,
    /// Something that only the person's own consent allows.
    #[error("needs consent as the legal basis")]
    Consent,
}

/// Why a form is no record.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{field} {problem}")]
pub struct FormError {
    /// The field's name in the form.
    pub field: String,
    /// What is wrong with it.
    pub problem: FormProblem,
}

impl PersonForm {
    /// Checks every field and makes the record.
    ///
    /// # Errors
    /// [`FormError`] names the first field that is wrong.
    pub fn into_record(self, role: Role, at: Timestamp, by: UserId) -> Result<PersonRecord, FormError> {
        self.check_texts()?;
        if self.given.expose().trim().is_empty() && self.family.expose().trim().is_empty() {
            return Err(wrong("given", FormProblem::Missing));
        }
        let flags = self.read_flags()?;
        let level = ProtectionLevel::of(&flags);
        Ok(PersonRecord {
            society_ref: trimmed(&self.id),
            names: vec![self.name()],
            father: trimmed(&self.father),
            mother: trimmed(&self.mother),
            sex: read_sex(self.sex.expose())?,
            birth: self.read_birth()?,
            birth_place: PlaceName { text: trimmed(&self.birth_place) },
            last_place: PlaceName { text: trimmed(&self.last_place) },
            phones: self.read_phones()?,
            documents: self.read_documents()?,
            family: self.read_family()?,
            note: trimmed(&self.note),
            held_back: Vec::new(),
            legal_basis: self.read_basis()?,
            match_mode: self.read_mode(level)?,
            audience: Audience::parse(&self.visible_to).ok_or_else(|| wrong("visible_to", FormProblem::Word))?,
            flags,
            role,
            revision: 1,
            registered_at: at,
            registered_by: by,
            confirmed_by: None,
        })
    }

    fn check_texts(&self) -> Result<(), FormError> {
        let texts: [(&str, &str); 15] = [
            ("id", self.id.expose()),
            ("given", self.given.expose()),
            ("family", self.family.expose()),
            ("father", self.father.expose()),
            ("mother", self.mother.expose()),
            ("sex", self.sex.expose()),
            ("birth", self.birth.expose()),
            ("birth_place", self.birth_place.expose()),
            ("last_place", self.last_place.expose()),
            ("phone", self.phone.expose()),
            ("legal_basis", &self.legal_basis),
            ("match_mode", &self.match_mode),
            ("visible_to", &self.visible_to),
            ("flags", &self.flags),
            ("note", self.note.expose()),
        ];
        for (field, text) in texts {
            check_text(text).map_err(|problem| wrong(field, problem))?;
        }
        Ok(())
    }

    fn read_documents(&self) -> Result<Vec<Document>, FormError> {
        read_list("documents", &self.documents, DocumentForm::texts, DocumentForm::document)
    }

    fn read_family(&self) -> Result<Vec<FamilyMember>, FormError> {
        read_list("family_members", &self.family_members, FamilyForm::texts, FamilyForm::member)
    }

    fn name(&self) -> PersonName {
        let parts = [(NamePart::Given, &self.given), (NamePart::Family, &self.family)];
        PersonName {
            parts: parts
                .into_iter()
                .map(|(kind, text)| (kind, trimmed(text)))
                .filter(|(_, text)| !text.expose().is_empty())
                .collect(),
        }
    }

    fn read_birth(&self) -> Result<Option<Sensitive<ApproxDate>>, FormError> {
        match self.birth.expose().trim() {
            "" => Ok(None),
            text => ApproxDate::parse(text).map(Sensitive::new).map(Some).ok_or_else(|| wrong("birth", FormProblem::Date)),
        }
    }

    fn read_phones(&self) -> Result<Vec<Sensitive<String>>, FormError> {
        let phones: Vec<Sensitive<String>> =
            self.phone.expose().split('|').map(str::trim).filter(|phone| !phone.is_empty()).map(Sensitive::from).collect();
        if phones.len() > RECORD_LIST { Err(wrong("phone", FormProblem::TooMany)) } else { Ok(phones) }
    }

    fn read_flags(&self) -> Result<Vec<ProtectionFlag>, FormError> {
        let mut flags = self
            .flags
            .split('|')
            .filter(|flag| !flag.trim().is_empty())
            .map(|flag| ProtectionFlag::parse(flag).ok_or_else(|| wrong("flags", FormProblem::Word)))
            .collect::<Result<Vec<_>, _>>()?;
        flags.sort();
        flags.dedup();
        Ok(flags)
    }

    fn read_basis(&self) -> Result<LegalBasis, FormError> {
        if self.legal_basis.trim().is_empty() {
            return Err(wrong("legal_basis", FormProblem::Missing));
        }
        LegalBasis::parse(&self.legal_basis).ok_or_else(|| wrong("legal_basis", FormProblem::Word))
    }

    /// A form may tighten what the flags say, never loosen it: that takes a supervisor.
    fn read_mode(&self, level: ProtectionLevel) -> Result<MatchMode, FormError> {
        match (self.match_mode.trim(), level) {
            ("", _) => Ok(level.default_mode()),
            ("answer", ProtectionLevel::Standard) => Ok(MatchMode::Answer),
            ("answer", ProtectionLevel::Protected) | ("ask_only", _) => Ok(MatchMode::AskOnly),
            ("off", _) => Ok(MatchMode::Off),
            _ => Err(wrong("match_mode", FormProblem::Word)),
        }
    }
}

/// Characters that change how other text is shown: controls and bidirectional overrides (attack 39).
#[must_use]
pub fn is_inert_breaker(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Checks and reads each entry of a list; an error names the entry by its number. All its texts together are bounded, so
/// that a record with many relatives still fits a batch.
fn read_list<T, Entry, const N: usize>(
    list: &'static str,
    entries: &[Entry],
    texts: impl for<'a> Fn(&'a Entry) -> [(&'static str, &'a str); N],
    read: impl Fn(&Entry) -> Result<T, FormError>,
) -> Result<Vec<T>, FormError> {
    if entries.len() > RECORD_LIST {
        return Err(wrong(list, FormProblem::TooMany));
    }
    let all: usize = entries.iter().flat_map(&texts).map(|(_, text)| text.len()).sum();
    if all > RECORD_LIST_BYTES {
        return Err(wrong(list, FormProblem::ListTooLong));
    }
    let mut found = Vec::with_capacity(entries.len());
    for (entry, number) in entries.iter().zip(1..) {
        let at = |field: &str| format!("{list}.{number}.{field}");
        for (field, text) in texts(entry) {
            check_text(text).map_err(|problem| wrong(&at(field), problem))?;
        }
        found.push(read(entry).map_err(|error| FormError { field: at(&error.field), ..error })?);
    }
    Ok(found)
}

fn check_text(text: &str) -> Result<(), FormProblem> {
    if text.len() > RECORD_TEXT_BYTES {
        Err(FormProblem::TooLong)
    } else if text.chars().any(is_inert_breaker) {
        Err(FormProblem::Control)
    } else {
        Ok(())
    }
}

pub(super) fn read_sex(text: &str) -> Result<Sex, FormError> {
    match text.trim() {
        "" | "unknown" => Ok(Sex::Unknown),
        "f" | "female" => Ok(Sex::Female),
        "m" | "male" => Ok(Sex::Male),
        "x" | "other" => Ok(Sex::Other),
        _ => Err(wrong("sex", FormProblem::Word)),
    }
}

pub(super) fn trimmed(text: &Sensitive<String>) -> Sensitive<String> {
    Sensitive::from(text.expose().trim())
}

pub(super) fn wrong(field: &str, problem: FormProblem) -> FormError {
    FormError { field: field.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> PersonForm {
        PersonForm {
            given: "Олена".into(), birth: "1984-03-12".into(), legal_basis: "consent".into(), ..PersonForm::default()
        }
    }

    fn record(form: PersonForm) -> Result<PersonRecord, FormError> {
        form.into_record(Role::Registered, Timestamp(0), UserId::new("amina").unwrap())
    }

    #[test]
    fn a_name_and_a_legal_basis_are_enough() {
        let record = record(form()).unwrap();
        assert_eq!(record.match_mode, MatchMode::Answer);
        assert_eq!(record.birth.unwrap().expose().day, Some(12));
    }

    #[test]
    fn an_error_names_the_field_and_never_the_value() {
        let error = record(PersonForm { birth: "12.3.1984".into(), ..form() }).unwrap_err();
        assert_eq!((error.field.as_str(), error.problem), ("birth", FormProblem::Date));
        let text = error.to_string();
        assert!(!text.contains("1984-") && text.contains("YYYY-MM-DD") && text.contains("solar_hijri"));
        assert_eq!(record(PersonForm { legal_basis: String::new(), ..form() }).unwrap_err().problem, FormProblem::Missing);
        assert_eq!(record(PersonForm { note: "a\u{202e}b".into(), ..form() }).unwrap_err().problem, FormProblem::Control);
        assert_eq!(
            record(PersonForm { given: "x".repeat(600).as_str().into(), ..form() }).unwrap_err().problem,
            FormProblem::TooLong
        );
    }

    #[test]
    fn an_entry_of_a_list_is_named_by_its_number() {
        let form = PersonForm {
            family_members: FamilyForm::read_list("mother: Олена (1961) | aunt: Іра (12.3.1984)"), ..form()
        };
        let error = record(form).unwrap_err();
        assert_eq!((error.field.as_str(), error.problem), ("family_members.2.birth", FormProblem::Date));
        let many = PersonForm { documents: DocumentForm::read_list(&"passport A1|".repeat(17)), ..self::form() };
        assert_eq!(record(many).unwrap_err().problem, FormProblem::TooMany);
        let long = format!("aunt: {}|", "x".repeat(500));
        let long = PersonForm { family_members: FamilyForm::read_list(&long.repeat(5)), ..self::form() };
        assert_eq!(record(long).unwrap_err().problem, FormProblem::ListTooLong);
    }

    #[test]
    fn a_form_cannot_loosen_what_a_flag_protects() {
        let protected = PersonForm { flags: "detained".into(), match_mode: "answer".into(), ..form() };
        assert_eq!(record(protected).unwrap().match_mode, MatchMode::AskOnly);
    }
}
