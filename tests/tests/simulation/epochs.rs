//! Epochs over weeks: keys roll, queriers renew, what drained is gone, and a search goes on across it all.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{Epoch, Timestamp};
use kinmesh_protocol::engine::{Answer, Command, Custody};
use kinmesh_protocol::private_match::owner::{EpochKey, RetiredEpoch, RollRow};
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::{HOUR, LONG, fill, seeds, two};

const DAY: u64 = 24 * HOUR;

fn epoch(setup: &mut Setup, node: usize) -> u32 {
    match setup.world.command(node, Command::Status) {
        Ok(Answer::Status(status)) => status.epoch,
        other => panic!("{other:?}"),
    }
}

fn evaluated(setup: &mut Setup, node: usize) -> usize {
    setup.world.nodes[node].store.count(Tree::Budget)
}

// EP-5.
#[test]
fn a_search_goes_on_across_rolls_and_finds_who_is_registered_later() {
    let (mut setup, seeking, holding) = two(31, Faults::NONE);
    fill(&mut setup, holding, 30);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(2 * DAY);
    let refs = evaluated(&mut setup, holding);
    assert!(refs > 0);
    setup.world.run_for(65 * DAY);
    assert!(epoch(&mut setup, holding) >= 3, "two epochs went by");
    // Padding of a renewal is new each time; the subject's own reference stays one.
    assert!(evaluated(&mut setup, holding) <= refs + 6);
    register(&mut setup, holding, people::registered());
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn a_claim_under_the_last_epoch_is_answered_after_the_roll() {
    let (mut setup, seeking, holding) = two(32, Faults::NONE);
    register(&mut setup, holding, people::registered());
    let before = epoch(&mut setup, holding);
    let roll = |setup: &Setup| setup.world.nodes[holding].store.peek::<RollRow>(&()).map(|plan| plan.at);
    setup.world.run_until(60 * DAY, |world| {
        let at = world.nodes[holding].store.peek::<RollRow>(&()).map_or(Timestamp(u64::MAX), |plan| plan.at);
        at.0 <= world.now().0 + 20 * HOUR
    });
    assert_eq!(epoch(&mut setup, holding), before);
    let at = roll(&setup);
    search(&mut setup, seeking, &[]);
    setup.world.run_until(19 * HOUR, |world| world.nodes[seeking].store.count(Tree::Claims) == 1);
    assert_eq!(roll(&setup), at, "it did not roll yet");
    setup.world.run_until(
        DAY,
        |world| matches!(world.command(holding, Command::Status), Ok(Answer::Status(status)) if status.epoch > before),
    );
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

// EP-2, EP-4: both epochs are indexed, then the old one goes.
#[test]
fn a_key_that_was_rolled_away_from_is_destroyed_and_its_index_with_it() {
    let (mut setup, _, holding) = two(33, Faults::NONE);
    fill(&mut setup, holding, 20);
    setup.world.run_for(HOUR);
    let tags = setup.world.nodes[holding].store.bearers().len();
    setup.world.run_until(
        60 * DAY,
        |world| matches!(world.command(holding, Command::Status), Ok(Answer::Status(status)) if status.epoch == 2),
    );
    let store = |setup: &Setup, epoch: u32| setup.world.nodes[holding].store.peek::<EpochKey>(&Epoch(epoch)).is_some();
    assert!(store(&setup, 1) && store(&setup, 2));
    assert_eq!(setup.world.nodes[holding].store.bearers().len(), 2 * tags, "both epochs are indexed");
    // Evaluations drain for 72 hours, claims for 14 days.
    setup.world.run_for(4 * DAY);
    assert!(!store(&setup, 1), "the key is destroyed");
    assert_eq!(setup.world.nodes[holding].store.bearers().len(), 2 * tags);
    setup.world.run_for(12 * DAY);
    assert!(setup.world.nodes[holding].store.peek::<RetiredEpoch>(&Epoch(1)).is_none());
    assert_eq!(setup.world.nodes[holding].store.bearers().len(), tags);
}

// ST-3.
#[test]
fn a_locked_node_rolls_and_renews() {
    let (mut setup, seeking, holding) = two(34, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(2 * HOUR);
    for node in [seeking, holding] {
        setup.custody(node, Custody::Locked);
    }
    setup.world.run_for(70 * DAY);
    for node in [seeking, holding] {
        assert!(epoch(&mut setup, node) >= 3);
        setup.custody(node, Custody::Opened(crate::desk()));
    }
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn two_members_that_rolled_while_apart_go_on_when_they_meet() {
    let (mut setup, seeking, holding) = two(35, Faults::NONE);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(DAY);
    setup.world.part(seeking, holding);
    setup.world.run_for(61 * DAY);
    register(&mut setup, holding, people::registered());
    setup.world.heal(seeking, holding);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn a_suspension_rolls_every_others_key_within_a_week_at_times_of_their_own() {
    let ids = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let mut setup = start(36, &ids, Faults::NONE);
    setup.world.run_for(DAY);
    let members = setup.members.clone();
    let before: Vec<u32> = members.iter().map(|node| epoch(&mut setup, *node)).collect();
    let suspended = setup.suspend("H");
    for node in members.iter().take(7).chain([&setup.coordinator.clone()]) {
        setup.give(*node, suspended.clone()).expect("the roster");
    }
    let plans: Vec<u64> =
        members.iter().take(7).map(|node| setup.world.nodes[*node].store.peek::<RollRow>(&()).expect("a plan").at.0).collect();
    let mut hours: Vec<u64> = plans.iter().map(|at| at / HOUR).collect();
    hours.sort_unstable();
    hours.dedup();
    assert!(hours.len() >= 5, "{hours:?}");
    setup.world.run_for(7 * DAY + 2 * HOUR);
    for (node, before) in members.iter().zip(before).take(7) {
        assert!(epoch(&mut setup, *node) > before, "{node}");
    }
}

#[test]
fn a_search_survives_rolls_under_faults() {
    for seed in seeds(2) {
        println!("seed {seed}");
        let (mut setup, seeking, holding) = two(seed, Faults::BAD);
        fill(&mut setup, holding, 5);
        search(&mut setup, seeking, &[]);
        setup.world.run_for(40 * DAY);
        setup.world.faults = Faults::NONE;
        setup.world.run_for(2 * DAY);
        register(&mut setup, holding, people::registered());
        assert!(work(&mut setup, seeking, holding, LONG).is_some(), "seed {seed}");
    }
}
