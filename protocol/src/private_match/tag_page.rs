//! The tags of an epoch's index, in pages: a sorted list of who stands under which tag, cut into rows of some 60.
//!
//! Tags are random, so that a row for each would be written and read in random order, and sealed by itself: that took twice
//! the time of the elliptic curve (decision 55). A page is named by the last place that it covers: the page of a place is the
//! first one that is not before it. The engine's jobs change pages, one job at a time; its handlers only read them.

use core::mem;

use minicbor::{Decode, Encode};

use super::entry::EntryId;
use super::label::Family;
use crate::base::Epoch;
use crate::base::cbor::fixed;
use crate::base::record::{RowKey, row_key};
use crate::person::{Audience, MatchMode};

/// Bytes of a page beyond which it is cut: sealed, it stays one value of the store.
const PAGE_BYTES: usize = 3_600;
/// Bytes of a page after a cut: a quarter is left for what comes.
const CUT_BYTES: usize = PAGE_BYTES * 3 / 4;
/// Bytes of a bearer but for the members of its audience, and of one of these.
const BEARER_BYTES: usize = 3 * 17 + 9;
const MEMBER_BYTES: usize = 18;

/// Where a bearer stands within the tags of a family in an epoch.
pub type Spot = ([u8; 16], EntryId);
/// A page's id: the last spot that it covers.
pub type PageId = (Epoch, Family, [u8; 16], EntryId);

/// The last spot there is: the last page covers it.
const LAST: Spot = ([u8::MAX; 16], EntryId([u8::MAX; 16]));

/// One key of one entry in one epoch, under its tag.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Bearer {
    /// The tag.
    #[cbor(n(0), with = "fixed")]
    pub tag: [u8; 16],
    /// The entry.
    #[n(1)]
    pub entry: EntryId,
    /// Who may learn that the entry exists.
    #[n(2)]
    pub audience: Audience,
    /// Whether the key is in sets at all.
    #[n(3)]
    pub mode: MatchMode,
    /// Household of the entry, by one of its family: a key of two households is in no set.
    #[n(4)]
    pub household: EntryId,
    /// The family member of the record whom the key describes; none for the person's own keys.
    #[n(5)]
    pub mention: Option<u8>,
}

impl Bearer {
    /// Where it stands.
    #[must_use]
    pub const fn spot(&self) -> Spot {
        (self.tag, self.entry)
    }

    /// Bytes that it takes in a page, at most.
    #[must_use]
    pub fn size(&self) -> usize {
        BEARER_BYTES + self.audience.named() * MEMBER_BYTES
    }
}

/// The bearers between two spots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TagPage {
    /// They, by ascending spots.
    #[n(1)]
    pub bearers: Vec<Bearer>,
}
crate::record!(TagPage, PageId, Tags, 2, Service);

impl TagPage {
    /// Those of the page who stand under a tag.
    pub fn under(&self, tag: &[u8; 16]) -> impl Iterator<Item = &Bearer> {
        let start = self.bearers.partition_point(|bearer| bearer.tag < *tag);
        self.bearers.iter().skip(start).take_while(move |bearer| bearer.tag == *tag)
    }
}

/// First and end of the page rows of a family in an epoch that cover this tag or a later one.
#[must_use]
pub fn pages_from(epoch: Epoch, family: Family, tag: &[u8; 16]) -> (RowKey, Option<RowKey>) {
    let from = row_key(TAG_PAGES, &(epoch, family, *tag));
    (from, row_key(TAG_PAGES, &(epoch, family)).after_prefix())
}

const TAG_PAGES: u8 = <TagPage as crate::base::record::Record>::KIND;

/// One change of the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagChange {
    /// The bearer stands there, in place of what stood there.
    Put(Bearer),
    /// Nobody stands there.
    Remove(Spot),
}

impl TagChange {
    /// Where something changes.
    #[must_use]
    pub const fn spot(&self) -> Spot {
        match self {
            Self::Put(bearer) => bearer.spot(),
            Self::Remove(spot) => *spot,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Put(bearer) => bearer.size(),
            Self::Remove(_) => 0,
        }
    }
}

/// What becomes of one page.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// The pages in its place, each with the last spot that it covers; none where nobody is left.
    pub pages: Vec<(Spot, TagPage)>,
    /// True if the page's own row goes.
    pub removes: bool,
    /// Changes that are in them.
    pub taken: usize,
}

/// Changes a page: the one that covers the first change, or none where no page does.
///
/// Takes the changes that it covers, as far as they have room in `room` bytes, but at least one. They are in ascending order
/// of their spots, each spot once.
#[must_use]
pub fn change(page: Option<(Spot, TagPage)>, changes: &[TagChange], room: usize) -> Changed {
    let is_stored = page.is_some();
    let (last, page) = page.unwrap_or((LAST, TagPage::default()));
    let (mut taken, mut size) = (0, 0);
    for change in changes.iter().take_while(|change| change.spot() <= last) {
        if taken > 0 && size + change.size() > room {
            break;
        }
        size += change.size();
        taken += 1;
    }
    let bearers = joined(page.bearers, changes.get(..taken).unwrap_or(changes));
    let pages = cut(bearers, last);
    Changed { removes: is_stored && pages.is_empty(), pages, taken }
}

fn joined(old: Vec<Bearer>, changes: &[TagChange]) -> Vec<Bearer> {
    let mut all = Vec::with_capacity(old.len() + changes.len());
    let mut old = old.into_iter().peekable();
    for change in changes {
        let spot = change.spot();
        while let Some(bearer) = old.next_if(|bearer| bearer.spot() < spot) {
            all.push(bearer);
        }
        old.next_if(|bearer| bearer.spot() == spot);
        if let TagChange::Put(bearer) = change {
            all.push(bearer.clone());
        }
    }
    all.extend(old);
    all
}

