//! What several custodians sign together: a COSE_Sign (RFC 9052; protocol.md 3.9, "Roster, Suspension").
//!
//! `roster` reads and writes rosters and suspensions through it. It keeps the one form: empty outer headers, signatures in
//! ascending kid, each kid once. It does not know how many signatures are enough, nor whose.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use minicbor::Decoder;

use crate::base::ids::{Kid, NetworkId, Party};
use crate::envelope::frame::{check_signature, encoding, read_protected};
use crate::envelope::message::{external_aad, kid_of, sign_structure, write_sign};
use crate::envelope::refusal::Refusal;

/// Most signatures that are read.
pub const COSIGNATURES: usize = 32;

/// What the custodians sign, by its message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CosignedKind {
    /// Type 10.
    Roster,
    /// Type 14.
    Suspension,
}

/// A payload and the signatures over it, none of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Deterministic CBOR of a roster or suspension.
    pub payload: Vec<u8>,
    /// In ascending kid, each once.
    pub signatures: Vec<(Kid, [u8; 64])>,
}

impl CosignedKind {
    /// Its message type.
    #[must_use]
    pub const fn kind(self) -> u64 {
        match self {
            CosignedKind::Roster => 10,
            CosignedKind::Suspension => 14,
        }
    }

    const fn context(self) -> &'static str {
        match self {
            CosignedKind::Roster => "kinmesh/1/roster",
            CosignedKind::Suspension => "kinmesh/1/suspension",
        }
    }
}

impl Cosigned {
    /// Puts a payload and signatures together, in whatever order they came; a second signature of a kid is left out.
    #[must_use]
    pub fn new(payload: Vec<u8>, mut signatures: Vec<(Kid, [u8; 64])>) -> Self {
        signatures.sort_unstable_by_key(|(kid, _)| *kid);
        signatures.dedup_by_key(|(kid, _)| *kid);
        Self { payload, signatures }
    }

    /// Adds signatures; a second one of a kid is left out.
    pub fn add(&mut self, signatures: impl IntoIterator<Item = (Kid, [u8; 64])>) {
        let all = self.signatures.drain(..).chain(signatures).collect();
        *self = Self::new(std::mem::take(&mut self.payload), all);
    }

    /// Reads a COSE_Sign.
    ///
    /// # Errors
    /// [`Refusal::Size`] above `limit` bytes or [`COSIGNATURES`], [`Refusal::Alg`], [`Refusal::Encoding`].
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, Refusal> {
        if bytes.len() > limit {
            return Err(Refusal::Size);
        }
        let mut decoder = Decoder::new(bytes);
        if decoder.tag().map_err(encoding)?.as_u64() != 98 || decoder.array().map_err(encoding)? != Some(4) {
            return Err(Refusal::Encoding);
        }
        if !decoder.bytes().map_err(encoding)?.is_empty() || decoder.map().map_err(encoding)? != Some(0) {
            return Err(Refusal::Encoding);
        }
        let payload = decoder.bytes().map_err(encoding)?.to_vec();
        let count = decoder.array().map_err(encoding)?.ok_or(Refusal::Encoding)?;
        if count > COSIGNATURES as u64 {
            return Err(Refusal::Size);
        }
        let mut signatures: Vec<(Kid, [u8; 64])> = Vec::new();
        for _ in 0..count {
            let next = read_signature(&mut decoder)?;
            if signatures.last().is_some_and(|(last, _)| *last >= next.0) {
                return Err(Refusal::Encoding);
            }
            signatures.push(next);
        }
        let read = Self { payload, signatures };
        // Long lengths and trailing bytes show when the one form is written again.
        if read.to_bytes() == bytes { Ok(read) } else { Err(Refusal::Encoding) }
    }

