//! Erasing a record: two users, what goes with it, and what others of the node keep. What peers see of it is attack 32.

use kinmesh_protocol::audit::{Act, AuditEntry};
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{CaseId, CaseRef, ClaimId, Epoch, PersonId, SubjectId};
use kinmesh_protocol::casework::candidate::DisclosureRecord;
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState, SeekerState};
use kinmesh_protocol::casework::claim_pace::RecordClaim;
use kinmesh_protocol::casework::duplicate::{DuplicateCounts, DuplicateLink, MergedRow};
use kinmesh_protocol::casework::erasure::{ErasedRow, ErasingRow, ErasureAsked, ErasureBasis};
use kinmesh_protocol::engine::answer::ErasureProblem;
use kinmesh_protocol::engine::command::CaseForm;
use kinmesh_protocol::engine::{Answer, Batch, Command, Custody, Failure, NoticeCode, Op};
use kinmesh_protocol::person::{MatchMode, PersonForm};
use kinmesh_protocol::private_match::asking::{AskHit, AskRow};
use kinmesh_protocol::private_match::household::{HouseholdRow, SuspectRow, TieRow};
use kinmesh_protocol::private_match::owner::{IndexRow, IndexState};
use kinmesh_protocol::private_match::querier::{QueryRow, SubjectRow, WaitingRow};
use kinmesh_protocol::private_match::{Family, Tag};
use kinmesh_tests::simulation::desks::{add, close, erase, insist, register, search_for, work};
use kinmesh_tests::simulation::invariants::audit_holds;
use kinmesh_tests::simulation::{Faults, Setup, people};

use crate::{HOUR, LONG, desk, fill, seeds, two};

const DAY: u64 = 24 * HOUR;

fn request(person: PersonId) -> Command {
    Command::EraseRequest { record: person.to_string(), basis: ErasureBasis::Objection }
}

fn run(person: PersonId) -> Command {
    Command::EraseRun { record: person.to_string() }
}

fn acts(setup: &Setup, node: usize) -> Vec<AuditEntry> {
    let of_erasure = |entry: &AuditEntry| matches!(entry.act, Act::ErasureAsked | Act::ErasureWithdrawn | Act::RecordErased);
    setup.world.nodes[node].store.all::<AuditEntry>().into_iter().map(|(_, entry)| entry).filter(of_erasure).collect()
}

/// Bearers of tags in an owner's index, of every epoch and family.
fn has_tags(setup: &Setup, node: usize, person: PersonId) -> bool {
    setup.world.nodes[node].store.bearers().iter().any(|(_, _, bearer)| bearer.entry.person() == person)
}

