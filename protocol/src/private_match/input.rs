//! What goes into the function for one case at one owner: key inputs, dummies up to 48, and the blind of each position.
//!
//! Called by the owner's index (key inputs) and by the querier when it asks, renews, finalizes or opens an audit. Everything is
//! derived again from the case secret and the case reference, so nothing of a request is stored and an amended case (with
//! another reference) never shares a blind with its old form. It draws nothing and knows no record.
//!
//! What remains: who takes the case secret and the elements that were sent can test guesses against them.

use sha2::{Digest, Sha256};

use super::mac::{hmac_sha256, hmac_sha512};
use super::oprf::Element;
use crate::base::cbor::lp;
use crate::base::limits::KEYS_A_RECORD;
use crate::base::{CaseRef, MemberId, ProfileId, Sensitive};

const KEY: &[u8] = b"kinmesh/mk/1";
const DUMMY: &[u8] = b"kinmesh/dummy/1";
const BLIND: &[u8] = b"kinmesh/blind/1";

/// The input of one match key at one owner. Never bound to an epoch, so that blinds stay valid over a roll (protocol.md 2.1).
#[must_use]
pub fn key_input(profile: &ProfileId, owner: &MemberId, class: &str, key: &str) -> Sensitive<Vec<u8>> {
    let parts: [&[u8]; 4] = [profile.as_str().as_bytes(), owner.as_str().as_bytes(), class.as_bytes(), key.as_bytes()];
    // Filled in one piece: a vector that grows leaves copies of what it held behind.
    let length = KEY.len() + parts.iter().map(|part| 2 + part.len()).sum::<usize>();
    let mut input = Vec::with_capacity(length);
    input.extend_from_slice(KEY);
    for part in parts {
        let part = Sensitive::new(lp(part));
        input.extend_from_slice(part.expose());
    }
    Sensitive::new(input)
}

/// The 48 inputs of a case at an owner: its own in profile order (at most 48 are taken), then dummies (protocol.md 3.9).
#[must_use]
pub fn positions(case_secret: &Sensitive<[u8; 32]>, owner: &MemberId, case_ref: &CaseRef, inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut positions: Vec<_> = inputs.iter().take(KEYS_A_RECORD).cloned().collect();
    let owner = lp(owner.as_str().as_bytes());
    for position in (0u16..).take(KEYS_A_RECORD).skip(positions.len()) {
        let parts: [&[u8]; 4] = [DUMMY, &owner, &case_ref.0, &position.to_be_bytes()];
        positions.push([DUMMY, &hmac_sha256(case_secret.expose(), &parts)].concat());
    }
    positions
}

// EP-1.
/// The blind of position `j`, before it is taken modulo the group order (protocol.md 3.9).
#[must_use]
pub fn blind_bytes(
    case_secret: &Sensitive<[u8; 32]>,
    owner: &MemberId,
    case_ref: &CaseRef,
    j: u16,
    input_j: &[u8],
) -> Sensitive<[u8; 64]> {
    let (owner, input) = (lp(owner.as_str().as_bytes()), Sensitive::new(lp(input_j)));
    let parts: [&[u8]; 5] = [BLIND, &owner, &case_ref.0, &j.to_be_bytes(), input.expose()];
    Sensitive::new(hmac_sha512(case_secret.expose(), &parts))
}

/// What an owner keeps of a case's elements, to recognise a renewal and to answer an audit.
#[must_use]
pub fn elements_hash(elements: &[Element]) -> [u8; 32] {
    elements.iter().fold(Sha256::new(), |hash, element| hash.chain_update(element)).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use data_encoding::HEXLOWER;

    use super::*;
    use crate::private_match::{example, oprf};

    #[test]
    fn the_example_of_the_specification_holds() {
        let input = key_input(&ProfileId::new("v1").unwrap(), &example::owner(), "n|d", "n:kflsk|d:19840312");
        assert_eq!(
            HEXLOWER.encode(input.expose()),
            "6b696e6d6573682f6d6b2f310002763100024b4500036e7c6400126e3a6b666c736b7c643a3139383430333132"
        );
        assert_eq!(
            HEXLOWER.encode(example::case_secret().expose()),
            "32c27fffbce5ebd7c0022bdc45e2ed8fbdb026787daaf6af490c7f663a389af0"
        );
        assert_eq!(HEXLOWER.encode(&example::case_ref().0), "a45ec59bf624dc45fe4b259f0f6ecd30");
        let element = oprf::blind(input.expose(), &example::blind_0()).unwrap();
        assert_eq!(HEXLOWER.encode(&element), "caaa67a74c0546d8e5557e8f601834495020a46fe750c56c9b7a466aa897b14a");
    }

    #[test]
    fn a_case_always_has_48_different_positions() {
        for own in [0usize, 1, 47, 48, 60] {
            let inputs: Vec<_> = (0..own).map(|j| vec![u8::try_from(j).unwrap(); 30]).collect();
            let all = positions(&example::case_secret(), &example::owner(), &example::case_ref(), &inputs);
            assert_eq!(all.len(), KEYS_A_RECORD);
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), KEYS_A_RECORD);
            let kept = own.min(KEYS_A_RECORD);
            assert_eq!(all[..kept], inputs[..kept]);
            assert!(all[kept..].iter().all(|dummy| dummy.starts_with(DUMMY) && dummy.len() == DUMMY.len() + 32));
        }
    }

    #[test]
    fn owners_references_and_positions_share_no_blind() {
        let (secret, input) = (example::case_secret(), example::input());
        let (ke, be) = (example::owner(), MemberId::new("BE").unwrap());
        let (first, second) = (example::case_ref(), CaseRef([1; 16]));
        let blinds = [
            blind_bytes(&secret, &ke, &first, 0, &input),
            blind_bytes(&secret, &be, &first, 0, &input),
            blind_bytes(&secret, &ke, &second, 0, &input),
            blind_bytes(&secret, &ke, &first, 1, &input),
            blind_bytes(&secret, &ke, &first, 0, b"another input"),
        ];
        assert_eq!(blinds.iter().collect::<BTreeSet<_>>().len(), blinds.len());
    }

    #[test]
    fn an_element_list_is_hashed_as_its_bytes() {
        let elements = [[1u8; 32], [2u8; 32]];
        let expected: [u8; 32] = Sha256::digest(elements.as_flattened()).into();
        assert_eq!(elements_hash(&elements), expected);
    }
}
