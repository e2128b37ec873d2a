//! How sure this node is that its roster is the current one, and what it therefore does (protocol.md 2.12, "Freshness").
//!
//! The coordination node signs a timestamp each day; peers and files carry it. Without one for 30 days hits wait for a
//! person; without one for 90 days, or after the roster's end, nothing is begun at other members and nothing of theirs is
//! answered. Work on the own records never stops, and a fresh roster or timestamp ends the waiting by itself. What remains: a
//! hostile coordination node can go on confirming an old roster to a node that it alone speaks to; it adds nobody by that.

use crate::base::{MemberId, Millis, Party, PeerId, Timestamp, cbor};
use crate::engine::answer::{Answer, Failure, PublicProblem};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::member_rows::TimestampRow;
use crate::engine::public::Taken;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Message, Refusal, Verified};
use crate::private_match::Family;
use crate::roster::{Freshness, TIMESTAMP, TimestampBody, TimestampVerdict, check_timestamp, freshness};

/// How often the coordination node confirms the roster.
const EVERY: Millis = Millis::days(1);
/// How long its word is passed on.
const LIFE: Millis = Millis::days(7);

impl Engine {
    /// How much may be done on the held roster.
    pub(super) fn freshness(&self) -> Freshness {
        let Some(held) = &self.held else { return Freshness::Ended };
        freshness(&held.roster, self.standings.confirmed, self.standings.wall)
    }

    /// Whether anything may be begun at other members, and anything of theirs be answered.
    pub(super) fn may_exchange(&self) -> bool {
        self.freshness().may_exchange()
    }

    /// When the held roster was last known to be current.
    pub(super) fn confirmed(&self) -> Timestamp {
        let issued = self.held.as_ref().map_or(0, |held| held.roster.issued);
        self.standings.confirmed.max(Timestamp::from_seconds(issued))
    }

    /// A timestamp that was verified as the coordination node's.
    pub(super) fn take_timestamp<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        message: &Verified<Message>,
        bytes: &[u8],
    ) -> Result<Taken, Refusal> {
        let body: TimestampBody = cbor::decode(&message.body).map_err(|_| Refusal::Encoding)?;
        if message.header.from != Party::Coordinator {
            return Err(Refusal::Role);
        }
        // Its own time counts, and the message's, which the skew bounds: no word is good for longer than it may be passed on.
        if body.now != message.header.created || message.header.expires > (Timestamp::from_seconds(body.now) + LIFE).seconds() {
            return Err(Refusal::Clock);
        }
        let signed = Timestamp::from_seconds(body.now);
        if signed <= self.standings.confirmed {
            self.log_seen(step, &body, bytes)?;
            return Ok(Taken::Known);
        }
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        match check_timestamp(held, &body) {
            TimestampVerdict::Current => {}
            TimestampVerdict::Behind { version } => {
                step.notify(NoticeCode::RosterBehind, None, version);
                return Err(Refusal::RosterStale);
            }
            TimestampVerdict::Old { .. } => return Err(Refusal::State),
            TimestampVerdict::SplitView => {
                step.notify(NoticeCode::SplitView, None, body.roster_version);
                return Err(Refusal::State);
            }
        }
        let before = self.freshness();
        let row = TimestampRow { message: bytes.to_vec(), signed: body.now, expires: message.header.expires };
        step.put(&(), &row);
        self.log_named(step, &body, bytes)?;
        self.standings.confirmed = signed;
        self.freshness_changed(step, before).map_err(Refusal::from)?;
        self.offer(step, &[bytes.to_vec()]);
        Ok(Taken::Accepted)
    }

    /// What waited for a fresh roster goes on: requests, sets, bags, and hits that were held for it.
    pub(super) fn freshness_changed<V: View>(&mut self, step: &mut Step<'_, V>, before: Freshness) -> Result<(), ReadError> {
        let after = self.freshness();
        if after >= before || self.own.member.is_none() {
            return Ok(());
        }
        step.notify(NoticeCode::RosterFresh, None, 0);
        for (wait, member) in (0..).zip(self.peers()) {
            self.due(step, step.wall() + Millis(wait), Due::Resume(member));
        }
        self.running.look_at_builds = true;
        Ok(())
    }

    /// A peer's turn after the roster was confirmed: what waits for it, and its set is tested again for held hits.
    pub(super) fn resume_with<V: View>(&mut self, step: &mut Step<'_, V>, member: MemberId) -> Result<(), ReadError> {
        if self.is_up(&member) {
            self.peer_returned(step, &member);
        } else {
            self.due(step, step.wall(), Due::Gather(member));
        }
        if self.taking_part(&member).is_some() && self.freshness() == Freshness::Full {
            for family in Family::ALL {
                self.test_again(step, member, family)?;
            }
        }
        Ok(())
    }

    /// The message with which the coordination node confirms its roster, if it still counts.
    pub(super) fn current_timestamp<V: View>(&self, step: &Step<'_, V>) -> Result<Option<Vec<u8>>, ReadError> {
        let row = step.get::<TimestampRow>(&())?;
        let names_held = row.as_ref().is_some_and(|row| Timestamp::from_seconds(row.signed) <= self.standings.confirmed);
        Ok(row.filter(|row| names_held && row.expires >= step.wall().seconds()).map(|row| row.message))
    }

    /// Coordination node: signs the day's timestamp and sets the next time.
    pub(super) fn sign_daily<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.own.member.is_some() || self.held.is_none() {
            return Ok(());
        }
        self.due_only(step, step.wall() + EVERY, Due::Timestamp)?;
        if self.is_own_coordinator() {
            self.sign_timestamp(step)?;
        }
        Ok(())
    }

    /// `roster timestamp`: signs one at once.
    pub(super) fn timestamp_sign<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<Answer, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        if self.own.member.is_some() {
            return Err(Failure::CoordinatorOnly);
        }
        let roster_version = held.roster.version;
        if !self.is_own_coordinator() {
            return Err(Failure::Public(PublicProblem::NotListed));
        }
        let message = self.sign_timestamp(step)?;
        let signed = step.wall().seconds();
        Ok(Answer::Timestamp { roster_version, signed, until: (step.wall() + LIFE).seconds(), message })
    }

    fn is_own_coordinator(&self) -> bool {
        let own = PeerId(self.keys.operational.verifying_key().to_bytes());
        self.is_coordinator(&own)
    }

    fn sign_timestamp<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<Vec<u8>, ReadError> {
        let Some(held) = &self.held else { return Ok(Vec::new()) };
        let log = Self::log_head(step)?;
        let now = step.wall().seconds();
        let body = TimestampBody {
            roster_version: held.roster.version,
            roster_hash: held.hash,
            keylog_head: log.head,
            keylog_len: log.len,
            now,
        };
        let message = self.sign_public(step, Party::Coordinator, TIMESTAMP, &cbor::encode(&body), LIFE);
        let row =
            TimestampRow { message: message.clone(), signed: now, expires: (Timestamp::from_seconds(now) + LIFE).seconds() };
        step.put(&(), &row);
        self.standings.confirmed = Timestamp::from_seconds(now);
        self.offer(step, std::slice::from_ref(&message));
        Ok(message)
    }
}
