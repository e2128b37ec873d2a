//! Removes the tags of entries that left the index, and what the private match kept of them.
//!
//! The tags are evaluated once more, since only that leads from a key to its page; a tag that is not there is no error. The
//! entries' own rows go with the last slice, so a crash repeats the removal.

use crate::base::{Epoch, MemberId, ProfileId};
use crate::engine::batch::{Batch, Op};
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::index::read;
use crate::engine::jobs::tags::apply;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, RemovalRow};
use crate::private_match::tag_page::{Spot, TagChange};
use crate::private_match::{EntryId, EpochSecret, Family};

/// Removes entries from the index.
pub struct Removal {
    owner: MemberId,
    profile: ProfileId,
    family: Family,
    entries: Vec<EntryId>,
    /// The live epoch, and the next one where it is indexed already.
    epochs: Vec<(Epoch, EpochSecret)>,
    /// What is to be removed of each epoch; none before the first slice.
    spots: Option<Vec<(Epoch, Vec<TagChange>)>>,
}

impl Removal {
    /// A removal that has not begun: of a few entries, from the live epoch and from `also`, if that is indexed already.
    #[must_use]
    pub fn new(
        (owner, profile): (MemberId, ProfileId),
        family: Family,
        entries: Vec<EntryId>,
        live: (Epoch, EpochSecret),
        also: Option<(Epoch, EpochSecret)>,
    ) -> Self {
        let epochs = core::iter::once(live).chain(also).collect();
        Self { owner, profile, family, entries, epochs, spots: None }
    }

    fn evaluate(&self, bulk: &dyn Bulk) -> Result<Vec<(Epoch, Vec<TagChange>)>, ReadError> {
        let mut spots: Vec<(Epoch, Vec<Spot>)> = self.epochs.iter().map(|(epoch, _)| (*epoch, Vec::new())).collect();
        for entry in &self.entries {
            let Some(row) = read::<IndexRow>(bulk, &(self.family, *entry))? else { continue };
            for input in inputs_of(&self.profile, &self.owner, &row.keys) {
                for ((_, secret), (_, spots)) in self.epochs.iter().zip(&mut spots) {
                    spots.push((tag(&secret.evaluate(input.expose())).0, *entry));
                }
            }
        }
        let ordered = |mut spots: Vec<Spot>| {
            spots.sort_unstable();
            spots.dedup();
            spots.into_iter().map(TagChange::Remove).collect()
        };
        Ok(spots.into_iter().map(|(epoch, spots)| (epoch, ordered(spots))).collect())
    }
}

/// One slice: the tags are evaluated, or some are removed.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut removal: Box<Removal>, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut spots = match removal.spots.take() {
        Some(spots) => spots,
        None => removal.evaluate(bulk)?,
    };
    let mut writes = Batch::default();
    for (epoch, changes) in &mut spots {
        let done = apply(bulk, (*epoch, removal.family), changes, &mut writes)?;
        changes.drain(..done.min(changes.len()));
    }
    let is_last = spots.iter().all(|(_, changes)| changes.is_empty());
    let epoch = removal.epochs.first().map_or(Epoch(0), |(epoch, _)| *epoch);
    let entries = if is_last { removal.entries.len() as u64 } else { 0 };
    let found = Found::Unindexed { epoch, family: removal.family, entries, is_last };
    if is_last {
        for entry in &removal.entries {
            let id = (removal.family, *entry);
            writes.ops.push(Op::remove::<IndexRow>(&id));
            writes.ops.push(Op::remove::<RemovalRow>(&id));
        }
        return Ok(JobOutput { writes, found, next: None });
    }
    removal.spots = Some(spots);
    Ok(JobOutput { writes, found, next: Some(Job::Unindex(removal)) })
}
