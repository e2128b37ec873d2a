//! One person as files write it: a JSON object, a TOML form, the cells of a row.
//!
//! Lenient, since the files are of many programs: fields that are not known are not looked at, a date that is none counts
//! as not recorded. Nothing prints.

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::sensitive::reveal;
use kinmesh_protocol::casework::describe;
use kinmesh_protocol::linkage::{BirthDate, DocumentText, Fields, PlaceKind, PlaceText, Sex};
use kinmesh_protocol::person::{ApproxDate, Calendar, DocumentForm};
use serde::Deserialize;
use zeroize::Zeroize;

/// Stands before a place that is a street.
const STREET: &str = "street:";

/// A person's fields. Those of a form (`birth`, `birth_place`, `last_place`) stand beside those of the populations.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PersonRow {
    pub(super) id: Option<Id>,
    pub(super) household: Option<Id>,
    #[serde(with = "reveal")]
    pub(super) given: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) family: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) father: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) mother: Sensitive<Option<String>>,
    #[serde(with = "reveal", alias = "birth")]
    pub(super) dob: Sensitive<Option<Date>>,
    #[serde(with = "reveal")]
    pub(super) places: Sensitive<Option<Vec<Place>>>,
    #[serde(with = "reveal")]
    pub(super) birth_place: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) last_place: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) sex: Sensitive<Option<String>>,
    #[serde(with = "reveal")]
    pub(super) phone: Sensitive<Option<String>>,
    pub(super) documents: Option<Documents>,
}

/// Documents: the notation of a cell, or a form's tables.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Documents {
    #[serde(with = "reveal")]
    Cell(Sensitive<String>),
    Forms(Vec<DocumentForm>),
}

impl Documents {
    fn texts(&self) -> Vec<DocumentText> {
        let read;
        let forms = match self {
            Documents::Forms(forms) => forms,
            Documents::Cell(cell) => {
                read = DocumentForm::read_list(cell.expose());
                &read
            }
        };
        forms
            .iter()
            .map(|form| DocumentText { kind: form.kind.clone(), issuer: form.issuer.clone(), number: form.number.clone() })
            .collect()
    }
}

/// An id: text or number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Number(u64),
    #[serde(with = "reveal")]
    Text(Sensitive<String>),
}

impl Id {
    /// The id as text; none if it is blank.
    pub(super) fn text(&self) -> Option<Sensitive<String>> {
        let text = match self {
            Id::Number(number) => Sensitive::new(number.to_string()),
            Id::Text(text) => text.expose().trim().into(),
        };
        (!text.expose().is_empty()).then_some(text)
    }
}

/// A date: text, or a year as a number.
#[derive(Deserialize, Zeroize)]
#[serde(untagged)]
pub(super) enum Date {
    Year(u16),
    Text(String),
}

/// A place: its name, or country, name and kind.
#[derive(Deserialize, Zeroize)]
#[serde(untagged)]
pub(super) enum Place {
    Name(String),
    Parts(Vec<Option<String>>),
}

impl PersonRow {
    /// What linkage reads of it.
    pub(super) fn fields(&self) -> Fields {
        let text = |text: &Sensitive<Option<String>>| Sensitive::from(text.expose().as_deref().unwrap_or(""));
        let listed = self.places.expose().iter().flatten().filter_map(Place::read);
        let formed = [&self.birth_place, &self.last_place];
        let formed = formed.into_iter().filter_map(|place| place.expose().as_deref().and_then(place_of));
        Fields {
            given: text(&self.given),
            family: text(&self.family),
            father: text(&self.father),
            mother: text(&self.mother),
            birth: self.dob.expose().as_ref().and_then(Date::read),
            places: listed.chain(formed).collect(),
            sex: self.sex.expose().as_deref().and_then(sex_of),
            phones: self.phone.expose().iter().flat_map(|cell| cell.split('|')).map(Sensitive::from).collect(),
            documents: self.documents.as_ref().map(Documents::texts).unwrap_or_default(),
        }
    }
}

impl Date {
    fn read(&self) -> Option<BirthDate> {
        match self {
            Date::Year(year) => BirthDate::parse(&year.to_string()),
            Date::Text(text) => birth_of(text),
        }
    }
}

impl Place {
    fn read(&self) -> Option<PlaceText> {
        match self {
            Place::Name(name) => place_of(name),
            Place::Parts(parts) => {
                let mut place = place_of(parts.get(1)?.as_deref()?)?;
                if parts.get(2).and_then(Option::as_deref) == Some("street") {
                    place.kind = PlaceKind::Street;
                }
                Some(place)
            }
        }
    }
}

/// Reads a place, `street:` before a street.
pub(super) fn place_of(text: &str) -> Option<PlaceText> {
    let text = text.trim();
    let (text, kind) = match text.strip_prefix(STREET) {
        Some(street) => (street.trim(), PlaceKind::Street),
        None => (text, PlaceKind::Town),
    };
    (!text.is_empty()).then(|| PlaceText { text: text.into(), kind })
}

