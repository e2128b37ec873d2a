//! From a record, or from attributes that came, to the description that linkage compares.

use crate::base::Sensitive;
use crate::casework::commitment::OpenedField;
use crate::linkage::{BirthDate, Fields, PlaceKind, PlaceText, Sex};
use crate::person::share::attributes;
use crate::person::{ApproxDate, Field, GregorianDate, PersonRecord};

/// Describes a record of this node.
#[must_use]
pub fn of_record(record: &PersonRecord) -> Fields {
    let mut fields = Fields::default();
    for (field, value) in attributes(record) {
        put(&mut fields, field, &value);
    }
    fields
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

/// The Gregorian dates that a birth may be. An estimate and the first day of a year give the year only.
#[must_use]
pub fn birth(date: &ApproxDate) -> Option<BirthDate> {
    let plain = |date: GregorianDate| BirthDate { year: date.year, month_day: date.month_day, or: None };
    date.gregorian().into_iter().map(plain).reduce(BirthDate::either)
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
        Field::Birth => fields.birth = ApproxDate::parse(value.expose()).and_then(|date| birth(&date)),
        Field::BirthPlace | Field::LastPlace => {
            fields.places.push(PlaceText { text: value.clone(), kind: PlaceKind::Town });
        }
        Field::Contact | Field::SocietyRef | Field::Phones | Field::Note | Field::HeldBack => {}
    }
}
