//! Own duplicates, households and the owner-side cut: what is in the sets that a node builds, and what a desk decides.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{Epoch, MemberId, PersonId};
use kinmesh_protocol::casework::duplicate::{DuplicateCounts, DuplicateLink, LinkState, pair};
use kinmesh_protocol::engine::answer::{DuplicateLine, NodeStatus, PairProblem, PersonShown, RowResult};
use kinmesh_protocol::engine::command::ImportRow;
use kinmesh_protocol::engine::{Answer, Command, Custody, Failure, NoticeCode};
use kinmesh_protocol::linkage::FieldVerdict;
use kinmesh_protocol::person::{FormProblem, PersonForm};
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::household::{CutRow, HouseholdRow};
use kinmesh_protocol::private_match::owner::SetOut;
use kinmesh_tests::simulation::desks::{candidates, insist, search, work};
use kinmesh_tests::simulation::{Faults, Setup, people, sets, start};

use crate::{HOUR, LONG, desk, two};

/// Longer than from one build of a set to the next.
const BUILD: u64 = 60 * HOUR;

fn add(setup: &mut Setup, node: usize, form: PersonForm) -> PersonId {
    match insist(setup, node, &Command::PersonAdd { form: Box::new(form) }) {
        Answer::PersonAdded(added) => added.person,
        other => panic!("{other:?}"),
    }
}

/// The son, registered again at another desk, with his name as heard there.
fn again() -> PersonForm {
    PersonForm { id: "NO-0777".into(), given: "Saleem".into(), family: "Kamal Darwish".into(), ..people::registered() }
}

/// A woman who shares his day of birth and two of his names.
fn stranger() -> PersonForm {
    PersonForm {
        id: "NO-0778".into(),
        family: "Darwich".into(),
        father: "Yusuf".into(),
        mother: "Khadija Sabbagh".into(),
        sex: "f".into(),
        birth_place: "Homs".into(),
        last_place: "Latakia".into(),
        ..people::registered()
    }
}

/// Who carries each tag of an owner's index.
fn bearers(setup: &Setup, owner: usize) -> BTreeMap<[u8; 16], BTreeSet<PersonId>> {
    let mut bearers: BTreeMap<[u8; 16], BTreeSet<PersonId>> = BTreeMap::new();
    for (epoch, family, bearer) in setup.world.nodes[owner].store.bearers() {
        if (epoch, family) == (Epoch(1), Family::Registered) {
            bearers.entry(bearer.tag).or_default().insert(bearer.entry.person());
        }
    }
    bearers
}

/// Tags of an owner's index that stand in its set for a peer.
fn in_set(setup: &Setup, owner: usize, peer: &str) -> BTreeSet<[u8; 16]> {
    let node = &setup.world.nodes[owner];
    sets::tags_shown(&node.store, sets::member(&node.name), (sets::member(peer), Family::Registered))
}

fn shared(setup: &Setup, owner: usize) -> BTreeSet<[u8; 16]> {
    bearers(setup, owner).into_iter().filter(|(_, people)| people.len() > 1).map(|(tag, _)| tag).collect()
}

fn pairs(setup: &mut Setup, node: usize, all: bool) -> Vec<DuplicateLine> {
    match insist(setup, node, &Command::PersonDuplicates { all, after: None, limit: 50 }) {
        Answer::Duplicates(found) => found.pairs,
        other => panic!("{other:?}"),
    }
}

fn listed(setup: &mut Setup, node: usize, merged: bool) -> Vec<PersonId> {
    match insist(setup, node, &Command::PersonList { after: None, limit: 256, merged }) {
        Answer::People { people, .. } => people.into_iter().map(|line| line.person).collect(),
        other => panic!("{other:?}"),
    }
}

fn show(setup: &mut Setup, node: usize, person: PersonId) -> PersonShown {
    match insist(setup, node, &Command::PersonShow { person: person.to_string() }) {
        Answer::Person(shown) => *shown,
        other => panic!("{other:?}"),
    }
}

