//! The worked example of protocol.md 3.9, which the tests of this folder share: its seeds are SHA-256 of named texts.

use sha2::{Digest, Sha256};

use super::input::{blind_bytes, key_input};
use super::label::{Family, LabelKey};
use super::oprf::EpochSecret;
use crate::base::{CaseRef, Epoch, MemberId, ProfileId, Sensitive};

/// The ten prefixes of the example's set, ascending.
pub(crate) const PREFIXES: [u64; 10] = [
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

pub(crate) fn seed(name: &str) -> [u8; 32] {
    Sha256::digest(format!("kinmesh/test/{name}")).into()
}

pub(crate) fn owner() -> MemberId {
    MemberId::new("KE").unwrap()
}

pub(crate) fn peer() -> MemberId {
    MemberId::new("BE").unwrap()
}

pub(crate) fn epoch_secret() -> EpochSecret {
    EpochSecret::from_seed(seed("voprf"))
}

pub(crate) fn case_secret() -> Sensitive<[u8; 32]> {
    Sensitive::new(seed("case_secret"))
}

pub(crate) fn case_ref() -> CaseRef {
    CaseRef(*seed("case_ref").first_chunk().unwrap())
}

pub(crate) fn input() -> Vec<u8> {
    key_input(&ProfileId::new("v1").unwrap(), &owner(), "n|d", "n:kflsk|d:19840312").expose().clone()
}

pub(crate) fn blind_0() -> Sensitive<[u8; 64]> {
    blind_bytes(&case_secret(), &owner(), &case_ref(), 0, &input())
}

pub(crate) fn label_key() -> LabelKey {
    LabelKey::derive(&seed("salt"), &owner(), &peer(), Epoch(7), Family::Registered)
}
