//! Symmetric sealing: XChaCha20-Poly1305 under keys that HKDF-SHA256 derives by purpose.
//!
//! Keystore, store and blobs call it. Each use derives its own key from a root by a label, so that what one part of the
//! node sealed never opens as another part's. Nonces are random and 24 bytes long; a caller that gives its own uses the key
//! for one value only. What remains: whoever may write the disk can put an older sealed value back in its own place.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use kinmesh_protocol::base::Sensitive;
use sha2::Sha256;
use thiserror::Error;

/// A symmetric key, 32 bytes.
pub type Key = Sensitive<[u8; 32]>;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;
/// Bytes of the tag behind a ciphertext.
pub const TAG_BYTES: usize = 16;

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness")]
    Random,
    /// The key or the length of the value does not fit the cipher.
    #[error("the value cannot be sealed with this key")]
    Seal,
}

/// `N` bytes of the operating system's randomness.
///
/// # Errors
/// [`SealError::Random`].
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::Random)?;
    Ok(bytes)
}

/// A fresh random key.
///
/// # Errors
/// [`SealError::Random`].
pub fn random_key() -> Result<Key, SealError> {
    let mut key = Key::new([0; 32]);
    getrandom::fill(key.expose_mut()).map_err(|_| SealError::Random)?;
    Ok(key)
}

/// The key of one purpose: HKDF-SHA256 (RFC 5869) of a root without salt, the label as info.
#[must_use]
pub fn derive(root: &Key, label: &str) -> Key {
    derive_salted(b"", root.expose(), label)
}

/// The key of one purpose from secret bytes of any length and a public salt.
#[must_use]
pub fn derive_salted(salt: &[u8], secret: &[u8], label: &str) -> Key {
    let mut key = Key::new([0; 32]);
    // HKDF-SHA256 gives up to 8,160 bytes, so that 32 are always there.
    let _infallible = Hkdf::<Sha256>::new(Some(salt), secret).expand(label.as_bytes(), key.expose_mut());
    key
}

/// Seals under a fresh random nonce: `nonce (24) || ciphertext || tag (16)`.
///
/// # Errors
/// [`SealError`].
pub fn seal(key: &Key, associated: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = random::<NONCE_BYTES>()?;
    let sealed = seal_with_nonce(key, &nonce, associated, value)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] sealed; none if a byte of it, of the key or of the associated data is another.
#[must_use]
pub fn open(key: &Key, associated: &[u8], sealed: &[u8]) -> Option<Sensitive<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    open_with_nonce(key, nonce, associated, sealed)
}

/// Seals under a given nonce, which the caller uses once with this key: `ciphertext || tag (16)`.
///
/// # Errors
/// [`SealError::Seal`] for a value beyond the cipher's 256 GiB.
pub fn seal_with_nonce(key: &Key, nonce: &[u8; NONCE_BYTES], associated: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
    let payload = Payload { msg: value, aad: associated };
    cipher(key).encrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Seal)
}

/// Opens what [`seal_with_nonce`] sealed; none if anything of it is another.
#[must_use]
pub fn open_with_nonce(key: &Key, nonce: &[u8; NONCE_BYTES], associated: &[u8], sealed: &[u8]) -> Option<Sensitive<Vec<u8>>> {
    let payload = Payload { msg: sealed, aad: associated };
    cipher(key).decrypt(&XNonce::from(*nonce), payload).map(Sensitive::new).ok()
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_with_its_key_and_associated_data_only() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let sealed = seal(&key, b"people", "أمينة".as_bytes()).unwrap();
        assert_eq!(open(&key, b"people", &sealed).unwrap().expose(), "أمينة".as_bytes());
        assert!(open(&other, b"people", &sealed).is_none());
        assert!(open(&key, b"cases", &sealed).is_none());
        assert!(open(&key, b"people", &sealed[..20]).is_none());
    }

    #[test]
    fn two_labels_give_two_keys() {
        let root = Key::new([1; 32]);
        assert!(derive(&root, "a") != derive(&root, "b"));
        assert!(derive(&root, "a") == derive(&root, "a"));
    }
}
