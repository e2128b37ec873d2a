//! Identity documents of a person: kind, issuer and number, as typed and as kept.
//!
//! `form` makes them, `linkage` makes an exact key of each. The notation of a cell is `passport SO A1234567 | camp_card
//! KE 12-345`: the kind, the issuer if there is one, the number. Numbers are kept as written.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::base::Sensitive;
use crate::base::sensitive::reveal;
use crate::person::form::{FormError, FormProblem, trimmed, wrong};

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DocumentKind {
    /// Passport.
    #[n(1)]
    Passport,
    /// National identity card or number.
    #[n(2)]
    NationalId,
    /// Registration by a refugee agency.
    #[n(3)]
    RefugeeId,
    /// Birth certificate.
    #[n(4)]
    BirthCertificate,
    /// Card of a camp, shelter or for rations.
    #[n(5)]
    CampCard,
    /// Driving licence.
    #[n(6)]
    DrivingLicence,
    /// Another document.
    #[n(7)]
    Other,
}

impl DocumentKind {
    const WORDS: [(&'static str, DocumentKind); 7] = [
        ("passport", DocumentKind::Passport),
        ("national_id", DocumentKind::NationalId),
        ("refugee_id", DocumentKind::RefugeeId),
        ("birth_certificate", DocumentKind::BirthCertificate),
        ("camp_card", DocumentKind::CampCard),
        ("driving_licence", DocumentKind::DrivingLicence),
        ("other", DocumentKind::Other),
    ];

    /// Reads a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.trim().to_lowercase().replace('-', "_");
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// The word of forms, screens and keys.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("other", |(word, _)| word)
    }
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Document {
    /// Its kind.
    #[n(1)]
    pub kind: DocumentKind,
    /// Country or office that issued it, best as ISO 3166 code; empty if unknown.
    #[n(2)]
    pub issuer: Sensitive<String>,
    /// Its number as written.
    #[n(3)]
    pub number: Sensitive<String>,
}

impl Document {
    /// One line for screens.
    #[must_use]
    pub fn line(&self) -> Sensitive<String> {
        let parts = [self.kind.word(), self.issuer.expose(), self.number.expose()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Sensitive::new(parts.join(" "))
    }
}

/// The fields of one document as texts; kind and number are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentForm {
    /// `passport`, `national_id`, `refugee_id`, `birth_certificate`, `camp_card`, `driving_licence` or `other`.
    #[serde(with = "reveal")]
    pub kind: Sensitive<String>,
    /// Country or office that issued it, best as ISO 3166 code.
    #[serde(with = "reveal")]
    pub issuer: Sensitive<String>,
    /// Its number.
    #[serde(with = "reveal")]
    pub number: Sensitive<String>,
}

impl DocumentForm {
    /// Reads the notation of one cell. Never fails: what is wrong shows in the check of the form.
    #[must_use]
    pub fn read_list(cell: &str) -> Vec<Self> {
        cell.split('|').map(str::trim).filter(|entry| !entry.is_empty()).map(Self::read).collect()
    }

    fn read(entry: &str) -> Self {
        let (kind, rest) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
        let rest = rest.trim();
        // A number may be written in groups; an issuer is a word without a digit in front of it.
        let (issuer, number) = match rest.split_once(char::is_whitespace) {
            Some((issuer, number)) if !issuer.chars().any(char::is_numeric) && number.chars().any(char::is_numeric) => {
                (issuer, number.trim())
            }
            _ => ("", rest),
        };
        Self { kind: kind.into(), issuer: issuer.into(), number: number.into() }
    }

    /// Texts with their names, for the checks that every text of a form goes through.
    pub(super) fn texts(&self) -> [(&'static str, &str); 3] {
        [("kind", self.kind.expose()), ("issuer", self.issuer.expose()), ("number", self.number.expose())]
    }

    /// Checks the fields and makes the document.
    pub(super) fn document(&self) -> Result<Document, FormError> {
        let kind = DocumentKind::parse(self.kind.expose()).ok_or_else(|| wrong("kind", FormProblem::Word))?;
        let number = trimmed(&self.number);
        if number.expose().is_empty() {
            return Err(wrong("number", FormProblem::Missing));
        }
        Ok(Document { kind, issuer: trimmed(&self.issuer), number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_names_several_documents() {
        let cell = "passport SO A1234567 | camp_card 12-345 678 | National_ID 8812034511|birth_certificate UA І-АМ 123456";
        let documents: Vec<Document> = DocumentForm::read_list(cell).iter().map(|form| form.document().unwrap()).collect();
        let parts: Vec<_> = documents
            .iter()
            .map(|document| (document.kind.word(), document.issuer.expose().as_str(), document.number.expose().as_str()))
            .collect();
        assert_eq!(
            parts,
            [
                ("passport", "SO", "A1234567"),
                ("camp_card", "", "12-345 678"),
                ("national_id", "", "8812034511"),
                ("birth_certificate", "UA", "І-АМ 123456"),
            ]
        );
    }

    #[test]
    fn a_document_without_kind_or_number_is_named_by_its_field() {
        let problem = |cell: &str| DocumentForm::read_list(cell).first().unwrap().document().unwrap_err();
        assert_eq!(problem("A1234567").field, "kind");
        assert_eq!((problem("passport").field, problem("passport").problem), ("number".to_owned(), FormProblem::Missing));
        assert!(!problem("ticket 77123").to_string().contains("77123"));
    }
}
