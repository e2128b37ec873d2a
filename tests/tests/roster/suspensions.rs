//! Emergency suspensions: 2 of 5 may suspend one member for 14 days, and may do nothing else.

use kinmesh_protocol::base::cbor;
use kinmesh_protocol::envelope::{CosignedKind, cosign};
use kinmesh_protocol::roster::{MemberStatus, Roster, Suspension, assemble, sign_suspension, verify_suspension};

use crate::case::Expected::{self, Accepted, Refused};
use crate::case::class;
use crate::encoding::{entries, map};
use crate::fixture::{DAY, HOUR, OLD, at, held, holding, id, key, network, next, now, signed};
use crate::node::Node;
use crate::run::{bundle, program};

/// A suspension that is offered to the holder of a roster.
struct Case {
    name: &'static str,
    held: Roster,
    bytes: Vec<u8>,
    expected: Expected,
}

/// Of FR, signed now, for as long as there may be.
pub fn suspension() -> Suspension {
    Suspension {
        network_id: network("kin-test"),
        roster_version: 5,
        member: id("FR"),
        issued: now(),
        until: now() + 14 * DAY,
        reason_code: 1,
    }
}

fn by(payload: &[u8], names: &[&str]) -> Vec<u8> {
    assemble(payload, names.iter().map(|name| sign_suspension(&network("kin-test"), payload, &key(name))).collect())
}

pub fn signed_by(suspension: &Suspension, names: &[&str]) -> Vec<u8> {
    by(&cbor::encode(suspension), names)
}

type Change = fn(&mut Suspension);

/// One change each, signed by two.
const CHANGES: [(&str, Expected, Change); 24] = [
    ("a suspension by 2 of 5", Accepted, |_| ()),
    ("for an hour", Accepted, |s| s.until = s.issued + HOUR),
    ("issued an hour ago", Accepted, |s| (s.issued, s.until) = (s.issued - HOUR, s.until - HOUR)),
    ("issued 13 days ago", Accepted, |s| (s.issued, s.until) = (now() - 13 * DAY, now() + DAY)),
    ("issued 23 hours ahead", Accepted, |s| (s.issued, s.until) = (now() + 23 * HOUR, now() + 14 * DAY)),
    ("without a reason", Accepted, |s| s.reason_code = 0),
    ("for a reason that this release does not know", Accepted, |s| s.reason_code = 4_711),
    ("naming the version before", Accepted, |s| s.roster_version = 4),
    ("lapsed an hour ago", Refused("Expired"), |s| (s.issued, s.until) = (now() - 13 * DAY, now() - HOUR)),
    ("lapsed a year ago", Refused("Expired"), |s| (s.issued, s.until) = (now() - 379 * DAY, now() - 365 * DAY)),
    ("for a second more than 14 days", Refused("Life"), |s| s.until = s.issued + 14 * DAY + 1),
    ("for a year", Refused("Life"), |s| s.until = s.issued + 365 * DAY),
    ("for ever", Refused("Life"), |s| s.until = i64::MAX.unsigned_abs()),
    ("ends before it begins", Refused("Life"), |s| (s.issued, s.until) = (now() + 2 * HOUR, now() + HOUR)),
    ("issued 25 hours ahead", Refused("Issued"), |s| (s.issued, s.until) = (now() + 25 * HOUR, now() + 14 * DAY)),
    ("issued in ten years", Refused("Issued"), |s| (s.issued, s.until) = (now() + 3_650 * DAY, now() + 3_660 * DAY)),
    ("a time of 2^63", Refused("Shape E_ENCODING"), |s| s.until = 1 << 63),
    ("of somebody unknown", Refused("UnknownMember"), |s| s.member = id("ZZ")),
    ("names another network", Refused("Network"), |s| s.network_id = network("kin-other")),
    ("names version 0", Refused("SuspensionVersion"), |s| s.roster_version = 0),
    ("names a version that is not held yet", Refused("SuspensionVersion"), |s| s.roster_version = 6),
    ("names version 2^62", Refused("SuspensionVersion"), |s| s.roster_version = 1 << 62),
    ("names version 2^63", Refused("Shape E_ENCODING"), |s| s.roster_version = 1 << 63),
    ("a reason of 2^63", Refused("Shape E_ENCODING"), |s| s.reason_code = 1 << 63),
];

