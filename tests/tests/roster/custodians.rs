//! The custodians: thresholds, weak keys, changes of the root signed by too few of either side, mixed roots.

use kinmesh_protocol::roster::{Custodians, Roster};

use crate::case::Expected::{Accepted, Refused};
use crate::case::{Case, Change, Expected, changes};
use crate::fixture::{NEW, OLD, after, custodians, held, member, next, public, signed};

// RO-5.
pub fn cases() -> Vec<Case> {
    [changes(&THRESHOLDS), of_keys(), of_weak_keys(), of_changes(), of_mixed_roots(), of_thresholds_changed_by_few()].concat()
}

const THRESHOLDS: [(&str, Expected, Change); 16] = [
    ("a threshold of 0", Refused("Custodians"), |r| r.custodians.threshold = 0),
    ("a threshold above the custodians", Refused("Custodians"), |r| r.custodians.threshold = 6),
    ("a threshold above that of the root", Refused("Custodians"), |r| r.custodians.threshold = 5),
    ("a root threshold of 0", Refused("Custodians"), |r| r.custodians.root_threshold = 0),
    ("a root threshold below the threshold", Refused("Custodians"), |r| r.custodians.root_threshold = 2),
    ("a root threshold above the custodians", Refused("RootThreshold"), |r| r.custodians.root_threshold = 6),
    ("an emergency threshold of 0", Refused("Custodians"), |r| r.custodians.emergency_threshold = 0),
    ("an emergency threshold above the custodians", Refused("Custodians"), |r| r.custodians.emergency_threshold = 6),
    ("a threshold of 2^63", Refused("Shape E_ENCODING"), |r| r.custodians.threshold = 1 << 63),
    ("no custodians", Refused("RootThreshold"), |r| r.custodians.keys.clear()),
    ("no custodians and no thresholds", Refused("Custodians"), |r| {
        r.custodians = Custodians { keys: vec![], threshold: 0, root_threshold: 0, emergency_threshold: 0 };
    }),
    ("all five must sign", Accepted, |r| (r.custodians.threshold, r.custodians.root_threshold) = (5, 5)),
    ("three may change the root", Accepted, |r| r.custodians.root_threshold = 3),
    // Two of five could show two rosters of one version; that is the custodians' own decision, and both would be evidence.
    ("a threshold below the majority", Accepted, |r| r.custodians.threshold = 2),
    ("one custodian suspends", Accepted, |r| r.custodians.emergency_threshold = 1),
    ("the same custodians in another order", Accepted, |r| r.custodians.keys.reverse()),
];