/// Cuts a list into pages of even size, the last of which covers all up to `last`.
fn cut(bearers: Vec<Bearer>, last: Spot) -> Vec<(Spot, TagPage)> {
    let total: usize = bearers.iter().map(Bearer::size).sum();
    let parts = if total > PAGE_BYTES { total.div_ceil(CUT_BYTES) } else { 1 };
    let most = total.div_ceil(parts);
    let (mut pages, mut filling, mut size) = (Vec::new(), Vec::new(), 0);
    for bearer in bearers {
        if !filling.is_empty() && size + bearer.size() > most {
            pages.push(page_of(mem::take(&mut filling)));
            size = 0;
        }
        size += bearer.size();
        filling.push(bearer);
    }
    if !filling.is_empty() {
        pages.push((last, TagPage { bearers: filling }));
    }
    pages
}

fn page_of(bearers: Vec<Bearer>) -> (Spot, TagPage) {
    let last = bearers.last().map_or(LAST, Bearer::spot);
    (last, TagPage { bearers })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::base::MemberId;
    use crate::base::record::Record;

    fn bearer(tag: u16, entry: u8, members: usize) -> Bearer {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&tag.to_be_bytes());
        let audience = match members {
            0 => Audience::All,
            _ => Audience::Except((0..members).map(|number| MemberId::new(&format!("M{number}")).unwrap()).collect()),
        };
        Bearer {
            tag: bytes,
            entry: EntryId([entry; 16]),
            audience,
            mode: MatchMode::Answer,
            household: EntryId([entry; 16]),
            mention: entry.is_multiple_of(2).then_some(entry),
        }
    }

    /// Pages by the last spot of each, as a store keeps them.
    type Pages = BTreeMap<Spot, TagPage>;

    fn apply(pages: &mut Pages, mut changes: &[TagChange], room: usize) {
        while let Some(first) = changes.first() {
            let page = pages.range(first.spot()..).next().map(|(last, page)| (*last, page.clone()));
            let last = page.as_ref().map(|(last, _)| *last);
            let changed = change(page, changes, room);
            assert!(changed.taken > 0);
            if changed.removes {
                pages.remove(&last.unwrap());
            }
            pages.extend(changed.pages);
            changes = &changes[changed.taken..];
        }
    }

    /// Each page holds what it covers, none is too long, and all together are these bearers in their order.
    fn assert_is(pages: &Pages, bearers: &BTreeMap<Spot, Bearer>) {
        let mut before: Option<Spot> = None;
        for (last, page) in pages {
            let spots: Vec<Spot> = page.bearers.iter().map(Bearer::spot).collect();
            assert!(!spots.is_empty() && spots.is_sorted());
            assert!(spots.iter().all(|spot| spot <= last && before.is_none_or(|before| *spot > before)));
            let size = Record::encode(page).expose().len();
            assert!(size <= PAGE_BYTES || page.bearers.len() == 1, "{size} bytes of {} bearers", page.bearers.len());
            assert!(size <= page.bearers.iter().map(Bearer::size).sum::<usize>() + 8, "{size} bytes are more than was counted");
            before = Some(*last);
        }
        let all: Vec<&Bearer> = pages.values().flat_map(|page| &page.bearers).collect();
        assert_eq!(all, bearers.values().collect::<Vec<_>>());
    }

    fn change_of(bearer: &Bearer, put: bool) -> TagChange {
        if put { TagChange::Put(bearer.clone()) } else { TagChange::Remove(bearer.spot()) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pages_hold_what_a_map_holds_after_any_changes(
            rounds in prop::collection::vec(
                (prop::collection::vec((0u16..400, 0u8..4, prop::sample::select(vec![0usize, 0, 0, 3, 255]), any::<bool>()), 1..300), 0usize..40_000),
                1..8,
            )
        ) {
            let (mut pages, mut map) = (Pages::new(), BTreeMap::new());
            for (round, room) in rounds {
                let mut changes = BTreeMap::new();
                for (tag, entry, members, put) in round {
                    let bearer = bearer(tag, entry, members);
                    changes.insert(bearer.spot(), change_of(&bearer, put));
                    match put {
                        true => map.insert(bearer.spot(), bearer),
                        false => map.remove(&bearer.spot()),
                    };
                }
                let changes: Vec<TagChange> = changes.into_values().collect();
                apply(&mut pages, &changes, room);
                assert_is(&pages, &map);
            }
        }
    }

    #[test]
    fn an_emptied_index_has_no_page_and_a_filled_one_is_well_filled() {
        let (mut pages, mut map) = (Pages::new(), BTreeMap::new());
        let all: Vec<Bearer> = (0..6_000).map(|tag| bearer(tag, 1, 0)).collect();
        map.extend(all.iter().map(|bearer| (bearer.spot(), bearer.clone())));
        apply(&mut pages, &all.iter().map(|bearer| change_of(bearer, true)).collect::<Vec<_>>(), 36_000);
        assert_is(&pages, &map);
        assert!(pages.len() < 6_000 / 40, "{} pages", pages.len());
        apply(&mut pages, &all.iter().map(|bearer| change_of(bearer, false)).collect::<Vec<_>>(), 36_000);
        assert!(pages.is_empty());
        // What nobody stands under is removed for nothing.
        apply(&mut pages, &[change_of(&all[7], false)], 0);
        assert!(pages.is_empty());
    }
}
