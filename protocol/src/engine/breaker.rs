//! Counts hits an owner and holds claims back where there are too many (protocol.md 2.10).
//!
//! `claims` asks before an automatic claim. A hit that was found while the breaker was open waits for a person, also after it
//! has closed by itself; a supervisor who raises the number lets such hits go on, up to it. A decoy's hit is an alarm.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{MemberId, Millis, SubjectId, Timestamp, UserId};
use crate::engine::answer::{Answer, BreakerLine, Failure};
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::breaker::{BreakerRow, Change, DAYS, FirstHit, Raised};
use crate::private_match::querier::HitRow;

/// Hits that grow too old, taken out at one count.
const OLD_A_COUNT: usize = 64;
/// Days for which a supervisor may raise the number.
const RAISED_DAYS: u32 = 90;
/// Highest number.
const RAISED_LIMIT: u32 = 100_000;

impl Engine {
    /// A subject was evaluated at an owner for the first time, or is over.
    pub(super) fn count_tested<V: View>(&self, step: &mut Step<'_, V>, owner: &MemberId, more: bool) -> Result<(), ReadError> {
        let mut row = step.get::<BreakerRow>(owner)?.unwrap_or_default();
        row.tested = if more { row.tested.saturating_add(1) } else { row.tested.saturating_sub(1) };
        step.put(owner, &row);
        Ok(())
    }

    /// Whether a query is one of those that hits are held against: a subject of a case in the registered sets.
    pub(super) fn is_counted<V: View>(
        &self,
        step: &Step<'_, V>,
        (_, family, subject): &(MemberId, Family, SubjectId),
    ) -> Result<bool, ReadError> {
        Ok(*family == Family::Registered && !Self::is_decoy(step, subject)?)
    }

    /// A subject hit at an owner for the first time.
    pub(super) fn count_hit<V: View>(
        &self,
        step: &mut Step<'_, V>,
        owner: &MemberId,
        subject: &SubjectId,
    ) -> Result<(), ReadError> {
        let mut row = step.get::<BreakerRow>(owner)?.unwrap_or_default();
        step.put(&(*owner, step.wall(), *subject), &FirstHit {});
        row.lately = row.lately.saturating_add(1);
        self.age(step, owner, &mut row)?;
        Self::settled(step, owner, row)
    }

    /// Takes hits out that are older than 28 days.
    fn age<V: View>(&self, step: &mut Step<'_, V>, owner: &MemberId, row: &mut BreakerRow) -> Result<(), ReadError> {
        let day = self.held.as_ref().map_or(Millis::days(1), |held| held.roster.pace.day());
        let oldest = Timestamp(step.wall().0.saturating_sub(day.0.saturating_mul(DAYS)));
        let until = row_key(FirstHit::KIND, &(*owner, oldest));
        for (id, _) in step.page::<FirstHit>(&row_key(FirstHit::KIND, owner), Some(&until), OLD_A_COUNT)? {
            step.remove::<FirstHit>(&id);
            row.lately = row.lately.saturating_sub(1);
        }
        Ok(())
    }

    fn settled<V: View>(step: &mut Step<'_, V>, owner: &MemberId, mut row: BreakerRow) -> Result<(), ReadError> {
        let change = row.settle(step.wall());
        step.put(owner, &row);
        if change == Change::Opened {
            let code = if row.is_flagged() { NoticeCode::OwnerFlagged } else { NoticeCode::BreakerOpened };
            step.notify(code, Some(*owner), 0);
            trail::record(step, None, Act::BreakerOpened, &[], Some(*owner))?;
        }
        Ok(())
    }

    /// Keys of a decoy hit that did not before: nobody registered such a person.
    // BR-3.
    pub(super) fn decoy_hit<V: View>(&self, step: &mut Step<'_, V>, owner: &MemberId, keys: usize) -> Result<(), ReadError> {
        let mut row = step.get::<BreakerRow>(owner)?.unwrap_or_default();
        row.decoys = row.decoys.saturating_add(u32::try_from(keys).unwrap_or(u32::MAX));
        step.notify(NoticeCode::DecoyHit, Some(*owner), u64::from(row.decoys));
        trail::record(step, None, Act::DecoyHit, &[], Some(*owner))?;
        Self::settled(step, owner, row)
    }

