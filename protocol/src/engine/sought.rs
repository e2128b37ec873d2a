//! The seeker's side of the family `sought`: which of its subjects holders may ask about, and the answers to their claims.
//!
//! A subject is in the index of `sought` while its case is active and the enquirer agreed; members that must not learn of the
//! search see nothing of it. A claim is answered as in `registered`: the delay is drawn before the look-up, and `none` and
//! `candidate` take one path with the same rows and sizes. Attributes still flow from here to the holder: they open the root
//! that the answer committed to.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{CaseId, ClaimId, MemberId, Millis, SubjectId, UserId, limits};
use crate::casework::case::CaseRecord;
use crate::casework::claim::{ClaimIn, ClaimOut, SeekerState};
use crate::casework::claim_pace::Within;
use crate::casework::commitment::Commitment;
use crate::casework::messages::{Claim, ClaimAnswer, ClaimStatus, kind};
use crate::casework::sought::{SoughtClaim, SoughtState, SubjectClaim};
use crate::engine::answer::{Answer, Block, Failure};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::inputs::inputs_of;
use crate::engine::lookup;
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::linkage;
use crate::person::{Audience, LegalBasis, MatchMode};
use crate::private_match::label::tag;
use crate::private_match::owner::{EpochKey, IndexRow, IndexState};
use crate::private_match::querier::SubjectRow;
use crate::private_match::{EntryId, EpochSecret, Family};

/// Subjects under one tag that are looked at.
const SUBJECTS_A_TAG: usize = 8;
/// When a subject is looked at again whose tags are just being removed.
const AGAIN: Millis = Millis::seconds(60);

