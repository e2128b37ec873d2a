//! Rows and files in memory, for the tests of jobs.

use std::collections::BTreeMap;

use crate::base::limits::BATCH_BYTES;
use crate::base::record::{Record, RowKey, Stored, Tree};
use crate::base::{BlobId, Epoch, Sensitive};
use crate::engine::batch::{Batch, Op};
use crate::engine::jobs::tags::apply;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::Family;
use crate::private_match::tag_page::TagChange;

/// A row's version and value.
type Kept = (u16, Sensitive<Vec<u8>>);

/// What a job reads and what it wrote.
#[derive(Default)]
pub(super) struct Memory {
    rows: BTreeMap<(Tree, RowKey), Kept>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
}

impl Memory {
    pub fn put<R: Record>(&mut self, id: &R::Id, record: &R) {
        self.rows.insert((R::TREE, R::key(id)), (R::VERSION, record.encode()));
    }

    pub fn add_blob(&mut self, id: BlobId, bytes: Vec<u8>) {
        self.blobs.insert(id, bytes);
    }

    pub fn blob(&self, id: BlobId) -> Option<&[u8]> {
        self.blobs.get(&id).map(Vec::as_slice)
    }

    /// How many files there are.
    pub fn blobs(&self) -> usize {
        self.blobs.len()
    }

    /// Changes the tags of an index, batch after batch; says how many there were.
    pub fn change(&mut self, index: (Epoch, Family), mut changes: &[TagChange]) -> usize {
        let mut batches = 0;
        while !changes.is_empty() {
            let mut writes = Batch::default();
            let done = apply(self, index, changes, &mut writes).unwrap();
            assert!(writes.size() <= BATCH_BYTES, "{} bytes", writes.size());
            self.commit(writes);
            changes = &changes[done..];
            batches += 1;
        }
        batches
    }

    pub fn commit(&mut self, batch: Batch) {
        self.blobs.extend(batch.blobs);
        for op in batch.ops {
            match op {
                Op::Put(row) => drop(self.rows.insert((row.tree, row.key), (row.version, row.value))),
                Op::Remove(tree, key) => drop(self.rows.remove(&(tree, key))),
            }
        }
        for id in batch.dropped {
            self.blobs.remove(&id);
        }
    }
}

impl Bulk for Memory {
    fn read_blob(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        let bytes = self.blobs.get(&blob).ok_or(ReadError::Damaged)?;
        let rest = bytes.get(usize::try_from(at).map_err(|_| ReadError::Damaged)?..).unwrap_or(&[]);
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn rows(&self, tree: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        let range = self.rows.range((tree, from.clone())..);
        let range = range.take_while(|((found, key), _)| *found == tree && until.is_none_or(|until| key < until));
        let stored =
            |(version, value): &(u16, crate::base::Sensitive<Vec<u8>>)| Stored { version: *version, value: value.clone() };
        Ok(range.take(limit).map(|((_, key), row)| (key.clone(), stored(row))).collect())
    }
}
