//! Blinding, evaluating and finalizing: the curve work of both sides (RFC 9497, mode VOPRF).

use crate::base::MemberId;
use crate::base::limits::KEYS_A_RECORD;
use crate::engine::batch::Batch;
use crate::engine::job::{BlindBatch, CaseInputs, EvaluateBatch, FinalizeBatch, Found, JobFailure, JobOutput};
use crate::private_match::input::{blind_bytes, positions};
use crate::private_match::label::tag;
use crate::private_match::oprf::{self, Element};

/// Blinds every position of every case.
///
/// # Errors
/// [`JobFailure::Element`] if a blind is zero: the case needs another ref.
pub fn blind(batch: &BlindBatch) -> Result<JobOutput, JobFailure> {
    let mut elements = Vec::with_capacity(batch.cases.len());
    for case in &batch.cases {
        elements.push(blind_case(&batch.owner, case)?);
    }
    Ok(found(Found::Blinded { request: batch.request, owner: batch.owner, elements }))
}

fn blind_case(owner: &MemberId, case: &CaseInputs) -> Result<Vec<Element>, JobFailure> {
    let mut elements = Vec::with_capacity(KEYS_A_RECORD);
    for (input, j) in inputs(owner, case).iter().zip(0u16..) {
        let blind = blind_bytes(&case.secret, owner, &case.case_ref, j, input);
        elements.push(oprf::blind(input, &blind).map_err(|_| JobFailure::Element)?);
    }
    Ok(elements)
}

fn inputs(owner: &MemberId, case: &CaseInputs) -> Vec<Vec<u8>> {
    let real: Vec<Vec<u8>> = case.inputs.iter().map(|input| input.expose().clone()).collect();
    positions(&case.secret, owner, &case.case_ref, &real)
}

// VO-1.
/// Evaluates all accepted cases as one list, with one proof.
///
/// # Errors
/// [`JobFailure::Element`] if an element is the identity or not canonical: nothing is evaluated.
pub fn evaluate(batch: &EvaluateBatch) -> Result<JobOutput, JobFailure> {
    let elements: Vec<Element> = batch.cases.iter().flatten().copied().collect();
    let (evaluated, proof) = batch.secret.blind_evaluate(&elements, batch.proof_seed).map_err(|_| JobFailure::Element)?;
    let evaluated = evaluated.chunks(KEYS_A_RECORD).map(<[Element]>::to_vec).collect();
    Ok(found(Found::Evaluated { querier: batch.querier, request: batch.request, evaluated, proof }))
}

/// Checks the proof over exactly the sent elements, unblinds, and keeps the tags of the subjects' own keys.
///
/// # Errors
/// [`JobFailure::Proof`]: nothing of the answer counts.
pub fn finalize(batch: &FinalizeBatch) -> Result<JobOutput, JobFailure> {
    let (mut all_inputs, mut blinds) = (Vec::new(), Vec::new());
    for (_, case) in &batch.cases {
        for (input, j) in inputs(&batch.owner, case).into_iter().zip(0u16..) {
            blinds.push(blind_bytes(&case.secret, &batch.owner, &case.case_ref, j, &input));
            all_inputs.push(input);
        }
    }
    let outputs = oprf::finalize(&batch.public, &all_inputs, &blinds, &batch.evaluated, batch.proof.expose())
        .map_err(|_| JobFailure::Proof)?;
    let mut tags = Vec::new();
    for ((subject, case), outputs) in batch.cases.iter().zip(outputs.chunks(KEYS_A_RECORD)) {
        if let Some(subject) = subject {
            tags.push((*subject, outputs.iter().take(case.inputs.len()).map(tag).collect()));
        }
    }
    Ok(found(Found::Finalized { request: batch.request, owner: batch.owner, epoch: batch.epoch, tags }))
}

fn found(found: Found) -> JobOutput {
    JobOutput { writes: Batch::default(), found, next: None }
}
