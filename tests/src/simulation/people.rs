//! A few invented people: a mother at one society, her son in another's register, and who must not be taken for him.

use kinmesh_protocol::base::{MemberId, Sensitive};
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::person::PersonForm;

/// The son as his mother tells of him.
#[must_use]
pub fn sought() -> PersonForm {
    PersonForm {
        given: "سليم".into(),
        family: "كمال درويش".into(),
        father: "كمال".into(),
        mother: "منى حداد".into(),
        sex: "m".into(),
        birth: "1994-07-11".into(),
        birth_place: "حلب".into(),
        last_place: "إدلب".into(),
        ..PersonForm::default()
    }
}

/// The son as the other society recorded him: another script, day and month swapped.
#[must_use]
pub fn registered() -> PersonForm {
    PersonForm {
        id: "NO-0003".into(),
        given: "Salim".into(),
        family: "Kamal Darwich".into(),
        father: "Kamal".into(),
        mother: "Mona Haddad".into(),
        sex: "m".into(),
        birth: "1994-11-07".into(),
        birth_place: "Aleppo".into(),
        last_place: "Idlib".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

/// Somebody else.
#[must_use]
pub fn other(number: usize) -> PersonForm {
    const GIVEN: [&str; 6] = ["Oksana", "Tesfaye", "Amina", "Pavlo", "Rosa", "Haile"];
    const FAMILY: [&str; 6] = ["Kovalenko", "Bekele", "Warsame", "Shevchuk", "Morales", "Gebre"];
    const PLACE: [&str; 6] = ["Poltava", "Gondar", "Baidoa", "Sumy", "Esteli", "Adwa"];
    let pick = |list: &'static [&'static str; 6], step: usize| list.get((number / step) % 6).copied().unwrap_or("X");
    PersonForm {
        id: format!("NO-1{number:03}").as_str().into(),
        given: pick(&GIVEN, 1).into(),
        family: pick(&FAMILY, 6).into(),
        mother: pick(&GIVEN, 2).into(),
        sex: if number.is_multiple_of(2) { "f" } else { "m" }.into(),
        birth: format!("19{:02}-0{}-1{}", 60 + number % 39, 1 + number % 9, number % 9).as_str().into(),
        birth_place: pick(&PLACE, 1).into(),
        last_place: pick(&PLACE, 3).into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

/// A name of three syllables; 512 of them differ, in their sound too.
#[must_use]
pub fn name(number: usize) -> String {
    const SOUNDS: [&str; 8] = ["ba", "di", "fo", "ka", "le", "mo", "ru", "su"];
    let sound = |place: u32| SOUNDS.get((number / 8usize.pow(place)) % 8).copied().unwrap_or("ba");
    format!("{}{}{}n", sound(0), sound(1), sound(2))
}

/// The mother's case.
#[must_use]
pub fn case(claim_never: &[MemberId]) -> CaseForm {
    CaseForm {
        label: Sensitive::from("SO-77"),
        enquirer: PersonForm {
            given: "منى".into(),
            family: "حداد".into(),
            legal_basis: "consent".to_owned(),
            ..PersonForm::default()
        },
        subjects: vec![SubjectForm { relation: "son".to_owned(), person: sought() }],
        safety: "safe".to_owned(),
        claim_never: claim_never.to_vec(),
        ..CaseForm::default()
    }
}
