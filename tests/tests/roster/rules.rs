//! What every roster keeps to: numbers, classes, limits, texts, auditors, addresses, the pace and its floors, the profile.

use kinmesh_protocol::base::{Millis, ProfileId};
use kinmesh_protocol::roster::{Auditor, CaseClass, ClassId, Pace, Roster};

use crate::case::Expected::{Accepted, Refused};
use crate::case::{Case, Change, Expected, changes};
use crate::fixture::{OLD, after, held, id, network, public, signed};

// RO-9.
pub fn cases() -> Vec<Case> {
    [changes(&NUMBERS), changes(&CLASSES), changes(&TEXTS), changes(&PACES), of_floors(), of_drills(), of_profiles()].concat()
}

const NUMBERS: [(&str, Expected, Change); 15] = [
    ("47 keys a record", Refused("Field T, L"), |r| r.keys_a_record = 47),
    ("no keys a record", Refused("Field T, L"), |r| r.keys_a_record = 0),
    ("49 keys a record", Refused("Field T, L"), |r| r.keys_a_record = 49),
    ("labels of 40 bits", Refused("Field T, L"), |r| r.prefix_bits = 40),
    ("labels of 64 bits", Refused("Field T, L"), |r| r.prefix_bits = 64),
    ("no evaluation requests", Refused("Field limits"), |r| r.limits.eval_requests_a_day = 0),
    ("no claims", Refused("Field limits"), |r| r.limits.claims_a_day = 0),
    ("no open claims", Refused("Field limits"), |r| r.limits.claims_open = 0),
    ("no claims on a record", Refused("Field limits"), |r| r.limits.claims_a_record = 0),
    ("claims without a bound", Refused("Field limits"), |r| r.limits.claims_a_day = i64::MAX.unsigned_abs()),
    ("evaluations without a bound", Refused("Field limits"), |r| r.limits.eval_requests_a_day = 1 << 40),
    ("128 evaluation requests a day", Accepted, |r| r.limits.eval_requests_a_day = 128),
    ("one claim a day", Accepted, |r| r.limits.claims_a_day = 1),
    ("a member must roll its key", Accepted, |r| r.force_roll = vec![id("BE"), id("KE")]),
    ("somebody unknown must roll its key", Refused("UnknownMember"), |r| r.force_roll = vec![id("ZZ")]),
];

const fn class(id: ClassId, new_a_day: u64, open: u64) -> CaseClass {
    CaseClass { id, new_a_day, open }
}

const CLASSES: [(&str, Expected, Change); 10] = [
    ("no classes", Refused("Field classes"), |r| r.classes.clear()),
    ("classes out of order", Refused("Field classes"), |r| r.classes.reverse()),
    ("a class twice", Refused("Field classes"), |r| r.classes.insert(0, class(ClassId::S, 9, 9))),
    ("a class of no searches", Refused("Field classes"), |r| r.classes[1].new_a_day = 0),
    ("a class of no open searches", Refused("Field classes"), |r| r.classes[1].open = 0),
    ("more searches a day than may be open", Refused("Field classes"), |r| r.classes[1].open = r.classes[1].new_a_day - 1),
    ("a class without a bound", Refused("Field classes"), |r| {
        (r.classes[3].new_a_day, r.classes[3].open) = (i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs());
    }),
    ("the classes that members have and no others", Accepted, |r| r.classes.truncate(2)),
    ("a smaller budget", Accepted, |r| r.classes[1] = class(ClassId::M, 5, 500)),
    ("must-roll out of order", Refused("Field force_roll"), |r| r.force_roll = vec![id("KE"), id("BE")]),
];

fn auditor(id: &str) -> Auditor {
    Auditor { id: id.to_owned(), key: public(id) }
}