fn of_keys() -> Vec<Case> {
    let many: Vec<String> = (0..17).map(|number| format!("custodian of many {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let by_all = |roster: &Roster, names: &[&str]| signed(roster, &[&OLD, names].concat());
    let with = |names: &[&str], threshold, root| Roster { custodians: custodians(names, threshold, root), ..next() };
    let (sixteen, seventeen) = (with(&many[..16], 9, 12), with(&many, 9, 12));
    let twice = with(&[OLD[0], OLD[1], OLD[2], OLD[3], OLD[3]], 3, 4);
    let hidden = with(&[OLD[0], OLD[0], OLD[0], OLD[1], OLD[2], OLD[3]], 3, 4);
    vec![
        Case::new("16 custodians", Accepted, by_all(&sixteen, &many[..16])),
        Case::new("17 custodians", Refused("Custodians"), by_all(&seventeen, &many)),
        Case::new("a custodian twice", Refused("SharedKey"), signed(&twice, &OLD)),
        Case::new("a custodian three times", Refused("SharedKey"), signed(&hidden, &OLD)),
        Case::new("a custodian with a member's key", Refused("SharedKey"), {
            let mut roster = next();
            roster.custodians.keys[4] = public("root BE");
            signed(&roster, &[&OLD[..4], &["root BE"]].concat())
        }),
        Case::new("a custodian with the coordinator's key", Refused("SharedKey"), {
            let mut roster = next();
            roster.custodians.keys[4] = public("coordinator");
            signed(&roster, &[&OLD[..4], &["coordinator"]].concat())
        }),
    ]
}

/// The eight points of small order and their other spellings, and points whose coordinate is not reduced.
fn weak_keys() -> [(&'static str, [u8; 32]); 11] {
    let small = |first: u8, last: u8| {
        let mut key = [0; 32];
        (key[0], key[31]) = (first, last);
        key
    };
    let high = |first: u8, last: u8| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (first, last);
        key
    };
    let eighth = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05,
        0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let mut other_eighth = eighth;
    other_eighth[31] |= 0x80;
    [
        ("order 1", small(1, 0)),
        ("order 1 with a sign", small(1, 0x80)),
        ("order 2", high(0xec, 0x7f)),
        ("order 2 with a sign", high(0xec, 0xff)),
        ("order 4", small(0, 0)),
        ("order 4 with a sign", small(0, 0x80)),
        ("order 8", eighth),
        ("order 8 with a sign", other_eighth),
        ("order 4 spelled p", high(0xed, 0x7f)),
        ("order 1 spelled p + 1", high(0xee, 0x7f)),
        ("a point spelled p + 3", high(0xf0, 0x7f)),
    ]
}

fn of_weak_keys() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, weak) in weak_keys() {
        let mut roster = next();
        roster.custodians.keys[4] = weak;
        cases.push(Case::new(format!("a custodian's key of {name}"), Refused("Key"), signed(&roster, &OLD[..4])));
        let mut roster = next();
        roster.members.push(kinmesh_protocol::roster::Member { root_key: weak, ..member("SY") });
        cases.push(Case::new(format!("a member's key of {name}"), Refused("Key"), signed(&roster, &OLD)));
    }
    let mut coordinator = next();
    coordinator.coordinator.key = weak_keys()[6].1;
    cases.push(Case::new("a coordinator's key of order 8", Refused("Key"), signed(&coordinator, &OLD)));
    cases
}

/// The roster that names `names`.
fn changed(names: &[&str]) -> Roster {
    Roster { custodians: custodians(names, 3, 4), ..next() }
}

fn of_changes() -> Vec<Case> {
    let (few, root) = (Refused("Threshold"), Refused("RootThreshold"));
    let one = changed(&[NEW[0], OLD[1], OLD[2], OLD[3], OLD[4]]);
    let all = changed(&NEW);
    let of = |roster: &Roster, old: &[&str], new: &[&str]| signed(roster, &[old, new].concat());
    vec![
        Case::new("a custodian replaced, signed by 4 of each", Accepted, of(&one, &OLD[1..], &[])),
        Case::new("a custodian replaced, signed by all and the new one", Accepted, of(&one, &OLD, &NEW[..1])),
        Case::new("a custodian replaced, 4 old of whom 3 stay", root, of(&one, &OLD[..4], &[])),
        Case::new("a custodian replaced, 4 old of whom 3 stay, and the new one", Accepted, of(&one, &OLD[..4], &NEW[..1])),
        Case::new("a custodian replaced, signed by 3 that stay", root, of(&one, &OLD[1..4], &[])),
        Case::new("a custodian replaced, signed by 3 that stay and the new one", root, of(&one, &OLD[1..4], &NEW[..1])),
        Case::new("a custodian replaced, signed by 2 that stay and the new one", few, of(&one, &OLD[1..3], &NEW[..1])),
        Case::new("all replaced, signed by 4 old and 4 new", Accepted, of(&all, &OLD[..4], &NEW[..4])),
        Case::new("all replaced, signed by all", Accepted, of(&all, &OLD, &NEW)),
        Case::new("all replaced, signed by the old ones alone", root, of(&all, &OLD, &[])),
        Case::new("all replaced, signed by the new ones alone", few, of(&all, &[], &NEW)),
        Case::new("all replaced, signed by 3 old and 5 new", root, of(&all, &OLD[..3], &NEW)),
        Case::new("all replaced, signed by 5 old and 3 new", root, of(&all, &OLD, &NEW[..3])),
        Case::new("all replaced, signed by 2 old and 5 new", few, of(&all, &OLD[..2], &NEW)),
        Case::new(
            "all replaced, and a stranger signed too",
            Refused("Signer"),
            of(&all, &[&OLD[..], &["stranger"]].concat(), &NEW),
        ),
        Case::new("a sixth custodian, signed by 4 old", Accepted, {
            signed(&Roster { custodians: custodians(&[&OLD[..], &NEW[..1]].concat(), 3, 4), ..next() }, &OLD[..4])
        }),
        Case::new("a sixth custodian, signed by 3 old and the sixth", root, {
            signed(
                &Roster { custodians: custodians(&[&OLD[..], &NEW[..1]].concat(), 3, 4), ..next() },
                &[&OLD[..3], &NEW[..1]].concat(),
            )
        }),
        Case::new("a custodian less, signed by 4 that stay", Accepted, {
            signed(&Roster { custodians: custodians(&OLD[..4], 3, 4), ..next() }, &OLD[..4])
        }),
        Case::new("a custodian less, signed by 3 that stay", root, {
            signed(&Roster { custodians: custodians(&OLD[..4], 3, 4), ..next() }, &OLD[..3])
        }),
        Case::new("a change of custodians that skips a version", Accepted, {
            of(&Roster { version: 8, ..changed(&NEW) }, &OLD, &NEW)
        }),
    ]
}

