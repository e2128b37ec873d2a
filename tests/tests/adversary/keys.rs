//! An owner's public key: one for all peers, and nobody else's.

use std::collections::BTreeMap;

use kinmesh_protocol::base::{Epoch, Millis, MsgId, Party, cbor};
use kinmesh_protocol::engine::{NoticeCode, Receipt};
use kinmesh_protocol::envelope::{Addressee, Header, Message, Refusal, Unverified, sign};
use kinmesh_protocol::private_match::oprf::pk_hash;
use kinmesh_protocol::private_match::{EvalRequest, EvalResponse};
use kinmesh_protocol::roster::{KeyAnnouncement, PublicKeys, VoprfKey};
use kinmesh_tests::simulation::desks::search;
use kinmesh_tests::simulation::hostile::{Hostile, epoch_of};
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, start};

use crate::{HOUR, noticed};

/// The first announcement of a member, with its hash.
fn announced(setup: &Setup, place: usize) -> (KeyAnnouncement, [u8; 32]) {
    let members = BTreeMap::new();
    let now = setup.world.now();
    let ring = PublicKeys { roster: &setup.roster, members: &members, suspensions: &[], now };
    let message = Unverified::<Message>::parse(&setup.papers[place].announcement, 1 << 16).expect("a message");
    let pace = setup.roster.pace;
    let message = message.verify(&network_id(), Addressee::Public, &ring, now, pace.clock_skew, Millis::days(400));
    let message = message.expect("the member's own");
    (cbor::decode(&message.body).expect("an announcement"), message.hash)
}

/// The member's next announcement, with another key, signed by its operational key.
fn next(setup: &Setup, hostile: &Hostile, place: usize, epoch: u32, pk: [u8; 32]) -> Vec<u8> {
    let (mut keys, hash) = announced(setup, place);
    let now = setup.world.now().seconds();
    keys.seq = 2;
    keys.prev_hash = hash;
    keys.voprf = VoprfKey { epoch: Epoch(epoch), pk, from: now, until: now + 600 };
    let header = Header {
        kind: 12,
        from: Party::Member(hostile.member),
        to: None,
        msg_id: MsgId([pk[0]; 16]),
        n: 0,
        created: now,
        expires: keys.op_until,
        roster_version: 1,
        re: None,
    };
    sign(&network_id(), &header, &cbor::encode(&keys), &hostile.key)
}

#[test]
fn attack_10_two_keys_for_two_peers_are_found_and_neither_counts() {
    println!("seed 10");
    let mut setup = start(10, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let (east, south) = (setup.members[0], setup.members[2]);
    setup.world.run_for(3 * HOUR);
    let mut owner = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    let (one, other) = (next(&setup, &owner, 1, 2, [21; 32]), next(&setup, &owner, 1, 2, [22; 32]));
    assert_eq!(owner.offer(&mut setup, east, one), Receipt::Committed);
    assert_eq!(owner.offer(&mut setup, south, other), Receipt::Committed);
    // Both are taken for honest until the two peers compare what they hold.
    setup.world.run_for(3 * HOUR);
    for node in [east, south] {
        assert!(!noticed(&setup, node, NoticeCode::KeysDiffer).is_empty(), "node {node} saw one of the two only");
        let (receipt, _) = owner.say(
            &mut setup,
            node,
            22,
            &kinmesh_protocol::private_match::SetGet {
                family: kinmesh_protocol::private_match::Family::Registered,
                epoch: Epoch(1),
                have_seq: 0,
                want: Vec::new(),
            },
        );
        assert_eq!(receipt, Receipt::Refused(4), "its keys count no more at node {node}");
    }
    let mark = setup.world.delivered.len();
    search(&mut setup, south, &[]);
    setup.world.run_for(10 * HOUR);
    assert!(owner.heard(&setup, mark).iter().all(|heard| heard.message.header.kind != 30), "it is asked nothing");
}

// EV-1: another owner's key under its own name.
#[test]
fn attack_11_a_copied_key_is_refused_and_relayed_elements_give_nothing() {
    println!("seed 11");
    let mut setup = start(11, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let (east, south) = (setup.members[0], setup.members[2]);
    setup.world.run_for(3 * HOUR);
    let mut copier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    let (_, copied) = epoch_of(&setup, south);
    let announcement = next(&setup, &copier, 1, 2, copied.public);
    assert_eq!(copier.offer(&mut setup, east, announcement), Receipt::Refused(4), "E_KEY_UNKNOWN");
    // It relays what EAST asks it to SOUTH, and SOUTH's answer back.
    let mark = setup.world.delivered.len();
    search(&mut setup, east, &[]);
    setup.world.run_for(4 * HOUR);
    let asked = copier.heard(&setup, mark).into_iter().find(|heard| heard.message.header.kind == 30 && heard.from == east);
    let asked = asked.expect("EAST asks");
    let mut relayed: EvalRequest = cbor::decode(&asked.message.body).expect("a request");
    relayed.epoch = epoch_of(&setup, south).0;
    relayed.pk_hash = pk_hash(&copied.public);
    let (_, id) = copier.say(&mut setup, south, 30, &relayed);
    setup.world.run_for(2 * HOUR);
    let answer = copier.heard(&setup, mark).into_iter().find(|heard| heard.message.header.re == Some(id)).expect("SOUTH answers");
    let answer: EvalResponse = cbor::decode(&answer.message.body).expect("a response");
    let (epoch, own) = epoch_of(&setup, copier.node);
    let mut under_its_own_name = answer.clone();
    (under_its_own_name.epoch, under_its_own_name.pk) = (epoch, own.public);
    let tags = |setup: &Setup| setup.world.nodes[east].store.count(kinmesh_protocol::base::record::Tree::Hits);
    copier.reply(&mut setup, east, 31, asked.message.header.msg_id, &answer);
    assert!(noticed(&setup, east, NoticeCode::Refused).contains(&Refusal::Epoch.code()), "SOUTH's key is not the copier's");
    copier.reply(&mut setup, east, 31, asked.message.header.msg_id, &under_its_own_name);
    setup.world.run_for(HOUR);
    assert_eq!(noticed(&setup, east, NoticeCode::ProofFailed).len(), 1, "the proof is for another key");
    assert_eq!(tags(&setup), 0);
}
