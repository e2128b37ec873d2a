//! The open store: what its parts share, and the handle that the daemon holds.
//!
//! Commits are one after the other; reads wait while a batch is applied and made durable, so that they see the last commit
//! and nothing else. After a failed write memory may hold what the disk does not: the store then refuses commits and reads
//! until it is opened again.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kinmesh_protocol::base::record::{Root, RowKey, Stored, Tree};
use kinmesh_protocol::engine::{Bulk, ReadError};
use thiserror::Error;

use crate::keys::RecordsKeys;
use crate::store::blobs::Blobs;
use crate::store::bulk::StoreBulk;
use crate::store::database::Database;
use crate::store::layout;
use crate::store::manifest::{Manifest, ManifestKeys, State};
use crate::store::open::StoreKind;
use crate::store::seal::{Place, Sealer};
use crate::store::space::Space;
use crate::store::view::StoreView;

/// An open store; clones share it. It is closed, and its folder free again, when the last clone, view and bulk is dropped.
#[derive(Clone)]
pub struct NodeStore {
    pub(super) inner: Arc<Inner>,
}

/// Why the records stay locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordsError {
    /// A coordination node has none.
    #[error("a coordination node has no records to open")]
    NoRecords,
    /// The keys open other records.
    #[error("these keys do not open the records of this store")]
    OtherRecords,
}

/// What the parts of an open store share. The fields are dropped in this order: the folder's lock last.
pub struct Inner {
    pub kind: StoreKind,
    pub sealer: Sealer,
    pub database: Database,
    pub blobs: Blobs,
    pub keys: ManifestKeys,
    pub manifest_path: PathBuf,
    pub writer: Mutex<Writer>,
    pub gate: RwLock<Condition>,
    pub _lock: File,
}

/// What a commit changes.
pub struct Writer {
    pub state: State,
    /// Generation that the manifest tells of.
    pub in_manifest: u64,
    pub space: Space,
}

/// Whether memory and disk are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// They are.
    Serving,
    /// A write failed: they may differ.
    Failed,
}

impl NodeStore {
    /// What the engine reads: the last commit at the time of each read.
    #[must_use]
    pub fn view(&self) -> StoreView {
        StoreView::new(Arc::clone(&self.inner))
    }

    /// What jobs stream.
    #[must_use]
    pub fn bulk(&self) -> Arc<dyn Bulk> {
        Arc::new(StoreBulk::new(Arc::clone(&self.inner)))
    }

    /// Opens the records for reading; what a locked node sealed to their inbox becomes readable as well.
    ///
    /// # Errors
    /// [`RecordsError`]; they are then as they were.
    pub fn open_records(&self, keys: RecordsKeys) -> Result<(), RecordsError> {
        if !self.inner.sealer.has_records() {
            return Err(RecordsError::NoRecords);
        }
        if self.inner.sealer.open_records(keys) { Ok(()) } else { Err(RecordsError::OtherRecords) }
    }

    /// Locks the records and wipes their keys.
    pub fn lock_records(&self) {
        self.inner.sealer.lock_records();
    }

    /// Whether a user has opened the records.
    #[must_use]
    pub fn records_open(&self) -> bool {
        self.inner.sealer.records_open()
    }
}

impl Inner {
    /// Lets readers in while no batch is half applied.
    pub fn reading(&self) -> Result<RwLockReadGuard<'_, Condition>, ReadError> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        match *gate {
            Condition::Serving => Ok(gate),
            Condition::Failed => Err(ReadError::Damaged),
        }
    }

    /// Keeps readers out.
    pub fn writing(&self) -> RwLockWriteGuard<'_, Condition> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row, opened.
    pub fn read(&self, place: Place<'_>) -> Result<Option<Stored>, ReadError> {
        let sealed = {
            let _reading = self.reading()?;
            let head = layout::head_key(place.tree, place.key);
            match self.database.value(&head).map_err(|_| ReadError::Damaged)? {
                Some(value) => self.joined(&head, &value)?,
                None => return Ok(None),
            }
        };
        self.sealer.open(place, &sealed).map(Some)
    }

    /// At most `limit` rows with `from <= key < until`, opened, in ascending order.
    pub fn read_page(
        &self,
        tree: Tree,
        root: Root,
        from: &RowKey,
        until: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        let (first, end) = layout::span(tree, from, until);
        let sealed = {
            let _reading = self.reading()?;
            let heads = self.database.page(&first, &end, limit).map_err(|_| ReadError::Damaged)?;
            let joined = heads.iter().map(|(head, value)| Ok((layout::row_key(head), self.joined(head, value)?)));
            joined.collect::<Result<Vec<_>, ReadError>>()?
        };
        let opened = sealed.into_iter().map(|(key, sealed)| {
            let stored = self.sealer.open(Place { tree, root, key: &key }, &sealed)?;
            Ok((key, stored))
        });
        opened.collect()
    }

    /// Writes the manifest for the state that is durable.
    pub fn write_manifest(&self, writer: &mut Writer) -> std::io::Result<()> {
        let holds_people = self.kind == StoreKind::Member;
        self.keys.write(&self.manifest_path, Manifest { holds_people, state: writer.state })?;
        writer.in_manifest = writer.state.generation;
        Ok(())
    }

    /// A sealed value from all its parts.
    fn joined(&self, head: &[u8], value: &[u8]) -> Result<Vec<u8>, ReadError> {
        let (count, first) = layout::first_part(value).ok_or(ReadError::Damaged)?;
        let mut sealed = first.to_vec();
        for key in layout::part_keys(head, 1).take(usize::from(count.saturating_sub(1))) {
            let part = self.database.value(&key).map_err(|_| ReadError::Damaged)?;
            sealed.extend_from_slice(&part.ok_or(ReadError::Damaged)?);
        }
        Ok(sealed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let is_serving = *self.gate.get_mut().unwrap_or_else(PoisonError::into_inner) == Condition::Serving;
        let Self { writer, keys, manifest_path, kind, .. } = self;
        let writer = writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if is_serving && writer.in_manifest != writer.state.generation {
            let manifest = Manifest { holds_people: *kind == StoreKind::Member, state: writer.state };
            // An older manifest is as true: it says what the database holds at least.
            let _older_is_as_true = keys.write(manifest_path, manifest);
        }
    }
}
