//! Sealing to a public key: HPKE base mode with X-Wing, HKDF-SHA256 and ChaCha20-Poly1305 (RFC 9180; protocol.md 2.15).
//!
//! The keystore seals the records root to each user with it, the store seals to the records inbox what arrives while the
//! node is locked. The KEM is a hybrid of ML-KEM-768 and X25519, so that a copied disk stays closed to a later quantum
//! computer. HPKE does not say who sealed: whoever may write the disk can seal a value of his own to a public key, which is
//! why every use binds the place of the value into `info` and associated data, and nothing is trusted for opening alone.

use core::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, XWing};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use kinmesh_protocol::base::{Draw, Sensitive};

use crate::keys::aead::{self, Key, SealError};

/// Bytes of an encapsulated key.
pub const ENC_BYTES: usize = 1_120;
/// Bytes of a public key: ML-KEM-768 and X25519.
pub const PUBLIC_BYTES: usize = 1_216;

/// The private half: the 32-byte seed of an X-Wing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridSecret(Key);

/// The public half, 1,216 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct HybridPublic(Box<[u8; PUBLIC_BYTES]>);

impl HybridSecret {
    /// A fresh key.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn generate() -> Result<Self, SealError> {
        aead::random_key().map(Self)
    }

    /// The key with this seed.
    #[must_use]
    pub const fn from_seed(seed: Key) -> Self {
        Self(seed)
    }

    /// The seed, to be sealed.
    #[must_use]
    pub const fn seed(&self) -> &Key {
        &self.0
    }

    /// The public half.
    ///
    /// # Errors
    /// [`SealError::Seal`] if the seed makes no key, which does not happen.
    pub fn public(&self) -> Result<HybridPublic, SealError> {
        let secret = self.key().ok_or(SealError::Seal)?;
        let bytes = XWing::sk_to_pk(&secret).to_bytes();
        HybridPublic::from_bytes(&bytes).ok_or(SealError::Seal)
    }

    /// Opens `enc (1,120) || ciphertext || tag (16)`; none if it was not sealed to this key with this info and associated data.
    #[must_use]
    pub fn open(&self, info: &[u8], associated: &[u8], sealed: &[u8]) -> Option<Sensitive<Vec<u8>>> {
        let (enc, sealed) = sealed.split_at_checked(ENC_BYTES)?;
        let enc = <XWing as Kem>::EncappedKey::from_bytes(enc).ok()?;
        let secret = self.key()?;
        hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeR::Base, &secret, &enc, info)
            .and_then(|mut context| context.open(sealed, associated))
            .map(Sensitive::new)
            .ok()
    }

    fn key(&self) -> Option<<XWing as Kem>::PrivateKey> {
        <XWing as Kem>::PrivateKey::from_bytes(self.0.expose()).ok()
    }
}

impl HybridPublic {
    /// Reads a public key; none if the bytes are no key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; PUBLIC_BYTES] = bytes.try_into().ok()?;
        <XWing as Kem>::PublicKey::from_bytes(&bytes).ok()?;
        Some(Self(Box::new(bytes)))
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Seals to this key: `enc (1,120) || ciphertext || tag (16)`.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, info: &[u8], associated: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
        let recipient = <XWing as Kem>::PublicKey::from_bytes(self.as_bytes()).map_err(|_| SealError::Seal)?;
        let mut draw = Draw::new(aead::random()?);
        let (enc, mut context) =
            hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeS::Base, &recipient, info, draw.rng())
                .map_err(|_| SealError::Seal)?;
        let sealed = context.seal(value, associated).map_err(|_| SealError::Seal)?;
        Ok([enc.to_bytes().as_slice(), &sealed].concat())
    }
}

impl fmt::Debug for HybridPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HybridPublic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_to_a_key_opens_with_its_secret_only() {
        let (secret, other) = (HybridSecret::generate().unwrap(), HybridSecret::generate().unwrap());
        let sealed = secret.public().unwrap().seal(b"info", b"place", "Олена".as_bytes()).unwrap();
        assert_eq!(secret.open(b"info", b"place", &sealed).unwrap().expose(), "Олена".as_bytes());
        assert!(other.open(b"info", b"place", &sealed).is_none());
        assert!(secret.open(b"info", b"elsewhere", &sealed).is_none());
        assert!(secret.open(b"other", b"place", &sealed).is_none());
        assert!(secret.open(b"info", b"place", &sealed[..100]).is_none());
    }
}
