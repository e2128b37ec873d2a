//! The bodies of the public messages (protocol.md 3.3), numbered from 1 in their order. Times are Unix seconds.
//!
//! The engine encodes and decodes them with [`crate::base::cbor`]; `key_chain`, `tracker` and `verify` judge them.

use minicbor::{Decode, Encode};

use crate::base::cbor::fixed;
use crate::base::ids::{Kid, MemberId, NetworkId};
use crate::base::time::Epoch;
use crate::envelope::SealPublic;

/// Type 11: the coordinator's daily word on which roster is current, good for 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimestampBody {
    /// The current version.
    #[n(1)]
    pub roster_version: u64,
    /// SHA-256 of its payload.
    #[n(2)]
    #[cbor(with = "fixed")]
    pub roster_hash: [u8; 32],
    /// Head of the key log.
    #[n(3)]
    #[cbor(with = "fixed")]
    pub keylog_head: [u8; 32],
    /// Entries of the key log.
    #[n(4)]
    pub keylog_len: u64,
    /// The coordinator's clock.
    #[n(5)]
    pub now: u64,
}

/// Type 12: a member's keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyAnnouncement {
    /// Counts the member's fresh starts: 1, then one more after each restore.
    #[n(1)]
    pub incarnation: u64,
    /// 1, then one more each within an incarnation.
    #[n(2)]
    pub seq: u64,
    /// SHA-256 of the payload of the one before, zeros at the first of an incarnation.
    #[n(3)]
    #[cbor(with = "fixed")]
    pub prev_hash: [u8; 32],
    /// Operational ed25519 key.
    #[n(4)]
    #[cbor(with = "fixed")]
    pub op_key: [u8; 32],
    /// Its last second, at most 90 days ahead.
    #[n(5)]
    pub op_until: u64,
    /// Sealing key, 1,216 bytes.
    #[n(6)]
    pub seal_key: SealPublic,
    /// The last second in which to seal to it.
    #[n(7)]
    pub seal_until: u64,
    /// First 8 bytes of its SHA-256.
    #[n(8)]
    pub seal_key_id: Kid,
    /// VOPRF key of the epoch.
    #[n(9)]
    pub voprf: VoprfKey,
    /// VOPRF key of the next epoch, once it is announced.
    #[n(10)]
    pub next_voprf: Option<VoprfKey>,
    /// Transport identity: `00 24 08 01 12 20` and the operational key.
    #[n(11)]
    #[cbor(with = "fixed")]
    pub peer_id: [u8; 38],
}

/// The public VOPRF key of one epoch, identical for all peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VoprfKey {
    /// The epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// A ristretto255 element.
    #[n(2)]
    #[cbor(with = "fixed")]
    pub pk: [u8; 32],
    /// Its first second.
    #[n(3)]
    pub from: u64,
    /// Its last second.
    #[n(4)]
    pub until: u64,
}

/// Type 13: a member's own word that an operational key is lost. Signed when the key is made, and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SelfRevocation {
    /// The operational key that is void.
    #[n(1)]
    pub op_kid: Kid,
    /// Its incarnation.
    #[n(2)]
    pub incarnation: u64,
    /// Why, as a number.
    #[n(3)]
    pub reason_code: u64,
}

/// Type 14: some custodians suspend a member at once; lapses unless the next roster confirms it. A payload of its own,
/// cosigned like a roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Suspension {
    /// The network.
    #[n(1)]
    pub network_id: NetworkId,
    /// The roster that was current.
    #[n(2)]
    pub roster_version: u64,
    /// The suspended member.
    #[n(3)]
    pub member: MemberId,
    /// When.
    #[n(4)]
    pub issued: u64,
    /// Its last second, at most 14 days later.
    #[n(5)]
    pub until: u64,
    /// Why, as a number.
    #[n(6)]
    pub reason_code: u64,
}

/// Type 15: says what the sender holds of the public messages; who holds other ones answers with its own heads, or with
/// what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublicGet {
    /// The roster that the sender has, 0 for none.
    #[n(1)]
    pub roster_version: u64,
    /// First 16 bytes of the SHA-256 over the sender's heads: equal on both sides if nothing is missing on either.
    #[n(2)]
    #[cbor(with = "fixed")]
    pub digest: [u8; 16],
    /// The sender's heads, ascending by member, where the digests were seen to differ.
    #[n(3)]
    pub heads: Option<Vec<ChainHead>>,
    /// Unix seconds of the latest timestamp that the sender has, 0 for none.
    #[n(4)]
    pub confirmed: u64,
    /// Sum over the suspensions and revocations that the sender has: the first 63 bits of the SHA-256 of their documents one
    /// behind the other, 0 for none.
    #[n(5)]
    pub emergencies: u64,
    /// Entries of the key log that the sender has, where a timestamp named more; only the coordination node answers it.
    #[n(6)]
    pub log_len: Option<u64>,
}

/// Type 16: entries of the key log, from the coordination node.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogPart {
    /// Entries before the first of these.
    #[n(1)]
    pub from: u64,
    /// For each its message type and the SHA-256 of its payload: 33 bytes, at most `limits::LOG_PART_ENTRIES` of them.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub entries: Vec<u8>,
}

/// How far the sender holds one member's key chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChainHead {
    /// The member.
    #[n(1)]
    pub member: MemberId,
    /// Incarnation of its latest announcement.
    #[n(2)]
    pub incarnation: u64,
    /// Number of its latest announcement.
    #[n(3)]
    pub seq: u64,
    /// First 16 bytes of the SHA-256 of that announcement's payload.
    #[n(4)]
    #[cbor(with = "fixed")]
    pub hash: [u8; 16],
}
