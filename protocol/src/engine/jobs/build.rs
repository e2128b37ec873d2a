//! Builds a peer's set in slices: scan tags into sorted runs, count, pad, write segments (protocol.md 2.3, 3.9).
//!
//! A record that the peer must not learn of counts towards the set's size and is replaced by a dummy, so that every peer
//! sees the same shape (protocol.md 2.14). A key that more than one household of own records carries is left out of every
//! set (the owner-side cut, matching.md 7).

use crate::base::record::{Record, RowKey, row_key};
use crate::base::{BlobId, limits};
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput};
use crate::engine::view::{Bulk, ReadError};
use crate::person::MatchMode;
use crate::private_match::build::{Phase, SetBuild};
use crate::private_match::entry::EntryId;
use crate::private_match::label::{LabelKey, Tag};
use crate::private_match::manifest::{SegmentInfo, SegmentKind};
use crate::private_match::owner::TagRow;
use crate::private_match::padding::{Dummies, base_count};
use crate::private_match::runs::{Cursor, Merge, RunSource, Width, run_bytes};
use crate::private_match::set::{PREFIX_END, segment_size};

/// Tag rows of one scan slice; one run holds their prefixes.
const SCAN_ROWS: usize = 24 * 1024;
/// Prefixes of one counting slice.
const COUNT_PREFIXES: usize = 512 * 1024;
/// Dummies of one padding slice.
const PAD_PREFIXES: u64 = 16 * 1024;
/// Segments of one writing slice.
const SEGMENTS: usize = 6;

/// Runs the next slice.
///
/// # Errors
/// [`JobFailure`].
pub fn run(mut state: SetBuild, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch::default();
    match state.phase {
        Phase::Scan => scan(&mut state, bulk, &mut writes)?,
        Phase::Count => count(&mut state, bulk)?,
        Phase::Pad => pad(&mut state, &mut writes),
        Phase::Write => write(&mut state, bulk, &mut writes)?,
        Phase::Done => {}
    }
    let next = (state.phase != Phase::Done).then(|| Job::Build(Box::new(state.clone())));
    Ok(JobOutput { writes, found: Found::Built(Box::new(state)), next })
}

fn scan(state: &mut SetBuild, bulk: &dyn Bulk, writes: &mut Batch) -> Result<(), JobFailure> {
    let labels = LabelKey::derive(&state.salt, &state.owner, &state.peer, state.epoch, state.family);
    let range = row_key(TagRow::KIND, &(state.epoch, state.family));
    let until = range.after_prefix();
    let mut prefixes = Vec::new();
    let mut group: Option<Group> = None;
    let mut read = 0;
    let began = state.after.clone();
    let ended = loop {
        let from = next_key(&range, &state.after);
        let rows = bulk.rows(TagRow::TREE, &from, until.as_ref(), limits::PAGE_ROWS)?;
        let full = rows.len() == limits::PAGE_ROWS;
        read += rows.len();
        for (key, stored) in rows {
            let (_, _, tag, _) = TagRow::id(&key).ok_or(ReadError::Damaged)?;
            let row = TagRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
            let visible = row.mode == MatchMode::Answer && row.audience.admits(&state.peer);
            match &mut group {
                Some(open) if open.tag == tag => open.add(visible, row.household),
                _ => {
                    let next = Group { tag, visible, household: row.household, cut: false };
                    close(state, &labels, group.replace(next), &mut prefixes);
                }
            }
            state.after = key.0;
        }
        if !full {
            break true;
        }
        if read >= SCAN_ROWS {
            break false;
        }
    };
    if let Some(open) = group {
        // A tag may go on in the next slice. What is cut already is cut whatever follows; else that slice begins with the
        // tag again, unless this slice did and would never end.
        let (again, behind) = around(&range, &open.tag);
        if ended || open.cut || again == began {
            state.after = behind;
            close(state, &labels, Some(open), &mut prefixes);
        } else {
            state.after = again;
        }
    }
    add_run(state, prefixes, writes);
    if ended {
        state.phase = Phase::Count;
        state.cursor = Cursor::start(state.runs.len());
    }
    Ok(())
}

/// The key at which a scan goes on: behind the last row that was read.
fn next_key(range: &RowKey, after: &[u8]) -> RowKey {
    if after.is_empty() {
        return range.clone();
    }
    let mut key = after.to_vec();
    key.push(0);
    RowKey(key)
}

/// Positions just before a tag's first row and behind its last: row keys of a tag are its prefix and an entry.
fn around(range: &RowKey, tag: &[u8; 16]) -> (Vec<u8>, Vec<u8>) {
    let mut before = range.0.clone();
    before.extend_from_slice(tag);
    let mut behind = before.clone();
    behind.extend_from_slice(&[u8::MAX; 16]);
    (before, behind)
}