impl Engine {
    /// Puts a subject into the index of `sought`, or takes it out, as its row says. Called after every change of the row.
    pub(super) fn refresh_sought<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let Some(row) = step.get::<SubjectRow>(&subject)? else { return Ok(()) };
        let id = (Family::Sought, EntryId::from(subject));
        let wanted = row.holders_may_ask && !Self::is_over(step, &subject)?;
        match (wanted, step.get::<IndexRow>(&id)?) {
            (true, None) => Self::file_sought(step, subject, row),
            (true, Some(index)) if index.mode == MatchMode::Off => {
                // Its tags are being removed by a job.
                self.due(step, step.wall() + AGAIN, Due::Sought(subject));
                Ok(())
            }
            (false, Some(index)) if index.mode != MatchMode::Off => self.unindex(step, Family::Sought, subject.into()),
            _ => Ok(()),
        }
    }

    fn file_sought<V: View>(step: &mut Step<'_, V>, subject: SubjectId, row: SubjectRow) -> Result<(), ReadError> {
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        state.sought.entries += 1;
        step.put(&(), &state);
        let index = IndexRow {
            keys: row.keys,
            audience: Audience::All.without(&row.policy.never),
            mode: MatchMode::Answer,
            leaves: row.leaves,
            mentions: Vec::new(),
            // Subjects of one case are one household: siblings share their parents' names.
            household: Some(EntryId(row.case.0)),
        };
        step.put(&(Family::Sought, subject.into()), &index);
        Self::queue_entry(step, Family::Sought, subject.into(), true)?;
        Ok(())
    }

    /// The enquirer agreed when the case was opened.
    pub(super) fn let_holders_ask<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let mut row = step.get::<SubjectRow>(&subject)?.ok_or(ReadError::Damaged)?;
        row.holders_may_ask = true;
        step.put(&subject, &row);
        self.refresh_sought(step, subject)
    }

    /// The enquirer agrees, or does not agree any more, that holders ask about the sought people of a case.
    pub(super) fn case_sought<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        allow: bool,
    ) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, CaseRecord::KIND, CaseId::LETTER)?;
        if allow && record.enquirer.legal_basis != LegalBasis::Consent {
            return Err(Failure::Blocked(Block::NoConsent));
        }
        if allow && !record.safe {
            return Err(Failure::Blocked(Block::Safety));
        }
        for subject in &record.subjects {
            let mut row = step.get::<SubjectRow>(subject)?.ok_or(Failure::Damaged)?;
            row.holders_may_ask = allow;
            step.put(subject, &row);
            self.refresh_sought(step, *subject)?;
        }
        let act = if allow { Act::SoughtAllowed } else { Act::SoughtWithdrawn };
        trail::record(step, Some(user), act, &case.0, None)?;
        Ok(Answer::CaseSought { case, holders_may_ask: allow })
    }

    /// A subject ended: claims of holders on it are withdrawn, but the one that answered it.
    pub(super) fn withdraw_from_holders<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        subject: &SubjectId,
        answered: Option<ClaimId>,
    ) -> Result<(), ReadError> {
        for ((_, claim), _) in step.under::<SubjectClaim>(&row_key(SubjectClaim::KIND, subject), limits::MEMBERS)? {
            if Some(claim) != answered {
                self.withdraw(step, claim)?;
            }
        }
        Ok(())
    }

    /// A holder's claim: its delay is drawn before anything is looked up.
    pub(super) fn sought_claim_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        claim: Claim,
    ) -> Result<(), Refusal> {
        let id = claim.claim_id;
        let is_known = step.get::<SoughtClaim>(&id)?.is_some() || step.get::<ClaimOut>(&id)?.is_some();
        if is_known || step.get::<ClaimIn>(&id)?.is_some() {
            return Err(Refusal::State);
        }
        let pace = self.held.as_ref().ok_or(Refusal::RosterStale)?.roster.pace;
        let delay = step.draw.between(pace.answer_min, pace.answer_max);
        let beyond = self.count_claim(step, &from)? == Within::Nothing;
        let row = SoughtClaim {
            holder: from,
            case_ref: claim.case_ref,
            epoch: claim.epoch,
            tags: claim.tags,
            attr_root: claim.attr_root,
            state: SoughtState::Delayed,
            met: false,
            subject: SubjectId::draw(&mut step.draw),
            root_index: 0,
            leaves: Vec::new(),
            received: step.wall(),
            beyond,
        };
        step.put(&id, &row);
        self.due(step, step.wall() + delay, Due::Answer(id));
        Ok(())
    }

    /// The delay is over: look up, answer with three roots.
    pub(super) fn sought_answer_due<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(mut claim) = step.get::<SoughtClaim>(&claim_id)? else { return Ok(()) };
        if claim.state != SoughtState::Delayed || self.taking_part(&claim.holder).is_none() {
            return Ok(());
        }
        let met = self.sought_under(step, &claim)?.map(|subject| (EntryId::from(subject).person(), subject));
        let found = self.within_caps(step, claim_id, (claim.holder, claim.beyond), met)?.map(|(_, subject)| subject);
        let leaves = match &found {
            Some(subject) => step.get::<SubjectRow>(subject)?.map_or_else(Vec::new, |row| row.leaves),
            None => Vec::new(),
        };
        let commitment = Commitment::draw(&leaves, &mut step.draw).map_err(|_| ReadError::Damaged)?;
        let (roots, place) = commitment.among_roots(&mut step.draw).map_err(|_| ReadError::Damaged)?;
        claim.root_index = place;
        claim.state = SoughtState::Answered;
        claim.met = found.is_some();
        claim.subject = found.unwrap_or(claim.subject);
        claim.leaves = commitment.leaves().to_vec();
        step.put(&claim_id, &claim);
        let status = if found.is_some() { ClaimStatus::Candidate } else { ClaimStatus::None };
        let answer = ClaimAnswer { claim_id, status, roots };
        self.post(step, &claim.holder, Lane::Bag, kind::CLAIM_ANSWER, None, &answer)?;
        // Set whatever was found; the attributes of a miss are none.
        self.due(step, step.wall() + Millis(1), Due::Open(claim_id));
        trail::record(step, None, Act::ClaimAnswered, &claim_id.0, Some(claim.holder))
    }

    /// The subject under the claim's tags that its holder may ask about.
    fn sought_under<V: View>(&self, step: &mut Step<'_, V>, claim: &SoughtClaim) -> Result<Option<SubjectId>, ReadError> {
        for tag in &claim.tags {
            for bearer in step.bearers((claim.epoch, Family::Sought), &tag.0, SUBJECTS_A_TAG)? {
                // Who has left the index is met by no claim, though a tag may be there for a moment.
                let is_there =
                    step.get::<IndexRow>(&(Family::Sought, bearer.entry))?.is_some_and(|row| row.mode == MatchMode::Answer);
                if is_there && bearer.audience.admits(&claim.holder) {
                    return Ok(Some(bearer.entry.subject()));
                }
            }
        }
        // An honest holder claims what its set shows: the opt-in ended meanwhile, or the tag was told or guessed
        // (protocol.md 2.14).
        step.notify(NoticeCode::ClaimAnomaly, Some(claim.holder), 1);
        Ok(None)
    }

    /// After the answer: a claim that met a subject gets its attributes, at once or when the node is unlocked.
    pub(super) fn open_for_holder<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(claim) = step.get::<SoughtClaim>(&claim_id)? else { return Ok(()) };
        let subject = claim.subject;
        // It may have been closed or erased since the answer.
        if !claim.met || self.taking_part(&claim.holder).is_none() || Self::is_over(step, &subject)? {
            return Ok(());
        }
        let Some(row) = step.get::<SubjectRow>(&subject)? else { return Ok(()) };
        if step.get::<ClaimOut>(&claim_id)?.is_some() {
            return Ok(());
        }
        let out = ClaimOut {
            holder: claim.holder,
            subject,
            case: row.case,
            state: SeekerState::Acknowledged,
            leaves: claim.leaves,
            // What a disclosure is held against: the holder committed to it before it saw an attribute.
            roots: vec![claim.attr_root],
            epoch: claim.epoch,
            family: Family::Sought,
            root_index: claim.root_index,
            left: true,
            made: step.wall(),
            question: None,
            acknowledged: Some(step.wall()),
        };
        step.put(&claim_id, &out);
        step.put(&(subject, claim_id), &SubjectClaim {});
        self.send_attributes(step, claim_id)
    }

    /// Whether a holder's claim names the key of an identifier, 1 to 4: its number is sent only then. Identifiers are the
    /// first keys. Once the key of the epoch is destroyed nothing tells, and none is sent.
    pub(super) fn holder_named<V: View>(
        &self,
        step: &Step<'_, V>,
        claim_id: &ClaimId,
        subject: &SubjectId,
        number: u8,
    ) -> Result<bool, ReadError> {
        let (Some(claim), Some(row)) = (step.get::<SoughtClaim>(claim_id)?, step.get::<SubjectRow>(subject)?) else {
            return Ok(false);
        };
        let Some(key) = step.get::<EpochKey>(&claim.epoch)? else { return Ok(false) };
        let place = usize::from(number).saturating_sub(1);
        let label = row.keys.get(place..).unwrap_or_default().get(..1).unwrap_or_default();
        let secret = EpochSecret::from_seed(*key.seed.expose());
        let inputs = inputs_of(&linkage::profile_id(), &self.me()?, label);
        Ok(inputs.iter().any(|input| claim.tags.contains(&tag(&secret.evaluate(input.expose())))))
    }
}
