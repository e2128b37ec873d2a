//! A store in memory that keeps the real one's promises: a batch is atomic, bounded, and gone only if it was never
//! acknowledged; records are closed while the node is locked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kinmesh_protocol::base::limits::PAGE_ROWS;
use kinmesh_protocol::base::record::{Record, Root, RowKey, Stored, Tree};
use kinmesh_protocol::base::{BlobId, Epoch, Sensitive};
use kinmesh_protocol::engine::{Batch, Bulk, Op, ReadError, View};
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::tag_page::{Bearer, TagPage};
use sha2::{Digest, Sha256};

use crate::simulation::invariants;

/// A row's root, version and value.
type Kept = (Root, u16, Vec<u8>);

#[derive(Default)]
struct State {
    rows: BTreeMap<(Tree, RowKey), Kept>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
    records_open: bool,
    refuse: bool,
    written: Option<Vec<Written>>,
}

/// What one commit wrote, as a disk shows it: the tree of each row and the bytes of its key and value, 0 for a removal.
pub type Written = Vec<(Tree, usize, usize)>;

/// The store of one simulated node; survives its crashes.
#[derive(Clone, Default)]
pub struct SimStore(Arc<Mutex<State>>);

/// A batch that the real store would refuse, or that the run wants refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl SimStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens or locks the records.
    pub fn set_records_open(&self, open: bool) {
        self.state().records_open = open;
    }

    /// Whether the records are open.
    #[must_use]
    pub fn records_open(&self) -> bool {
        self.state().records_open
    }

    /// The next commit is refused, as by a full disk.
    pub fn refuse_next(&self) {
        self.state().refuse = true;
    }

    /// Number of rows of a tree.
    #[must_use]
    pub fn count(&self, tree: Tree) -> usize {
        self.state().rows.keys().filter(|(found, _)| *found == tree).count()
    }

    /// All bearers of tags, with the epoch and the family of the index that they stand in.
    ///
    /// # Panics
    /// When a page of them does not decode.
    #[must_use]
    pub fn bearers(&self) -> Vec<(Epoch, Family, Bearer)> {
        let pages = self.rows(TagPage::TREE, &RowKey::default(), None, usize::MAX).expect("pages");
        let mut all = Vec::new();
        for (key, stored) in pages {
            let (epoch, family, _, _) = TagPage::id(&key).expect("a page");
            let page = TagPage::decode(stored.version, stored.value.expose()).expect("a page");
            all.extend(page.bearers.into_iter().map(|bearer| (epoch, family, bearer)));
        }
        all
    }

    /// Keys of a tree's rows, in order.
    #[must_use]
    pub fn keys(&self, tree: Tree) -> Vec<RowKey> {
        self.state().rows.keys().filter(|(found, _)| *found == tree).map(|(_, key)| key.clone()).collect()
    }

    /// A record whether or not the node is locked: for the checks of a run, which no node could make.
    #[must_use]
    pub fn peek<R: Record>(&self, id: &R::Id) -> Option<R> {
        let state = self.state();
        let (_, version, value) = state.rows.get(&(R::TREE, R::key(id)))?;
        R::decode(*version, value).ok()
    }

    /// Remembers from now on what each commit writes.
    pub fn watch(&self) {
        self.state().written = Some(Vec::new());
    }

    /// What each commit wrote since it was watched, or asked last.
    #[must_use]
    pub fn written(&self) -> Vec<Written> {
        self.state().written.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// True if some bytes stand in a row or a file.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let state = self.state();
        let has = |value: &[u8]| !bytes.is_empty() && value.windows(bytes.len()).any(|window| window == bytes);
        state.rows.values().any(|(_, _, value)| has(value)) || state.blobs.values().any(|blob| has(blob))
    }

    /// Every record of a kind whether or not the node is locked, in the order of their keys.
    ///
    /// # Panics
    /// When one does not decode: that is a failed test.
    #[must_use]
    pub fn all<R: Record>(&self) -> Vec<(R::Id, R)> {
        let state = self.state();
        let of_kind = |(tree, key): &&(Tree, RowKey)| *tree == R::TREE && R::id(key).is_some();
        let read = |key: &(Tree, RowKey)| {
            let (_, version, value) = state.rows.get(key)?;
            Some((R::id(&key.1)?, R::decode(*version, value).expect("a row that decodes")))
        };
        state.rows.keys().filter(of_kind).filter_map(read).collect()
    }

    /// A hash of every row, for a comparison of two moments.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest_but(None)
    }

    /// The same without the rows of a tree.
    #[must_use]
    pub fn digest_but(&self, left_out: Option<Tree>) -> [u8; 32] {
        let mut hash = Sha256::new();
        for ((tree, key), (_, version, value)) in &self.state().rows {
            if left_out == Some(*tree) {
                continue;
            }
            hash.update(tree.name());
            for part in [key.0.as_slice(), &version.to_be_bytes(), value] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().into()
    }

    /// Commits a batch, whole or not at all.
    ///
    /// # Errors
    /// [`Refused`] when the run wants it.
    ///
    /// # Panics
    /// When the batch breaks an invariant or names a key twice: that is a failed test.
    pub fn commit(&self, batch: Batch) -> Result<(), Refused> {
        invariants::check(self, &batch);
        let mut state = self.state();
        if std::mem::take(&mut state.refuse) && !batch.is_empty() {
            return Err(Refused);
        }
        let mut seen = std::collections::BTreeSet::new();
        if let Some(written) = &mut state.written {
            written.push(batch.ops.iter().map(shape_of).collect());
        }
        for (id, bytes) in batch.blobs {
            state.blobs.insert(id, bytes);
        }
        for op in batch.ops {
            let (tree, key) = match &op {
                Op::Put(row) => (row.tree, row.key.clone()),
                Op::Remove(tree, key) => (*tree, key.clone()),
            };
            assert!(seen.insert((tree, key.clone())), "a key twice in one batch");
            match op {
                Op::Put(row) => {
                    state.rows.insert((tree, key), (row.root, row.version, row.value.expose().clone()));
                }
                Op::Remove(..) => {
                    state.rows.remove(&(tree, key));
                }
            }
        }
        for id in batch.dropped {
            state.blobs.remove(&id);
        }
        Ok(())
    }
}

