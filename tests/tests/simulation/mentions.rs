//! Who stands in no register of their own: a mother whom her daughter names, two enquirers who seek each other, a telephone.

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::engine::answer::CandidateShown;
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::linkage::FieldVerdict;
use kinmesh_protocol::person::{FamilyForm, PersonForm};
use kinmesh_tests::simulation::desks::{candidates, holder, insist, register, seeker};
use kinmesh_tests::simulation::{Faults, Setup, people};

use crate::{HOUR, LONG, fill, two};

fn daughter() -> PersonForm {
    PersonForm {
        given: "Oksana".into(),
        family: "Tkachenko".into(),
        sex: "f".into(),
        birth: "1968".into(),
        birth_place: "Poltava".into(),
        last_place: "Sumy".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

fn mother() -> PersonForm {
    PersonForm {
        given: "Параска".into(),
        family: "Бондаренко Лук'янівна".into(),
        sex: "f".into(),
        birth: "1940".into(),
        birth_place: "Полтава".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

fn open(setup: &mut Setup, node: usize, enquirer: PersonForm, findable: bool, relation: &str, person: PersonForm) {
    let form = CaseForm {
        label: Sensitive::from("X-1"),
        enquirer,
        subjects: vec![SubjectForm { relation: relation.to_owned(), person }],
        safety: "safe".to_owned(),
        enquirer_findable: findable,
        ..CaseForm::default()
    };
    let answer = insist(setup, node, &Command::CaseOpen { form: Box::new(form) });
    let Answer::CaseOpened { case, .. } = answer else { panic!("{answer:?}") };
    insist(setup, node, &Command::SearchRun { case: case.to_string(), plan: None });
}

fn enquirer() -> PersonForm {
    PersonForm { given: "Rosa".into(), family: "Morales".into(), legal_basis: "consent".to_owned(), ..PersonForm::default() }
}

/// The first candidate that waits for a review.
fn candidate(setup: &mut Setup, node: usize) -> CandidateShown {
    for _ in 0..LONG / HOUR {
        setup.world.run_for(HOUR);
        if let Some(line) = candidates(setup, node).into_iter().next() {
            assert_eq!(line.state, "to_review");
            let show = Command::CandidateShow { candidate: line.candidate.to_string() };
            let answer = insist(setup, node, &show);
            let Answer::Candidate(shown) = answer else { panic!("{answer:?}") };
            return *shown;
        }
    }
    panic!("no candidate")
}

#[test]
fn a_mother_whom_her_daughter_names_is_found_as_a_mention() {
    let (mut setup, seeking, holding) = two(31, Faults::NONE);
    fill(&mut setup, holding, 12);
    let family_members = FamilyForm::read_list("mother: Paraska Bondarenko (1940) | brother: Pavlo");
    register(&mut setup, holding, PersonForm { family_members, ..daughter() });
    open(&mut setup, seeking, enquirer(), false, "friend", mother());

    let shown = candidate(&mut setup, holding);
    assert_eq!(shown.line.named_as.as_deref(), Some("mother"));
    let given = shown.rows.iter().find(|row| row.field == "given").expect("a row");
    assert_eq!(given.registered.expose(), "Paraska", "the mention is compared, not the daughter");
    assert_ne!(given.verdict, FieldVerdict::Mismatch);

    for _ in 0..LONG / HOUR {
        setup.world.run_for(HOUR);
        holder(&mut setup, holding, Decision::Contact);
        if let Some(read) = seeker(&mut setup, seeking).first() {
            let given = read.fields.iter().find(|field| field.field == "given").expect("a name");
            assert_eq!(given.value.expose(), "Oksana", "what is disclosed is of the person who consented");
            return;
        }
    }
    panic!("nothing was disclosed");
}

#[test]
fn nobody_is_found_under_the_name_of_a_daughter_who_is_sought() {
    let (mut setup, seeking, holding) = two(32, Faults::NONE);
    let family_members = FamilyForm::read_list("mother: Paraska Bondarenko (1940)");
    register(&mut setup, holding, PersonForm { family_members, ..daughter() });
    open(&mut setup, seeking, enquirer(), false, "friend", PersonForm { given: "Oksana".into(), ..mother() });
    setup.world.run_for(60 * HOUR);
    assert!(candidates(&mut setup, holding).is_empty());
}

#[test]
fn an_enquirer_who_agreed_is_found_and_leaves_the_index_with_the_case() {
    let (mut setup, south, north) = two(33, Faults::NONE);
    register(&mut setup, north, people::registered());
    open(&mut setup, south, mother(), true, "son", people::sought());
    open(&mut setup, north, daughter(), false, "mother", mother());
    setup.world.run_for(HOUR);
    assert!(!setup.world.nodes[south].store.bearers().is_empty());
    let (mut mother_found, mut son_found) = (false, false);
    for _ in 0..LONG / HOUR {
        setup.world.run_for(HOUR);
        holder(&mut setup, south, Decision::Message);
        holder(&mut setup, north, Decision::Message);
        mother_found |= !seeker(&mut setup, north).is_empty();
        // Her own case ends only then, so that it is she who is found and not somebody who left.
        son_found |= mother_found && !seeker(&mut setup, south).is_empty();
        if son_found {
            break;
        }
    }
    assert!(son_found, "mother {mother_found}");
    setup.world.run_for(HOUR);
    assert!(setup.world.nodes[south].store.bearers().is_empty());
    assert_eq!(setup.world.nodes[south].store.count(Tree::Index), 0);
    let listed = insist(&mut setup, south, &Command::PersonList { after: None, limit: 9, merged: false });
    assert!(matches!(listed, Answer::People { people, .. } if people.is_empty()), "an enquirer is no registered person");

    open(&mut setup, north, daughter(), false, "mother", mother());
    setup.world.run_for(60 * HOUR);
    let states: Vec<String> = candidates(&mut setup, south).into_iter().map(|line| line.state).collect();
    assert_eq!(states, ["ended"], "a later search meets nobody");
}

#[test]
fn an_enquirer_who_did_not_agree_is_in_no_index() {
    let (mut setup, south, _) = two(34, Faults::NONE);
    let form = |findable, basis: &str| {
        let enquirer = PersonForm { legal_basis: basis.to_owned(), ..mother() };
        let subjects = vec![SubjectForm { relation: "daughter".to_owned(), person: daughter() }];
        let safety = "safe".to_owned();
        Box::new(CaseForm { enquirer, subjects, safety, enquirer_findable: findable, ..CaseForm::default() })
    };
    insist(&mut setup, south, &Command::CaseOpen { form: form(false, "consent") });
    let without_consent = setup.world.command(south, Command::CaseOpen { form: form(true, "vital_interest") });
    assert!(without_consent.is_err_and(|failure| failure.to_string().contains("needs consent")));
    setup.world.run_for(HOUR);
    assert!(setup.world.nodes[south].store.bearers().is_empty());
}

#[test]
fn a_telephone_alone_leads_to_a_candidate_that_only_a_person_may_close() {
    let (mut setup, seeking, holding) = two(35, Faults::NONE);
    fill(&mut setup, holding, 6);
    register(&mut setup, holding, PersonForm { phone: "+252 61 512 34 56 | 0700 111 222".into(), ..daughter() });
    let sought = PersonForm {
        given: "Олександр".into(),
        family: "Ковальчук".into(),
        sex: "m".into(),
        birth: "1940-03-12".into(),
        phone: "00252 615123456".into(),
        ..PersonForm::default()
    };
    open(&mut setup, seeking, enquirer(), false, "friend", sought);
    setup.world.run_for(60 * HOUR);
    let held = insist(&mut setup, seeking, &Command::SearchHeld);
    let Answer::Held { hits } = held else { panic!("{held:?}") };
    let [hit] = hits.as_slice() else { panic!("{hits:?}") };
    assert_eq!((hit.hits, hit.reason.as_str()), (1, "one_hit"));
    insist(&mut setup, seeking, &Command::SearchClaim { subject: hit.subject.to_string(), owner: hit.owner });

    let shown = candidate(&mut setup, holding);
    let phone = shown.rows.iter().find(|row| row.field == "phone").expect("a row");
    assert_eq!((phone.sought.expose().as_str(), phone.verdict), ("…3456", FieldVerdict::Match));
}

#[test]
fn an_identifier_that_was_not_hit_stays_at_home() {
    let (mut setup, seeking, holding) = two(36, Faults::NONE);
    register(&mut setup, holding, PersonForm { phone: "0700 111 222".into(), ..people::registered() });
    let sought = PersonForm { phone: "0615 123 456".into(), ..people::sought() };
    open(&mut setup, seeking, enquirer(), false, "friend", sought);
    let shown = candidate(&mut setup, holding);
    assert!(!shown.rows.iter().any(|row| row.field == "phone"));
}