/// After a change, the old root counts for nothing.
fn of_mixed_roots() -> Vec<Case> {
    let v6 = changed(&NEW);
    let signers = [&OLD[..], &NEW[..]].concat();
    let v7 = after(&v6);
    let back = Roster { custodians: custodians(&OLD, 3, 4), ..after(&v6) };
    let of = |name: &str, expected: Expected, roster: &Roster, names: &[&str]| {
        Case::new(name, expected, signed(roster, names)).held(v6.clone(), &signers)
    };
    let few = Refused("Threshold");
    let late = Roster { version: 9, ..changed(&NEW) };
    vec![
        of("the new root signs the next", Accepted, &v7, &NEW[..3]),
        of("the old root signs after it was replaced", few, &v7, &OLD),
        of("2 of the new root and all of the old", few, &v7, &[&OLD[..], &NEW[..2]].concat()),
        of("3 of the new root and one of the old", Refused("Signer"), &v7, &[&OLD[..1], &NEW[..3]].concat()),
        of("the old root takes itself back", few, &back, &OLD),
        of("the old root takes itself back with 3 of the new", Refused("RootThreshold"), &back, &[&OLD[..], &NEW[..3]].concat()),
        of("both roots agree to go back", Accepted, &back, &signers),
        of("version 5 of the old root again", few, &held(), &OLD),
        of("another version 6, of the old root", few, &Roster { notices: vec!["old".to_owned()], ..next() }, &OLD),
        // Whoever missed the change needs it first, or signatures of the root that it knows.
        Case::new("a later roster of a root that was never seen", few, signed(&late, &NEW)),
        Case::new("a later roster that both roots signed", Accepted, signed(&late, &signers)),
    ]
}

/// Who may sign every roster may not lower what a change of the root needs.
fn of_thresholds_changed_by_few() -> Vec<Case> {
    let by_three = |change: Change| {
        let mut roster = next();
        change(&mut roster);
        signed(&roster, &OLD[..3])
    };
    let root = Refused("RootThreshold");
    vec![
        Case::new("3 of 5 lower the threshold", root, by_three(|r| r.custodians.threshold = 1)),
        Case::new("3 of 5 lower the root threshold", root, by_three(|r| r.custodians.root_threshold = 3)),
        Case::new("3 of 5 lower the emergency threshold", root, by_three(|r| r.custodians.emergency_threshold = 1)),
        Case::new("3 of 5 reorder the custodians", root, by_three(|r| r.custodians.keys.reverse())),
        Case::new("3 of 5 drop the others", root, by_three(|r| r.custodians = custodians(&OLD[..3], 3, 3))),
        Case::new("3 of 5 change the coordinator", Accepted, by_three(|r| r.coordinator.key = public("coordinator 2"))),
    ]
}
