//! Commits: a batch becomes durable whole or leaves nothing to be seen.
//!
//! The driver calls it once a step, before any action. Order: bounds, room on the disk, blobs (written and fsynced), then
//! rows, the rows of blobs and the state in one sled batch, fdatasync, and only then the removal of dropped blobs. So a row
//! never names a blob that is not there, and what a crash leaves over is a blob that no row names.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::PoisonError;

use kinmesh_protocol::base::BlobId;
use kinmesh_protocol::base::limits::{BATCH_BYTES, VALUE_BYTES};
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::{Batch, Op, Reserve};
use thiserror::Error;

use crate::keys::aead::SealError;
use crate::store::blobs::WriteError;
use crate::store::database::DatabaseError;
use crate::store::layout::{self, KEY_BYTES};
use crate::store::manifest::{COMMITS, State};
use crate::store::node_store::{Condition, Inner, NodeStore, Writer};
use crate::store::open::StoreKind;

/// Bytes of sealed rows in one batch, at most. Of 1,390 torn states with up to 200 KiB between two fdatasyncs none lost
/// anything; with 300 KiB some lost all. Small values grow by sealing more than large ones, so this bounds many small ones.
const SEALED_BYTES: usize = 128 * 1024;

/// Why a batch was not committed. But for [`CommitError::Failed`] the store is as it was and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    /// More than a batch may hold; work in smaller slices.
    #[error("a batch of {found} bytes, at most {BATCH_BYTES}")]
    TooLarge {
        /// Bytes of keys and values.
        found: usize,
    },
    /// Sealed, the rows are more than is safe; work in slices of fewer rows.
    #[error("a batch of {rows} rows that take {found} bytes sealed, at most {SEALED_BYTES}")]
    TooManyRows {
        /// Rows in the batch.
        rows: usize,
        /// Bytes of the sealed rows and their keys.
        found: usize,
    },
    /// More than one value may hold; what is bigger is a blob.
    #[error("a value of {found} bytes in {tree:?}, at most {VALUE_BYTES}")]
    Value {
        /// Tree of the row.
        tree: Tree,
        /// Bytes of the value.
        found: usize,
    },
    /// More than a key may hold.
    #[error("a key of {found} bytes in {tree:?}, at most {KEY_BYTES}")]
    Key {
        /// Tree of the row.
        tree: Tree,
        /// Bytes of the key.
        found: usize,
    },
    /// The store of a coordination node holds no such tree.
    #[error("a coordination node holds nothing of {tree:?}")]
    NotHere {
        /// Tree of the row.
        tree: Tree,
    },
    /// Nothing could be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No room, and none may be used of the reserve. Free some space; the store goes on by itself then.
    #[error("the disk is full; nothing was written; free some space and it goes on by itself")]
    DiskFull,
    /// The file system refused before anything was written.
    #[error("the file system refused, nothing was written: {0}")]
    Io(ErrorKind),
    /// A write failed half-way: memory may hold what the disk does not, so the store serves nothing more. The daemon has to
    /// restart; the batch is then there wholly or not at all.
    #[error("a write failed ({0}); the node has to restart, and finds the last commit whole then")]
    Failed(ErrorKind),
}

/// A row's head and its sealed value; none to remove it.
type Sealed = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl NodeStore {
    /// Makes a batch durable, whole. Where a key stands in it more than once, the last counts.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the batch can then be read.
    pub fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let inner = &*self.inner;
        let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.reading().is_err() {
            return Err(CommitError::Failed(ErrorKind::Other));
        }
        if batch.is_empty() {
            return Ok(());
        }
        inner.check(&batch)?;
        let sealed = inner.sealed(&batch)?;
        let blob_bytes: usize = batch.blobs.iter().map(|(_, content)| content.len()).sum();
        // Old and rewritten pages of the log both take room for a while.
        let wanted = (blob_bytes + 2 * sealed_bytes(&sealed)) as u64;
        writer.space.admit(wanted, batch.reserve).map_err(|_| CommitError::DiskFull)?;
        let added = inner.write_blobs(&batch, &mut writer)?;
        let outcome = inner.apply(&sealed, &batch, &mut writer);
        match outcome {
            Ok(()) => inner.blobs.remove(&batch.dropped),
            // After a failed write the row that names a blob may be there at the next open.
            Err(CommitError::Failed(_)) => {}
            Err(_) => inner.blobs.remove(&added),
        }
        outcome
    }
}

impl Inner {
    fn check(&self, batch: &Batch) -> Result<(), CommitError> {
        for op in &batch.ops {
            let (tree, key, value) = match op {
                Op::Put(row) => (row.tree, &row.key, row.value.expose().len()),
                Op::Remove(tree, key) => (*tree, key, 0),
            };
            let is_held = match self.kind {
                StoreKind::Member => true,
                StoreKind::Coordinator => tree.is_public(),
            };
            if !is_held {
                return Err(CommitError::NotHere { tree });
            }
            if value > VALUE_BYTES {
                return Err(CommitError::Value { tree, found: value });
            }
            if key.0.len() > KEY_BYTES {
                return Err(CommitError::Key { tree, found: key.0.len() });
            }
        }
        match batch.size() {
            found if found > BATCH_BYTES => Err(CommitError::TooLarge { found }),
            _ => Ok(()),
        }
    }

