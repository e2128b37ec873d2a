//! Evaluates the keys of own records and files them under their tags.

use crate::base::record::{Record, Row, RowKey};
use crate::engine::batch::{Batch, Op};
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, IndexSlice, JobFailure, JobOutput};
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, PendingRow, TagRow};

/// One slice: the records of the job, a tag row a key.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(slice: &IndexSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch::default();
    for person in &slice.people {
        let pending = (slice.epoch, *person);
        writes.ops.push(Op::Remove(PendingRow::TREE, PendingRow::key(&pending)));
        let Some(row) = read_index(bulk, &IndexRow::key(person))? else { continue };
        for input in inputs_of(&slice.profile, &slice.owner, &row.keys) {
            let tag = tag(&slice.secret.evaluate(input.expose()));
            let id = (slice.epoch, tag.0, *person);
            let value = TagRow { audience: row.audience.clone(), mode: row.mode };
            writes.ops.push(Op::Put(Row {
                tree: TagRow::TREE,
                root: TagRow::ROOT,
                key: TagRow::key(&id),
                version: TagRow::VERSION,
                value: value.encode(),
            }));
        }
    }
    let people = slice.people.len() as u64;
    Ok(JobOutput { writes, found: Found::Indexed { epoch: slice.epoch, people }, next: None })
}

fn read_index(bulk: &dyn Bulk, key: &RowKey) -> Result<Option<IndexRow>, ReadError> {
    let until = key.after_prefix();
    let rows = bulk.rows(IndexRow::TREE, key, until.as_ref(), 1)?;
    rows.into_iter()
        .next()
        .map(|(_, stored)| IndexRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged))
        .transpose()
}
