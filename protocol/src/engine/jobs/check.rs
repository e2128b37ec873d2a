//! Checks a delta that came whole against the set that it changes: nothing that it adds is there, everything that it removes
//! is (protocol.md 3.4). The set is streamed in slices; memory holds the delta's prefixes.

use crate::engine::batch::Batch;
use crate::engine::job::{DeltaCheck, Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::sets::{Stored, look, read};
use crate::engine::view::Bulk;
use crate::private_match::delta::Presence;
use crate::private_match::manifest::SegmentKind;

/// One slice.
///
/// # Errors
/// [`JobFailure::Read`]; a delta that does not fit is a result, not a failure.
pub fn run(mut check: DeltaCheck, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    if check.lists.is_none() {
        let adds = prefixes(&check.delta, SegmentKind::Add, bulk)?;
        let removes = prefixes(&check.delta, SegmentKind::Remove, bulk)?;
        let presence = Presence::of(adds.iter().chain(&removes).copied().collect());
        check.lists = Some((adds, removes, presence));
    }
    let Some((adds, removes, presence)) = check.lists.as_mut() else { return Err(JobFailure::Corrupt) };
    let complete = look(presence, &check.held, &mut check.done, bulk)?;
    // SE-6.
    let fits = complete.then(|| presence.fits(adds, removes));
    let found = Found::Checked { owner: check.owner, family: check.family, manifest_hash: check.manifest_hash, fits };
    let next = (!complete).then(|| Job::Check(Box::new(check)));
    Ok(JobOutput { writes: Batch::default(), found, next })
}

fn prefixes(segments: &[Stored], kind: SegmentKind, bulk: &dyn Bulk) -> Result<Vec<u64>, JobFailure> {
    let mut all = Vec::new();
    for segment in segments.iter().filter(|(info, _)| info.kind == kind) {
        let bytes = read(segment, bulk)?;
        for prefix in segment.0.reader(&bytes).map_err(|_| JobFailure::Corrupt)? {
            all.push(prefix.map_err(|_| JobFailure::Corrupt)?);
        }
    }
    Ok(all)
}
