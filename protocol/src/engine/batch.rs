//! Rows and blobs of one commit: atomic, durable, and small enough that sled is safe with it.

use crate::base::BlobId;
use crate::base::record::{Record, Row, RowKey, Tree};

/// Rows and blobs of one commit. The rows together take at most `limits::BATCH_BYTES`.
#[derive(Default)]
pub struct Batch {
    /// Rows, each key at most once.
    pub ops: Vec<Op>,
    /// Immutable files, written and fsynced before the rows that name them.
    pub blobs: Vec<(BlobId, Vec<u8>)>,
    /// Blobs that no row names any more; removed after the commit.
    pub dropped: Vec<BlobId>,
    /// Whether the ballast may be used when the disk is full.
    pub reserve: Reserve,
}

impl Batch {
    /// True if there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.blobs.is_empty() && self.dropped.is_empty()
    }

    /// Bytes of keys and values.
    #[must_use]
    pub fn size(&self) -> usize {
        self.ops.iter().map(Op::size).sum()
    }
}

/// One change of one row.
pub enum Op {
    /// Writes the row, replacing what its key held.
    Put(Row),
    /// Removes the row, if there.
    Remove(Tree, RowKey),
}

impl Op {
    /// Writes a record.
    #[must_use]
    pub fn put<R: Record>(id: &R::Id, record: &R) -> Self {
        Self::Put(Row::of(id, record))
    }

    /// Removes a record.
    #[must_use]
    pub fn remove<R: Record>(id: &R::Id) -> Self {
        Self::Remove(R::TREE, R::key(id))
    }

    /// Bytes of its key and value.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Op::Put(row) => row.key.0.len() + row.value.expose().len(),
            Op::Remove(_, key) => key.0.len(),
        }
    }
}

/// Whether a commit may use the space that is kept free for the gravest matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserve {
    /// Refused when the disk is full.
    #[default]
    None,
    /// Suspension, erasure and audit go through on a full disk.
    Ballast,
}
