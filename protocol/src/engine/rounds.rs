//! The owner's rounds: once a day a snapshot of its tags, and of it every peer's delta or base (protocol.md 2.3, 3.9).
//!
//! A round begins whether or not something changed, and all peers get theirs of the same snapshot, so neither the time nor
//! the size of a set tells that something was added. One job of a round runs at a time; each goes on from rows, so a restart
//! repeats a slice, or one peer's delta. A peer that is new, or whose chain does not stand at the last round, gets a base.

use crate::base::{Epoch, MemberId, Millis, Sensitive, Timestamp};
use crate::engine::batch::Batch;
use crate::engine::chain_parts::{drop_parts, segments};
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::job::{DeltaMade, DeltaSlice, Job, JobClass};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage;
use crate::private_match::Family;
use crate::private_match::build::{Beginning, Phase, SetBuild};
use crate::private_match::delta::{Backing, Counts, Unfit};
use crate::private_match::household::CutRow;
use crate::private_match::manifest::{PREFIX_BITS, SegmentInfo, SegmentKind, SetKind, SetManifest};
use crate::private_match::owner::{EpochKey, IndexState, SetOut, SetPart};
use crate::private_match::padding::{Change, delta_counts, limit};
use crate::private_match::round::{Round, RoundPhase};
use crate::private_match::snapshot::Files;

/// What a family's round waits for.
enum Waits {
    /// A job that runs.
    Running,
    /// Its time.
    Until(Timestamp),
    /// Entries that are being indexed or compared; who changes them looks here again.
    ForRows,
}

/// A set that was made for a peer, before it is in its chain.
struct Made {
    id: (MemberId, Family),
    kind: SetKind,
    segments: Vec<(SegmentInfo, crate::base::BlobId)>,
    backing: Backing,
    salt: Sensitive<[u8; 32]>,
    pad_seed: Sensitive<[u8; 32]>,
}

