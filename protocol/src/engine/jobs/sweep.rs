//! Deletes rows that became invisible, a batch a slice.

use crate::engine::batch::{Batch, Op};
use crate::engine::job::{Found, Job, JobFailure, JobOutput, SweepSlice};
use crate::engine::view::Bulk;

/// Rows of one slice.
const ROWS: usize = 256;

/// Removes the next rows of the range.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(slice: SweepSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let rows = bulk.rows(slice.tree, &slice.from, slice.until.as_ref(), ROWS)?;
    let full = rows.len() == ROWS;
    let ops = rows.into_iter().map(|(key, _)| Op::Remove(slice.tree, key)).collect();
    let next = full.then_some(Job::Sweep(slice));
    Ok(JobOutput { writes: Batch { ops, ..Batch::default() }, found: Found::Nothing, next })
}
