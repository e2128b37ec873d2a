//! Protected records: their holder asks in the sets of sought people, learns first, and may stay silent.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{Epoch, MemberId};
use kinmesh_protocol::engine::answer::{AskHitLine, AskingLine, Block};
use kinmesh_protocol::engine::command::CaseForm;
use kinmesh_protocol::engine::effect::NoticeCode;
use kinmesh_protocol::engine::{Answer, Command, Custody, Failure};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::owner::{BudgetRow, IndexState};
use kinmesh_protocol::private_match::querier::QueryRow;
use kinmesh_protocol::private_match::tag_page::Bearer;
use kinmesh_tests::simulation::desks::{candidates, close, insist, register, work};
use kinmesh_tests::simulation::{Faults, Setup, people};

use crate::{HOUR, LONG, desk, fill, seeds, two};

const DAY: u64 = 24 * HOUR;
/// Within this time a set of sought people is built, fetched and tested.
const ASKED: u64 = 60 * HOUR;

fn member(id: &str) -> MemberId {
    MemberId::new(id).unwrap()
}

fn protected() -> PersonForm {
    PersonForm { match_mode: "ask_only".to_owned(), ..people::registered() }
}

/// Opens the mother's case without searching; gives its id.
fn open(setup: &mut Setup, node: usize, form: CaseForm) -> String {
    let answer = insist(setup, node, &Command::CaseOpen { form: Box::new(form) });
    let Answer::CaseOpened { case, .. } = answer else { panic!("{answer:?}") };
    case.to_string()
}

fn agreed() -> CaseForm {
    CaseForm { holders_may_ask: true, ..people::case(&[]) }
}