impl Engine {
    /// Starts the next piece of building, if none runs: what a round still owes its peers, then the next round.
    pub(super) fn continue_builds<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.running.build || !self.running.look_at_builds || !self.may_exchange() {
            return Ok(());
        }
        self.running.look_at_builds = false;
        let Some(state) = step.get::<IndexState>(&())? else { return Ok(()) };
        let mut next: Option<Timestamp> = None;
        for family in Family::ALL {
            match self.continue_round(step, family, &state)? {
                Waits::Running => return Ok(()),
                Waits::Until(at) => next = Some(next.map_or(at, |next| next.min(at))),
                Waits::ForRows => {}
            }
        }
        // One timer for both families: the later one is set when the earlier one is over.
        if let Some(at) = next {
            self.due_only(step, at, Due::Build)?;
        }
        Ok(())
    }

    fn continue_round<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        family: Family,
        state: &IndexState,
    ) -> Result<Waits, ReadError> {
        let round = step.get::<Round>(&family)?;
        let mut at = step.wall();
        if let Some(round) = round.as_ref().filter(|round| round.epoch == state.epoch) {
            if round.phase != RoundPhase::Peers {
                self.start_round(step, round.clone());
                return Ok(Waits::Running);
            }
            if self.next_peer(step, round)? {
                return Ok(Waits::Running);
            }
            let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
            // After a roll a set of the last epoch is worth nothing more; within an epoch a round waits for its time.
            at = round.begun + pace.round();
        }
        if at > step.wall() {
            return Ok(Waits::Until(at));
        }
        // Own duplicates are linked first: until then a person registered twice loses all shared keys. A locked node cannot
        // compare and does not wait.
        let waits = family == Family::Registered && self.records_open && self.has_suspects(step)?;
        if waits || !state.of(family).is_settled() {
            return Ok(Waits::ForRows);
        }
        let seeds = [step.draw.bytes(), step.draw.bytes()];
        let next = Round::next(round, family, state.epoch, step.wall(), state.of(family).generation, seeds);
        step.put(&family, &next);
        self.start_round(step, next);
        Ok(Waits::Running)
    }

    fn start_round<V: View>(&mut self, step: &mut Step<'_, V>, round: Round) {
        self.running.build = true;
        self.running.start(step, JobFor::Round, JobClass::Build, Job::Round(Box::new(round)));
    }

    /// A slice of a round is there.
    pub(super) fn round_went_on<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        round: Round,
    ) -> Result<(), ReadError> {
        step.absorb(writes);
        step.put(&round.family, &round);
        if round.phase == RoundPhase::Peers && round.litter.is_empty() {
            self.running.build = false;
            self.running.look_at_builds = true;
            Self::count_cut(step, &round)?;
        }
        Ok(())
    }

    /// Remembers what the cut left out, and says once that it is too much.
    fn count_cut<V: View>(step: &mut Step<'_, V>, round: &Round) -> Result<(), ReadError> {
        if round.family != Family::Registered {
            return Ok(());
        }
        let was_over = step.get::<CutRow>(&())?.is_some_and(|row| row.over);
        let row = CutRow::of(round.cut, round.real + round.cut);
        if row.over && !was_over {
            step.notify(NoticeCode::KeysCut, None, row.cut.saturating_mul(1_000) / row.keys.max(1));
        }
        step.put(&(), &row);
        Ok(())
    }

    /// Starts the set of the next peer that lacks this round. False if every one has it.
    fn next_peer<V: View>(&mut self, step: &mut Step<'_, V>, round: &Round) -> Result<bool, ReadError> {
        for peer in self.peers() {
            let out = step.get::<SetOut>(&(peer, round.family))?.filter(|out| out.epoch == round.epoch);
            if out.as_ref().is_some_and(|out| out.round == round.number) {
                continue;
            }
            match out.as_ref().and_then(|out| self.counts(out, round).map(|counts| (out, counts))) {
                Some((out, counts)) => self.start_delta(step, peer, round, out, counts)?,
                None => self.start_base(step, peer, round, out.as_ref())?,
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// How long a peer's delta is; none where a base is due.
    fn counts(&self, out: &SetOut, round: &Round) -> Option<Counts> {
        let last = round.last.as_ref().filter(|_| !round.bases && out.round.checked_add(1) == Some(round.number))?;
        let cap = self.taking_part(&self.own.member?)?.people_cap;
        let change = Change {
            real: last.real,
            added: round.added,
            removed: round.removed,
            count: out.backing.count,
            deltas: out.set_seq - out.base_seq,
            limit: limit(cap),
        };
        delta_counts(&change).map(|(adds, removes)| Counts { adds, removes })
    }

    fn start_delta<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: MemberId,
        round: &Round,
        out: &SetOut,
        counts: Counts,
    ) -> Result<(), ReadError> {
        let held = segments::<SetPart, V>(step, (peer, round.family), out.base_seq..=out.set_seq)?;
        let slice = DeltaSlice {
            owner: self.me()?,
            peer,
            family: round.family,
            epoch: round.epoch,
            round: round.number,
            salt: *out.salt.expose(),
            pad_seed: out.pad_seed.clone(),
            backing: out.backing.clone(),
            counts,
            changes: round.changes.clone(),
            files: Files::new(step.draw.bytes()),
            held,
            done: 0,
            wanted: None,
        };
        self.running.build = true;
        self.running.start(step, JobFor::Delta, JobClass::Build, Job::Delta(Box::new(slice)));
        Ok(())
    }

    fn start_base<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: MemberId,
        round: &Round,
        out: Option<&SetOut>,
    ) -> Result<(), ReadError> {
        let id = (peer, round.family);
        let begun = step.get::<SetBuild>(&id)?;
        let build = match begun {
            Some(begun) if (begun.epoch, begun.round) == (round.epoch, round.number) => begun,
            begun => {
                if let Some(stale) = begun {
                    Self::litter(step, round.family, stale.files)?;
                }
                let at = Beginning {
                    owner: self.me()?,
                    peer,
                    family: round.family,
                    epoch: round.epoch,
                    round: round.number,
                    snapshot: round.snapshot.clone(),
                    real: round.real,
                };
                // A chain is of one epoch; the salt stays within it (protocol.md 3.9).
                let salt = out.map_or_else(|| step.draw.bytes(), |out| *out.salt.expose());
                let build = SetBuild::new(at, salt, Sensitive::new(step.draw.bytes()), step.draw.bytes());
                step.put(&id, &build);
                build
            }
        };
        self.running.build = true;
        self.running.start(step, JobFor::Build, JobClass::Build, Job::Build(Box::new(build)));
        Ok(())
    }

    /// Leaves files to the next round to remove: they may be thousands.
    fn litter<V: View>(step: &mut Step<'_, V>, family: Family, files: Files) -> Result<(), ReadError> {
        if let Some(mut round) = step.get::<Round>(&family)?.filter(|_| files.count > 0) {
            round.litter.push(files);
            step.put(&family, &round);
        }
        Ok(())
    }

    /// A slice of a base is there; the last one publishes it.
    pub(super) fn built<V: View>(&mut self, step: &mut Step<'_, V>, writes: Batch, state: SetBuild) -> Result<(), ReadError> {
        let id = (state.peer, state.family);
        step.absorb(writes);
        if state.phase != Phase::Done {
            step.put(&id, &state);
            return Ok(());
        }
        self.running.build = false;
        self.running.look_at_builds = true;
        step.remove::<SetBuild>(&id);
        for run in &state.runs {
            step.drop_blob(*run);
        }
        let Some(round) = self.round_of(step, state.family, state.epoch, state.round)? else {
            // The epoch rolled while it was built.
            for (_, segment) in &state.segments {
                step.drop_blob(*segment);
            }
            return Ok(());
        };
        let backing = Backing { oldest: 0, next: state.dummy_counter, doubles: state.doubles, count: state.total };
        let salt = Sensitive::new(state.salt);
        let made = Made { id, kind: SetKind::Base, segments: state.segments, backing, salt, pad_seed: state.pad_seed };
        self.publish(step, &round, made)
    }

    /// A slice of a delta is there; the last one publishes it. What cannot be made is a base instead.
    pub(super) fn delta_made<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        writes: Batch,
        peer: MemberId,
        family: Family,
        number: u64,
        made: Result<DeltaMade, Unfit>,
    ) -> Result<(), ReadError> {
        self.running.build = false;
        self.running.look_at_builds = true;
        let id = (peer, family);
        let Some(mut out) = step.get::<SetOut>(&id)? else { return Ok(()) };
        // The epoch rolled while it was made: its files are not written.
        let Some(round) = self.round_of(step, id.1, out.epoch, number)? else { return Ok(()) };
        match made {
            Ok((segments, backing)) => {
                step.absorb(writes);
                let (salt, pad_seed) = (out.salt, out.pad_seed);
                self.publish(step, &round, Made { id, kind: SetKind::Delta, segments, backing, salt, pad_seed })
            }
            Err(unfit) => {
                if unfit == Unfit::Absent {
                    step.notify(NoticeCode::Damaged, Some(peer), 14);
                }
                // Behind no round, so that a base is next.
                out.round = 0;
                step.put(&id, &out);
                Ok(())
            }
        }
    }

    /// The round with a number, if it is the one that is live.
    fn round_of<V: View>(
        &self,
        step: &Step<'_, V>,
        family: Family,
        epoch: Epoch,
        number: u64,
    ) -> Result<Option<Round>, ReadError> {
        let is_live = step.get::<IndexState>(&())?.is_some_and(|state| state.epoch == epoch);
        Ok(step.get::<Round>(&family)?.filter(|round| is_live && (round.epoch, round.number) == (epoch, number)))
    }

    /// Puts a set into its peer's chain; a base takes the place of all before it.
    fn publish<V: View>(&mut self, step: &mut Step<'_, V>, round: &Round, made: Made) -> Result<(), ReadError> {
        let (id, is_base) = (made.id, made.kind == SetKind::Base);
        let key = step.get::<EpochKey>(&round.epoch)?.ok_or(ReadError::Damaged)?;
        let old = step.get::<SetOut>(&id)?;
        let chain = old.as_ref().filter(|old| old.epoch == round.epoch);
        let set_seq = chain.map_or(1, |old| old.set_seq + 1);
        let sum = |kind| made.segments.iter().filter(|(info, _)| info.kind == kind).map(|(info, _)| info.count).sum();
        let delta = self.held.as_ref().map_or(Millis::days(1), |held| held.roster.pace.round());
        let manifest = SetManifest {
            family: id.1,
            epoch: round.epoch,
            profile: linkage::profile_id(),
            set_seq,
            prev_manifest_hash: chain.map_or([0; 32], |old| old.manifest_hash),
            kind: made.kind,
            base_seq: if is_base { set_seq } else { chain.map_or(0, |old| old.base_seq) },
            voprf_pk: key.public,
            salt: made.salt.clone(),
            prefix_bits: PREFIX_BITS,
            adds_count: sum(SegmentKind::Add),
            removes_count: sum(SegmentKind::Remove),
            segments: made.segments.iter().map(|(info, _)| info.clone()).collect(),
            next_due: (round.begun.max(Timestamp(step.wall().0.saturating_sub(delta.0))) + delta).deadline_seconds(),
        };
        if is_base && let Some(old) = &old {
            drop_parts::<SetPart, V>(step, id, old.base_seq..=old.set_seq)?;
        }
        let out = SetOut {
            epoch: round.epoch,
            set_seq,
            base_seq: manifest.base_seq,
            manifest_hash: manifest.hash(),
            salt: made.salt,
            pad_seed: made.pad_seed,
            backing: made.backing,
            round: round.number,
            generation: round.generation,
            built_at: step.wall(),
            confirmed_seq: chain.map_or(0, |old| old.confirmed_seq),
            shown_from: chain.filter(|old| old.generation == round.generation).map_or(set_seq, |old| old.shown_from),
        };
        let segments = made.segments.into_iter().map(|(_, blob)| blob).collect();
        step.put(&(id.0, id.1, set_seq), &SetPart { manifest, segments });
        step.put(&id, &out);
        Ok(())
    }
}
