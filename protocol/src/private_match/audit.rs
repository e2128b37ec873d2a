//! Openable evaluations: what an auditor asks, what an owner lists, which references are drawn, and how a list of elements is
//! made again (protocol.md 2.11, 3.9 "Audit sample").
//!
//! An owner sees 48 elements and cannot see that they are one person. It keeps their hash; since blinds derive from the
//! case's secret, the querier can make the elements again and show what went into them. `casework` judges what is shown.

use minicbor::{Decode, Encode};

use super::input::{blind_bytes, elements_hash, positions};
use super::mac::hmac_sha256;
use super::oprf::{self, ElementError};
use crate::base::cbor::fixed;
use crate::base::{AuditId, CaseRef, Epoch, MemberId, Sensitive, limits};

/// Message type of [`AuditChallenge`].
pub use crate::roster::AUDIT_CHALLENGE;

/// Message type of [`AuditReport`].
pub const AUDIT_REPORT: u64 = 61;
const SAMPLE: &[u8] = b"kinmesh/audit/1";
/// References that are drawn at least, where there are as many.
const LEAST: usize = 20;
/// One in so many is drawn above that.
const ONE_IN: usize = 50;

/// Type 60, auditor to all: open what this querier asked this owner in this epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AuditChallenge {
    /// The audit.
    #[n(1)]
    pub audit_id: AuditId,
    /// Whose questions are opened.
    #[n(2)]
    pub querier: MemberId,
    /// Whom it asked.
    #[n(3)]
    pub owner: MemberId,
    /// The owner's epoch.
    #[n(4)]
    pub epoch: Epoch,
    /// SHA-256 of the payload of the last timestamp that the auditor held: the sample is drawn by a later one.
    #[cbor(n(5), with = "fixed")]
    pub timestamp_hash: [u8; 32],
}

/// Type 61: an owner's list in parts, or the querier's counts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AuditReport {
    /// The audit.
    #[n(1)]
    pub audit_id: AuditId,
    /// Number of this part, from 1.
    #[n(2)]
    pub part: u32,
    /// Parts in all.
    #[n(3)]
    pub parts: u32,
    /// References in ascending order, at most [`limits::AUDIT_REFS`]; every part but the last is full. None in the querier's.
    #[n(4)]
    pub refs: Vec<AuditRef>,
    /// What the querier found; none in the owner's.
    #[n(5)]
    pub counts: Option<AuditCounts>,
}

/// One reference that an owner evaluated. Ordered by reference, then hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct AuditRef {
    /// The querier's pseudonym of a case.
    #[n(1)]
    pub case_ref: CaseRef,
    /// SHA-256 of its 1,536 bytes of elements.
    #[cbor(n(2), with = "fixed")]
    pub element_hash: [u8; 32],
}

/// What a sample showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
#[cbor(map)]
pub struct AuditCounts {
    /// References that were drawn.
    #[n(1)]
    pub sampled: u32,
    /// One person and dummies, or a dummy case: nothing but dummies.
    #[n(2)]
    pub matched: u32,
    /// What was shown does not make the elements that the owner keeps, or nothing was shown.
    #[n(3)]
    pub mismatched: u32,
    /// Erased at the querier since.
    #[n(4)]
    pub erased: u32,
    /// The elements were made of what no one person's record yields.
    #[n(5)]
    pub not_one_person: u32,
}

/// References that are drawn of so many.
#[must_use]
pub const fn sample_size(refs: usize) -> usize {
    let share = refs.div_ceil(ONE_IN);
    let size = if share > LEAST { share } else { LEAST };
    if size < refs { size } else { refs }
}