/// The rows of one tag, as far as they were read.
struct Group {
    tag: [u8; 16],
    /// The peer may learn of one of its records.
    visible: bool,
    /// Household of its first record.
    household: EntryId,
    /// Another household carries it as well.
    cut: bool,
}

impl Group {
    fn add(&mut self, visible: bool, household: EntryId) {
        self.visible |= visible;
        self.cut |= household != self.household;
    }
}

/// A tag that two households carry is in nobody's set, neither as itself nor as a dummy, whoever may learn of its records:
/// what is counted must not differ between audiences.
fn close(state: &mut SetBuild, labels: &LabelKey, group: Option<Group>, prefixes: &mut Vec<u64>) {
    let Some(group) = group else { return };
    if group.cut {
        state.cut += 1;
        return;
    }
    state.real += 1;
    if group.visible {
        prefixes.push(labels.prefix(&Tag(group.tag)));
    }
}

fn add_run(state: &mut SetBuild, mut prefixes: Vec<u64>, writes: &mut Batch) {
    if prefixes.is_empty() {
        return;
    }
    let file = state.next_file();
    writes.blobs.push((file, run_bytes(&mut prefixes, Width::Six)));
    state.runs.push(file);
}

/// Runs in files.
struct Runs<'b> {
    bulk: &'b dyn Bulk,
    files: &'b [BlobId],
}

impl RunSource for Runs<'_> {
    type Error = ReadError;
    fn read(&self, run: usize, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        self.bulk.read_blob(*self.files.get(run).ok_or(ReadError::Damaged)?, at, into)
    }
}

fn count(state: &mut SetBuild, bulk: &dyn Bulk) -> Result<(), JobFailure> {
    let runs = state.runs.clone();
    let source = Runs { bulk, files: &runs };
    let mut merge = Merge::new(&source, Width::Six, &state.cursor).map_err(|_| ReadError::Damaged)?;
    for prefix in merge.by_ref().take(COUNT_PREFIXES) {
        prefix.map_err(|_| ReadError::Damaged)?;
        state.unique += 1;
    }
    state.cursor = merge.cursor();
    if merge.peek().is_none() {
        state.total = base_count(state.real);
        state.dummies = state.total.saturating_sub(state.unique);
        state.phase = Phase::Pad;
    }
    Ok(())
}

fn pad(state: &mut SetBuild, writes: &mut Batch) {
    let now = state.dummies.min(PAD_PREFIXES);
    let mut dummies = Dummies::new(state.pad_seed.clone(), state.dummy_counter);
    let drawn = dummies.draw(usize::try_from(now).unwrap_or(0), |_| false);
    state.dummy_counter = dummies.counter();
    state.dummies -= now;
    add_run(state, drawn.into_iter().map(|(_, prefix)| prefix).collect(), writes);
    if state.dummies == 0 {
        state.phase = Phase::Write;
        state.cursor = Cursor::start(state.runs.len());
    }
}

fn write(state: &mut SetBuild, bulk: &dyn Bulk, writes: &mut Batch) -> Result<(), JobFailure> {
    let runs = state.runs.clone();
    let source = Runs { bulk, files: &runs };
    let mut merge = Merge::new(&source, Width::Six, &state.cursor).map_err(|_| ReadError::Damaged)?;
    let size = segment_size(state.total);
    for _ in 0..SEGMENTS {
        let mut prefixes = Vec::with_capacity(size);
        for prefix in merge.by_ref().take(size) {
            prefixes.push(prefix.map_err(|_| ReadError::Damaged)?);
        }
        let (Some(first), hi) = (prefixes.first().copied(), merge.peek().unwrap_or(PREFIX_END)) else { break };
        // The first segment begins at 0, every other at its own first prefix.
        let lo = if state.segments.is_empty() { 0 } else { first };
        let (info, bytes) = SegmentInfo::build(SegmentKind::Add, lo, hi, &prefixes).map_err(|_| JobFailure::Corrupt)?;
        let file = state.next_file();
        writes.blobs.push((file, bytes));
        state.segments.push((info, file));
        state.written += prefixes.len() as u64;
    }
    state.cursor = merge.cursor();
    if merge.peek().is_none() {
        state.phase = if state.written == state.total { Phase::Done } else { pad_again(state, writes) };
    }
    Ok(())
}

