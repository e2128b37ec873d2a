//! What a search reaches later: members that join after it began, and peers that were away for longer than a message lives.

use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState};
use kinmesh_protocol::roster::MemberStatus;
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::{Faults, people, start};

use crate::{HOUR, LONG, two};

#[test]
fn a_member_that_joins_later_is_asked_as_well() {
    let mut setup = start(21, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let (holding, seeking) = (setup.members[1], setup.members[2]);
    let suspended = setup.suspend("NORTH");
    let nodes = [setup.coordinator, setup.members[0], holding, seeking];
    for node in nodes {
        setup.give(node, suspended.clone()).expect("the roster");
    }
    setup.world.run_for(30 * HOUR);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(30 * HOUR);
    let admitted = setup.reinstate("NORTH");
    for node in nodes {
        setup.give(node, admitted.clone()).expect("the roster");
    }
    register(&mut setup, holding, people::registered());
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
    assert_eq!(setup.roster.members[1].status, MemberStatus::Active);
}

/// Parts the two for forty days in the moment in which the claim is in some state, and brings them together again.
fn away_when(seed: u64, is_so: impl Fn(&[ClaimOut], &[ClaimIn]) -> bool) {
    let (mut setup, seeking, holding) = two(seed, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(60 * HOUR);
    search(&mut setup, seeking, &[]);
    let claims = |world: &kinmesh_tests::simulation::World| {
        let out: Vec<ClaimOut> = world.nodes[seeking].store.all::<ClaimOut>().into_iter().map(|(_, claim)| claim).collect();
        let came: Vec<ClaimIn> = world.nodes[holding].store.all::<ClaimIn>().into_iter().map(|(_, claim)| claim).collect();
        is_so(&out, &came)
    };
    // In small steps: a claim may leave soon after it was made.
    let steps = (0..120 * HOUR / 20).position(|_| {
        setup.world.run_for(20);
        claims(&setup.world)
    });
    assert!(steps.is_some(), "the moment was missed");
    setup.world.part(seeking, holding);
    setup.world.run_for(40 * 24 * HOUR);
    setup.world.heal(seeking, holding);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn a_holder_that_was_away_for_longer_than_a_message_lives_gets_the_claim_all_the_same() {
    // The hit is there, the claim waits for a bag. Meanwhile the holder's epoch rolls, and the last one's index is destroyed.
    for seed in [22, 23, 24] {
        away_when(seed, |out, _| out.iter().any(|claim| !claim.left));
    }
}

#[test]
fn a_seeker_that_was_away_when_the_answer_was_drawn_still_sends_the_attributes() {
    for seed in [22, 23] {
        away_when(seed, |_, came| came.iter().any(|claim| claim.state == HolderState::AwaitAttributes));
    }
}
