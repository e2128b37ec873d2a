//! Bundles carried by hand between simulated societies, as the command line makes and takes them.

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::{Answer, BundleOutcome, BundlePlace, Command, Failure, Seat};

use crate::simulation::desks::insist;
use crate::simulation::network::Setup;

/// Waits for one item or part, at most: more would be a node that hangs.
const WAITS: usize = 400;

/// The items of a bundle from one node for another.
///
/// # Panics
/// When the node does not make one.
pub fn export(setup: &mut Setup, from: usize, to: usize) -> Vec<Vec<u8>> {
    let Seat::Member(member) = setup.world.nodes[to].seat else { panic!("a bundle is for a member") };
    let (mut items, mut place, mut waits) = (Vec::new(), None, 0);
    loop {
        let part = part(setup, from, member, place);
        items.extend(part.0);
        match part.1 {
            None => return items,
            next => place = next,
        }
        if part.2 > 0 {
            waits += 1;
            assert!(waits < WAITS, "the bundle waits for ever at {place:?}");
            setup.world.run_for(u64::from(part.2));
        }
    }
}

fn part(setup: &mut Setup, from: usize, to: MemberId, place: Option<BundlePlace>) -> (Vec<Vec<u8>>, Option<BundlePlace>, u32) {
    match insist(setup, from, &Command::BundlePart { to, place }) {
        Answer::BundlePart { items, next, wait_ms, .. } => (items, next, wait_ms),
        other => panic!("{other:?}"),
    }
}

/// What a node says to each item of a bundle.
///
/// # Panics
/// When the node answers something else.
pub fn import(setup: &mut Setup, node: usize, items: &[Vec<u8>]) -> Vec<BundleOutcome> {
    (0..).zip(items).map(|(place, item)| take(setup, node, item, place == 0)).collect()
}

fn take(setup: &mut Setup, node: usize, item: &[u8], first: bool) -> BundleOutcome {
    for _ in 0..WAITS {
        let command = Command::BundleTake { item: item.to_vec(), first };
        match setup.world.command(node, command) {
            Ok(Answer::BundleTaken { outcome: BundleOutcome::Busy { wait_ms } }) => setup.world.run_for(u64::from(wait_ms)),
            Ok(Answer::BundleTaken { outcome }) => return outcome,
            Err(Failure::Store) => setup.world.run_for(200),
            other => panic!("{other:?}"),
        }
    }
    panic!("the node stays busy")
}

/// Messages of the cells that had not come before.
#[must_use]
pub fn fresh(outcomes: &[BundleOutcome]) -> u32 {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            BundleOutcome::Cell { fresh, .. } => *fresh,
            _ => 0,
        })
        .sum()
}

/// Codes of what was refused.
#[must_use]
pub fn refused(outcomes: &[BundleOutcome]) -> Vec<u8> {
    outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            BundleOutcome::Refused { code } => Some(*code),
            _ => None,
        })
        .collect()
}

/// Carries a bundle from one node to the other.
///
/// # Panics
/// When an item is refused.
pub fn carry(setup: &mut Setup, from: usize, to: usize) -> Vec<BundleOutcome> {
    let items = export(setup, from, to);
    let outcomes = import(setup, to, &items);
    assert!(refused(&outcomes).is_empty(), "{:?} of {} items", refused(&outcomes), items.len());
    outcomes
}
