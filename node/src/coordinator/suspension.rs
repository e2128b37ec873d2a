//! An emergency suspension on its way from custodian to custodian: the document with the signatures so far, and the roster
//! that was current.
//!
//! `roster suspend` writes it, `sign` adds signatures, `publish` hands it to a node. It is a bundle: first the suspension, then
//! the held roster. It keeps that what is read is sound: the roster verifies by itself, the member is on it, each signature is a
//! custodian's and verifies. It can only suspend, for 14 days at most; a node that holds another roster judges for itself.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::limits::ROSTER_BYTES;
use kinmesh_protocol::base::{Kid, Timestamp, cbor};
use kinmesh_protocol::envelope::{Cosigned, CosignedKind, kid_of, public_key};
use kinmesh_protocol::roster::{HeldRoster, ReasonCode, RosterError, Suspension, sign_suspension, verify_suspension};

use crate::coordinator::changes::{Change, Weight};
use crate::coordinator::proposal::{ProposalError, SignatureCount, verify_before};
use crate::exchange::utc;

/// A suspension that is being signed.
#[derive(Clone, Debug)]
pub struct SuspensionDraft {
    /// What it says.
    pub suspension: Suspension,
    signed: Cosigned,
    held: (Vec<u8>, HeldRoster),
}

impl SuspensionDraft {
    /// A suspension without a signature.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub fn new(suspension: Suspension, held: Vec<u8>) -> Result<Self, ProposalError> {
        let signed = Cosigned { payload: cbor::encode(&suspension), signatures: Vec::new() };
        Self::from_items(&[signed.to_bytes(), held])
    }

    /// Reads the items of the file and checks all of them.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub fn from_items(items: &[Vec<u8>]) -> Result<Self, ProposalError> {
        let [first, held, ..] = items else { return Err(ProposalError::Form) };
        let signed = Cosigned::parse(first, ROSTER_BYTES).map_err(|_| ProposalError::Form)?;
        let suspension: Suspension = cbor::decode(&signed.payload).map_err(|_| ProposalError::Form)?;
        let draft = Self { suspension, signed, held: (held.clone(), verify_before(held)?) };
        let roster = &draft.held.1.roster;
        if suspension.network_id != roster.network_id || suspension.roster_version != roster.version {
            return Err(ProposalError::Follows { before: roster.version, found: suspension.roster_version });
        }
        if roster.member(&suspension.member).is_none() {
            return Err(ProposalError::Roster(RosterError::UnknownMember(suspension.member)));
        }
        draft.check_signatures()?;
        Ok(draft)
    }

    /// The items of the file.
    #[must_use]
    pub fn to_items(&self) -> Vec<Vec<u8>> {
        vec![self.document(), self.held.0.clone()]
    }

    /// The suspension with its signatures, as it is published.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        self.signed.to_bytes()
    }

    /// The roster that was current.
    #[must_use]
    pub const fn held(&self) -> &HeldRoster {
        &self.held.1
    }

    /// Adds a custodian's signature; a second one of the same key changes nothing.
    ///
    /// # Errors
    /// [`ProposalError::Signer`] for a key that is no custodian's.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), ProposalError> {
        self.custodian(&kid_of(key.verifying_key().as_bytes()))?;
        self.signed.add([sign_suspension(&self.suspension.network_id, &self.signed.payload, key)]);
        Ok(())
    }

    /// Takes over the signatures on another copy.
    ///
    /// # Errors
    /// [`ProposalError::Different`].
    pub fn join(&mut self, other: Self) -> Result<(), ProposalError> {
        if other.signed.payload != self.signed.payload {
            return Err(ProposalError::Different);
        }
        self.signed.add(other.signed.signatures);
        Ok(())
    }

    /// How many custodians signed, and how many must.
    #[must_use]
    pub fn signature_count(&self) -> SignatureCount {
        let needed = self.held.1.roster.custodians.emergency_threshold;
        SignatureCount { found: self.signed.signatures.len() as u64, needed }
    }

    /// Who signed, by place among the custodians, from 1.
    #[must_use]
    pub fn signed_by(&self) -> Vec<usize> {
        places(&self.held.1.roster.custodians.keys, &self.signed)
    }

    /// Verifies it as a node would that holds the roster.
    ///
    /// # Errors
    /// [`RosterError`] of the first step that fails.
    pub fn verify(&self, now: Timestamp) -> Result<Suspension, RosterError> {
        verify_suspension(&self.document(), &self.held.1, now)
    }

    /// What it does, in plain words.
    #[must_use]
    pub fn words(&self) -> Vec<Change> {
        let Suspension { member, until, reason_code, roster_version, .. } = self.suspension;
        let reason = ReasonCode::from_code(reason_code).word();
        let line = |weight, text| Change { weight, member: Some(member), text };
        vec![
            line(Weight::Grave, format!("{member} is suspended at once, reason {reason}, until {}", utc(until))),
            line(Weight::Member, "every node that gets this refuses it everything and passes this on".to_owned()),
            line(
                Weight::Routine,
                format!(
                    "it lapses by itself then, unless version {} or a later one confirms it",
                    roster_version.saturating_add(1)
                ),
            ),
        ]
    }

    fn check_signatures(&self) -> Result<(), ProposalError> {
        for (kid, _) in &self.signed.signatures {
            let key = public_key(&self.custodian(kid)?).map_err(|_| ProposalError::Signer(*kid))?;
            if !self.signed.is_signed_by(CosignedKind::Suspension, &self.suspension.network_id, &key) {
                return Err(ProposalError::Signature(*kid));
            }
        }
        Ok(())
    }

    fn custodian(&self, kid: &Kid) -> Result<[u8; 32], ProposalError> {
        let keys = &self.held.1.roster.custodians.keys;
        keys.iter().copied().find(|key| kid_of(key) == *kid).ok_or(ProposalError::Signer(*kid))
    }
}