fn of_changes() -> Vec<Case> {
    let case = |(name, expected, change): &(&'static str, Expected, Change)| {
        let mut suspension = suspension();
        change(&mut suspension);
        Case { name, held: held(), bytes: signed_by(&suspension, &OLD[..2]), expected: *expected }
    };
    CHANGES.iter().map(case).collect()
}

fn of_signers() -> Vec<Case> {
    let payload = cbor::encode(&suspension());
    let case = |name, expected, bytes| Case { name, held: held(), bytes, expected };
    let kinds = |kind: CosignedKind, id: &str| {
        let signatures = OLD[..3].iter().map(|name| cosign(kind, &network(id), &payload, &key(name))).collect();
        assemble(&payload, signatures)
    };
    let mut changed = payload.clone();
    let last = changed.len() - 1;
    changed[last] ^= 2;
    let signatures =
        |names: &[&str]| names.iter().map(|name| sign_suspension(&network("kin-test"), &payload, &key(name))).collect();
    let mut wrong: Vec<_> = signatures(&OLD[..3]);
    wrong[2].1[9] ^= 1;
    let one: Vec<_> = signatures(&OLD[..1]);
    let twice = kinmesh_protocol::envelope::Cosigned { payload: payload.clone(), signatures: vec![one[0], one[0]] }.to_bytes();
    vec![
        case("signed by all five", Accepted, by(&payload, &OLD)),
        case("signed by the last two", Accepted, by(&payload, &OLD[3..])),
        case("signed by nobody", Refused("Threshold"), by(&payload, &[])),
        case("signed by 1 of 5", Refused("Threshold"), by(&payload, &OLD[..1])),
        case("signed by one of them twice", Refused("Shape E_ENCODING"), twice),
        case("signed by 1 of 5 and a stranger", Refused("Signer"), by(&payload, &[OLD[0], "stranger"])),
        case("signed by 2 of 5 and a stranger", Refused("Signer"), by(&payload, &[OLD[0], OLD[1], "stranger"])),
        case("signed by 1 of 5 and the coordinator", Refused("Signer"), by(&payload, &[OLD[0], "coordinator"])),
        case("signed by the coordinator", Refused("Signer"), by(&payload, &["coordinator"])),
        case("signed by two members", Refused("Signer"), by(&payload, &["root BE", "root KE"])),
        case("signed as a roster", Refused("Signature"), kinds(CosignedKind::Roster, "kin-test")),
        case("signed for another network", Refused("Signature"), kinds(CosignedKind::Suspension, "kin-other")),
        case("one of three signatures changed", Refused("Signature"), assemble(&payload, wrong)),
        case("changed after it was signed", Refused("Signature"), assemble(&changed, signatures(&OLD[..2]))),
    ]
}

/// What two of five sign is a suspension of one member or nothing.
fn of_more_than_suspending() -> Vec<Case> {
    let payload = cbor::encode(&suspension());
    let fields = entries(&payload);
    let case = |name, expected, bytes| Case { name, held: held(), bytes, expected };
    let encoding = Refused("Shape E_ENCODING");
    let with = |key: usize, value: &[u8]| {
        let mut fields = fields.clone();
        fields[key - 1].1 = value.to_vec();
        by(&map(&fields), &OLD[..2])
    };
    let seventh = |value: &[u8]| by(&map(&[fields.clone(), vec![(7, value.to_vec())]].concat()), &OLD[..2]);
    let removed = {
        let mut roster = next();
        roster.members.remove(1);
        roster
    };
    let status = {
        let mut roster = next();
        roster.members[1].status = MemberStatus::Suspended;
        roster
    };
    vec![
        case("a roster that removes the member, by 2", Refused("Signature"), signed(&removed, &OLD[..2])),
        case("a roster that suspends the member, by 2", Refused("Signature"), signed(&status, &OLD[..2])),
        case("a roster that removes the member, signed as a suspension", encoding, by(&removed.payload(), &OLD[..2])),
        case("with a seventh field", encoding, seventh(&[0])),
        case("with a new root key in it", encoding, seventh(&[&[0x58, 32][..], &[7; 32]].concat())),
        case("of two members", encoding, with(3, &[0x82, 0x62, b'F', b'R', 0x62, b'K', b'E'])),
        case("of all members", encoding, with(3, &[0xf6])),
        case("of no member", encoding, with(3, &[0x60])),
        case("without an end", encoding, by(&map(&[&fields[..4], &fields[5..]].concat()), &OLD[..2])),
        case("with an end of null", encoding, with(5, &[0xf6])),
        case("with a negative reason", encoding, with(6, &[0x20])),
        case("with fields out of order", encoding, {
            let mut fields = fields.clone();
            fields.swap(0, 1);
            by(&map(&fields), &OLD[..2])
        }),
        case("with a byte behind it", encoding, by(&[&payload[..], &[0]].concat(), &OLD[..2])),
        case("an empty map", encoding, by(&[0xa0], &OLD[..2])),
    ]
}

