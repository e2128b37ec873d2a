//! The end of a search: tags gone at once, claims withdrawn, what does not come in time closed; and its beginning anew.

use kinmesh_protocol::base::SubjectId;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::casework::candidate::CandidateRecord;
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState, SeekerState};
use kinmesh_protocol::casework::outcome::OutcomeKind;
use kinmesh_protocol::engine::{Answer, Command, Custody, Failure};
use kinmesh_protocol::private_match::owner::{BudgetRow, IndexState, RefRow};
use kinmesh_protocol::private_match::querier::{HitRow, QueryRow, SubjectRow, WaitingRow};
use kinmesh_tests::simulation::desks::{candidates, close, insist, register, search, search_for, work};
use kinmesh_tests::simulation::{Faults, Setup, people};

use super::{HOUR, LONG, two};

fn tags(setup: &Setup, node: usize) -> usize {
    setup.world.nodes[node].store.all::<QueryRow>().iter().map(|(_, query)| query.tags.len()).sum()
}

fn held(setup: &Setup, node: usize) -> Vec<HolderState> {
    setup.world.nodes[node].store.all::<ClaimIn>().iter().map(|(_, claim)| claim.state).collect()
}

fn sent(setup: &Setup, node: usize) -> Vec<SeekerState> {
    setup.world.nodes[node].store.all::<ClaimOut>().iter().map(|(_, claim)| claim.state).collect()
}

fn to_review(seed: u64) -> (Setup, usize, usize, String) {
    let (mut setup, seeking, holding) = two(seed, Faults::NONE);
    register(&mut setup, holding, people::registered());
    let case = search(&mut setup, seeking, &[]);
    assert!(setup.world.run_until(LONG, |world| {
        let in_review = |(_, claim): &(_, ClaimIn)| claim.state == HolderState::InReview;
        world.nodes[1].store.all::<ClaimIn>().iter().any(in_review) || world.nodes[2].store.all::<ClaimIn>().iter().any(in_review)
    }));
    (setup, seeking, holding, case)
}

#[test]
fn closing_destroys_tags_and_hits_in_its_own_commit() {
    let (mut setup, seeking, _, case) = to_review(221);
    assert!(tags(&setup, seeking) > 40);
    let commits = setup.world.commits;
    insist(&mut setup, seeking, &close(&case));
    assert_eq!(setup.world.commits, commits + 1);
    assert_eq!(tags(&setup, seeking), 0);
    let store = &setup.world.nodes[seeking].store;
    assert_eq!((store.all::<HitRow>().len(), store.all::<WaitingRow>().len()), (0, 0));
    // The secret stays for audits, two epochs.
    let subject = |setup: &Setup| setup.world.nodes[seeking].store.all::<SubjectRow>().remove(0).1;
    assert_ne!(*subject(&setup).secret.expose(), [0; 32]);
    setup.world.run_for(57 * 24 * HOUR);
    assert_eq!(*subject(&setup).secret.expose(), [0; 32]);
    assert!(subject(&setup).keys.is_empty());
    assert_eq!(setup.world.nodes[seeking].store.all::<QueryRow>().len(), 0);
    assert_eq!(tags(&setup, seeking), 0, "nothing was renewed");
}

#[test]
fn a_withdrawal_ends_the_candidate_and_what_was_sent_goes() {
    let (mut setup, seeking, holding, case) = to_review(222);
    assert_eq!(setup.world.nodes[holding].store.all::<CandidateRecord>().len(), 1);
    insist(&mut setup, seeking, &close(&case));
    assert_eq!(sent(&setup, seeking), [SeekerState::Closed]);
    setup.world.run_for(20 * HOUR);
    assert_eq!(held(&setup, holding), [HolderState::Withdrawn]);
    assert_eq!(setup.world.nodes[holding].store.all::<CandidateRecord>().len(), 0);
    assert!(candidates(&mut setup, holding).iter().all(|line| line.state == "withdrawn"));
    let listed = setup.world.command(seeking, Command::CaseList { limit: 9 });
    assert!(
        matches!(listed, Ok(Answer::Cases { cases }) if cases[0].status == "closed" && cases[0].subjects[0].state == "closed")
    );
}

#[test]
fn a_claim_that_has_not_left_is_withdrawn_without_a_word() {
    let (mut setup, seeking, holding) = two(223, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(30 * HOUR);
    let case = search(&mut setup, seeking, &[]);
    assert!(setup.world.run_until(HOUR, |world| world.nodes.iter().any(|node| node.store.count(Tree::Claims) > 0)));
    setup.world.crash(holding);
    insist(&mut setup, seeking, &close(&case));
    setup.world.run_for(HOUR);
    setup.world.start(holding);
    setup.world.run_for(60 * HOUR);
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), 0);
    assert_eq!(sent(&setup, seeking), [SeekerState::Closed]);
}

