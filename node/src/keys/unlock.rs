//! Unlock secrets and the locks they open: a passphrase through Argon2id (RFC 9106), a credential through HKDF-SHA256.
//!
//! The keystore makes a [`Lock`] for each secret and keeps it beside what the secret seals. The parameters of Argon2id stand in the
//! lock, so that they can be raised later; both a floor and a ceiling are checked before any work is done, so that a changed
//! file neither weakens the derivation nor exhausts the machine. What remains: a weak passphrase can be guessed by whoever
//! has the file, at the pace of Argon2id.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use kinmesh_protocol::base::{Sensitive, cbor};
use minicbor::{Decode, Encode};
use thiserror::Error;
use zeroize::Zeroize;

use crate::keys::aead::{self, Key, SealError};

/// Bytes of a credential, at least.
pub const CREDENTIAL_BYTES: usize = 32;

const PASSPHRASE_LABEL: &str = "kinmesh/1/keystore/passphrase";
const CREDENTIAL_LABEL: &str = "kinmesh/1/keystore/credential";

/// What a person types or the service manager hands over.
#[derive(Clone, Debug)]
pub enum UnlockSecret {
    /// Typed by a person.
    Passphrase(Sensitive<String>),
    /// At least 32 random bytes, for example a credential of systemd.
    Credential(Sensitive<Vec<u8>>),
}

/// Which of the two a lock wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A passphrase.
    Passphrase,
    /// A credential.
    Credential,
}

/// What a guess of a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum KdfCost {
    /// 256 MiB, 3 passes.
    #[n(0)]
    Standard,
    /// 16 MiB, 1 pass: only for drill networks, whose people are invented and whose nodes are many on one machine.
    #[n(1)]
    Drill,
}

/// How a secret becomes a key.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub(in crate::keys) enum Lock {
    /// Argon2id.
    #[n(0)]
    Passphrase(#[n(0)] Argon2Lock),
    /// HKDF-SHA256.
    #[n(1)]
    Credential(#[n(0)] CredentialLock),
}

/// Parameters of Argon2id.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(in crate::keys) struct Argon2Lock {
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    salt: [u8; 16],
    #[n(1)]
    memory_kib: u32,
    #[n(2)]
    passes: u32,
    #[n(3)]
    lanes: u32,
}

/// Parameters of HKDF.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(in crate::keys) struct CredentialLock {
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    salt: [u8; 16],
}

/// Why a secret gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in crate::keys) enum LockError {
    /// The lock wants the other kind.
    #[error("the lock wants the other kind of secret")]
    Kind,
    /// The parameters lie outside of what is safe.
    #[error("the parameters of the passphrase lie outside their bounds")]
    Cost,
    /// The memory that the derivation takes is not there.
    #[error("{0} KiB of memory are not there")]
    Memory(u32),
    /// The secret is too short to be one.
    #[error("{found} bytes, a credential has at least {CREDENTIAL_BYTES}")]
    Short {
        /// Bytes that the secret has.
        found: usize,
    },
    /// The operating system gave no randomness.
    #[error(transparent)]
    Random(#[from] SealError),
}

impl UnlockSecret {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        match self {
            UnlockSecret::Passphrase(_) => SecretKind::Passphrase,
            UnlockSecret::Credential(_) => SecretKind::Credential,
        }
    }

    /// A lock for this secret, with a fresh salt.
    ///
    /// # Errors
    /// [`LockError::Short`] for an empty passphrase or a credential below 32 bytes; [`LockError::Random`].
    pub(in crate::keys) fn lock(&self, cost: KdfCost) -> Result<Lock, LockError> {
        let salt = aead::random()?;
        match self {
            UnlockSecret::Passphrase(text) if text.expose().is_empty() => Err(LockError::Short { found: 0 }),
            UnlockSecret::Passphrase(_) => {
                let (memory_kib, passes) = cost.least();
                Ok(Lock::Passphrase(Argon2Lock { salt, memory_kib, passes, lanes: 1 }))
            }
            UnlockSecret::Credential(bytes) if bytes.expose().len() < CREDENTIAL_BYTES => {
                Err(LockError::Short { found: bytes.expose().len() })
            }
            UnlockSecret::Credential(_) => Ok(Lock::Credential(CredentialLock { salt })),
        }
    }
}

impl KdfCost {
    /// Least memory in KiB and least passes: what is written, and the floor of what is read.
    const fn least(self) -> (u32, u32) {
        match self {
            KdfCost::Standard => (256 * 1024, 3),
            KdfCost::Drill => (16 * 1024, 1),
        }
    }
}