fn shape_of(op: &Op) -> (Tree, usize, usize) {
    match op {
        Op::Put(row) => (row.tree, row.key.0.len(), row.value.expose().len()),
        Op::Remove(tree, key) => (*tree, key.0.len(), 0),
    }
}

fn stored(version: u16, value: &[u8]) -> Stored {
    Stored { version, value: Sensitive::new(value.to_vec()) }
}

impl View for SimStore {
    fn read(&self, tree: Tree, root: Root, key: &RowKey) -> Result<Option<Stored>, ReadError> {
        let state = self.state();
        let Some((found, version, value)) = state.rows.get(&(tree, key.clone())) else { return Ok(None) };
        if *found != root {
            return Err(ReadError::Damaged);
        }
        if root == Root::Records && !state.records_open {
            return Err(ReadError::Locked);
        }
        Ok(Some(stored(*version, value)))
    }

    fn read_page(
        &self,
        tree: Tree,
        root: Root,
        from: &RowKey,
        until: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        let state = self.state();
        let mut rows = Vec::new();
        for ((found, key), (kept, version, value)) in state.rows.range((tree, from.clone())..) {
            if *found != tree || until.is_some_and(|until| key >= until) || rows.len() == limit.min(PAGE_ROWS) {
                break;
            }
            if *kept != root {
                return Err(ReadError::Damaged);
            }
            if root == Root::Records && !state.records_open {
                return Err(ReadError::Locked);
            }
            rows.push((key.clone(), stored(*version, value)));
        }
        Ok(rows)
    }

    fn read_blob(&self, blob: BlobId, most: usize) -> Result<Vec<u8>, ReadError> {
        let state = self.state();
        state.blobs.get(&blob).filter(|bytes| bytes.len() <= most).cloned().ok_or(ReadError::Damaged)
    }
}

impl Bulk for SimStore {
    fn read_blob(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        let state = self.state();
        let bytes = state.blobs.get(&blob).ok_or(ReadError::Damaged)?;
        let at = usize::try_from(at).map_err(|_| ReadError::Damaged)?;
        let rest = bytes.get(at..).unwrap_or(&[]);
        let read = rest.len().min(into.len());
        for (slot, byte) in into.iter_mut().zip(rest) {
            *slot = *byte;
        }
        Ok(read)
    }

    fn rows(&self, tree: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        let state = self.state();
        let mut rows = Vec::new();
        for ((found, key), (root, version, value)) in state.rows.range((tree, from.clone())..) {
            if *found != tree || until.is_some_and(|until| key >= until) || rows.len() == limit {
                break;
            }
            if *root != Root::Service {
                return Err(ReadError::Locked);
            }
            rows.push((key.clone(), stored(*version, value)));
        }
        Ok(rows)
    }
}
