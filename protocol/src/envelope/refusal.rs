//! The codes with which a message is refused (protocol.md 3.7).
//!
//! Every verification step answers with one of them. A code is all that a peer may learn: it never says more than which
//! rule was broken, and no code depends on whether a record exists. `E_SUSPENDED` is for the local log and never sent.

use minicbor::{Decode, Encode};
use thiserror::Error;

/// Why a message, cell or request is refused. On the wire it is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Error)]
#[cbor(index_only)]
pub enum Refusal {
    /// Longer than its class allows.
    #[error("E_SIZE")]
    #[n(1)]
    Size = 1,
    /// Not the one deterministic form of an expected value.
    #[error("E_ENCODING")]
    #[n(2)]
    Encoding,
    /// Another signature algorithm than EdDSA with Ed25519.
    #[error("E_ALG")]
    #[n(3)]
    Alg,
    /// The sender has no such key, or the key may not sign this type now.
    #[error("E_KEY_UNKNOWN")]
    #[n(4)]
    KeyUnknown,
    /// The signature does not verify over this payload in this context.
    #[error("E_SIGNATURE")]
    #[n(5)]
    Signature,
    /// Meant for another party, from another party than its cell, or not allowed in this place.
    #[error("E_CONTEXT")]
    #[n(6)]
    Context,
    /// Created ahead of the clock by more than the skew, or with a life that is none or too long.
    #[error("E_CLOCK")]
    #[n(7)]
    Clock,
    /// Past its expiry.
    #[error("E_EXPIRED")]
    #[n(8)]
    Expired,
    /// The cell does not open, or what it holds is not packed as it must be.
    #[error("E_SEAL")]
    #[n(9)]
    Seal,
    /// A protocol version outside the network's range.
    #[error("E_VERSION")]
    #[n(10)]
    Version,
    /// Another matching profile.
    #[error("E_PROFILE")]
    #[n(11)]
    Profile,
    /// The sender's role may not send this type.
    #[error("E_ROLE")]
    #[n(12)]
    Role,
    /// The message does not fit the state that it meets.
    #[error("E_STATE")]
    #[n(13)]
    State,
    /// The budget is used up; carries when to try again.
    #[error("E_BUDGET")]
    #[n(14)]
    Budget,
    /// Another epoch; carries the current one.
    #[error("E_EPOCH")]
    #[n(15)]
    Epoch,
    /// An element that is no group element, or the identity.
    #[error("E_ELEMENT")]
    #[n(16)]
    Element,
    /// The evaluation's proof does not verify.
    #[error("E_PROOF")]
    #[n(17)]
    Proof,
    /// A renewal whose elements differ from those that were paid for.
    #[error("E_RENEW_MISMATCH")]
    #[n(18)]
    RenewMismatch,
    /// A set that does not continue the chain.
    #[error("E_SET_CHAIN")]
    #[n(19)]
    SetChain,
    /// A set that breaks a rule of its form.
    #[error("E_SET_CORRUPT")]
    #[n(20)]
    SetCorrupt,
    /// More claims than a day, a pair or a record allows.
    #[error("E_CLAIM_CAP")]
    #[n(21)]
    ClaimCap,
    /// Fields that do not open the commitment.
    #[error("E_COMMIT")]
    #[n(22)]
    Commit,
    /// The roster at hand is too old for this.
    #[error("E_ROSTER_STALE")]
    #[n(23)]
    RosterStale,
    /// The member is suspended. Local log only.
    #[error("E_SUSPENDED")]
    #[n(24)]
    Suspended,
    /// No room at the moment; carries when to try again.
    #[error("E_BUSY")]
    #[n(25)]
    Busy,
}

impl Refusal {
    /// Every code, in the order of the numbers.
    pub const ALL: [Refusal; 25] = [
        Refusal::Size,
        Refusal::Encoding,
        Refusal::Alg,
        Refusal::KeyUnknown,
        Refusal::Signature,
        Refusal::Context,
        Refusal::Clock,
        Refusal::Expired,
        Refusal::Seal,
        Refusal::Version,
        Refusal::Profile,
        Refusal::Role,
        Refusal::State,
        Refusal::Budget,
        Refusal::Epoch,
        Refusal::Element,
        Refusal::Proof,
        Refusal::RenewMismatch,
        Refusal::SetChain,
        Refusal::SetCorrupt,
        Refusal::ClaimCap,
        Refusal::Commit,
        Refusal::RosterStale,
        Refusal::Suspended,
        Refusal::Busy,
    ];

    /// The number on the wire, 1 to 25.
    #[must_use]
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// The code of a number.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cbor;

    #[test]
    fn the_numbers_are_those_of_the_specification() {
        for (place, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal.code(), place as u64 + 1);
            assert_eq!(Refusal::from_code(refusal.code()), Some(refusal));
            assert_eq!(cbor::decode::<Refusal>(&cbor::encode(&refusal.code())), Ok(refusal));
        }
        assert_eq!(Refusal::from_code(0), None);
        assert_eq!(Refusal::from_code(26), None);
    }

    #[test]
    fn a_code_is_shown_by_its_name() {
        assert_eq!(Refusal::RenewMismatch.to_string(), "E_RENEW_MISMATCH");
        assert_eq!(Refusal::Budget.code(), 14);
        assert_eq!(Refusal::Busy.code(), 25);
    }
}
