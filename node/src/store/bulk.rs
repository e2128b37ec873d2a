//! What jobs stream from the store: blobs by ranges, rows of the service by pages.
//!
//! The job pool shares it over threads. It opens nothing of the records, whoever asks.

use std::sync::Arc;

use kinmesh_protocol::base::BlobId;
use kinmesh_protocol::base::limits::PAGE_ROWS;
use kinmesh_protocol::base::record::{Root, RowKey, Stored, Tree};
use kinmesh_protocol::engine::{Bulk, ReadError};

use crate::store::node_store::Inner;

/// Blobs and service rows of a store.
pub struct StoreBulk {
    inner: Arc<Inner>,
}

impl StoreBulk {
    pub(super) const fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl Bulk for StoreBulk {
    fn read_blob(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        self.inner.blobs.read_at(blob, at, into)
    }

    /// Reads by pages, so that a commit waits for one page at most.
    fn rows(&self, tree: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        let mut rows = Vec::new();
        let mut next = from.clone();
        while rows.len() < limit {
            let wanted = PAGE_ROWS.min(limit - rows.len());
            let page = self.inner.read_page(tree, Root::Service, &next, until, wanted)?;
            let is_last = page.len() < wanted;
            if let Some((key, _)) = page.last() {
                next = key.clone().behind();
            }
            rows.extend(page);
            if is_last {
                break;
            }
        }
        Ok(rows)
    }
}
