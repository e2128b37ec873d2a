//! Two worlds that differ in one record that a peer must not learn of: the peer gets the same items, of the same sizes, at the
//! same times, for thirty days of edits.
//!
//! The record is hidden from the peer in one world; in the other it is visible to it, is another person's, or is not there.
//! `KINMESH_SEED=1..201 cargo test -p kinmesh-tests --test adversary two_worlds` runs 200 seeds.

use kinmesh_protocol::base::Draw;
use kinmesh_protocol::base::record::{Record as _, Tree};
use kinmesh_protocol::engine::Bulk;
use kinmesh_protocol::private_match::SetManifest;
use kinmesh_protocol::private_match::querier::HitRow;
use kinmesh_tests::simulation::desks::{register, search};
use kinmesh_tests::simulation::hostile::Hostile;
use kinmesh_tests::simulation::{Faults, people, start};

use kinmesh_protocol::person::PersonForm;

use crate::{DAY, HOUR, seeds};

/// Days of edits.
const DAYS: u64 = 30;
/// Edits of the owner's register on one day, at most: with all of them its set stays in one class, which is what may show.
const EDITS_A_DAY: u64 = 2;

/// What the record is in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Hidden,
    Visible,
    Another,
    Absent,
}

/// One item between owner and peer as the peer sees it: the quarter of an hour, the direction, its bytes, what it opened to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    quarter: u64,
    to_peer: bool,
    bytes: usize,
}

/// What a manifest shows besides what is sealed into labels: number, kind, counts, and each segment's count.
type Shape = (u64, String, u64, u64, Vec<u64>);

fn record(what: Record, number: u64) -> Option<PersonForm> {
    let hidden = |form: PersonForm| PersonForm { visible_to: "except:SOUTH".to_owned(), ..form };
    match what {
        Record::Hidden => Some(hidden(people::registered())),
        Record::Visible => Some(people::registered()),
        Record::Another => Some(hidden(people::other(300 + usize::try_from(number % 50).unwrap_or(0)))),
        Record::Absent => None,
    }
}

fn world(seed: u64, what: Record) -> (Vec<Seen>, Vec<Shape>) {
    let mut setup = start(seed, &["NORTH", "SOUTH"], Faults::NONE);
    setup.world.by_moment();
    let (north, south) = (setup.members[0], setup.members[1]);
    let mut edits = Draw::new([u8::try_from(seed % 251).unwrap_or(0); 32]);
    let (first, when) = (edits.below(20), edits.below(DAYS));
    let began = setup.world.now().0;
    setup.world.observed = Some(Vec::new());
    setup.world.keep_delivered = true;
    search(&mut setup, south, &[]);
    let mut number = usize::try_from(first).unwrap_or(0);
    for day in 0..DAYS {
        // The hour of each edit is drawn; those of the record itself too.
        for _ in 0..edits.below(EDITS_A_DAY + 1) {
            let hours = edits.below(8);
            setup.world.run_for(hours * HOUR + 100);
            number += 1;
            register(&mut setup, north, people::other(number));
        }
        if day == when {
            setup.world.run_for(HOUR);
            if let Some(form) = record(what, seed) {
                register(&mut setup, north, form);
            }
        }
        let rest = (day + 1) * DAY;
        let passed = setup.world.now().0 - began;
        setup.world.run_for(rest.saturating_sub(passed));
    }
    let items = setup.world.observed.take().unwrap_or_default();
    let pair = |item: &&kinmesh_tests::simulation::Observed| [(north, south), (south, north)].contains(&(item.from, item.to));
    let seen = items.iter().filter(pair).map(|item| Seen {
        quarter: (item.at_ms - began) / (HOUR / 4),
        to_peer: item.to == south,
        bytes: item.bytes,
    });
    let listener = Hostile::beside(&setup, 1);
    let manifests = listener.heard(&setup, 0).into_iter().filter(|heard| heard.message.header.kind == 20);
    let shapes = manifests.map(|heard| {
        let set: SetManifest = kinmesh_protocol::base::cbor::decode(&heard.message.body).expect("a manifest");
        let counts = set.segments.iter().map(|segment| segment.count).collect();
        (set.set_seq, format!("{:?}", set.kind), set.adds_count, set.removes_count, counts)
    });
    // Within a quarter of an hour the order of two items is the network's.
    let mut seen: Vec<Seen> = seen.collect();
    seen.sort_unstable();
    (seen, shapes.collect())
}

