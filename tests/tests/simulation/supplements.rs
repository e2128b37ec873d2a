//! The enquirer's name: asked for once after "same", let go by two people if the enquirer agreed; and the bag out of rhythm.

use kinmesh_protocol::casework::candidate::SupplementRecord;
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState};
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{Block, CandidateShown};
use kinmesh_protocol::engine::command::CaseForm;
use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_tests::simulation::desks::{candidates, insist, register, work};
use kinmesh_tests::simulation::{Faults, Setup, people};

use super::{HOUR, LONG, two};

/// A network in which people at the holder said "same"; the id of the candidate.
fn confirmed(seed: u64, enquirer_named: bool) -> (Setup, usize, usize, String) {
    let (mut setup, seeking, holding) = two(seed, Faults::NONE);
    register(&mut setup, holding, people::registered());
    let form = CaseForm { enquirer_named, ..people::case(&[]) };
    let Answer::CaseOpened { case, .. } = insist(&mut setup, seeking, &Command::CaseOpen { form: Box::new(form) }) else {
        panic!("another answer")
    };
    insist(&mut setup, seeking, &Command::SearchRun { case: case.to_string(), plan: None });
    for _ in 0..LONG / HOUR {
        setup.world.run_for(HOUR);
        if let Some(line) = candidates(&mut setup, holding).into_iter().find(|line| line.state == "to_review") {
            let candidate = line.candidate.to_string();
            let review = Command::CandidateReview { candidate: candidate.clone(), verdict: Verdict::Same, note: "".into() };
            insist(&mut setup, holding, &review);
            return (setup, seeking, holding, candidate);
        }
    }
    panic!("no candidate")
}

fn shown(setup: &mut Setup, holding: usize, candidate: &str) -> CandidateShown {
    match insist(setup, holding, &Command::CandidateShow { candidate: candidate.to_owned() }) {
        Answer::Candidate(shown) => *shown,
        other => panic!("{other:?}"),
    }
}

fn asked(setup: &mut Setup, seeking: usize, holding: usize, candidate: &str) {
    insist(setup, holding, &Command::CandidateAsk { candidate: candidate.to_owned() });
    assert!(setup.world.run_until(30 * HOUR, |world| {
        world.nodes[seeking].store.all::<ClaimOut>().iter().any(|(_, claim)| claim.question.is_some())
    }));
}

fn release(candidate: &str) -> Command {
    Command::QuestionRelease { candidate: candidate.to_owned() }
}

#[test]
fn two_people_let_the_enquirers_name_go_and_the_holder_sees_it() {
    let (mut setup, seeking, holding, candidate) = confirmed(241, true);
    assert_eq!(shown(&mut setup, holding, &candidate).enquirer.map(|fields| fields.len()), None);
    asked(&mut setup, seeking, holding, &candidate);
    let again = setup.world.command(holding, Command::CandidateAsk { candidate: candidate.clone() });
    assert!(matches!(again, Err(Failure::State { .. })), "once only: {again:?}");
    let waiting = setup.world.command(seeking, Command::QuestionList);
    assert!(matches!(waiting, Ok(Answer::Questions { questions }) if questions.len() == 1 && questions[0].agreed));

    let first = setup.world.command_as(seeking, "amina", release(&candidate));
    assert!(matches!(first, Ok(Answer::Question { state, .. }) if state == "second_person"));
    assert!(matches!(setup.world.command_as(seeking, "amina", release(&candidate)), Err(Failure::SecondPerson)));
    setup.world.run_for(30 * HOUR);
    assert_eq!(setup.world.nodes[holding].store.all::<SupplementRecord>().len(), 0, "one person alone sends nothing");
    let second = setup.world.command_as(seeking, "bo", release(&candidate));
    assert!(matches!(second, Ok(Answer::Question { state, .. }) if state == "sent"));
    assert!(matches!(setup.world.command_as(seeking, "bo", release(&candidate)), Err(Failure::State { .. })));
    setup.world.run_for(30 * HOUR);
    let shown = shown(&mut setup, holding, &candidate);
    let fields: Vec<_> =
        shown.enquirer.unwrap().iter().map(|field| (field.field.clone(), field.value.expose().clone())).collect();
    assert_eq!(fields, [("enquirer".to_owned(), "منى حداد".to_owned()), ("relation".to_owned(), "son".to_owned())]);
    assert!(work(&mut setup, seeking, holding, LONG).is_some(), "the journey goes on");
}

#[test]
fn an_enquirer_who_did_not_agree_is_not_named() {
    let (mut setup, seeking, holding, candidate) = confirmed(242, false);
    asked(&mut setup, seeking, holding, &candidate);
    let refused = setup.world.command_as(seeking, "amina", release(&candidate));
    assert!(matches!(refused, Err(Failure::Blocked(Block::EnquirerNotAgreed))));
    insist(&mut setup, seeking, &Command::QuestionRefuse { candidate: candidate.clone() });
    setup.world.run_for(30 * HOUR);
    assert_eq!(shown(&mut setup, holding, &candidate).enquirer.map(|fields| fields.len()), Some(0), "not given");
}

#[test]
fn nobody_is_asked_for_before_people_said_same() {
    let (mut setup, seeking, holding) = two(243, Faults::NONE);
    register(&mut setup, holding, people::registered());
    kinmesh_tests::simulation::desks::search(&mut setup, seeking, &[]);
    assert!(setup.world.run_until(LONG, |world| {
        world.nodes[holding].store.all::<ClaimIn>().iter().any(|(_, claim)| claim.state == HolderState::InReview)
    }));
    let candidate = candidates(&mut setup, holding)[0].candidate.to_string();
    let asked = setup.world.command(holding, Command::CandidateAsk { candidate });
    assert!(matches!(asked, Err(Failure::State { state }) if state == "to_review"));
}

#[test]
fn a_bag_out_of_rhythm_takes_two_people_and_has_the_size_of_every_other() {
    let (mut setup, seeking, holding) = two(244, Faults::NONE);
    setup.world.run_for(40 * HOUR);
    let north = kinmesh_protocol::base::MemberId::new("NORTH").unwrap();
    let peer = setup.world.identity(seeking);
    let bags = |setup: &Setup| -> Vec<usize> {
        let to_holder = setup.world.delivered.iter().filter(|(to, from, _)| *to == holding && *from == peer);
        to_holder.map(|(_, _, bytes)| bytes.len()).filter(|size| (32 * 1024..40 * 1024).contains(size)).collect()
    };
    let before = bags(&setup).len();
    let send = || Command::BagSend { member: north };
    let first = setup.world.command_as(seeking, "amina", send());
    assert!(matches!(first, Ok(Answer::Bag { sent: false, .. })));
    assert!(matches!(setup.world.command_as(seeking, "amina", send()), Err(Failure::SecondPerson)));
    setup.world.run_for(10);
    assert_eq!(bags(&setup).len(), before);
    assert!(matches!(setup.world.command_as(seeking, "bo", send()), Ok(Answer::Bag { sent: true, .. })));
    setup.world.run_for(100);
    let after = bags(&setup);
    assert_eq!(after.len(), before + 1);
    assert!(after.iter().all(|size| after[0].abs_diff(*size) <= 8), "{after:?}");
    // A word of yesterday counts no more.
    setup.world.command_as(seeking, "amina", send()).unwrap();
    setup.world.run_for(25 * HOUR);
    assert!(matches!(setup.world.command_as(seeking, "bo", send()), Ok(Answer::Bag { sent: false, .. })));
}
