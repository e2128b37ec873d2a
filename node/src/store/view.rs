//! What the engine reads from the store.
//!
//! The driver takes one a step. A read sees the last commit at its time; the driver commits between steps only, so that a
//! step sees one state.

use std::sync::Arc;

use kinmesh_protocol::base::BlobId;
use kinmesh_protocol::base::limits::PAGE_ROWS;
use kinmesh_protocol::base::record::{Root, RowKey, Stored, Tree};
use kinmesh_protocol::engine::{ReadError, View};

use crate::store::node_store::Inner;
use crate::store::seal::Place;

/// The last committed state of a store.
#[derive(Clone)]
pub struct StoreView {
    inner: Arc<Inner>,
}

impl StoreView {
    pub(super) const fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl View for StoreView {
    /// While the records are locked a row of theirs that is there gives [`ReadError::Locked`], one that is not there none.
    fn read(&self, tree: Tree, root: Root, key: &RowKey) -> Result<Option<Stored>, ReadError> {
        self.inner.read(Place { tree, root, key })
    }

    fn read_page(
        &self,
        tree: Tree,
        root: Root,
        from: &RowKey,
        until: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        self.inner.read_page(tree, root, from, until, limit.min(PAGE_ROWS))
    }

    fn read_blob(&self, blob: BlobId, most: usize) -> Result<Vec<u8>, ReadError> {
        let blob = self.inner.blobs.read(blob)?;
        let length = usize::try_from(blob.length()).ok().filter(|length| *length <= most).ok_or(ReadError::Damaged)?;
        let mut content = vec![0u8; length];
        match blob.read_at(0, &mut content) {
            Some(read) if read == length => Ok(content),
            _ => Err(ReadError::Damaged),
        }
    }
}
