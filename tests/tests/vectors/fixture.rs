//! The parties of the vectors, all from seeds: SHA-256 of `kinmesh/test/` and a name.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{CaseRef, ClaimId, Epoch, MemberId, MsgId, NetworkId, Sensitive};
use kinmesh_protocol::envelope::SealSecret;
use kinmesh_protocol::private_match::EpochSecret;
use sha2::{Digest, Sha256};

/// Unix seconds at which everything was made.
pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;
pub const EPOCH: Epoch = Epoch(7);

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

pub fn seed(name: &str) -> [u8; 32] {
    Sha256::digest(format!("kinmesh/test/{name}")).into()
}

pub fn half(name: &str) -> [u8; 16] {
    *seed(name).first_chunk().expect("32 bytes")
}

/// The seed of the ed25519 key of a name; that of BE's operational key is the one of protocol.md 3.9.
pub fn key_seed(name: &str) -> [u8; 32] {
    const EXAMPLE: &[u8] = b"5c868d2abe342861116abea43f89d25903fb41653c9b55025716214240f7a317";
    match name {
        "op BE" => HEXLOWER.decode(EXAMPLE).expect("hex").try_into().expect("32 bytes"),
        _ => seed(name),
    }
}

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&key_seed(name))
}

pub fn public(name: &str) -> [u8; 32] {
    key(name).verifying_key().to_bytes()
}

pub fn network() -> NetworkId {
    NetworkId::new("kin-test").expect("a network id")
}

/// The owner and holder.
pub fn ke() -> MemberId {
    MemberId::new("KE").expect("a member id")
}

/// The querier and seeker.
pub fn be() -> MemberId {
    MemberId::new("BE").expect("a member id")
}

pub fn claim() -> ClaimId {
    ClaimId(half("claim"))
}

pub fn case_ref() -> CaseRef {
    CaseRef(half("case_ref"))
}

pub fn case_secret() -> Sensitive<[u8; 32]> {
    Sensitive::new(seed("case_secret"))
}

pub fn msg_id(name: &str) -> MsgId {
    MsgId(half(&format!("msg {name}")))
}

pub fn epoch_secret() -> EpochSecret {
    EpochSecret::from_seed(seed("voprf"))
}

/// KE's sealing key.
pub fn seal_secret() -> SealSecret {
    SealSecret::from_bytes(seed("seal KE"))
}
