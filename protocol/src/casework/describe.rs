//! From a record, a family member whom it names, or attributes that came, to the description that linkage reads.
//!
//! `engine` calls it for keys, for the commitment's identifier fields and for the comparison.

use crate::base::Sensitive;
use crate::casework::commitment::OpenedField;
use crate::linkage::{BirthDate, DocumentText, Fields, PlaceKind, PlaceText, Sex, identifiers};
use crate::person::share::attributes;
use crate::person::{ApproxDate, FamilyMember, Field, GregorianDate, PersonRecord};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Timestamp, UserId};
    use crate::linkage::{Advice, compare, match_keys, strength};
    use crate::person::record::Role;
    use crate::person::{FormError, FormProblem, PersonForm};

    fn form(given: &str, birth: &str) -> PersonForm {
        PersonForm {
            given: given.into(),
            family: "Barzanji".into(),
            father: "Rostam".into(),
            birth: birth.into(),
            birth_place: "Herat".into(),
            legal_basis: "consent".into(),
            ..PersonForm::default()
        }
    }

    fn record(form: PersonForm) -> Result<PersonRecord, FormError> {
        form.into_record(Role::Sought, Timestamp(0), UserId::new("amina").unwrap())
    }

    fn born(birth: &str) -> Fields {
        of_record(&record(form("Shirin", birth)).unwrap())
    }

    fn keys(fields: &Fields) -> Vec<String> {
        match_keys(fields).iter().map(|key| key.label().to_owned()).collect()
    }

    /// Kinds of the date labels that two descriptions have in common.
    fn shared(one: &Fields, other: &Fields) -> String {
        let other = keys(other);
        let kind = |key: String| key.rsplit('|').next().and_then(|label| label.chars().next());
        let mut kinds: Vec<char> = keys(one).into_iter().filter(|key| other.contains(key)).filter_map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.retain(|kind| "dxywv".contains(*kind));
        kinds.into_iter().collect()
    }

    #[test]
    fn a_day_of_another_calendar_gives_the_keys_of_its_gregorian_day() {
        assert_eq!(keys(&born("۱۳۶۹-۰۵-۱۲ sh")), keys(&born("1990-08-03")));
        assert_eq!(keys(&born("1982-12-03 ethiopian")), keys(&born("1990-08-09")));
        assert!(shared(&born("1411-01-12 hijri"), &born("1990-08-03")).contains('d'));
        assert!(shared(&born("1411-01-12 hijri"), &born("1990-08-04")).contains('d'));
    }

    #[test]
    fn a_year_of_another_calendar_shares_keys_with_both_gregorian_years() {
        for sought in ["1369 solar_hijri", "1369-01-01 solar_hijri", "~1369-05-12 solar_hijri", "1411 hijri", "1983 ethiopian"] {
            for registered in ["1990-06-20", "1991-02-03", "1990", "~1991"] {
                assert_eq!(shared(&born(sought), &born(registered)), "vwy", "{sought} {registered}");
            }
            assert_eq!(shared(&born(sought), &born("1984")), "", "{sought}");
        }
    }

    #[test]
    fn a_default_or_an_estimate_never_gives_a_day() {
        for birth in ["1990-01-01", "~1990-05-06", "1990-05", "1369-01-01 sh", "1411-01-01 ah", "1983-01-01 ec", "~1411-05-06 ah"]
        {
            assert!(keys(&born(birth)).iter().all(|key| !key.contains("|d:") && !key.contains("|x:")), "{birth}");
        }
    }

    #[test]
    fn the_other_side_reads_a_birth_as_it_was_written_and_nonsense_as_blank() {
        let sent = record(form("Shirin", "~1390 hijri")).unwrap();
        let opened = |value: &str| OpenedField { name: "birth".to_owned(), value: value.into(), salt: [0; 16] };
        let written = attributes(&sent).into_iter().find(|(field, _)| *field == Field::Birth).unwrap().1;
        assert_eq!(written.expose(), "~1390 hijri");
        assert!(of_attributes(&[opened(written.expose())]).birth == of_record(&sent).birth);
        for nonsense in ["", "1390", "12.3.1990", "1990-02-31", "1369 mayan", "\u{202e}1990", &"1".repeat(512)] {
            assert!(of_attributes(&[opened(nonsense)]).birth.is_none(), "{nonsense}");
        }
    }

    /// What stands in files where a name should be: never a panic, and where it is kept at most 48 keys.
    #[test]
    fn bad_names_are_refused_by_field_or_kept_and_answered() {
        let refused = [
            ("", FormProblem::Missing),
            (" \u{a0} ", FormProblem::Missing),
            ("A\u{202e}nima", FormProblem::Control),
            ("Anima\u{2066}", FormProblem::Control),
            ("Ani\0ma", FormProblem::Control),
            (&"Ш".repeat(50_000), FormProblem::TooLong),
        ];
        for (given, problem) in refused {
            let error = record(PersonForm { family: "".into(), ..form(given, "1990") }).unwrap_err();
            assert_eq!((error.field.as_str(), error.problem), ("given", problem));
        }
        let kept = ["?", "-", "12345", "٤٢", "🙂👨‍👩‍👧", "A", "A. B. C.", "\u{fffd}", "n/a", &"Jzhcx ".repeat(30), &"ﷺ".repeat(170)];
        for name in kept {
            let texts = PersonForm {
                family: name.into(),
                father: name.into(),
                mother: name.into(),
                birth_place: name.into(),
                last_place: "... -- !".into(),
                ..form(name, "1990-02-03")
            };
            let fields = of_record(&record(texts).unwrap());
            assert!(match_keys(&fields).len() <= 48, "{name}");
            assert_eq!(strength(&fields).keys, match_keys(&fields).len(), "{name}");
            assert!(compare(&fields, &fields).score_milli.abs() < 1_000_000, "{name}");
        }
    }

    #[test]
    fn bad_dates_are_refused_by_field() {
        let dates =
            ["0000-00-00", "1990-02-31", "1990-13-01", "3000-01-01", "1990-02-30 gregorian", "1369-12-30 sh", "1982-13-07 ec"];
        for date in dates {
            let error = record(form("Shirin", date)).unwrap_err();
            assert_eq!((error.field.as_str(), error.problem), ("birth", FormProblem::Date), "{date}");
        }
    }

    #[test]
    fn a_record_without_keys_says_what_to_add() {
        let blank = |given: &str, place: &str| PersonForm {
            given: given.into(),
            birth_place: place.into(),
            legal_basis: "consent".into(),
            ..PersonForm::default()
        };
        for (given, place) in [("Ali", ""), ("A", ""), ("🙂", "... !"), ("Ali", "--"), ("12", "")] {
            let found = strength(&of_record(&record(blank(given, place)).unwrap()));
            assert_eq!((found.keys, found.advice), (0, Some(Advice::Mother)), "{given} {place}");
        }
    }
}
