//! Versions and their chain: rollback, freeze at one version, fast-forward, split views, gaps, another network.

use kinmesh_protocol::envelope::{Cosigned, CosignedKind, cosign};
use kinmesh_protocol::roster::verify::payload_hash;
use kinmesh_protocol::roster::{Roster, assemble};

use crate::case::Expected::{Accepted, Known, Refused};
use crate::case::{Case, Change, Expected, changes};
use crate::fixture::{DAY, OLD, after, first, held, key, network, next, now, signed};

// RO-4, RO-6.
pub fn cases() -> Vec<Case> {
    [changes(&CHANGES), of_other_versions(), of_networks()].concat()
}

const CHANGES: [(&str, Expected, Change); 17] = [
    ("the next version", Accepted, |_| ()),
    ("version 0", Refused("Rollback"), |r| r.version = 0),
    ("version 1 signed again", Refused("Rollback"), |r| r.version = 1),
    ("the version before", Refused("Rollback"), |r| r.version = 4),
    ("another roster of the held version", Refused("SplitView"), |r| r.version = 5),
    ("a gap of one version", Accepted, |r| r.version = 7),
    ("a gap of one version, with any hash before it", Accepted, |r| (r.version, r.prev_hash) = (7, [9; 32])),
    ("the longest jump", Accepted, |r| r.version = 1_005),
    ("one more than the longest jump", Refused("FastForward"), |r| r.version = 1_006),
    ("fast-forward to 2^32", Refused("FastForward"), |r| r.version = 1 << 32),
    ("fast-forward to 2^62", Refused("FastForward"), |r| r.version = 1 << 62),
    ("fast-forward to 2^63 - 1", Refused("FastForward"), |r| r.version = (1 << 63) - 1),
    ("fast-forward to 2^63", Refused("Shape E_ENCODING"), |r| r.version = 1 << 63),
    ("fast-forward to 2^64 - 1", Refused("Shape E_ENCODING"), |r| r.version = u64::MAX),
    ("no hash of the version before", Refused("Chain"), |r| r.prev_hash = [0; 32]),
    ("another hash of the version before", Refused("Chain"), |r| r.prev_hash[31] ^= 1),
    ("the hash of the version before the last", Refused("Chain"), |r| r.prev_hash = held().prev_hash),
];

fn of_other_versions() -> Vec<Case> {
    let v6 = next();
    let fork = Roster { notices: vec!["another version 6".to_owned()], ..next() };
    let v7 = Roster { issued: now(), ..after(&fork) };
    let unsigned = assemble(&held().payload(), Vec::new());
    let newest = Roster { version: (1 << 63) - 1, ..held() };
    vec![
        Case::new("the held roster again", Known, signed(&held(), &OLD)),
        Case::new("the held roster, signed by others of the five", Known, signed(&held(), &OLD[2..])),
        // Nobody has to vouch for what is held; who brings it changes nothing.
        Case::new("the held roster without signatures", Known, unsigned),
        Case::new("the first roster of the network", Refused("Rollback"), signed(&first(), &OLD)),
        Case::new("version 6 of a fork", Refused("SplitView"), signed(&fork, &OLD)).held(v6.clone(), &OLD),
        Case::new("version 7 made from a fork", Refused("Chain"), signed(&v7, &OLD)).held(v6.clone(), &OLD),
        Case::new("version 7 made from the held one", Accepted, signed(&after(&v6), &OLD)).held(v6, &OLD),
        Case::new("the version after the first", Accepted, signed(&after(&first()), &OLD)).held(first(), &OLD),
        Case::new("nothing follows the last number", Refused("Shape E_ENCODING"), signed(&after(&newest), &OLD))
            .held(newest, &OLD),
    ]
}

fn of_networks() -> Vec<Case> {
    let elsewhere = Roster { network_id: network("kin-other"), ..next() };
    let sign = |roster: &Roster, id: &str| {
        let payload = roster.payload();
        let signatures = OLD.map(|name| cosign(CosignedKind::Roster, &network(id), &payload, &key(name))).to_vec();
        Cosigned::new(payload, signatures).to_bytes()
    };
    let theirs = Roster { network_id: network("kin-other"), ..held() };
    let follows = Roster { prev_hash: payload_hash(&theirs.payload()), ..next() };
    let ours = |roster: Roster| Roster { issued: now() - 9 * DAY, ..roster };
    vec![
        Case::new("a roster of another network with the same custodians", Refused("Threshold"), sign(&elsewhere, "kin-other")),
        Case::new("a roster that names another network", Refused("Network"), sign(&elsewhere, "kin-test")),
        Case::new("a roster signed for another network", Refused("Threshold"), sign(&next(), "kin-other")),
        Case::new("a roster of this network offered in another", Refused("Threshold"), sign(&follows, "kin-test"))
            .held(theirs.clone(), &OLD)
            .node(Refused("by the node")),
        Case::new("a roster that names a network whose id is longer", Refused("Network"), {
            sign(&Roster { network_id: network("kin-test-2"), ..next() }, "kin-test")
        }),
        Case::new("issued nine days ago, read today", Accepted, signed(&ours(next()), &OLD)),
    ]
}