// ER-1.
#[test]
fn one_user_asks_another_one_erases_and_before_that_nothing_changes() {
    let (mut setup, _, holding) = two(501, Faults::NONE);
    let person = add(&mut setup, holding, people::registered());
    setup.world.run_for(HOUR);
    assert!(matches!(setup.world.command_as(holding, "bo", run(person)), Err(Failure::Erasure(ErasureProblem::NotAsked))));
    let asked = setup.world.command_as(holding, "amina", request(person));
    assert!(
        matches!(asked, Ok(Answer::Erasure(view)) if view.state == "asked" && view.asked.as_ref().unwrap().asked_by.to_string() == "amina")
    );
    assert!(matches!(setup.world.command_as(holding, "bo", request(person)), Err(Failure::Erasure(ErasureProblem::Asked))));
    assert!(matches!(setup.world.command_as(holding, "amina", run(person)), Err(Failure::SecondPerson)));
    let listed = setup.world.command(holding, Command::EraseList);
    assert!(
        matches!(listed, Ok(Answer::Erasures { erasures }) if erasures.len() == 1 && erasures[0].basis == ErasureBasis::Objection)
    );
    setup.world.run_for(2 * DAY);
    let is_there = |setup: &mut Setup| setup.world.command(holding, Command::PersonShow { person: person.to_string() }).is_ok();
    assert!(is_there(&mut setup) && has_tags(&setup, holding, person));

    // Taken back by anybody, and asked for anew.
    let withdraw = Command::EraseWithdraw { record: person.short() };
    assert!(
        matches!(setup.world.command_as(holding, "bo", withdraw.clone()), Ok(Answer::Erasure(view)) if view.state == "withdrawn")
    );
    assert!(matches!(setup.world.command(holding, withdraw), Err(Failure::Erasure(ErasureProblem::NotAsked))));
    assert!(matches!(setup.world.command_as(holding, "bo", run(person)), Err(Failure::Erasure(ErasureProblem::NotAsked))));
    assert!(is_there(&mut setup) && has_tags(&setup, holding, person));
    setup.world.command_as(holding, "amina", request(person)).unwrap();
    let plan = setup.world.command(holding, Command::ErasePlan { record: person.short() });
    assert!(matches!(plan, Ok(Answer::Erasure(view)) if view.state == "asked" && view.claims == 0));
    let commits = setup.world.commits;
    assert!(matches!(setup.world.command_as(holding, "bo", run(person)), Ok(Answer::Erasure(view)) if view.state == "erased"));
    assert_eq!(setup.world.commits, commits + 1, "one commit");
    assert!(!is_there(&mut setup));
    for command in [run(person), request(person), Command::ErasePlan { record: person.to_string() }] {
        assert!(matches!(setup.world.command(holding, command), Err(Failure::Erasure(ErasureProblem::Erased))));
    }
    assert!(matches!(setup.world.command(holding, run(PersonId([9; 16]))), Err(Failure::Unknown)));
    assert!(matches!(setup.world.command(holding, Command::EraseRun { record: "C-7h3k9q".to_owned() }), Err(Failure::NotAnId)));

    let written = acts(&setup, holding);
    let acts: Vec<Act> = written.iter().map(|entry| entry.act).collect();
    assert_eq!(acts, [Act::ErasureAsked, Act::ErasureWithdrawn, Act::ErasureAsked, Act::RecordErased]);
    let last = written.last().unwrap();
    assert_eq!((last.user.unwrap().to_string(), last.second.unwrap().to_string()), ("amina".to_owned(), "bo".to_owned()));
    assert_eq!(last.about, person.0);
    audit_holds(&setup.world.nodes[holding].store);
    let told = setup.world.notices.iter().filter(|(node, notice)| *node == holding && notice.code == NoticeCode::RecordErased);
    assert_eq!(told.count(), 1);
}

#[test]
fn a_locked_node_erases_nothing_and_goes_on_with_what_was_begun() {
    let (mut setup, _, holding) = two(502, Faults::NONE);
    let (one, other) = (add(&mut setup, holding, people::registered()), add(&mut setup, holding, people::other(1)));
    setup.world.command_as(holding, "amina", request(one)).unwrap();
    setup.world.command_as(holding, "amina", request(other)).unwrap();
    setup.world.command_as(holding, "bo", run(one)).unwrap();
    setup.custody(holding, Custody::Locked);
    assert!(matches!(setup.world.command_as(holding, "bo", run(other)), Err(Failure::Locked)));
    assert!(matches!(setup.world.command(holding, Command::EraseList), Err(Failure::Locked)));
    setup.world.run_for(HOUR);
    assert!(!has_tags(&setup, holding, one) && has_tags(&setup, holding, other));
    let store = &setup.world.nodes[holding].store;
    assert!(store.all::<ErasingRow>().is_empty() && store.all::<IndexRow>().len() == 1);
    setup.custody(holding, Custody::Opened(desk()));
    assert_eq!(setup.world.nodes[holding].store.all::<ErasureAsked>().len(), 1);
    setup.world.command_as(holding, "bo", run(other)).unwrap();
}

/// The son, registered again by somebody who did not know of the first record.
fn again() -> PersonForm {
    PersonForm { id: "NO-0777".into(), given: "Saleem".into(), family: "Kamal Darwish".into(), ..people::registered() }
}