const TEXTS: [(&str, Expected, Change); 30] = [
    ("a notice", Accepted, |r| r.notices = vec!["The ceremony moved to May.".to_owned()]),
    ("a notice in Arabic", Accepted, |r| r.notices = vec!["انتقل الاجتماع إلى أيار".to_owned()]),
    ("17 notices", Refused("Field notices"), |r| r.notices = vec!["n".to_owned(); 17]),
    ("an empty notice", Refused("Field notices"), |r| r.notices = vec![String::new()]),
    ("a notice of 1,025 bytes", Refused("Field notices"), |r| r.notices = vec!["n".repeat(1_025)]),
    ("two auditors", Accepted, |r| r.auditors = vec![auditor("@audit-1"), auditor("@audit-2")]),
    ("auditors out of order", Refused("Field auditors"), |r| r.auditors = vec![auditor("@audit-2"), auditor("@audit-1")]),
    ("an auditor twice", Refused("Field auditors"), |r| {
        r.auditors = vec![auditor("@audit"), Auditor { key: public("other"), ..auditor("@audit") }];
    }),
    ("17 auditors", Refused("Field auditors"), |r| r.auditors = (10..27).map(|n| auditor(&format!("@audit-{n}"))).collect()),
    ("an auditor without a sign", Refused("Field auditors"), |r| r.auditors = vec![auditor("audit")]),
    ("an auditor without a name", Refused("Field auditors"), |r| r.auditors = vec![auditor("@")]),
    ("an auditor of 16 characters", Refused("Field auditors"), |r| r.auditors = vec![auditor("@aaaaaaaaaaaaaaaa")]),
    ("an auditor in capitals", Refused("Field auditors"), |r| r.auditors = vec![auditor("@Audit")]),
    ("an auditor named like the coordinator", Refused("Field auditors"), |r| r.auditors = vec![auditor("@coordinator")]),
    ("an auditor named like the custodians", Refused("Field auditors"), |r| r.auditors = vec![auditor("@custodians")]),
    ("a coordinator without an address", Accepted, |r| r.coordinator.addresses.clear()),
    ("a coordinator at a name", Accepted, |r| {
        r.coordinator.addresses = vec!["/dns4/geneva.example.org/udp/4000/quic-v1".to_owned()]
    }),
    ("nine addresses of the coordinator", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec!["/ip4/127.0.0.1/tcp/1".to_owned(); 9];
    }),
    ("an empty address of the coordinator", Refused("Field coordinator"), |r| r.coordinator.addresses = vec![String::new()]),
    ("a URL as address of the coordinator", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec!["https://example.org".to_owned()];
    }),
    ("a host name as address of the coordinator", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec!["geneva.example.org".to_owned()];
    }),
    ("an address of 257 bytes", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec![format!("/dns4/{}", "a".repeat(251))]
    }),
    ("an address with a space", Refused("Field coordinator"), |r| r.coordinator.addresses = vec!["/ip4/ 127.0.0.1".to_owned()]),
    ("an address with a part that is empty", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec!["/ip4//tcp/1".to_owned()];
    }),
    ("an address of letters that look alike", Refused("Field coordinator"), |r| {
        r.coordinator.addresses = vec!["/dns4/еxample.org/tcp/1".to_owned()];
    }),
    ("an address that is a slash", Refused("Field coordinator"), |r| r.coordinator.addresses = vec!["/".to_owned()]),
    ("another coordinator", Accepted, |r| r.coordinator.key = public("coordinator 2")),
    ("the coordinator's key is a custodian's", Refused("SharedKey"), |r| r.coordinator.key = public(OLD[0])),
    ("an auditor's key is a member's", Refused("SharedKey"), |r| {
        r.auditors = vec![Auditor { id: "@audit".to_owned(), key: public("root BE") }];
    }),
    ("an auditor's key is the coordinator's", Refused("SharedKey"), |r| {
        r.auditors = vec![Auditor { id: "@audit".to_owned(), key: public("coordinator") }];
    }),
];

const PACES: [(&str, Expected, Change); 10] = [
    ("the pace of little bandwidth", Accepted, |r| r.pace = Pace::low()),
    ("the pace of a drill", Refused("Floor bag"), |r| r.pace = Pace::drill(50)),
    ("bags of 20,000 bytes", Refused("BagBytes"), |r| r.pace.bag_bytes = 20_000),
    ("bags of no bytes", Refused("BagBytes"), |r| r.pace.bag_bytes = 0),
    ("no time between bags", Refused("Order bag"), |r| r.pace.bag = Millis(0)),
    ("a jitter as long as the rhythm", Refused("Order bag_jitter"), |r| r.pace.bag_jitter = r.pace.bag),
    ("answers earlier than they may", Refused("Order answer_max"), |r| r.pace.answer_max = Millis(r.pace.answer_min.0 - 1)),
    ("an epoch of 36 days", Refused("Order epoch"), |r| r.pace.epoch = Millis::days(36)),
    ("an epoch announced before it begins", Refused("Order announce"), |r| r.pace.announce = r.pace.epoch),
    ("an epoch of 35 days", Accepted, |r| r.pace.epoch = Millis::days(35)),
];

