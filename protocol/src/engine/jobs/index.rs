//! Evaluates the keys of own records and files them under their tags.

use crate::base::limits;
use crate::base::record::{Record, Row, RowKey};
use crate::engine::batch::{Batch, Op};
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, IndexSlice, JobFailure, JobOutput};
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, PendingRow, TagRow};

/// Bytes of a tag row's key: kind, epoch, tag, person.
const TAG_KEY_BYTES: usize = 1 + 4 + 16 + 16;

/// One slice: of the records of the job as many as fit a batch, a tag row a key.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(slice: &IndexSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch::default();
    let (mut size, mut people) = (0, 0);
    for person in &slice.people {
        let row = read_index(bulk, &IndexRow::key(person))?;
        // A tag row repeats the audience: what does not fit this batch waits for the next slice.
        let needed = row.as_ref().map_or(0, size_of_tags);
        if people > 0 && size + needed > limits::BATCH_BYTES * 3 / 4 {
            break;
        }
        (size, people) = (size + needed, people + 1);
        let pending = (slice.epoch, *person);
        writes.ops.push(Op::Remove(PendingRow::TREE, PendingRow::key(&pending)));
        let Some(row) = row else { continue };
        for (position, input) in inputs_of(&slice.profile, &slice.owner, &row.keys).iter().enumerate() {
            let tag = tag(&slice.secret.evaluate(input.expose()));
            let id = (slice.epoch, tag.0, *person);
            let value = TagRow { audience: row.audience.clone(), mode: row.mode, mention: row.mention_at(position) };
            writes.ops.push(Op::Put(Row {
                tree: TagRow::TREE,
                root: TagRow::ROOT,
                key: TagRow::key(&id),
                version: TagRow::VERSION,
                value: value.encode(),
            }));
        }
    }
    Ok(JobOutput { writes, found: Found::Indexed { epoch: slice.epoch, people }, next: None })
}

/// Bytes of a person's tag rows: key, audience, mode.
fn size_of_tags(row: &IndexRow) -> usize {
    let value = TagRow { audience: row.audience.clone(), mode: row.mode, mention: Some(u8::MAX) };
    row.keys.len() * (TAG_KEY_BYTES + value.encode().expose().len())
}

pub(super) fn read_index(bulk: &dyn Bulk, key: &RowKey) -> Result<Option<IndexRow>, ReadError> {
    let until = key.after_prefix();
    let rows = bulk.rows(IndexRow::TREE, key, until.as_ref(), 1)?;
    rows.into_iter()
        .next()
        .map(|(_, stored)| IndexRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged))
        .transpose()
}
