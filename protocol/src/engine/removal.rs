//! Taking an entry out of the index: invisible at once, its tags removed by a job.
//!
//! A claim looks at the index row, which says `off` from the step that removes the person; sets are built again when the
//! tags are gone. Removals wait until nobody waits to be indexed, so that no job writes a tag that another has removed.

use crate::base::Epoch;
use crate::base::record::{Record, row_key};
use crate::engine::batch::Batch;
use crate::engine::core::{Engine, JobFor};
use crate::engine::job::{Job, JobClass};
use crate::engine::jobs::removal::Removal;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage;
use crate::person::MatchMode;
use crate::private_match::owner::{EpochKey, IndexRow, IndexState, RemovalRow};
use crate::private_match::{EntryId, EpochSecret, Family};

/// Entries of one removal: their keys are evaluated in one slice.
const ENTRIES_A_REMOVAL: usize = 12;

impl Engine {
    /// Takes an entry out of its family's index. What it stands for stays, for candidates that are under way.
    pub(super) fn unindex<V: View>(&mut self, step: &mut Step<'_, V>, family: Family, entry: EntryId) -> Result<(), ReadError> {
        let id = (family, entry);
        let Some(mut row) = step.get::<IndexRow>(&id)? else { return Ok(()) };
        if step.get::<RemovalRow>(&id)?.is_some() {
            return Ok(());
        }
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        let index = state.of_mut(family);
        index.entries = index.entries.saturating_sub(1);
        index.removals += 1;
        index.generation += 1;
        row.mode = MatchMode::Off;
        step.put(&id, &row);
        step.put(&id, &RemovalRow {});
        step.put(&(), &state);
        if family == Family::Registered { self.forget_asking(step, entry.person()) } else { Ok(()) }
    }

    /// Starts the next removal; called where no entry of the family waits to be indexed. False if none waits for it.
    pub(super) fn continue_removal<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        state: &IndexState,
        family: Family,
    ) -> Result<bool, ReadError> {
        let waiting = step.under::<RemovalRow>(&row_key(RemovalRow::KIND, &family), ENTRIES_A_REMOVAL)?;
        let entries: Vec<EntryId> = waiting.into_iter().map(|((_, entry), _)| entry).collect();
        let Some(key) = step.get::<EpochKey>(&state.epoch)? else { return Ok(false) };
        if entries.is_empty() {
            return Ok(false);
        }
        let also = match state.next {
            Some(next) => step.get::<EpochKey>(&next.epoch)?.map(|key| (next.epoch, EpochSecret::from_seed(*key.seed.expose()))),
            None => None,
        };
        self.running.index = true;
        let live = (state.epoch, EpochSecret::from_seed(*key.seed.expose()));
        let removal = Removal::new((self.me()?, linkage::profile_id()), family, entries, live, also);
        self.running.start(step, JobFor::Index, JobClass::Build, Job::Unindex(Box::new(removal)));
        Ok(true)
    }

    /// A removal slice is there.
    pub(super) fn unindexed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        (epoch, family): (Epoch, Family),
        (entries, is_last): (u64, bool),
    ) -> Result<(), ReadError> {
        self.running.index = false;
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        if state.epoch != epoch {
            return Ok(());
        }
        self.running.index = !is_last;
        step.absorb(writes);
        let index = state.of_mut(family);
        index.removals = index.removals.saturating_sub(entries);
        step.put(&(), &state);
        if is_last && state.of(family).removals == 0 {
            self.running.look_at_builds = true;
        }
        Ok(())
    }
}