/// Reads `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-MM` or `YYYY`; with `~` before it, an estimate, the year only; and what a form
/// takes, with another calendar or in other digits.
///
/// Month and day count as they stand, also a day that its month does not have: the same slip on both sides is evidence,
/// and the profile's reference reads so.
fn birth_of(text: &str) -> Option<BirthDate> {
    let text = text.trim();
    let in_own_words = ApproxDate::parse(text).filter(|date| date.calendar != Calendar::Gregorian || !text.is_ascii());
    if let Some(date) = in_own_words {
        return describe::birth(&date);
    }
    if let Some(estimate) = text.strip_prefix('~') {
        return Some(BirthDate { month_day: None, ..birth_of(estimate)? });
    }
    let figures = match text.as_bytes() {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => Some([*m1, *m2, *d1, *d2]),
        [year @ .., m1, m2, d1, d2] if year.len() == 4 => Some([*m1, *m2, *d1, *d2]),
        _ => None,
    };
    match figures.filter(|figures| figures.iter().all(u8::is_ascii_digit)) {
        Some([m1, m2, d1, d2]) => {
            let two = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
            let year = BirthDate::parse(text.get(..4)?)?;
            Some(BirthDate { month_day: Some((two(m1, m2), two(d1, d2))), ..year })
        }
        None => BirthDate::parse(text),
    }
}

fn sex_of(text: &str) -> Option<Sex> {
    let text = text.trim();
    if ["f", "female"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(Sex::Female)
    } else if ["m", "male"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(Sex::Male)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::linkage::identifiers;

    use super::*;

    fn born(text: &str) -> Option<(u16, Option<(u8, u8)>)> {
        birth_of(text).map(|date| (date.year, date.month_day))
    }

    #[test]
    fn a_date_of_another_calendar_is_read_as_a_form_reads_it() {
        assert_eq!(born("1369-05-12 solar_hijri"), Some((1990, Some((8, 3)))));
        assert_eq!(birth_of("~1369-05-12 sh").and_then(|date| date.or), Some((1991, None)));
        assert_eq!(born("١٩٨٤-٠٣-١٢"), Some((1984, Some((3, 12)))));
        assert_eq!(born("1369-13-40 sh"), None);
    }

    #[test]
    fn a_date_is_read_as_the_reference_reads_it() {
        assert_eq!(born("1984-03-12"), Some((1984, Some((3, 12)))));
        assert_eq!(born("19840312"), Some((1984, Some((3, 12)))));
        assert_eq!(born("1984-02-31"), Some((1984, Some((2, 31)))));
        assert_eq!(born("1984-00-00"), Some((1984, Some((0, 0)))));
        assert_eq!(born("~1984-03-12"), Some((1984, None)));
        assert_eq!(born(" 1984 "), Some((1984, None)));
        assert_eq!(born("1984-03"), Some((1984, None)));
        for nothing in ["", "~", "0000-00-00", "3000-01-02", "12.03.1984", "1984/03/12", "ééé", "ab840312"] {
            assert_eq!(born(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn telephones_and_documents_are_read_as_forms_write_them() {
        let cells = r#"{"phone":"0615 123 456 | 0700 111 222","documents":"passport SO A1234567"}"#;
        let forms = r#"{"phone":"0615123456|0700111222","documents":[{"kind":"passport","number":"a-1234567"}]}"#;
        let labels = |text: &str| identifiers(&serde_json::from_str::<PersonRow>(text).unwrap().fields());
        assert_eq!(labels(cells).len(), 3);
        assert_eq!(labels(cells), labels(forms));
    }

    #[test]
    fn an_object_of_a_population_and_a_form_give_the_same_description() {
        let population = r#"{"id":7,"sex":"F","given":"Salma","family":"Idris","mother":null,"dob":"1999-05-07","approx":0,
            "places":[["SD","Nyala"],["SD","12 Market Street","street"]]}"#;
        let form = r#"{"id":"7","sex":"female","given":"Salma","family":"Idris","birth":"1999-05-07","birth_place":"Nyala",
            "last_place":"street:12 Market Street","legal_basis":"consent"}"#;
        for text in [population, form] {
            let row: PersonRow = serde_json::from_str(text).unwrap();
            assert_eq!(row.id.as_ref().unwrap().text().unwrap().expose(), "7");
            let fields = row.fields();
            assert_eq!((fields.given.expose().as_str(), fields.mother.expose().as_str()), ("Salma", ""));
            assert_eq!(fields.birth, BirthDate::parse("1999-05-07"));
            assert_eq!(fields.sex, Some(Sex::Female));
            let places: Vec<_> = fields.places.iter().map(|place| (place.text.expose().as_str(), place.kind)).collect();
            assert_eq!(places, [("Nyala", PlaceKind::Town), ("12 Market Street", PlaceKind::Street)]);
        }
    }
}
