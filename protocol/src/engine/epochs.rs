//! The owner's epochs: a key is announced, indexed ahead, live, draining, destroyed (protocol.md 2.6, 3.5).
//!
//! One timer drives it, and every step follows from rows, so a restart goes on where it was. All of it stands under the
//! service root: a locked node rolls as an open one does. An announcement of an epoch is signed by the operational key;
//! nobody with an offline key is needed. What remains: until its destruction the key of the last epoch opens what a thief
//! recorded of that epoch.

use crate::audit::Act;
use crate::base::record::{Record, Tree, row_key};
use crate::base::{Epoch, Millis, MsgId, Party, Sensitive, Timestamp, cbor};
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::job::{Job, JobClass, SweepSlice};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Header, Message, SealSecret, Unverified, sign};
use crate::private_match::EpochSecret;
use crate::private_match::owner::{EpochKey, FamilyIndex, IndexState, NextEpoch, PendingRow, RetiredEpoch, RollRow, SealingKey};
use crate::private_match::tag_page::TagPage;
use crate::roster::key_chain::KEY_ANNOUNCEMENT;
use crate::roster::messages::{KeyAnnouncement, VoprfKey};
use crate::roster::schedule::{key_life, regular_roll};

/// Epochs that may drain beside each other: a roll needs its announcement's time, so there are few.
const RETIRED: usize = 32;
/// Sealing keys of a node: one a roll, kept for a message's life.
const SEALING_KEYS: usize = 64;

