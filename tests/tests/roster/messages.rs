//! The messages beside the roster: the coordinator's timestamp, and a member's own word that its key is lost.
//!
//! Each case is offered to the engine of a society, BE, that holds version 5 and knows the keys of FR.

use kinmesh_protocol::base::{Epoch, Millis, MsgId, NetworkId, Party, PeerId, cbor};
use kinmesh_protocol::envelope::{Header, SealSecret, kid_of, sign};
use kinmesh_protocol::roster::{KeyAnnouncement, SelfRevocation, TimestampBody, VoprfKey};

use crate::fixture::{DAY, HOUR, OLD, at, held, holding, id, key, network, now, public, signed};
use crate::node::Node;
use crate::suspensions::{signed_by, suspension};

/// A message as it will be signed.
#[derive(Clone)]
struct Draft {
    network: NetworkId,
    header: Header,
    body: Vec<u8>,
    signer: &'static str,
}

impl Draft {
    fn bytes(&self) -> Vec<u8> {
        sign(&self.network, &self.header, &self.body, &key(self.signer))
    }
}

fn draft(kind: u64, from: Party, expires: u64, body: Vec<u8>, signer: &'static str) -> Draft {
    let header =
        Header { kind, from, to: None, msg_id: MsgId([9; 16]), n: 0, created: now(), expires, roster_version: 5, re: None };
    Draft { network: network("kin-test"), header, body, signer }
}

fn body() -> TimestampBody {
    TimestampBody { roster_version: 5, roster_hash: holding(&held()).hash, keylog_head: [0; 32], keylog_len: 0, now: now() }
}

/// The coordinator's word of now that version 5 is current.
fn timestamp() -> Draft {
    draft(11, Party::Coordinator, now() + 7 * DAY, cbor::encode(&body()), "coordinator")
}

/// FR's word that its key `op FR` is lost.
fn revocation() -> Draft {
    let body = SelfRevocation { op_kid: kid_of(&public("op FR")), incarnation: 1, reason_code: 1 };
    draft(13, Party::Member(id("FR")), now() + 60 * DAY, cbor::encode(&body), "root FR")
}

/// The keys of FR, of an operational key by its name.
fn announcement(op: &'static str, seq: u64, prev_hash: [u8; 32], signer: &'static str) -> Draft {
    let op_key = public(op);
    let seal_key = SealSecret::from_bytes([3; 32]).public();
    let (seal_key_id, op_until) = (seal_key.key_id(), now() + 60 * DAY);
    let keys = KeyAnnouncement {
        incarnation: 1,
        seq,
        prev_hash,
        op_key,
        op_until,
        seal_key,
        seal_until: op_until,
        seal_key_id,
        voprf: VoprfKey { epoch: Epoch(1), pk: [4; 32], from: now(), until: now() + 28 * DAY },
        next_voprf: None,
        peer_id: PeerId(op_key).to_bytes(),
    };
    draft(12, Party::Member(id("FR")), op_until, cbor::encode(&keys), signer)
}

/// BE, which holds the roster and knows FR.
fn society() -> Node {
    let mut node = Node::society(&held(), &signed(&held(), &OLD), at());
    assert_eq!(node.take(&announcement("op FR", 1, [0; 32], "root FR").bytes(), at()), Ok((1, 0)));
    assert_eq!(node.standing("FR"), "active");
    node
}

type Change = fn(&mut Draft);

