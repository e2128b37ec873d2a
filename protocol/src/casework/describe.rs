//! From a record, a family member whom it names, or attributes that came, to the description that linkage reads.
//!
//! `engine` calls it for keys, for the commitment's identifier fields and for the comparison.

use crate::base::Sensitive;
use crate::casework::commitment::OpenedField;
use crate::linkage::{BirthDate, DocumentText, Fields, PlaceKind, PlaceText, Sex, identifiers};
use crate::person::share::attributes;
use crate::person::{FamilyMember, Field, PersonRecord};

/// Describes a record of this node.
#[must_use]
pub fn of_record(record: &PersonRecord) -> Fields {
    let mut fields = Fields::default();
    for (field, value) in attributes(record) {
        put(&mut fields, field, &value);
    }
    fields.phones.clone_from(&record.phones);
    fields.documents = record
        .documents
        .iter()
        .map(|document| DocumentText {
            kind: document.kind.word().into(),
            issuer: document.issuer.clone(),
            number: document.number.clone(),
        })
        .collect();
    fields
}

/// Describes a family member whom a record names. The record's telephones and documents are not the member's.
#[must_use]
pub fn of_mention(record: &PersonRecord, member: &FamilyMember) -> Fields {
    let mut fields = Fields::default();
    for (field, value) in member.described(record) {
        put(&mut fields, field, &value);
    }
    fields
}

/// The identifiers of a record as fields of its commitment, in the order of its first match keys.
#[must_use]
pub fn identifier_fields(record: &PersonRecord) -> Vec<(Field, Sensitive<String>)> {
    let labels = identifiers(&of_record(record));
    (1..).map(Field::Identifier).zip(labels).collect()
}

/// Describes what a peer sent; unknown names are not looked at.
#[must_use]
pub fn of_attributes(opened: &[OpenedField]) -> Fields {
    let mut fields = Fields::default();
    for open in opened {
        if let Some(field) = Field::of_name(&open.name) {
            put(&mut fields, field, &open.value);
        }
    }
    fields
}

fn put(fields: &mut Fields, field: Field, value: &Sensitive<String>) {
    match field {
        Field::Given => fields.given = value.clone(),
        Field::Family => fields.family = value.clone(),
        Field::Father => fields.father = value.clone(),
        Field::Mother => fields.mother = value.clone(),
        Field::Sex => {
            fields.sex = match value.expose().as_str() {
                "female" => Some(Sex::Female),
                "male" => Some(Sex::Male),
                _ => None,
            };
        }
        // An estimate counts as its year only: the day was never known.
        Field::Birth => {
            let text = value.expose();
            fields.birth = match text.strip_prefix('~') {
                Some(estimate) => BirthDate::parse(estimate).map(|date| BirthDate { month_day: None, ..date }),
                None => BirthDate::parse(text),
            };
        }
        Field::BirthPlace | Field::LastPlace => {
            fields.places.push(PlaceText { text: value.clone(), kind: PlaceKind::Town });
        }
        Field::Identifier(_) => fields.put_identifier(value.expose()),
        Field::Contact
        | Field::SocietyRef
        | Field::Phones
        | Field::Documents
        | Field::FamilyMembers
        | Field::Note
        | Field::HeldBack => {}
    }
}