/// Every interval a millisecond below its floor, in a network that is no drill.
fn of_floors() -> Vec<Case> {
    const ROWS: [(&str, Expected, Change); 14] = [
        ("bags below the floor", Refused("Floor bag"), |r| r.pace.bag = Millis(Millis::hours(2).0 - 1)),
        ("a jitter below the floor", Refused("Floor bag_jitter"), |r| r.pace.bag_jitter = Millis(1_199_999)),
        ("answers below the floor", Refused("Floor answer_min"), |r| r.pace.answer_min = Millis(Millis::hours(3).0 - 1)),
        ("late answers below the floor", Refused("Floor answer_max"), |r| r.pace.answer_max = Millis(Millis::hours(24).0 - 1)),
        ("reviews below the floor", Refused("Floor review_min"), |r| r.pace.review_min = Millis(Millis::hours(24).0 - 1)),
        ("deltas below the floor", Refused("Floor delta"), |r| r.pace.delta = Millis(Millis::hours(24).0 - 1)),
        ("epochs below the floor", Refused("Floor epoch"), |r| r.pace.epoch = Millis(Millis::days(21).0 - 1)),
        ("announcing below the floor", Refused("Floor announce"), |r| r.pace.announce = Millis(Millis::hours(48).0 - 1)),
        ("draining evaluations below the floor", Refused("Floor drain_evaluations"), |r| {
            r.pace.drain_evaluations = Millis(Millis::hours(24).0 - 1);
        }),
        ("draining claims below the floor", Refused("Floor drain_claims"), |r| {
            r.pace.drain_claims = Millis(Millis::days(7).0 - 1)
        }),
        ("early rolls below the floor", Refused("Floor early_roll"), |r| r.pace.early_roll = Millis(Millis::hours(72).0 - 1)),
        ("waiting below the floor", Refused("Floor attributes_wait"), |r| r.pace.attributes_wait = Millis(Millis::days(7).0 - 1)),
        ("lives below the floor", Refused("Floor message_life"), |r| r.pace.message_life = Millis(Millis::days(7).0 - 1)),
        ("a skew below the floor", Refused("Floor clock_skew"), |r| r.pace.clock_skew = Millis(Millis::hours(1).0 - 1)),
    ];
    changes(&ROWS)
}

/// Only a network whose id begins with `drill-` goes below the floors.
fn of_drills() -> Vec<Case> {
    let offered = |id: &str, pace: Pace| {
        let before = Roster { network_id: network(id), ..held() };
        let mut next = after(&before);
        next.pace = pace;
        (signed(&next, &OLD), before)
    };
    let case = |name: &str, id: &str, pace: Pace, expected: Expected| {
        let (bytes, before) = offered(id, pace);
        Case::new(name, expected, bytes).held(before, &OLD)
    };
    vec![
        case("a drill below the floors", "drill-1", Pace::drill(50), Accepted),
        case("a drill at the pace of a network", "drill-1", Pace::standard(), Accepted),
        case("a network that is nearly a drill", "drill", Pace::drill(50), Refused("Floor bag")),
        case("a network with a drill in its name", "kin-drill-1", Pace::drill(50), Refused("Floor bag")),
        case("a drill with bags of another size", "drill-1", Pace { bag_bytes: 1, ..Pace::drill(50) }, Refused("BagBytes")),
        case(
            "a drill whose epoch is too long",
            "drill-1",
            Pace { epoch: Millis::days(36), ..Pace::drill(50) },
            Refused("Order epoch"),
        ),
    ]
}

/// A document may name another profile; a node that cannot match by it does not take it.
fn of_profiles() -> Vec<Case> {
    let with = |change: fn(&mut Roster)| {
        let mut roster = after(&held());
        change(&mut roster);
        signed(&roster, &OLD)
    };
    let by_node = Refused("by the node");
    vec![
        Case::new("another profile", Accepted, with(|r| r.profile.id = ProfileId::new("v2").expect("a profile"))).node(by_node),
        Case::new("other tables of the profile", Accepted, with(|r| r.profile.parameters_hash[0] ^= 1)).node(by_node),
    ]
}
