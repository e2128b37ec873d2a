//! Takes the snapshot of a round and compares it with the last one's (protocol.md 2.3, 3.9).
//!
//! A key that more than one household of own records carries is left out of every set (the owner-side cut, matching.md 7),
//! and so of the snapshot: it leaves the sets of all peers by the removal that follows. A record that no peer may learn of
//! is in it, with an audience of nobody, since it counts.

use crate::base::record::{Record, RowKey, row_key};
use crate::base::{BlobId, cbor};
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::tags;
use crate::engine::view::{Bulk, ReadError};
use crate::person::{Audience, MatchMode};
use crate::private_match::entry::EntryId;
use crate::private_match::label::Tag;
use crate::private_match::padding::DELTA_LIST;
use crate::private_match::round::{Round, RoundPhase};
use crate::private_match::runs::RunSource;
use crate::private_match::snapshot::{Change, Entries, Entry, Files, Place, changes};
use crate::private_match::tag_page::{Bearer, TagPage};

/// Bearers of one scan slice, and what is left of the last pages that were read; one file holds their entries.
const SCANNED: usize = 24 * 1024;
/// Pages that are read at once.
const PAGES: usize = 32;
/// Entries of one comparing slice.
const COMPARE_ENTRIES: usize = 256 * 1024;
/// Files that one slice removes: their rows stay within a batch.
const SWEEP: usize = 256;

/// Runs the next slice.
///
/// # Errors
/// [`JobFailure`].
pub fn run(mut round: Round, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch { dropped: round.sweep(SWEEP), ..Batch::default() };
    match round.phase {
        RoundPhase::Scan => scan(&mut round, bulk, &mut writes)?,
        RoundPhase::Compare => compare(&mut round, bulk, &mut writes)?,
        RoundPhase::Peers => {}
    }
    let is_over = round.phase == RoundPhase::Peers && round.litter.is_empty();
    let next = (!is_over).then(|| Job::Round(Box::new(round.clone())));
    Ok(JobOutput { writes, found: Found::Round(Box::new(round)), next })
}

/// Files of a work, read by their number.
pub(super) struct Source<'b> {
    pub bulk: &'b dyn Bulk,
    pub files: &'b Files,
}

impl RunSource for Source<'_> {
    type Error = ReadError;
    fn read(&self, run: usize, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        self.bulk.read_blob(self.files.name(run as u64), at, into)
    }
}

fn scan(round: &mut Round, bulk: &dyn Bulk, writes: &mut Batch) -> Result<(), JobFailure> {
    let range = row_key(TagPage::KIND, &(round.epoch, round.family));
    let until = range.after_prefix();
    let mut file = Vec::new();
    let mut group: Option<Group> = None;
    let mut read = 0;
    let began = round.after.clone();
    let ended = loop {
        let from = next_key(&range, &round.after);
        let rows = bulk.rows(TagPage::TREE, &from, until.as_ref(), PAGES)?;
        let full = rows.len() == PAGES;
        for (key, stored) in rows {
            let (_, page) = tags::read(&key, &stored)?;
            for bearer in behind(&range, &began, page.bearers) {
                read += 1;
                match &mut group {
                    Some(open) if open.tag == bearer.tag => open.add(&bearer),
                    _ => {
                        let next = Group::of(&bearer);
                        close(round, group.replace(next), &mut file);
                    }
                }
            }
            round.after = key.0;
        }
        if !full {
            break true;
        }
        if read >= SCANNED {
            break false;
        }
    };
    if let Some(open) = group {
        // A tag may go on in the next slice. What is cut already is cut whatever follows; else that slice begins with the
        // tag again, unless this slice did and would never end.
        let (again, past) = around(&range, &open.tag);
        if ended || open.cut || again == began {
            round.after = past;
            close(round, Some(open), &mut file);
        } else {
            round.after = again;
        }
    }
    if !file.is_empty() {
        writes.blobs.push((round.snapshot.add(), file));
    }
    if ended {
        round.bases = round.last.is_none();
        round.phase = if round.bases { RoundPhase::Peers } else { RoundPhase::Compare };
    }
    Ok(())
}

/// The key at which a scan goes on: behind the last place that was read.
fn next_key(range: &RowKey, after: &[u8]) -> RowKey {
    if after.is_empty() {
        return range.clone();
    }
    RowKey(after.to_vec()).behind()
}

/// The bearers of a page that are behind the place where a slice began, which may be within a page.
fn behind<'a>(range: &'a RowKey, began: &'a [u8], bearers: Vec<Bearer>) -> impl Iterator<Item = Bearer> + 'a {
    let place = began.get(range.0.len()..).unwrap_or(&[]);
    bearers.into_iter().skip_while(move |bearer| [bearer.tag, bearer.entry.0].concat().as_slice() <= place)
}

