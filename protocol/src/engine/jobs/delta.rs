//! Makes one peer's delta of a round's list of changes (protocol.md 3.9).
//!
//! Which of the prefixes are in the peer's set is looked up by streaming its segments, so that what is shipped fits it
//! exactly. The slices hold the prefixes of the list, never the set; nothing of them is stored before the last, and a crash
//! begins again.

use crate::engine::batch::Batch;
use crate::engine::job::{DeltaSlice, Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::round::read_changes;
use crate::engine::jobs::sets::look;
use crate::engine::view::Bulk;
use crate::private_match::delta::{Labels, Lists, Presence};
use crate::private_match::label::LabelKey;
use crate::private_match::manifest::{SegmentInfo, SegmentKind};
use crate::private_match::padding::Dummies;
use crate::private_match::set::SetCorrupt;

/// What a delta is made of, looked up as far as the slices came.
pub struct Wanted {
    labels: Labels,
    presence: Presence,
}

/// One slice.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut slice: DeltaSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let dummies = Dummies::new(slice.pad_seed.clone(), 0);
    let dummy = |counter| dummies.candidate(counter);
    if slice.wanted.is_none() {
        let labels = labels(&slice, bulk)?;
        let presence = Presence::of(slice.backing.candidates(&labels, slice.counts, dummy));
        slice.wanted = Some(Wanted { labels, presence });
    }
    let Some(wanted) = slice.wanted.as_mut() else { return Err(JobFailure::Corrupt) };
    let complete = look(&mut wanted.presence, &slice.held, &mut slice.done, bulk)?;
    let mut writes = Batch::default();
    let (peer, family, round) = (slice.peer, slice.family, slice.round);
    if !complete {
        let found = Found::Delta { peer, family, round, made: None };
        return Ok(JobOutput { writes, found, next: Some(Job::Delta(Box::new(slice))) });
    }
    let made = slice.backing.delta(&wanted.labels, slice.counts, dummy, &wanted.presence);
    let made = match made {
        Ok(lists) => {
            let mut segments = Vec::new();
            for (info, bytes) in tiles(&lists).map_err(|_| JobFailure::Corrupt)? {
                let file = slice.files.add();
                writes.blobs.push((file, bytes));
                segments.push((info, file));
            }
            Ok((segments, slice.backing))
        }
        Err(unfit) => Err(unfit),
    };
    Ok(JobOutput { writes, found: Found::Delta { peer, family, round, made: Some(Box::new(made)) }, next: None })
}

fn tiles(lists: &Lists) -> Result<Vec<(SegmentInfo, Vec<u8>)>, SetCorrupt> {
    let mut tiles = SegmentInfo::tile(SegmentKind::Add, &lists.adds)?;
    tiles.extend(SegmentInfo::tile(SegmentKind::Remove, &lists.removes)?);
    Ok(tiles)
}

/// The labels that this peer sees from now on, and those that it does not see any more. What is hidden from it before and
/// after counts for the class alone.
fn labels(slice: &DeltaSlice, bulk: &dyn Bulk) -> Result<Labels, JobFailure> {
    let key = LabelKey::derive(&slice.salt, &slice.owner, &slice.peer, slice.epoch, slice.family);
    let mut labels = Labels::default();
    for change in read_changes(&slice.changes, bulk)? {
        let seen = |audience: &Option<crate::person::Audience>| audience.as_ref().is_some_and(|all| all.admits(&slice.peer));
        match (seen(&change.before), seen(&change.after)) {
            (false, true) => labels.come.push(key.prefix(&change.tag)),
            (true, false) => labels.go.push(key.prefix(&change.tag)),
            _ => {}
        }
    }
    Ok(labels)
}