#[test]
fn one_of_two_sought_persons_is_closed_and_the_other_found() {
    let (mut setup, seeking, holding) = two(224, Faults::NONE);
    register(&mut setup, holding, people::registered());
    register(&mut setup, holding, people::other(3));
    let other = kinmesh_protocol::person::PersonForm { id: Default::default(), legal_basis: String::new(), ..people::other(3) };
    let (case, subjects) = search_for(&mut setup, seeking, vec![people::sought(), other]);
    let close =
        Command::CaseClose { case: case.to_string(), subject: Some(subjects[1].to_string()), outcome: OutcomeKind::Informed };
    insist(&mut setup, seeking, &close);
    assert!(matches!(setup.world.command(seeking, close), Err(Failure::State { .. })));
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), 1);
    let foreign = Command::CaseClose {
        case: case.to_string(),
        subject: Some(SubjectId([1; 16]).to_string()),
        outcome: OutcomeKind::Informed,
    };
    assert!(matches!(setup.world.command(seeking, foreign), Err(Failure::Unknown)));
}

#[test]
fn a_case_that_is_reopened_is_asked_for_anew_and_found() {
    for (seed, pause) in [(225, 2), (226, 57 * 24)] {
        let (mut setup, seeking, holding, case) = to_review(seed);
        let refs = |setup: &Setup| -> Vec<_> {
            setup.world.nodes[seeking].store.all::<QueryRow>().iter().map(|(_, query)| query.case_ref).collect()
        };
        let before = refs(&setup);
        insist(&mut setup, seeking, &close(&case));
        setup.world.run_for(pause * HOUR);
        insist(&mut setup, seeking, &Command::CaseReopen { case: case.clone(), subject: None });
        setup.world.run_for(HOUR);
        assert!(refs(&setup).iter().all(|reference| !before.contains(reference)), "another pseudonym");
        assert!(work(&mut setup, seeking, holding, LONG).is_some(), "after {pause} hours");
        assert!(matches!(
            setup.world.command(seeking, Command::CaseReopen { case: case.clone(), subject: Some("S-0aaaaa".into()) }),
            Err(Failure::Unknown)
        ));
    }
}

#[test]
fn a_reference_that_is_not_renewed_for_an_epoch_is_closed_at_the_owner() {
    let (mut setup, seeking, holding) = two(229, Faults::NONE);
    let case = search(&mut setup, seeking, &[]);
    let (other, _) = search_for(&mut setup, seeking, vec![people::sought()]);
    setup.world.run_for(40 * HOUR);
    let open = |setup: &Setup| {
        let store = &setup.world.nodes[holding].store;
        let counted: u32 = store.all::<BudgetRow>().iter().map(|(_, budget)| budget.refs).sum();
        assert_eq!(store.all::<RefRow>().len(), counted as usize);
        counted
    };
    // Two requests, each padded to two.
    assert_eq!(open(&setup), 4);
    insist(&mut setup, seeking, &close(&case));
    let _ = other;
    let epochs = |setup: &Setup| setup.world.nodes[holding].store.peek::<IndexState>(&()).unwrap().epoch.0;
    let first = epochs(&setup);
    while epochs(&setup) < first + 2 {
        setup.world.run_for(24 * HOUR);
    }
    setup.world.run_for(2 * HOUR);
    // The one that is renewed, and what pads its last two requests: of those no whole epoch has passed.
    assert_eq!(open(&setup), 7);
}

#[test]
fn attributes_that_do_not_come_close_the_claim() {
    let (mut setup, seeking, holding) = two(227, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    // A locked seeker claims, but sends no attributes.
    setup.custody(seeking, Custody::Locked);
    setup.world.run_for(LONG);
    assert_eq!(held(&setup, holding), [HolderState::AwaitAttributes]);
    setup.world.run_for(31 * 24 * HOUR);
    assert_eq!(held(&setup, holding), [HolderState::Closed]);
    setup.world.run_for(40 * 24 * HOUR);
    assert_eq!(sent(&setup, seeking), [SeekerState::Closed]);
    // Unlocked, it sends nothing for that claim, and makes another.
    setup.custody(seeking, Custody::Opened(super::desk()));
    setup.world.run_for(10);
    assert_eq!(sent(&setup, seeking).len(), 2);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
    assert_eq!(setup.world.nodes[holding].store.all::<CandidateRecord>().len(), 1);
}

#[test]
fn a_closing_holds_whichever_commit_of_it_is_refused() {
    for refuse in [0, 1, 2, 3, 5] {
        let (mut setup, seeking, holding, case) = to_review(228);
        setup.world.refuse_at = Some(setup.world.commits + refuse);
        insist(&mut setup, seeking, &close(&case));
        if refuse % 3 == 0 {
            setup.world.restart(seeking, 1);
        }
        setup.world.run_for(30 * HOUR);
        assert_eq!(tags(&setup, seeking), 0, "commit {refuse}");
        assert_eq!(held(&setup, holding), [HolderState::Withdrawn], "commit {refuse}");
        assert_eq!(sent(&setup, seeking), [SeekerState::Closed], "commit {refuse}");
    }
}
