//! Daily deltas: what they bring and take, their shape, chains that break, crashes in the middle, the search that stands on
//! them.

use std::collections::BTreeSet;

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::{Answer, Command, Custody, NoticeCode};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::manifest::{SetKind, SetManifest};
use kinmesh_protocol::private_match::padding::delta_count;
use kinmesh_protocol::private_match::querier::{Repair, SetIn};
use kinmesh_tests::simulation::desks::{register, search};
use kinmesh_tests::simulation::sets::{
    alter, forge, held, hits_are_those_of_the_held_set, manifests, member, offered, shown, tags_shown,
};
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::{HOUR, LONG, desk, fill, seeds, two};

const DAY: u64 = 24 * HOUR;
/// From an edit to its place in every peer's held set, at most: a round, and the peer's next question.
const ARRIVED: u64 = 49 * HOUR;
/// The code of E_SET_CHAIN.
const SET_CHAIN: u64 = 19;

fn at(name: &str) -> (MemberId, Family) {
    (member(name), Family::Registered)
}

fn set_in(setup: &Setup, node: usize, owner: &str) -> SetIn {
    setup.world.nodes[node].store.peek(&at(owner)).unwrap_or_default()
}

/// The son, registered again by somebody who did not know of the first record.
fn again() -> PersonForm {
    PersonForm { id: "NO-0777".into(), given: "Saleem".into(), family: "Kamal Darwish".into(), ..people::registered() }
}

