//! Reads and changes the pages of tags, for jobs.

use crate::base::record::{Record, RowKey, Stored};
use crate::base::{Epoch, limits};
use crate::engine::batch::{Batch, Op};
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::Family;
use crate::private_match::tag_page::{Bearer, PageId, Spot, TagChange, TagPage, change, pages_from};

/// Bytes of pages in one batch: the last one may go beyond, and other rows have some room.
const ROOM: usize = limits::BATCH_BYTES * 2 / 3;

/// Changes tags as far as the batch has room; says how many changes are in it. They stand in ascending order of their spots, and
/// what is left is for a later slice, which reads what this one wrote.
///
/// # Errors
/// [`ReadError`].
pub fn apply(
    bulk: &dyn Bulk,
    (epoch, family): (Epoch, Family),
    changes: &[TagChange],
    writes: &mut Batch,
) -> Result<usize, ReadError> {
    let id = |spot: Spot| (epoch, family, spot.0, spot.1);
    let (mut done, mut used) = (0, writes.size());
    while let Some(first) = changes.get(done).filter(|_| used < ROOM) {
        let (_, until) = pages_from(epoch, family, &first.spot().0);
        let page = page_at(bulk, &TagPage::key(&id(first.spot())), until.as_ref())?;
        let page = page.map(|((_, _, tag, entry), page)| ((tag, entry), page));
        let last = page.as_ref().map(|(last, _)| *last);
        let changed = change(page, changes.get(done..).unwrap_or(&[]), ROOM - used);
        if let Some(last) = last.filter(|_| changed.removes) {
            writes.ops.push(Op::remove::<TagPage>(&id(last)));
        }
        for (last, page) in changed.pages {
            let op = Op::put(&id(last), &page);
            used += op.size();
            writes.ops.push(op);
        }
        done += changed.taken;
        // The rest of this page is changed once this batch is committed.
        let is_cut = |next: &TagChange| last.is_none_or(|last| next.spot() <= last);
        if changes.get(done).is_some_and(is_cut) {
            break;
        }
    }
    Ok(done)
}

/// The first page that is not before a key.
fn page_at(bulk: &dyn Bulk, from: &RowKey, until: Option<&RowKey>) -> Result<Option<(PageId, TagPage)>, ReadError> {
    bulk.rows(TagPage::TREE, from, until, 1)?.into_iter().next().map(|(key, stored)| read(&key, &stored)).transpose()
}

/// A page from its row.
///
/// # Errors
/// [`ReadError::Damaged`].
pub fn read(key: &RowKey, stored: &Stored) -> Result<(PageId, TagPage), ReadError> {
    let id = TagPage::id(key).ok_or(ReadError::Damaged)?;
    let page = TagPage::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
    Ok((id, page))
}

/// Looks tags up in ascending order, each page once.
pub struct Lookup<'b> {
    bulk: &'b dyn Bulk,
    index: (Epoch, Family),
    /// The page that was read last; none at the start.
    page: Option<(PageId, TagPage)>,
    /// No page follows.
    at_end: bool,
}

impl<'b> Lookup<'b> {
    /// In the index of a family in an epoch.
    pub const fn new(bulk: &'b dyn Bulk, index: (Epoch, Family)) -> Self {
        Self { bulk, index, page: None, at_end: false }
    }

