//! The first rows of a node, and what it shows of itself to be put on the roster.

use ed25519_dalek::SigningKey;

use crate::base::{Draw, Epoch, MemberId, Millis, MsgId, NetworkId, Party, PeerId, Timestamp, cbor};
use crate::engine::batch::{Batch, Op};
use crate::engine::rows::{OwnAnnouncementRow, OwnRow};
use crate::envelope::{Header, SealSecret, kid_of, sign};
use crate::private_match::EpochSecret;
use crate::private_match::owner::{EpochKey, FamilyIndex, IndexState, SealingKey};
use crate::roster::key_chain::{KEY_ANNOUNCEMENT, SELF_REVOCATION};
use crate::roster::messages::{KeyAnnouncement, SelfRevocation, VoprfKey};

/// Life of an operational key (protocol.md 2.12).
pub const OP_KEY_LIFE: Millis = Millis::days(90);

/// Life of a VOPRF key (protocol.md 2.6).
pub const EPOCH_LIFE: Millis = Millis::days(28);

/// What a society's node is made for.
pub struct MemberSetup {
    /// The member.
    pub member: MemberId,
    /// The network; the store joins no other.
    pub network: NetworkId,
}

/// What a society hands to the coordination node to be put on the roster. Public.
pub struct Enrolment {
    /// The first key announcement, signed by the root key.
    pub announcement: Vec<u8>,
    /// The pre-signed revocation, to be printed.
    pub self_revocation: Vec<u8>,
}

/// The rows of a society's node, and its enrolment.
#[must_use]
pub fn member(
    setup: &MemberSetup,
    root: &SigningKey,
    operational: &SigningKey,
    now: Timestamp,
    draw: &mut Draw,
) -> (Vec<Batch>, Enrolment) {
    let seal = SealSecret::draw(draw);
    let epoch = EpochSecret::draw(draw);
    let until = now + OP_KEY_LIFE;
    let epoch_until = now + EPOCH_LIFE;
    let op_key = operational.verifying_key().to_bytes();
    let keys = KeyAnnouncement {
        incarnation: 1,
        seq: 1,
        prev_hash: [0; 32],
        op_key,
        op_until: until.seconds(),
        seal_key_id: seal.public().key_id(),
        seal_key: seal.public(),
        seal_until: until.seconds(),
        voprf: VoprfKey { epoch: Epoch(1), pk: epoch.public(), from: now.seconds(), until: epoch_until.seconds() },
        next_voprf: None,
        peer_id: PeerId(op_key).to_bytes(),
    };
    let revocation = SelfRevocation { op_kid: kid_of(&op_key), incarnation: 1, reason_code: 1 };
    let public = |kind: u64, body: &[u8], draw: &mut Draw| {
        let header = Header {
            kind,
            from: Party::Member(setup.member),
            to: None,
            msg_id: MsgId::draw(draw),
            n: 0,
            created: now.seconds(),
            expires: until.seconds(),
            roster_version: 0,
            re: None,
        };
        sign(&setup.network, &header, body, root)
    };
    let announcement = public(KEY_ANNOUNCEMENT, &cbor::encode(&keys), draw);
    let self_revocation = public(SELF_REVOCATION, &cbor::encode(&revocation), draw);
    let ops = vec![
        Op::put(&(), &OwnRow { network: setup.network, member: Some(setup.member) }),
        Op::put(&(), &OwnAnnouncementRow { message: announcement.clone() }),
        Op::put(
            &Epoch(1),
            &EpochKey { seed: crate::base::Sensitive::new(*epoch.seed()), public: epoch.public(), from: now, until: epoch_until },
        ),
        Op::put(&keys.seal_key_id, &SealingKey { secret: crate::base::Sensitive::new(*seal.bytes()), until }),
        Op::put(&(), &IndexState { epoch: Epoch(1), next: None, registered: FamilyIndex::empty(), sought: FamilyIndex::empty() }),
    ];
    (vec![Batch { ops, ..Batch::default() }], Enrolment { announcement, self_revocation })
}

/// The rows of the coordination node.
#[must_use]
pub fn coordinator(network: NetworkId) -> Vec<Batch> {
    vec![Batch { ops: vec![Op::put(&(), &OwnRow { network, member: None })], ..Batch::default() }]
}
