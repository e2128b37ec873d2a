//! The owner's index and the sets made of it: which job runs next.
//!
//! One index slice and one build run at a time; both go on from rows, so a restart only repeats a slice.

use crate::base::record::{Record, row_key};
use crate::base::{Epoch, MemberId, Millis, PersonId, Sensitive, Timestamp};
use crate::engine::batch::Batch;
use crate::engine::core::{Engine, JobFor};
use crate::engine::effect::NoticeCode;
use crate::engine::job::{IndexSlice, Job, JobClass, SweepSlice};
use crate::engine::rows::{Due, Lane};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage;
use crate::person::MatchMode;
use crate::private_match::build::{Phase, SetBuild};
use crate::private_match::household::CutRow;
use crate::private_match::manifest::{SetKind, SetManifest};
use crate::private_match::owner::{EpochKey, IndexRow, IndexState, NextEpoch, PendingRow, SetOut};
use crate::private_match::querier::AskedRow;
use crate::private_match::querier::WaitingRow;
use crate::private_match::runs::Cursor;
use crate::private_match::{EntryId, EpochSecret, Family};

/// Entries of one index slice: 48 tag rows each stay within a batch.
const ENTRIES_A_SLICE: usize = 12;

impl Engine {
    /// Starts the next index slice, if entries wait and none runs. The live epoch comes before the next one: whoever is
    /// registered is to be found soon.
    pub(super) fn continue_index<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.running.index {
            return Ok(());
        }
        let Some(state) = step.get::<IndexState>(&())? else { return Ok(()) };
        for family in Family::ALL {
            if state.of(family).pending > 0 && self.index_waiting(step, state.epoch, family)? {
                return Ok(());
            }
            if state.of(family).removals > 0 && self.continue_removal(step, &state, family)? {
                return Ok(());
            }
        }
        match state.next {
            Some(next) if next.pending > 0 && self.index_next(step, next.epoch)? => Ok(()),
            Some(next) if !next.filled => self.index_ahead(step, state, next),
            _ => Ok(()),
        }
    }

    /// Starts a slice of entries of either family that wait in the next epoch. False if none does.
    fn index_next<V: View>(&mut self, step: &mut Step<'_, V>, epoch: Epoch) -> Result<bool, ReadError> {
        for family in Family::ALL {
            if self.index_waiting(step, epoch, family)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Starts a slice of entries that wait in an epoch. False if none does.
    fn index_waiting<V: View>(&mut self, step: &mut Step<'_, V>, epoch: Epoch, family: Family) -> Result<bool, ReadError> {
        // This step's own rows as well: the job runs after the commit, and what was just indexed waits no more.
        let pending = step.under::<PendingRow>(&row_key(PendingRow::KIND, &(epoch, family)), ENTRIES_A_SLICE)?;
        let entries: Vec<(EntryId, PendingRow)> = pending.into_iter().map(|((_, _, entry), row)| (entry, row)).collect();
        self.start_slice(step, epoch, family, entries)
    }

    /// Queues the entries behind the cursor for the next epoch, a slice at a time: the key that is announced is indexed
    /// before it counts.
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
        let page = step.page::<IndexRow>(&from, all.after_prefix().as_ref(), ENTRIES_A_SLICE)?;
        next.filled = page.len() < ENTRIES_A_SLICE;
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
        if next.pending > 0 {
            self.index_next(step, next.epoch)?;
        }
        Ok(())
    }

    fn start_slice<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        epoch: Epoch,
        family: Family,
        entries: Vec<(EntryId, PendingRow)>,
    ) -> Result<bool, ReadError> {
        let Some(key) = step.get::<EpochKey>(&epoch)? else { return Ok(false) };
        if entries.is_empty() {
            return Ok(false);
        }
        self.running.index = true;
        let slice = IndexSlice {
            owner: self.me()?,
            epoch,
            secret: EpochSecret::from_seed(*key.seed.expose()),
            family,
            entries,
            profile: linkage::profile_id(),
            also: None,
        };
        self.running.start(step, JobFor::Index, JobClass::Build, Job::Index(slice));
        Ok(true)
    }

    /// A slice of the index is there.
    pub(super) fn indexed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        (epoch, family): (Epoch, Family),
        entries: &[(EntryId, u64)],
        suspects: &[(PersonId, PersonId)],
    ) -> Result<(), ReadError> {
        self.running.index = false;
        let Some(mut state) = step.get::<IndexState>(&())? else { return Err(ReadError::Damaged) };
        let is_next = state.next.is_some_and(|next| next.epoch == epoch);
        if state.epoch != epoch && !is_next {
            return Ok(());
        }
        step.absorb(writes);
        let mut done = 0;
        for (entry, turn) in entries {
            let id = (epoch, family, *entry);
            // Queued again while the slice ran, under another household: it waits for another slice.
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
        if state.of(family).pending == 0 {
            self.running.look_at_builds = true;
            step.notify(NoticeCode::IndexReady, None, u64::from(epoch.0));
        }
        Ok(())
    }

    /// Starts the build of a peer's set where the index moved on and its time has come.
    pub(super) fn continue_builds<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.running.build.is_some() || !self.running.look_at_builds || !self.may_exchange() {
            return Ok(());
        }
        self.running.look_at_builds = false;
        let (Some(held), Some(state)) = (&self.held, step.get::<IndexState>(&())?) else { return Ok(()) };
        let delta = held.roster.pace.delta;
        let mut earliest: Option<Timestamp> = None;
        for family in Family::ALL {
            // Own duplicates are linked first: until then a person registered twice loses all shared keys. A locked node
            // cannot compare and does not wait.
            let waits = family == Family::Registered && self.records_open && self.has_suspects(step)?;
            if waits || !state.of(family).is_settled() {
                continue;
            }
            for peer in self.peers() {
                let out = step.get::<SetOut>(&(peer, family))?.unwrap_or_else(SetOut::none);
                if out.manifest.is_some() && out.generation == state.of(family).generation {
                    continue;
                }
                // After a roll a set of the last epoch is worth nothing more.
                let is_current = out.manifest.as_ref().is_some_and(|manifest| manifest.epoch == state.epoch);
                let at = if is_current { out.built_at + delta } else { step.wall() };
                if at <= step.wall() {
                    return self.start_build(step, (peer, family), &state, &out);
                }
                earliest = Some(earliest.map_or(at, |least| least.min(at)));
            }
        }
        if let Some(at) = earliest {
            self.due(step, at, Due::Build);
        }
        Ok(())
    }

    fn start_build<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        id: (MemberId, Family),
        state: &IndexState,
        out: &SetOut,
    ) -> Result<(), ReadError> {
        let (peer, family) = id;
        let generation = state.of(family).generation;
        if let Some(running) = step.get::<SetBuild>(&id)?
            && running.generation == generation
            && running.phase != Phase::Done
        {
            self.running.build = Some(id);
            self.running.start(step, JobFor::Build(peer, family), JobClass::Build, Job::Build(Box::new(running)));
            return Ok(());
        }
        // A chain is of one epoch; the salt stays within it (protocol.md 3.9).
        let chain = out.manifest.as_ref().filter(|manifest| manifest.epoch == state.epoch);
        let build = SetBuild {
            owner: self.me()?,
            peer,
            family,
            epoch: state.epoch,
            set_seq: chain.map_or(1, |manifest| manifest.set_seq + 1),
            generation,
            salt: chain.map_or_else(|| step.draw.bytes(), |manifest| *manifest.salt.expose()),
            pad_seed: Sensitive::new(step.draw.bytes()),
            seed: step.draw.bytes(),
            files: 0,
            phase: Phase::Scan,
            after: Vec::new(),
            real: 0,
            unique: 0,
            dummies: 0,
            dummy_counter: 0,
            total: 0,
            written: 0,
            runs: Vec::new(),
            cursor: Cursor::start(0),
            segments: Vec::new(),
            cut: 0,
        };
        step.put(&id, &build);
        self.running.build = Some(id);
        self.running.start(step, JobFor::Build(peer, family), JobClass::Build, Job::Build(Box::new(build)));
        Ok(())
    }

    /// A slice of a build is there; the last one publishes the set.
    pub(super) fn built<V: View>(&mut self, step: &mut Step<'_, V>, writes: Batch, state: SetBuild) -> Result<(), ReadError> {
        let id = (state.peer, state.family);
        step.absorb(writes);
        if state.phase != Phase::Done {
            step.put(&id, &state);
            return Ok(());
        }
        self.running.build = None;
        self.running.look_at_builds = true;
        step.remove::<SetBuild>(&id);
        for run in &state.runs {
            step.drop_blob(*run);
        }
        let live = step.get::<IndexState>(&())?.is_some_and(|index| index.epoch == state.epoch);
        let Some(key) = step.get::<EpochKey>(&state.epoch)?.filter(|_| live) else {
            // The epoch rolled while it was built.
            for (_, segment) in &state.segments {
                step.drop_blob(*segment);
            }
            return Ok(());
        };
        let old = step.get::<SetOut>(&id)?.unwrap_or_else(SetOut::none);
        for segment in &old.segments {
            step.drop_blob(*segment);
        }
        let is_first = old.manifest.as_ref().is_none_or(|manifest| manifest.epoch != state.epoch);
        let next_due = step.wall() + self.held.as_ref().map_or(Millis::days(1), |held| held.roster.pace.delta);
        let manifest = SetManifest {
            family: state.family,
            epoch: state.epoch,
            profile: linkage::profile_id(),
            set_seq: state.set_seq,
            prev_manifest_hash: if is_first { [0; 32] } else { old.manifest_hash },
            kind: SetKind::Base,
            base_seq: state.set_seq,
            voprf_pk: key.public,
            salt: Sensitive::new(state.salt),
            prefix_bits: crate::private_match::manifest::PREFIX_BITS,
            adds_count: state.total,
            removes_count: 0,
            segments: state.segments.iter().map(|(info, _)| info.clone()).collect(),
            next_due: next_due.deadline_seconds(),
        };
        let out = SetOut {
            manifest_hash: manifest.hash(),
            manifest: Some(manifest),
            segments: state.segments.iter().map(|(_, blob)| *blob).collect(),
            generation: state.generation,
            built_at: step.wall(),
            confirmed_seq: if is_first { 0 } else { old.confirmed_seq },
        };
        step.put(&id, &out);
        if state.family == Family::Registered { Self::count_cut(step, &state) } else { Ok(()) }
    }

    /// Remembers what the cut left out, and says once that it is too much.
    fn count_cut<V: View>(step: &mut Step<'_, V>, state: &SetBuild) -> Result<(), ReadError> {
        let was_over = step.get::<CutRow>(&())?.is_some_and(|row| row.over);
        let row = CutRow::of(state.cut, state.real + state.cut);
        if row.over && !was_over {
            step.notify(NoticeCode::KeysCut, None, row.cut.saturating_mul(1_000) / row.keys.max(1));
        }
        step.put(&(), &row);
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
