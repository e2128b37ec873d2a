//! Bytes that were good once, or elsewhere: replayed, reflected, signed anew; old sets, wrong clocks, crashes in the middle.

use std::collections::BTreeSet;

use kinmesh_protocol::base::record::{Record, Tree, row_key};
use kinmesh_protocol::base::{Epoch, Party};
use kinmesh_protocol::engine::{Bulk, NoticeCode, Receipt};
use kinmesh_protocol::envelope::Refusal;
use kinmesh_protocol::private_match::owner::{BudgetRow, EpochKey, EvaluatedRow, IndexState, RefRow};
use kinmesh_protocol::private_match::querier::QueryRow;
use kinmesh_protocol::private_match::{Family, LabelKey, Tag};
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::hostile::{Hostile, member_at};
use kinmesh_tests::simulation::{Faults, Setup, people, sets, start};

use crate::raw::{Sign1, protected, replaced};
use crate::sets::held;
use crate::{DAY, HOUR, noticed, two};

/// Rows of all that an item may change at a node: claims, records, hits, questions, budgets, sets.
fn matters(setup: &Setup, node: usize) -> [usize; 7] {
    [Tree::Claims, Tree::Candidates, Tree::Hits, Tree::Queries, Tree::Budget, Tree::SetsIn, Tree::Audit]
        .map(|tree| setup.world.nodes[node].store.count(tree))
}

/// Brings bytes and tells whether they left any trace but in the counters of the peer.
fn has_effect(setup: &mut Setup, node: usize, bring: impl FnOnce(&mut Setup)) -> bool {
    let before = setup.world.nodes[node].store.digest_but(Some(Tree::Peer));
    bring(setup);
    setup.world.nodes[node].store.digest_but(Some(Tree::Peer)) != before
}