    /// The whole COSE_Sign.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        write_sign(&self.payload, &self.signatures)
    }

    /// Checks the signature of one key; false if that key did not sign or its signature does not verify.
    #[must_use]
    pub fn is_signed_by(&self, kind: CosignedKind, network: &NetworkId, key: &VerifyingKey) -> bool {
        let kid = kid_of(key.as_bytes());
        let signature = self.signatures.iter().find(|(signer, _)| *signer == kid);
        signature
            .is_some_and(|(_, signature)| check_signature(key, &signed(kind, network, &kid, &self.payload), signature).is_ok())
    }
}

/// Signs a payload as one custodian.
#[must_use]
pub fn cosign(kind: CosignedKind, network: &NetworkId, payload: &[u8], key: &SigningKey) -> (Kid, [u8; 64]) {
    let kid = kid_of(key.verifying_key().as_bytes());
    (kid, key.sign(&signed(kind, network, &kid, payload)).to_bytes())
}

fn signed(kind: CosignedKind, network: &NetworkId, kid: &Kid, payload: &[u8]) -> Vec<u8> {
    let aad = external_aad(kind.context(), network, kind.kind(), &Party::Custodians, None);
    sign_structure(kid, &aad, payload)
}

fn read_signature(decoder: &mut Decoder<'_>) -> Result<(Kid, [u8; 64]), Refusal> {
    if decoder.array().map_err(encoding)? != Some(3) {
        return Err(Refusal::Encoding);
    }
    let kid = read_protected(decoder.bytes().map_err(encoding)?)?;
    if decoder.map().map_err(encoding)? != Some(0) {
        return Err(Refusal::Encoding);
    }
    let signature = <[u8; 64]>::try_from(decoder.bytes().map_err(encoding)?).map_err(|_| Refusal::Encoding)?;
    Ok((kid, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> NetworkId {
        NetworkId::new("kin-test").unwrap()
    }

    fn keys() -> Vec<SigningKey> {
        let mut keys: Vec<_> = (1..=3).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        keys.sort_by_key(|key| kid_of(key.verifying_key().as_bytes()));
        keys
    }

    fn cosigned() -> Cosigned {
        let signatures = keys().iter().rev().map(|key| cosign(CosignedKind::Roster, &network(), b"\xa0", key)).collect();
        Cosigned::new(vec![0xa0], signatures)
    }

    #[test]
    fn signatures_are_written_in_ascending_kid_and_read_back() {
        let cosigned = cosigned();
        let bytes = cosigned.to_bytes();
        assert_eq!(bytes[..7], [0xd8, 98, 0x84, 0x40, 0xa0, 0x41, 0xa0]);
        assert_eq!(Cosigned::parse(&bytes, 4_096), Ok(cosigned.clone()));
        for key in keys() {
            assert!(cosigned.is_signed_by(CosignedKind::Roster, &network(), &key.verifying_key()));
            assert!(!cosigned.is_signed_by(CosignedKind::Suspension, &network(), &key.verifying_key()));
            assert!(!cosigned.is_signed_by(CosignedKind::Roster, &NetworkId::new("other").unwrap(), &key.verifying_key()));
        }
        assert!(!cosigned.is_signed_by(CosignedKind::Roster, &network(), &SigningKey::from_bytes(&[9; 32]).verifying_key()));
    }

    #[test]
    fn the_same_kid_twice_is_refused() {
        let mut twice = cosigned();
        twice.signatures[1] = twice.signatures[0];
        assert_eq!(Cosigned::parse(&twice.to_bytes(), 4_096), Err(Refusal::Encoding));
    }

    #[test]
    fn another_order_or_trailing_bytes_are_refused() {
        let mut turned = cosigned();
        turned.signatures.swap(0, 1);
        assert_eq!(Cosigned::parse(&turned.to_bytes(), 4_096), Err(Refusal::Encoding));
        let mut longer = cosigned().to_bytes();
        longer.push(0);
        assert_eq!(Cosigned::parse(&longer, 4_096), Err(Refusal::Encoding));
        assert_eq!(Cosigned::parse(&longer, 10), Err(Refusal::Size));
    }
}
