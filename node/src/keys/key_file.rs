//! One ed25519 key in a file of its own: a society's offline root key, a custodian's key.
//!
//! `init` and the key ceremony write such files, `roster sign` and `ceremony` open them; they lie on a stick in a safe, not
//! beside the keystore. It keeps that the key is sealed under a passphrase or credential, bound to the network, its holder and
//! its public half; only in a drill network may it lie open. What remains: whoever has the file can guess a weak passphrase at
//! the pace of Argon2id.

use std::io::ErrorKind;
use std::path::Path;

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{NetworkId, Sensitive, cbor};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::keys::aead::{self, SealError};
use crate::keys::small_file::{self, Kind, SmallFileError};
use crate::keys::unlock::{KdfCost, Lock, LockError, SecretKind, UnlockSecret};

const KIND: Kind = Kind { name: "kinmesh key", version: 1 };

/// A key file, read and closed.
pub struct KeyFile {
    body: Body,
}

/// What the key in a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum KeyUse {
    /// A society's root key: it announces the keys that the node works with.
    #[n(0)]
    Root,
    /// A custodian's key: it signs rosters.
    #[n(1)]
    Custodian,
    /// An auditor's key: it demands audits.
    #[n(2)]
    Auditor,
}

/// How a key lies in its file.
#[derive(Clone, Copy, Debug)]
pub enum Protection<'a> {
    /// Sealed under this secret.
    Secret(&'a UnlockSecret),
    /// Open to whoever reads the file; drill networks only.
    Unprotected,
}

#[derive(Encode, Decode)]
struct Body {
    #[n(0)]
    network: NetworkId,
    #[n(1)]
    usage: KeyUse,
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    public: [u8; 32],
    #[n(3)]
    cost: KdfCost,
    #[n(4)]
    lock: Option<Lock>,
    /// The seed, sealed where there is a lock.
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    seed: Vec<u8>,
}

/// Why no key file was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateKeyError {
    /// There is a file of that name.
    #[error("the key file is there already; it is never overwritten")]
    Exists,
    /// Keys that lie open, and cheap passphrases, are for drills.
    #[error("network {network} is no drill network: its keys are sealed, at the standard cost")]
    NoDrill {
        /// Network of the key.
        network: NetworkId,
    },
    /// A secret is no secret.
    #[error("the secret has {found} bytes; a passphrase has at least 1, a credential at least 32 random bytes")]
    Short {
        /// Bytes of the secret.
        found: usize,
    },
    /// The memory for the derivation is not there.
    #[error("{0} KiB of memory are not there; stop other programs")]
    Memory(u32),
    /// Nothing could be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file system refused.
    #[error("the key file cannot be written: {0}")]
    Io(ErrorKind),
}

/// Why a key file gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenKeyError {
    /// There is no such file.
    #[error("there is no such key file")]
    Absent,
    /// It is not a key file, or not as it was written.
    #[error("the key file is damaged or is none")]
    Damaged,
    /// A later release wrote it.
    #[error("the key file is of a later release")]
    Later,
    /// The file system refused.
    #[error("the key file cannot be read: {0}")]
    Io(ErrorKind),
    /// The secret is another.
    #[error("the secret does not open this key file")]
    WrongSecret,
    /// It is opened by another kind of secret, or by none.
    #[error("the key file is opened by {expected:?}")]
    Kind {
        /// Kind that opens it; none for a key that lies open.
        expected: Option<SecretKind>,
    },
    /// The memory for the derivation is not there.
    #[error("{0} KiB of memory are not there; stop other programs")]
    Memory(u32),
}