// VE-5, VE-10, CO-1: addressee, network and type are signed, and an id counts once.
#[test]
fn attack_24_nothing_counts_twice_elsewhere_or_as_something_else() {
    println!("seed 24");
    let mut setup = start(24, &["ATOLL", "NORTH", "SOUTH"], Faults::NONE);
    let (atoll, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
    register(&mut setup, north, people::registered());
    search(&mut setup, south, &[]);
    work(&mut setup, south, north, 20 * DAY).expect("a disclosure");
    setup.world.run_for(2 * DAY);
    let said: Vec<_> = setup.world.delivered.clone();
    // The last of each kind of item are enough: the journey is over, and every type is among them.
    let cells: Vec<_> =
        said.iter().filter(|(to, _, bytes)| bytes.len() > 20_000 && [north, south].contains(to)).cloned().collect();
    let kinds: BTreeSet<u64> = [1, 2]
        .into_iter()
        .flat_map(|place| {
            let listener = Hostile::beside(&setup, place);
            listener.heard(&setup, 0).into_iter().map(|heard| heard.message.header.kind).collect::<Vec<_>>()
        })
        .collect();
    for kind in [20, 21, 22, 23, 30, 31, 40, 41, 42, 44, 45] {
        assert!(kinds.contains(&kind), "no message of type {kind} among {kinds:?}");
    }
    println!("{} cells", cells.len());
    for round in ["at once", "after a restart"] {
        if round == "after a restart" {
            for node in [north, south] {
                setup.world.restart(node, 1);
            }
            setup.world.run_for(2 * HOUR);
        }
        for (number, (to, peer, bytes)) in cells.iter().enumerate() {
            if number % 40 == 39 {
                // A peer may have so many cells opened an hour.
                setup.world.run_for(HOUR);
            }
            let replay = |setup: &mut Setup| assert_ne!(setup.world.offer(*to, *peer, bytes.clone()), Receipt::Busy(0));
            assert!(!has_effect(&mut setup, *to, replay), "{round}: item {number} had an effect");
            // A file leaves a word that it came, which the next bundle takes back; nothing else.
            let before = matters(&setup, *to);
            assert_ne!(setup.world.offer_file(*to, bytes.clone()), Receipt::Busy(0));
            assert_eq!(matters(&setup, *to), before, "{round}: item {number} by a file");
        }
    }
    for (number, (to, peer, bytes)) in cells.iter().enumerate() {
        let other = if *to == north { south } else { north };
        let receiver = setup.world.identity(*to);
        for (what, node, by) in [("reflected to its sender", other, receiver), ("for another", atoll, *peer)] {
            let before = setup.world.nodes[node].store.digest();
            let receipt = setup.world.offer(node, by, bytes.clone());
            assert_eq!(receipt, Receipt::Refused(6), "item {number} {what}: E_CONTEXT");
            assert_eq!(setup.world.nodes[node].store.digest(), before);
        }
        // As a cell of another kind, under the signature that it has.
        let mut cell = Sign1::read(bytes);
        assert_eq!(cell.payload[..2], [0xa9, 1]);
        cell.payload[2] = if cell.payload[2] == 1 { 2 } else { 1 };
        let receipt = setup.world.offer(*to, *peer, cell.write(18));
        assert!(matches!(receipt, Receipt::Refused(1 | 5)), "item {number} under another kind: {receipt:?}");
    }
}

// VE-8, VE-9, CO-2: the sender is in the seal.
#[test]
fn attack_25_a_cell_signed_anew_by_another_member_does_not_open() {
    println!("seed 25");
    let mut setup = start(25, &["ATOLL", "NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[1], setup.members[2]);
    setup.world.run_for(8 * HOUR);
    let thief = Hostile::beside(&setup, 0);
    let from_north = setup.world.identity(north);
    let cell = setup.world.delivered.iter().find(|(to, from, bytes)| *to == south && *from == from_north && bytes.len() > 20_000);
    let mut cell = Sign1::read(&cell.expect("a cell of NORTH").2);
    let kind = u64::from(cell.payload[2]);
    cell.protected = protected(-8, &thief.key);
    let to = Party::Member(member_at(&setup, south));
    // NORTH's name with the thief's key.
    let mut as_north = cell.clone();
    as_north.sign("kinmesh/1/cell", kind, &Party::Member(member_at(&setup, north)), Some(&to), &thief.key);
    let mut as_itself = cell.clone();
    as_itself.payload = replaced(&cell.payload, "NORTH", "ATOLL");
    as_itself.sign("kinmesh/1/cell", kind, &Party::Member(thief.member), Some(&to), &thief.key);
    for (what, bytes, code) in [("NORTH's name", as_north.write(18), 4), ("its own name", as_itself.write(18), 9)] {
        let seen = setup.world.nodes[south].store.count(Tree::Seen);
        let receipt = thief.offer(&mut setup, south, bytes);
        assert_eq!(receipt, Receipt::Refused(code), "{what}");
        assert_eq!(setup.world.nodes[south].store.count(Tree::Seen), seen, "{what}: a message of it was read");
    }
}

// EP-3, EP-6: the key of an old set is destroyed, and after a suspension soon.
#[test]
fn attack_29_an_old_set_and_a_later_key_resolve_no_label() {
    let (mut setup, north, south) = two(29);
    for number in 0..20 {
        register(&mut setup, north, people::other(number));
    }
    setup.world.run_for(3 * DAY);
    let old = held(&setup, north, south).expect("a set");
    let store = setup.world.nodes[south].store.clone();
    let prefixes = sets::held(&store, (member_at(&setup, north), Family::Registered));
    let labels = LabelKey::derive(
        old.manifest.salt.expose(),
        &member_at(&setup, north),
        &member_at(&setup, south),
        old.manifest.epoch,
        Family::Registered,
    );
    let resolved = |setup: &Setup, epoch: Epoch| {
        let bearers = setup.world.nodes[north].store.bearers().into_iter().filter(|(of, _, _)| *of == epoch);
        let tags: BTreeSet<[u8; 16]> = bearers.map(|(_, _, bearer)| bearer.tag).collect();
        assert!(tags.len() > 100, "{} tags", tags.len());
        tags.iter().filter(|tag| prefixes.contains(&labels.prefix(&Tag(**tag)))).count()
    };
    assert!(resolved(&setup, Epoch(1)) > 100, "with the key of its own epoch all of it resolves");
    let suspended = setup.suspend("SOUTH");
    setup.give(north, suspended).expect("the roster");
    // An early roll within seven days, and three more until the key is destroyed.
    setup.world.run_for(11 * DAY);
    let state = setup.world.nodes[north].store.peek::<IndexState>(&()).expect("an index");
    assert_eq!(state.epoch, Epoch(2));
    assert!(setup.world.nodes[north].store.peek::<EpochKey>(&Epoch(1)).is_none(), "the key of the set is destroyed");
    // The thief of NORTH's store has the new key and with it every tag of the new epoch.
    assert_eq!(resolved(&setup, Epoch(2)), 0);
}

// VE-7: clocks.
#[test]
fn attack_35_a_clock_that_is_days_off_stops_its_own_node_only() {
    /// Three days and some hours; the skew of these networks is a minute, two and a half of their days.
    const THREE_DAYS: i64 = 80_000;
    for off in [THREE_DAYS, -THREE_DAYS] {
        let (mut setup, north, south) = two(35);
        register(&mut setup, north, people::registered());
        setup.world.run_for(2 * DAY);
        let budget = |setup: &Setup| {
            let id = (member_at(setup, south), Family::Registered);
            setup.world.nodes[north].store.peek::<BudgetRow>(&id).map(|row| row.bucket.elements_milli)
        };
        setup.world.set_clock(south, off);
        search(&mut setup, south, &[]);
        setup.world.run_for(12 * HOUR);
        // Whoever is behind finds the others ahead; both say so in their logs.
        let behind = if off > 0 { north } else { south };
        assert!(noticed(&setup, behind, NoticeCode::Refused).contains(&Refusal::Clock.code()), "E_CLOCK is in the log");
        assert_eq!(setup.world.nodes[north].store.count(Tree::Claims), 0);
        if off > 0 {
            assert_eq!(budget(&setup), None, "nothing was evaluated for it");
        }
        setup.world.set_clock(south, 0);
        assert!(work(&mut setup, south, north, 40 * DAY).is_some(), "with the clock mended the search goes on");
        // The owner's own clock: forward and back again refills nothing.
        setup.world.set_clock(north, 0);
        let before = budget(&setup).expect("a budget");
        let spend = |setup: &mut Setup| drop(search(setup, south, &[]));
        setup.world.set_clock(north, 40_000);
        spend(&mut setup);
        setup.world.run_for(HOUR);
        let ahead = budget(&setup).expect("a budget");
        setup.world.set_clock(north, -40_000);
        spend(&mut setup);
        setup.world.run_for(HOUR);
        let back = budget(&setup).expect("a budget");
        assert!(back < ahead && ahead <= before.max(3_360_000), "{before}, {ahead}, {back}");
    }
}

/// Elements that SOUTH was charged at NORTH, and the references that count.
fn charged(setup: &Setup, north: usize, south: usize) -> (u64, usize) {
    let store = &setup.world.nodes[north].store;
    let row = store.peek::<BudgetRow>(&(member_at(setup, south), Family::Registered));
    let from = row_key(RefRow::KIND, &());
    let refs = store.rows(RefRow::TREE, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows").len();
    (row.map_or(0, |row| u64::from(row.refs)), refs)
}

fn tags(setup: &Setup, north: usize, south: usize) -> usize {
    let from = row_key(QueryRow::KIND, &member_at(setup, north));
    let rows = setup.world.nodes[south].store.rows(Tree::Queries, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows");
    rows.iter().map(|(_, row)| QueryRow::decode(row.version, row.value.expose()).expect("a query").tags.len()).sum()
}

// VE-13, BU-5: a crash between any two steps.
#[test]
fn attack_41_a_crash_between_any_two_steps_of_an_evaluation_charges_once() {
    let honest = {
        let (mut setup, north, south) = two(41);
        setup.world.run_for(2 * DAY);
        let began = setup.world.commits;
        search(&mut setup, south, &[]);
        assert!(setup.world.run_until(DAY, |world| world.nodes[south].store.count(Tree::Queries) > 0));
        setup.world.run_for(2 * HOUR);
        assert!(tags(&setup, north, south) > 0);
        (charged(&setup, north, south), setup.world.commits - began)
    };
    println!("{} commits, {:?} references", honest.1, honest.0);
    assert_eq!(honest.0.0, honest.0.1 as u64, "each reference is charged");
    for commit in 0..honest.1 {
        let (mut setup, north, south) = two(41);
        setup.world.run_for(2 * DAY);
        // The commit is refused and its engine opened again, as after a kill between the steps.
        setup.world.refuse_at = Some(setup.world.commits + commit);
        search(&mut setup, south, &[]);
        setup.world.run_for(12 * HOUR);
        assert!(tags(&setup, north, south) > 0, "crash at commit {commit}: no tags");
        assert_eq!(charged(&setup, north, south), honest.0, "crash at commit {commit}");
    }
}

// VE-14, BU-6: made again, charged once, padding with it.
#[test]
fn attack_41_a_kill_between_evaluation_and_answer_gives_the_same_answer_again() {
    for pause in [1, HOUR, 30 * HOUR] {
        let (mut setup, north, south) = two(141);
        setup.world.run_for(2 * DAY);
        search(&mut setup, south, &[]);
        let evaluated = |setup: &Setup| {
            let from = row_key(EvaluatedRow::KIND, &());
            let store = &setup.world.nodes[north].store;
            store.rows(EvaluatedRow::TREE, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows").len()
        };
        let mut waited = 0;
        while evaluated(&setup) == 0 {
            setup.world.run_for(1);
            waited += 1;
            assert!(waited < DAY, "no evaluation began");
        }
        // The charge is committed; the answer is not made yet.
        setup.world.restart(north, pause);
        setup.world.run_for(pause + 20 * HOUR);
        assert!(tags(&setup, north, south) > 0, "the answer came after all");
        let (refs, rows) = charged(&setup, north, south);
        assert_eq!((refs, rows), (4, 4), "one request of class M: charged once");
        assert_eq!(evaluated(&setup), 1);
    }
}
