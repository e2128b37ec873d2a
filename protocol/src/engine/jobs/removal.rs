//! Removes the tags of entries that left the index, and what the private match kept of them.
//!
//! The tags are evaluated once more, since only that leads from a key to its row; a row that is not there is no error.

use crate::base::record::Record;
use crate::engine::batch::{Batch, Op};
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, IndexSlice, JobFailure, JobOutput};
use crate::engine::jobs::index::read;
use crate::engine::view::Bulk;
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, RemovalRow, TagRow};

/// One slice: every row of the entries of the job.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(slice: &IndexSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch::default();
    for (entry, _) in &slice.entries {
        let id = (slice.family, *entry);
        if let Some(row) = read::<IndexRow>(bulk, &id)? {
            for input in inputs_of(&slice.profile, &slice.owner, &row.keys) {
                let live = (slice.epoch, tag(&slice.secret.evaluate(input.expose())));
                let next = slice.also.as_ref().map(|(epoch, secret)| (*epoch, tag(&secret.evaluate(input.expose()))));
                for (epoch, tag) in core::iter::once(live).chain(next) {
                    writes.ops.push(Op::Remove(TagRow::TREE, TagRow::key(&(epoch, slice.family, tag.0, *entry))));
                }
            }
        }
        writes.ops.push(Op::Remove(IndexRow::TREE, IndexRow::key(&id)));
        writes.ops.push(Op::Remove(RemovalRow::TREE, RemovalRow::key(&id)));
    }
    let entries = slice.entries.len() as u64;
    let found = Found::Unindexed { epoch: slice.epoch, family: slice.family, entries };
    Ok(JobOutput { writes, found, next: None })
}
