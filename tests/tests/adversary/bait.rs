//! Bait: an owner whose set holds people whom it hunts. The breaker stops automatic claims, decoys give it away.

use std::collections::BTreeSet;

use kinmesh_protocol::base::{MemberId, SubjectId};
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut};
use kinmesh_protocol::engine::answer::BreakerLine;
use kinmesh_protocol::engine::{Answer, Command, NoticeCode};
use kinmesh_protocol::private_match::breaker::BreakerRow;
use kinmesh_protocol::private_match::owner::IndexRow;
use kinmesh_protocol::private_match::querier::{HitRow, QueryRow, SubjectRow};
use kinmesh_protocol::roster::ClassId;
use kinmesh_tests::simulation::bait::{guess, recorded, somebody};
use kinmesh_tests::simulation::desks::{close, insist, register, search_for};
use kinmesh_tests::simulation::network::start_with;
use kinmesh_tests::simulation::{Faults, Setup};

use crate::HOUR;

/// Answers take up to 48 hours and each of four messages waits for a bag.
const LONG: u64 = 200 * HOUR;

const NORTH: &str = "NORTH";

/// A large seeker and a holder; the record of a claim is no bound here.
fn network(seed: u64) -> (Setup, usize, usize) {
    let setup = start_with(seed, &[NORTH, "SOUTH"], 0, Faults::NONE, |roster| {
        for member in &mut roster.members {
            member.case_class = ClassId::XL;
        }
        (roster.limits.claims_a_day, roster.limits.claims_open) = (1_000, 1_000);
    });
    let (north, south) = (setup.members[0], setup.members[1]);
    (setup, south, north)
}

