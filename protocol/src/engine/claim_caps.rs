//! The caps on claims: counted at the holder, kept at the claimant (protocol.md 2.4).
//!
//! `candidates` asks before it answers, `outbox` before it fills a bag. A claim beyond the caps takes the same path as a
//! miss: its delay is drawn, a record is looked up, the same rows of the same sizes are written, `none` leaves. A claimant's
//! claims wait outside the outbox until they may leave, and are signed at that moment.

use crate::base::record::{Record, row_key};
use crate::base::{ClaimId, MemberId, Millis, PersonId, Sensitive, limits};
use crate::casework::claim::{ClaimIn, ClaimOut, SeekerState};
use crate::casework::claim_pace::{ClaimPace, ClaimsOfPair, RECORD_DAYS, RecordClaim, WaitingClaim, Within};
use crate::casework::commitment::Commitment;
use crate::casework::messages::{Claim, kind};
use crate::engine::core::Engine;
use crate::engine::inputs::class_of;
use crate::engine::rows::{Lane, OutRow, Outgoing};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Message, Unverified};
use crate::private_match::label::{Family, Tag};
use crate::private_match::querier::{HitRow, QueryRow, SubjectRow};

/// Rows that wait for one bag, looked through for claims.
const ROWS: usize = limits::PAGE_ROWS;

impl Engine {
    /// Holder: counts a claim that came.
    pub(super) fn count_claim<V: View>(&self, step: &mut Step<'_, V>, seeker: &MemberId) -> Result<Within, ReadError> {
        let Some(roster) = self.held.as_ref().map(|held| &held.roster) else { return Ok(Within::Nothing) };
        let mut pair = step.get::<ClaimsOfPair>(seeker)?.unwrap_or_default();
        let limits = roster.limits;
        let within = pair.take(limits.claims_a_day, limits.claims_open, step.wall(), roster.pace.day());
        step.put(seeker, &pair);
        Ok(within)
    }

    /// Whoever got a claim of `from`: what it may meet of what it met; `beyond` where it came beyond the caps of the pair. A
    /// subject stands under the bytes of its id. Writes the same rows whatever comes out.
    // BU-7.
    pub(super) fn within_caps<V: View, M>(
        &self,
        step: &mut Step<'_, V>,
        claim_id: ClaimId,
        (from, beyond): (MemberId, bool),
        met: Option<(PersonId, M)>,
    ) -> Result<Option<(PersonId, M)>, ReadError> {
        let (most, day) = match &self.held {
            Some(held) => (held.roster.limits.claims_a_record, held.roster.pace.day()),
            None => (0, Millis::days(1)),
        };
        // A record that nobody has, for whatever met none.
        let nobody = PersonId::draw(&mut step.draw);
        let counted = met.as_ref().map_or(nobody, |(person, _)| *person);
        let span = Millis(day.0.saturating_mul(RECORD_DAYS));
        let now = step.wall();
        let earlier = step.under::<RecordClaim>(&row_key(RecordClaim::KIND, &(counted, from)), limits::PAGE_ROWS)?;
        let lately = earlier.iter().filter(|(_, row)| now.since(row.at) < span).count();
        let room = u64::try_from(lately).unwrap_or(u64::MAX) < most;
        let found = met.filter(|_| room && !beyond);
        let under = found.as_ref().map_or(nobody, |(person, _)| *person);
        step.put(&(under, from, claim_id), &RecordClaim { at: now, expires: (now + span).deadline_seconds() });
        let mut pair = step.get::<ClaimsOfPair>(&from)?.unwrap_or_default();
        if found.is_none() && !beyond {
            pair.left();
        }
        step.put(&from, &pair);
        Ok(found)
    }

    /// Holder: a claim does not wait any more: the seeker's leaves its caps, an own one leaves room at the seeker's.
    pub(super) fn claim_left<V: View>(&self, step: &mut Step<'_, V>, claim: &ClaimIn) -> Result<(), ReadError> {
        match claim.family {
            // Beyond the caps it was never counted.
            Family::Registered if claim.beyond => Ok(()),
            Family::Registered => Self::pair_left(step, &claim.seeker),
            Family::Sought => Self::pace_ended(step, &claim.seeker),
        }
    }

