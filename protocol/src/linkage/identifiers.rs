//! Exact identifiers: a telephone or a document's number, each a key by itself and strong evidence in a comparison.
//!
//! `match_key` puts them before all other keys; the second stage asks [`identifiers_agree`]. Both sides normalise alike:
//! digits and letters of any script become ASCII, separators vanish. Telephones count by their last 8 digits, so that
//! `+252 61 512 34 56`, `00252615123456` and `0615123456` are one. A short document number is only unique at its issuer,
//! so it needs one; a long one stands without, since one desk writes the issuer and the other does not.
//!
//! What remains: numbers can be guessed and listed. A member that tries numbers is bounded by the evaluation budget and
//! not by anything here.

use any_ascii::any_ascii_char;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::base::Sensitive;
use crate::base::limits::IDENTIFIER_KEYS;

use super::fields::{DocumentText, Fields};

/// Digits of a telephone that count, from its end.
const PHONE_DIGITS: usize = 8;
/// Digits that a telephone has at most, country and area included (ITU-T E.164).
const PHONE_MOST: usize = 15;
/// Letters and digits of a document's number.
const NUMBER: core::ops::RangeInclusive<usize> = 5..=24;
/// Letters and digits from which a number stands without its issuer.
const LONG_NUMBER: usize = 8;
/// Letters and digits of an issuer or a kind that count.
const WORD: usize = 16;

/// Which identifiers of two descriptions are equal. One that differs says nothing: people change telephones and papers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentifiersAgree {
    /// A telephone.
    pub phone: bool,
    /// A document.
    pub document: bool,
}

impl IdentifiersAgree {
    /// Compares the labels of two descriptions.
    #[must_use]
    pub(super) fn of(sought: &[Sensitive<String>], registered: &[Sensitive<String>]) -> Self {
        let common = |kind: &str| sought.iter().any(|label| label.expose().starts_with(kind) && registered.contains(label));
        Self { phone: common("t:"), document: common("i:") }
    }

    /// True if anything is equal.
    #[must_use]
    pub const fn any(self) -> bool {
        self.phone || self.document
    }
}

/// The labels of a description's identifiers, documents and telephones in turn, at most 4: `i:passport.A1234567`,
/// `i:camp_card.KE.12345`, `t:15123456`.
#[must_use]
pub fn identifiers(fields: &Fields) -> Vec<Sensitive<String>> {
    let documents = unique(fields.documents.iter().filter_map(document_label));
    let phones = unique(fields.phones.iter().filter_map(|phone| phone_label(phone.expose())));
    let mut labels = Vec::with_capacity(IDENTIFIER_KEYS);
    let (mut documents, mut phones) = (documents.into_iter(), phones.into_iter());
    while labels.len() < IDENTIFIER_KEYS {
        let before = labels.len();
        labels.extend(documents.next());
        labels.extend(phones.next());
        if labels.len() == before {
            break;
        }
    }
    labels.truncate(IDENTIFIER_KEYS);
    labels
}

/// Which identifiers of two descriptions are equal.
#[must_use]
pub fn identifiers_agree(sought: &Fields, registered: &Fields) -> IdentifiersAgree {
    IdentifiersAgree::of(&identifiers(sought), &identifiers(registered))
}

impl Fields {
    /// Takes an identifier by its label; every other text is ignored.
    pub fn put_identifier(&mut self, label: &str) {
        if let Some(digits) = label.strip_prefix("t:") {
            self.phones.push(digits.into());
        } else if let Some(rest) = label.strip_prefix("i:") {
            let mut parts = rest.split('.');
            let (kind, last) = (parts.next().unwrap_or(""), parts.next_back().unwrap_or(""));
            let issuer = parts.next().unwrap_or("");
            self.documents.push(DocumentText { kind: kind.into(), issuer: issuer.into(), number: last.into() });
        }
    }
}

fn unique(labels: impl Iterator<Item = Sensitive<String>>) -> Vec<Sensitive<String>> {
    let mut found: Vec<Sensitive<String>> = Vec::new();
    for label in labels {
        if !found.contains(&label) {
            found.push(label);
        }
    }
    found
}

fn phone_label(phone: &str) -> Option<Sensitive<String>> {
    let digits: Sensitive<String> = Sensitive::new(phone.chars().filter(|c| is_digit(*c)).flat_map(ascii).collect());
    // `00` in front is how many countries dial out; it is no part of the number.
    let digits = digits.expose().strip_prefix("00").unwrap_or(digits.expose());
    if !(PHONE_DIGITS..=PHONE_MOST).contains(&digits.len()) {
        return None;
    }
    digits.get(digits.len() - PHONE_DIGITS..).map(|end| Sensitive::new(format!("t:{end}")))
}

