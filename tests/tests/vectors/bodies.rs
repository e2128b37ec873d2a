//! A body of every message type.

use kinmesh_protocol::base::{AuditId, ConsentId, Epoch, PeerId, cbor};
use kinmesh_protocol::casework::messages::{
    Attributes, Claim, ClaimAnswer, ClaimStatus, Disclosure, DisclosureKind, Outcome, ReviewResult, ReviewStatus, Withdraw,
};
use kinmesh_protocol::casework::outcome::OutcomeKind;
use kinmesh_protocol::engine::bundle_in::CommittedBody;
use kinmesh_protocol::envelope::kid_of;
use kinmesh_protocol::private_match::audit::{AuditChallenge, AuditRef, AuditReport};
use kinmesh_protocol::private_match::input::elements_hash;
use kinmesh_protocol::private_match::manifest::{ReceiptStatus, SetGet, SetReceipt, SetSegment, WantedSegment};
use kinmesh_protocol::private_match::oprf::pk_hash;
use kinmesh_protocol::private_match::{
    EvalCase, EvalMode, EvalRequest, EvalResponse, EvalStatus, EvaluatedCase, Family, SegmentKind, Tag,
};
use kinmesh_protocol::roster::messages::ChainHead;
use kinmesh_protocol::roster::messages::LogPart;
use kinmesh_protocol::roster::{KeyAnnouncement, LogHead, PublicGet, SelfRevocation, TimestampBody, VoprfKey};
use minicbor::Encode;

use crate::fixture::{DAY, EPOCH, NOW, be, case_ref, claim, epoch_secret, half, ke, msg_id, public, seal_secret, seed};
use crate::{matching, sets};

/// The ten prefixes of protocol.md 3.9.
pub const EXAMPLE: [u64; 10] = [
    0x1ae6_2b13_7cbe,
    0x2ad3_984a_9486,
    0x422f_9b11_3eac,
    0x4d7c_7f26_8b53,
    0x7ab6_9ea4_bc88,
    0xadf0_b87f_81d9,
    0xb087_52f6_88bf,
    0xd82b_385c_08ca,
    0xe8f5_1fd7_085d,
    0xf0c8_a5c2_30b5,
];

/// Type 59 as protocol.md 3.3 says it.
#[derive(Encode)]
#[cbor(map)]
struct ErrorBody {
    #[n(1)]
    code: u64,
    #[n(2)]
    re: kinmesh_protocol::base::MsgId,
    #[n(3)]
    value: Option<u64>,
}

/// The claim of protocol.md 3.9.
pub fn example_claim() -> Vec<u8> {
    let unhex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex");
    let body = Claim {
        claim_id: kinmesh_protocol::base::ClaimId(unhex("4328c02314bf971fb6f7cd64c83523c4").try_into().expect("16 bytes")),
        case_ref: case_ref(),
        epoch: EPOCH,
        set_seq: 2,
        family: Family::Registered,
        tags: ["0acc25196a936c9425972e74489791f2", "84193281d445838cd63c1b6015a4a7d5"]
            .map(|tag| Tag(unhex(tag).try_into().expect("16 bytes")))
            .to_vec(),
        attr_root: unhex("14ed8f88f727511090cadf201286e54ca3237c0e02cfea403285339d3c06aa62").try_into().expect("32 bytes"),
    };
    cbor::encode(&body)
}

/// The public ones of a member.
pub fn of_member() -> Vec<(u64, &'static str, Vec<u8>)> {
    let seal_key = seal_secret().public();
    let op_key = public("op KE");
    let announcement = KeyAnnouncement {
        incarnation: 1,
        seq: 1,
        prev_hash: [0; 32],
        op_key,
        op_until: NOW + 90 * DAY,
        seal_key_id: seal_key.key_id(),
        seal_key,
        seal_until: NOW + 28 * DAY,
        voprf: VoprfKey { epoch: EPOCH, pk: epoch_secret().public(), from: NOW, until: NOW + 28 * DAY },
        next_voprf: Some(VoprfKey { epoch: Epoch(8), pk: seed("any"), from: NOW + 28 * DAY, until: NOW + 56 * DAY }),
        peer_id: PeerId(op_key).to_bytes(),
    };
    let head = ChainHead { member: ke(), incarnation: 1, seq: 1, hash: half("head") };
    let get = PublicGet {
        roster_version: 3,
        digest: half("digest"),
        heads: Some(vec![head]),
        confirmed: NOW,
        emergencies: 0,
        log_len: Some(0),
    };
    let revocation = SelfRevocation { op_kid: kid_of(&op_key), incarnation: 1, reason_code: 1 };
    vec![
        (12, "KeyAnnouncement", cbor::encode(&announcement)),
        (13, "SelfRevocation", cbor::encode(&revocation)),
        (15, "PublicGet", cbor::encode(&get)),
    ]
}