#[test]
fn two_worlds_that_differ_in_a_hidden_record_look_alike_to_the_peer() {
    let seeds = seeds(6);
    println!("seeds {seeds:?}");
    for seed in seeds {
        let other = [Record::Absent, Record::Visible, Record::Another][usize::try_from(seed % 3).unwrap_or(0)];
        let (seen, shapes) = world(seed, Record::Hidden);
        let (as_seen, as_shapes) = world(seed, other);
        assert!(seen.len() > 400 && shapes.len() > 5, "seed {seed}: {} items, {} manifests", seen.len(), shapes.len());
        assert_eq!(shapes, as_shapes, "seed {seed}: manifests, {other:?}");
        let differs = seen.iter().zip(&as_seen).position(|(one, other)| one != other);
        let at = differs.map(|place| (place, &seen[place], &as_seen[place]));
        assert_eq!(at, None, "seed {seed}: {other:?}");
        assert_eq!(seen.len(), as_seen.len(), "seed {seed}: {other:?}");
    }
}

/// Each manifest that came to a member, as it shows.
fn shapes_at(setup: &kinmesh_tests::simulation::Setup, place: usize) -> Vec<Shape> {
    let listener = Hostile::beside(setup, place);
    let manifests = listener.heard(setup, 0).into_iter().filter(|heard| heard.message.header.kind == 20);
    manifests
        .filter(|heard| heard.from == setup.members[0])
        .map(|heard| {
            let set: SetManifest = kinmesh_protocol::base::cbor::decode(&heard.message.body).expect("a manifest");
            let counts = set.segments.iter().map(|segment| segment.count).collect();
            (set.set_seq, format!("{:?}", set.kind), set.adds_count, set.removes_count, counts)
        })
        .collect()
}

// HI-2: one shape for every audience.
#[test]
fn attack_07_two_audiences_get_sets_of_one_shape_every_day() {
    let seed = 7;
    println!("seed {seed}");
    let mut setup = start(seed, &["NORTH", "SOUTH", "WEST"], Faults::NONE);
    let north = setup.members[0];
    let mut edits = Draw::new([7; 32]);
    for day in 0..DAYS {
        for number in 0..edits.below(4) {
            let visible_to = ["all", "except:SOUTH", "only:SOUTH", "except:WEST"][usize::try_from(edits.below(4)).unwrap_or(0)];
            let number = usize::try_from(4 * day + number).unwrap_or(0);
            let form = PersonForm { visible_to: visible_to.to_owned(), ..people::other(number) };
            register(&mut setup, north, form);
        }
        setup.world.run_for(DAY);
        // What a peer was away for it fetches in its next hours: the two are compared as far as both are.
        let (one, other) = (shapes_at(&setup, 1), shapes_at(&setup, 2));
        let both = one.len().min(other.len());
        assert!(one.len().abs_diff(other.len()) <= 1, "day {day}: {} and {} sets", one.len(), other.len());
        assert_eq!(one[..both], other[..both], "day {day}");
    }
    assert!(shapes_at(&setup, 1).len() > 15, "{} sets in {DAYS} days", shapes_at(&setup, 1).len());
}

#[test]
fn attack_43_the_order_in_which_things_come_changes_no_hit() {
    let hits = |seed: u64, faults: Faults| {
        let mut setup = start(seed, &["EAST", "NORTH", "SOUTH"], faults);
        let (east, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
        // Who registers first, and whether the search or the records come first.
        let mut draw = Draw::new([u8::try_from(seed).unwrap_or(0); 32]);
        let mut acts = vec![(east, 0), (east, 1), (north, 0), (north, 2), (south, 9)];
        draw.shuffle(&mut acts);
        for (node, what) in acts {
            match what {
                0 => register(&mut setup, node, people::registered()),
                9 => drop(search(&mut setup, node, &[])),
                other => register(&mut setup, node, people::other(other)),
            }
            let pause = draw.below(30) * HOUR;
            setup.world.run_for(pause);
        }
        setup.world.run_for(8 * DAY);
        setup.world.faults = Faults::NONE;
        setup.world.run_for(3 * DAY);
        let store = setup.world.nodes[south].store.clone();
        let mut hits: Vec<(String, Vec<u8>)> = Vec::new();
        let from = kinmesh_protocol::base::record::row_key(HitRow::KIND, &());
        let rows = Bulk::rows(&store, Tree::Hits, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows");
        for (key, row) in rows {
            let (_, owner) = HitRow::id(&key).expect("a hit");
            let hit = HitRow::decode(row.version, row.value.expose()).expect("a hit");
            hits.push((owner.to_string(), hit.keys.iter().map(|(position, _)| *position).collect()));
        }
        hits.sort();
        hits
    };
    let expected = hits(43, Faults::NONE);
    assert_eq!(expected.len(), 2, "both owners are hit: {expected:?}");
    let slow = Faults { delay_ms: 3_000, twice: 30, loss: 20, ..Faults::NONE };
    for seed in 44..50 {
        println!("seed {seed}");
        assert_eq!(hits(seed, slow), expected, "seed {seed}");
    }
}
