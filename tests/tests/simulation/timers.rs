//! Timers over a long time: what a flapping link, a suspension and a return leave behind.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::roster::Pace;
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::{Faults, Setup, people, start_with};

use crate::{HOUR, LONG, two};

/// Timers of a node with one peer: bag, set, public messages, forgetting, calling again, epochs, rounds, one to spare.
const TIMERS: usize = 8;

/// A node has no more timers than its peers and its own work need.
fn has_few_timers(setup: &Setup, node: usize) {
    let timers = setup.world.nodes[node].store.keys(Tree::Due);
    assert!(timers.len() <= TIMERS, "{} timers: {timers:x?}", timers.len());
}

#[test]
fn a_link_that_flaps_adds_no_timers() {
    let (mut setup, seeking, holding) = two(13, Faults::NONE);
    setup.world.run_for(20 * HOUR);
    for _ in 0..8 {
        setup.world.part(seeking, holding);
        setup.world.run_for(15 * HOUR);
        setup.world.heal(seeking, holding);
        setup.world.run_for(15 * HOUR);
        setup.world.crash(seeking);
        setup.world.run_for(HOUR);
        setup.world.start(seeking);
    }
    setup.world.run_for(30 * HOUR);
    for node in [seeking, holding] {
        has_few_timers(&setup, node);
    }
}

#[test]
fn a_peer_that_is_away_is_called_more_and_more_rarely_and_found_again() {
    let (mut setup, seeking, holding) = two(14, Faults::NONE);
    setup.world.run_for(20 * HOUR);
    setup.world.part(seeking, holding);
    // The first wait is a quarter to half of an hour of this network, the longest eight times that.
    let first = dials(&mut setup, seeking, 2 * HOUR);
    setup.world.run_for(10 * HOUR);
    let later = dials(&mut setup, seeking, 40 * HOUR);
    assert!(first >= 2, "{first} calls in the first two hours");
    assert!((8..=22).contains(&later), "{later} calls in forty hours");
    assert_eq!(link(&mut setup, seeking), "down");
    setup.world.heal(seeking, holding);
    setup.world.run_for(5 * HOUR);
    assert_eq!(link(&mut setup, seeking), "direct");
}

/// How often NORTH or the coordination node is called in a time.
fn dials(setup: &mut Setup, node: usize, time: u64) -> usize {
    let before = setup.world.nodes[node].dials;
    setup.world.run_for(time);
    setup.world.nodes[node].dials - before
}

/// How NORTH is reached.
fn link(setup: &mut Setup, node: usize) -> String {
    let Ok(Answer::Status(status)) = setup.world.command(node, Command::Status) else { panic!("a status") };
    let line = status.links.iter().find(|line| line.member.as_str() == "NORTH").expect("a line");
    assert!(line.seen.is_some_and(|seen| seen % 3_600 == 0), "the hour alone is kept");
    line.link.clone()
}

#[test]
fn bags_keep_their_rate_when_links_flap() {
    let (mut setup, seeking, holding) = two(16, Faults::NONE);
    for _ in 0..8 {
        setup.world.part(seeking, holding);
        setup.world.run_for(15 * HOUR);
        setup.world.heal(seeking, holding);
        setup.world.run_for(15 * HOUR);
    }
    let peer = setup.world.identity(seeking);
    let before = setup.world.delivered.len();
    setup.world.run_for(240 * HOUR);
    let bags = setup.world.delivered[before..].iter().filter(|(to, from, bytes)| {
        // A bag is the only cell of its size.
        *to == holding && *from == peer && (32_768..40_000).contains(&bytes.len())
    });
    let bags = bags.count();
    assert!((34..=48).contains(&bags), "{bags} bags in 240 hours, one in six hours is the rule");
}

#[test]
fn a_quicker_pace_counts_at_once() {
    let mut setup = start_with(18, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| roster.pace = Pace::standard());
    let (north, south) = (setup.members[0], setup.members[1]);
    setup.world.run_for(3_600_000);
    let quicker = setup.next(|roster| roster.pace = Pace::drill(HOUR));
    for node in [setup.coordinator, north, south] {
        setup.give(node, quicker.clone()).expect("the roster");
    }
    register(&mut setup, north, people::registered());
    let before = setup.world.delivered.len();
    setup.world.run_for(20 * HOUR);
    let bags = setup.world.delivered[before..].iter().filter(|(_, _, bytes)| (32_768..40_000).contains(&bytes.len())).count();
    assert!((4..=8).contains(&bags), "{bags} bags in 20 hours between two members");
    search(&mut setup, south, &[]);
    assert!(work(&mut setup, south, north, LONG).is_some(), "the set was asked for by the new pace");
    for node in [north, south] {
        has_few_timers(&setup, node);
    }
}

#[test]
fn a_member_that_is_reinstated_takes_part_again() {
    let (mut setup, seeking, holding) = two(17, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(60 * HOUR);
    let suspended = setup.suspend("NORTH");
    for node in [setup.coordinator, seeking] {
        setup.give(node, suspended.clone()).expect("the roster");
    }
    // Longer than any of its timers.
    setup.world.run_for(60 * HOUR);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(10 * HOUR);
    let reinstated = setup.reinstate("NORTH");
    for node in [setup.coordinator, seeking, holding] {
        setup.give(node, reinstated.clone()).expect("the roster");
    }
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn a_short_suspension_adds_no_timers() {
    let (mut setup, seeking, holding) = two(17, Faults::NONE);
    setup.world.run_for(60 * HOUR);
    for _ in 0..4 {
        let suspended = setup.suspend("NORTH");
        for node in [setup.coordinator, seeking] {
            setup.give(node, suspended.clone()).expect("the roster");
        }
        setup.world.run_for(HOUR);
        let reinstated = setup.reinstate("NORTH");
        for node in [setup.coordinator, seeking, holding] {
            setup.give(node, reinstated.clone()).expect("the roster");
        }
        setup.world.run_for(3 * HOUR);
    }
    setup.world.run_for(30 * HOUR);
    for node in [setup.coordinator, seeking] {
        has_few_timers(&setup, node);
    }
}
