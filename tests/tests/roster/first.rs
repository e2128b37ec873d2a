//! The first roster of a node: a typed fingerprint vouches for the custodians, they for the rest.

use kinmesh_protocol::roster::{Fingerprint, Roster, RosterError};

use crate::case::Case;
use crate::case::Expected::{Accepted, Refused};
use crate::fixture::{NEW, OLD, custodians, first, held, network, now, public, signed};

// RO-2, RO-13.
pub fn cases() -> Vec<Case> {
    [of_fingerprints(), of_versions(), of_signers()].concat()
}

fn of_fingerprints() -> Vec<Case> {
    let typed = Fingerprint::of(&first());
    let changed = |change: fn(&mut Roster)| {
        let mut roster = first();
        change(&mut roster);
        signed(&roster, &[&OLD[..], &NEW[..], &["thief"]].concat())
    };
    let other = |name: &str, change: fn(&mut Roster)| Case::new(name, Refused("Fingerprint"), changed(change)).typed(typed);
    let mut one_bit = typed;
    one_bit.0[19] ^= 1;
    vec![
        Case::new("the first roster by its fingerprint", Accepted, signed(&first(), &OLD)).typed(typed),
        Case::new("the first roster, signed by 3 of 5", Accepted, signed(&first(), &OLD[..3])).typed(typed),
        Case::new("the custodians in another order", Accepted, {
            let mut roster = first();
            roster.custodians.keys.reverse();
            signed(&roster, &OLD)
        })
        .typed(typed),
        other("a custodian is another", |r| r.custodians.keys[2] = public("thief")),
        other("a custodian more", |r| r.custodians.keys.push(public("thief"))),
        other("a custodian less", |r| r.custodians.keys.truncate(4)),
        other("a lower threshold", |r| r.custodians.threshold = 2),
        other("a lower root threshold", |r| r.custodians.root_threshold = 3),
        other("a lower emergency threshold", |r| r.custodians.emergency_threshold = 1),
        other("all custodians are others", |r| r.custodians = custodians(&NEW, 3, 4)),
        other("another network", |r| r.network_id = network("kin-other")),
        Case::new("a fingerprint that differs in one bit", Refused("Fingerprint"), signed(&first(), &OLD)).typed(one_bit),
    ]
}

fn of_versions() -> Vec<Case> {
    let typed = Fingerprint::of(&first());
    let of = |version: u64, prev_hash: [u8; 32]| signed(&Roster { version, prev_hash, ..first() }, &OLD);
    vec![
        Case::new("a later roster as the first", Accepted, signed(&held(), &OLD)).typed(typed),
        Case::new("version 2^62 as the first", Accepted, of(1 << 62, [1; 32])).typed(typed),
        Case::new("version 0 as the first", Refused("Chain"), of(0, [0; 32])).typed(typed),
        Case::new("version 0 with a hash", Refused("Chain"), of(0, [1; 32])).typed(typed),
        Case::new("version 1 with a hash of a version before", Refused("Chain"), of(1, [1; 32])).typed(typed),
        Case::new("version 2 without a hash of the one before", Refused("Chain"), of(2, [0; 32])).typed(typed),
        Case::new("an expired roster as the first", Refused("Expired"), {
            signed(&Roster { expires: now() - 3_600, ..first() }, &OLD)
        })
        .typed(typed),
        Case::new("a first roster that breaks a rule", Refused("MemberOrder"), {
            let mut roster = first();
            roster.members.swap(0, 1);
            signed(&roster, &OLD)
        })
        .typed(typed),
    ]
}

fn of_signers() -> Vec<Case> {
    let typed = Fingerprint::of(&first());
    let by = |names: &[&str]| signed(&held(), names);
    vec![
        Case::new("a first roster signed by 2 of 5", Refused("Threshold"), by(&OLD[..2])).typed(typed),
        Case::new("a first roster signed by nobody", Refused("Threshold"), by(&[])).typed(typed),
        Case::new("a first roster signed by 2 of 5 and three strangers", Refused("Threshold"), {
            by(&[OLD[0], OLD[1], "a", "b", "c"])
        })
        .typed(typed),
        // The version of a change of custodians carries signatures of those before, whom a newcomer does not know.
        Case::new("a first roster that former custodians signed too", Accepted, by(&[&OLD[..3], &NEW[..4]].concat()))
            .typed(typed),
        Case::new("a first roster with a signature that does not verify", Refused("Signature"), {
            let payload = held().payload();
            let mut signatures = crate::fixture::signatures(&payload, &OLD[..4]);
            signatures[1].1[5] ^= 1;
            kinmesh_protocol::roster::assemble(&payload, signatures)
        })
        .typed(typed),
        Case::new("a first roster whose custodians need nobody", Refused("Custodians"), {
            signed(&Roster { custodians: custodians(&OLD, 0, 0), ..first() }, &OLD)
        })
        .typed(Fingerprint::of(&Roster { custodians: custodians(&OLD, 0, 0), ..first() })),
        Case::new("a first roster with a custodian twice", Refused("SharedKey"), {
            signed(&Roster { custodians: custodians(&[OLD[0], OLD[0], OLD[1]], 2, 2), ..first() }, &OLD[..2])
        })
        .typed(Fingerprint::of(&Roster { custodians: custodians(&[OLD[0], OLD[0], OLD[1]], 2, 2), ..first() })),
    ]
}

/// A first roster needs a fingerprint; nothing else vouches for it.
#[test]
fn nothing_but_a_fingerprint_vouches_for_a_first_roster() {
    let typed = Fingerprint([0; 20]);
    let refused = kinmesh_protocol::roster::verify_roster(
        &signed(&first(), &OLD),
        &kinmesh_protocol::roster::Anchor::Fingerprint(typed),
        None,
        crate::fixture::at(),
    );
    assert!(matches!(refused, Err(RosterError::Fingerprint { .. })), "{refused:?}");
}