/// Those of the coordination node, whose log has these entries: type and hash of the payload. The roster is the first.
pub fn of_coordinator(log: &[(u64, [u8; 32])]) -> [(u64, &'static str, Vec<u8>); 2] {
    let head = log.iter().fold(LogHead::default(), |head, (kind, hash)| head.append(*kind, hash));
    let entry = |(kind, hash): &(u64, [u8; 32])| [&[u8::try_from(*kind).expect("a type")], &hash[..]].concat();
    let part = LogPart { from: 0, entries: log.iter().flat_map(entry).collect() };
    let timestamp =
        TimestampBody { roster_version: 3, roster_hash: log[0].1, keylog_head: head.head, keylog_len: head.len, now: NOW };
    [(11, "Timestamp", cbor::encode(&timestamp)), (16, "LogPart", cbor::encode(&part))]
}

/// An auditor's challenge, and the owner's answer to it.
pub fn audit() -> [(u64, &'static str, Vec<u8>); 2] {
    let challenge = AuditChallenge {
        audit_id: AuditId(half("audit")),
        querier: be(),
        owner: ke(),
        epoch: EPOCH,
        timestamp_hash: seed("timestamp"),
    };
    let listed = AuditRef { case_ref: case_ref(), element_hash: elements_hash(&matching::elements()) };
    let report = AuditReport { audit_id: AuditId(half("audit")), part: 1, parts: 1, refs: vec![listed], counts: None };
    [(60, "AuditChallenge", cbor::encode(&challenge)), (61, "AuditReport", cbor::encode(&report))]
}

/// From the owner or holder KE to BE.
pub fn from_owner() -> Vec<(u64, &'static str, Vec<u8>)> {
    let (manifest, bytes) = sets::base();
    let segment = SetSegment { family: Family::Registered, epoch: EPOCH, set_seq: 1, index: 0, kind: SegmentKind::Add, bytes };
    let (evaluated, proof) = matching::evaluated();
    let response = EvalResponse {
        epoch: EPOCH,
        pk: epoch_secret().public(),
        batch: vec![
            EvaluatedCase::accepted(case_ref(), &evaluated),
            EvaluatedCase::refused(kinmesh_protocol::base::CaseRef(half("dummy_ref")), EvalStatus::Budget),
        ],
        proof: proof.to_vec(),
    };
    let answer = ClaimAnswer { claim_id: claim(), status: ClaimStatus::Candidate, roots: ["a", "b", "c"].map(seed).to_vec() };
    let closed = ReviewResult { claim_id: claim(), status: ReviewStatus::Closed, wanted_fields: Vec::new() };
    let (commitment, fields) = matching::commitment();
    let opening = commitment.open(fields[1..].to_vec()).expect("an opening");
    let disclosure = Disclosure {
        claim_id: claim(),
        root_index: 1,
        fields: opening.fields,
        other_hashes: opening.other_hashes,
        kind: DisclosureKind::Message,
        text: "tell her that I am well\nأنا بخير".into(),
        consent_ref: ConsentId(half("consent")),
    };
    let error = ErrorBody { code: 15, re: msg_id("EvalRequest"), value: Some(8) };
    vec![
        (20, "SetManifest", cbor::encode(&manifest)),
        (21, "SetSegment", cbor::encode(&segment)),
        (24, "Committed", cbor::encode(&CommittedBody { messages: vec![msg_id("Claim"), msg_id("SetReceipt")] })),
        (31, "EvalResponse", cbor::encode(&response)),
        (41, "ClaimAnswer", cbor::encode(&answer)),
        (43, "ReviewResult", cbor::encode(&closed)),
        (44, "Disclosure", cbor::encode(&disclosure)),
        (59, "Error", cbor::encode(&error)),
    ]
}

/// From the querier or seeker BE to KE.
pub fn from_querier() -> Vec<(u64, &'static str, Vec<u8>)> {
    let get =
        SetGet { family: Family::Registered, epoch: EPOCH, have_seq: 1, want: vec![WantedSegment { set_seq: 1, index: 0 }] };
    let receipt = SetReceipt {
        family: Family::Registered,
        epoch: EPOCH,
        set_seq: 1,
        manifest_hash: sets::base().0.hash(),
        status: ReceiptStatus::Applied,
    };
    let dummy = EvalCase::new(kinmesh_protocol::base::CaseRef(half("dummy_ref")), EvalMode::New, &matching::elements());
    let request = EvalRequest {
        epoch: EPOCH,
        pk_hash: pk_hash(&epoch_secret().public()),
        batch: vec![EvalCase::new(case_ref(), EvalMode::New, &matching::elements()), dummy],
        family: Family::Registered,
    };
    let (commitment, fields) = matching::commitment();
    let opening = commitment.open(fields[..1].to_vec()).expect("an opening");
    let attributes = Attributes {
        claim_id: claim(),
        root_index: 3,
        supplement: 0,
        fields: opening.fields,
        other_hashes: opening.other_hashes,
    };
    let outcome = Outcome { claim_id: claim(), result: OutcomeKind::Informed };
    let withdraw = Withdraw { claim_id: Some(claim()), case_ref: None, reason_code: 1 };
    vec![
        (22, "SetGet", cbor::encode(&get)),
        (23, "SetReceipt", cbor::encode(&receipt)),
        (30, "EvalRequest", cbor::encode(&request)),
        (40, "Claim", example_claim()),
        (42, "Attributes", cbor::encode(&attributes)),
        (45, "Outcome", cbor::encode(&outcome)),
        (46, "Withdraw", cbor::encode(&withdraw)),
    ]
}
