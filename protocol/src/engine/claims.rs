//! The seeker's side of claims: from hits to a claim, its answer, the attributes, and what came of it.

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{ClaimId, MemberId, SubjectId, UserId, limits};
use crate::casework::candidate::DisclosureRecord;
use crate::casework::case::SubjectRecord;
use crate::casework::claim::{ClaimOut, SeekerEvent};
use crate::casework::commitment::{Commitment, verify_opening};
use crate::casework::messages::{Attributes, CLAIM_ROOT, ClaimAnswer, ClaimStatus, Disclosure, ReviewResult, ReviewStatus, kind};
use crate::engine::answer::{Answer, Failure, HeldLine};
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::rows::{Lane, ParkedRow, parked};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::person::Field;
use crate::private_match::label::{Family, Tag};
use crate::private_match::querier::{HitDecision, HitRow, QueryRow, SubjectRow, add_keys, by_entry};
use crate::roster::Freshness;

/// Pages of hits that a list looks through: most of them were claimed.
const LIST_PAGES: usize = 16;

impl Engine {
    /// Hits of one slice of a test. Repeating a slice changes nothing. False if not all of them fitted into this step.
    pub(super) fn hits_found<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: MemberId,
        set_seq: u64,
        hits: &[(SubjectId, u8, Tag)],
    ) -> Result<bool, ReadError> {
        for (subject, keys) in by_entry(hits) {
            if step.size() > limits::STEP_BYTES {
                return Ok(false);
            }
            self.hit_found(step, &subject, &owner, set_seq, keys)?;
            self.consider(step, &subject, &owner)?;
        }
        Ok(true)
    }

    fn hit_found<V: View>(
        &self,
        step: &mut Step<'_, V>,
        subject: &SubjectId,
        owner: &MemberId,
        set_seq: u64,
        keys: Vec<(u8, Tag)>,
    ) -> Result<(), ReadError> {
        let id = (*subject, *owner);
        if Self::is_over(step, subject)? {
            return Ok(());
        }
        let Some(query) = step.get::<QueryRow>(&(*owner, Family::Registered, *subject))? else { return Ok(()) };
        let old = step.get::<HitRow>(&id)?;
        let mut row =
            old.clone().unwrap_or(HitRow { keys: Vec::new(), epoch: query.epoch, set_seq, claim: None, held_back: false });
        let before = if row.epoch == query.epoch { row.keys.len() } else { 0 };
        if row.epoch != query.epoch {
            row.keys.clear();
            row.epoch = query.epoch;
        }
        row.set_seq = set_seq;
        add_keys(&mut row.keys, keys);
        if old.as_ref() != Some(&row) {
            step.put(&id, &row);
        }
        if step.get::<SubjectRow>(subject)?.is_some_and(|row| row.decoy) {
            let more = row.keys.len().saturating_sub(before);
            return if more > 0 { self.decoy_hit(step, owner, more) } else { Ok(()) };
        }
        if old.is_none() { self.count_hit(step, owner, subject) } else { Ok(()) }
    }

    /// Claims where the hits and the policy allow it by themselves; otherwise the hit is held for a person.
    fn consider<V: View>(&mut self, step: &mut Step<'_, V>, subject: &SubjectId, owner: &MemberId) -> Result<(), ReadError> {
        let (Some(row), Some(mut hit)) = (step.get::<SubjectRow>(subject)?, step.get::<HitRow>(&(*subject, *owner))?) else {
            return Ok(());
        };
        if row.decoy || hit.claim.is_some() || Self::is_over(step, subject)? || self.holds_back(step, subject, owner, &mut hit)? {
            return Ok(());
        }
        // On a roster that was not confirmed for long, a person decides: the owner may have been suspended meanwhile.
        let is_sure = self.freshness() == Freshness::Full;
        if is_sure && row.policy.decide(owner, hit.keys.len()) == HitDecision::Claim {
            self.claim(step, None, subject, owner)?;
        }
        Ok(())
    }

    fn claim<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: Option<UserId>,
        subject: &SubjectId,
        owner: &MemberId,
    ) -> Result<ClaimId, ReadError> {
        let row = step.get::<SubjectRow>(subject)?.ok_or(ReadError::Damaged)?;
        let mut hit = step.get::<HitRow>(&(*subject, *owner))?.ok_or(ReadError::Damaged)?;
        let claim_id = ClaimId::draw(&mut step.draw);
        // Roots are fresh for each claim: an unchanged one would show that two claims meet (protocol.md 2.8).
        let commitment = Commitment::draw(&row.leaves, &mut step.draw).map_err(|_| ReadError::Damaged)?;
        let claim = ClaimOut {
            holder: *owner,
            subject: *subject,
            case: row.case,
            state: crate::casework::claim::SeekerState::Claimed,
            leaves: commitment.leaves().to_vec(),
            roots: Vec::new(),
            epoch: hit.epoch,
            family: Family::Registered,
            root_index: CLAIM_ROOT,
            left: false,
            made: step.wall(),
            question: None,
            acknowledged: None,
        };
        step.put(&claim_id, &claim);
        hit.claim = Some(claim_id);
        step.put(&(*subject, *owner), &hit);
        self.queue_claim(step, claim_id, *owner);
        trail::record(step, user, Act::Claimed, &claim_id.0, Some(*owner))?;
        Ok(claim_id)
    }

    pub(super) fn search_held<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let mut hits = Vec::new();
        for ((subject, owner), hit) in step.pages::<HitRow>(&row_key(1, &()), LIST_PAGES)? {
            let Some(row) = step.get::<SubjectRow>(&subject)? else { continue };
            if hit.claim.is_some() || row.decoy || Self::is_over(step, &subject)? || self.taking_part(&owner).is_none() {
                continue;
            }
            let reason = match row.policy.decide(&owner, hit.keys.len()) {
                HitDecision::HeldOneHit => "one_hit",
                HitDecision::Claim if hit.held_back => "breaker",
                HitDecision::Claim if self.freshness() != Freshness::Full => "roster_old",
                HitDecision::HeldPolicy | HitDecision::Claim => "policy",
            };
            let count = u32::try_from(hit.keys.len()).unwrap_or(u32::MAX);
            hits.push(HeldLine { subject, case: row.case, owner, hits: count, reason: reason.to_owned() });
        }
        Ok(Answer::Held { hits })
    }

    pub(super) fn search_claim<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        owner: MemberId,
    ) -> Result<Answer, Failure> {
        let (subject, row) = lookup::find::<V, SubjectRow>(step, text, 1, SubjectId::LETTER)?;
        let hit = step.get::<HitRow>(&(subject, owner))?.filter(|_| !row.decoy).ok_or(Failure::Unknown)?;
        if hit.claim.is_some() || Self::is_over(step, &subject)? {
            return Err(Failure::State { state: "claimed".to_owned() });
        }
        if row.policy.never.contains(&owner) {
            return Err(Failure::Blocked(crate::engine::answer::Block::Policy));
        }
        if self.taking_part(&owner).is_none() {
            return Err(Failure::Unknown);
        }
        if !self.may_exchange() {
            return Err(Failure::RosterOld);
        }
        let claim = self.claim(step, Some(user), &subject, &owner)?;
        Ok(Answer::Claimed { claim })
    }

    fn own_claim<V: View>(
        step: &Step<'_, V>,
        claim_id: &ClaimId,
        holder: &MemberId,
        event: SeekerEvent,
    ) -> Result<ClaimOut, Refusal> {
        let mut claim = step.get::<ClaimOut>(claim_id)?.filter(|claim| claim.holder == *holder).ok_or(Refusal::State)?;
        claim.state = claim.state.next(event).ok_or(Refusal::State)?;
        Ok(claim)
    }

    /// The holder's answer. `candidate` sends the attributes, at once or when the node is unlocked.
    pub(super) fn claim_answered<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        answer: &ClaimAnswer,
    ) -> Result<(), Refusal> {
        if answer.roots.len() != limits::CANDIDATES {
            return Err(Refusal::Encoding);
        }
        if step.get::<ClaimOut>(&answer.claim_id)?.is_none() {
            return self.ask_answered(step, from, answer);
        }
        let event = match answer.status {
            ClaimStatus::Candidate => SeekerEvent::AnsweredCandidate,
            ClaimStatus::None => SeekerEvent::AnsweredNone,
        };
        if Self::is_withdrawn(step, &answer.claim_id, &from)? {
            return Ok(());
        }
        let mut claim = Self::own_claim(step, &answer.claim_id, &from, event)?;
        claim.roots.clone_from(&answer.roots);
        claim.acknowledged = (event == SeekerEvent::AnsweredCandidate).then(|| step.wall());
        step.put(&answer.claim_id, &claim);
        if event == SeekerEvent::AnsweredNone {
            self.claim_ended(step, &claim)?;
        }
        match event {
            SeekerEvent::AnsweredCandidate => self.send_attributes(step, answer.claim_id)?,
            _ => self.claim_anew(step, &claim)?,
        }
        Ok(())
    }

    /// A claim that was under way beyond the end of its epoch's index met nothing: where the subject hits in a later epoch,
    /// it is claimed again under that one's tags.
    fn claim_anew<V: View>(&mut self, step: &mut Step<'_, V>, claim: &ClaimOut) -> Result<(), ReadError> {
        let id = (claim.subject, claim.holder);
        let Some(mut hit) = step.get::<HitRow>(&id)? else { return Ok(()) };
        if hit.epoch <= claim.epoch {
            return Ok(());
        }
        hit.claim = None;
        step.put(&id, &hit);
        self.consider(step, &claim.subject, &claim.holder)
    }

    /// A node that was locked for longer than a holder waits for attributes: the holder has closed the claim, or is about to.
    fn is_too_late<V: View>(&self, step: &Step<'_, V>, claim: &ClaimOut) -> bool {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return false };
        // A day's margin for what is on the road.
        let patience = crate::base::Millis(pace.attributes_wait.0.saturating_sub(pace.day().0));
        claim.acknowledged.is_some_and(|since| step.wall().since(since) >= patience)
    }

    /// Claims a subject anew whose claim waited for an unlocked node for too long.
    fn claim_instead<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId, claim: &ClaimOut) -> Result<(), ReadError> {
        self.withdraw(step, claim_id)?;
        let id = (claim.subject, claim.holder);
        let Some(mut hit) = step.get::<HitRow>(&id)?.filter(|hit| hit.claim == Some(claim_id)) else { return Ok(()) };
        hit.claim = None;
        step.put(&id, &hit);
        self.consider(step, &claim.subject, &claim.holder)
    }

    /// Sends a subject's attributes, opened against the claim's commitment; parks the matter while the node is locked.
    pub(super) fn send_attributes<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let id = (parked::SEND_ATTRIBUTES, claim_id);
        if !self.records_open {
            step.put(&id, &ParkedRow {});
            return Ok(());
        }
        step.remove::<ParkedRow>(&id);
        let Some(mut claim) = step.get::<ClaimOut>(&claim_id)? else { return Ok(()) };
        if self.is_too_late(step, &claim) {
            return self.claim_instead(step, claim_id, &claim);
        }
        let Some(next) = claim.state.next(SeekerEvent::AttributesSent) else { return Ok(()) };
        let subject = step.get::<SubjectRecord>(&claim.subject)?.ok_or(ReadError::Damaged)?;
        let leaves = <[[u8; 32]; limits::LEAVES]>::try_from(claim.leaves.clone()).map_err(|_| ReadError::Damaged)?;
        let commitment = Commitment::from_leaves(leaves).map_err(|_| ReadError::Damaged)?;
        let named = self.identifiers_hit(step, &claim_id, &claim)?;
        // Only what is class A; the enquirer is in no attributes (protocol.md 2.8).
        let is_sent = |field: &crate::casework::commitment::OpenedField| match Field::of_name(&field.name) {
            Some(Field::Identifier(number)) => named.contains(&number),
            field => field.is_some_and(Field::is_attribute),
        };
        let fields = subject.salted.into_iter().filter(is_sent).collect();
        let opening = commitment.open(fields).map_err(|_| ReadError::Damaged)?;
        let body = Attributes {
            claim_id,
            root_index: claim.root_index,
            supplement: 0,
            fields: opening.fields,
            other_hashes: opening.other_hashes,
        };
        claim.state = next;
        step.put(&claim_id, &claim);
        self.post(step, &claim.holder, Lane::Bag, kind::ATTRIBUTES, None, &body)?;
        trail::record(step, None, Act::AttributesSent, &claim_id.0, Some(claim.holder))
    }

    /// Numbers of the identifiers whose keys were hit: the holder has them then, and others are not sent. Identifiers are the
    /// first keys.
    fn identifiers_hit<V: View>(&self, step: &Step<'_, V>, claim_id: &ClaimId, claim: &ClaimOut) -> Result<Vec<u8>, ReadError> {
        let mut named = Vec::new();
        let hit = step.get::<HitRow>(&(claim.subject, claim.holder))?;
        for number in 1..=u8::try_from(limits::IDENTIFIER_KEYS).unwrap_or(u8::MAX) {
            let was_hit = match claim.family {
                Family::Registered => {
                    hit.as_ref().is_some_and(|hit| hit.keys.iter().any(|(position, _)| position.checked_add(1) == Some(number)))
                }
                Family::Sought => self.holder_named(step, claim_id, &claim.subject, number)?,
            };
            if was_hit {
                named.push(number);
            }
        }
        Ok(named)
    }

    /// The holder's word on a review. `closed` may mean another person, a refusal or nobody reached: not to be told apart.
    pub(super) fn review_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        result: &ReviewResult,
    ) -> Result<(), Refusal> {
        if Self::is_withdrawn(step, &result.claim_id, &from)? {
            return Ok(());
        }
        match result.status {
            ReviewStatus::MoreDetail => return self.question_received(step, from, result),
            ReviewStatus::InProgress => return Ok(()),
            ReviewStatus::Closed => {}
        }
        let claim = Self::own_claim(step, &result.claim_id, &from, SeekerEvent::Closed)?;
        step.put(&result.claim_id, &claim);
        self.claim_ended(step, &claim)?;
        Ok(())
    }

    /// A disclosure: opened against the commitment that the holder made before it saw any attribute, or refused.
    pub(super) fn disclosure_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        disclosure: Disclosure,
    ) -> Result<(), Refusal> {
        if disclosure.text.expose().len() > limits::DISCLOSURE_TEXT_BYTES {
            return Err(Refusal::Size);
        }
        // Whoever closed the search does not read what came too late.
        if Self::is_withdrawn(step, &disclosure.claim_id, &from)? {
            return Ok(());
        }
        let claim = Self::own_claim(step, &disclosure.claim_id, &from, SeekerEvent::Disclosed)?;
        // The holder's commitment: one of the three of its answer, or its claim's root.
        let root = match claim.family {
            Family::Registered => claim.roots.get(usize::from(disclosure.root_index)),
            Family::Sought => claim.roots.first().filter(|_| disclosure.root_index == CLAIM_ROOT),
        };
        let root = root.ok_or(Refusal::Commit)?;
        verify_opening(root, &disclosure.fields, &disclosure.other_hashes, limits::FIELD_BYTES).map_err(|_| Refusal::Commit)?;
        let record = DisclosureRecord {
            holder: from,
            case: claim.case,
            subject: claim.subject,
            kind: disclosure.kind,
            fields: disclosure.fields,
            text: disclosure.text,
            consent: disclosure.consent_ref,
            received: step.wall(),
            outcome: None,
        };
        step.put(&disclosure.claim_id, &claim);
        self.claim_ended(step, &claim)?;
        step.put(&disclosure.claim_id, &record);
        trail::record(step, None, Act::DisclosureReceived, &disclosure.claim_id.0, Some(from))?;
        Ok(())
    }
}
