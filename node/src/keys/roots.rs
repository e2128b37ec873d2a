//! What an unlocked keystore yields: the keys of the service and those of the records.
//!
//! The daemon holds [`ServiceKeys`] from its start to its end, and [`RecordsKeys`] only while a caseworker has unlocked the
//! node. Dropping either wipes it.

use crate::keys::aead::Key;
use crate::keys::hybrid::{HybridPublic, HybridSecret};

/// What a locked node needs to go on answering and searching.
#[derive(Clone, Debug)]
pub struct ServiceKeys {
    /// Root of everything sealed for the service.
    pub root: Key,
    /// Seed of the operational ed25519 key, which is also the libp2p identity.
    pub operational_seed: Key,
    /// Where a locked node seals what arrives for the records; none on a coordination node, which has no records.
    pub inbox_public: Option<HybridPublic>,
}

/// What opens people and cases.
#[derive(Clone, Debug)]
pub struct RecordsKeys {
    /// Root of everything sealed for the records.
    pub root: Key,
    /// Opens what arrived while the node was locked.
    pub inbox_secret: HybridSecret,
}
