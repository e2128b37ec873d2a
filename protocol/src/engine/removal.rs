//! Taking a person out of the index: invisible at once, its tags removed by a job.
//!
//! A claim looks at the index row, which says `off` from the step that removes the person; sets are built again when the
//! tags are gone. Removals wait until nobody waits to be indexed, so that no job writes a tag that another has removed.

use crate::base::record::{Record, row_key};
use crate::base::{Epoch, PersonId};
use crate::engine::batch::Batch;
use crate::engine::core::{Engine, JobFor};
use crate::engine::job::{IndexSlice, Job, JobClass};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage;
use crate::person::MatchMode;
use crate::private_match::EpochSecret;
use crate::private_match::owner::{EpochKey, IndexRow, IndexState, PendingRow, RemovalRow};

/// People of one slice: the keys of 48 tag rows each stay within a batch.
const PEOPLE_A_SLICE: usize = 12;

impl Engine {
    /// Takes a person out of the index. Its record stays, for candidates that are under way.
    pub(super) fn unindex<V: View>(&mut self, step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        let Some(mut row) = step.get::<IndexRow>(&person)? else { return Ok(()) };
        if step.get::<RemovalRow>(&person)?.is_some() {
            return Ok(());
        }
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        state.people = state.people.saturating_sub(1);
        state.removals += 1;
        state.generation += 1;
        row.mode = MatchMode::Off;
        step.put(&person, &row);
        step.put(&person, &RemovalRow {});
        step.put(&(), &state);
        Ok(())
    }

    /// Starts the next removal slice, if people wait for it; called where nobody waits to be indexed.
    pub(super) fn continue_removal<V: View>(&mut self, step: &mut Step<'_, V>, state: &IndexState) -> Result<(), ReadError> {
        if state.removals == 0 {
            return Ok(());
        }
        let waiting = step.under::<RemovalRow>(&row_key(RemovalRow::KIND, &()), PEOPLE_A_SLICE)?;
        let people: Vec<_> = waiting.into_iter().map(|(person, _)| (person, PendingRow::default())).collect();
        let Some(key) = step.get::<EpochKey>(&state.epoch)? else { return Ok(()) };
        if people.is_empty() {
            return Ok(());
        }
        let also = match state.next {
            Some(next) => step.get::<EpochKey>(&next.epoch)?.map(|key| (next.epoch, EpochSecret::from_seed(*key.seed.expose()))),
            None => None,
        };
        self.running.index = true;
        let slice = IndexSlice {
            owner: self.me()?,
            epoch: state.epoch,
            secret: EpochSecret::from_seed(*key.seed.expose()),
            people,
            profile: linkage::profile_id(),
            also,
        };
        self.running.start(step, JobFor::Index, JobClass::Build, Job::Unindex(slice));
        Ok(())
    }

    /// A removal slice is there.
    pub(super) fn unindexed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        epoch: Epoch,
        people: u64,
    ) -> Result<(), ReadError> {
        self.running.index = false;
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        if state.epoch != epoch {
            return Ok(());
        }
        step.absorb(writes);
        state.removals = state.removals.saturating_sub(people);
        step.put(&(), &state);
        if state.removals == 0 {
            self.running.look_at_builds = true;
        }
        Ok(())
    }
}
