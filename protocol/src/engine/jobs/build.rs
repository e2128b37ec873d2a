//! Builds a peer's base in slices: labels of a snapshot into sorted runs, count, pad, write segments (protocol.md 2.3, 3.9).
//!
//! A record that the peer must not learn of counts towards the set's size and is replaced by a dummy, so that every peer
//! sees the same shape (protocol.md 2.14).

use crate::base::BlobId;
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::round::Source;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::build::{Phase, SetBuild};
use crate::private_match::delta::DOUBLES;
use crate::private_match::label::LabelKey;
use crate::private_match::manifest::{SegmentInfo, SegmentKind};
use crate::private_match::padding::{Dummies, base_count};
use crate::private_match::runs::{Cursor, Merge, RunSource, Width, run_bytes};
use crate::private_match::set::{PREFIX_END, segment_size};
use crate::private_match::snapshot::{Entries, Place};

/// Files of the snapshot in one scanning slice: they make one run. The largest owner has a thousand files; as many runs would
/// be near what a merge takes, and their names with those of the segments would not fit into the row of the build.
const SCAN_FILES: u64 = 4;
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

/// Labels of a few files of the snapshot.
fn scan(state: &mut SetBuild, bulk: &dyn Bulk, writes: &mut Batch) -> Result<(), JobFailure> {
    let labels = LabelKey::derive(&state.salt, &state.owner, &state.peer, state.epoch, state.family);
    let source = Source { bulk, files: &state.snapshot };
    let until = state.snapshot.count.min(state.scanned + SCAN_FILES);
    let mut entries = Entries::new(&source, until, Place { file: state.scanned, at: 0 });
    let mut prefixes = Vec::new();
    while let Some(entry) = entries.take().map_err(|_| ReadError::Damaged)? {
        if entry.audience.admits(&state.peer) {
            prefixes.push(labels.prefix(&entry.tag));
        }
    }
    state.scanned = until;
    add_run(state, prefixes, writes);
    if state.scanned == state.snapshot.count {
        state.phase = Phase::Count;
        state.cursor = Cursor::start(state.runs.len());
    }
    Ok(())
}

