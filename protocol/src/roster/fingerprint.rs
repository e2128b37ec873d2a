//! The custodians' fingerprint: what an operator types from a printed letter to trust a network's first roster.
//!
//! `join` compares it; the ceremony and `roster show` print it. It covers the network, the thresholds and every custodian
//! key, so nobody can swap one key or lower a threshold under it. 160 bits withstand the search for a second set of keys
//! with the same fingerprint.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::cbor::lp;
use crate::base::ids::NetworkId;
use crate::roster::custodians::Custodians;
use crate::roster::document::Roster;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 4;

/// The first 20 bytes of SHA-256(`"kinmesh/anchor/1" || lp(network_id) || u64(threshold) || u64(root_threshold) ||
/// u64(emergency_threshold) || custodian keys in ascending order`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 20]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FingerprintError {
    /// Too few or too many characters.
    #[error("{found} characters, a fingerprint has 32 in eight groups of four")]
    Length {
        /// Characters found, without spaces and dashes.
        found: usize,
    },
    /// A character that is no digit or letter of a fingerprint.
    #[error("character {position} is not one of a fingerprint")]
    Character {
        /// Which character, from 1, without spaces and dashes.
        position: usize,
    },
}

impl Fingerprint {
    /// The fingerprint of a roster's custodians.
    #[must_use]
    pub fn of(roster: &Roster) -> Self {
        // RO-13.
        Self::of_custodians(&roster.network_id, &roster.custodians)
    }

    /// The fingerprint of custodians before there is a roster: what the ceremony prints.
    #[must_use]
    pub fn of_custodians(network: &NetworkId, custodians: &Custodians) -> Self {
        let mut keys = custodians.keys.clone();
        keys.sort_unstable();
        let mut hash = Sha256::new_with_prefix(b"kinmesh/anchor/1");
        hash.update(lp(network.as_str().as_bytes()));
        for threshold in [custodians.threshold, custodians.root_threshold, custodians.emergency_threshold] {
            hash.update(threshold.to_be_bytes());
        }
        for key in keys {
            hash.update(key);
        }
        let mut bytes = [0; 20];
        for (slot, byte) in bytes.iter_mut().zip(hash.finalize()) {
            *slot = byte;
        }
        Self(bytes)
    }
}

/// Eight groups of four characters of Crockford base32, easy to read out.
#[must_use]
pub fn fingerprint_text(fingerprint: &Fingerprint) -> String {
    fingerprint.to_string()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = 0u16;
        let mut held = 0u32;
        let mut written = 0usize;
        for byte in self.0 {
            bits = (bits << 8) | u16::from(byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                if written > 0 && written.is_multiple_of(GROUP) {
                    f.write_str(" ")?;
                }
                let digit = usize::from((bits >> held) & 31);
                write!(f, "{}", char::from(ALPHABET.get(digit).copied().unwrap_or(b'?')))?;
                written += 1;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Accepts either case, spaces and dashes anywhere, O for 0, I and L for 1.
impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let typed: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if typed.len() != 32 {
            return Err(FingerprintError::Length { found: typed.len() });
        }
        let mut bytes = Vec::with_capacity(20);
        let mut bits = 0u32;
        let mut held = 0u32;
        for (place, character) in typed.into_iter().enumerate() {
            let digit = digit_of(character).ok_or(FingerprintError::Character { position: place + 1 })?;
            bits = (bits << 5) | digit;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
                bits &= (1 << held) - 1;
            }
        }
        <[u8; 20]>::try_from(bytes).map(Self).map_err(|bytes| FingerprintError::Length { found: bytes.len() })
    }
}

fn digit_of(character: char) -> Option<u32> {
    let folded = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|symbol| char::from(*symbol) == folded).and_then(|digit| u32::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint() -> Fingerprint {
        let mut bytes = [0; 20];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(place * 13).unwrap();
        }
        Fingerprint(bytes)
    }

    #[test]
    fn the_text_has_eight_groups_and_is_read_back() {
        let text = fingerprint_text(&fingerprint());
        assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
        assert_eq!(text.parse(), Ok(fingerprint()));
        assert_eq!(fingerprint_text(&Fingerprint([0xff; 20])), "ZZZZ ZZZZ ZZZZ ZZZZ ZZZZ ZZZZ ZZZZ ZZZZ");
    }

    #[test]
    fn what_a_person_types_is_understood() {
        let text = fingerprint_text(&fingerprint());
        assert_eq!(text.to_lowercase().replace(' ', "").parse(), Ok(fingerprint()));
        assert_eq!(format!(" {} ", text.replace(' ', "-")).parse(), Ok(fingerprint()));
        assert_eq!(text.replace('0', "o").replace('1', "L").parse(), Ok(fingerprint()));
    }

    #[test]
    fn what_is_no_fingerprint_is_refused_with_its_place() {
        assert_eq!("ABCD".parse::<Fingerprint>(), Err(FingerprintError::Length { found: 4 }));
        let text = fingerprint_text(&fingerprint());
        let mistyped = format!("U{}", &text[1..]);
        assert_eq!(mistyped.parse::<Fingerprint>(), Err(FingerprintError::Character { position: 1 }));
    }
}
