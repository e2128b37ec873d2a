//! Whose signatures count: too few, the same twice, nobody's, of another kind, for another text, changed afterwards.

use kinmesh_protocol::base::Kid;
use kinmesh_protocol::envelope::{CosignedKind, SigningKey, cosign};
use kinmesh_protocol::roster::{Roster, assemble};

use crate::case::Case;
use crate::case::Expected::{Accepted, Refused};
use crate::encoding::{ALG_EDDSA, cosign_frame, protected};
use crate::fixture::{OLD, key, kid, network, next, signatures, signed, signed_payload};

type Signed = (Kid, [u8; 64]);

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0x10,
];

// RO-2, RO-3.
pub fn cases() -> Vec<Case> {
    [of_signers(), of_duplicates(), of_other_texts(), of_changed_signatures(), of_coordinator()].concat()
}

fn offered(names: &[&str]) -> Vec<u8> {
    signed(&next(), names)
}

fn of_signers() -> Vec<Case> {
    let with = |others: &[&'static str], count: usize| [&OLD[..count], others].concat();
    vec![
        Case::new("signed by nobody", Refused("Threshold"), offered(&[])),
        Case::new("signed by 1 of 5", Refused("Threshold"), offered(&OLD[..1])),
        Case::new("signed by 2 of 5", Refused("Threshold"), offered(&OLD[..2])),
        Case::new("signed by the last 2 of 5", Refused("Threshold"), offered(&OLD[3..])),
        Case::new("signed by 3 of 5", Accepted, offered(&OLD[..3])),
        Case::new("signed by the last 3 of 5", Accepted, offered(&OLD[2..])),
        Case::new("signed by custodians 1, 3 and 5", Accepted, offered(&[OLD[0], OLD[2], OLD[4]])),
        Case::new("signed by 4 of 5", Accepted, offered(&OLD[..4])),
        Case::new("signed by 5 of 5", Accepted, offered(&OLD)),
        Case::new("signed by 2 of 5 and a stranger", Refused("Threshold"), offered(&with(&["stranger"], 2))),
        Case::new("signed by 3 of 5 and a stranger", Refused("Signer"), offered(&with(&["stranger"], 3))),
        Case::new("signed by 2 of 5 and the coordinator", Refused("Threshold"), offered(&with(&["coordinator"], 2))),
        Case::new("signed by 3 of 5 and the coordinator", Refused("Signer"), offered(&with(&["coordinator"], 3))),
        Case::new("signed by the members' root keys", Refused("Threshold"), offered(&["root BE", "root FR", "root KE"])),
        Case::new("signed by five strangers", Refused("Threshold"), offered(&["a", "b", "c", "d", "e"])),
    ]
}

/// A COSE_Sign with signatures as they are given.
fn raw(payload: &[u8], signatures: &[Signed]) -> Vec<u8> {
    let parts: Vec<(Vec<u8>, Vec<u8>)> =
        signatures.iter().map(|(kid, signature)| (protected(ALG_EDDSA, kid), signature.to_vec())).collect();
    cosign_frame(payload, &parts)
}

fn of_duplicates() -> Vec<Case> {
    let payload = next().payload();
    let mut sorted = signatures(&payload, &OLD);
    sorted.sort_unstable();
    let encoding = Refused("Shape E_ENCODING");
    let of = |places: &[usize]| raw(&payload, &places.iter().map(|place| sorted[*place]).collect::<Vec<_>>());
    let many: Vec<Signed> =
        (0..33).map(|number| cosign(CosignedKind::Roster, &network("kin-test"), &payload, &numbered(number))).collect();
    let many = assemble(&payload, many);
    vec![
        Case::new("written by hand as it should be", Accepted, of(&[0, 1, 2])),
        Case::new("the same signature twice", encoding, of(&[0, 1, 1])),
        Case::new("one custodian three times", encoding, of(&[0, 0, 0])),
        Case::new("three custodians, one of them twice", encoding, of(&[0, 1, 2, 2])),
        Case::new("signatures out of order", encoding, of(&[1, 0, 2])),
        Case::new("signatures in descending order", encoding, of(&[4, 3, 2, 1, 0])),
        Case::new("33 signatures", Refused("Shape E_SIZE"), many),
        Case::new("one custodian's signature under three names", Refused("Threshold"), {
            raw(&payload, &[sorted[0], (sorted[1].0, sorted[0].1), (sorted[2].0, sorted[0].1)])
        }),
        Case::new("two signatures exchanged", Refused("Threshold"), {
            raw(&payload, &[(sorted[0].0, sorted[1].1), (sorted[1].0, sorted[0].1), sorted[2]])
        }),
    ]
}

fn numbered(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number + 1; 32])
}

