//! Claims that end at the other side, or by time: a withdrawal that came, attributes that did not come, a record that left.
//!
//! The holder never says why: whatever ends a claim there, `closed` leaves at a drawn time (protocol.md 2.8). A seeker's
//! withdrawal ends a candidate at once, and what the seeker's society sent goes with it.

use crate::audit::Act;
use crate::base::{ClaimId, MemberId, Millis, PersonId};
use crate::casework::candidate::{CandidateRecord, SupplementRecord};
use crate::casework::claim::{ClaimIn, ClaimOut, HolderEvent, HolderState, SeekerEvent, SeekerState};
use crate::casework::commitment::Commitment;
use crate::casework::messages::{Withdraw, kind};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::{ParkedRow, parked};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::private_match::Family;

impl Engine {
    /// The other side closed the matter. A claim that has ended here already stays as it is: the two crossed on the way.
    pub(super) fn withdraw_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        withdraw: &Withdraw,
    ) -> Result<(), Refusal> {
        let claim_id = match (withdraw.claim_id, withdraw.case_ref) {
            (Some(claim_id), None) => claim_id,
            (None, Some(_)) => return Err(Refusal::Role),
            _ => return Err(Refusal::Encoding),
        };
        if let Some(claim) = step.get::<ClaimIn>(&claim_id)?.filter(|claim| claim.seeker == from) {
            return self.withdrawn_by_seeker(step, claim_id, claim).map_err(Refusal::from);
        }
        let claim = step.get::<ClaimOut>(&claim_id)?.filter(|claim| claim.holder == from && claim.left);
        let mut claim = claim.ok_or(Refusal::State)?;
        if let Some(next) = claim.state.next(SeekerEvent::Withdrawn) {
            claim.state = next;
            step.put(&claim_id, &claim);
            self.claim_ended(step, &claim)?;
        }
        Ok(())
    }

    fn withdrawn_by_seeker<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        claim_id: ClaimId,
        mut claim: ClaimIn,
    ) -> Result<(), ReadError> {
        let Some(next) = claim.state.next(HolderEvent::Withdrawn) else { return Ok(()) };
        claim.state = next;
        step.put(&claim_id, &claim);
        self.claim_left(step, &claim)?;
        step.remove::<CandidateRecord>(&claim_id);
        step.remove::<SupplementRecord>(&claim_id);
        trail::record(step, None, Act::ClaimWithdrawn, &claim_id.0, Some(claim.seeker))
    }

    /// Holder: the roster's `attributes_wait` begins.
    pub(super) fn await_attributes<V: View>(&self, step: &mut Step<'_, V>, claim_id: ClaimId) {
        let wait = self.held.as_ref().map_or(Millis::days(30), |held| held.roster.pace.attributes_wait);
        self.due(step, step.wall() + wait, Due::AttributesWait(claim_id));
    }

    /// Holder: attributes did not come in the roster's `attributes_wait`. A seeker that was not reached since has not even
    /// heard of the answer: its time begins again.
    pub(super) fn attributes_missing<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(claim) = step.get::<ClaimIn>(&claim_id)? else { return Ok(()) };
        if claim.state != HolderState::AwaitAttributes {
            return Ok(());
        }
        if claim.family == Family::Registered && Self::wait_in_bags(step, &claim.seeker, kind::CLAIM_ANSWER)? > 0 {
            self.await_attributes(step, claim_id);
            return Ok(());
        }
        trail::record(step, None, Act::AttributesMissing, &claim_id.0, Some(claim.seeker))?;
        self.close(step, claim_id, claim)
    }

    // ER-5.
    /// Holder: a record was erased: a claim that met it closes like any other, where it is open, and what was kept of it goes,
    /// its leaves too. False where the claim met another record, or none.
    pub(super) fn part_claim<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        claim_id: ClaimId,
        person: &PersonId,
    ) -> Result<bool, ReadError> {
        let Some(mut claim) = step.get::<ClaimIn>(&claim_id)?.filter(|claim| claim.person == Some(*person)) else {
            return Ok(false);
        };
        // A row of this kind keeps its size whatever it holds.
        let nothing = Commitment::draw(&[], &mut step.draw).map_err(|_| ReadError::Damaged)?;
        (claim.person, claim.mention, claim.leaves) = (None, None, nothing.leaves().to_vec());
        step.remove::<CandidateRecord>(&claim_id);
        step.remove::<SupplementRecord>(&claim_id);
        step.remove::<ParkedRow>(&(parked::COMPARE, claim_id));
        // One whose attributes did not come closes when they come, or when they do not: the seeker sees no difference.
        let is_with_people = claim.state != HolderState::AwaitAttributes && claim.state.next(HolderEvent::Close).is_some();
        if is_with_people {
            trail::record(step, None, Act::ClosedWithRecord, &claim_id.0, Some(claim.seeker))?;
            self.close(step, claim_id, claim)?;
        } else {
            step.put(&claim_id, &claim);
        }
        Ok(true)
    }

    /// Seeker: a claim of a subject that was closed here meanwhile. The other side's answer crossed the withdrawal.
    pub(super) fn is_withdrawn<V: View>(step: &Step<'_, V>, claim_id: &ClaimId, from: &MemberId) -> Result<bool, ReadError> {
        let claim = step.get::<ClaimOut>(claim_id)?.filter(|claim| claim.holder == *from);
        Ok(match claim {
            Some(claim) => claim.state == SeekerState::Closed && Self::is_over(step, &claim.subject)?,
            None => false,
        })
    }
}