// ER-4: links and household go; what the others of the household have stays, and their keys come back.
#[test]
fn the_household_of_an_erased_record_goes_on_without_it() {
    let (mut setup, _, holding) = two(503, Faults::NONE);
    let first = add(&mut setup, holding, people::registered());
    let second = add(&mut setup, holding, again());
    let sister = PersonForm {
        id: "NO-0778".into(),
        given: "Hala".into(),
        sex: "f".into(),
        birth: "1999-02-03".into(),
        family_members: vec![kinmesh_protocol::person::FamilyForm {
            relation: "brother".into(),
            given: "Salim".into(),
            person: first.to_string().as_str().into(),
            ..Default::default()
        }],
        ..people::registered()
    };
    let sister = add(&mut setup, holding, sister);
    setup.world.run_for(2 * HOUR);
    insist(&mut setup, holding, &Command::PersonMerge { shown: first.to_string(), other: second.to_string() });
    setup.world.run_for(HOUR);
    let plan = erase(&mut setup, holding, first).unwrap();
    assert_eq!(plan.same, [second], "the other record of the same person is named, and stays");
    let store = setup.world.nodes[holding].store.clone();
    let names = |(a, b): &(PersonId, PersonId)| *a == first || *b == first;
    assert!(store.all::<TieRow>().iter().all(|(pair, _)| !names(pair)));
    assert!(store.all::<MergedRow>().is_empty(), "the second record is shown again");
    setup.world.run_for(HOUR);
    for person in [second, sister] {
        assert!(store.peek::<HouseholdRow>(&person).is_none_or(|row| row.household != first));
        assert!(has_tags(&setup, holding, person));
    }
    assert!(store.all::<DuplicateLink>().iter().all(|(pair, _)| !names(pair)));
    assert!(store.all::<SuspectRow>().iter().all(|(pair, _)| !names(pair)));
    let counts: DuplicateCounts = store.peek(&()).unwrap();
    assert_eq!(counts.suspects, 0);
    let listed = insist(&mut setup, holding, &Command::PersonList { after: None, limit: 9, merged: false });
    assert!(
        matches!(listed, Answer::People { people, .. } if people.len() == 2 && people.iter().all(|line| line.same_as.is_none()))
    );
    let pairs = insist(&mut setup, holding, &Command::PersonDuplicates { all: true, after: None, limit: 9 });
    assert!(
        matches!(pairs, Answer::Duplicates(found) if found.pairs.iter().all(|line| line.first.person != first && line.second.person != first))
    );
    assert!(!has_tags(&setup, holding, first));
}

// ER-4: a comparison that began before the erasure ties nothing to it.
#[test]
fn a_comparison_that_was_running_writes_nothing_of_an_erased_record() {
    for pause in 0..16 {
        let (mut setup, _, holding) = two(510 + pause, Faults::NONE);
        let first = add(&mut setup, holding, people::registered());
        add(&mut setup, holding, again());
        setup.world.run_for(pause);
        erase(&mut setup, holding, first).unwrap();
        setup.world.run_for(HOUR);
        let store = &setup.world.nodes[holding].store;
        assert_eq!((store.all::<TieRow>().len(), store.all::<DuplicateLink>().len()), (0, 0), "{pause} ms");
        let counts = store.peek::<DuplicateCounts>(&()).unwrap_or_default();
        assert_eq!((counts.suspects, counts.proposed), (0, 0), "{pause} ms");
        assert!(!has_tags(&setup, holding, first));
    }
}

