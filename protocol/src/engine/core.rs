//! The engine itself: what it holds between steps, how it opens, and which handler gets which input.
//!
//! Called by the node's driver, one input at a time. Everything in it is volatile: a dropped engine loses nothing, since
//! whatever must survive is a row and [`Engine::open`] re-issues what a crash cut short. It does not touch clocks, files,
//! sockets or OS randomness.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use thiserror::Error;

use crate::base::record::row_key;
use crate::base::{JobId, MemberId, PeerId, Seed, Timestamp, limits};
use crate::engine::due::Due;
use crate::engine::effect::{Action, Effects, NoticeCode};
use crate::engine::input::{Custody, Input, Now, Seat};
use crate::engine::job::{Found, JobFailure, JobOutput};
use crate::engine::links::Links;
use crate::engine::retest::Tested;
use crate::engine::rows::{DueRow, OwnRow, SoleTimer};
pub(super) use crate::engine::running::{JobFor, Running};
use crate::engine::standing::Standings;
use crate::engine::step::{Mark, Step};
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::roster::{HeldRoster, MemberKeys};

/// Secrets that the engine works with; the node's keystore gives them.
pub struct NodeKeys {
    /// The operational key that the key file holds; a renewed one stands in the store.
    pub first: SigningKey,
    /// The operational key that signs.
    pub operational: SigningKey,
    /// The transport identity: the first key's, until the engine asks for another.
    pub identity: PeerId,
}

impl NodeKeys {
    /// The keys of a node whose key file holds this operational key.
    #[must_use]
    pub fn new(first: SigningKey) -> Self {
        let identity = PeerId(first.verifying_key().to_bytes());
        Self { operational: first.clone(), first, identity }
    }
}

/// Why an engine cannot open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The store was never set up, or for another seat.
    #[error("the store was not set up for this seat")]
    NotSetUp,
    /// A row that the engine needs does not open.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The roster that is held does not decode.
    #[error("the roster that is held is damaged")]
    Roster,
}

/// Decides what a node does.
pub struct Engine {
    pub(super) own: OwnRow,
    pub(super) keys: NodeKeys,
    pub(super) held: Option<HeldRoster>,
    /// A change of custodians behind the held roster that may not be held itself.
    pub(super) root: Option<HeldRoster>,
    pub(super) members: BTreeMap<MemberId, MemberKeys>,
    pub(super) standings: Standings,
    pub(super) links: Links,
    pub(super) running: Running,
    pub(super) records_open: bool,
    asked: Option<Timestamp>,
}

