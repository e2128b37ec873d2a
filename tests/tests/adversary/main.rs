//! The attacks of the threat model that concern sets, evaluation, claims, bags, replay, encodings and leaks: each a test with
//! its number, against whole networks of engines in virtual time, with real bytes and real rows.
//!
//! Attacks on rosters and keys are in the test `roster`, those on storage beside the store. What each of them costs
//! stands in docs/src/threat-model.md, the bounds in docs/src/protocol.md.
//! `KINMESH_SEED=n..m` runs the randomised ones with those seeds.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

mod audits;
mod bait;
mod claims;
mod classifier;
mod deltas;
mod encodings;
mod erasure;
mod evaluation;
mod keys;
mod leaks;
mod observer;
mod paired;
mod raw;
mod replay;
mod sets;
mod table;
mod traffic;

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::NoticeCode;
use kinmesh_tests::simulation::{Faults, Setup, start};

const HOUR: u64 = kinmesh_tests::simulation::network::HOUR_MS;
const DAY: u64 = 24 * HOUR;

/// The seeds of a randomised test: so many from 1, or those that the environment names.
fn seeds(count: u64) -> Vec<u64> {
    let number = |text: &str| text.parse().expect("KINMESH_SEED is a number, or two with .. between");
    match std::env::var("KINMESH_SEED") {
        Err(_) => (1..=count).collect(),
        Ok(text) => match text.split_once("..") {
            Some((first, end)) => (number(first)..number(end)).collect(),
            None => vec![number(&text)],
        },
    }
}

/// NORTH and SOUTH, both working, with their places in the world.
fn two(seed: u64) -> (Setup, usize, usize) {
    println!("seed {seed}");
    let setup = start(seed, &["NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[0], setup.members[1]);
    (setup, north, south)
}

/// Rows of a tree at a node.
fn count(setup: &Setup, node: usize, tree: Tree) -> usize {
    setup.world.nodes[node].store.count(tree)
}

/// How often a node said so, with the number that it said.
fn noticed(setup: &Setup, node: usize, code: NoticeCode) -> Vec<u64> {
    let of_node = setup.world.notices.iter().filter(|(at, notice)| *at == node && notice.code == code);
    of_node.map(|(_, notice)| notice.number).collect()
}