fn status(setup: &mut Setup, node: usize) -> NodeStatus {
    match insist(setup, node, &Command::Status) {
        Answer::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn merge(setup: &mut Setup, node: usize, shown: PersonId, other: PersonId) -> Result<Answer, Failure> {
    setup.world.command(node, Command::PersonMerge { shown: shown.to_string(), other: other.to_string() })
}

fn unmerge(setup: &mut Setup, node: usize, one: PersonId, other: PersonId) -> Result<Answer, Failure> {
    setup.world.command(node, Command::PersonUnmerge { one: one.to_string(), other: other.to_string() })
}

fn link(setup: &Setup, node: usize, a: PersonId, b: PersonId) -> Option<DuplicateLink> {
    setup.world.nodes[node].store.peek(&pair(a, b))
}

#[test]
fn a_person_registered_twice_is_found_once_the_node_has_linked_the_two() {
    let (mut setup, seeking, holding) = two(61, Faults::NONE);
    let first = add(&mut setup, holding, people::registered());
    let second = add(&mut setup, holding, PersonForm { id: "NO-0777".into(), ..people::registered() });
    // Locked before the two are compared: their keys count as those of two households.
    setup.custody(holding, Custody::Locked);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(BUILD);
    assert!(shared(&setup, holding).len() >= 40, "all keys are shared");
    assert_eq!(in_set(&setup, holding, "SOUTH"), BTreeSet::new());
    assert_eq!(setup.world.nodes[holding].store.peek::<DuplicateCounts>(&()).unwrap().suspects, 1);
    assert_eq!(setup.world.nodes[seeking].store.count(Tree::Claims), 0);
    // A restart of the locked node keeps the pair.
    setup.world.restart(holding, 1);
    setup.world.run_for(HOUR);

    setup.custody(holding, Custody::Opened(desk()));
    setup.world.run_for(HOUR);
    let found = link(&setup, holding, first, second).expect("a link");
    assert_eq!((found.state, found.by), (LinkState::Proposed, None));
    assert_eq!(setup.world.nodes[holding].store.peek::<DuplicateCounts>(&()).unwrap().suspects, 0);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
    assert_eq!(in_set(&setup, holding, "SOUTH"), shared(&setup, holding));
}

#[test]
fn an_unlocked_node_links_before_it_builds_its_first_set() {
    let (mut setup, _, holding) = two(62, Faults::NONE);
    add(&mut setup, holding, people::registered());
    add(&mut setup, holding, again());
    setup.world.run_for(BUILD);
    let keys = bearers(&setup, holding);
    assert!(!shared(&setup, holding).is_empty());
    assert_eq!(in_set(&setup, holding, "SOUTH").len(), keys.len(), "nothing is cut");
    // The first set was built while nobody was registered, and no later one was without a key that the last one has.
    let out: SetOut = setup.world.nodes[holding].store.peek(&(MemberId::new("SOUTH").unwrap(), Family::Registered)).unwrap();
    assert_eq!((out.base_seq, out.set_seq), (1, 3), "a round a day");
    let cut: CutRow = setup.world.nodes[holding].store.peek(&()).unwrap();
    assert_eq!(cut.cut, 0);
    let line = pairs(&mut setup, holding, false).pop().expect("a pair");
    assert_eq!((line.state.as_str(), line.decided_by), ("proposed", None));
    let given = line.fields.first().unwrap();
    assert_eq!((given.verdict, given.reason.as_str()), (FieldVerdict::Variant, "another spelling, the same sound"));
    assert_eq!(status(&mut setup, holding).duplicates, 1);
}

#[test]
fn a_key_of_two_strangers_is_in_no_set_and_their_other_keys_stay() {
    let (mut setup, _, holding) = two(63, Faults::NONE);
    let first = add(&mut setup, holding, people::registered());
    let second = add(&mut setup, holding, stranger());
    for number in 0..10 {
        add(&mut setup, holding, people::other(number));
    }
    setup.world.run_for(BUILD);
    assert_eq!(link(&setup, holding, first, second).map(|link| link.state), Some(LinkState::Different));
    assert!(pairs(&mut setup, holding, false).is_empty());
    let (cut, shown) = (shared(&setup, holding), in_set(&setup, holding, "SOUTH"));
    assert!(!cut.is_empty() && cut.is_disjoint(&shown), "{} shared keys", cut.len());
    assert_eq!(shown.len() + cut.len(), bearers(&setup, holding).len(), "every other key is in the set");
    let row: CutRow = setup.world.nodes[holding].store.peek(&()).unwrap();
    assert_eq!((row.cut, row.keys), (cut.len() as u64, (shown.len() + cut.len()) as u64));
}

#[test]
fn a_second_bearer_takes_a_key_out_of_the_next_set() {
    let (mut setup, _, holding) = two(64, Faults::NONE);
    add(&mut setup, holding, people::registered());
    setup.world.run_for(BUILD);
    let before = in_set(&setup, holding, "SOUTH");
    add(&mut setup, holding, stranger());
    setup.world.run_for(BUILD);
    let (cut, after) = (shared(&setup, holding), in_set(&setup, holding, "SOUTH"));
    assert!(!cut.is_empty() && cut.is_subset(&before) && cut.is_disjoint(&after));
}

#[test]
fn twins_with_a_parent_in_common_are_never_linked() {
    let (mut setup, _, holding) = two(65, Faults::NONE);
    let twin = |given: &str, id: &str| PersonForm { id: id.into(), given: given.into(), ..people::registered() };
    for (given, id) in [("Salim", "NO-1"), ("Karim", "NO-2"), ("Jamil", "NO-3"), ("Jamal", "NO-4")] {
        add(&mut setup, holding, PersonForm { family: "Darwich".into(), ..twin(given, id) });
    }
    setup.world.run_for(BUILD);
    let found = pairs(&mut setup, holding, true);
    assert!(found.iter().filter(|line| line.possible_relative).all(|line| line.state == "different"), "{found:?}");
    assert!(found.iter().any(|line| line.possible_relative), "twins share keys and were compared");
}

#[test]
fn a_merge_is_undone_and_not_proposed_again() {
    let (mut setup, _, holding) = two(66, Faults::NONE);
    let (first, second) = (add(&mut setup, holding, people::registered()), add(&mut setup, holding, stranger()));
    setup.world.run_for(BUILD);
    let cut = shared(&setup, holding);
    assert_eq!(unmerge(&mut setup, holding, first, second).unwrap_err(), Failure::Pair(PairProblem::NotLinked));
    assert_eq!(merge(&mut setup, holding, first, first).unwrap_err(), Failure::Pair(PairProblem::Same));
    let unknown = PersonId([9; 16]);
    assert_eq!(merge(&mut setup, holding, first, unknown).unwrap_err(), Failure::Unknown);

    for _ in 0..2 {
        assert!(matches!(merge(&mut setup, holding, first, second), Ok(Answer::Merged { .. })), "asked twice, done once");
    }
    assert_eq!(
        merge(&mut setup, holding, second, first).unwrap_err(),
        Failure::Pair(PairProblem::Merged { person: second, shown: first })
    );
    setup.world.run_for(BUILD);
    assert!(cut.is_subset(&in_set(&setup, holding, "SOUTH")), "one household: the keys are back");
    assert_eq!(listed(&mut setup, holding, false), [first]);
    assert_eq!(listed(&mut setup, holding, true).len(), 2);
    assert_eq!(show(&mut setup, holding, second).same_as, Some(first));
    assert_eq!(show(&mut setup, holding, first).merged, [second]);
    assert_eq!(pairs(&mut setup, holding, false)[0].shown, Some(first));

    assert!(matches!(unmerge(&mut setup, holding, second, first), Ok(Answer::Unmerged { .. })));
    setup.world.restart(holding, 1);
    setup.world.run_for(BUILD);
    assert!(cut.is_disjoint(&in_set(&setup, holding, "SOUTH")), "two households again");
    assert_eq!(listed(&mut setup, holding, false).len(), 2);
    assert_eq!((show(&mut setup, holding, second).same_as, show(&mut setup, holding, first).merged), (None, Vec::new()));
    assert!(pairs(&mut setup, holding, false).is_empty());
    let link = link(&setup, holding, first, second).unwrap();
    assert_eq!((link.state, link.by), (LinkState::Different, Some(desk())));
}

#[test]
fn what_the_node_proposed_and_a_person_turned_down_stays_two_people() {
    let (mut setup, _, holding) = two(67, Faults::NONE);
    let (first, second) = (add(&mut setup, holding, people::registered()), add(&mut setup, holding, again()));
    setup.world.run_for(BUILD);
    assert_eq!(link(&setup, holding, first, second).map(|link| link.state), Some(LinkState::Proposed));
    unmerge(&mut setup, holding, first, second).expect("turned down");
    setup.world.run_for(BUILD);
    assert_eq!(link(&setup, holding, first, second).map(|link| link.state), Some(LinkState::Different));
    assert!(shared(&setup, holding).is_disjoint(&in_set(&setup, holding, "SOUTH")));
    setup.custody(holding, Custody::Locked);
    let answer = setup.world.command(holding, Command::PersonDuplicates { all: true, after: None, limit: 9 });
    assert_eq!(answer.unwrap_err(), Failure::Locked);
    assert_eq!(merge(&mut setup, holding, first, second).unwrap_err(), Failure::Locked);
}

#[test]
fn a_household_is_what_its_links_join_and_falls_apart_with_them() {
    let (mut setup, _, holding) = two(68, Faults::NONE);
    let mut ids: Vec<PersonId> = (0..4).map(|number| add(&mut setup, holding, people::other(number * 7))).collect();
    ids.sort();
    setup.world.run_for(BUILD);
    let household = |setup: &Setup, person: PersonId| {
        setup.world.nodes[holding].store.peek::<HouseholdRow>(&person).map_or(person, |row| row.household)
    };
    // A chain 3 - 2 - 1 - 0, joined from its middle.
    for (a, b) in [(1, 2), (3, 2), (0, 1)] {
        merge(&mut setup, holding, ids[a], ids[b]).or_else(|_| merge(&mut setup, holding, ids[b], ids[a])).expect("a merge");
    }
    assert!(ids.iter().all(|person| household(&setup, *person) == ids[0]));
    unmerge(&mut setup, holding, ids[1], ids[2]).expect("parted");
    let now: Vec<PersonId> = ids.iter().map(|person| household(&setup, *person)).collect();
    assert_eq!(now, [ids[0], ids[0], ids[2], ids[2]]);
    setup.world.run_for(BUILD);
    // The tags follow: each carries the household of its person.
    let bearers = setup.world.nodes[holding].store.bearers();
    assert!(!bearers.is_empty());
    for (_, _, bearer) in bearers {
        assert_eq!(bearer.household.person(), household(&setup, bearer.entry.person()));
    }
    assert_eq!(status(&mut setup, holding).unindexed, 0);
}

#[test]
fn a_cut_key_is_in_nobodys_set_whoever_may_learn_of_its_records() {
    let mut setup = start(69, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let owner = setup.members[1];
    let hidden = PersonForm { visible_to: "except:EAST".to_owned(), ..stranger() };
    add(&mut setup, owner, people::registered());
    add(&mut setup, owner, hidden);
    for number in 0..6 {
        add(&mut setup, owner, people::other(number));
    }
    let secret = add(&mut setup, owner, PersonForm { match_mode: "ask_only".to_owned(), ..people::other(20) });
    setup.world.run_for(BUILD);
    let count = |peer: &str| {
        let out: SetOut = setup.world.nodes[owner].store.peek(&(MemberId::new(peer).unwrap(), Family::Registered)).unwrap();
        out.backing.count
    };
    assert_eq!(count("EAST"), count("SOUTH"));
    let (east, south) = (in_set(&setup, owner, "EAST"), in_set(&setup, owner, "SOUTH"));
    let all = bearers(&setup, owner);
    let cut = shared(&setup, owner);
    assert!(!cut.is_empty() && cut.is_disjoint(&east) && cut.is_disjoint(&south));
    assert!(east.is_subset(&south) && east.len() < south.len(), "the hidden record is in one of the two");
    assert!(all.iter().any(|(_, people)| people.contains(&secret)), "an ask_only record is indexed");
    assert!(all.iter().filter(|(_, people)| people.contains(&secret)).all(|(tag, _)| !south.contains(tag)));
}

#[test]
fn the_warning_comes_with_one_key_in_a_hundred_and_goes_when_the_keys_are_back() {
    let (mut setup, _, holding) = two(70, Faults::NONE);
    // Pairs that nothing but a person's word tells apart, as in a register of names that the table does not know.
    let crowd: Vec<PersonId> = (0..5)
        .flat_map(|number| {
            let one = people::other(number * 7);
            [PersonForm { id: format!("NO-2{number}").as_str().into(), ..one.clone() }, one]
        })
        .map(|form| add(&mut setup, holding, form))
        .collect();
    setup.world.run_for(BUILD);
    let warnings = |setup: &Setup| setup.world.notices.iter().filter(|(_, notice)| notice.code == NoticeCode::KeysCut).count();
    assert_eq!((status(&mut setup, holding).keys_cut, warnings(&setup)), (0, 0));
    for two in crowd.chunks(2) {
        unmerge(&mut setup, holding, two[0], two[1]).expect("turned down");
    }
    setup.world.run_for(BUILD);
    let row = status(&mut setup, holding);
    assert!(row.cut_warning && row.keys_cut > 96, "{} of {}", row.keys_cut, row.keys);
    assert_eq!(warnings(&setup), 1);
    for two in crowd.chunks(2) {
        merge(&mut setup, holding, two[0], two[1]).expect("a merge");
    }
    setup.world.run_for(BUILD);
    let row = status(&mut setup, holding);
    assert!(!row.cut_warning, "{} of {}", row.keys_cut, row.keys);
    assert_eq!(warnings(&setup), 1);
}

#[test]
fn links_survive_restarts_and_refused_commits() {
    for seed in crate::seeds(4) {
        let (mut setup, _, holding) = two(seed, Faults::BAD);
        let first = add(&mut setup, holding, people::registered());
        let second = add(&mut setup, holding, again());
        for _ in 0..10 {
            setup.world.run_for(20 * HOUR);
            if setup.world.runs(holding) {
                setup.world.restart(holding, HOUR);
            }
        }
        setup.world.faults = Faults::NONE;
        setup.world.run_for(BUILD);
        assert_eq!(link(&setup, holding, first, second).map(|link| link.state), Some(LinkState::Proposed), "seed {seed}");
        let status = status(&mut setup, holding);
        assert_eq!((status.unindexed, status.keys_cut, status.duplicates), (0, 0, 1), "seed {seed}");
    }
}

fn import(setup: &mut Setup, node: usize, forms: &[PersonForm]) -> Vec<RowResult> {
    let rows = forms.iter().cloned().zip(2..).map(|(form, row)| ImportRow { row, form }).collect();
    match insist(setup, node, &Command::PersonImport { rows }) {
        Answer::Imported { rows } => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_is_imported_again_registers_nobody_twice() {
    let (mut setup, seeking, holding) = two(71, Faults::NONE);
    let nameless = PersonForm { id: "".into(), ..people::other(3) };
    let forms = [people::registered(), people::other(1), nameless];
    let first = import(&mut setup, holding, &forms);
    let ids: Vec<PersonId> = first.iter().map(|row| row.added.as_ref().unwrap().person).collect();
    assert!(first.iter().all(|row| !row.added.as_ref().unwrap().known));
    setup.world.run_for(HOUR);

    let again = import(&mut setup, holding, &forms);
    let known: Vec<(PersonId, bool)> = again.iter().map(|row| row.added.as_ref().map(|a| (a.person, a.known)).unwrap()).collect();
    assert_eq!(known[..2], [(ids[0], true), (ids[1], true)]);
    assert!(!known[2].1, "a row without a number cannot be known");
    assert_eq!(listed(&mut setup, holding, false).len(), 4);

    let changed = PersonForm { last_place: "Homs".into(), ..people::registered() };
    let row = import(&mut setup, holding, &[changed]).pop().unwrap();
    let error = row.error.expect("the number is taken");
    assert_eq!((error.field.as_str(), error.problem), ("id", FormProblem::Taken { person: ids[0] }));
    assert!(error.to_string().contains(&ids[0].short()), "{error}");
    assert_eq!(listed(&mut setup, holding, false).len(), 4);
    assert!(candidates(&mut setup, seeking).is_empty());
}
