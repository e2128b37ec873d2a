//! The network of the cases: five custodians, three members, a roster of version 5 that is held, and version 6 that follows.
//!
//! Keys come from their names. The time is the machine's, read once, because the command line reads its clock; cases keep an
//! hour away from every limit of time.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::limits::KEYS_A_RECORD;
use kinmesh_protocol::base::{Kid, MemberId, NetworkId, Timestamp};
use kinmesh_protocol::envelope::kid_of;
use kinmesh_protocol::linkage::{parameters_hash, profile_id};
use kinmesh_protocol::private_match::manifest::PREFIX_BITS;
use kinmesh_protocol::roster::verify::payload_hash;
use kinmesh_protocol::roster::{
    CaseClass, ClassId, Coordinator, Custodians, HeldRoster, Limits, Member, MemberStatus, Pace, Profile, Roster, assemble,
    sign_roster,
};
use sha2::{Digest, Sha256};

pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 24 * HOUR;
/// The custodians of the held roster.
pub const OLD: [&str; 5] = ["custodian 1", "custodian 2", "custodian 3", "custodian 4", "custodian 5"];
/// Others, whom a change of custodians names.
pub const NEW: [&str; 5] = ["custodian 6", "custodian 7", "custodian 8", "custodian 9", "custodian 10"];

/// Unix seconds, the same for the whole run.
pub fn now() -> u64 {
    static NOW: OnceLock<u64> = OnceLock::new();
    *NOW.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs())
}

/// The same as the protocol takes it.
pub fn at() -> Timestamp {
    Timestamp::from_seconds(now())
}

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest([b"kinmesh/test/", name.as_bytes()].concat()).into())
}

pub fn public(name: &str) -> [u8; 32] {
    key(name).verifying_key().to_bytes()
}

pub fn kid(name: &str) -> Kid {
    kid_of(&public(name))
}

pub fn network(id: &str) -> NetworkId {
    NetworkId::new(id).expect("a network id")
}

pub fn id(text: &str) -> MemberId {
    MemberId::new(text).expect("a member id")
}

pub fn member(id_text: &str) -> Member {
    Member {
        id: id(id_text),
        names: vec![("en".to_owned(), format!("Red Cross of {id_text}")), ("am".to_owned(), "ቀይ መስቀል".to_owned())],
        country: "KE".to_owned(),
        status: MemberStatus::Active,
        root_key: public(&format!("root {id_text}")),
        people_cap: 1 << 14,
        case_class: ClassId::M,
        addresses: vec!["/ip4/127.0.0.1/tcp/4001".to_owned()],
        incident_contact: "incident@example.org".to_owned(),
        joined: now() - 100 * DAY,
        status_since: now() - 90 * DAY,
        single_reviewer: false,
        ask_class: ClassId::S,
    }
}

pub fn custodians(names: &[&str], threshold: u64, root_threshold: u64) -> Custodians {
    let keys = names.iter().map(|name| public(name)).collect();
    Custodians { keys, threshold, root_threshold, emergency_threshold: 2 }
}

/// Version 1 of `kin-test`.
pub fn first() -> Roster {
    Roster {
        network_id: network("kin-test"),
        version: 1,
        prev_hash: [0; 32],
        issued: now() - 20 * DAY,
        expires: now() + 300 * DAY,
        protocol_min: 1,
        protocol_max: 1,
        profile: Profile { id: profile_id(), parameters_hash: parameters_hash() },
        keys_a_record: KEYS_A_RECORD as u64,
        prefix_bits: PREFIX_BITS,
        classes: CaseClass::standard().to_vec(),
        limits: Limits::standard(),
        pace: Pace::standard(),
        custodians: custodians(&OLD, 3, 4),
        coordinator: Coordinator { key: public("coordinator"), addresses: vec!["/ip4/127.0.0.1/tcp/4000".to_owned()] },
        auditors: vec![],
        members: vec![member("BE"), member("FR"), member("KE")],
        force_roll: vec![],
        notices: vec![],
    }
}

/// The held one: version 5.
pub fn held() -> Roster {
    Roster { version: 5, prev_hash: [5; 32], issued: now() - 10 * DAY, ..first() }
}

/// The one after a roster, issued now.
pub fn after(roster: &Roster) -> Roster {
    Roster { version: roster.version + 1, prev_hash: payload_hash(&roster.payload()), issued: now(), ..roster.clone() }
}

/// Version 6, which follows the held one.
pub fn next() -> Roster {
    after(&held())
}

/// As a node holds it.
pub fn holding(roster: &Roster) -> HeldRoster {
    HeldRoster { roster: roster.clone(), hash: payload_hash(&roster.payload()) }
}

/// A roster signed by these, for its own network.
pub fn signed(roster: &Roster, names: &[&str]) -> Vec<u8> {
    let payload = roster.payload();
    let by = |name: &&str| sign_roster(&roster.network_id, &payload, &key(name));
    assemble(&payload, names.iter().map(by).collect())
}

/// Any payload, signed by these as a roster of `kin-test`.
pub fn signed_payload(payload: &[u8], names: &[&str]) -> Vec<u8> {
    assemble(payload, signatures(payload, names))
}

/// The signatures alone, in the order of the names.
pub fn signatures(payload: &[u8], names: &[&str]) -> Vec<(Kid, [u8; 64])> {
    names.iter().map(|name| sign_roster(&network("kin-test"), payload, &key(name))).collect()
}