// ER-4: the next epoch's index is made while the record is erased.
#[test]
fn an_erased_record_is_in_no_epochs_index() {
    for seed in seeds(2) {
        println!("seed {seed}");
        let (mut setup, _, holding) = two(530 + seed, Faults::NONE);
        fill(&mut setup, holding, 30);
        let person = add(&mut setup, holding, people::registered());
        let state = |setup: &Setup| setup.world.nodes[holding].store.peek::<IndexState>(&()).unwrap();
        assert!(
            setup
                .world
                .run_until(40 * DAY, |world| { world.nodes[holding].store.peek::<IndexState>(&()).unwrap().next.is_some() })
        );
        let pause = setup.world.below(30);
        setup.world.run_for(pause);
        erase(&mut setup, holding, person).unwrap();
        setup.world.run_for(HOUR);
        assert!(!has_tags(&setup, holding, person), "after {pause} ms");
        let before = state(&setup).epoch;
        assert!(
            setup
                .world
                .run_until(10 * DAY, |world| { world.nodes[holding].store.peek::<IndexState>(&()).unwrap().epoch > before })
        );
        setup.world.run_for(HOUR);
        assert!(state(&setup).epoch > Epoch(1) && !has_tags(&setup, holding, person));
        assert_eq!(state(&setup).registered.entries, 30);
    }
}

/// A protected record of the son at NORTH; SOUTH's case lets holders ask.
fn asked_about(seed: u64, faults: Faults) -> (Setup, usize, usize, PersonId) {
    let (mut setup, seeking, holding) = two(seed, faults);
    let protected = PersonForm { match_mode: "ask_only".to_owned(), ..people::registered() };
    let person = add(&mut setup, holding, protected);
    register(&mut setup, holding, PersonForm { match_mode: "ask_only".to_owned(), ..people::other(5) });
    let form = CaseForm { holders_may_ask: true, ..people::case(&[]) };
    insist(&mut setup, seeking, &Command::CaseOpen { form: Box::new(form) });
    (setup, seeking, holding, person)
}

// ER-2: nothing is asked about it any more, and what was found is gone.
#[test]
fn a_protected_record_is_asked_about_no_more_and_its_hits_are_gone() {
    let (mut setup, _, holding, person) = asked_about(540, Faults::NONE);
    assert!(setup.world.run_until(LONG, |world| !world.nodes[holding].store.all::<AskHit>().is_empty()));
    erase(&mut setup, holding, person).unwrap();
    setup.world.run_for(3 * DAY);
    let store = &setup.world.nodes[holding].store;
    assert_eq!((store.all::<AskHit>().len(), store.all::<AskRow>().len()), (0, 1));
    let other = store.all::<AskRow>()[0].0;
    assert!(store.all::<QueryRow>().iter().all(|((_, _, entry), _)| entry.0 == other.0));
    assert!(store.all::<WaitingRow>().is_empty());
    let hits = setup.world.command(holding, Command::AskHits);
    assert!(matches!(hits, Ok(Answer::AskHits { hits }) if hits.is_empty()));
}

#[test]
fn an_evaluation_that_is_under_way_goes_on_without_an_erased_record() {
    for pause in [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 80] {
        let (mut setup, _, holding, person) = asked_about(550, Faults::NONE);
        while !setup.world.nodes[holding].store.all::<QueryRow>().iter().any(|(_, row)| row.request.is_some()) {
            setup.world.run_for(1);
        }
        setup.world.run_for(pause);
        erase(&mut setup, holding, person).unwrap();
        setup.world.run_for(3 * DAY);
        let queries = setup.world.nodes[holding].store.all::<QueryRow>();
        assert!(
            !queries.is_empty() && queries.iter().all(|(_, query)| !query.tags.is_empty()),
            "the other record was asked about"
        );
        assert!(queries.iter().all(|((_, _, entry), _)| entry.0 != person.0));
    }
}

