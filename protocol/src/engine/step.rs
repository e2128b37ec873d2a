//! One step in the making: what it read, what it will write, what it wants done.
//!
//! Handlers read through a step, so that they see their own pending writes; nothing of a step counts until the driver has
//! committed it. A handler that fails gives its writes back: the step is rolled back to where the handler began.

use std::collections::BTreeMap;

use crate::base::record::{Record, Row, RowKey, Tree};
use crate::base::{BlobId, Draw, Epoch, Seed, Timestamp, limits};
use crate::engine::batch::{Batch, Op, Reserve};
use crate::engine::effect::{Action, Effects, Notice, NoticeCode};
use crate::engine::input::Now;
use crate::engine::rows::HeadRow;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::tag_page::{Bearer, TagPage, pages_from};

/// A step over one view.
pub struct Step<'v, V: View> {
    /// The time of the step.
    pub now: Now,
    /// The step's randomness.
    pub draw: Draw,
    view: &'v V,
    rows: BTreeMap<(Tree, RowKey), Pending>,
    blobs: Vec<(BlobId, Vec<u8>)>,
    dropped: Vec<BlobId>,
    reserve: Reserve,
    actions: Vec<Action>,
}

/// A pending row; none for a removal.
type Pending = Option<Row>;

/// What a step held at one moment.
pub struct Mark {
    rows: BTreeMap<(Tree, RowKey), Pending>,
    blobs: usize,
    dropped: usize,
    actions: usize,
}

/// What a rollback undid.
#[must_use]
pub(super) struct Undone {
    /// What was wanted.
    pub actions: Vec<Action>,
    /// True if the roster, a member's keys or its standing were among the rows.
    pub public: bool,
}

impl<'v, V: View> Step<'v, V> {
    /// Begins a step.
    pub fn new(now: Now, seed: Seed, view: &'v V) -> Self {
        Self {
            now,
            draw: Draw::new(seed),
            view,
            rows: BTreeMap::new(),
            blobs: Vec::new(),
            dropped: Vec::new(),
            reserve: Reserve::None,
            actions: Vec::new(),
        }
    }

    /// The wall clock.
    #[must_use]
    pub const fn wall(&self) -> Timestamp {
        self.now.wall
    }

