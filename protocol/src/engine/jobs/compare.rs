//! Compares pairs of own records that share a match key.
//!
//! Nothing of a record leaves the slice: a score, a verdict and the revisions that were compared. Whether a pair is one
//! person is `casework::duplicate`'s to say.

use crate::casework::describe;
use crate::casework::duplicate::is_duplicate;
use crate::engine::batch::Batch;
use crate::engine::job::{ComparedPair, Found, JobOutput, PairToCompare};
use crate::linkage::compare;

/// One slice.
#[must_use]
pub fn run(pairs: &[PairToCompare]) -> JobOutput {
    let found = pairs
        .iter()
        .map(|PairToCompare { pair, first, second }| {
            let comparison = compare(&describe::of_record(first), &describe::of_record(second));
            ComparedPair {
                pair: *pair,
                first_revision: first.revision,
                second_revision: second.revision,
                score_milli: comparison.score_milli,
                is_duplicate: is_duplicate(&comparison),
            }
        })
        .collect();
    JobOutput { writes: Batch::default(), found: Found::Compared(found), next: None }
}
