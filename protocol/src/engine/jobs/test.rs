//! Tests the cached tags at one owner against its set: labels are derived, sorted and joined with the segments' stream.

use std::collections::BTreeMap;

use crate::base::record::{Record, RowKey};
use crate::base::{MemberId, SubjectId};
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput, TestSlice};
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::label::{LabelKey, Tag};
use crate::private_match::querier::{QueryRow, queries_at};
use crate::private_match::set::merge_hits;

/// Segments of one slice.
const SEGMENTS: usize = 8;
/// Rows read at once.
const PAGE: usize = 256;
/// Bytes of the largest segment.
const SEGMENT_BYTES: usize = crate::base::limits::SEGMENT_MESSAGE_BYTES;
/// Hits of one slice. A thousand people who are all found at one owner give some 40,000; only a set that is not honest has
/// more in eight segments.
const HITS: usize = 64 * 1024;

/// A tag of a subject, by the prefix of its label.
type Wanted = BTreeMap<u64, Vec<(SubjectId, u8, Tag)>>;

/// One slice of up to eight segments.
///
/// # Errors
/// [`JobFailure::Read`] or [`JobFailure::Corrupt`].
pub fn run(mut slice: TestSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let labels = LabelKey::derive(&slice.salt, &slice.owner, &slice.querier, slice.epoch, slice.family);
    let wanted = wanted(&slice.owner, &slice, &labels, bulk)?;
    let prefixes: Vec<u64> = wanted.keys().copied().collect();
    let mut hits = Vec::new();
    for (info, blob) in slice.segments.iter().skip(slice.done).take(SEGMENTS) {
        let length = usize::try_from(info.len).map_err(|_| JobFailure::Corrupt)?;
        if length > SEGMENT_BYTES {
            return Err(JobFailure::Corrupt);
        }
        let mut bytes = vec![0u8; length];
        if bulk.read_blob(*blob, 0, &mut bytes)? != length {
            return Err(JobFailure::Read(ReadError::Damaged));
        }
        let reader = info.reader(&bytes).map_err(|_| JobFailure::Corrupt)?;
        for prefix in merge_hits(&prefixes, reader).map_err(|_| JobFailure::Corrupt)? {
            hits.extend(wanted.get(&prefix).into_iter().flatten().copied());
        }
    }
    hits.truncate(HITS);
    slice.done = (slice.done + SEGMENTS).min(slice.segments.len());
    let complete = slice.done == slice.segments.len();
    let found = Found::Hits { owner: slice.owner, family: slice.family, set_seq: slice.set_seq, hits, complete };
    let next = (!complete).then_some(Job::Test(slice));
    Ok(JobOutput { writes: Batch::default(), found, next })
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
            Some(RowKey(mut key)) => {
                key.push(0);
                from = RowKey(key);
            }
            None => return Ok(wanted),
        }
    }
}