fn add_run(state: &mut SetBuild, mut prefixes: Vec<u64>, writes: &mut Batch) {
    if prefixes.is_empty() {
        return;
    }
    let file = state.files.add();
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
    let drawn = dummies.draw(now);
    state.dummy_counter = dummies.counter();
    state.dummies -= now;
    add_run(state, drawn, writes);
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
        while prefixes.len() < size
            && let Some(prefix) = merge.next()
        {
            let prefix = prefix.map_err(|_| ReadError::Damaged)?;
            if merge.times() > 1 && state.doubles.len() <= DOUBLES {
                state.doubles.push((prefix, merge.times()));
            }
            prefixes.push(prefix);
        }
        let (Some(first), hi) = (prefixes.first().copied(), merge.peek().unwrap_or(PREFIX_END)) else { break };
        // The first segment begins at 0, every other at its own first prefix.
        let lo = if state.segments.is_empty() { 0 } else { first };
        let (info, bytes) = SegmentInfo::build(SegmentKind::Add, lo, hi, &prefixes).map_err(|_| JobFailure::Corrupt)?;
        let file = state.files.add();
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
    state.doubles.clear();
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::{Epoch, MemberId, Sensitive};
    use crate::engine::jobs::memory::Memory;
    use crate::person::Audience;
    use crate::private_match::build::Beginning;
    use crate::private_match::label::{Family, Tag};
    use crate::private_match::snapshot::{Entry, Files};

    fn member(id: &str) -> MemberId {
        MemberId::new(id).unwrap()
    }

    fn snapshot(memory: &mut Memory, shown: &[(u16, Audience)]) -> Files {
        let mut files = Files::new([1; 32]);
        for piece in shown.chunks(100) {
            let mut file = Vec::new();
            for (number, audience) in piece {
                let mut tag = [0; 16];
                tag[..2].copy_from_slice(&number.to_be_bytes());
                Entry { tag: Tag(tag), audience: audience.clone() }.write(&mut file);
            }
            memory.add_blob(files.add(), file);
        }
        files
    }

    fn built(memory: &mut Memory, snapshot: &Files, real: u64, peer: &str) -> (SetBuild, BTreeSet<u64>) {
        let (owner, snapshot) = (member("NO"), snapshot.clone());
        let at = Beginning { owner, peer: member(peer), family: Family::Registered, epoch: Epoch(1), round: 1, snapshot, real };
        let mut state = SetBuild::new(at, [3; 32], Sensitive::new([4; 32]), [peer.as_bytes()[0]; 32]);
        while state.phase != Phase::Done {
            let output = run(state, memory).unwrap();
            memory.commit(output.writes);
            let Found::Built(next) = output.found else { panic!("a slice") };
            state = *next;
        }
        let mut prefixes = BTreeSet::new();
        for (info, file) in &state.segments {
            prefixes.extend(info.reader(memory.blob(*file).unwrap()).unwrap().map(Result::unwrap));
        }
        (state, prefixes)
    }

    #[test]
    fn a_hidden_label_is_replaced_by_a_dummy_one_for_one() {
        let mut memory = Memory::default();
        let south = || Audience::Only(vec![member("SO")]);
        let shown: Vec<(u16, Audience)> =
            (0..1_000).map(|number| (number, if number % 3 == 0 { south() } else { Audience::All })).collect();
        let files = snapshot(&mut memory, &shown);
        let (so, in_south) = built(&mut memory, &files, 1_000, "SO");
        let (be, in_belgium) = built(&mut memory, &files, 1_000, "BE");
        assert_eq!((so.total, in_south.len(), be.total, in_belgium.len()), (4_096, 4_096, 4_096, 4_096));
        assert_eq!((so.dummy_counter, be.dummy_counter), (3_096, 3_430));
        for (state, prefixes) in [(&so, &in_south), (&be, &in_belgium)] {
            let labels = LabelKey::derive(&state.salt, &state.owner, &state.peer, state.epoch, Family::Registered);
            for (number, audience) in &shown {
                let mut tag = [0; 16];
                tag[..2].copy_from_slice(&number.to_be_bytes());
                assert_eq!(prefixes.contains(&labels.prefix(&Tag(tag))), audience.admits(&state.peer), "{number}");
            }
            let dummies = Dummies::new(state.pad_seed.clone(), 0);
            assert!((0..state.dummy_counter).all(|counter| prefixes.contains(&dummies.candidate(counter))));
            assert!(state.doubles.is_empty());
        }
    }

    #[test]
    fn an_empty_snapshot_makes_a_base_of_dummies() {
        let mut memory = Memory::default();
        let (state, prefixes) = built(&mut memory, &Files::new([1; 32]), 0, "SO");
        assert_eq!((state.total, prefixes.len(), state.dummy_counter), (4_096, 4_096, 4_096));
    }

    #[test]
    fn what_falls_on_one_prefix_is_counted_and_replaced() {
        // A run that holds two labels of one prefix, and a dummy on a label: no labels give that within a test's time.
        let mut memory = Memory::default();
        let (mut state, _) = built(&mut memory, &Files::new([1; 32]), 0, "SO");
        let dummy = Dummies::new(state.pad_seed.clone(), 0).candidate(5);
        (state.phase, state.segments, state.written) = (Phase::Write, Vec::new(), 0);
        let mut labels = vec![77, 77, dummy];
        let file = state.files.add();
        memory.add_blob(file, run_bytes(&mut labels, Width::Six));
        state.runs.push(file);
        state.cursor = Cursor::start(state.runs.len());
        (state.total, state.real) = (8_192, 3);
        while state.phase != Phase::Done {
            let output = run(state, &memory).unwrap();
            memory.commit(output.writes);
            let Found::Built(next) = output.found else { panic!("a slice") };
            state = *next;
        }
        let mut doubles = vec![(77, 2), (dummy, 2)];
        doubles.sort_unstable();
        assert_eq!(state.doubles, doubles);
        assert_eq!((state.written, state.dummy_counter), (8_192, 8_191));
    }
}