// AU-1.
/// The references that a timestamp draws: those with the smallest HMAC, in ascending reference. `timestamp` is the SHA-256 of
/// its payload, which nobody knew when the challenge was signed.
#[must_use]
pub fn sample(timestamp: &[u8; 32], refs: &[AuditRef]) -> Vec<AuditRef> {
    let mut drawn: Vec<([u8; 32], &AuditRef)> =
        refs.iter().map(|one| (hmac_sha256(timestamp, &[SAMPLE, &one.case_ref.0]), one)).collect();
    drawn.sort_unstable_by_key(|(lot, _)| *lot);
    let mut sample: Vec<AuditRef> = drawn.into_iter().take(sample_size(refs.len())).map(|(_, one)| *one).collect();
    sample.sort_unstable();
    sample
}

/// The hash of the elements that a case sent, made again from its secret and its own inputs, dummies behind them.
///
/// # Errors
/// [`ElementError`] where a blind is zero: such a reference was never sent.
pub fn sent_hash(
    secret: &Sensitive<[u8; 32]>,
    owner: &MemberId,
    case_ref: &CaseRef,
    inputs: &[Vec<u8>],
) -> Result<[u8; 32], ElementError> {
    let mut elements = Vec::with_capacity(limits::KEYS_A_RECORD);
    for (input, j) in positions(secret, owner, case_ref, inputs).iter().zip(0u16..) {
        elements.push(oprf::blind(input, &blind_bytes(secret, owner, case_ref, j, input))?);
    }
    Ok(elements_hash(&elements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cbor;
    use crate::private_match::example;

    fn refs(count: usize) -> Vec<AuditRef> {
        let number = |place: usize| u32::try_from(place).unwrap().to_be_bytes();
        (0..count)
            .map(|place| {
                let mut case_ref = [0; 16];
                case_ref[..4].copy_from_slice(&number(place));
                AuditRef { case_ref: CaseRef(case_ref), element_hash: [1; 32] }
            })
            .collect()
    }

    #[test]
    fn a_sample_is_a_fiftieth_and_at_least_twenty() {
        for (all, drawn) in [(0, 0), (1, 1), (20, 20), (21, 20), (1_000, 20), (1_001, 21), (60_000, 1_200)] {
            assert_eq!(sample_size(all), drawn, "{all}");
        }
    }

    #[test]
    fn the_timestamp_decides_the_sample() {
        let all = refs(200);
        let (one, other) = (sample(&[1; 32], &all), sample(&[2; 32], &all));
        assert_eq!(one, sample(&[1; 32], &all));
        assert_ne!(one, other);
        assert_eq!(one.len(), 20);
        assert!(one.windows(2).all(|pair| pair[0].case_ref < pair[1].case_ref));
        let mut turned = all.clone();
        turned.reverse();
        assert_eq!(sample(&[1; 32], &turned), one);
    }

    #[test]
    fn every_reference_is_drawn_by_some_timestamp() {
        let all = refs(60);
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..64u8 {
            seen.extend(sample(&[number; 32], &all).into_iter().map(|one| one.case_ref));
        }
        assert_eq!(seen.len(), all.len());
    }

    #[test]
    fn elements_are_made_again_to_the_byte() {
        let input = vec![example::input()];
        let first = sent_hash(&example::case_secret(), &example::owner(), &example::case_ref(), &input).unwrap();
        assert_eq!(first, sent_hash(&example::case_secret(), &example::owner(), &example::case_ref(), &input).unwrap());
        let dummies = sent_hash(&example::case_secret(), &example::owner(), &example::case_ref(), &[]).unwrap();
        assert_ne!(first, dummies);
        let other = sent_hash(&example::case_secret(), &example::owner(), &CaseRef([9; 16]), &input).unwrap();
        assert_ne!(first, other);
    }

    #[test]
    fn the_largest_part_fits_a_message() {
        let mut full = refs(limits::AUDIT_REFS);
        full.iter_mut().for_each(|one| one.case_ref.0[15] = 0xff);
        let report = AuditReport { audit_id: AuditId([255; 16]), part: u32::MAX, parts: u32::MAX, refs: full, counts: None };
        assert!(cbor::encode(&report).len() + 512 <= limits::MESSAGE_BYTES);
    }
}