fn hits(setup: &mut Setup, node: usize) -> Vec<AskHitLine> {
    match setup.world.command(node, Command::AskHits) {
        Ok(Answer::AskHits { hits }) => hits,
        Err(Failure::Store) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// Runs until a protected record was hit.
fn hit(setup: &mut Setup, node: usize) -> AskHitLine {
    for _ in 0..LONG / HOUR {
        setup.world.run_for(HOUR);
        if let Some(line) = hits(setup, node).pop() {
            return line;
        }
    }
    panic!("no hit")
}

fn ask(setup: &mut Setup, node: usize, user: &str, hit: &AskHitLine) -> Result<Answer, Failure> {
    let command = Command::AskClaim { person: hit.person.to_string(), member: hit.member };
    setup.world.command_as(node, user, command)
}

/// Both people say so, however often the store refuses.
fn ask_together(setup: &mut Setup, node: usize, hit: &AskHitLine) {
    for _ in 0..1_000 {
        for user in ["desk", "focal-point"] {
            match ask(setup, node, user, hit) {
                Ok(Answer::Claimed { .. }) | Err(Failure::State { .. }) => return,
                Ok(Answer::SecondNeeded { .. }) | Err(Failure::Store) => {}
                other => panic!("{other:?}"),
            }
        }
        setup.world.run_for(100);
    }
    panic!("no claim")
}

fn asking(setup: &mut Setup, node: usize) -> AskingLine {
    match setup.world.command(node, Command::SearchStatus { case: None }) {
        Ok(Answer::Searches { asking: Some(asking), .. }) => asking,
        other => panic!("{other:?}"),
    }
}

fn sought_entries(setup: &Setup, node: usize) -> (u64, usize) {
    let store = &setup.world.nodes[node].store;
    let state = store.peek::<IndexState>(&()).unwrap();
    let is_sought = |(epoch, family, _): &(Epoch, Family, Bearer)| (*epoch, *family) == (state.epoch, Family::Sought);
    (state.sought.entries, store.bearers().iter().filter(|bearer| is_sought(bearer)).count())
}

#[test]
fn a_protected_record_is_claimed_by_two_people_and_its_person_answers() {
    let (mut setup, seeking, holding) = two(81, Faults::NONE);
    fill(&mut setup, holding, 6);
    register(&mut setup, holding, protected());
    open(&mut setup, seeking, agreed());
    let found = hit(&mut setup, holding);
    assert_eq!((found.state.as_str(), found.member), ("held", member("SOUTH")));
    assert!(found.hits >= 2, "even two hits do not claim by themselves");
    setup.world.run_for(LONG);
    let claims = |setup: &Setup| [seeking, holding].map(|node| setup.world.nodes[node].store.count(Tree::Claims));
    assert_eq!(claims(&setup), [0, 0]);

    for _ in 0..3 {
        assert!(matches!(ask(&mut setup, holding, "desk", &found), Ok(Answer::SecondNeeded { .. })));
    }
    setup.world.run_for(LONG);
    assert_eq!(claims(&setup), [0, 0], "one person alone cannot claim");
    assert_eq!(hits(&mut setup, holding)[0].asked_by, Some(desk()));
    assert!(matches!(ask(&mut setup, holding, "focal-point", &found), Ok(Answer::Claimed { .. })));
    assert_eq!(claims(&setup), [0, 1]);
    assert!(candidates(&mut setup, holding).is_empty(), "there is nothing to review before the attributes are here");

    let shown = work(&mut setup, seeking, holding, LONG).expect("a disclosure");
    assert_eq!(shown.text.expose(), "tell her that I am well");
    assert_eq!(shown.holder, member("NORTH"));
    assert!(setup.world.run_until(LONG, |world| {
        matches!(world.command(holding, Command::CandidateList { limit: 9 }), Ok(Answer::Candidates { candidates }) if candidates[0].outcome.is_some())
    }));
    // The subject has an outcome: holders ask about it no more.
    setup.world.run_for(2 * DAY);
    assert_eq!(sought_entries(&setup, seeking), (0, 0));
}

#[test]
fn the_attributes_of_a_holders_claim_name_nobody_but_the_sought_person() {
    let (mut setup, seeking, holding) = two(82, Faults::NONE);
    register(&mut setup, holding, protected());
    open(&mut setup, seeking, agreed());
    let found = hit(&mut setup, holding);
    ask_together(&mut setup, holding, &found);
    assert!(setup.world.run_until(LONG, |world| world.nodes[holding].store.count(Tree::Candidates) == 1));
    let line = candidates(&mut setup, holding).pop().expect("a candidate");
    let shown = insist(&mut setup, holding, &Command::CandidateShow { candidate: line.candidate.to_string() });
    let Answer::Candidate(shown) = shown else { panic!("{shown:?}") };
    assert!(shown.rows.iter().any(|row| row.sought.expose().contains("كمال")), "the sought person's fields came");
    assert!(!format!("{:?}", shown.rows.iter().map(|row| row.sought.expose().clone()).collect::<Vec<_>>()).contains("SO-77"));
    assert!(shown.rows.iter().all(|row| row.field != "enquirer" && row.field != "relation"));
}

#[test]
fn nobody_is_asked_about_without_the_enquirers_word_and_off_asks_nothing() {
    let not_agreed = people::case(&[]);
    let hidden = CaseForm { claim_never: vec![member("NORTH")], ..agreed() };
    let unsafe_case = CaseForm { safety: String::new(), ..agreed() };
    for (what, form, mode) in [
        ("not agreed", not_agreed, "ask_only"),
        ("hidden", hidden, "ask_only"),
        ("draft", unsafe_case, "ask_only"),
        ("off", agreed(), "off"),
        ("answer", agreed(), "answer"),
    ] {
        let (mut setup, seeking, holding) = two(83, Faults::NONE);
        register(&mut setup, holding, PersonForm { match_mode: mode.to_owned(), ..people::registered() });
        open(&mut setup, seeking, form);
        setup.world.run_for(ASKED);
        assert!(hits(&mut setup, holding).is_empty(), "{what}");
        assert_eq!(setup.world.nodes[holding].store.count(Tree::Hits), 0, "{what}");
        let asks = mode == "ask_only";
        assert_eq!(setup.world.nodes[holding].store.count(Tree::Queries) > 0, asks, "{what}");
        assert_eq!(setup.world.nodes[seeking].store.count(Tree::Budget) > 0, asks, "{what}");
    }
}

#[test]
fn consent_must_be_the_legal_basis_of_an_agreement() {
    let (mut setup, seeking, _) = two(84, Faults::NONE);
    let mut form = agreed();
    form.enquirer.legal_basis = "vital_interest".to_owned();
    let refused = setup.world.command(seeking, Command::CaseOpen { form: Box::new(form.clone()) });
    assert!(matches!(refused, Err(Failure::Form(error)) if error.field == "holders_may_ask"));
    form.holders_may_ask = false;
    let case = open(&mut setup, seeking, form);
    let refused = setup.world.command(seeking, Command::CaseSought { case, allow: true });
    assert_eq!(refused.unwrap_err(), Failure::Blocked(Block::NoConsent));
}

#[test]
fn an_agreement_that_was_taken_back_is_answered_like_nobody_and_noticed() {
    let (mut setup, seeking, holding) = two(85, Faults::NONE);
    register(&mut setup, holding, protected());
    let case = open(&mut setup, seeking, agreed());
    let found = hit(&mut setup, holding);
    insist(&mut setup, seeking, &Command::CaseSought { case: case.clone(), allow: false });
    ask_together(&mut setup, holding, &found);
    setup.world.run_for(LONG);
    assert_eq!(hits(&mut setup, holding)[0].state, "nothing");
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Candidates), 0);
    let alarms = setup.world.notices.iter().filter(|(node, notice)| *node == seeking && notice.code == NoticeCode::ClaimAnomaly);
    assert_eq!(alarms.count(), 1);
    assert_eq!(sought_entries(&setup, seeking), (0, 0));
    // Agreed to again, the subject is asked about again.
    insist(&mut setup, seeking, &Command::CaseSought { case, allow: true });
    setup.world.run_for(2 * HOUR);
    let (entries, tags) = sought_entries(&setup, seeking);
    assert!(entries == 1 && tags > 10, "{entries} {tags}");
}