fn judge(cases: &[(&str, bool, Change)], right: &Draft, node: impl Fn() -> Node) {
    let mut wrong = Vec::new();
    for (name, is_accepted, change) in cases {
        let mut draft = right.clone();
        change(&mut draft);
        let taken = node().take(&draft.bytes(), at());
        if taken.is_ok() != *is_accepted {
            wrong.push(format!("  {name}: accepted {is_accepted} expected, found {taken:?}\n"));
        }
    }
    println!(
        "{} cases at a node, {} of them valid, {} wrong",
        cases.len(),
        cases.iter().filter(|case| case.1).count(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

fn with_body(draft: &mut Draft, change: impl FnOnce(&mut TimestampBody)) {
    let mut changed = body();
    change(&mut changed);
    draft.body = cbor::encode(&changed);
}

/// The body's map with one more entry.
fn with_more(body: &[u8], entry: &[u8]) -> Vec<u8> {
    let mut body = [body, entry].concat();
    body[0] += 1;
    body
}

#[test]
fn a_timestamp_counts_only_as_the_coordinators_word_on_the_held_roster() {
    let cases: [(&str, bool, Change); 26] = [
        ("of now", true, |_| ()),
        ("of an hour ago", true, |d| {
            (d.header.created, d.header.expires) = (now() - HOUR, now() + 7 * DAY - HOUR);
            with_body(d, |body| body.now -= HOUR);
        }),
        ("of six days ago", true, |d| {
            (d.header.created, d.header.expires) = (now() - 6 * DAY, now() + DAY);
            with_body(d, |body| body.now -= 6 * DAY);
        }),
        ("23 hours ahead", true, |d| {
            (d.header.created, d.header.expires) = (now() + 23 * HOUR, now() + 7 * DAY);
            with_body(d, |body| body.now += 23 * HOUR);
        }),
        ("25 hours ahead", false, |d| {
            d.header.created += 25 * HOUR;
            with_body(d, |body| body.now += 25 * HOUR);
        }),
        ("expired an hour ago", false, |d| {
            (d.header.created, d.header.expires) = (now() - 7 * DAY - HOUR, now() - HOUR);
            with_body(d, |body| body.now -= 7 * DAY + HOUR);
        }),
        ("good for 8 days", false, |d| d.header.expires += DAY),
        ("good for ever", false, |d| d.header.expires = i64::MAX.unsigned_abs()),
        ("expires before it is made", false, |d| d.header.expires = d.header.created - 1),
        ("whose clock is ahead of its date", false, |d| with_body(d, |body| body.now += DAY)),
        ("whose clock is far ahead of its date", false, |d| with_body(d, |body| body.now = 1 << 62)),
        ("of an older roster", false, |d| with_body(d, |body| body.roster_version = 4)),
        ("of roster 0", false, |d| with_body(d, |body| body.roster_version = 0)),
        ("of another roster of the held version", false, |d| with_body(d, |body| body.roster_hash[0] ^= 1)),
        ("of a later roster that nobody brought", false, |d| with_body(d, |body| body.roster_version = 6)),
        ("of roster 2^62", false, |d| with_body(d, |body| body.roster_version = 1 << 62)),
        ("signed by a custodian", false, |d| d.signer = OLD[0]),
        ("signed by a member", false, |d| d.signer = "op FR"),
        ("signed by a stranger", false, |d| d.signer = "stranger"),
        ("of a member", false, |d| (d.header.from, d.signer) = (Party::Member(id("FR")), "op FR")),
        ("of the custodians", false, |d| (d.header.from, d.signer) = (Party::Custodians, OLD[0])),
        ("for another network", false, |d| d.network = network("kin-other")),
        ("for one member", false, |d| d.header.to = Some(Party::Member(id("BE")))),
        ("as a key announcement", false, |d| d.header.kind = 12),
        ("as a revocation", false, |d| d.header.kind = 13),
        ("with one more field", false, |d| d.body = with_more(&d.body, &[6, 0])),
    ];
    judge(&cases, &timestamp(), society);
}

#[test]
fn an_older_timestamp_does_not_replace_a_newer_one() {
    let mut node = society();
    assert_eq!(node.take(&timestamp().bytes(), at()), Ok((1, 0)));
    let mut older = timestamp();
    (older.header.created, older.header.expires) = (now() - DAY, now() + 6 * DAY);
    with_body(&mut older, |body| body.now -= DAY);
    assert_eq!(node.take(&older.bytes(), at()), Ok((0, 1)));
    assert_eq!(node.take(&timestamp().bytes(), at()), Ok((0, 1)));
}

fn revoke(draft: &mut Draft, change: impl FnOnce(&mut SelfRevocation)) {
    let mut body = SelfRevocation { op_kid: kid_of(&public("op FR")), incarnation: 1, reason_code: 1 };
    change(&mut body);
    draft.body = cbor::encode(&body);
}

#[test]
fn a_revocation_counts_only_as_the_word_of_the_members_own_root() {
    let cases: [(&str, bool, Change); 19] = [
        ("by its root", true, |_| ()),
        ("signed at enrolment, 30 days ago", true, |d| d.header.created -= 30 * DAY),
        ("of a key that was never announced", true, |d| revoke(d, |body| body.op_kid = kid_of(&public("op FR 2")))),
        ("for a reason that this release does not know", true, |d| revoke(d, |body| body.reason_code = 4_711)),
        ("by the key that it revokes", false, |d| d.signer = "op FR"),
        ("by another member's root", false, |d| d.signer = "root KE"),
        ("by another member's root in its own name", true, |d| (d.header.from, d.signer) = (Party::Member(id("KE")), "root KE")),
        ("by a custodian", false, |d| d.signer = OLD[0]),
        ("by the coordinator", false, |d| d.signer = "coordinator"),
        ("in the coordinator's name", false, |d| (d.header.from, d.signer) = (Party::Coordinator, "coordinator")),
        ("in the custodians' name", false, |d| (d.header.from, d.signer) = (Party::Custodians, OLD[0])),
        ("of a member that is not on the roster", false, |d| (d.header.from, d.signer) = (Party::Member(id("ZZ")), "root ZZ")),
        ("for another network", false, |d| d.network = network("kin-other")),
        ("to one member", false, |d| d.header.to = Some(Party::Member(id("KE")))),
        ("expired", false, |d| (d.header.created, d.header.expires) = (now() - 90 * DAY, now() - HOUR)),
        ("made tomorrow and later", false, |d| d.header.created += 25 * HOUR),
        ("as a key announcement", false, |d| d.header.kind = 12),
        ("with one more field", false, |d| d.body = with_more(&d.body, &[4, 0])),
        ("without a key", false, |d| d.body = vec![0xa0]),
    ];
    judge(&cases, &revocation(), society);
}

#[test]
fn a_revoked_key_is_void_until_the_root_announces_another() {
    let mut node = society();
    let first = announcement("op FR", 1, [0; 32], "root FR");
    assert_eq!(node.take(&revocation().bytes(), at()), Ok((1, 0)));
    assert_eq!(node.take(&revocation().bytes(), at()), Ok((0, 1)));
    assert_eq!(node.standing("FR"), "revoked");
    let hash = hash_of(&first);
    for (what, by_thief) in [
        ("the same announcement", first),
        ("the thief's epoch", announcement("op FR", 2, hash, "op FR")),
        ("the thief's next key", announcement("op thief", 2, hash, "op FR")),
        ("the root's word for the void key", announcement("op FR", 2, hash, "root FR")),
    ] {
        assert!(!matches!(node.take(&by_thief.bytes(), at()), Ok((1, _))), "{what}");
        assert_eq!(node.standing("FR"), "revoked", "{what}");
    }
    assert_eq!(node.take(&announcement("op FR 2", 2, hash, "root FR").bytes(), at()), Ok((1, 0)));
    assert_eq!(node.standing("FR"), "active");
}

/// What the next announcement names as the one before.
fn hash_of(draft: &Draft) -> [u8; 32] {
    let bytes = draft.bytes();
    let mut decoder = minicbor::Decoder::new(&bytes);
    decoder.tag().expect("a tag");
    decoder.array().expect("an array");
    decoder.bytes().expect("a header");
    decoder.map().expect("a header");
    kinmesh_protocol::roster::payload_hash(decoder.bytes().expect("the payload"))
}

#[test]
fn a_suspended_member_may_still_revoke_its_key() {
    let mut node = society();
    assert_eq!(node.take(&signed_by(&suspension(), &OLD[..2]), at()), Ok((1, 0)));
    assert!(node.take(&announcement("op FR 2", 2, [1; 32], "root FR").bytes(), at()).is_err());
    assert_eq!(node.take(&revocation().bytes(), at()), Ok((1, 0)));
    assert_eq!(node.standing("FR"), "suspended");
    node.wait_until(at() + Millis::days(15));
    assert_eq!(node.standing("FR"), "revoked", "a key that is lost stays lost");
}