fn of_other_holders() -> Vec<Case> {
    let with = |name, expected, held: Roster, suspension: Suspension| Case {
        name,
        held,
        bytes: signed_by(&suspension, &OLD[..2]),
        expected,
    };
    let mut suspended = held();
    suspended.members[1].status = MemberStatus::Suspended;
    let mut probation = held();
    probation.members[1].status = MemberStatus::Probation;
    let mut gone = held();
    gone.members.remove(1);
    let old = Roster { issued: now() - 15 * DAY, ..held() };
    vec![
        with("of a member on probation", Accepted, probation, suspension()),
        with("of a member that is suspended already", Accepted, suspended, suspension()),
        with("of a member that is gone", Refused("UnknownMember"), gone, suspension()),
        with(
            "naming a version that was replaced 15 days ago",
            Refused("SuspensionVersion"),
            old,
            Suspension { roster_version: 4, ..suspension() },
        ),
    ]
}

fn judged(case: &Case) -> Vec<String> {
    let library = verify_suspension(&case.bytes, &holding(&case.held), at());
    let library = library.map(|_| "accepted".to_owned()).unwrap_or_else(|error| class(&error));
    let mut node = Node::holding(&case.held, &signed(&case.held, &OLD), at()).expect("the held roster");
    let in_node = node.take(&case.bytes, at());
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("offered"), bundle(&[&case.bytes])).expect("a file");
    std::fs::write(folder.path().join("held"), bundle(&[&signed(&case.held, &OLD)])).expect("a file");
    let mut command = program(folder.path());
    let output = command.args(["roster", "verify", "offered", "--held", "held"]).output().expect("the program");
    let expected = match case.expected {
        Refused(class) => class,
        _ => "accepted",
    };
    let is_refused = expected != "accepted";
    let places = [
        ("library", library == expected, library),
        ("node", in_node.is_err() == is_refused && (is_refused || in_node == Ok((1, 0))), format!("{in_node:?}")),
        (
            "command",
            output.status.code() == Some(if is_refused { 21 } else { 0 }),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ),
    ];
    let wrong = places.into_iter().filter(|(_, right, _)| !right);
    wrong.map(|(place, _, found)| format!("  {place:<8} {:<50} expected {expected}, found {found}\n", case.name)).collect()
}

// RO-10.
#[test]
fn every_suspension_is_judged_alike_by_library_node_and_command_line() {
    let tables = [of_changes(), of_signers(), of_more_than_suspending(), of_other_holders()];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    let valid = cases.iter().filter(|case| case.expected == Accepted).count();
    let wrong: Vec<String> = cases.iter().flat_map(judged).collect();
    println!("suspensions: {} cases in 3 places, {valid} of them valid, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

/// A node that holds version 5 and took the suspension of FR.
fn suspending() -> Node {
    let mut node = Node::holding(&held(), &signed(&held(), &OLD), at()).expect("the held roster");
    assert_eq!(node.take(&signed_by(&suspension(), &OLD[..2]), at()), Ok((1, 0)));
    node
}

#[test]
fn the_same_suspension_again_changes_nothing_whoever_signed_it() {
    let mut node = suspending();
    for names in [&OLD[..2], &OLD[2..], &OLD] {
        assert_eq!(node.take(&signed_by(&suspension(), names), at()), Ok((0, 1)));
    }
}

#[test]
fn few_cannot_suspend_for_ever_by_suspending_again() {
    let later = |days: u64| at() + kinmesh_protocol::base::Millis::days(days);
    for (days, name) in [(1, "while it is in force"), (13, "on its last day"), (15, "after it lapsed")] {
        let again = Suspension { issued: now() + days * DAY, until: now() + (days + 14) * DAY, ..suspension() };
        let mut node = suspending();
        assert!(node.take(&signed_by(&again, &OLD), later(days)).is_err(), "suspended again {name}");
    }
}

#[test]
fn another_member_can_be_suspended_beside_it() {
    let mut node = suspending();
    let other = Suspension { member: id("KE"), ..suspension() };
    assert_eq!(node.take(&signed_by(&other, &OLD[1..3]), at()), Ok((1, 0)));
}
