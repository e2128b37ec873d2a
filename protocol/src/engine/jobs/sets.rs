//! Reading the segments of a set from their files, for the jobs that stream one.

use crate::base::{BlobId, limits};
use crate::engine::job::JobFailure;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::delta::Presence;
use crate::private_match::manifest::SegmentInfo;

/// A segment with its file.
pub type Stored = (SegmentInfo, BlobId);

/// Segments of one slice: some 30 ms.
const SEGMENTS: usize = 32;

/// Looks for prefixes in the next segments of a set, behind the first `done`, which moves on. True at the set's end.
///
/// # Errors
/// Those of [`read`], and [`JobFailure::Corrupt`].
pub fn look(presence: &mut Presence, set: &[Stored], done: &mut usize, bulk: &dyn Bulk) -> Result<bool, JobFailure> {
    for segment in set.iter().skip(*done).take(SEGMENTS) {
        let bytes = read(segment, bulk)?;
        let reader = segment.0.reader(&bytes).map_err(|_| JobFailure::Corrupt)?;
        presence.take(segment.0.kind, reader).map_err(|_| JobFailure::Corrupt)?;
    }
    *done = (*done + SEGMENTS).min(set.len());
    Ok(*done == set.len())
}

/// The bytes of a segment.
///
/// # Errors
/// [`JobFailure::Corrupt`] if it would be longer than any segment, [`JobFailure::Read`] if the file is not that long.
pub fn read(segment: &Stored, bulk: &dyn Bulk) -> Result<Vec<u8>, JobFailure> {
    let (info, blob) = segment;
    let length = usize::try_from(info.len).map_err(|_| JobFailure::Corrupt)?;
    if length > limits::SEGMENT_MESSAGE_BYTES {
        return Err(JobFailure::Corrupt);
    }
    let mut bytes = vec![0u8; length];
    if bulk.read_blob(*blob, 0, &mut bytes)? != length {
        return Err(JobFailure::Read(ReadError::Damaged));
    }
    Ok(bytes)
}