impl Engine {
    /// Reads who this node is, the roster, the members' keys; admits and dials the members; re-issues what a crash cut
    /// short.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open<V: View>(
        seat: Seat,
        keys: NodeKeys,
        now: Now,
        seed: Seed,
        records_open: bool,
        view: &V,
    ) -> Result<(Engine, Effects), OpenError> {
        let own: OwnRow = view.get(&())?.ok_or(OpenError::NotSetUp)?;
        let expected = match seat {
            Seat::Member(member) => Some(member),
            Seat::Coordinator => None,
        };
        if own.member != expected {
            return Err(OpenError::NotSetUp);
        }
        let mut engine = Engine {
            own,
            keys,
            held: None,
            root: None,
            members: BTreeMap::new(),
            standings: Standings::default(),
            links: Links::default(),
            running: Running::at_start(),
            records_open,
            asked: None,
        };
        let mut step = Step::new(now, seed, view);
        engine.read_public(&step)?;
        engine.read_standings(&step)?;
        engine.use_own_key(&step)?;
        // Before anybody is dialled: the network starts under the first key's identity.
        engine.identity_due(&mut step)?;
        engine.admit_members(&mut step);
        engine.resume(&mut step)?;
        engine.settle(&mut step);
        engine.ask_wake(&mut step)?;
        Ok((engine, step.finish()))
    }

    /// One step, at most some 2 ms: what the input changes and what is to be done about it.
    pub fn handle<V: View>(&mut self, now: Now, seed: Seed, input: Input, view: &V) -> Effects {
        let mut step = Step::new(now, seed, view);
        self.standings.wall = step.wall();
        self.dispatch(&mut step, input);
        self.settle(&mut step);
        if self.ask_wake(&mut step).is_err() {
            step.notify(NoticeCode::Damaged, None, 0);
        }
        step.finish()
    }

    fn dispatch<V: View>(&mut self, step: &mut Step<'_, V>, input: Input) {
        match input {
            Input::Command { ticket, user, command } => {
                let mark = step.mark();
                let answer = self.command(step, user, *command);
                if answer.is_err() {
                    self.roll_back(step, mark);
                }
                step.act(Action::Reply { ticket, answer: Box::new(answer) });
            }
            // Commands are answered in the step that brings them; what goes on is durable.
            Input::Gone { .. } => {}
            Input::Cell { receipt, carrier, bytes } => self.item(step, receipt, carrier, &bytes),
            Input::Link { peer, change } => self.link_changed(step, peer, change),
            Input::Sent { delivery, outcome } => self.sent(step, delivery, outcome),
            Input::JobDone { job, result } => self.job_done(step, job, *result),
            Input::Custody(custody) => self.custody_changed(step, custody),
            Input::Wake => {
                self.asked = None;
                self.wake(step);
            }
        }
    }

    fn custody_changed<V: View>(&mut self, step: &mut Step<'_, V>, custody: Custody) {
        let (user, act) = match custody {
            Custody::Opened(user) => (Some(user), crate::audit::Act::Unlocked),
            Custody::Locked => (None, crate::audit::Act::Locked),
        };
        self.records_open = user.is_some();
        if trail::record(step, user, act, &[], None).is_err() {
            step.notify(NoticeCode::Damaged, None, 0);
        }
        if self.records_open {
            self.running.look_at_suspects = true;
            self.due(step, step.wall(), Due::Decoys);
            self.unpark(step);
        }
    }

    fn job_done<V: View>(&mut self, step: &mut Step<'_, V>, job: JobId, result: Result<JobOutput, JobFailure>) {
        let Some(what) = self.running.jobs.remove(&job) else { return };
        match result {
            Ok(output) => self.job_found(step, what, output),
            Err(failure) => self.job_failed(step, what, failure),
        }
    }

    fn job_found<V: View>(&mut self, step: &mut Step<'_, V>, what: JobFor, output: JobOutput) {
        let JobOutput { writes, found, next } = output;
        let mark = step.mark();
        let outcome = match (what, found) {
            (JobFor::Index, Found::Indexed { epoch, family, entries, suspects, is_last }) => {
                self.indexed(step, writes, (epoch, family), (&entries, is_last), &suspects)
            }
            (JobFor::Index, Found::Unindexed { epoch, family, entries, is_last }) => {
                self.unindexed(step, writes, (epoch, family), (entries, is_last))
            }
            (JobFor::Remains(_), Found::Remains(found)) => self.remains_found(step, &found),
            (JobFor::Compare, Found::Compared(found)) => self.compared(step, &found),
            (JobFor::Decoys, Found::Decoys { decoys }) => self.decoys_made(step, decoys),
            (JobFor::Round, Found::Round(round)) => self.round_went_on(step, writes, *round),
            (JobFor::Build, Found::Built(state)) => self.built(step, writes, *state),
            (JobFor::Delta, Found::Delta { peer, family, round, made: Some(made) }) => {
                self.delta_made(step, writes, peer, family, round, *made)
            }
            (JobFor::Test(..), Found::Hits { owner, family, set_seq, hits, lost, complete }) => {
                let tested = Tested { owner, family, set_seq, hits, lost, complete };
                self.tested(step, &tested)
            }
            (JobFor::Check(..), Found::Checked { owner, family, manifest_hash, fits: Some(fits) }) => {
                self.checked(step, (owner, family), manifest_hash, fits)
            }
            (JobFor::Blind(..), Found::Blinded { request, owner, elements }) => self.blinded(step, request, owner, elements),
            (JobFor::Evaluate(..), Found::Evaluated { querier, request, evaluated, proof }) => {
                self.evaluated(step, querier, request, &evaluated, proof)
            }
            (JobFor::Finalize(..), Found::Finalized { request, owner, epoch, tags }) => {
                self.finalized(step, request, owner, epoch, &tags)
            }
            _ => {
                step.absorb(writes);
                Ok(())
            }
        };
        if outcome.is_err() {
            self.roll_back(step, mark);
            step.notify(NoticeCode::Damaged, None, 1);
            self.job_failed(step, what, JobFailure::Read(ReadError::Damaged));
            return;
        }
        // An index whose epoch is gone is not gone on with.
        if let Some(next) = next.filter(|_| what != JobFor::Index || self.running.index) {
            let class = match what {
                JobFor::Index
                | JobFor::Round
                | JobFor::Build
                | JobFor::Delta
                | JobFor::Sweep
                | JobFor::Remains(_)
                | JobFor::Compare
                | JobFor::Decoys => crate::engine::job::JobClass::Build,
                JobFor::Test(..) | JobFor::Check(..) => crate::engine::job::JobClass::Check,
                _ => crate::engine::job::JobClass::Answer,
            };
            self.running.start(step, what, class, next);
        }
    }

    fn job_failed<V: View>(&mut self, step: &mut Step<'_, V>, what: JobFor, failure: JobFailure) {
        let is_read = matches!(failure, JobFailure::Read(_));
        // The set was replaced while a job read it, and its files are gone: what is held now is taken up.
        if is_read && self.set_moved_on(step, what).unwrap_or(false) {
            return;
        }
        self.job_ended(what);
        match (what, failure) {
            // EV-4.
            // Never retried with other blinds: the owner's key is not the announced one (protocol.md 3.4).
            (JobFor::Finalize(_, owner), JobFailure::Proof) => step.notify(NoticeCode::ProofFailed, Some(owner), 0),
            (_, JobFailure::Read(_)) => step.notify(NoticeCode::Damaged, None, 2),
            (JobFor::Evaluate(querier, request), JobFailure::Element) => self.elements_refused(step, &querier, request),
            _ => {}
        }
    }

    /// A job is not running any more and gave nothing.
    fn job_ended(&mut self, what: JobFor) {
        match what {
            JobFor::Index => self.running.index = false,
            JobFor::Round | JobFor::Build | JobFor::Delta => self.running.build = false,
            JobFor::Test(owner, family) => {
                self.running.tests.remove(&(owner, family));
            }
            JobFor::Check(owner, family) => {
                self.running.checks.remove(&(owner, family));
            }
            JobFor::Blind(request, _) => {
                self.running.blinding.remove(&request);
            }
            JobFor::Evaluate(querier, request) => {
                self.running.evaluating.remove(&(querier, request));
            }
            JobFor::Finalize(request, _) => {
                self.running.finalizing.remove(&request);
            }
            JobFor::Remains(person) => {
                self.running.erasing.remove(&person);
            }
            JobFor::Compare => self.running.comparing = false,
            JobFor::Decoys => self.running.decoys = false,
            JobFor::Sweep => {}
        }
    }

    /// Gives a handler's writes back, and with them what the engine holds in memory because of them: items that do not
    /// leave, jobs that do not run, a roster that does not count.
    pub(super) fn roll_back<V: View>(&mut self, step: &mut Step<'_, V>, mark: Mark) {
        let undone = step.roll_back(mark);
        for action in undone.actions {
            match action {
                Action::Send { delivery, .. } => self.did_not_leave(step, delivery),
                Action::Run { job, .. } => {
                    if let Some(what) = self.running.jobs.remove(&job) {
                        self.job_ended(what);
                    }
                }
                _ => {}
            }
        }
        if undone.public {
            (self.held, self.members) = (None, BTreeMap::new());
            if self.read_public(step).is_err() || self.read_standings(step).is_err() {
                step.notify(NoticeCode::Damaged, None, 11);
            }
        }
    }

    /// After every input: start what has become possible.
    fn settle<V: View>(&mut self, step: &mut Step<'_, V>) {
        if self.own.member.is_none() {
            return;
        }
        let outcome =
            self.continue_index(step).and_then(|()| self.continue_suspects(step)).and_then(|()| self.continue_builds(step));
        if outcome.is_err() {
            step.notify(NoticeCode::Damaged, None, 3);
        }
    }

    /// Asks for one wake-up: the head of the timers.
    fn ask_wake<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let from = row_key(1, &());
        let Some((at, _, _)) = step.under::<DueRow>(&from, 1)?.into_iter().map(|(id, _)| id).next() else { return Ok(()) };
        if self.asked != Some(at) {
            self.asked = Some(at);
            step.act(Action::WakeAt(at));
        }
        Ok(())
    }

    /// Sets a timer.
    pub(super) fn due<V: View>(&self, step: &mut Step<'_, V>, at: Timestamp, due: Due) {
        step.put(&due.at(at), &DueRow {});
    }

    /// Sets the only timer of its kind, in the place of an earlier one.
    pub(super) fn due_only<V: View>(&self, step: &mut Step<'_, V>, at: Timestamp, due: Due) -> Result<(), ReadError> {
        let (_, kind, _) = due.at(at);
        if let Some(old) = step.get::<SoleTimer>(&kind)? {
            step.remove::<DueRow>(&due.at(old.at));
        }
        step.put(&kind, &SoleTimer { at });
        self.due(step, at, due);
        Ok(())
    }

    /// Whether the only timer of its kind is set.
    pub(super) fn is_due<V: View>(step: &Step<'_, V>, due: Due) -> Result<bool, ReadError> {
        let (_, kind, _) = due.at(step.wall());
        let Some(timer) = step.get::<SoleTimer>(&kind)? else { return Ok(false) };
        Ok(step.get::<DueRow>(&due.at(timer.at))?.is_some())
    }

    fn wake<V: View>(&mut self, step: &mut Step<'_, V>) {
        let from = row_key(1, &());
        // One key past everything that is due: the timers' keys begin with their time.
        let until = row_key(1, &Timestamp(step.wall().0.saturating_add(1)));
        let Ok(due) = step.page::<DueRow>(&from, Some(&until), limits::DUE_ROWS_A_STEP) else {
            step.notify(NoticeCode::Damaged, None, 4);
            return;
        };
        for (id, _) in due {
            // What does not fit this batch stays due.
            if step.size() > limits::STEP_BYTES {
                break;
            }
            step.remove::<DueRow>(&id);
            if let Some(due) = Due::read(id.1, &id.2) {
                self.on_due(step, due);
            }
        }
    }

    fn on_due<V: View>(&mut self, step: &mut Step<'_, V>, due: Due) {
        let mark = step.mark();
        let outcome = match due {
            Due::Spread(subject) => self.spread(step, subject),
            Due::Gather(owner) => self.gather(step, owner),
            Due::Bag(member) => self.bag_due(step, member),
            Due::Answer(claim) => self.answer_due(step, claim),
            Due::Close(claim) => self.close_due(step, claim),
            Due::SetCheck(owner) => self.set_check(step, owner),
            Due::Build => {
                self.running.look_at_builds = true;
                Ok(())
            }
            // Every step goes on with the index.
            Due::Ahead => Ok(()),
            Due::Pump(member) => {
                self.pump_member(step, &member);
                Ok(())
            }
            Due::PublicSync => self.sync_public(step),
            Due::Retry(request) => self.retry_request(step, request),
            Due::Redial(member) => {
                self.redial(step, member);
                Ok(())
            }
            Due::Forget => self.forget_expired(step),
            Due::OwedBag(member) => self.make_bag(step, member),
            Due::Lapse(member) => self.lapse(step, member),
            Due::Timestamp => self.sign_daily(step),
            Due::Resume(member) => self.resume_with(step, member),
            Due::Retime(from) => self.retime(step, from),
            Due::Ask(person) => self.ask_about(step, person),
            Due::AskFrom(person) => self.ask_from(step, person),
            Due::Sought(subject) => self.refresh_sought(step, subject),
            Due::Open(claim) => self.open_for_holder(step, claim),
            Due::SpreadFrom(subject) => self.spread_from(step, subject),
            Due::Epoch => self.epoch_due(step),
            Due::Renew(owner) => self.renew(step, owner),
            Due::Identity => self.identity_due(step),
            Due::AttributesWait(claim) => self.attributes_missing(step, claim),
            Due::Destroy(subject) => self.destroy(step, subject),
            Due::Forgotten(subject) => self.forgotten(step, subject),
            Due::Erase(person) => self.erase_on(step, person),
            Due::Decoys => self.tend_decoys(step),
            Due::Refs(querier) => self.close_refs(step, querier),
            Due::Unpark => {
                if self.records_open {
                    self.unpark(step);
                }
                Ok(())
            }
        };
        if outcome.is_err() {
            self.roll_back(step, mark);
            step.notify(NoticeCode::Damaged, None, 5);
        }
    }

    /// This member; an error at the coordination node.
    pub(super) fn me(&self) -> Result<MemberId, ReadError> {
        self.own.member.ok_or(ReadError::Damaged)
    }

    /// The keys of a member that count now.
    pub(super) fn keys_of(&self, member: &MemberId, now: Timestamp) -> Option<&crate::roster::HeldAnnouncement> {
        self.members.get(member).and_then(|keys| keys.live(now))
    }

    /// The member behind a transport identity.
    pub(super) fn member_of(&self, peer: &PeerId) -> Option<MemberId> {
        self.members
            .iter()
            .find(|(_, keys)| {
                keys.latest.as_ref().is_some_and(|latest| latest.peer_id() == *peer)
                    || keys.older.iter().any(|older| older.key == peer.0)
            })
            .map(|(member, _)| *member)
    }

    /// True for the coordination node's transport identity.
    pub(super) fn is_coordinator(&self, peer: &PeerId) -> bool {
        self.held.as_ref().is_some_and(|held| held.roster.coordinator.key == peer.0)
    }
}