// ER-5: a claim that this node made for it ends when the answer's attributes come.
#[test]
fn a_holders_own_claim_ends_and_keeps_nothing() {
    for (seed, hours) in (560..).zip([0, 40]) {
        let (mut setup, seeking, holding, person) = asked_about(seed, Faults::NONE);
        assert!(setup.world.run_until(LONG, |world| !world.nodes[holding].store.all::<AskHit>().is_empty()));
        let member = kinmesh_tests::simulation::sets::member("SOUTH");
        for user in ["desk", "focal-point"] {
            setup.world.command_as(holding, user, Command::AskClaim { person: person.to_string(), member }).unwrap();
        }
        setup.world.run_for(hours * HOUR);
        let view = erase(&mut setup, holding, person).unwrap();
        assert_eq!(view.claims, 1, "after {hours} hours");
        setup.world.run_for(45 * DAY);
        let store = &setup.world.nodes[holding].store;
        let claims = store.all::<ClaimIn>();
        assert!(claims.iter().all(|(_, claim)| claim.person.is_none() && claim.state == HolderState::Closed), "{claims:?}");
        assert_eq!(store.count(Tree::Candidates), 0);
        assert!(store.peek::<ErasedRow>(&person).is_some() && store.all::<ErasingRow>().is_empty());
        let index = store.peek::<IndexRow>(&(Family::Registered, person.into()));
        assert!(index.is_none());
        let claims = setup.world.nodes[seeking].store.all::<ClaimOut>();
        assert!(claims.iter().all(|(_, claim)| claim.state == SeekerState::Closed));
    }
}

/// Claims on a record that are in people's hands, written behind the engine's back: so many do not come in a run. Of every
/// second one no count is left, as of one that is older than ninety days.
fn plant_claims(setup: &Setup, node: usize, person: PersonId, count: u8) {
    let store = &setup.world.nodes[node].store;
    let seeker = kinmesh_tests::simulation::sets::member("SOUTH");
    for number in 0..count {
        let id = ClaimId([number; 16]);
        let mut claim = ClaimIn {
            seeker,
            case_ref: CaseRef([number; 16]),
            epoch: Epoch(1),
            tags: vec![Tag([number; 16])],
            attr_root: [1; 32],
            state: HolderState::Delayed,
            person: None,
            roots: vec![[2; 32]; 3],
            root_index: 0,
            leaves: vec![[3; 32]; 32],
            close_not_before: setup.world.now(),
            received: setup.world.now(),
            outcome: None,
            mention: None,
            family: Family::Registered,
            beyond: false,
            asked: false,
            supplemented: false,
            opened: None,
        };
        store.commit(Batch { ops: vec![Op::put(&id, &claim)], ..Batch::default() }).expect("a commit");
        (claim.state, claim.person) = (HolderState::InReview, Some(person));
        let mut ops = vec![Op::put(&id, &claim)];
        if number % 2 == 0 {
            ops.push(Op::put(&(person, seeker, id), &RecordClaim { at: setup.world.now(), expires: u64::MAX >> 1 }));
        }
        store.commit(Batch { ops, ..Batch::default() }).expect("a commit");
    }
}

// ER-2, ER-5: what does not fit one step follows in others, each within a batch, and a restart goes on with it.
#[test]
fn a_record_with_many_claims_and_a_large_household_is_erased_in_steps_that_fit() {
    for (seed, is_cut_short) in [(570, false), (571, true)] {
        let (mut setup, _, holding) = two(seed, Faults::NONE);
        let person = add(&mut setup, holding, people::registered());
        for number in 0..40 {
            let member = kinmesh_protocol::person::FamilyForm {
                relation: "cousin".into(),
                given: "Salim".into(),
                person: person.to_string().as_str().into(),
                ..Default::default()
            };
            register(&mut setup, holding, PersonForm { family_members: vec![member], ..people::other(number) });
        }
        setup.world.run_for(HOUR);
        let store = setup.world.nodes[holding].store.clone();
        assert!(store.all::<HouseholdRow>().len() >= 40);
        plant_claims(&setup, holding, person, 120);
        let commits = setup.world.commits;
        let view = erase(&mut setup, holding, person).unwrap();
        assert_eq!((view.claims, setup.world.commits), (120, commits + 2));
        assert!(store.peek::<ErasingRow>(&person).is_some(), "not all of it fits");
        assert!(
            !store.all::<IndexRow>().iter().any(|((_, entry), row)| entry.person() == person && row.mode == MatchMode::Answer)
        );
        if is_cut_short {
            for _ in 0..12 {
                setup.world.run_for(4);
                setup.world.restart(holding, 1);
            }
        }
        setup.world.run_for(HOUR);
        let claims = store.all::<ClaimIn>();
        assert!(claims.iter().all(|(_, claim)| claim.person.is_none() && claim.state == HolderState::Closed));
        assert!(store.all::<RecordClaim>().is_empty() && store.all::<ErasingRow>().is_empty());
        assert!(store.all::<TieRow>().iter().all(|((a, b), _)| *a != person && *b != person));
        // Of the others a few look like one person, as before; nobody else stands with anybody.
        let left = store.all::<HouseholdRow>();
        assert!(left.len() < 8 && left.iter().all(|(_, row)| row.household != person), "{left:?}");
        assert!(!has_tags(&setup, holding, person));
        audit_holds(&store);
    }
}