    fn sealed(&self, batch: &Batch) -> Result<Sealed, CommitError> {
        let mut sealed = Sealed::new();
        for op in &batch.ops {
            let (head, value) = match op {
                Op::Put(row) => (layout::head_key(row.tree, &row.key), Some(self.sealer.seal(row)?)),
                Op::Remove(tree, key) => (layout::head_key(*tree, key), None),
            };
            sealed.insert(head, value);
        }
        match sealed_bytes(&sealed) {
            found if found > SEALED_BYTES => Err(CommitError::TooManyRows { rows: sealed.len(), found }),
            _ => Ok(sealed),
        }
    }

    /// Writes the blobs, with the ballast's room if need be; gives those back that were not there before.
    fn write_blobs(&self, batch: &Batch, writer: &mut Writer) -> Result<Vec<BlobId>, CommitError> {
        let mut added = Vec::new();
        for (blob, content) in &batch.blobs {
            let is_there = self.database.value(&layout::blob_key(blob)).map_err(unapplied)?.is_some();
            let mut outcome = self.blobs.write(*blob, content);
            if batch.reserve == Reserve::Ballast && is_full(&outcome) && writer.space.give_up() {
                outcome = self.blobs.write(*blob, content);
            }
            if !is_there {
                added.push(*blob);
            }
            if let Err(error) = outcome {
                self.blobs.remove(&added);
                return Err(blob_error(error));
            }
        }
        Ok(added)
    }

    fn apply(&self, sealed: &Sealed, batch: &Batch, writer: &mut Writer) -> Result<(), CommitError> {
        let mut raw = sled::Batch::default();
        let mut rows = writer.state.rows;
        for (head, value) in sealed {
            let parts_before = self.parts(head)?;
            let pieces = value.as_ref().map_or_else(Vec::new, |value| layout::split(head, value));
            rows = rows.saturating_add(u64::from(parts_before == 0 && value.is_some()));
            rows = rows.saturating_sub(u64::from(parts_before > 0 && value.is_none()));
            let left_over = std::iter::once(head.clone()).chain(layout::part_keys(head, 1));
            for key in left_over.take(parts_before).skip(pieces.len()) {
                raw.remove(key);
            }
            for (key, piece) in pieces {
                raw.insert(key, piece);
            }
        }
        for (blob, _) in &batch.blobs {
            raw.insert(layout::blob_key(blob), [1u8].as_slice());
        }
        for blob in &batch.dropped {
            raw.remove(layout::blob_key(blob));
        }
        let state = State { generation: writer.state.generation.saturating_add(1), rows, ..writer.state };
        raw.insert(&layout::STATE_KEY, self.keys.seal_state(state)?);
        let mut condition = self.writing();
        if let Err(error) = self.database.apply(raw) {
            *condition = Condition::Failed;
            return Err(CommitError::Failed(kind_of(error)));
        }
        drop(condition);
        writer.state = state;
        if state.generation.saturating_sub(writer.in_manifest) >= COMMITS {
            // An older manifest is as true, and the next commit tries again.
            let _older_is_as_true = self.write_manifest(writer);
        }
        Ok(())
    }

    /// Parts of the value that a head holds; 0 if there is none.
    fn parts(&self, head: &[u8]) -> Result<usize, CommitError> {
        let value = self.database.value(head).map_err(unapplied)?;
        Ok(value.map_or(0, |value| layout::first_part(&value).map_or(1, |(count, _)| usize::from(count.max(1)))))
    }
}

fn sealed_bytes(sealed: &Sealed) -> usize {
    sealed.iter().map(|(head, value)| head.len() + value.as_ref().map_or(0, Vec::len)).sum()
}

fn is_full(outcome: &Result<(), WriteError>) -> bool {
    matches!(outcome, Err(WriteError::Io(error)) if is_full_kind(error.kind()))
}

const fn is_full_kind(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn blob_error(error: WriteError) -> CommitError {
    match error {
        WriteError::Seal(error) => CommitError::Seal(error),
        WriteError::Io(error) if is_full_kind(error.kind()) => CommitError::DiskFull,
        WriteError::Io(error) => CommitError::Io(error.kind()),
    }
}

/// An error before anything was written.
fn unapplied(error: DatabaseError) -> CommitError {
    CommitError::Io(kind_of(error))
}

const fn kind_of(error: DatabaseError) -> ErrorKind {
    match error {
        DatabaseError::Damaged => ErrorKind::InvalidData,
        DatabaseError::Io(kind) => kind,
    }
}
