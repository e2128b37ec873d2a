//! The caps on claims: what is beyond them looks like a miss at the holder, and an honest claimant never meets them.

use kinmesh_protocol::base::record::{Record, Tree};
use kinmesh_protocol::base::{ClaimId, MemberId, Millis};
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState, SeekerState};
use kinmesh_protocol::casework::claim_pace::{ClaimsOfPair, WaitingClaim};
use kinmesh_protocol::engine::Command;
use kinmesh_protocol::person::PersonForm;
use kinmesh_tests::simulation::desks::{insist, register, search_for};
use kinmesh_tests::simulation::network::start_with;
use kinmesh_tests::simulation::{Faults, Setup, people};

use super::{HOUR, LONG, seeds, two};

fn rows<R: Record>(setup: &Setup, node: usize) -> Vec<(R::Id, R)> {
    setup.world.nodes[node].store.all::<R>()
}

fn answered(setup: &Setup, holder: usize, state: HolderState) -> Vec<ClaimId> {
    rows::<ClaimIn>(setup, holder).into_iter().filter(|(_, claim)| claim.state == state).map(|(id, _)| id).collect()
}

/// Somebody registered, and the same person sought.
fn pair(number: usize) -> (PersonForm, PersonForm) {
    let person = people::other(number);
    (person.clone(), PersonForm { id: Default::default(), legal_basis: String::new(), ..person })
}

// BU-7.
#[test]
fn the_fourth_claim_on_a_record_gets_none_and_writes_the_same() {
    let (mut setup, seeking, holding) = two(201, Faults::NONE);
    register(&mut setup, holding, people::registered());
    // Four relatives seek the same son.
    for _ in 0..4 {
        search_for(&mut setup, seeking, vec![people::sought()]);
    }
    setup.world.watch = true;
    setup.world.run_for(LONG);
    let claims = rows::<ClaimIn>(&setup, holding);
    assert_eq!(claims.len(), 4);
    let none = answered(&setup, holding, HolderState::None);
    assert_eq!(none.len(), 1, "the fourth one");
    let seeker = rows::<ClaimOut>(&setup, seeking);
    assert_eq!(
        seeker.iter().filter(|(_, claim)| claim.state == SeekerState::Closed).map(|(id, _)| *id).collect::<Vec<_>>(),
        none
    );
    assert_eq!(setup.world.nodes[holding].store.peek::<ClaimsOfPair>(&claims[0].1.seeker).unwrap().open, 3);
    // The four commits that answered write rows of the same kinds and sizes.
    let answers: Vec<_> = setup.world.shapes.iter().filter(|(node, shape)| *node == holding && is_answer(shape)).collect();
    assert_eq!(answers.len(), 4);
    for (_, shape) in &answers {
        assert_eq!(sorted(shape), sorted(&answers[0].1));
    }
}

/// A commit that answers a claim and does nothing else: one claim, one message for a bag.
fn is_answer(shape: &[(Tree, Option<usize>)]) -> bool {
    let put = |tree: Tree| shape.iter().filter(|(found, length)| *found == tree && length.is_some()).count();
    put(Tree::Claims) == 1 && put(Tree::Outbox) == 1 && put(Tree::Peer) == 2 && put(Tree::Candidates) == 0
}

fn sorted(shape: &[(Tree, Option<usize>)]) -> Vec<(Tree, Option<usize>)> {
    // The row of counters is as long as the numbers that it holds: how often anything was sent before.
    let counters = |(tree, length): &(Tree, Option<usize>)| (*tree, if *tree == Tree::Own { length.map(|_| 0) } else { *length });
    let mut shape: Vec<_> = shape.iter().map(counters).collect();
    shape.sort();
    shape
}

#[test]
fn what_a_record_is_claimed_more_often_for_waits_ninety_days() {
    // A day is two hours: a quarter of a year fits into a week.
    let mut setup = start_with(202, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        roster.pace.delta = Millis::seconds(2);
    });
    let (holding, seeking) = (setup.members[0], setup.members[1]);
    register(&mut setup, holding, people::registered());
    for _ in 0..4 {
        search_for(&mut setup, seeking, vec![people::sought()]);
    }
    setup.world.run_for(100 * HOUR);
    assert_eq!(answered(&setup, holding, HolderState::None).len(), 1);
    setup.world.run_for(181 * HOUR);
    search_for(&mut setup, seeking, vec![people::sought()]);
    setup.world.run_for(LONG);
    assert_eq!(answered(&setup, holding, HolderState::None).len(), 1, "the fifth one meets the record again");
    assert_eq!(rows::<ClaimIn>(&setup, holding).len(), 5);
}

#[test]
fn an_honest_claimant_never_meets_the_caps_however_the_carrier_behaves() {
    for seed in seeds(1) {
        let (mut setup, seeking, holding) = two(seed, Faults::BAD);
        for number in 0..14 {
            register(&mut setup, holding, pair(number).0);
        }
        let north = MemberId::new("NORTH").unwrap();
        insist(&mut setup, seeking, &Command::BreakerRaise { member: north, limit: 100, days: 90 });
        for number in 0..14 {
            search_for(&mut setup, seeking, vec![pair(number).1]);
        }
        // The holder is away for days: claims wait at the claimant, not on the road.
        setup.world.run_for(90 * HOUR);
        for _ in 0..4 {
            if setup.world.runs(holding) {
                setup.world.restart(holding, 50 * HOUR);
            }
            setup.world.run_for(60 * HOUR);
        }
        setup.world.faults = Faults::NONE;
        setup.world.run_for(6 * 24 * HOUR);
        let claims = rows::<ClaimIn>(&setup, holding);
        assert!(claims.len() >= 10, "seed {seed}: {} claims", claims.len());
        assert!(claims.iter().all(|(_, claim)| !claim.beyond), "seed {seed}");
        let waiting = rows::<WaitingClaim>(&setup, seeking).len();
        assert_eq!(rows::<ClaimOut>(&setup, seeking).len(), waiting + claims.len(), "seed {seed}: what does not leave waits");
    }
}