#[test]
fn an_enquirer_who_may_be_found_is_erased_from_the_index_and_the_case_goes_on() {
    let (mut setup, seeking, _) = two(580, Faults::NONE);
    let form = CaseForm { enquirer: people::registered(), enquirer_findable: true, ..people::case(&[]) };
    let Answer::CaseOpened { case, .. } = insist(&mut setup, seeking, &Command::CaseOpen { form: Box::new(form) }) else {
        panic!("another answer")
    };
    let findable = |setup: &mut Setup| match insist(setup, seeking, &Command::CaseShow { case: case.to_string() }) {
        Answer::Case(shown) => shown.findable,
        other => panic!("{other:?}"),
    };
    let person = findable(&mut setup).expect("the enquirer's record");
    setup.world.run_for(HOUR);
    assert!(has_tags(&setup, seeking, person));
    erase(&mut setup, seeking, person).unwrap();
    setup.world.run_for(HOUR);
    assert!(!has_tags(&setup, seeking, person));
    assert_eq!(findable(&mut setup), None);
    insist(&mut setup, seeking, &Command::SearchRun { case: case.to_string(), plan: None });
    insist(&mut setup, seeking, &close(case));
    setup.world.run_for(HOUR);
    assert!(setup.world.nodes[seeking].store.all::<IndexRow>().is_empty());
}

/// A case of SOUTH whose sought person holders may ask about, and its subject; NORTH protects a record of him.
fn sought(seed: u64) -> (Setup, usize, usize, CaseId, SubjectId, PersonId) {
    let (mut setup, seeking, holding) = two(seed, Faults::NONE);
    let protected = PersonForm { match_mode: "ask_only".to_owned(), ..people::registered() };
    let person = add(&mut setup, holding, protected);
    let form = CaseForm { holders_may_ask: true, ..people::case(&[]) };
    let Answer::CaseOpened { case, subjects, .. } = insist(&mut setup, seeking, &Command::CaseOpen { form: Box::new(form) })
    else {
        panic!("another answer")
    };
    (setup, seeking, holding, case, subjects[0], person)
}