    /// At most `limit` bearers of a tag; it is not before the last one that was looked up.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn under(&mut self, tag: &[u8; 16], limit: usize) -> Result<Vec<Bearer>, ReadError> {
        let (first, until) = pages_from(self.index.0, self.index.1, tag);
        let mut found = Vec::new();
        let mut from = Some(first).filter(|_| self.page.as_ref().is_none_or(|(id, _)| id.2 < *tag));
        while !self.at_end {
            if let Some(from) = from.take() {
                self.page = page_at(self.bulk, &from, until.as_ref())?;
            }
            let Some((id, page)) = &self.page else {
                self.at_end = true;
                break;
            };
            found.extend(page.under(tag).take(limit - found.len()).cloned());
            if id.2 > *tag || found.len() >= limit {
                break;
            }
            from = Some(TagPage::key(id).behind());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::jobs::memory::Memory;
    use crate::person::{Audience, MatchMode};
    use crate::private_match::EntryId;

    const INDEX: (Epoch, Family) = (Epoch(3), Family::Registered);

    fn bearer(tag: u32, entry: u16) -> Bearer {
        let (mut bytes, mut id) = ([0; 16], [0; 16]);
        bytes[..4].copy_from_slice(&tag.to_be_bytes());
        id[..2].copy_from_slice(&entry.to_be_bytes());
        let entry = EntryId(id);
        Bearer { tag: bytes, entry, audience: Audience::All, mode: MatchMode::Answer, household: entry, mention: None }
    }

    fn under(memory: &Memory, index: (Epoch, Family), tag: u32, limit: usize) -> Vec<Bearer> {
        Lookup::new(memory, index).under(&bearer(tag, 0).tag, limit).unwrap()
    }

    #[test]
    fn what_was_written_in_slices_is_found_under_its_tag_and_in_no_other_index() {
        let mut memory = Memory::default();
        let even: Vec<TagChange> = (0..4_000).map(|number| TagChange::Put(bearer(number * 2, 1))).collect();
        assert!(memory.change(INDEX, &even) < 12, "a batch is well filled");
        let odd: Vec<TagChange> = (0..40).map(|number| TagChange::Put(bearer(number * 100 + 1, 2))).collect();
        memory.change(INDEX, &odd);
        for other in [(Epoch(3), Family::Sought), (Epoch(2), Family::Registered), (Epoch(4), Family::Registered)] {
            assert_eq!(under(&memory, other, 2, 9), []);
            memory.change(other, &[TagChange::Put(bearer(2, 9))]);
            assert_eq!(under(&memory, other, 2, 9), [bearer(2, 9)]);
        }
        let mut lookup = Lookup::new(&memory, INDEX);
        for tag in 0..8_001 {
            let expected = match tag {
                8_000.. => vec![],
                _ if tag % 2 == 0 => vec![bearer(tag, 1)],
                1..4_000 if tag % 100 == 1 => vec![bearer(tag, 2)],
                _ => vec![],
            };
            assert_eq!(lookup.under(&bearer(tag, 0).tag, 9).unwrap(), expected, "{tag}");
        }
    }

    #[test]
    fn a_tag_that_fills_pages_is_found_whole_or_as_far_as_asked_and_goes_whole() {
        let mut memory = Memory::default();
        let many: Vec<Bearer> = (0..500).map(|entry| bearer(7, entry)).collect();
        let mut all: Vec<TagChange> = vec![TagChange::Put(bearer(6, 1))];
        all.extend(many.iter().cloned().map(TagChange::Put));
        all.push(TagChange::Put(bearer(8, 1)));
        memory.change(INDEX, &all);
        assert_eq!(under(&memory, INDEX, 7, usize::MAX), many);
        assert_eq!(under(&memory, INDEX, 7, 100), many[..100]);
        let mut lookup = Lookup::new(&memory, INDEX);
        assert_eq!(lookup.under(&bearer(7, 0).tag, 3).unwrap().len(), 3);
        assert_eq!(lookup.under(&bearer(8, 0).tag, 3).unwrap(), [bearer(8, 1)]);
        assert_eq!(lookup.under(&bearer(9, 0).tag, 3).unwrap(), []);
        let gone: Vec<TagChange> = many.iter().map(|bearer| TagChange::Remove(bearer.spot())).collect();
        memory.change(INDEX, &gone);
        assert_eq!(under(&memory, INDEX, 7, usize::MAX), []);
        assert_eq!(under(&memory, INDEX, 8, 1), [bearer(8, 1)]);
    }
}
