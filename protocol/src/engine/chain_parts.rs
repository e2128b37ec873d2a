//! The rows of a chain of sets, at the owner who offers it and at the querier who holds it: read in their order, dropped with
//! their files.

use crate::base::record::Record;
use crate::base::{BlobId, MemberId};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::manifest::{SegmentInfo, SetManifest};
use crate::private_match::owner::{SetPart, segments_of};
use crate::private_match::querier::HeldPart;

/// One set of a chain, by its member, family and number.
pub(super) trait ChainPart: Record<Id = (MemberId, Family, u64)> {
    /// Its manifest, and its segments' files in order.
    fn parts(&self) -> (&SetManifest, &[BlobId]);
}

impl ChainPart for SetPart {
    fn parts(&self) -> (&SetManifest, &[BlobId]) {
        (&self.manifest, &self.segments)
    }
}

impl ChainPart for HeldPart {
    fn parts(&self) -> (&SetManifest, &[BlobId]) {
        (&self.manifest, &self.segments)
    }
}

/// Segments of some sets of a chain, with their files.
pub(super) fn segments<P: ChainPart, V: View>(
    step: &Step<'_, V>,
    (member, family): (MemberId, Family),
    numbers: impl Iterator<Item = u64>,
) -> Result<Vec<(SegmentInfo, BlobId)>, ReadError> {
    let mut segments = Vec::new();
    for set_seq in numbers {
        let part = step.get::<P>(&(member, family, set_seq))?.ok_or(ReadError::Damaged)?;
        let (manifest, files) = part.parts();
        segments.extend(segments_of(manifest, files));
    }
    Ok(segments)
}

/// Drops some sets of a chain.
pub(super) fn drop_parts<P: ChainPart, V: View>(
    step: &mut Step<'_, V>,
    (member, family): (MemberId, Family),
    numbers: impl Iterator<Item = u64>,
) -> Result<(), ReadError> {
    for set_seq in numbers {
        let id = (member, family, set_seq);
        let Some(part) = step.get::<P>(&id)? else { continue };
        for file in part.parts().1 {
            step.drop_blob(*file);
        }
        step.remove::<P>(&id);
    }
    Ok(())
}
