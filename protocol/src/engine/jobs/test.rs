//! Tests the cached tags at one owner against its set: labels are derived, sorted and joined with the segments' stream.

use std::collections::BTreeMap;

use crate::base::record::Record;
use crate::base::{Epoch, MemberId, SubjectId};
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput, TestSlice};
use crate::engine::jobs::index::read as row_of;
use crate::engine::jobs::sets::read;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::asking::AskHit;
use crate::private_match::entry::EntryId;
use crate::private_match::label::{Family, LabelKey, Tag};
use crate::private_match::manifest::SegmentKind;
use crate::private_match::querier::{HitRow, QueryRow, queries_at};
use crate::private_match::set::merge_hits;

/// Segments of one slice.
const SEGMENTS: usize = 8;
/// Rows read at once.
const PAGE: usize = 256;
/// Hits of one slice. A thousand people who are all found at one owner give some 40,000; only a set that is not honest has
/// more in eight segments.
const HITS: usize = 64 * 1024;

/// A tag of a subject, by the prefix of its label.
type Wanted = BTreeMap<u64, Vec<(SubjectId, u8, Tag)>>;

/// One slice of up to eight segments. What a later set says about a prefix counts, so the sets are read from the last one
/// back.
///
/// # Errors
/// [`JobFailure::Read`] or [`JobFailure::Corrupt`].
pub fn run(mut slice: TestSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let labels = LabelKey::derive(&slice.salt, &slice.owner, &slice.querier, slice.epoch, slice.family);
    let wanted = wanted(&slice.owner, &slice, &labels, bulk)?;
    let prefixes: Vec<u64> = wanted.keys().copied().collect();
    let mut hits = Vec::new();
    for segment in slice.segments.iter().skip(slice.done).take(SEGMENTS) {
        let bytes = read(segment, bulk)?;
        let reader = segment.0.reader(&bytes).map_err(|_| JobFailure::Corrupt)?;
        for prefix in merge_hits(&prefixes, reader).map_err(|_| JobFailure::Corrupt)? {
            if segment.0.kind == SegmentKind::Remove {
                if !slice.found.contains(&prefix) {
                    slice.gone.insert(prefix);
                }
            } else if !slice.gone.contains(&prefix) && slice.found.insert(prefix) {
                hits.extend(wanted.get(&prefix).into_iter().flatten().copied());
            }
        }
    }
    hits.truncate(HITS);
    slice.done = (slice.done + SEGMENTS).min(slice.segments.len());
    let complete = slice.done == slice.segments.len();
    let lost = if complete { lost(&slice, &wanted, bulk)? } else { Vec::new() };
    let TestSlice { owner, family, set_seq, .. } = slice;
    let found = Found::Hits { owner, family, set_seq, hits, lost, complete };
    let next = (!complete).then_some(Job::Test(slice));
    Ok(JobOutput { writes: Batch::default(), found, next })
}

/// Keys that were hits and are not in the set any more, by subject. What was claimed is left as it is.
fn lost(slice: &TestSlice, wanted: &Wanted, bulk: &dyn Bulk) -> Result<Vec<(SubjectId, Vec<u8>)>, JobFailure> {
    let is_lost = |prefix: &u64| if slice.whole { !slice.found.contains(prefix) } else { slice.gone.contains(prefix) };
    let mut subjects: BTreeMap<SubjectId, Vec<u8>> = BTreeMap::new();
    for (_, keys) in wanted.iter().filter(|(prefix, _)| is_lost(prefix)) {
        for (subject, position, _) in keys {
            subjects.entry(*subject).or_default().push(*position);
        }
    }
    let mut lost = Vec::new();
    for (subject, positions) in subjects {
        let Some((epoch, keys)) = idle_hit(slice, subject, bulk)? else { continue };
        // A hit of another epoch is not renewed by a set that lacks its key.
        let of_now = epoch == slice.epoch;
        let gone = keys.iter().map(|(position, _)| *position).filter(|position| !of_now || positions.contains(position));
        let gone: Vec<u8> = gone.collect();
        if !gone.is_empty() && (of_now || slice.whole) {
            lost.push((subject, gone));
        }
    }
    Ok(lost)
}

/// Epoch of a hit, and its keys by position.
type Idle = (Epoch, Vec<(u8, Tag)>);

/// A hit that nothing followed yet.
fn idle_hit(slice: &TestSlice, subject: SubjectId, bulk: &dyn Bulk) -> Result<Option<Idle>, JobFailure> {
    Ok(match slice.family {
        Family::Registered => {
            row_of::<HitRow>(bulk, &(subject, slice.owner))?.filter(|row| row.claim.is_none()).map(|row| (row.epoch, row.keys))
        }
        Family::Sought => row_of::<AskHit>(bulk, &(EntryId::from(subject).person(), slice.owner))?
            .filter(AskHit::is_idle)
            .map(|row| (row.epoch, row.keys)),
    })
}

fn wanted(owner: &MemberId, slice: &TestSlice, labels: &LabelKey, bulk: &dyn Bulk) -> Result<Wanted, JobFailure> {
    let mut wanted = Wanted::new();
    let prefix = queries_at(owner, slice.family);
    let until = prefix.after_prefix();
    let mut from = prefix;
    loop {
        let rows = bulk.rows(QueryRow::TREE, &from, until.as_ref(), PAGE)?;
        let last = rows.last().map(|(key, _)| key.clone());
        let full = rows.len() == PAGE;
        for (key, stored) in rows {
            let (_, _, subject) = QueryRow::id(&key).ok_or(ReadError::Damaged)?;
            let row = QueryRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
            // Tags of another epoch would match nothing: they are other random bytes.
            if row.epoch != slice.epoch {
                continue;
            }
            for (tag, position) in row.tags.iter().zip(0u8..) {
                wanted.entry(labels.prefix(tag)).or_default().push((subject, position, *tag));
            }
        }
        match last.filter(|_| full) {
            Some(key) => from = key.behind(),
            None => return Ok(wanted),
        }
    }
}
