//! Deletes rows that became invisible, or whose time ran out, a batch a slice.

use crate::base::record::{Record, RowKey, Stored, Tree};
use crate::casework::claim_pace::RecordClaim;
use crate::engine::batch::{Batch, Op};
use crate::engine::job::{Found, Job, JobFailure, JobOutput, SweepSlice};
use crate::engine::rows::{CarriedRow, SeenRow};
use crate::engine::view::Bulk;
use crate::private_match::owner::EvaluatedRow;
use crate::private_match::querier::AskedRow;

/// Rows of one slice.
const ROWS: usize = 256;

/// Removes the next rows of the range.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut slice: SweepSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let rows = bulk.rows(slice.tree, &slice.from, slice.until.as_ref(), ROWS)?;
    let last = rows.last().filter(|_| rows.len() == ROWS).map(|(key, _)| key.clone());
    let ops = rows
        .into_iter()
        .filter(|(key, stored)| slice.expired.is_none_or(|now| has_expired(slice.tree, key, stored, now)))
        .map(|(key, _)| Op::Remove(slice.tree, key))
        .collect();
    let next = last.map(|key| {
        slice.from = key.behind();
        Job::Sweep(slice)
    });
    Ok(JobOutput { writes: Batch { ops, ..Batch::default() }, found: Found::Nothing, next })
}

/// Whether the memory of a message ran out; a row of another kind stays.
fn has_expired(tree: Tree, key: &RowKey, stored: &Stored, now: u64) -> bool {
    let (version, value) = (stored.version, stored.value.expose());
    let expires = if tree == Tree::Seen && SeenRow::id(key).is_some() {
        SeenRow::decode(version, value).ok().map(|row| row.expires)
    } else if tree == Tree::Seen && EvaluatedRow::id(key).is_some() {
        EvaluatedRow::decode(version, value).ok().map(|row| row.expires)
    } else if tree == Tree::Queries && AskedRow::id(key).is_some() {
        AskedRow::decode(version, value).ok().map(|row| row.expires)
    } else if tree == Tree::Seen && CarriedRow::id(key).is_some() {
        CarriedRow::decode(version, value).ok().map(|row| row.expires)
    } else if tree == Tree::Seen && RecordClaim::id(key).is_some() {
        RecordClaim::decode(version, value).ok().map(|row| row.expires)
    } else {
        None
    };
    expires.is_some_and(|expires| expires < now)
}