#[test]
fn two_cases_for_one_person_do_not_hide_each_other() {
    let (mut setup, seeking, holding) = two(90, Faults::NONE);
    register(&mut setup, holding, protected());
    for label in ["SO-77", "SO-78"] {
        open(&mut setup, seeking, CaseForm { label: label.into(), ..agreed() });
    }
    assert!(hit(&mut setup, holding).hits >= 2);
}

#[test]
fn a_seeker_that_closes_the_search_ends_the_holders_claim() {
    let (mut setup, seeking, holding) = two(91, Faults::NONE);
    register(&mut setup, holding, protected());
    let case = open(&mut setup, seeking, agreed());
    let found = hit(&mut setup, holding);
    ask_together(&mut setup, holding, &found);
    assert!(setup.world.run_until(LONG, |world| world.nodes[holding].store.count(Tree::Candidates) == 1));
    insist(&mut setup, seeking, &close(case));
    setup.world.run_for(2 * DAY);
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Candidates), 0, "what the family said is gone");
    assert_eq!(hits(&mut setup, holding)[0].state, "withdrawn");
    assert_eq!(sought_entries(&setup, seeking), (0, 0));
}

#[test]
fn a_record_that_is_hidden_from_a_member_is_never_claimed_there() {
    let (mut setup, seeking, holding) = two(86, Faults::NONE);
    register(&mut setup, holding, PersonForm { visible_to: "except:SOUTH".to_owned(), ..protected() });
    open(&mut setup, seeking, agreed());
    let found = hit(&mut setup, holding);
    for user in ["desk", "focal-point"] {
        assert_eq!(ask(&mut setup, holding, user, &found).unwrap_err(), Failure::Blocked(Block::Audience));
    }
    setup.custody(holding, Custody::Locked);
    assert_eq!(setup.world.command(holding, Command::AskHits).unwrap_err(), Failure::Locked);
}

#[test]
fn before_a_claim_a_seeker_sees_the_same_whether_it_was_hit_or_not() {
    let leaves = |case: CaseForm| {
        let (mut setup, seeking, holding) = two(87, Faults::NONE);
        fill(&mut setup, holding, 3);
        register(&mut setup, holding, protected());
        open(&mut setup, seeking, case);
        setup.world.run_for(8 * DAY);
        let from = setup.world.identity(holding);
        let out: Vec<usize> = setup
            .world
            .delivered
            .iter()
            .filter(|(to, peer, _)| *to == seeking && *peer == from)
            .map(|(_, _, bytes)| bytes.len())
            .collect();
        (out, hits(&mut setup, holding).len())
    };
    let mut stranger = agreed();
    stranger.subjects[0].person = PersonForm { given: "Тарас".into(), birth: "1951-02-03".into(), ..people::other(5) };
    let ((hit, found), (missed, none)) = (leaves(agreed()), leaves(stranger));
    assert_eq!((found, none), (1, 0));
    assert!(hit.len() > 20);
    assert_eq!(hit, missed);
}