    fn pair_left<V: View>(step: &mut Step<'_, V>, from: &MemberId) -> Result<(), ReadError> {
        let mut pair = step.get::<ClaimsOfPair>(from)?.unwrap_or_default();
        pair.left();
        step.put(from, &pair);
        Ok(())
    }

    fn pace_ended<V: View>(step: &mut Step<'_, V>, to: &MemberId) -> Result<(), ReadError> {
        let mut pace = step.get::<ClaimPace>(to)?.unwrap_or_default();
        pace.ended();
        step.put(to, &pace);
        Ok(())
    }

    /// Claimant: takes the place of one claim that leaves for a member at once. False if its caps leave no room.
    pub(super) fn take_room<V: View>(&self, step: &mut Step<'_, V>, to: &MemberId) -> Result<bool, ReadError> {
        let Some(roster) = self.held.as_ref().map(|held| &held.roster) else { return Ok(false) };
        let (limits, day) = (roster.limits, roster.pace.day());
        let under_way = Self::wait_in_bags(step, to, kind::CLAIM)?;
        let mut pace = step.get::<ClaimPace>(to)?.unwrap_or_default();
        let has_room = pace.room(under_way, limits.claims_a_day, limits.claims_open, step.wall(), day) > 0;
        if has_room {
            pace.leaves(step.wall());
        }
        step.put(to, &pace);
        Ok(has_room)
    }

    /// Claimant: a claim waits for a bag in which it may leave.
    pub(super) fn queue_claim<V: View>(&self, step: &mut Step<'_, V>, claim_id: ClaimId, holder: MemberId) {
        step.put(&(holder, step.wall(), claim_id), &WaitingClaim {});
    }

    /// Claimant: lets claims into the bag that is being made, as many as the holder's caps leave room for.
    pub(super) fn release_claims<V: View>(&mut self, step: &mut Step<'_, V>, holder: &MemberId) -> Result<(), ReadError> {
        let waiting = step.under::<WaitingClaim>(&row_key(WaitingClaim::KIND, holder), limits::PAGE_ROWS)?;
        let Some(roster) = self.held.as_ref().map(|held| &held.roster).filter(|_| !waiting.is_empty()) else {
            return Ok(());
        };
        let (limits, day) = (roster.limits, roster.pace.day());
        let under_way = Self::wait_in_bags(step, holder, kind::CLAIM)?;
        let mut pace = step.get::<ClaimPace>(holder)?.unwrap_or_default();
        let mut room = pace.room(under_way, limits.claims_a_day, limits.claims_open, step.wall(), day);
        for ((_, since, claim_id), _) in waiting {
            if room == 0 || step.size() > crate::base::limits::STEP_BYTES {
                break;
            }
            if self.is_stale(step, claim_id, holder)? {
                continue;
            }
            room -= 1;
            step.remove::<WaitingClaim>(&(*holder, since, claim_id));
            if self.send_claim(step, claim_id, holder)? {
                pace.leaves(step.wall());
            }
        }
        step.put(holder, &pace);
        Ok(())
    }