impl KeyFile {
    /// Writes a key into a file of its own. Durable when it returns.
    ///
    /// # Errors
    /// [`CreateKeyError`].
    pub fn create(
        path: &Path,
        network: &NetworkId,
        usage: KeyUse,
        key: &SigningKey,
        protection: Protection<'_>,
        cost: KdfCost,
    ) -> Result<(), CreateKeyError> {
        let is_weak = cost == KdfCost::Drill || matches!(protection, Protection::Unprotected);
        if is_weak && !network.is_drill() {
            return Err(CreateKeyError::NoDrill { network: *network });
        }
        let public = key.verifying_key().to_bytes();
        let seed = Sensitive::new(key.to_bytes());
        let mut body = Body { network: *network, usage, public, cost, lock: None, seed: Vec::new() };
        body.seed = match protection {
            Protection::Unprotected => seed.expose().to_vec(),
            Protection::Secret(secret) => {
                let lock = secret.lock(cost).map_err(create_error)?;
                let sealing = lock.key(secret, cost).map_err(create_error)?;
                body.lock = Some(lock);
                aead::seal(&sealing, &body.place(), seed.expose())?
            }
        };
        small_file::create(path, KIND, cbor::encode(&body)).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => CreateKeyError::Exists,
            other => CreateKeyError::Io(other),
        })
    }

    /// Reads a key file; a sealed key stays sealed.
    ///
    /// # Errors
    /// [`OpenKeyError`].
    pub fn open(path: &Path) -> Result<Self, OpenKeyError> {
        let (_, bytes) = small_file::read(path, KIND).map_err(|error| match error {
            SmallFileError::Absent => OpenKeyError::Absent,
            SmallFileError::Damaged => OpenKeyError::Damaged,
            SmallFileError::Later { .. } => OpenKeyError::Later,
            SmallFileError::Io(kind) => OpenKeyError::Io(kind),
        })?;
        let body: Body = cbor::decode(&bytes).map_err(|_| OpenKeyError::Damaged)?;
        let is_weak = body.cost == KdfCost::Drill || body.lock.is_none();
        if is_weak && !body.network.is_drill() {
            return Err(OpenKeyError::Damaged);
        }
        Ok(Self { body })
    }

    /// The network that the key is for.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.body.network
    }

    /// What the key is for.
    #[must_use]
    pub const fn usage(&self) -> KeyUse {
        self.body.usage
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.body.public
    }

    /// Which kind of secret opens it; none for a key that lies open.
    #[must_use]
    pub fn secret_kind(&self) -> Option<SecretKind> {
        self.body.lock.as_ref().map(Lock::kind)
    }

    /// The key. A passphrase takes 256 MiB and some 650 ms.
    ///
    /// # Errors
    /// [`OpenKeyError`].
    pub fn unlock(&self, secret: Option<&UnlockSecret>) -> Result<SigningKey, OpenKeyError> {
        let expected = self.secret_kind();
        let opened = match (&self.body.lock, secret) {
            (None, _) => Sensitive::new(self.body.seed.clone()),
            (Some(_), None) => return Err(OpenKeyError::Kind { expected }),
            (Some(lock), Some(secret)) => {
                let key = lock.key(secret, self.body.cost).map_err(|error| match error {
                    LockError::Kind => OpenKeyError::Kind { expected },
                    LockError::Memory(kib) => OpenKeyError::Memory(kib),
                    _ => OpenKeyError::Damaged,
                })?;
                aead::open(&key, &self.body.place(), &self.body.seed).ok_or(OpenKeyError::WrongSecret)?
            }
        };
        let seed = <[u8; 32]>::try_from(opened.expose().as_slice()).map_err(|_| OpenKeyError::Damaged)?;
        let key = SigningKey::from_bytes(Sensitive::new(seed).expose());
        if key.verifying_key().as_bytes() == &self.body.public { Ok(key) } else { Err(OpenKeyError::Damaged) }
    }
}

impl Body {
    /// Binds the sealed seed to everything else in the file.
    fn place(&self) -> Vec<u8> {
        cbor::encode(&("kinmesh/1/key-file", self.network, self.usage, &self.public[..], self.cost, &self.lock))
    }
}

fn create_error(error: LockError) -> CreateKeyError {
    match error {
        LockError::Short { found } => CreateKeyError::Short { found },
        LockError::Memory(kib) => CreateKeyError::Memory(kib),
        LockError::Random(error) => CreateKeyError::Seal(error),
        LockError::Kind | LockError::Cost => CreateKeyError::Seal(SealError::Seal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(id: &str) -> NetworkId {
        NetworkId::new(id).unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    #[test]
    fn a_key_comes_back_with_its_secret_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("custodian-1.key");
        let secret = UnlockSecret::Passphrase("three grey herons".into());
        let create = || {
            KeyFile::create(&path, &network("drill-k"), KeyUse::Custodian, &key(), Protection::Secret(&secret), KdfCost::Drill)
        };
        create().unwrap();
        assert_eq!(create(), Err(CreateKeyError::Exists));
        let file = KeyFile::open(&path).unwrap();
        assert_eq!((file.usage(), file.secret_kind()), (KeyUse::Custodian, Some(SecretKind::Passphrase)));
        assert_eq!(file.public(), key().verifying_key().as_bytes());
        assert_eq!(file.unlock(Some(&secret)).unwrap().to_bytes(), key().to_bytes());
        assert_eq!(file.unlock(Some(&UnlockSecret::Passphrase("two".into()))).err(), Some(OpenKeyError::WrongSecret));
        let credential = UnlockSecret::Credential(Sensitive::new(vec![1; 32]));
        let kind = OpenKeyError::Kind { expected: Some(SecretKind::Passphrase) };
        assert_eq!(file.unlock(Some(&credential)).err(), Some(kind));
        assert_eq!(file.unlock(None).err(), Some(kind));
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(32).any(|window| window == key().to_bytes()));
    }

    #[test]
    fn only_a_drill_has_open_keys_and_cheap_passphrases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let real = network("kin-rcrc");
        let create = |network, protection, cost| KeyFile::create(&path, network, KeyUse::Root, &key(), protection, cost);
        let refused = Err(CreateKeyError::NoDrill { network: real });
        assert_eq!(create(&real, Protection::Unprotected, KdfCost::Standard), refused);
        let credential = UnlockSecret::Credential(Sensitive::new(vec![1; 32]));
        assert_eq!(create(&real, Protection::Secret(&credential), KdfCost::Drill), refused);
        create(&network("drill-k"), Protection::Unprotected, KdfCost::Drill).unwrap();
        let file = KeyFile::open(&path).unwrap();
        assert_eq!((file.secret_kind(), file.usage()), (None, KeyUse::Root));
        assert_eq!(file.unlock(None).unwrap().to_bytes(), key().to_bytes());
    }
}