// ER-6: a sought person's record: in no set, met by no holder, asked about no more, and its case shows nobody.
#[test]
fn a_sought_person_who_is_erased_is_met_by_no_holder_and_searched_for_no_more() {
    let (mut setup, seeking, holding, case, subject, person) = sought(590);
    insist(&mut setup, seeking, &Command::SearchRun { case: case.to_string(), plan: None });
    assert!(setup.world.run_until(LONG, |world| !world.nodes[holding].store.all::<AskHit>().is_empty()));
    let store = setup.world.nodes[seeking].store.clone();
    assert!(store.all::<QueryRow>().iter().any(|(_, query)| !query.tags.is_empty()));
    assert!(has_tags(&setup, seeking, PersonId(subject.0)));
    let commits = setup.world.commits;
    erase(&mut setup, seeking, subject).unwrap();
    assert_eq!(setup.world.commits, commits + 2);
    assert!(store.all::<QueryRow>().is_empty() && store.all::<WaitingRow>().is_empty());
    let row = store.peek::<SubjectRow>(&subject).unwrap();
    assert!(row.keys.is_empty() && row.leaves.is_empty() && *row.secret.expose() == [0; 32]);
    assert!(!store.holds("سليم".as_bytes()), "his name");

    // Two people at the holder claim under the tags that they kept.
    let member = kinmesh_tests::simulation::sets::member("SOUTH");
    for user in ["desk", "focal-point"] {
        setup.world.command_as(holding, user, Command::AskClaim { person: person.to_string(), member }).unwrap();
    }
    setup.world.run_for(4 * DAY);
    let claims = setup.world.nodes[holding].store.all::<ClaimIn>();
    assert!(claims.len() == 1 && claims[0].1.state == HolderState::None, "{claims:?}");
    assert!(!has_tags(&setup, seeking, PersonId(subject.0)));
    assert!(store.all::<QueryRow>().is_empty(), "nothing was renewed");
    let shown = insist(&mut setup, seeking, &Command::CaseShow { case: case.to_string() });
    assert!(matches!(shown, Answer::Case(shown) if shown.subjects.len() == 1 && shown.subjects[0].is_empty()));
    let listed = insist(&mut setup, seeking, &Command::CaseList { limit: 9 });
    assert!(matches!(listed, Answer::Cases { cases } if cases[0].status == "closed" && cases[0].subjects[0].state == "erased"));
    let reopen = setup.world.command(seeking, Command::CaseReopen { case: case.to_string(), subject: None });
    assert!(matches!(reopen, Err(Failure::Erasure(ErasureProblem::Erased))));
    let again =
        setup.world.command(seeking, Command::EraseRequest { record: subject.to_string(), basis: ErasureBasis::Unlawful });
    assert!(matches!(again, Err(Failure::Erasure(ErasureProblem::Erased))));
}

// ER-6: whatever is under way: requests go on without it, claims are withdrawn, disclosures are gone.
#[test]
fn a_search_that_is_under_way_ends_with_the_sought_persons_record() {
    for (seed, pause) in (600..).zip([0, 1, 2, 3, 5, 8, 13, 30, 20 * HOUR, 60 * HOUR, 120 * HOUR]) {
        let (mut setup, seeking, holding) = two(seed, Faults::NONE);
        register(&mut setup, holding, people::registered());
        setup.world.run_for(30 * HOUR);
        let stays = PersonForm { id: Default::default(), legal_basis: String::new(), ..people::other(3) };
        let (case, subjects) = search_for(&mut setup, seeking, vec![people::sought(), stays]);
        setup.world.run_for(pause);
        if pause > 100 * HOUR {
            work(&mut setup, seeking, holding, LONG).expect("a disclosure");
        }
        erase(&mut setup, seeking, subjects[0]).unwrap();
        setup.world.run_for(4 * DAY);
        let store = &setup.world.nodes[seeking].store;
        let queries = store.all::<QueryRow>();
        assert!(queries.iter().all(|((_, _, entry), _)| *entry != subjects[0]), "{pause} ms");
        assert!(queries.iter().any(|((_, _, entry), query)| *entry == subjects[1] && !query.tags.is_empty()), "{pause} ms");
        let open = |(_, claim): &(_, ClaimOut)| !matches!(claim.state, SeekerState::Closed | SeekerState::Ended);
        assert!(!store.all::<ClaimOut>().iter().any(open), "{pause} ms");
        assert!(store.all::<DisclosureRecord>().is_empty(), "{pause} ms");
        assert!(!store.holds("سليم".as_bytes()), "{pause} ms");
        let listed = insist(&mut setup, seeking, &Command::CaseList { limit: 9 });
        assert!(matches!(listed, Answer::Cases { cases } if cases[0].case == case && cases[0].status == "active"));
    }
}