    /// Whether the tags of a claim that waits are of an epoch whose claims its holder answers with "none" by now: it waits
    /// until its subject was asked again and hit. A holder that was away for long comes back with another epoch, and the bag
    /// that was owed to it may be due before its set is here.
    fn is_stale<V: View>(&self, step: &Step<'_, V>, claim_id: ClaimId, holder: &MemberId) -> Result<bool, ReadError> {
        let Some(claim) = step.get::<ClaimOut>(&claim_id)? else { return Ok(false) };
        let Some(hit) = step.get::<HitRow>(&(claim.subject, *holder))? else { return Ok(false) };
        let Some(live) = self.keys_of(holder, step.wall()).map(|held| held.keys.voprf) else { return Ok(false) };
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(false) };
        // Half of the time for which the last epoch is drained: the bag may take some of it.
        let drained = crate::base::Timestamp::from_seconds(live.from) + crate::base::Millis(pace.drain_claims.0 / 2);
        let is_last = hit.epoch.0.checked_add(1) == Some(live.epoch.0);
        Ok(hit.epoch.0 < live.epoch.0 && !(is_last && step.wall() < drained))
    }

    /// Signs a claim under the tags that its subject hit last. False if it ended while it waited.
    fn send_claim<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId, holder: &MemberId) -> Result<bool, ReadError> {
        let Some(mut claim) = step.get::<ClaimOut>(&claim_id)? else { return Ok(false) };
        let is_open = !Self::is_over(step, &claim.subject)?;
        let hit = step.get::<HitRow>(&(claim.subject, *holder))?;
        let query = step.get::<QueryRow>(&(*holder, Family::Registered, claim.subject))?;
        let (Some(hit), Some(query), Some(subject)) = (hit, query, step.get::<SubjectRow>(&claim.subject)?) else {
            return Ok(false);
        };
        if !is_open || claim.state != SeekerState::Claimed {
            return Ok(false);
        }
        let leaves = <[[u8; 32]; limits::LEAVES]>::try_from(claim.leaves.clone()).map_err(|_| ReadError::Damaged)?;
        let commitment = Commitment::from_leaves(leaves).map_err(|_| ReadError::Damaged)?;
        let body = Claim {
            claim_id,
            case_ref: query.case_ref,
            epoch: hit.epoch,
            set_seq: hit.set_seq,
            family: Family::Registered,
            tags: tags_of(&subject.keys, &hit.keys),
            attr_root: commitment.root().map_err(|_| ReadError::Damaged)?,
        };
        claim.epoch = hit.epoch;
        claim.left = true;
        step.put(&claim_id, &claim);
        self.post(step, holder, Lane::Bag, kind::CLAIM, None, &body)?;
        Ok(true)
    }

    /// Messages of one type that were signed for a member and not committed there.
    pub(super) fn wait_in_bags<V: View>(step: &Step<'_, V>, to: &MemberId, kind: u64) -> Result<usize, ReadError> {
        let rows = step.under::<OutRow>(&row_key(OutRow::KIND, &(*to, Lane::Bag.number())), ROWS)?;
        let is_meant = |row: &OutRow| match &row.what {
            Outgoing::Signed(bytes) => {
                Unverified::<Message>::parse(bytes, limits::MESSAGE_BYTES).is_ok_and(|message| message.claimed_kind() == kind)
            }
            _ => false,
        };
        Ok(rows.iter().filter(|(_, row)| is_meant(row)).count())
    }

    /// Claimant: a claim ended. What waits behind it may leave with the next bag.
    pub(super) fn claim_ended<V: View>(&self, step: &mut Step<'_, V>, claim: &ClaimOut) -> Result<(), ReadError> {
        if !claim.left {
            return Ok(());
        }
        match claim.family {
            Family::Registered => Self::pace_ended(step, &claim.holder),
            Family::Sought => Self::pair_left(step, &claim.holder),
        }
    }
}

// CL-2.
/// The tags of a claim: of the strongest key that was hit, and of the next one of another class where there is one. To a
/// bait every further one would tell more.
fn tags_of(labels: &[Sensitive<String>], hits: &[(u8, Tag)]) -> Vec<Tag> {
    let class = |position: u8| labels.get(usize::from(position)).map(|label| class_of(label.expose()));
    let Some(((strongest, tag), others)) = hits.split_first() else { return Vec::new() };
    let other = others.iter().find(|(position, _)| class(*position) != class(*strongest)).or(others.first());
    core::iter::once(*tag).chain(other.map(|(_, tag)| *tag)).take(limits::TAGS_A_CLAIM).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // CL-2.
    #[test]
    fn the_second_tag_is_of_another_class_where_there_is_one() {
        let labels: Vec<Sensitive<String>> = ["n:a|d:1", "n:b|d:1", "g:a|p:c"].into_iter().map(Sensitive::from).collect();
        let hits = [(0, Tag([1; 16])), (1, Tag([2; 16])), (2, Tag([3; 16]))];
        assert_eq!(tags_of(&labels, &hits), [Tag([1; 16]), Tag([3; 16])]);
        assert_eq!(tags_of(&labels, &hits[..2]), [Tag([1; 16]), Tag([2; 16])]);
        assert_eq!(tags_of(&labels, &hits[2..]), [Tag([3; 16])]);
    }
}