    /// Whether the breaker stands between a hit and an automatic claim. Marks the hit.
    // BR-1.
    pub(super) fn holds_back<V: View>(
        &self,
        step: &mut Step<'_, V>,
        subject: &SubjectId,
        owner: &MemberId,
        hit: &mut HitRow,
    ) -> Result<bool, ReadError> {
        let Some(row) = step.get::<BreakerRow>(owner)? else { return Ok(false) };
        let now = step.wall();
        let is_raised = row.raised.is_some_and(|raised| now < raised.until);
        let holds = row.is_open(now) || (hit.held_back && !is_raised);
        if holds != hit.held_back {
            hit.held_back = holds;
            step.put(&(*subject, *owner), hit);
        }
        Ok(holds)
    }

    /// Members to which no claim goes by itself.
    pub(super) fn held_back<V: View>(&self, step: &Step<'_, V>) -> Result<Vec<MemberId>, ReadError> {
        let mut held = Vec::new();
        for owner in self.peers() {
            if step.get::<BreakerRow>(&owner)?.is_some_and(|row| row.is_open(step.wall())) {
                held.push(owner);
            }
        }
        Ok(held)
    }

    /// `search breaker`.
    pub(super) fn breaker_list<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let mut breakers = Vec::new();
        for owner in self.peers() {
            let row = step.get::<BreakerRow>(&owner)?.unwrap_or_default();
            breakers.push(line(owner, &row, step.wall()));
        }
        Ok(Answer::Breakers { breakers })
    }

    /// A supervisor raises the number for a main route, for a stated time.
    pub(super) fn breaker_raise<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        owner: MemberId,
        limit: u32,
        days: u32,
    ) -> Result<Answer, Failure> {
        self.known_other(&owner)?;
        if days == 0 || days > RAISED_DAYS {
            return Err(Failure::TooMany { limit: RAISED_DAYS });
        }
        if limit > RAISED_LIMIT {
            return Err(Failure::TooMany { limit: RAISED_LIMIT });
        }
        let day = self.held.as_ref().ok_or(Failure::NotJoined)?.roster.pace.day();
        let mut row = step.get::<BreakerRow>(&owner)?.unwrap_or_default();
        let until = step.wall() + Millis(day.0.saturating_mul(u64::from(days)));
        row.raised = Some(Raised { limit, until, by: user });
        trail::record(step, Some(user), Act::BreakerRaised, &u64::from(limit).to_be_bytes(), Some(owner))?;
        Self::settled(step, &owner, row)?;
        // What was held back is looked at again with the next test.
        self.test_again(step, owner, Family::Registered)?;
        self.breaker_list(step)
    }

    /// Takes back what a supervisor raised, and the flag of an owner where decoys hit.
    pub(super) fn breaker_reset<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        owner: MemberId,
    ) -> Result<Answer, Failure> {
        self.known_other(&owner)?;
        let mut row = step.get::<BreakerRow>(&owner)?.unwrap_or_default();
        (row.raised, row.decoys) = (None, 0);
        trail::record(step, Some(user), Act::BreakerReset, &[], Some(owner))?;
        Self::settled(step, &owner, row)?;
        self.breaker_list(step)
    }
}

fn line(owner: MemberId, row: &BreakerRow, now: Timestamp) -> BreakerLine {
    let state = match (row.is_flagged(), row.is_open(now)) {
        (true, _) => "flagged",
        (false, true) => "open",
        (false, false) => "closed",
    };
    BreakerLine {
        owner,
        tested: row.tested,
        lately: row.lately,
        limit: u32::try_from(row.limit(now)).unwrap_or(u32::MAX),
        state: state.to_owned(),
        raised_until: row.raised.filter(|raised| now < raised.until).map(|raised| raised.until.seconds()),
        raised_by: row.raised.filter(|raised| now < raised.until).map(|raised| raised.by.to_string()),
    }
}
