//! HMAC with 32-byte keys, the one keyed hash of the private match (RFC 2104, FIPS 180-4).
//!
//! Called for blinds, dummies, label keys and padding. Each caller starts its input with its own ASCII context, so that one
//! key never gives the same bytes for two purposes. No key is derived from a password here.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

/// HMAC-SHA256 over the joined parts.
pub(super) fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than the hash's block is filled with zeros by definition (RFC 2104, section 2).
    let mut block = [0u8; 64];
    block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA512 over the joined parts.
pub(super) fn hmac_sha512(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 64] {
    let mut block = [0u8; 128];
    block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    let mut mac = Hmac::<Sha512>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_counts_as_filled_with_zeros() {
        let expected: [u8; 32] = {
            let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
            mac.update(b"ab");
            mac.finalize().into_bytes().into()
        };
        assert_eq!(hmac_sha256(&[7; 32], &[b"a", b"b"]), expected);
        let wide: [u8; 64] = {
            let mut mac = Hmac::<Sha512>::new_from_slice(&[7; 32]).unwrap();
            mac.update(b"ab");
            mac.finalize().into_bytes().into()
        };
        assert_eq!(hmac_sha512(&[7; 32], &[b"ab"]), wide);
    }
}