#[test]
fn asking_has_a_budget_of_its_own_and_what_is_short_waits_in_order() {
    let (mut setup, seeking, holding) = two(88, Faults::NONE);
    let mut people_asked = Vec::new();
    // All of them at one moment: they wait together.
    for number in 0..24 {
        let form = PersonForm { match_mode: "ask_only".to_owned(), ..people::other(number) };
        let Answer::PersonAdded(added) = insist(&mut setup, holding, &Command::PersonAdd { form: Box::new(form) }) else {
            panic!()
        };
        people_asked.push(added.person);
    }
    let (last, first) = (people_asked[0], people_asked[23]);
    for (person, rank) in [(first, 0), (last, 9)] {
        insist(&mut setup, holding, &Command::AskPriority { person: person.to_string(), rank });
    }
    setup.world.run_for(5 * HOUR);
    // Class S: seven days of two new ones at most, whatever waits.
    let query = |person: kinmesh_protocol::base::PersonId| {
        let id = (member("SOUTH"), Family::Sought, kinmesh_protocol::private_match::EntryId::from(person).subject());
        setup.world.nodes[holding].store.peek::<QueryRow>(&id)
    };
    assert_eq!(query(first).map(|query| query.epoch), Some(Epoch(1)), "the first in the queue was asked about");
    assert_eq!(query(last).map(|query| query.epoch), Some(Epoch(0)), "the last one waits");
    let budget = |family| setup.world.nodes[seeking].store.peek::<BudgetRow>(&(member("NORTH"), family));
    assert_eq!(budget(Family::Sought).map(|row| row.refs), Some(14));
    assert!(budget(Family::Registered).is_none(), "a search of NORTH still has all of its own budget");
    assert_eq!(asking(&mut setup, holding), AskingLine { records: 24, members: 1, waiting: 10 });
    let refused = setup.world.command(holding, Command::AskPriority { person: last.to_string(), rank: 10 });
    assert_eq!(refused.unwrap_err(), Failure::TooMany { limit: 9 });
}

#[test]
fn a_locked_node_asks_and_renews() {
    let (mut setup, seeking, holding) = two(89, Faults::NONE);
    register(&mut setup, holding, protected());
    setup.custody(holding, Custody::Locked);
    setup.world.run_for(32 * DAY);
    open(&mut setup, seeking, agreed());
    setup.world.run_for(ASKED);
    assert_eq!(candidates(&mut setup, holding).len(), 0);
    let epoch = setup.world.nodes[seeking].store.peek::<IndexState>(&()).unwrap().epoch;
    assert!(epoch >= Epoch(2));
    setup.custody(holding, Custody::Opened(desk()));
    assert_eq!(hits(&mut setup, holding).len(), 1, "found while nobody was there");
}

#[test]
fn a_holders_claim_survives_loss_duplicates_delays_restarts_and_refused_commits() {
    for seed in seeds(4) {
        let (mut setup, seeking, holding) = two(seed, Faults::BAD);
        fill(&mut setup, holding, 3);
        register(&mut setup, holding, protected());
        open(&mut setup, seeking, agreed());
        let found = hit(&mut setup, holding);
        ask_together(&mut setup, holding, &found);
        let mut shown = None;
        for _ in 0..60 {
            let victim = if setup.world.below(2) == 0 { seeking } else { holding };
            if setup.world.below(3) == 0 && setup.world.runs(victim) {
                let pause = setup.world.below(20 * HOUR);
                setup.world.restart(victim, pause);
            }
            shown = work(&mut setup, seeking, holding, 40 * HOUR);
            if shown.is_some() {
                break;
            }
        }
        assert!(shown.is_some(), "seed {seed}: nothing was disclosed");
    }
}