    /// A record, this step's own writes included.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn get<R: Record>(&self, id: &R::Id) -> Result<Option<R>, ReadError> {
        let key = R::key(id);
        match self.rows.get(&(R::TREE, key)) {
            Some(Some(row)) => R::decode(row.version, row.value.expose()).map(Some).map_err(|_| ReadError::Damaged),
            Some(None) => Ok(None),
            None => self.view.get(id),
        }
    }

    /// Records of a key range in order, this step's own writes included; at most `limit`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn page<R: Record>(&self, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(R::Id, R)>, ReadError> {
        let own: Vec<(&RowKey, &Pending)> = self
            .rows
            .iter()
            .filter(|((tree, key), _)| *tree == R::TREE && key >= from && until.is_none_or(|until| key < until))
            .map(|((_, key), pending)| (key, pending))
            .collect();
        let stored = self.view.page::<R>(from, until, limit + own.len())?;
        let mut merged: BTreeMap<RowKey, (R::Id, R)> =
            stored.into_iter().map(|(id, record)| (R::key(&id), (id, record))).collect();
        for (key, pending) in own {
            match pending {
                Some(row) => {
                    let id = R::id(key).ok_or(ReadError::Damaged)?;
                    let record = R::decode(row.version, row.value.expose()).map_err(|_| ReadError::Damaged)?;
                    merged.insert(key.clone(), (id, record));
                }
                None => {
                    merged.remove(key);
                }
            }
        }
        Ok(merged.into_values().take(limit).collect())
    }

    /// Records whose key starts with a prefix; at most `limit`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn under<R: Record>(&self, prefix: &RowKey, limit: usize) -> Result<Vec<(R::Id, R)>, ReadError> {
        self.page(prefix, prefix.after_prefix().as_ref(), limit)
    }

    /// Records whose key starts with a prefix, several pages of them: for lists whose rows are mostly not shown.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn pages<R: Record>(&self, prefix: &RowKey, pages: usize) -> Result<Vec<(R::Id, R)>, ReadError> {
        let until = prefix.after_prefix();
        let mut from = prefix.clone();
        let mut records = Vec::new();
        for _ in 0..pages {
            let page = self.page::<R>(&from, until.as_ref(), limits::PAGE_ROWS)?;
            let last = page.last().filter(|_| page.len() == limits::PAGE_ROWS).map(|(id, _)| R::key(id));
            records.extend(page);
            let Some(key) = last else { break };
            from = key.behind();
        }
        Ok(records)
    }

    /// At most `limit` of those who stand under a tag in the index of a family in an epoch.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn bearers(&self, index: (Epoch, Family), tag: &[u8; 16], limit: usize) -> Result<Vec<Bearer>, ReadError> {
        let (mut from, until) = pages_from(index.0, index.1, tag);
        let mut found = Vec::new();
        while let Some((id, page)) = self.page::<TagPage>(&from, until.as_ref(), 1)?.pop() {
            found.extend(page.under(tag).take(limit - found.len()).cloned());
            // The page that covers a later tag is the last one that may hold this one.
            if id.2 > *tag || found.len() >= limit {
                break;
            }
            from = TagPage::key(&id).behind();
        }
        Ok(found)
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, id: &R::Id, record: &R) {
        let row = Row::of(id, record);
        self.rows.insert((row.tree, row.key.clone()), Some(row));
    }

    /// Removes a record, if there.
    pub fn remove<R: Record>(&mut self, id: &R::Id) {
        self.rows.insert((R::TREE, R::key(id)), None);
    }

    /// A small file of this step or of the store: public messages and segments.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_blob(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        match self.blobs.iter().find(|(own, _)| *own == id) {
            Some((_, bytes)) => Ok(bytes.clone()),
            None => self.view.read_blob(id, limits::ROSTER_BYTES),
        }
    }

    /// Adds a file that a row of this step names.
    pub fn add_blob(&mut self, bytes: Vec<u8>) -> BlobId {
        let id = BlobId::draw(&mut self.draw);
        self.blobs.push((id, bytes));
        id
    }

    /// Removes a file that no row names any more.
    pub fn drop_blob(&mut self, id: BlobId) {
        self.dropped.push(id);
    }

    /// Lets this step use the space that is kept for the gravest matters.
    pub const fn use_ballast(&mut self) {
        self.reserve = Reserve::Ballast;
    }

    /// Wants something done after the commit.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Wants a line in the log.
    pub fn notify(&mut self, code: NoticeCode, member: Option<crate::base::MemberId>, number: u64) {
        self.actions.push(Action::Notify(Notice { code, member, number }));
    }

    /// Takes over a job's batch.
    pub fn absorb(&mut self, batch: Batch) {
        for op in batch.ops {
            match op {
                Op::Put(row) => {
                    self.rows.insert((row.tree, row.key.clone()), Some(row));
                }
                Op::Remove(tree, key) => {
                    self.rows.insert((tree, key), None);
                }
            }
        }
        self.blobs.extend(batch.blobs);
        self.dropped.extend(batch.dropped);
    }

    /// Bytes of rows that this step writes so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.iter().map(|((_, key), pending)| key.0.len() + pending.as_ref().map_or(0, |row| row.value.expose().len())).sum()
    }

    /// Where the step stands, to roll back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { rows: self.rows.clone(), blobs: self.blobs.len(), dropped: self.dropped.len(), actions: self.actions.len() }
    }

    /// Forgets what was written and wanted since a mark. The engine undoes what it holds of it: see `Engine::roll_back`.
    pub(super) fn roll_back(&mut self, mark: Mark) -> Undone {
        let is_public = |(tree, key): &(Tree, RowKey)| {
            matches!(tree, Tree::Public | Tree::Standing) || (*tree, key) == (HeadRow::TREE, &HeadRow::key(&()))
        };
        let public = self.rows.keys().any(|id| is_public(id) && !mark.rows.contains_key(id));
        self.rows = mark.rows;
        self.blobs.truncate(mark.blobs);
        self.dropped.truncate(mark.dropped);
        Undone { actions: self.actions.split_off(mark.actions.min(self.actions.len())), public }
    }

    /// The step's effects.
    pub fn finish(self) -> Effects {
        let ops = self.rows.into_iter().map(|((tree, key), pending)| pending.map_or(Op::Remove(tree, key), Op::Put)).collect();
        Effects { writes: Batch { ops, blobs: self.blobs, dropped: self.dropped, reserve: self.reserve }, actions: self.actions }
    }
}