fn breaker(setup: &mut Setup, node: usize) -> BreakerLine {
    match insist(setup, node, &Command::BreakerList) {
        Answer::Breakers { breakers } => breakers[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn held(setup: &mut Setup, node: usize, reason: &str) -> usize {
    match insist(setup, node, &Command::SearchHeld) {
        Answer::Held { hits } => hits.iter().filter(|hit| hit.reason == reason).count(),
        other => panic!("{other:?}"),
    }
}

fn claims(setup: &Setup, node: usize) -> usize {
    setup.world.nodes[node].store.all::<ClaimIn>().len()
}

// BR-1.
#[test]
fn attack_17_a_bait_owner_gets_five_claims_and_a_supervisor_decides_on_more() {
    let (mut setup, seeking, holding) = network(261);
    for number in 0..12 {
        register(&mut setup, holding, recorded(number));
    }
    setup.world.run_for(30 * HOUR);
    for case in 0..4 {
        search_for(&mut setup, seeking, (case * 10..case * 10 + 10).map(somebody).collect());
    }
    setup.world.run_for(60 * HOUR);
    let line = breaker(&mut setup, seeking);
    assert_eq!((line.tested, line.lately, line.limit, line.state.as_str()), (40, 12, 5, "open"));
    assert_eq!(claims(&setup, holding), 5);
    assert_eq!(held(&mut setup, seeking, "breaker"), 7);
    let told = |setup: &Setup| setup.world.notices.iter().filter(|(_, notice)| notice.code == NoticeCode::BreakerOpened).count();
    assert_eq!(told(&setup), 1, "told once");
    let status = insist(&mut setup, seeking, &Command::Status);
    assert!(matches!(status, Answer::Status(status) if status.held_back == [MemberId::new(NORTH).unwrap()]));

    // A month later the count is down, and what was held back still waits for a person.
    setup.world.run_for(32 * 24 * HOUR);
    assert_eq!(claims(&setup, holding), 5);
    register(&mut setup, holding, recorded(20));
    setup.world.run_for(60 * HOUR);
    assert_eq!(claims(&setup, holding), 6, "a hit of another month goes by itself");
    assert_eq!(held(&mut setup, seeking, "breaker"), 7);

    let raise = Command::BreakerRaise { member: MemberId::new(NORTH).unwrap(), limit: 60, days: 28 };
    insist(&mut setup, seeking, &raise);
    setup.world.run_for(60 * HOUR);
    assert_eq!(claims(&setup, holding), 13);
    assert_eq!(held(&mut setup, seeking, "breaker"), 0);
}

fn decoys(setup: &Setup, node: usize) -> Vec<(SubjectId, SubjectRow)> {
    setup.world.nodes[node].store.all::<SubjectRow>().into_iter().filter(|(_, row)| row.decoy).collect()
}

// BR-2.
#[test]
fn attack_18_decoys_are_asked_and_tested_like_others_and_stand_in_no_list() {
    let (mut setup, seeking, holding) = network(262);
    for number in 40..52 {
        register(&mut setup, seeking, recorded(number));
    }
    let (case, _) = search_for(&mut setup, seeking, vec![somebody(1)]);
    setup.world.run_for(60 * HOUR);
    let found = decoys(&setup, seeking);
    assert_eq!(found.len(), 3);
    let store = setup.world.nodes[seeking].store.clone();
    for (decoy, row) in &found {
        let queries: Vec<_> = store.all::<QueryRow>().into_iter().filter(|((_, _, subject), _)| subject == decoy).collect();
        assert!(queries.iter().all(|(_, query)| query.tags.len() == row.keys.len()) && queries.len() == 1, "evaluated");
    }
    // No key in common with anybody of the own data.
    let own: BTreeSet<String> = store
        .all::<IndexRow>()
        .into_iter()
        .flat_map(|(_, row)| row.keys)
        .chain(store.all::<SubjectRow>().into_iter().filter(|(_, row)| !row.decoy).flat_map(|(_, row)| row.keys))
        .map(|key| key.expose().clone())
        .collect();
    assert!(found.iter().flat_map(|(_, row)| &row.keys).all(|key| !own.contains(key.expose())));
    let lines = insist(&mut setup, seeking, &Command::SearchStatus { case: None });
    assert!(matches!(lines, Answer::Searches { subjects, .. } if subjects.len() == 1));
    // They go with the last case.
    insist(&mut setup, seeking, &close(case));
    setup.world.run_for(HOUR);
    assert!(store.all::<QueryRow>().iter().all(|(_, query)| query.tags.is_empty()));
    let _ = holding;
    setup.world.run_for(58 * 24 * HOUR);
    assert_eq!(decoys(&setup, seeking).len(), 0);
}

// BR-3.
#[test]
fn attack_18_a_decoy_that_hits_is_never_claimed_and_flags_the_owner() {
    let (mut setup, seeking, holding) = network(263);
    for number in 40..52 {
        register(&mut setup, seeking, recorded(number));
    }
    register(&mut setup, holding, recorded(1));
    search_for(&mut setup, seeking, vec![somebody(1), somebody(2)]);
    setup.world.run_for(60 * HOUR);
    assert_eq!(claims(&setup, holding), 1);
    let (decoy, row) = decoys(&setup, seeking).remove(0);
    guess(&mut setup, holding, 90, row.keys);
    register(&mut setup, holding, recorded(2));
    setup.world.run_for(60 * HOUR);
    let store = setup.world.nodes[seeking].store.clone();
    let north = MemberId::new(NORTH).unwrap();
    assert!(store.peek::<HitRow>(&(decoy, north)).is_some(), "it hit");
    assert!(store.all::<ClaimOut>().iter().all(|(_, claim)| claim.subject != decoy), "and was not claimed");
    assert!(store.peek::<BreakerRow>(&north).unwrap().is_flagged());
    for code in [NoticeCode::DecoyHit, NoticeCode::OwnerFlagged] {
        assert!(setup.world.notices.iter().any(|(node, notice)| *node == seeking && notice.code == code), "{code:?}");
    }
    assert_eq!(breaker(&mut setup, seeking).state, "flagged");
    // The other subject's hit came after it, or before: at most that one is claimed beside the first.
    let claimed = claims(&setup, holding);
    assert!(claimed <= 2);
    let claim = Command::SearchClaim { subject: decoy.to_string(), owner: north };
    assert!(setup.world.command(seeking, claim).is_err(), "not by a person either");
    register(&mut setup, holding, recorded(3));
    search_for(&mut setup, seeking, vec![somebody(3)]);
    setup.world.run_for(LONG);
    assert_eq!(claims(&setup, holding), claimed, "nothing goes to a flagged owner by itself");
    assert!(held(&mut setup, seeking, "breaker") >= 1);
    insist(&mut setup, seeking, &Command::BreakerReset { member: north });
    assert_eq!(breaker(&mut setup, seeking).state, "closed");
}
