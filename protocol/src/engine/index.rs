//! The owner's index: which entries are evaluated next, and the forgetting of what ran out.
//!
//! One wave of entries is indexed at a time, in slices; what waits stands in rows, so a restart repeats a wave. Sets are made of
//! it in `rounds`.

use crate::base::record::{Record, row_key};
use crate::base::{Epoch, MemberId, Millis, PersonId};
use crate::engine::batch::Batch;
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::job::{Job, JobClass, SweepSlice};
use crate::engine::jobs::index::{IndexWave, WAVE};
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage;
use crate::person::MatchMode;
use crate::private_match::owner::{EpochKey, IndexRow, IndexState, NextEpoch, PendingRow};
use crate::private_match::querier::AskedRow;
use crate::private_match::querier::WaitingRow;
use crate::private_match::{EntryId, EpochSecret, Family};

/// Entries that are queued for the next epoch in one step.
const QUEUED_A_STEP: usize = 64;
/// Entries that make a wave worth its while, where more are about to come.
const ENOUGH: u64 = WAVE as u64;

impl Engine {
    /// Starts the next wave of the index, if entries wait and none runs. The live epoch comes before the next one: whoever is
    /// registered is to be found soon.
    pub(super) fn continue_index<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.running.index {
            return Ok(());
        }
        let Some(state) = step.get::<IndexState>(&())? else { return Ok(()) };
        for family in Family::ALL {
            if family == Family::Registered && self.is_filling(step, &state)? {
                continue;
            }
            if state.of(family).pending > 0 && self.index_waiting(step, (state.epoch, family), true)? {
                return Ok(());
            }
            if state.of(family).removals > 0 && self.continue_removal(step, &state, family)? {
                return Ok(());
            }
        }
        match state.next {
            Some(next) if !next.filled && next.pending < ENOUGH => self.index_ahead(step, state, next),
            Some(next) if next.pending > 0 => self.index_next(step, next.epoch),
            _ => Ok(()),
        }
    }

    /// An import is going on: more rows may come within a thirtieth of an hour.
    pub(super) fn expect_more<V: View>(&mut self, step: &Step<'_, V>) {
        let hour = self.held.as_ref().map_or(Millis(0), |held| held.roster.pace.hour());
        self.running.filling_until = Some(step.wall() + Millis(hour.0 / 30));
    }

    /// Whether more people are about to come than wait: a wave of few costs nearly as much as one of many.
    fn is_filling<V: View>(&self, step: &mut Step<'_, V>, state: &IndexState) -> Result<bool, ReadError> {
        let pending = state.of(Family::Registered).pending;
        match self.running.filling_until.filter(|until| *until > step.wall() && (1..ENOUGH).contains(&pending)) {
            Some(until) => self.due_only(step, until, Due::Ahead).map(|()| true),
            None => Ok(false),
        }
    }

    /// Starts a wave of entries of either family that wait in the next epoch.
    fn index_next<V: View>(&mut self, step: &mut Step<'_, V>, epoch: Epoch) -> Result<(), ReadError> {
        for family in Family::ALL {
            if self.index_waiting(step, (epoch, family), false)? {
                break;
            }
        }
        Ok(())
    }

    /// Starts a wave of entries that wait in an epoch, live or next. False if none does.
    fn index_waiting<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        (epoch, family): (Epoch, Family),
        is_live: bool,
    ) -> Result<bool, ReadError> {
        // This step's own rows as well: the job runs after the commit, and what was just indexed waits no more.
        let pending = step.under::<PendingRow>(&row_key(PendingRow::KIND, &(epoch, family)), 1)?;
        let Some(key) = step.get::<EpochKey>(&epoch)?.filter(|_| !pending.is_empty()) else { return Ok(false) };
        let by = (self.me()?, linkage::profile_id());
        let wave = IndexWave::new(by, (epoch, EpochSecret::from_seed(*key.seed.expose())), family, is_live);
        self.running.index = true;
        self.running.start(step, JobFor::Index, JobClass::Build, Job::Index(Box::new(wave)));
        Ok(true)
    }

    /// Queues the entries behind the cursor for the next epoch, some in each step until a wave of them waits: the key that is
    /// announced is indexed before it counts.
    fn index_ahead<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        mut state: IndexState,
        mut next: NextEpoch,
    ) -> Result<(), ReadError> {
        let all = row_key(IndexRow::KIND, &());
        let from = match next.after.and_then(|entry| row_key(IndexRow::KIND, &entry).after_prefix()) {
            Some(behind) => behind,
            None => all.clone(),
        };
        let page = step.page::<IndexRow>(&from, all.after_prefix().as_ref(), QUEUED_A_STEP)?;
        next.filled = page.len() < QUEUED_A_STEP;
        next.after = page.last().map(|(entry, _)| *entry).or(next.after);
        for ((family, entry), row) in &page {
            let id = (next.epoch, *family, *entry);
            if row.mode != MatchMode::Off && step.get::<PendingRow>(&id)?.is_none() {
                step.put(&id, &PendingRow { turn: state.of(*family).generation, revised: false });
                next.pending += 1;
            }
        }
        state.next = Some(next);
        step.put(&(), &state);
        self.index_moved(step, &state)?;
        self.due_only(step, step.wall(), Due::Ahead)
    }

    /// A slice of the index is there. Entries are done with the last slices of their wave.
    pub(super) fn indexed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        (epoch, family): (Epoch, Family),
        (entries, is_last): (&[(EntryId, u64)], bool),
        suspects: &[(PersonId, PersonId)],
    ) -> Result<(), ReadError> {
        self.running.index = false;
        let Some(mut state) = step.get::<IndexState>(&())? else { return Err(ReadError::Damaged) };
        let is_next = state.next.is_some_and(|next| next.epoch == epoch);
        if state.epoch != epoch && !is_next {
            return Ok(());
        }
        self.running.index = !is_last;
        step.absorb(writes);
        let mut done = 0;
        for (entry, turn) in entries {
            let id = (epoch, family, *entry);
            // Queued again while the wave ran, under another household: it waits for another wave.
            if step.get::<PendingRow>(&id)?.is_some_and(|waiting| waiting.turn == *turn) {
                step.remove::<PendingRow>(&id);
                done += 1;
            }
        }
        if let Some(next) = state.next.as_mut().filter(|_| is_next) {
            // Who shares a key was seen in the live epoch.
            next.pending = next.pending.saturating_sub(done);
            step.put(&(), &state);
            return self.index_moved(step, &state);
        }
        let index = state.of_mut(family);
        index.pending = index.pending.saturating_sub(done);
        step.put(&(), &state);
        self.file_suspects(step, suspects)?;
        if is_last && state.of(family).pending == 0 {
            self.running.look_at_builds = true;
            step.notify(NoticeCode::IndexReady, None, u64::from(epoch.0));
        }
        Ok(())
    }

    /// Rows of a member that was shut out, deleted in slices; they are invisible already.
    pub(super) fn sweep_member<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) {
        if Self::drop_answers(step, member).is_err() {
            step.notify(NoticeCode::Damaged, Some(*member), 12);
        }
        for lane in [Lane::Eval, Lane::Set, Lane::Bag] {
            let from = row_key(1, &(*member, lane.number()));
            self.sweep(step, crate::base::record::Tree::Outbox, from);
        }
        let waiting = row_key(WaitingRow::KIND, member);
        self.sweep(step, crate::base::record::Tree::Queries, waiting);
    }

    /// Sets the next time of forgetting: the end of this day, the same timer however often it is set.
    pub(super) fn plan_forgetting<V: View>(&self, step: &mut Step<'_, V>) {
        let day = self.held.as_ref().map_or(86_400_000, |held| held.roster.pace.day().0).max(60_000);
        let end = (step.wall().0 / day).saturating_add(1).saturating_mul(day);
        self.due(step, crate::base::Timestamp(end), Due::Forget);
    }

    /// Forgets messages that ran out, once a day: a message beyond its life is refused before its id is looked up.
    pub(super) fn forget_expired<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        self.plan_forgetting(step);
        let slice = SweepSlice {
            tree: crate::base::record::Tree::Seen,
            from: crate::base::record::RowKey::default(),
            until: None,
            expired: Some(step.wall().seconds()),
        };
        self.running.start(step, JobFor::Sweep, JobClass::Build, Job::Sweep(slice));
        let asked = row_key(AskedRow::KIND, &());
        let slice = SweepSlice {
            tree: crate::base::record::Tree::Queries,
            until: asked.after_prefix(),
            from: asked,
            expired: Some(step.wall().seconds()),
        };
        self.running.start(step, JobFor::Sweep, JobClass::Build, Job::Sweep(slice));
        Ok(())
    }

    fn sweep<V: View>(&mut self, step: &mut Step<'_, V>, tree: crate::base::record::Tree, from: crate::base::record::RowKey) {
        let until = from.after_prefix();
        let slice = SweepSlice { tree, from, until, expired: None };
        self.running.start(step, JobFor::Sweep, JobClass::Build, Job::Sweep(slice));
    }
}
