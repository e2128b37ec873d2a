//! Which field may leave the node, and when: one class a field, and every field is class N unless it is named here.

use crate::base::Sensitive;
use crate::base::limits::FIELD_BYTES;
use crate::person::names::{NamePart, Sex};
use crate::person::record::PersonRecord;

/// Under which condition a field may leave the node (data-model.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareClass {
    /// Input of match keys; never sent in clear.
    Key,
    /// Input of match keys, and sealed to one peer after an acknowledged claim, for comparison.
    KeyAndAttribute,
    /// Sealed to one peer after an acknowledged claim, for comparison.
    Attribute,
    /// Only in a disclosure: after the person's consent.
    Disclosure,
    /// Never leaves the node by protocol.
    Never,
    /// Never leaves, and is not shown in review: used to verify the other side.
    HeldBack,
}

/// Every field of a person that has a place in a message or must never have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Given name.
    Given,
    /// Family name and other parts.
    Family,
    /// Father's name.
    Father,
    /// Mother's name.
    Mother,
    /// Sex.
    Sex,
    /// Birth, as far as known.
    Birth,
    /// Place of birth or origin.
    BirthPlace,
    /// Last place known.
    LastPlace,
    /// Contact line, agreed to by the person.
    Contact,
    /// The society's file number.
    SocietyRef,
    /// Phone numbers.
    Phones,
    /// Identity documents.
    Documents,
    /// Family members whom the person named.
    FamilyMembers,
    /// One phone or document, from 1 to `limits::IDENTIFIER_KEYS`, as its key has it; sent only where that key was hit.
    Identifier(u8),
    /// Free note.
    Note,
    /// Facts kept for verification.
    HeldBack,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 19] = [
        Field::Given,
        Field::Family,
        Field::Father,
        Field::Mother,
        Field::Sex,
        Field::Birth,
        Field::BirthPlace,
        Field::LastPlace,
        Field::Contact,
        Field::SocietyRef,
        Field::Phones,
        Field::Documents,
        Field::FamilyMembers,
        Field::Identifier(1),
        Field::Identifier(2),
        Field::Identifier(3),
        Field::Identifier(4),
        Field::Note,
        Field::HeldBack,
    ];

    /// The name in a commitment and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Given => "given",
            Field::Family => "family",
            Field::Father => "father",
            Field::Mother => "mother",
            Field::Sex => "sex",
            Field::Birth => "birth",
            Field::BirthPlace => "birth_place",
            Field::LastPlace => "last_place",
            Field::Contact => "contact",
            Field::SocietyRef => "society_ref",
            Field::Phones => "phones",
            Field::Documents => "documents",
            Field::FamilyMembers => "family_members",
            Field::Identifier(1) => "identifier_1",
            Field::Identifier(2) => "identifier_2",
            Field::Identifier(3) => "identifier_3",
            Field::Identifier(_) => "identifier_4",
            Field::Note => "note",
            Field::HeldBack => "held_back",
        }
    }

    /// The field of a wire name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> ShareClass {
        match self {
            Field::Given
            | Field::Family
            | Field::Father
            | Field::Mother
            | Field::Birth
            | Field::BirthPlace
            | Field::LastPlace
            | Field::Identifier(_) => ShareClass::KeyAndAttribute,
            Field::Phones | Field::Documents | Field::FamilyMembers => ShareClass::Key,
            Field::Sex => ShareClass::Attribute,
            Field::Contact => ShareClass::Disclosure,
            Field::SocietyRef | Field::Note => ShareClass::Never,
            Field::HeldBack => ShareClass::HeldBack,
        }
    }

    /// True if the field may be an attribute.
    #[must_use]
    pub const fn is_attribute(self) -> bool {
        matches!(self.class(), ShareClass::KeyAndAttribute | ShareClass::Attribute)
    }
}

/// The attributes of a record but its identifiers: every non-empty field of class A, cut at `limits::FIELD_BYTES` on a character boundary.
#[must_use]
pub fn attributes(record: &PersonRecord) -> Vec<(Field, Sensitive<String>)> {
    let mut fields = Vec::new();
    for field in Field::ALL.into_iter().filter(|field| field.is_attribute()) {
        let value = value_of(record, field);
        if !value.expose().is_empty() {
            fields.push((field, cut(value)));
        }
    }
    fields
}

fn value_of(record: &PersonRecord, field: Field) -> Sensitive<String> {
    let part = |kind| record.name().map_or_else(Sensitive::default, |name| name.part(kind));
    match field {
        Field::Given => part(NamePart::Given),
        Field::Family => part(NamePart::Family),
        Field::Father => record.father.clone(),
        Field::Mother => record.mother.clone(),
        Field::Sex => match record.sex {
            Sex::Female => "female".into(),
            Sex::Male => "male".into(),
            Sex::Other => "other".into(),
            Sex::Unknown => Sensitive::default(),
        },
        Field::Birth => record.birth.as_ref().map_or_else(Sensitive::default, |date| Sensitive::new(date.expose().as_written())),
        Field::BirthPlace => record.birth_place.text.clone(),
        Field::LastPlace => record.last_place.text.clone(),
        // Identifiers are normalised by `linkage`; `casework` adds them.
        Field::Identifier(_)
        | Field::Contact
        | Field::SocietyRef
        | Field::Phones
        | Field::Documents
        | Field::FamilyMembers
        | Field::Note
        | Field::HeldBack => Sensitive::default(),
    }
}

fn cut(mut text: Sensitive<String>) -> Sensitive<String> {
    let mut end = FIELD_BYTES.min(text.expose().len());
    while !text.expose().is_char_boundary(end) {
        end -= 1;
    }
    text.expose_mut().truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_may_leave_is_named_here() {
        let leaving: Vec<&str> = Field::ALL
            .into_iter()
            .filter(|field| !matches!(field.class(), ShareClass::Key | ShareClass::Never | ShareClass::HeldBack))
            .map(Field::name)
            .collect();
        let expected = "given family father mother sex birth birth_place last_place contact \
            identifier_1 identifier_2 identifier_3 identifier_4";
        assert_eq!(leaving.join(" "), expected);
    }

    #[test]
    fn names_on_the_wire_lead_back_to_their_field() {
        for field in Field::ALL {
            assert_eq!(Field::of_name(field.name()), Some(field));
        }
        assert_eq!(Field::of_name("shoe_size"), None);
    }
}
