//! What a search reaches later: members that join after it began, and peers that were away for longer than a message lives.

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

#[test]
fn a_holder_that_was_away_for_longer_than_a_message_lives_gets_the_claim_all_the_same() {
    let (mut setup, seeking, holding) = two(22, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(60 * HOUR);
    search(&mut setup, seeking, &[]);
    // The hit is there, the claim waits for a bag.
    setup.world.run_until(30 * HOUR, |world| world.nodes[seeking].store.count(kinmesh_protocol::base::record::Tree::Claims) == 1);
    setup.world.part(seeking, holding);
    setup.world.run_for(40 * 24 * HOUR);
    setup.world.heal(seeking, holding);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}