fn held_hits(setup: &mut Setup, node: usize) -> u32 {
    match setup.world.command(node, Command::SearchHeld) {
        Ok(Answer::Held { hits }) => hits.iter().map(|hit| hit.hits).sum(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_is_registered_later_is_found_by_a_delta_without_another_question() {
    let (mut setup, seeking, holding) = two(201, Faults::NONE);
    fill(&mut setup, holding, 12);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(3 * DAY);
    let asked = setup.world.nodes[holding].store.count(Tree::Budget);
    let base = offered(&setup.world.nodes[holding].store, at("SOUTH")).unwrap().base_seq;
    register(&mut setup, holding, people::registered());
    assert!(setup.world.run_until(LONG, |world| world.nodes[holding].store.count(Tree::Claims) == 1));
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Budget), asked, "nothing was asked for it");
    let chain = manifests(&setup.world.nodes[holding].store, at("SOUTH"));
    assert_eq!(chain[0].set_seq, base);
    assert!(chain.len() >= 3 && chain[1..].iter().all(|set| set.kind == SetKind::Delta));
}

#[test]
fn a_key_that_a_second_household_brings_leaves_every_set_and_comes_back_when_they_are_one() {
    let (mut setup, seeking, holding) = two(202, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[member("NORTH")]);
    setup.world.run_for(ARRIVED);
    let before = held_hits(&mut setup, seeking);
    assert!(before >= 2, "{before} keys are hits");
    // A locked node cannot see that it is one person.
    register(&mut setup, holding, again());
    setup.custody(holding, Custody::Locked);
    setup.world.run_for(ARRIVED);
    let cut = held_hits(&mut setup, seeking);
    assert!(cut < before, "{cut} of {before} keys are hits");
    assert_eq!(hits_are_those_of_the_held_set(&setup.world.nodes[seeking].store, member("SOUTH"), at("NORTH")) as u32, cut);
    setup.custody(holding, Custody::Opened(desk()));
    setup.world.run_for(ARRIVED);
    assert!(held_hits(&mut setup, seeking) >= before);
    assert_eq!(set_in(&setup, seeking, "NORTH").held.unwrap().head.base_seq, 1, "all of it by deltas");
}

#[test]
fn a_day_with_ten_new_people_looks_like_one_with_none() {
    let shapes = |count: usize| {
        let (mut setup, seeking, holding) = two(203, Faults::NONE);
        fill(&mut setup, holding, 40);
        setup.world.run_for(3 * DAY);
        let store = |setup: &Setup| setup.world.nodes[holding].store.clone();
        let (tags, sets) = (store(&setup).bearers().len(), manifests(&store(&setup), at("SOUTH")).len());
        for number in 0..count {
            register(&mut setup, holding, people::other(100 + number));
        }
        setup.world.run_for(ARRIVED);
        let labels = (store(&setup).bearers().len() - tags) as u64;
        let chain = manifests(&store(&setup), at("SOUTH"));
        assert_eq!(chain[0].set_seq, set_in(&setup, seeking, "NORTH").held.unwrap().head.base_seq);
        // The round that was due at this moment may have begun before.
        let day = chain[sets..].iter().max_by_key(|set| set.adds_count).unwrap();
        (labels, day.adds_count, day.removes_count, day.segments.len())
    };
    let (none, one, ten) = (shapes(0), shapes(1), shapes(10));
    assert_eq!((none.0, none.1, none.2, none.3), (0, 512, 512, 2));
    assert!(one.0 > 0 && ten.0 > one.0 && ten.0 <= 512, "{} and {} labels", one.0, ten.0);
    for day in [one, ten] {
        assert_eq!((day.1, day.2, day.3), (none.1, none.2, none.3));
    }
    let many = shapes(30);
    assert!(many.1 > 512 && many.1 <= delta_count(many.0), "{} prefixes for {} labels", many.1, many.0);
}

/// What an observer of one peer's sets sees.
fn shape(sets: &[SetManifest]) -> Vec<(SetKind, u64, u64, Vec<u64>)> {
    let counts = |set: &SetManifest| set.segments.iter().map(|segment| segment.count).collect();
    sets.iter().map(|set| (set.kind, set.adds_count, set.removes_count, counts(set))).collect()
}

#[test]
fn two_peers_of_other_audiences_see_one_shape_every_day_of_a_month() {
    for seed in seeds(1) {
        println!("seed {seed}");
        let mut setup = start(210 + seed, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
        let (east, owner, south) = (setup.members[0], setup.members[1], setup.members[2]);
        let mut number = 0;
        for day in 0..30 {
            for _ in 0..setup.world.below(4) {
                let who = ["all", "except:EAST", "only:SOUTH", "except:SOUTH|EAST"][setup.world.below(4) as usize];
                let mode = if setup.world.below(5) == 0 { "ask_only" } else { "answer" };
                let form = PersonForm { visible_to: who.to_owned(), match_mode: mode.to_owned(), ..people::other(number) };
                register(&mut setup, owner, form);
                number += 1;
            }
            setup.world.run_for(DAY);
            let store = &setup.world.nodes[owner].store;
            let (to_east, to_south) = (manifests(store, at("EAST")), manifests(store, at("SOUTH")));
            assert_eq!(shape(&to_east), shape(&to_south), "day {day}");
            assert_eq!(
                to_east.iter().map(|set| set.set_seq).collect::<Vec<_>>(),
                to_south.iter().map(|set| set.set_seq).collect::<Vec<_>>()
            );
        }
        setup.world.run_for(2 * DAY);
        let store = &setup.world.nodes[owner].store;
        let (in_east, in_south) =
            (tags_shown(store, member("NORTH"), at("EAST")), tags_shown(store, member("NORTH"), at("SOUTH")));
        assert!(!in_east.is_empty() && in_east.len() < in_south.len() && in_east.is_subset(&in_south));
        for (node, name) in [(east, "EAST"), (south, "SOUTH")] {
            let holds = held(&setup.world.nodes[node].store, at("NORTH"));
            let missing = shown(store, at(name)).symmetric_difference(&holds).count();
            // The peer asked within the last day; what it lacks is the deltas since.
            let behind = offered(store, at(name)).unwrap().set_seq - set_in(&setup, node, "NORTH").held.unwrap().head.set_seq;
            assert!(behind <= 1 && missing as u64 <= behind * 1_024, "{name} lacks {behind} sets");
        }
    }
}

/// A world in which an owner has a delta that its peer did not fetch yet; gives its number.
fn unfetched(seed: u64) -> (Setup, usize, usize, u64) {
    let (mut setup, seeking, holding) = two(seed, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(3 * DAY);
    loop {
        setup.world.run_for(10);
        let offers = offered(&setup.world.nodes[holding].store, at("SOUTH")).unwrap().set_seq;
        let holds = set_in(&setup, seeking, "NORTH").held.unwrap().head.set_seq;
        let was_asked = setup.world.nodes[seeking].store.peek::<SetIn>(&at("NORTH")).is_some_and(|set| set.coming.is_some());
        if offers == holds + 1 && !was_asked {
            setup.world.run_for(100);
            if set_in(&setup, seeking, "NORTH").held.unwrap().head.set_seq == holds {
                return (setup, seeking, holding, offers);
            }
        }
    }
}

fn told(setup: &Setup, node: usize, code: NoticeCode, number: Option<u64>) -> usize {
    let is_it = |told: usize, notice: &kinmesh_protocol::engine::Notice| {
        told == node && notice.code == code && number.is_none_or(|number| notice.number == number)
    };
    setup.world.notices.iter().filter(|(told, notice)| is_it(*told, notice)).count()
}

// SE-8.
#[test]
fn a_delta_that_does_not_follow_is_refused_and_the_base_is_fetched_again_once() {
    type Edit = fn(&mut SetManifest);
    let edits: [Edit; 4] = [
        // A fork, a skipped set, another base, another salt.
        |set| set.prev_manifest_hash = [9; 32],
        |set| set.set_seq += 1,
        |set| set.base_seq += 1,
        |set| set.salt = kinmesh_protocol::base::Sensitive::new([7; 32]),
    ];
    for (place, edit) in edits.into_iter().enumerate() {
        let (mut setup, seeking, holding, seq) = unfetched(220);
        let before = held(&setup.world.nodes[seeking].store, at("NORTH"));
        alter(&setup.world.nodes[holding].store, at("SOUTH"), seq, edit);
        let chain = |setup: &Setup| told(setup, seeking, NoticeCode::Refused, Some(SET_CHAIN));
        assert!(
            setup.world.run_until(2 * DAY, |world| {
                world.notices.iter().any(|(node, notice)| *node == seeking && notice.number == SET_CHAIN)
            }),
            "edit {place}"
        );
        // The base came again, the deltas behind it were taken up to the one that does not follow, and that is an alarm.
        setup.world.run_for(HOUR);
        let set = set_in(&setup, seeking, "NORTH");
        assert_eq!(set.repair, Repair::Tried, "edit {place}");
        assert_eq!(set.held.unwrap().head.set_seq, seq - 1, "edit {place}");
        assert_eq!(held(&setup.world.nodes[seeking].store, at("NORTH")), before, "edit {place}: the last good set stays");
        assert!(chain(&setup) >= 2 && told(&setup, holding, NoticeCode::SetDiscarded, None) >= 1, "edit {place}");
    }
}

// SE-6, SE-7.
#[test]
fn a_delta_that_adds_what_is_there_or_removes_what_is_not_is_thrown_away() {
    for wrong_add in [true, false] {
        let (mut setup, seeking, holding, seq) = unfetched(221);
        let before = held(&setup.world.nodes[seeking].store, at("NORTH"));
        let fresh: BTreeSet<u64> =
            (0..1_023).map(|number| number * 1_000 + 1).filter(|prefix| !before.contains(prefix)).collect();
        let (mut adds, mut removes): (Vec<u64>, Vec<u64>) =
            (fresh.iter().copied().take(512).collect(), before.iter().copied().take(512).collect());
        if wrong_add {
            *adds.last_mut().unwrap() = *before.last().unwrap();
        } else {
            *removes.first_mut().unwrap() = fresh.iter().copied().nth(600).unwrap();
            removes.sort_unstable();
        }
        forge(&setup.world.nodes[holding].store, at("SOUTH"), seq, &adds, &removes);
        assert!(setup.world.run_until(2 * DAY, |world| {
            world.notices.iter().any(|(node, notice)| *node == seeking && notice.code == NoticeCode::SetDiscarded)
        }));
        setup.world.run_for(HOUR);
        assert_eq!(held(&setup.world.nodes[seeking].store, at("NORTH")), before, "the last good set stays");
        assert!(told(&setup, holding, NoticeCode::SetDiscarded, None) >= 1, "the owner hears of it");
        assert_eq!(set_in(&setup, seeking, "NORTH").repair, Repair::Wanted);
    }
}

#[test]
fn a_delta_of_the_right_form_that_fits_is_taken_whatever_it_holds() {
    // What `forge` makes is refused above for its content alone.
    let (mut setup, seeking, holding, seq) = unfetched(222);
    let before = held(&setup.world.nodes[seeking].store, at("NORTH"));
    let adds: Vec<u64> =
        (0..1_023).map(|number| number * 1_000 + 1).filter(|prefix| !before.contains(prefix)).take(512).collect();
    let removes: Vec<u64> = before.iter().copied().take(512).collect();
    forge(&setup.world.nodes[holding].store, at("SOUTH"), seq, &adds, &removes);
    assert!(setup.world.run_until(2 * DAY, |world| {
        world.nodes[seeking]
            .store
            .peek::<SetIn>(&at("NORTH"))
            .and_then(|set| set.held)
            .is_some_and(|held| held.head.set_seq == seq)
    }));
    let after = held(&setup.world.nodes[seeking].store, at("NORTH"));
    assert!(adds.iter().all(|prefix| after.contains(prefix)) && removes.iter().all(|prefix| !after.contains(prefix)));
}

#[test]
fn any_commit_of_a_round_may_be_refused() {
    const STRIDE: u64 = 13;
    let (mut at_commit, mut refused) = (0, 0);
    loop {
        let (mut setup, seeking, holding) = two(230, Faults::NONE);
        register(&mut setup, holding, people::registered());
        search(&mut setup, seeking, &[member("NORTH")]);
        setup.world.run_for(DAY - HOUR);
        setup.world.refuse_at = Some(setup.world.commits + at_commit);
        setup.world.run_for(2 * DAY + 2 * HOUR);
        if setup.world.refuse_at.is_some() {
            break;
        }
        let store = &setup.world.nodes[holding].store;
        let mine = shown(store, at("SOUTH"));
        assert!(offered(store, at("SOUTH")).unwrap().set_seq >= 2, "commit {at_commit}");
        let theirs = held(&setup.world.nodes[seeking].store, at("NORTH"));
        assert!(!theirs.is_empty() && mine.symmetric_difference(&theirs).count() <= 1_024, "commit {at_commit}");
        let hits = hits_are_those_of_the_held_set(&setup.world.nodes[seeking].store, member("SOUTH"), at("NORTH"));
        assert!(hits >= 2, "commit {at_commit}: {hits} hits");
        at_commit += STRIDE;
        refused += 1;
    }
    assert!(refused >= 4, "{refused} commits were refused");
}

#[test]
fn hits_are_those_of_a_fresh_test_after_every_history() {
    for seed in seeds(2) {
        println!("seed {seed}");
        let (mut setup, seeking, holding) = two(240 + seed, Faults::BAD);
        let (mut number, mut searched) = (0, false);
        for day in 0..16 {
            if !setup.world.nodes[holding].store.records_open() {
                setup.custody(holding, Custody::Opened(desk()));
            }
            match setup.world.below(6) {
                0 if !searched => {
                    search(&mut setup, seeking, &[member("NORTH")]);
                    searched = true;
                }
                1 => register(&mut setup, holding, people::registered()),
                2 => {
                    register(&mut setup, holding, again());
                    setup.custody(holding, Custody::Locked);
                }
                _ => {
                    register(&mut setup, holding, people::other(number));
                    number += 1;
                }
            }
            let victim = if setup.world.below(2) == 0 { seeking } else { holding };
            if setup.world.below(3) == 0 && setup.world.runs(victim) {
                let pause = setup.world.below(30 * HOUR);
                setup.world.restart(victim, pause);
            }
            setup.world.run_for(DAY);
            println!("day {day}");
        }
        if !searched {
            search(&mut setup, seeking, &[member("NORTH")]);
        }
        setup.world.faults = Faults::NONE;
        setup.world.run_for(6 * DAY);
        let (seeker, owner) = (&setup.world.nodes[seeking].store, &setup.world.nodes[holding].store);
        hits_are_those_of_the_held_set(seeker, member("SOUTH"), at("NORTH"));
        let (mine, theirs) = (shown(owner, at("SOUTH")), held(seeker, at("NORTH")));
        assert!(mine.symmetric_difference(&theirs).count() <= 1_024, "seed {seed}: the held set follows the offered one");
    }
}