impl Lock {
    /// Which kind of secret it wants.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        match self {
            Lock::Passphrase(_) => SecretKind::Passphrase,
            Lock::Credential(_) => SecretKind::Credential,
        }
    }

    /// The key that a secret gives with this lock; a wrong secret gives another key. A passphrase takes 256 MiB and some 650 ms.
    ///
    /// # Errors
    /// [`LockError`].
    pub(in crate::keys) fn key(&self, secret: &UnlockSecret, cost: KdfCost) -> Result<Key, LockError> {
        match (self, secret) {
            (Lock::Passphrase(lock), UnlockSecret::Passphrase(text)) => lock.key(text.expose().as_bytes(), cost),
            (Lock::Credential(lock), UnlockSecret::Credential(bytes)) => {
                Ok(aead::derive_salted(&lock.salt, bytes.expose(), CREDENTIAL_LABEL))
            }
            _ => Err(LockError::Kind),
        }
    }
}

impl Argon2Lock {
    /// Most memory, in KiB.
    const MOST_MEMORY_KIB: u32 = 1024 * 1024;
    /// Most passes.
    const MOST_PASSES: u32 = 10;
    /// Most lanes.
    const MOST_LANES: u32 = 4;

    fn key(&self, passphrase: &[u8], cost: KdfCost) -> Result<Key, LockError> {
        let params = self.checked(cost)?;
        let mut memory = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| LockError::Memory(self.memory_kib))?;
        memory.resize(params.block_count(), Block::new());
        let mut hash = Key::new([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let outcome = argon2.hash_password_into_with_memory(passphrase, &self.salt, hash.expose_mut(), &mut memory);
        for block in &mut memory {
            block.zeroize();
        }
        outcome.map_err(|_| LockError::Cost)?;
        Ok(aead::derive(&hash, PASSPHRASE_LABEL))
    }

    fn checked(&self, cost: KdfCost) -> Result<Params, LockError> {
        let (least_memory, least_passes) = cost.least();
        let is_within = (least_memory..=Self::MOST_MEMORY_KIB).contains(&self.memory_kib)
            && (least_passes..=Self::MOST_PASSES).contains(&self.passes)
            && (1..=Self::MOST_LANES).contains(&self.lanes);
        if !is_within {
            return Err(LockError::Cost);
        }
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| LockError::Cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(memory_kib: u32, passes: u32, lanes: u32) -> Lock {
        Lock::Passphrase(Argon2Lock { salt: [1; 16], memory_kib, passes, lanes })
    }

    #[test]
    fn parameters_outside_their_bounds_are_refused_before_any_work() {
        let secret = UnlockSecret::Passphrase("three grey herons".into());
        let cases = [
            ("too little memory for a real network", lock(16 * 1024, 1, 1), KdfCost::Standard),
            ("too few passes", lock(256 * 1024, 2, 1), KdfCost::Standard),
            ("below the floor of a drill", lock(8 * 1024, 1, 1), KdfCost::Drill),
            ("more memory than a machine has", lock(u32::MAX, 3, 1), KdfCost::Standard),
            ("passes without end", lock(256 * 1024, u32::MAX, 1), KdfCost::Standard),
            ("no lane", lock(256 * 1024, 3, 0), KdfCost::Standard),
        ];
        for (what, lock, cost) in cases {
            assert_eq!(lock.key(&secret, cost).err(), Some(LockError::Cost), "{what}");
        }
    }

    #[test]
    fn a_drill_passphrase_gives_the_same_key_again() {
        let secret = UnlockSecret::Passphrase("three grey herons".into());
        let lock = secret.lock(KdfCost::Drill).unwrap();
        let key = lock.key(&secret, KdfCost::Drill).unwrap();
        assert!(key == lock.key(&secret, KdfCost::Drill).unwrap());
        assert!(key != lock.key(&UnlockSecret::Passphrase("three gray herons".into()), KdfCost::Drill).unwrap());
    }

    #[test]
    fn short_secrets_are_refused() {
        let short = UnlockSecret::Credential(Sensitive::new(vec![1; 31]));
        assert_eq!(short.lock(KdfCost::Standard).err(), Some(LockError::Short { found: 31 }));
        let empty = UnlockSecret::Passphrase("".into());
        assert_eq!(empty.lock(KdfCost::Standard).err(), Some(LockError::Short { found: 0 }));
    }
}
