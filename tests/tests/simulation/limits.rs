//! No step is larger than a batch, whatever a desk types and however much happens at once: a batch that the store must
//! refuse would come again for ever.

use kinmesh_protocol::base::limits::{IMPORT_ROWS, RECORD_LIST, SUBJECTS_A_CASE};
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::command::{CaseForm, ImportRow, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_protocol::person::{DocumentForm, FamilyForm, PersonForm};
use kinmesh_tests::simulation::desks::{insist, register};
use kinmesh_tests::simulation::{Faults, Setup, people, start_among, start_with};

use crate::{HOUR, LONG, two};

/// A person with as much text in every field as a form takes.
fn large(number: usize) -> PersonForm {
    let words = |seed: usize| {
        let mut text = String::new();
        for word in 0.. {
            let next = format!("Ng{}ka{}lo ", char::from(b'a' + (seed + word) as u8 % 26), char::from(b'a' + word as u8 % 26));
            if text.len() + next.len() > 512 {
                break;
            }
            text.push_str(&next);
        }
        text
    };
    let text = |field: usize| words(number + field).as_str().into();
    let part = |seed: usize| words(number + seed).get(..55).unwrap_or_default().into();
    let member = |seed: usize| FamilyForm {
        relation: "mother".into(),
        given: part(seed),
        family: part(seed + 7),
        birth: "1950".into(),
        ..FamilyForm::default()
    };
    let document =
        |seed: usize| DocumentForm { kind: "passport".into(), issuer: part(seed), number: format!("{seed:024}").as_str().into() };
    PersonForm {
        family_members: (0..RECORD_LIST).map(member).collect(),
        documents: (0..RECORD_LIST).map(document).collect(),
        given: text(1),
        family: text(2),
        father: text(3),
        mother: text(4),
        birth_place: text(5),
        last_place: text(6),
        phone: text(7),
        note: text(8),
        birth: "1980-02-03".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

#[test]
fn people_with_long_audiences_are_indexed() {
    let (mut setup, _, holding) = two(30, Faults::NONE);
    let societies: Vec<String> = (0..80).map(|number| format!("X{number:03}")).collect();
    let mut keys = 0;
    for number in 0..30 {
        let form = PersonForm { visible_to: format!("except:{}", societies.join("|")), ..people::other(number) };
        match setup.world.command(holding, Command::PersonAdd { form: Box::new(form) }) {
            Ok(Answer::PersonAdded(added)) => keys += added.keys as usize,
            other => panic!("{other:?}"),
        }
    }
    setup.world.run_for(HOUR);
    assert_eq!(setup.world.nodes[holding].store.bearers().len(), keys);
}

#[test]
fn the_largest_rows_are_imported_as_far_as_they_fit() {
    let (mut setup, _, holding) = two(31, Faults::NONE);
    let rows = (0..IMPORT_ROWS).map(|number| ImportRow { row: number as u64 + 2, form: large(number) }).collect();
    match setup.world.command(holding, Command::PersonImport { rows }) {
        Ok(Answer::Imported { rows }) => assert!(!rows.is_empty() && rows.iter().all(|row| row.added.is_some())),
        other => panic!("{other:?}"),
    }
    setup.world.run_for(HOUR);
}

#[test]
fn people_who_are_imported_are_indexed_together_once_no_more_come() {
    let (mut setup, _, holding) = two(34, Faults::NONE);
    let import = |setup: &mut Setup, from: usize| {
        let rows = (from..from + 8).map(|number| ImportRow { row: number as u64 + 2, form: people::other(number) }).collect();
        let Ok(Answer::Imported { rows }) = setup.world.command(holding, Command::PersonImport { rows }) else { panic!("rows") };
        assert_eq!(rows.len(), 8);
    };
    let unindexed = |setup: &mut Setup| match setup.world.command(holding, Command::Status) {
        Ok(Answer::Status(status)) => status.unindexed,
        other => panic!("{other:?}"),
    };
    for part in 0..4 {
        import(&mut setup, part * 8);
        setup.world.run_for(HOUR / 50);
        assert_eq!(unindexed(&mut setup), (part as u64 + 1) * 8);
        assert!(setup.world.nodes[holding].store.bearers().is_empty());
    }
    setup.world.run_for(HOUR / 5);
    assert_eq!(unindexed(&mut setup), 0);
    assert!(!setup.world.nodes[holding].store.bearers().is_empty());
}

#[test]
fn a_case_that_does_not_fit_is_refused_by_name() {
    let (mut setup, seeking, _) = two(32, Faults::NONE);
    let subject = |number| SubjectForm { relation: "son".to_owned(), person: large(number) };
    let case = CaseForm { subjects: (0..SUBJECTS_A_CASE).map(subject).collect(), ..people::case(&[]) };
    let opened = setup.world.command(seeking, Command::CaseOpen { form: Box::new(case) });
    assert!(matches!(opened, Ok(_) | Err(Failure::TooMany { .. })), "{opened:?}");
}

#[test]
fn a_case_of_many_is_searched_among_two_hundred_members() {
    let mut setup = start_among(33, &["NORTH", "SOUTH"], 200, Faults::NONE);
    let seeking = setup.members[1];
    let subject = |number| SubjectForm { relation: "son".to_owned(), person: people::other(number) };
    let case = CaseForm { subjects: (0..SUBJECTS_A_CASE).map(subject).collect(), ..people::case(&[]) };
    let Ok(Answer::CaseOpened { case, .. }) = setup.world.command(seeking, Command::CaseOpen { form: Box::new(case) }) else {
        panic!("a case of ordinary people fits")
    };
    setup.world.command(seeking, Command::SearchRun { case: case.to_string(), plan: None }).expect("a search");
    setup.world.run_for(HOUR);
    let Ok(Answer::Searches { subjects, .. }) = setup.world.command(seeking, Command::SearchStatus { case: None }) else {
        panic!("the searches")
    };
    assert_eq!(subjects.iter().map(|line| line.asked).collect::<Vec<_>>(), [201; SUBJECTS_A_CASE]);
}

#[test]
fn many_hits_at_once_become_claims() {
    const PEOPLE: usize = 48;
    let mut setup = start_with(34, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        (roster.limits.claims_a_day, roster.limits.claims_open) = (64, 64);
    });
    let (holding, seeking) = (setup.members[0], setup.members[1]);
    let north = kinmesh_protocol::base::MemberId::new("NORTH").unwrap();
    insist(&mut setup, seeking, &Command::BreakerRaise { member: north, limit: 64, days: 28 });
    for number in 0..PEOPLE {
        register(&mut setup, holding, person(number));
    }
    for number in (0..PEOPLE).step_by(SUBJECTS_A_CASE) {
        let subject = |number| SubjectForm { relation: "son".to_owned(), person: person(number) };
        let case = CaseForm { subjects: (number..number + SUBJECTS_A_CASE).map(subject).collect(), ..people::case(&[]) };
        let opened = setup.world.command(seeking, Command::CaseOpen { form: Box::new(case) });
        let Ok(Answer::CaseOpened { case, .. }) = opened else { panic!("{opened:?}") };
        setup.world.command(seeking, Command::SearchRun { case: case.to_string(), plan: None }).expect("a search");
    }
    // Every subject is evaluated before the holder's set comes: all hits are found in one test.
    assert!(
        setup.world.run_until(LONG, |world| world.nodes[seeking].store.count(Tree::Claims) == PEOPLE),
        "{} claims",
        setup.world.nodes[seeking].store.count(Tree::Claims)
    );
    assert!(setup.world.run_until(LONG, |world| world.nodes[seeking].store.count(Tree::Outbox) == 0), "claims wait for ever");
}

/// People who share no match key.
fn person(number: usize) -> PersonForm {
    const SOUNDS: [&str; 8] = ["ba", "di", "fo", "gu", "ka", "le", "mo", "su"];
    let name = |step: usize| -> String {
        let pick = |place: u32| SOUNDS[(number * step / 8usize.pow(place)) % 8];
        format!("{}{}{}n", pick(0), pick(1), pick(2))
    };
    PersonForm {
        given: name(7).as_str().into(),
        family: name(13).as_str().into(),
        father: name(29).as_str().into(),
        mother: name(31).as_str().into(),
        sex: "m".into(),
        birth: format!("19{:02}-0{}-2{}", 50 + number, 1 + number % 9, number % 8).as_str().into(),
        birth_place: "Aleppo".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}
