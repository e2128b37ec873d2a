//! Every message type, signed.

use kinmesh_protocol::base::{Party, cbor, limits::KEYS_A_RECORD};
use kinmesh_protocol::envelope::{Header, kid_of, sign};
use kinmesh_protocol::linkage::{parameters_hash, profile_id};
use kinmesh_protocol::private_match::manifest::PREFIX_BITS;
use kinmesh_protocol::roster::{
    CaseClass, ClassId, Coordinator, Custodians, Limits, LogHead, Member, MemberStatus, Pace, Profile, Roster, Suspension,
    assemble, payload_hash, sign_roster, sign_suspension,
};
use serde_json::{Value, json};

use crate::bodies::{audit, from_owner, from_querier, of_coordinator, of_member};
use crate::fixture::{DAY, NOW, be, hex, ke, key, key_seed, msg_id, network, public, seed};

const CUSTODIANS: [&str; 3] = ["custodian 1", "custodian 2", "custodian 3"];

fn member(id: kinmesh_protocol::base::MemberId) -> Member {
    Member {
        id,
        names: vec![("en".to_owned(), format!("Red Cross of {id}")), ("am".to_owned(), "ቀይ መስቀል".to_owned())],
        country: "KE".to_owned(),
        status: MemberStatus::Active,
        root_key: public(&format!("root {id}")),
        people_cap: 1 << 14,
        case_class: ClassId::M,
        addresses: vec!["/ip4/192.0.2.1/tcp/4001".to_owned()],
        incident_contact: "incident@example.org".to_owned(),
        joined: NOW - 100 * DAY,
        status_since: NOW - 90 * DAY,
        single_reviewer: false,
        ask_class: ClassId::S,
    }
}

/// Version 3, signed by two of three.
pub fn roster() -> (Roster, Vec<u8>) {
    let mut keys = CUSTODIANS.map(public).to_vec();
    keys.sort_unstable();
    let roster = Roster {
        network_id: network(),
        version: 3,
        prev_hash: seed("roster 2"),
        issued: NOW - DAY,
        expires: NOW + 300 * DAY,
        protocol_min: 1,
        protocol_max: 1,
        profile: Profile { id: profile_id(), parameters_hash: parameters_hash() },
        keys_a_record: KEYS_A_RECORD as u64,
        prefix_bits: PREFIX_BITS,
        classes: CaseClass::standard().to_vec(),
        limits: Limits::standard(),
        pace: Pace::standard(),
        custodians: Custodians { keys, threshold: 2, root_threshold: 2, emergency_threshold: 2 },
        coordinator: Coordinator { key: public("coordinator"), addresses: vec!["/ip4/192.0.2.2/tcp/4000".to_owned()] },
        auditors: vec![],
        members: vec![member(be()), member(ke())],
        force_roll: vec![],
        notices: vec![],
    };
    let payload = roster.payload();
    let signatures = CUSTODIANS.iter().take(2).map(|name| sign_roster(&network(), &payload, &key(name))).collect();
    let bytes = assemble(&payload, signatures);
    (roster, bytes)
}

fn suspension() -> (Suspension, Vec<u8>) {
    let suspension =
        Suspension { network_id: network(), roster_version: 3, member: ke(), issued: NOW, until: NOW + 14 * DAY, reason_code: 1 };
    let payload = cbor::encode(&suspension);
    let signatures = CUSTODIANS.iter().take(2).map(|name| sign_suspension(&network(), &payload, &key(name))).collect();
    (suspension, assemble(&payload, signatures))
}

/// Who signs a message of a type, by the name of its seed.
fn signer(kind: u64, from: &str) -> String {
    match kind {
        11 | 16 => "coordinator".to_owned(),
        12 | 13 => format!("root {from}"),
        60 => "auditor".to_owned(),
        _ => format!("op {from}"),
    }
}

/// A message of a type: its header and its bytes.
pub fn signed(kind: u64, name: &str, from: Party, to: Option<Party>, body: &[u8]) -> (Header, Vec<u8>) {
    let life = match kind {
        11 => 7 * DAY,
        12 | 13 => 90 * DAY,
        _ => 35 * DAY,
    };
    let header = Header {
        kind,
        from,
        to,
        // That of the example in protocol.md 3.9.
        msg_id: if kind == 40 { example_id() } else { msg_id(name) },
        n: if to.is_some() { 12 } else { 0 },
        created: NOW,
        expires: NOW + life,
        roster_version: 3,
        re: match kind {
            31 | 59 => Some(msg_id("EvalRequest")),
            61 => Some(msg_id("AuditChallenge")),
            _ => None,
        },
    };
    let bytes = sign(&network(), &header, body, &key(&signer(kind, from.as_str())));
    (header, bytes)
}

