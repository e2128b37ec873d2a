//! Changes of custodians, and a member that was away over several of them.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_protocol::envelope::Item;
use kinmesh_protocol::roster::key_chain::KEY_ANNOUNCEMENT;
use kinmesh_protocol::roster::{Roster, assemble, sign_roster, verify};
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, start};

use crate::HOUR;

/// Three custodians that nobody had before.
fn fresh(number: u8) -> Vec<SigningKey> {
    (0..3).map(|place| SigningKey::from_bytes(&[number * 16 + place; 32])).collect()
}

fn signed(roster: &Roster, keys: &[SigningKey]) -> Vec<u8> {
    let payload = roster.payload();
    let mut signatures: Vec<_> = keys.iter().map(|key| sign_roster(&network_id(), &payload, key)).collect();
    signatures.sort();
    assemble(&payload, signatures)
}

/// The next version under other custodians, signed by all of the old and of the new ones.
fn change(setup: &mut Setup, to: Vec<SigningKey>, life: u64) -> Vec<u8> {
    let mut keys: Vec<[u8; 32]> = to.iter().map(|key| key.verifying_key().to_bytes()).collect();
    keys.sort_unstable();
    let _unsigned = setup.next(|roster| {
        roster.custodians.keys = keys;
        roster.expires = roster.issued + life;
    });
    let all: Vec<SigningKey> = setup.custodians.iter().chain(&to).cloned().collect();
    setup.custodians = to;
    signed(&setup.roster, &all)
}

fn version(setup: &mut Setup, node: usize) -> u64 {
    match setup.world.command(node, Command::RosterShow) {
        Ok(Answer::Roster(roster)) => roster.version,
        other => panic!("{other:?}"),
    }
}

const LONG: u64 = 400 * 86_400;

#[test]
fn a_member_that_was_away_over_two_changes_of_custodians_follows_by_itself() {
    let mut setup = start(81, &["NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[0], setup.members[1]);
    setup.world.run_for(10 * HOUR);
    setup.world.crash(south);
    setup.world.crash(setup.coordinator);
    for number in 1..=2 {
        let changed = change(&mut setup, fresh(number), LONG);
        setup.give(north, changed).expect("a change of custodians");
        setup.world.run_for(2_000);
        let ordinary = setup.next(|_| {});
        setup.give(north, ordinary).expect("an ordinary version");
        setup.world.run_for(2_000);
    }
    assert_eq!(version(&mut setup, north), 5);
    setup.world.start(south);
    assert_eq!(version(&mut setup, south), 1);
    setup.world.run_for(20 * HOUR);
    assert_eq!(version(&mut setup, south), 5);
    // It passes them on in turn, by a file as well.
    let Ok(Answer::Public { items }) = setup.world.command(south, Command::PublicGive) else { panic!("public messages") };
    setup.world.start(setup.coordinator);
    let take = Command::PublicTake { items, fingerprint: None };
    let taken = setup.world.command(setup.coordinator, take.clone());
    assert!(matches!(taken, Ok(Answer::PublicTaken { accepted: 3, roster_version: 5, .. })), "{taken:?}");
    let again = setup.world.command(setup.coordinator, take);
    assert!(matches!(again, Ok(Answer::PublicTaken { accepted: 0, roster_version: 5, .. })), "{again:?}");
}

// All announcements from everybody to everybody would be the cube of the members.
#[test]
fn a_new_roster_goes_round_without_everybodys_keys() {
    let mut setup = start(83, &["EAST", "NORTH", "SOUTH", "WEST"], Faults::NONE);
    let members = setup.members.clone();
    setup.world.run_for(10 * HOUR);
    setup.world.crash(setup.coordinator);
    let before = setup.world.delivered.len();
    let next = setup.next(|_| {});
    setup.give(members[0], next).expect("the next version");
    setup.world.run_for(2_000);
    for member in members {
        assert_eq!(version(&mut setup, member), 2);
    }
    let items: Vec<Item> = setup.world.delivered[before..].iter().filter_map(|(_, _, bytes)| Item::parse(bytes).ok()).collect();
    let announcements =
        items.iter().filter(|item| matches!(item, Item::Message(said) if said.claimed_kind() == KEY_ANNOUNCEMENT));
    assert_eq!(announcements.count(), 0, "of {} items", items.len());
    assert!(items.len() >= 12);
}

// RO-11.
#[test]
fn a_change_of_custodians_that_has_run_out_is_a_step_and_is_never_held() {
    let mut setup = start(82, &["NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[0], setup.members[1]);
    setup.world.run_for(10 * HOUR);
    setup.world.crash(south);
    setup.world.crash(setup.coordinator);
    let short = change(&mut setup, fresh(3), 30);
    setup.give(north, short.clone()).expect("a change of custodians");
    let later = change(&mut setup, fresh(4), LONG);
    setup.give(north, later.clone()).expect("another one");
    setup.world.run_for(60_000);
    setup.world.part(north, south);
    setup.world.start(south);
    let refused = setup.give(south, later.clone()).err();
    assert!(matches!(refused, Some(Failure::Public(_))), "{refused:?}");
    setup.give(south, short.clone()).expect("a step");
    assert_eq!(version(&mut setup, south), 1, "what has run out is not held");
    // What it is verified with is durable, and what came before it is old news.
    setup.world.restart(south, 0);
    setup.world.run_for(1_000);
    assert!(matches!(setup.give(south, short), Ok(Answer::PublicTaken { accepted: 0, known: 1, roster_version: 1 })));
    setup.give(south, later).expect("the later roster");
    assert_eq!(version(&mut setup, south), 3);
}

#[test]
fn an_expired_change_that_the_old_custodians_did_not_sign_is_no_step() {
    let mut setup = start(83, &["NORTH", "SOUTH"], Faults::NONE);
    let south = setup.members[1];
    let old = setup.custodians.clone();
    let thieves = fresh(5);
    let mut forged = setup.roster.clone();
    forged.prev_hash = verify::payload_hash(&forged.payload());
    forged.version += 1;
    forged.custodians.keys = thieves.iter().map(|key| key.verifying_key().to_bytes()).collect();
    forged.custodians.keys.sort_unstable();
    forged.expires = forged.issued + 5;
    setup.world.run_for(20_000);
    // Two of the three whose whole number a change needs.
    let some: Vec<SigningKey> = thieves.iter().chain(old.iter().take(2)).cloned().collect();
    for keys in [thieves.clone(), some] {
        assert!(setup.give(south, signed(&forged, &keys)).is_err());
    }
    let next = setup.next(|_| {});
    assert!(setup.give(south, next).is_ok(), "nothing of it stayed");
}
