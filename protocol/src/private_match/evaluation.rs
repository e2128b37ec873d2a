//! The messages that have elements evaluated: request and response (protocol.md 3.3, types 30 and 31).
//!
//! The querier writes requests and checks responses, the owner the reverse; both call `shape` before they look at an element.
//! Invariant: after it every case has 48 elements or none, and a proof is there exactly when an element was evaluated. Whether
//! an element is one, and whether the proof holds, is for [`oprf`](super::oprf); budgets and renewals are for the owner.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::label::Family;
use super::oprf::Element;
use crate::base::limits::{CASES_A_REQUEST, ELEMENT_BYTES, ELEMENTS_BYTES};
use crate::base::{CaseRef, Epoch};

/// Bytes of a proof: c || s.
const PROOF_BYTES: usize = 64;

/// Why a request or response is refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvalShape {
    /// A batch has 1 to 64 cases.
    #[error("{found} cases, expected 1 to {CASES_A_REQUEST}")]
    Cases {
        /// Cases in the batch.
        found: usize,
    },
    /// One case stands in the batch twice.
    #[error("case {position} stands in the batch already")]
    Repeated {
        /// Place in the batch, from 0.
        position: usize,
    },
    /// A case has not exactly 48 elements, or none where it was refused.
    #[error("case {position} has {found} bytes of elements, expected {expected}")]
    Elements {
        /// Place in the batch, from 0.
        position: usize,
        /// By the case's status.
        expected: usize,
        /// As found.
        found: usize,
    },
    /// The proof has not the length that the batch asks for.
    #[error("a proof of {found} bytes, expected {expected}")]
    Proof {
        /// 64, or 0 where every case was refused.
        expected: usize,
        /// As found.
        found: usize,
    },
    /// The response is not about the request: another epoch or other cases, or in another order.
    #[error("the response does not answer the request")]
    Answer,
}

/// Whether a case is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum EvalMode {
    /// A reference that the owner has not seen: charged.
    #[n(1)]
    New = 1,
    /// The same elements in a later epoch: free, once an epoch.
    #[n(2)]
    Renew = 2,
}

/// What the owner did with a case: 0, or the error code that refuses this case alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum EvalStatus {
    /// Evaluated.
    #[n(0)]
    Accepted = 0,
    /// E_BUDGET.
    #[n(14)]
    Budget = 14,
    /// E_RENEW_MISMATCH.
    #[n(18)]
    RenewMismatch = 18,
}

/// One case of a request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EvalCase {
    /// Its pseudonym at this owner.
    #[n(1)]
    pub case_ref: CaseRef,
    /// New or renewed.
    #[n(2)]
    pub mode: EvalMode,
    /// Its 48 elements, 1,536 bytes.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub elements: Vec<u8>,
}

impl EvalCase {
    /// A case with its elements in the order of its positions.
    #[must_use]
    pub fn new(case_ref: CaseRef, mode: EvalMode, elements: &[Element]) -> Self {
        Self { case_ref, mode, elements: elements.as_flattened().to_vec() }
    }

    /// The elements one by one.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        split(&self.elements)
    }
}

/// A querier asks for evaluations (type 30).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EvalRequest {
    /// The owner's epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// SHA-256 of the owner's public key in it.
    #[n(2)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub pk_hash: [u8; 32],
    /// The cases, 1 to 64.
    #[n(3)]
    pub batch: Vec<EvalCase>,
    /// The family of the sets that it is for: each has a budget of its own.
    #[n(4)]
    pub family: Family,
}

impl EvalRequest {
    /// Checks counts and lengths; no element is looked at.
    ///
    /// # Errors
    /// [`EvalShape`] names the first thing that is wrong.
    pub fn shape(&self) -> Result<(), EvalShape> {
        check_refs(self.batch.iter().map(|case| case.case_ref))?;
        self.batch.iter().enumerate().try_for_each(|(position, case)| check_length(position, &case.elements, ELEMENTS_BYTES))
    }
}

/// One case of a response.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EvaluatedCase {
    /// As in the request.
    #[n(1)]
    pub case_ref: CaseRef,
    /// What was done.
    #[n(2)]
    pub status: EvalStatus,
    /// 1,536 bytes, or empty unless accepted.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub evaluated: Vec<u8>,
}

impl EvaluatedCase {
    /// A case that was evaluated, in the order of its positions.
    #[must_use]
    pub fn accepted(case_ref: CaseRef, evaluated: &[Element]) -> Self {
        Self { case_ref, status: EvalStatus::Accepted, evaluated: evaluated.as_flattened().to_vec() }
    }

    /// A case that was not.
    #[must_use]
    pub const fn refused(case_ref: CaseRef, status: EvalStatus) -> Self {
        Self { case_ref, status, evaluated: Vec::new() }
    }

    /// The evaluated elements one by one; none for a case that was refused.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        split(&self.evaluated)
    }
}

/// An owner's answer (type 31).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EvalResponse {
    /// As in the request.
    #[n(1)]
    pub epoch: Epoch,
    /// The public key that the proof is for.
    #[n(2)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub pk: [u8; 32],
    /// The cases of the request, in its order.
    #[n(3)]
    pub batch: Vec<EvaluatedCase>,
    /// 64 bytes over the elements of all accepted cases as one list; empty where none was.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub proof: Vec<u8>,
}