/// A dummy fell on a prefix of the set (about one in 10 million for the largest): the missing ones are drawn and the
/// segments are written again.
fn pad_again(state: &mut SetBuild, writes: &mut Batch) -> Phase {
    state.dummies = state.total.saturating_sub(state.written);
    state.written = 0;
    for (_, file) in state.segments.drain(..) {
        match writes.blobs.iter().position(|(written, _)| *written == file) {
            Some(place) => {
                writes.blobs.remove(place);
            }
            None => writes.dropped.push(file),
        }
    }
    Phase::Pad
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::record::{Stored, Tree};
    use crate::base::{Epoch, MemberId, Sensitive};
    use crate::person::Audience;
    use crate::private_match::Family;

    /// Tag rows in memory.
    #[derive(Default)]
    struct Rows(BTreeMap<RowKey, Sensitive<Vec<u8>>>);

    impl Rows {
        fn add(&mut self, tag: u8, person: u8, household: u8, audience: Audience, mode: MatchMode) {
            let row = TagRow { audience, mode, mention: None, household: EntryId([household; 16]) };
            self.0.insert(TagRow::key(&(Epoch(1), Family::Registered, [tag; 16], EntryId([person; 16]))), row.encode());
        }
    }

    impl Bulk for Rows {
        fn read_blob(&self, _: BlobId, _: u64, _: &mut [u8]) -> Result<usize, ReadError> {
            Err(ReadError::Damaged)
        }
        fn rows(&self, _: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
            let range = self.0.range(from..).take_while(|(key, _)| until.is_none_or(|until| *key < until));
            Ok(range.take(limit).map(|(key, value)| (key.clone(), Stored { version: 1, value: value.clone() })).collect())
        }
    }

    fn member(id: &str) -> MemberId {
        MemberId::new(id).unwrap()
    }

    fn scanned(rows: &Rows, peer: &str) -> SetBuild {
        let mut state = SetBuild {
            owner: member("NO"),
            peer: member(peer),
            family: Family::Registered,
            epoch: Epoch(1),
            set_seq: 1,
            generation: 1,
            salt: [3; 32],
            pad_seed: Sensitive::new([4; 32]),
            seed: [5; 32],
            files: 0,
            phase: Phase::Scan,
            after: Vec::new(),
            real: 0,
            unique: 0,
            dummies: 0,
            dummy_counter: 0,
            total: 0,
            written: 0,
            runs: Vec::new(),
            cursor: Cursor::start(0),
            segments: Vec::new(),
            cut: 0,
        };
        while state.phase == Phase::Scan {
            let Ok(JobOutput { found: Found::Built(next), .. }) = run(state, rows) else { panic!("a slice") };
            state = *next;
        }
        state
    }

    #[test]
    fn a_tag_of_two_households_counts_for_nobody_and_a_hidden_one_for_all() {
        let mut rows = Rows::default();
        let (all, south) = (|| Audience::All, || Audience::Only(vec![member("SO")]));
        rows.add(1, 1, 1, all(), MatchMode::Answer);
        // Two records of one household.
        rows.add(2, 1, 1, all(), MatchMode::Answer);
        rows.add(2, 2, 1, all(), MatchMode::Answer);
        // Two households: both visible, one hidden, one that answers nobody.
        rows.add(3, 1, 1, all(), MatchMode::Answer);
        rows.add(3, 3, 3, all(), MatchMode::Answer);
        rows.add(4, 1, 1, all(), MatchMode::Answer);
        rows.add(4, 4, 4, south(), MatchMode::Answer);
        rows.add(5, 1, 1, all(), MatchMode::Answer);
        rows.add(5, 5, 5, all(), MatchMode::AskOnly);
        // One household, hidden from one of the two, and from both.
        rows.add(6, 6, 6, south(), MatchMode::Answer);
        rows.add(7, 7, 7, all(), MatchMode::AskOnly);
        let (so, be) = (scanned(&rows, "SO"), scanned(&rows, "BE"));
        assert_eq!((so.real, so.cut), (4, 3));
        assert_eq!((be.real, be.cut), (so.real, so.cut), "no audience shows in what is counted");
    }

    #[test]
    fn a_tag_that_very_many_carry_is_cut_once_whatever_slice_it_ends_in() {
        for bearers in [SCAN_ROWS - 1, SCAN_ROWS, SCAN_ROWS + 1, 2 * SCAN_ROWS + 7] {
            let mut rows = Rows::default();
            rows.add(1, 1, 1, Audience::All, MatchMode::Answer);
            for number in 0..bearers as u128 {
                let row = TagRow {
                    audience: Audience::All,
                    mode: MatchMode::Answer,
                    mention: None,
                    household: EntryId(number.to_be_bytes()),
                };
                let id = (Epoch(1), Family::Registered, [2; 16], EntryId(number.to_be_bytes()));
                rows.0.insert(TagRow::key(&id), row.encode());
            }
            rows.add(3, 1, 1, Audience::All, MatchMode::Answer);
            let state = scanned(&rows, "SO");
            assert_eq!((state.real, state.cut), (2, 1), "{bearers} bearers");
        }
    }
}