/// Places just before a tag's first bearer and behind its last: a place is the key of a page that ends there.
fn around(range: &RowKey, tag: &[u8; 16]) -> (Vec<u8>, Vec<u8>) {
    let mut before = range.0.clone();
    before.extend_from_slice(tag);
    let mut behind = before.clone();
    behind.extend_from_slice(&[u8::MAX; 16]);
    (before, behind)
}

/// The bearers of one tag, as far as they were read.
struct Group {
    tag: [u8; 16],
    /// The members that may learn of one of its records.
    audience: Audience,
    /// Household of its first record.
    household: EntryId,
    /// Another household carries it as well.
    cut: bool,
}

impl Group {
    fn of(bearer: &Bearer) -> Self {
        Self { tag: bearer.tag, audience: seen_by(bearer), household: bearer.household, cut: false }
    }

    fn add(&mut self, bearer: &Bearer) {
        self.audience = self.audience.or(&seen_by(bearer));
        self.cut |= bearer.household != self.household;
    }
}

/// Who may learn of a record by a set, in the one form of an audience.
fn seen_by(bearer: &Bearer) -> Audience {
    let nobody = Audience::Only(Vec::new());
    if bearer.mode == MatchMode::Answer { bearer.audience.or(&nobody) } else { nobody }
}

/// A tag that two households carry is in nobody's set, neither as itself nor as a dummy, whoever may learn of its records:
/// what is counted must not differ between audiences.
fn close(round: &mut Round, group: Option<Group>, file: &mut Vec<u8>) {
    let Some(group) = group else { return };
    if group.cut {
        round.cut += 1;
        return;
    }
    round.real += 1;
    Entry { tag: Tag(group.tag), audience: group.audience }.write(file);
}

fn compare(round: &mut Round, bulk: &dyn Bulk, writes: &mut Batch) -> Result<(), JobFailure> {
    let Some(last) = round.last.as_mut() else { return Err(JobFailure::Read(ReadError::Damaged)) };
    let (before, after) = (Source { bulk, files: &last.snapshot }, Source { bulk, files: &round.snapshot });
    let mut old = Entries::new(&before, last.snapshot.count, last.place);
    let mut new = Entries::new(&after, round.snapshot.count, round.place);
    let (found, ended) = changes(&mut old, &mut new, COMPARE_ENTRIES).map_err(|_| ReadError::Damaged)?;
    (last.place, round.place) = (old.place(), new.place());
    round.added += found.iter().filter(|change| change.after.is_some()).count() as u64;
    round.removed += found.iter().filter(|change| change.before.is_some()).count() as u64;
    let too_many = round.added > DELTA_LIST || round.removed > DELTA_LIST;
    if !found.is_empty() && !too_many {
        writes.blobs.push((round.changes.add(), cbor::encode(&found)));
    }
    if ended || too_many {
        round.bases = too_many;
        round.phase = RoundPhase::Peers;
        round.litter.extend(round.last.as_ref().map(|last| last.snapshot.clone()).filter(|files| files.count > 0));
        round.place = Place::default();
    }
    Ok(())
}

/// The lists of changes of a round, in their files.
pub(super) fn read_changes(files: &Files, bulk: &dyn Bulk) -> Result<Vec<Change>, JobFailure> {
    let mut all = Vec::new();
    for name in files.names() {
        let changes: Vec<Change> = cbor::decode(&read_whole(name, bulk)?).map_err(|_| ReadError::Damaged)?;
        all.extend(changes);
    }
    Ok(all)
}