fn document_label(document: &DocumentText) -> Option<Sensitive<String>> {
    let kind: String = document.kind.expose().chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(WORD + 8).collect();
    let number = letters_and_digits(document.number.expose(), *NUMBER.end() + 1);
    let length = number.expose().len();
    if kind.is_empty() || !NUMBER.contains(&length) || !number.expose().bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if length >= LONG_NUMBER {
        return Some(Sensitive::new(format!("i:{kind}.{}", number.expose())));
    }
    let issuer = letters_and_digits(document.issuer.expose(), WORD);
    (!issuer.expose().is_empty()).then(|| Sensitive::new(format!("i:{kind}.{}.{}", issuer.expose(), number.expose())))
}

/// Letters and digits of any script in upper-case ASCII, at most `limit` of them.
fn letters_and_digits(text: &str, limit: usize) -> Sensitive<String> {
    let kept = text.chars().filter(|c| c.is_alphanumeric()).flat_map(ascii);
    Sensitive::new(kept.map(|c| c.to_ascii_uppercase()).take(limit).collect())
}

fn ascii(c: char) -> impl Iterator<Item = char> {
    any_ascii_char(c).chars().filter(char::is_ascii_alphanumeric)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || c.general_category() == GeneralCategory::DecimalNumber
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: &str, issuer: &str, number: &str) -> DocumentText {
        DocumentText { kind: kind.into(), issuer: issuer.into(), number: number.into() }
    }

    fn labels(phones: &[&str], documents: &[DocumentText]) -> Vec<String> {
        let phones = phones.iter().map(|phone| (*phone).into()).collect();
        let fields = Fields { phones, documents: documents.to_vec(), ..Fields::default() };
        identifiers(&fields).into_iter().map(Sensitive::into_exposed).collect()
    }

    #[test]
    fn a_telephone_counts_by_its_last_eight_digits() {
        for phone in ["+252 61 512 34 56", "00252-61-5123456", "(061) 512.34.56", "٠٦١٥١٢٣٤٥٦", "०६१५१२३४५६"]
        {
            assert_eq!(labels(&[phone], &[]), ["t:15123456"], "{phone}");
        }
        for phone in ["", "5123456", "none", "0061512345", "1234567890123456"] {
            let expected: &[&str] = if phone == "0061512345" { &["t:61512345"] } else { &[] };
            assert_eq!(labels(&[phone], &[]), expected, "{phone}");
        }
    }

    #[test]
    fn a_document_counts_by_kind_and_number_and_a_short_one_by_its_issuer_too() {
        assert_eq!(labels(&[], &[document("passport", "SO", "a 123-4567")]), ["i:passport.A1234567"]);
        assert_eq!(labels(&[], &[document("passport", "", "МЕ 123456")]), ["i:passport.ME123456"]);
        assert_eq!(labels(&[], &[document("camp_card", "KE", "12-345")]), ["i:camp_card.KE.12345"]);
        for document in [
            document("camp_card", "", "12345"),
            document("camp_card", "KE", "1234"),
            document("passport", "SO", "UNKNOWNNUMBER"),
            document("passport", "SO", &"7".repeat(25)),
            document("", "SO", "A1234567"),
        ] {
            assert_eq!(labels(&[], core::slice::from_ref(&document)), [""; 0], "{}", document.number.expose());
        }
    }

    #[test]
    fn at_most_four_keys_take_turns() {
        let documents = ["A1234567", "B1234567", "C1234567"].map(|number| document("passport", "", number));
        let found = labels(&["0615123451", "0615123452", "+252615123451", "0615123453"], &documents);
        assert_eq!(found, ["i:passport.A1234567", "t:15123451", "i:passport.B1234567", "t:15123452"]);
        assert_eq!(labels(&["0615123451", "0615123452"], &[]).len(), 2);
    }

    #[test]
    fn a_label_gives_its_identifier_back() {
        let documents = [document("passport", "SO", "A1234567"), document("camp_card", "KE", "12345")];
        let found = labels(&["0615123451"], &documents);
        let mut fields = Fields::default();
        for label in &found {
            fields.put_identifier(label);
        }
        fields.put_identifier("g:md|n:al");
        let again: Vec<String> = identifiers(&fields).into_iter().map(Sensitive::into_exposed).collect();
        assert_eq!(again, found);
    }

    #[test]
    fn an_equal_identifier_agrees_and_another_says_nothing() {
        let sought = Fields { phones: vec!["+252 61 512 34 56".into()], ..Fields::default() };
        let same = Fields { phones: vec!["0700 000 000".into(), "0615123456".into()], ..Fields::default() };
        let other = Fields { phones: vec!["0700 000 000".into()], ..Fields::default() };
        assert_eq!(identifiers_agree(&sought, &same), IdentifiersAgree { phone: true, document: false });
        assert!(!identifiers_agree(&sought, &other).any());
        assert!(!identifiers_agree(&sought, &Fields::default()).any());
    }
}
