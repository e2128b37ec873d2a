//! The custodians: whose signatures make a roster, and how they sign.
//!
//! The ceremony signs with [`sign_roster`] on machines without a network and puts the signatures together with
//! [`assemble`]; `verify` counts them. How many are enough is the roster's own word, and the held roster's for the next.

use ed25519_dalek::SigningKey;
use minicbor::{Decode, Decoder, Encode};

use crate::base::cbor::fixed_list;
use crate::base::ids::{Kid, NetworkId};
use crate::base::limits::ROSTER_BYTES;
use crate::envelope::{Cosigned, CosignedKind, cosign};
use crate::roster::verify::RosterError;

/// Most custodians.
pub const CUSTODIANS: usize = 16;

/// Fields of a roster's payload.
const ROSTER_FIELDS: u64 = 19;
/// Fields of a suspension's payload.
const SUSPENSION_FIELDS: u64 = 6;

/// Kid and signature of each custodian that signed.
pub type Signatures = Vec<(Kid, [u8; 64])>;

/// The custodians' keys and how many of them decide what.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Custodians {
    /// Their ed25519 keys, 1 to 16, each once.
    #[n(1)]
    #[cbor(with = "fixed_list")]
    pub keys: Vec<[u8; 32]>,
    /// Signatures on a roster.
    #[n(2)]
    pub threshold: u64,
    /// Signatures on a roster that changes the custodians, of the old ones and of the ones it names.
    #[n(3)]
    pub root_threshold: u64,
    /// Signatures on an emergency suspension.
    #[n(4)]
    pub emergency_threshold: u64,
}

impl Custodians {
    /// Whether the thresholds can be met and a change of custodians is no easier than any other.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let count = self.keys.len() as u64;
        self.keys.len() <= CUSTODIANS
            && (1..=count).contains(&self.threshold)
            && (self.threshold..=count).contains(&self.root_threshold)
            && (1..=count).contains(&self.emergency_threshold)
    }
}

/// Signs a roster's payload as one custodian.
#[must_use]
pub fn sign_roster(network: &NetworkId, payload: &[u8], key: &SigningKey) -> (Kid, [u8; 64]) {
    cosign(CosignedKind::Roster, network, payload, key)
}

/// Signs a suspension's payload as one custodian.
#[must_use]
pub fn sign_suspension(network: &NetworkId, payload: &[u8], key: &SigningKey) -> (Kid, [u8; 64]) {
    cosign(CosignedKind::Suspension, network, payload, key)
}

/// Puts a payload and its signatures together, in whatever order they came.
#[must_use]
pub fn assemble(payload: &[u8], signatures: Signatures) -> Vec<u8> {
    Cosigned::new(payload.to_vec(), signatures).to_bytes()
}

/// Takes a signed roster or suspension apart, without checking a signature.
///
/// # Errors
/// [`RosterError::Shape`].
pub fn parse_signed(bytes: &[u8]) -> Result<(Vec<u8>, Signatures), RosterError> {
    let Cosigned { payload, signatures } = Cosigned::parse(bytes, ROSTER_BYTES).map_err(RosterError::Shape)?;
    Ok((payload, signatures))
}

/// Which of the two a signed document is, by the shape of its payload alone; none if it is neither.
#[must_use]
pub fn signed_kind(bytes: &[u8]) -> Option<CosignedKind> {
    let cosigned = Cosigned::parse(bytes, ROSTER_BYTES).ok()?;
    match Decoder::new(&cosigned.payload).map().ok()? {
        Some(ROSTER_FIELDS) => Some(CosignedKind::Roster),
        Some(SUSPENSION_FIELDS) => Some(CosignedKind::Suspension),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_can_be_met_and_root_changes_are_no_easier() {
        let sound = |threshold, root_threshold, emergency_threshold| {
            Custodians { keys: vec![[1; 32]; 5], threshold, root_threshold, emergency_threshold }.is_sound()
        };
        assert!(sound(3, 4, 2));
        assert!(sound(1, 1, 1));
        for (threshold, root, emergency) in [(0, 4, 2), (6, 6, 2), (3, 2, 2), (3, 6, 2), (3, 4, 0), (3, 4, 6)] {
            assert!(!sound(threshold, root, emergency), "{threshold} {root} {emergency}");
        }
    }
}