/// A whole file of this node's own.
fn read_whole(name: BlobId, bulk: &dyn Bulk) -> Result<Vec<u8>, JobFailure> {
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len();
        bytes.resize(at + 64 * 1024, 0);
        let room = bytes.get_mut(at..).unwrap_or(&mut []);
        let read = bulk.read_blob(name, at as u64, room)?;
        bytes.truncate(at + read);
        if read == 0 {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Epoch, MemberId, Timestamp};
    use crate::engine::jobs::memory::Memory;
    use crate::private_match::Family;
    use crate::private_match::tag_page::TagChange;

    const EPOCH: Epoch = Epoch(1);
    const FAMILY: Family = Family::Registered;

    fn add(rows: &mut Memory, tag: u8, person: u8, household: u8, audience: Audience, mode: MatchMode) {
        let (entry, household) = (EntryId([person; 16]), EntryId([household; 16]));
        rows.change(
            (EPOCH, FAMILY),
            &[TagChange::Put(Bearer { tag: [tag; 16], entry, audience, mode, household, mention: None })],
        );
    }

    fn south() -> Audience {
        Audience::Only(vec![MemberId::new("SO").unwrap()])
    }

    fn ran(before: Option<Round>, memory: &mut Memory) -> Round {
        let number = u8::try_from(before.as_ref().map_or(0, |before| before.number)).unwrap();
        let mut round = Round::next(before, FAMILY, EPOCH, Timestamp(5), 9, [[2 * number; 32], [2 * number + 1; 32]]);
        loop {
            let output = run(round, memory).unwrap();
            memory.commit(output.writes);
            let Found::Round(next) = output.found else { panic!("a slice") };
            round = *next;
            if output.next.is_none() {
                return round;
            }
        }
    }

    fn shown(round: &Round, memory: &Memory) -> Vec<(u8, Audience)> {
        let source = Source { bulk: memory, files: &round.snapshot };
        let mut entries = Entries::new(&source, round.snapshot.count, Place::default());
        std::iter::from_fn(|| entries.take().unwrap()).map(|entry| (entry.tag.0[0], entry.audience)).collect()
    }

    #[test]
    fn a_tag_of_two_households_counts_for_nobody_and_a_hidden_one_for_all() {
        let mut rows = Memory::default();
        let all = || Audience::All;
        add(&mut rows, 1, 1, 1, all(), MatchMode::Answer);
        // Two records of one household.
        add(&mut rows, 2, 1, 1, south(), MatchMode::Answer);
        add(&mut rows, 2, 2, 1, all(), MatchMode::Answer);
        // Two households: both visible, one hidden, one that answers nobody.
        add(&mut rows, 3, 1, 1, all(), MatchMode::Answer);
        add(&mut rows, 3, 3, 3, all(), MatchMode::Answer);
        add(&mut rows, 4, 1, 1, all(), MatchMode::Answer);
        add(&mut rows, 4, 4, 4, south(), MatchMode::Answer);
        add(&mut rows, 5, 1, 1, all(), MatchMode::Answer);
        add(&mut rows, 5, 5, 5, all(), MatchMode::AskOnly);
        // One household, hidden from all but one, and from everybody.
        add(&mut rows, 6, 6, 6, south(), MatchMode::Answer);
        add(&mut rows, 7, 7, 7, all(), MatchMode::AskOnly);
        let round = ran(None, &mut rows);
        assert_eq!((round.real, round.cut, round.bases), (4, 3, true));
        let expected = [(1, all()), (2, all()), (6, south()), (7, Audience::Only(vec![]))];
        assert_eq!(shown(&round, &rows), expected);
    }

    #[test]
    fn what_changed_since_the_last_round_is_a_list_and_the_old_snapshot_goes() {
        let mut rows = Memory::default();
        for number in 0..200 {
            add(&mut rows, number, number, number, Audience::All, MatchMode::Answer);
        }
        let first = ran(None, &mut rows);
        let unchanged = ran(Some(first), &mut rows);
        assert_eq!((unchanged.added, unchanged.removed, unchanged.changes.count, unchanged.bases), (0, 0, 0, false));
        add(&mut rows, 210, 1, 1, Audience::All, MatchMode::Answer);
        rows.change((EPOCH, FAMILY), &[TagChange::Remove(([5; 16], EntryId([5; 16])))]);
        // Another audience, and a key that a second household brings.
        add(&mut rows, 6, 6, 6, south(), MatchMode::Answer);
        add(&mut rows, 7, 99, 99, Audience::All, MatchMode::Answer);
        let files = rows.blobs();
        let third = ran(Some(unchanged), &mut rows);
        assert_eq!((third.added, third.removed, third.real, third.cut), (2, 3, 199, 1));
        let changes = read_changes(&third.changes, &rows).unwrap();
        let lines: Vec<(u8, bool, bool)> =
            changes.iter().map(|change| (change.tag.0[0], change.before.is_some(), change.after.is_some())).collect();
        assert_eq!(lines, [(5, true, false), (6, true, true), (7, true, false), (210, false, true)]);
        assert_eq!(rows.blobs(), files + 1, "one snapshot and one list");
    }

    #[test]
    fn a_tag_that_very_many_carry_is_cut_once_whatever_slice_it_ends_in() {
        for bearers in [SCANNED - 1, SCANNED, SCANNED + 1, 2 * SCANNED + 7] {
            let mut rows = Memory::default();
            add(&mut rows, 1, 1, 1, Audience::All, MatchMode::Answer);
            let bearer = |number: u128| {
                let entry = EntryId(number.to_be_bytes());
                let (audience, mode) = (Audience::All, MatchMode::Answer);
                TagChange::Put(Bearer { tag: [2; 16], entry, audience, mode, household: entry, mention: None })
            };
            rows.change((EPOCH, FAMILY), &(0..bearers as u128).map(bearer).collect::<Vec<_>>());
            add(&mut rows, 3, 1, 1, Audience::All, MatchMode::Answer);
            let round = ran(None, &mut rows);
            assert_eq!((round.real, round.cut), (2, 1), "{bearers} bearers");
        }
    }
}