fn of_other_texts() -> Vec<Case> {
    let payload = next().payload();
    let other = Roster { notices: vec!["what was really signed".to_owned()], ..next() }.payload();
    let mixed = [signatures(&payload, &OLD[..2]), signatures(&other, &OLD[2..])].concat();
    let suspension: Vec<Signed> =
        OLD.iter().map(|name| cosign(CosignedKind::Suspension, &network("kin-test"), &payload, &key(name))).collect();
    let bare: Vec<Signed> = OLD
        .iter()
        .map(|name| {
            use kinmesh_protocol::envelope::SigningKey;
            let key: SigningKey = key(name);
            (kid(name), ed25519_dalek::Signer::sign(&key, &payload).to_bytes())
        })
        .collect();
    let mut one_changed = payload.clone();
    let last = one_changed.len() - 40;
    one_changed[last] ^= 1;
    vec![
        Case::new("signed as a suspension", Refused("Threshold"), assemble(&payload, suspension)),
        Case::new("the payload alone signed, without its context", Refused("Threshold"), assemble(&payload, bare)),
        Case::new("two signed this text, three another", Refused("Threshold"), assemble(&payload, mixed)),
        Case::new("all signed another text", Refused("Threshold"), assemble(&payload, signatures(&other, &OLD))),
        Case::new("changed after it was signed", Refused("Threshold"), assemble(&one_changed, signatures(&payload, &OLD))),
        Case::new("shortened after it was signed", Refused("Threshold"), {
            assemble(&payload[..payload.len() - 1], signatures(&payload, &OLD))
        }),
        Case::new("no roster at all, signed by all", Refused("Shape E_ENCODING"), signed_payload(b"\xa0", &OLD)),
    ]
}

/// The same signature with S + L in place of S.
fn with_larger_s(signature: [u8; 64]) -> [u8; 64] {
    let mut changed = signature;
    let mut carry = 0u16;
    for (byte, add) in changed[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    changed
}

fn of_changed_signatures() -> Vec<Case> {
    let payload = next().payload();
    let change = |count: usize, change: fn([u8; 64]) -> [u8; 64]| {
        let mut signatures = signatures(&payload, &OLD[..count]);
        signatures[0].1 = change(signatures[0].1);
        assemble(&payload, signatures)
    };
    let (few, wrong) = (Refused("Threshold"), Refused("Signature"));
    let flip_r = |mut signature: [u8; 64]| {
        signature[7] ^= 4;
        signature
    };
    let flip_s = |mut signature: [u8; 64]| {
        signature[40] ^= 4;
        signature
    };
    let high = |mut signature: [u8; 64]| {
        signature[63] |= 0xe0;
        signature
    };
    let short = |length: usize| {
        let parts: Vec<_> = signatures(&payload, &OLD[..3])
            .into_iter()
            .map(|(kid, signature)| (protected(ALG_EDDSA, &kid), [signature.to_vec(), vec![0]].concat()[..length].to_vec()))
            .collect();
        cosign_frame(&payload, &parts)
    };
    vec![
        Case::new("one of three signatures changed in R", few, change(3, flip_r)),
        Case::new("one of three signatures changed in S", few, change(3, flip_s)),
        Case::new("one of four signatures changed in R", wrong, change(4, flip_r)),
        Case::new("one of five signatures changed in S", wrong, change(5, flip_s)),
        Case::new("S not below the order, one of three", few, change(3, with_larger_s)),
        Case::new("S not below the order, one of four", wrong, change(4, with_larger_s)),
        Case::new("S with its top bits set", wrong, change(4, high)),
        Case::new("one of three signatures is zeros", few, change(3, |_| [0; 64])),
        Case::new("one of four signatures is zeros", wrong, change(4, |_| [0; 64])),
        Case::new("signatures of 63 bytes", Refused("Shape E_ENCODING"), short(63)),
        Case::new("signatures of 65 bytes", Refused("Shape E_ENCODING"), short(65)),
    ]
}

/// Whatever the coordinator's online key signs, it adds and removes nobody (protocol.md 2.12).
fn of_coordinator() -> Vec<Case> {
    let payload = |change: fn(&mut Roster)| {
        let mut roster = next();
        change(&mut roster);
        roster.payload()
    };
    let by = |names: &[&str], payload: Vec<u8>| signed_payload(&payload, names);
    let few = Refused("Threshold");
    vec![
        Case::new("the coordinator adds a member", few, {
            by(&["coordinator"], payload(|r| r.members.push(crate::fixture::member("SY"))))
        }),
        Case::new("the coordinator removes a member", few, by(&["coordinator"], payload(|r| r.members.truncate(2)))),
        Case::new("the coordinator makes itself the custodian", few, {
            by(&["coordinator"], payload(|r| r.custodians = crate::fixture::custodians(&["coordinator"], 1, 1)))
        }),
        Case::new("2 of 5 and a member remove another", few, {
            by(&[OLD[0], OLD[1], "root BE"], payload(|r| r.members.truncate(2)))
        }),
    ]
}