impl EvalResponse {
    /// Checks counts, lengths and that it answers the request; no element is looked at.
    ///
    /// # Errors
    /// [`EvalShape`] names the first thing that is wrong.
    pub fn shape(&self, request: &EvalRequest) -> Result<(), EvalShape> {
        let asked = request.batch.iter().map(|case| case.case_ref);
        if self.epoch != request.epoch || !asked.eq(self.batch.iter().map(|case| case.case_ref)) {
            return Err(EvalShape::Answer);
        }
        let mut any = false;
        for (position, case) in self.batch.iter().enumerate() {
            let accepted = case.status == EvalStatus::Accepted;
            any |= accepted;
            check_length(position, &case.evaluated, if accepted { ELEMENTS_BYTES } else { 0 })?;
        }
        let expected = if any { PROOF_BYTES } else { 0 };
        if self.proof.len() == expected { Ok(()) } else { Err(EvalShape::Proof { expected, found: self.proof.len() }) }
    }

    /// The proof, if an element was evaluated.
    #[must_use]
    pub fn proof(&self) -> Option<[u8; 64]> {
        self.proof.as_slice().try_into().ok()
    }
}

fn check_refs(refs: impl ExactSizeIterator<Item = CaseRef>) -> Result<(), EvalShape> {
    let found = refs.len();
    if found == 0 || found > CASES_A_REQUEST {
        return Err(EvalShape::Cases { found });
    }
    let mut seen = BTreeSet::new();
    for (position, case_ref) in refs.enumerate() {
        if !seen.insert(case_ref) {
            return Err(EvalShape::Repeated { position });
        }
    }
    Ok(())
}

fn check_length(position: usize, bytes: &[u8], expected: usize) -> Result<(), EvalShape> {
    if bytes.len() == expected { Ok(()) } else { Err(EvalShape::Elements { position, expected, found: bytes.len() }) }
}

/// Whole elements of a list; `shape` has refused lists that end within one.
fn split(bytes: &[u8]) -> Vec<Element> {
    bytes.as_chunks::<ELEMENT_BYTES>().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cbor;
    use crate::base::limits::{EVAL_MESSAGE_BYTES, KEYS_A_RECORD};

    fn request(cases: usize) -> EvalRequest {
        let batch = (0..cases)
            .map(|place| {
                let byte = u8::try_from(place).unwrap();
                EvalCase::new(CaseRef([byte; 16]), EvalMode::New, &[[byte; 32]; KEYS_A_RECORD])
            })
            .collect();
        EvalRequest { epoch: Epoch(7), pk_hash: [1; 32], batch, family: Family::Registered }
    }

    fn response() -> EvalResponse {
        let batch = vec![
            EvaluatedCase::accepted(CaseRef([0; 16]), &[[9; 32]; KEYS_A_RECORD]),
            EvaluatedCase::refused(CaseRef([1; 16]), EvalStatus::Budget),
        ];
        EvalResponse { epoch: Epoch(7), pk: [2; 32], batch, proof: vec![3; 64] }
    }

    #[test]
    fn a_full_request_and_its_response_fit_into_their_message() {
        let full = request(64);
        assert_eq!(full.shape(), Ok(()));
        let encoded = cbor::encode(&full);
        assert!(encoded.len() < EVAL_MESSAGE_BYTES - 1_024, "{}", encoded.len());
        assert_eq!(cbor::decode::<EvalRequest>(&encoded).unwrap(), full);
        let response = response();
        assert_eq!(cbor::decode::<EvalResponse>(&cbor::encode(&response)).unwrap(), response);
        assert_eq!(cbor::encode(&EvalStatus::RenewMismatch), [18]);
    }

    #[test]
    fn requests_of_another_shape_are_refused() {
        assert_eq!(request(0).shape(), Err(EvalShape::Cases { found: 0 }));
        assert_eq!(request(65).shape(), Err(EvalShape::Cases { found: 65 }));
        let mut twice = request(3);
        twice.batch[2].case_ref = twice.batch[0].case_ref;
        assert_eq!(twice.shape(), Err(EvalShape::Repeated { position: 2 }));
        for found in [0, 31, 32 * 47, 32 * 48 - 1, 32 * 49] {
            let mut short = request(2);
            short.batch[1].elements.resize(found, 0);
            assert_eq!(short.shape(), Err(EvalShape::Elements { position: 1, expected: 1_536, found }));
        }
    }

    #[test]
    fn a_response_answers_its_request_and_no_other() {
        let asked = request(2);
        assert_eq!(response().shape(&asked), Ok(()));
        assert_eq!(response().proof(), Some([3; 64]));
        assert_eq!(response().batch[0].elements(), vec![[9; 32]; 48]);
        type Edit = fn(&mut EvalResponse);
        let edits: [(Edit, EvalShape); 7] = [
            (|r| r.epoch = Epoch(8), EvalShape::Answer),
            (|r| r.batch.swap(0, 1), EvalShape::Answer),
            (|r| r.batch.truncate(1), EvalShape::Answer),
            (|r| r.batch[0].case_ref = CaseRef([7; 16]), EvalShape::Answer),
            (|r| r.batch[0].evaluated.truncate(1_535), EvalShape::Elements { position: 0, expected: 1_536, found: 1_535 }),
            (|r| r.batch[1].evaluated = vec![0; 32], EvalShape::Elements { position: 1, expected: 0, found: 32 }),
            (|r| r.proof.truncate(63), EvalShape::Proof { expected: 64, found: 63 }),
        ];
        for (edit, refused) in edits {
            let mut other = response();
            edit(&mut other);
            assert_eq!(other.shape(&asked), Err(refused));
        }
        let mut none = response();
        none.batch[0] = EvaluatedCase::refused(CaseRef([0; 16]), EvalStatus::RenewMismatch);
        assert_eq!(none.shape(&asked), Err(EvalShape::Proof { expected: 0, found: 64 }));
        none.proof.clear();
        assert_eq!((none.shape(&asked), none.proof()), (Ok(()), None));
    }
}
