//! Claims that end at the other side, or by time: a withdrawal that came, attributes that did not come, a record that left.
//!
//! The holder never says why: whatever ends a claim there, `closed` leaves at a drawn time (protocol.md 2.8). A seeker's
//! withdrawal ends a candidate at once, and what the seeker's society sent goes with it.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{ClaimId, MemberId, Millis, PersonId, limits};
use crate::casework::candidate::{CandidateRecord, SupplementRecord};
use crate::casework::claim::{ClaimIn, ClaimOut, HolderEvent, HolderState, SeekerEvent, SeekerState};
use crate::casework::claim_pace::RecordClaim;
use crate::casework::messages::{Withdraw, kind};
use crate::engine::core::Engine;
use crate::engine::rows::Due;
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

    /// Holder: a record was erased, or is not for a seeker any more: open claims of that seeker (of all, if none is named) on
    /// it close, and what was kept of them goes. Says whether more are left for another step.
    #[allow(dead_code, reason = "records cannot be erased or changed yet; whatever does it calls this in the same step")]
    pub(super) fn close_claims_on<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        person: &PersonId,
        seeker: Option<&MemberId>,
    ) -> Result<bool, ReadError> {
        let claims = step.under::<RecordClaim>(&row_key(RecordClaim::KIND, person), limits::PAGE_ROWS)?;
        for ((_, of, claim_id), _) in claims {
            if seeker.is_some_and(|seeker| *seeker != of) {
                continue;
            }
            if step.size() > limits::STEP_BYTES {
                return Ok(true);
            }
            let Some(mut claim) = step.get::<ClaimIn>(&claim_id)?.filter(|claim| claim.person == Some(*person)) else {
                continue;
            };
            if claim.state.next(HolderEvent::Close).is_some() {
                trail::record(step, None, Act::ClosedWithRecord, &claim_id.0, Some(of))?;
                claim.person = None;
                self.close(step, claim_id, claim)?;
                step.remove::<CandidateRecord>(&claim_id);
                step.remove::<SupplementRecord>(&claim_id);
            }
        }
        Ok(false)
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