/// Places of the signers among keys, from 1, in ascending order.
pub(super) fn places(keys: &[[u8; 32]], signed: &Cosigned) -> Vec<usize> {
    let has_signed = |key: &[u8; 32]| signed.signatures.iter().any(|(kid, _)| *kid == kid_of(key));
    (1..).zip(keys).filter(|(_, key)| has_signed(key)).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::base::MemberId;

    use super::*;
    use crate::coordinator::proposal::tests::{NOW, custodian, signed_roster};

    fn draft() -> SuspensionDraft {
        let held = signed_roster(&[1, 2]).signed_roster();
        let roster = crate::coordinator::proposal::tests::roster();
        let suspension = Suspension {
            network_id: roster.network_id,
            roster_version: 1,
            member: MemberId::new("CIR").unwrap(),
            issued: NOW.seconds(),
            until: NOW.seconds() + 14 * 86_400,
            reason_code: ReasonCode::Stolen.code(),
        };
        SuspensionDraft::new(suspension, held).unwrap()
    }

    #[test]
    fn two_custodians_suspend_and_one_does_not() {
        let mut draft = draft();
        draft.sign(&custodian(3)).unwrap();
        assert_eq!(draft.verify(NOW), Err(RosterError::Threshold { needed: 2, found: 1 }));
        let mut other = SuspensionDraft::from_items(&draft.to_items()).unwrap();
        other.sign(&custodian(1)).unwrap();
        draft.join(other).unwrap();
        assert_eq!(draft.verify(NOW).map(|found| found.member.to_string()), Ok("CIR".to_owned()));
        assert_eq!(draft.signed_by(), [1, 3]);
        assert!(draft.words()[0].text.starts_with("CIR is suspended at once, reason stolen, until 2027-01-29"));
    }

    #[test]
    fn a_changed_document_and_a_strangers_signature_are_refused() {
        let mut draft = draft();
        draft.sign(&custodian(1)).unwrap();
        assert!(matches!(draft.sign(&custodian(9)), Err(ProposalError::Signer(_))));
        let mut longer = draft.suspension;
        longer.until += 1;
        let forged = Cosigned { payload: cbor::encode(&longer), signatures: draft.signed.signatures.clone() };
        let items = vec![forged.to_bytes(), draft.held.0.clone()];
        assert!(matches!(SuspensionDraft::from_items(&items), Err(ProposalError::Signature(_))));
    }
}
