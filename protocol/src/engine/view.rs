//! What the engine and its jobs may read: the last commit, by point reads and bounded pages.

use thiserror::Error;

use crate::base::BlobId;
use crate::base::record::{Record, Root, RowKey, Stored, Tree};

/// A stored value could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The root that seals the value is not open: a caseworker has to unlock the node.
    #[error("the node is locked")]
    Locked,
    /// The value does not open, does not decode, or comes from a later release.
    #[error("a stored value is damaged")]
    Damaged,
}

/// Last committed state. Point reads and bounded pages; there is no iteration over a tree.
pub trait View {
    /// The value under a key, opened.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read(&self, tree: Tree, root: Root, key: &RowKey) -> Result<Option<Stored>, ReadError>;

    /// At most `limit` rows (and never more than `limits::PAGE_ROWS`) with `from <= key < until`, in ascending order.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read_page(
        &self,
        tree: Tree,
        root: Root,
        from: &RowKey,
        until: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Stored)>, ReadError>;

    /// A whole blob of at most `most` bytes: the roster and other public messages.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if it is absent, longer or does not open.
    fn read_blob(&self, blob: BlobId, most: usize) -> Result<Vec<u8>, ReadError>;

    /// The record with an id.
    ///
    /// # Errors
    /// [`ReadError`].
    fn get<R: Record>(&self, id: &R::Id) -> Result<Option<R>, ReadError> {
        match self.read(R::TREE, R::ROOT, &R::key(id))? {
            Some(stored) => R::decode(stored.version, stored.value.expose()).map(Some).map_err(|_| ReadError::Damaged),
            None => Ok(None),
        }
    }

    /// At most `limit` records with `from <= key < until`, in ascending order of their keys.
    ///
    /// # Errors
    /// [`ReadError`].
    fn page<R: Record>(&self, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(R::Id, R)>, ReadError> {
        let mut records = Vec::new();
        for (key, stored) in self.read_page(R::TREE, R::ROOT, from, until, limit)? {
            let id = R::id(&key).ok_or(ReadError::Damaged)?;
            records.push((id, R::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?));
        }
        Ok(records)
    }
}

/// What a job streams: immutable blobs and ordered rows under the service root. Shared with the job pool.
pub trait Bulk: Send + Sync {
    /// Reads from a blob at a byte offset; fewer bytes than asked for only at its end.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read_blob(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError>;

    /// At most `limit` rows of a tree with `from <= key < until`, opened, in ascending order.
    ///
    /// # Errors
    /// [`ReadError`].
    fn rows(&self, tree: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError>;
}