fn example_id() -> kinmesh_protocol::base::MsgId {
    let bytes = data_encoding::HEXLOWER.decode(b"aab044a6472638218d766124dc4b44bd").expect("hex");
    kinmesh_protocol::base::MsgId(bytes.try_into().expect("16 bytes"))
}

/// SHA-256 of the payload of signed bytes: their third item, behind a tag and two headers.
fn hash_of(bytes: &[u8]) -> [u8; 32] {
    let mut decoder = minicbor::Decoder::new(bytes);
    decoder.tag().expect("a tag");
    decoder.array().expect("an array");
    decoder.skip().expect("a header");
    decoder.skip().expect("a header");
    payload_hash(decoder.bytes().expect("the payload"))
}

/// A signed message: type, name, header, body, bytes.
pub type Signed = (u64, &'static str, Header, Vec<u8>, Vec<u8>);

/// All but the custodians'.
pub fn all() -> Vec<Signed> {
    let (owner, querier) = (Party::Member(ke()), Party::Member(be()));
    let mut all = Vec::new();
    let mut log = vec![(10, hash_of(&roster().1))];
    for (kind, name, body) in of_member() {
        let (header, bytes) = signed(kind, name, owner, None, &body);
        log.extend(LogHead::takes(kind).then(|| (kind, hash_of(&bytes))));
        all.push((kind, name, header, body, bytes));
    }
    log.push((14, hash_of(&suspension().1)));
    for (kind, name, body) in of_coordinator(&log) {
        let (header, bytes) = signed(kind, name, Party::Coordinator, None, &body);
        all.push((kind, name, header, body, bytes));
    }
    for (kind, name, body) in from_owner() {
        let (header, bytes) = signed(kind, name, owner, Some(querier), &body);
        all.push((kind, name, header, body, bytes));
    }
    for (kind, name, body) in from_querier() {
        let (header, bytes) = signed(kind, name, querier, Some(owner), &body);
        all.push((kind, name, header, body, bytes));
    }
    let auditor = Party::parse("@auditor-1").expect("an auditor");
    for (kind, name, body) in audit() {
        let (from, to) = if kind == 60 { (auditor, None) } else { (owner, Some(auditor)) };
        let (header, bytes) = signed(kind, name, from, to, &body);
        all.push((kind, name, header, body, bytes));
    }
    all.sort_by_key(|(kind, ..)| *kind);
    all
}

pub fn vectors() -> Value {
    let (_, roster) = roster();
    let (_, suspension) = suspension();
    let cosigned = |kind: u64, name: &str, bytes: &[u8]| {
        json!({
            "type": kind, "name": name, "from": "@custodians", "to": null,
            "signers": CUSTODIANS.iter().take(2).map(|name| hex(&public(name))).collect::<Vec<_>>(),
            "signer_seeds": CUSTODIANS.iter().take(2).map(|name| hex(&seed(name))).collect::<Vec<_>>(),
            "bytes": hex(bytes),
        })
    };
    let mut messages = vec![cosigned(10, "Roster", &roster), cosigned(14, "Suspension", &suspension)];
    messages.extend(all().into_iter().map(|(kind, name, header, body, bytes)| {
        let signer = signer(kind, header.from.as_str());
        json!({
            "type": kind, "name": name, "from": header.from.as_str(), "to": header.to.map(|to| to.as_str().to_owned()),
            "msg_id": hex(&header.msg_id.0), "n": header.n, "created": header.created, "expires": header.expires,
            "roster_version": header.roster_version, "re": header.re.map(|re| hex(&re.0)),
            "signer_seed": hex(&key_seed(&signer)), "signer": hex(&public(&signer)), "kid": hex(&kid_of(&public(&signer)).0),
            "body": hex(&body), "bytes": hex(&bytes),
        })
    }));
    messages.sort_by_key(|message| message["type"].as_u64());
    json!({ "network": network().as_str(), "messages": messages })
}
