//! What the daily deltas of an owner show of its day.

use kinmesh_protocol::base::{Timestamp, UserId};
use kinmesh_protocol::casework::describe;
use kinmesh_protocol::linkage::match_keys;
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::person::record::Role;
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::manifest::{SetKind, SetManifest};
use kinmesh_tests::simulation::desks::register;
use kinmesh_tests::simulation::sets::{manifests, member, offered};
use kinmesh_tests::simulation::{Faults, people, start};

use crate::{DAY, HOUR};

/// Keys of a fully described person, at most: ten such are within the smallest class of a delta, eleven are not.
const KEYS: usize = 48;

/// A fully described person who shares no key with another one.
fn described(number: usize) -> PersonForm {
    let name = |step: usize| people::name(number * step);
    PersonForm {
        id: format!("NO-8{number:03}").as_str().into(),
        given: name(7).as_str().into(),
        father: name(29).as_str().into(),
        family: format!("{} {}", name(29), name(13)).as_str().into(),
        mother: format!("{} {}", name(31), name(37)).as_str().into(),
        sex: "m".into(),
        birth: format!("19{:02}-0{}-1{}", 30 + number % 70, 1 + number % 9, number % 3).as_str().into(),
        birth_place: "Aleppo".into(),
        last_place: "Idlib".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

/// People with as many keys as anybody has.
fn fully_described() -> impl Iterator<Item = PersonForm> {
    let keys = |form: &PersonForm| {
        let user = UserId::new("desk").expect("a user");
        let record = form.clone().into_record(Role::Registered, Timestamp(0), user).expect("a record");
        match_keys(&describe::of_record(&record)).len()
    };
    (0..512).map(described).filter(move |form| keys(form) == KEYS)
}

/// What a day shows to a peer and to an observer of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Day {
    /// Of each set of the day: kind, adds, removes, prefixes of each segment.
    sets: Vec<(SetKind, u64, u64, Vec<u64>)>,
    /// Lengths of what went each way between the owner and the peer, sorted.
    lengths: Vec<(bool, usize)>,
}

/// The day of each of two peers when so many are registered on it; and how many keys that were.
fn day(new: usize) -> (Vec<Day>, usize) {
    let mut setup = start(8, &["NORTH", "SOUTH", "WEST"], Faults::NONE);
    setup.world.by_moment();
    let north = setup.members[0];
    let mut people = fully_described();
    for form in people.by_ref().take(30) {
        register(&mut setup, north, form);
    }
    setup.world.run_for(3 * DAY);
    let tags = setup.world.nodes[north].store.bearers().len();
    let chain = |setup: &kinmesh_tests::simulation::Setup, peer: &str| -> Vec<SetManifest> {
        manifests(&setup.world.nodes[north].store, (member(peer), Family::Registered))
    };
    let before = chain(&setup, "SOUTH").len();
    // Behind a round, so that all of the day is in one.
    setup.world.run_until(2 * DAY, |world| {
        offered(&world.nodes[north].store, (member("SOUTH"), Family::Registered)).is_some_and(|out| out.set_seq > before as u64)
    });
    setup.world.run_for(HOUR);
    let before = chain(&setup, "SOUTH").len();
    setup.world.observed = Some(Vec::new());
    for (number, form) in people.take(new).enumerate() {
        // Some are hidden from one of the two.
        let visible_to = if number % 3 == 0 { "except:SOUTH" } else { "all" };
        register(&mut setup, north, PersonForm { visible_to: visible_to.to_owned(), ..form });
    }
    setup.world.run_for(DAY);
    let keys = setup.world.nodes[north].store.bearers().len() - tags;
    let items = setup.world.observed.take().unwrap_or_default();
    let days = [(1, "SOUTH"), (2, "WEST")].into_iter().map(|(place, peer)| {
        let peer_node = setup.members[place];
        let between = items.iter().filter(|item| [(north, peer_node), (peer_node, north)].contains(&(item.from, item.to)));
        let mut lengths: Vec<(bool, usize)> = between.map(|item| (item.from == north, item.bytes)).collect();
        lengths.sort_unstable();
        let chain = chain(&setup, peer);
        let sets = chain[before..]
            .iter()
            .map(|set| (set.kind, set.adds_count, set.removes_count, set.segments.iter().map(|segment| segment.count).collect()));
        Day { sets: sets.collect(), lengths }
    });
    (days.collect(), keys)
}

#[test]
fn attack_08_days_with_none_one_and_ten_new_records_look_alike() {
    let (none, keys) = day(0);
    assert_eq!(keys, 0);
    assert_eq!(none[0].sets, [(SetKind::Delta, 512, 512, vec![512, 512])]);
    assert_eq!(none[0].sets, none[1].sets);
    // Of each family at most one cell each way for the question, the whole delta and the receipt.
    for day in &none {
        let cells = day.lengths.iter().filter(|(from_owner, length)| *from_owner && *length > 64 * 1_024).count();
        assert!(cells <= 6, "{cells} cells of sets");
    }
    for new in [1, 10] {
        let (some, keys) = day(new);
        assert_eq!(keys, new * KEYS, "{new} fully described people");
        assert_eq!(some, none, "{new} people");
    }
    let (many, keys) = day(11);
    assert_eq!(keys, 11 * KEYS);
    assert_eq!(many[0].sets, [(SetKind::Delta, 1_024, 512, vec![1_024, 512])]);
    assert_eq!(many[0].sets, many[1].sets, "the next class, for every peer");
}