impl Engine {
    /// The timer of the epochs: does what is due and sets the next time.
    pub(super) fn epoch_due<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let Some(state) = step.get::<IndexState>(&())? else { return Ok(()) };
        // Without a key that may sign nothing can be announced; the timer goes on for the day a key is there.
        let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
        let next_look = step.wall() + Millis((pace.epoch.0 / 28).max(1_000));
        let Some(keys) = self.own_keys(step.wall()) else {
            return self.due_only(step, next_look, Due::Epoch);
        };
        let drained = self.retire(step)?;
        self.forget_sealing_keys(step)?;
        let plan = self.roll_plan(step)?;
        let now = step.wall();
        let is_announced = state.next.is_some();
        let next = match state.next {
            None if now + pace.announce >= plan.at || plan.forced => {
                self.announce_next(step, &state, &keys, plan)?;
                step.get::<RollRow>(&())?.map_or(next_look, |plan| plan.at)
            }
            None => Timestamp(plan.at.0.saturating_sub(pace.announce.0)),
            Some(next) if now >= plan.at && next.filled && next.pending == 0 => {
                self.roll(step, state, &keys)?;
                Timestamp(now.0.saturating_add(1))
            }
            // The index is not whole yet: `index_moved` calls again.
            Some(_) if now >= plan.at => next_look,
            Some(_) => plan.at,
        };
        if Timestamp::from_seconds(keys.seal_until) <= now + pace.delta && !is_announced {
            self.renew_sealing_key(step)?;
        }
        let at = drained.map_or(next, |drained| drained.min(next));
        self.due_only(step, at.max(Timestamp(now.0.saturating_add(1))), Due::Epoch)
    }

    /// The index of the next epoch moved on: rolls, if that was all that was waited for.
    pub(super) fn index_moved<V: View>(&self, step: &mut Step<'_, V>, state: &IndexState) -> Result<(), ReadError> {
        let is_whole = state.next.is_some_and(|next| next.filled && next.pending == 0);
        if is_whole && step.get::<RollRow>(&())?.is_some_and(|plan| plan.at <= step.wall()) {
            self.due_only(step, step.wall(), Due::Epoch)?;
        }
        Ok(())
    }

    /// A member was shut out: what it evaluated must stop to count soon, at a time that nobody foresees.
    // EP-6.
    pub(super) fn roll_early<V: View>(&self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        let Some(state) = step.get::<IndexState>(&())? else { return Ok(()) };
        let early = step.draw.between(pace.announce, pace.early_roll.max(pace.announce));
        let at = step.wall() + early;
        let planned = step.get::<RollRow>(&())?;
        if state.next.is_some() || planned.is_some_and(|plan| plan.at <= at) {
            return Ok(());
        }
        step.put(&(), &RollRow { at, forced: false });
        self.due_only(step, step.wall(), Due::Epoch)
    }

    /// The roster demands a roll of this node's key at once.
    pub(super) fn roll_forced<V: View>(&self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        step.put(&(), &RollRow { at: step.wall(), forced: true });
        self.due_only(step, step.wall(), Due::Epoch)
    }

    /// The own announcement that counts.
    fn own_keys(&self, now: Timestamp) -> Option<KeyAnnouncement> {
        let me = self.own.member?;
        self.taking_part(&me)?;
        self.keys_of(&me, now).map(|held| held.keys.clone())
    }

    fn roll_plan<V: View>(&self, step: &mut Step<'_, V>) -> Result<RollRow, ReadError> {
        if let Some(plan) = step.get::<RollRow>(&())? {
            return Ok(plan);
        }
        let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
        let plan = RollRow { at: regular_roll(&pace, &self.me()?, step.wall() + pace.announce), forced: false };
        step.put(&(), &plan);
        Ok(plan)
    }

    // EP-2.
    /// A fresh key: never derived, so that nothing that is kept elsewhere makes it again.
    fn announce_next<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        state: &IndexState,
        keys: &KeyAnnouncement,
        plan: RollRow,
    ) -> Result<(), ReadError> {
        let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
        let ahead = if plan.forced { Millis(0) } else { pace.announce };
        // A node that was off beyond its roll still announces ahead.
        let at = plan.at.max(step.wall() + ahead);
        let epoch = Epoch(state.epoch.0.checked_add(1).ok_or(ReadError::Damaged)?);
        let secret = EpochSecret::draw(&mut step.draw);
        let until = at + key_life(&pace);
        let next = VoprfKey { epoch, pk: secret.public(), from: at.seconds(), until: until.seconds() };
        let announcement = KeyAnnouncement { next_voprf: Some(next), ..keys.clone() };
        self.announce(step, announcement)?;
        let row = EpochKey { seed: Sensitive::new(*secret.seed()), public: secret.public(), from: at, until };
        step.put(&epoch, &row);
        step.put(&(), &RollRow { at, forced: plan.forced });
        let next = NextEpoch { epoch, pending: 0, after: None, filled: false };
        step.put(&(), &IndexState { next: Some(next), ..state.clone() });
        trail::record(step, None, Act::EpochAnnounced, &epoch.0.to_be_bytes(), None)
    }

    // ST-3.
    /// The next epoch is live; evaluations and claims under way end in the last one.
    fn roll<V: View>(&mut self, step: &mut Step<'_, V>, state: IndexState, keys: &KeyAnnouncement) -> Result<(), ReadError> {
        let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
        let promised = keys.next_voprf.ok_or(ReadError::Damaged)?;
        let sealing = self.draw_sealing_key(step, Timestamp::from_seconds(promised.until));
        let announcement = KeyAnnouncement {
            voprf: promised,
            next_voprf: None,
            seal_key_id: sealing.key_id(),
            seal_key: sealing,
            seal_until: promised.until,
            ..keys.clone()
        };
        self.announce(step, announcement)?;
        let now = step.wall();
        let retired = RetiredEpoch { evaluations_until: now + pace.drain_evaluations, claims_until: now + pace.drain_claims };
        step.put(&state.epoch, &retired);
        let live = IndexState {
            epoch: promised.epoch,
            next: None,
            registered: FamilyIndex { generation: state.registered.generation + 1, pending: 0, ..state.registered },
            sought: FamilyIndex { generation: state.sought.generation + 1, pending: 0, ..state.sought },
        };
        step.put(&(), &live);
        // A regular roll that would come within a quarter of an epoch is left out.
        let after = now + Millis(pace.epoch.0 / 4).max(pace.announce);
        step.put(&(), &RollRow { at: regular_roll(&pace, &self.me()?, after), forced: false });
        self.running.look_at_builds = true;
        self.plan_refs(step);
        trail::record(step, None, Act::EpochRolled, &promised.epoch.0.to_be_bytes(), None)
    }

    /// Signs and takes this node's next announcement, and sends it to everybody who is connected.
    fn announce<V: View>(&mut self, step: &mut Step<'_, V>, keys: KeyAnnouncement) -> Result<(), ReadError> {
        let me = self.me()?;
        let latest = self.keys_of(&me, step.wall()).ok_or(ReadError::Damaged)?;
        let keys = KeyAnnouncement { seq: latest.keys.seq.saturating_add(1), prev_hash: latest.hash, ..keys };
        let header = Header {
            kind: KEY_ANNOUNCEMENT,
            from: Party::Member(me),
            to: None,
            msg_id: MsgId::draw(&mut step.draw),
            n: 0,
            created: step.wall().seconds(),
            expires: keys.op_until,
            roster_version: self.held.as_ref().map_or(0, |held| held.roster.version),
            re: None,
        };
        let bytes = sign(&self.own.network, &header, &cbor::encode(&keys), &self.keys.operational);
        let message = Unverified::<Message>::parse(&bytes, bytes.len()).map_err(|_| ReadError::Damaged)?;
        // Whoever is connected hears of it as of any other announcement that is taken.
        self.take_message(step, &message, &bytes).map(|_| ()).map_err(|_| ReadError::Damaged)
    }

    fn draw_sealing_key<V: View>(&self, step: &mut Step<'_, V>, until: Timestamp) -> crate::envelope::SealPublic {
        let secret = SealSecret::draw(&mut step.draw);
        let public = secret.public();
        step.put(&public.key_id(), &SealingKey { secret: Sensitive::new(*secret.bytes()), until });
        public
    }

    /// Peers seal to a key until its end: a node whose roll was late brings another before that.
    fn renew_sealing_key<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let pace = self.held.as_ref().ok_or(ReadError::Damaged)?.roster.pace;
        let Some(keys) = self.own_keys(step.wall()) else { return Ok(()) };
        let until = step.wall() + key_life(&pace);
        let sealing = self.draw_sealing_key(step, until);
        let announcement =
            KeyAnnouncement { seal_key_id: sealing.key_id(), seal_key: sealing, seal_until: until.seconds(), ..keys };
        self.announce(step, announcement)
    }

    // EP-3, EP-4.
    /// Destroys what drained; says when to look again.
    fn retire<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<Option<Timestamp>, ReadError> {
        let now = step.wall();
        let mut next: Option<Timestamp> = None;
        for (epoch, retired) in step.under::<RetiredEpoch>(&row_key(RetiredEpoch::KIND, &()), RETIRED)? {
            if retired.claims_until <= now {
                step.remove::<EpochKey>(&epoch);
                step.remove::<RetiredEpoch>(&epoch);
                self.sweep_epoch(step, epoch);
                continue;
            }
            if retired.evaluations_until <= now && step.get::<EpochKey>(&epoch)?.is_some() {
                step.remove::<EpochKey>(&epoch);
                trail::record(step, None, Act::EpochDestroyed, &epoch.0.to_be_bytes(), None)?;
            }
            let then = if retired.evaluations_until <= now { retired.claims_until } else { retired.evaluations_until };
            next = Some(next.map_or(then, |next| next.min(then)));
        }
        Ok(next)
    }

    fn sweep_epoch<V: View>(&mut self, step: &mut Step<'_, V>, epoch: Epoch) {
        let ranges: [(Tree, u8); 2] = [(TagPage::TREE, TagPage::KIND), (PendingRow::TREE, PendingRow::KIND)];
        for (tree, kind) in ranges {
            let from = row_key(kind, &epoch);
            let until = from.after_prefix();
            let slice = SweepSlice { tree, from, until, expired: None };
            self.running.start(step, JobFor::Sweep, JobClass::Build, Job::Sweep(slice));
        }
    }

    /// What was sealed to a key may be on its way for a message's life; then the key is destroyed.
    fn forget_sealing_keys<V: View>(&self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let life = self.held.as_ref().map_or(Millis::days(35), |held| held.roster.pace.message_life);
        for (kid, key) in step.under::<SealingKey>(&row_key(SealingKey::KIND, &()), SEALING_KEYS)? {
            if key.until + life < step.wall() {
                step.remove::<SealingKey>(&kid);
            }
        }
        Ok(())
    }
}
