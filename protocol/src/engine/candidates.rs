//! The holder's side of claims: the answer after its drawn delay, the comparison, a caseworker's verdict.
//!
//! Every delay is drawn before anything is looked up, and `none` and `candidate` take the same path: the same rows are
//! written, the same message of the same size leaves (protocol.md 2.9).

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{ClaimId, MemberId, Millis, PersonId, Sensitive, UserId, limits};
use crate::casework::candidate::{CandidateRecord, Review};
use crate::casework::case::SaltedPerson;
use crate::casework::claim::{ClaimIn, HolderEvent, HolderState};
use crate::casework::claim_pace::Within;
use crate::casework::commitment::{Commitment, verify_opening};
use crate::casework::describe;
use crate::casework::messages::{Attributes, Claim, ClaimAnswer, ClaimStatus, Outcome, ReviewResult, ReviewStatus, kind};
use crate::casework::review::Verdict;
use crate::engine::answer::{Answer, CandidateLine, CandidateRow, CandidateShown, Failure};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::lookup;
use crate::engine::met;
use crate::engine::rows::{Lane, ParkedRow, parked};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::linkage::{Band, ComparedField, compare};
use crate::person::{Field, MatchMode, PersonRecord};
use crate::private_match::Family;
use crate::private_match::owner::IndexRow;

/// Pages of claims that a list looks through: most of them were answered `none`, which no list shows.
const LIST_PAGES: usize = 16;
/// People under one tag that are looked at.
const PEOPLE_A_TAG: usize = 8;

impl Engine {
    /// A claim: its delay is drawn before anything is looked up.
    pub(super) fn claim_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        claim: Claim,
    ) -> Result<(), Refusal> {
        if claim.tags.is_empty() || claim.tags.len() > limits::TAGS_A_CLAIM {
            return Err(Refusal::Size);
        }
        if claim.family == Family::Sought {
            return self.sought_claim_received(step, from, claim);
        }
        if step.get::<ClaimIn>(&claim.claim_id)?.is_some() {
            return Err(Refusal::State);
        }
        let pace = self.held.as_ref().ok_or(Refusal::RosterStale)?.roster.pace;
        // BG-2: before anything is looked up.
        let delay = step.draw.between(pace.answer_min, pace.answer_max);
        let beyond = self.count_claim(step, &from)? == Within::Nothing;
        let row = ClaimIn {
            seeker: from,
            case_ref: claim.case_ref,
            epoch: claim.epoch,
            tags: claim.tags,
            attr_root: claim.attr_root,
            state: HolderState::Delayed,
            person: None,
            roots: Vec::new(),
            root_index: 0,
            leaves: Vec::new(),
            close_not_before: step.wall(),
            received: step.wall(),
            outcome: None,
            mention: None,
            family: Family::Registered,
            beyond,
            asked: false,
            supplemented: false,
            opened: None,
        };
        step.put(&claim.claim_id, &row);
        self.due(step, step.wall() + delay, Due::Answer(claim.claim_id));
        Ok(())
    }

    /// The delay is over: look up, answer with three roots.
    // BG-3.
    pub(super) fn answer_due<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(mut claim) = step.get::<ClaimIn>(&claim_id)? else { return self.sought_answer_due(step, claim_id) };
        if claim.state != HolderState::Delayed || self.taking_part(&claim.seeker).is_none() {
            return Ok(());
        }
        let met = self.look_up(step, &claim)?;
        let found = self.within_caps(step, claim_id, (claim.seeker, claim.beyond), met)?;
        // A miss commits to nothing but random leaves: the same work, the same bytes.
        let leaves = match &found {
            Some((person, _)) => {
                step.get::<IndexRow>(&(Family::Registered, (*person).into()))?.map_or_else(Vec::new, |row| row.leaves)
            }
            None => Vec::new(),
        };
        // CL-3, CL-4.
        let commitment = Commitment::draw(&leaves, &mut step.draw).map_err(|_| ReadError::Damaged)?;
        // CL-5.
        let (roots, place) = commitment.among_roots(&mut step.draw).map_err(|_| ReadError::Damaged)?;
        claim.root_index = place;
        let (event, status) = match found {
            Some(_) => (HolderEvent::FoundRecord, ClaimStatus::Candidate),
            None => (HolderEvent::FoundNone, ClaimStatus::None),
        };
        claim.state = claim.state.next(event).ok_or(ReadError::Damaged)?;
        claim.person = found.map(|(person, _)| person);
        claim.mention = found.and_then(|(_, mention)| mention);
        claim.roots.clone_from(&roots);
        claim.leaves = commitment.leaves().to_vec();
        step.put(&claim_id, &claim);
        self.await_attributes(step, claim_id);
        let answer = ClaimAnswer { claim_id, status, roots };
        self.post(step, &claim.seeker, Lane::Bag, kind::CLAIM_ANSWER, None, &answer)?;
        trail::record(step, None, Act::ClaimAnswered, &claim_id.0, Some(claim.seeker))
    }

    /// The record under the claim's tags that the seeker may learn of, and which of its family members was met. A person's
    /// own record comes before one that only names somebody.
    fn look_up<V: View>(&self, step: &mut Step<'_, V>, claim: &ClaimIn) -> Result<Option<(PersonId, Option<u8>)>, ReadError> {
        let (mut hidden, mut known, mut named) = (false, false, None);
        for tag in &claim.tags {
            for bearer in step.bearers((claim.epoch, Family::Registered), &tag.0, PEOPLE_A_TAG)? {
                known = true;
                let answers = bearer.mode == MatchMode::Answer && bearer.audience.admits(&claim.seeker);
                if !answers {
                    hidden = true;
                    continue;
                }
                // Who has left the index is met by no claim, though a tag may be there for a moment.
                let id = (Family::Registered, bearer.entry);
                if !step.get::<IndexRow>(&id)?.is_some_and(|row| row.mode == MatchMode::Answer) {
                    continue;
                }
                match bearer.mention {
                    None => return Ok(Some((bearer.entry.person(), None))),
                    Some(_) => named = named.or(Some((bearer.entry.person(), bearer.mention))),
                }
            }
        }
        if named.is_some() {
            return Ok(named);
        }
        // HI-1.
        if hidden || !known {
            // It was never in a set of this peer: a colluding member told the tag (0), or it is a guess, such as an entry of the
            // set with random bytes behind it, or the claim came after its epoch's index was deleted (1) (protocol.md 2.14).
            step.notify(NoticeCode::ClaimAnomaly, Some(claim.seeker), u64::from(!hidden));
        }
        Ok(None)
    }

    fn foreign_claim<V: View>(step: &Step<'_, V>, claim_id: &ClaimId, seeker: &MemberId) -> Result<ClaimIn, Refusal> {
        step.get::<ClaimIn>(claim_id)?.filter(|claim| claim.seeker == *seeker).ok_or(Refusal::State)
    }

    /// The seeker's attributes: opened against its commitment, kept under the records root, compared when that is open.
    // CL-6.
    pub(super) fn attributes_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        attributes: Attributes,
    ) -> Result<(), Refusal> {
        let mut claim = Self::foreign_claim(step, &attributes.claim_id, &from)?;
        if attributes.supplement != 0 {
            return self.supplement_received(step, claim, attributes);
        }
        if claim.state == HolderState::Closed {
            // Waited for too long: nothing of it is kept.
            return Ok(());
        }
        claim.state = claim.state.next(HolderEvent::Attributes).ok_or(Refusal::State)?;
        let root = claim.seekers_root(attributes.root_index).ok_or(Refusal::Commit)?;
        verify_opening(root, &attributes.fields, &attributes.other_hashes, limits::FIELD_BYTES).map_err(|_| Refusal::Commit)?;
        claim.opened = Some(attributes.root_index);
        let pace = self.held.as_ref().ok_or(Refusal::RosterStale)?.roster.pace;
        // Drawn now, so that who closed it, and how fast, cannot be read off (protocol.md 2.8).
        let wait = step.draw.between(Millis(pace.review_min.0.saturating_mul(3)), Millis(pace.review_min.0.saturating_mul(30)));
        claim.close_not_before = step.wall() + wait;
        step.put(&attributes.claim_id, &claim);
        if claim.person.is_none() {
            // The record was erased meanwhile: nothing of them is kept, and the word leaves at the time that was drawn.
            trail::record(step, None, Act::ClosedWithRecord, &attributes.claim_id.0, Some(from))?;
            return self.close(step, attributes.claim_id, claim).map_err(Refusal::from);
        }
        let record = CandidateRecord { attributes: attributes.fields, score_milli: None, reviews: Vec::new(), consent: None };
        step.put(&attributes.claim_id, &record);
        self.compare_claim(step, attributes.claim_id).map_err(Refusal::from)
    }

    /// Compares what came with the own record; closes by itself only what nobody would call the same person.
    pub(super) fn compare_claim<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let id = (parked::COMPARE, claim_id);
        if !self.records_open {
            step.put(&id, &ParkedRow {});
            return Ok(());
        }
        step.remove::<ParkedRow>(&id);
        let (Some(claim), Some(mut record)) = (step.get::<ClaimIn>(&claim_id)?, step.get::<CandidateRecord>(&claim_id)?) else {
            return Ok(());
        };
        let Some(own) = claim.person.map(|person| step.get::<PersonRecord>(&person)).transpose()?.flatten() else {
            return Ok(());
        };
        let comparison = compare(&describe::of_attributes(&record.attributes), &met::description(&claim, &own));
        record.score_milli = Some(comparison.score_milli);
        step.put(&claim_id, &record);
        // Nobody but a person closes a pair that has a telephone or a document in common.
        let identified = met::agreement(&claim, &record, &own).any();
        if comparison.band == Band::Unlikely && !comparison.possible_relative && !identified {
            trail::record(step, None, Act::ClosedByBand, &claim_id.0, Some(claim.seeker))?;
            self.close(step, claim_id, claim)?;
        }
        Ok(())
    }

    /// Closes a candidate; the word leaves at its drawn time.
    pub(super) fn close<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        claim_id: ClaimId,
        mut claim: ClaimIn,
    ) -> Result<(), ReadError> {
        let Some(next) = claim.state.next(HolderEvent::Close) else { return Ok(()) };
        claim.state = next;
        self.claim_left(step, &claim)?;
        if claim.close_not_before < step.wall() {
            // People took longer: a new draw of up to three times the pace.
            let pace = self.held.as_ref().map_or(Millis(0), |held| held.roster.pace.review_min);
            let wait = step.draw.between(Millis(0), Millis(pace.0.saturating_mul(3)));
            claim.close_not_before = step.wall() + wait;
        }
        step.put(&claim_id, &claim);
        self.due(step, claim.close_not_before, Due::Close(claim_id));
        Ok(())
    }

    /// The drawn time of a `closed`.
    pub(super) fn close_due<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(claim) = step.get::<ClaimIn>(&claim_id)? else { return Ok(()) };
        if claim.state != HolderState::Closed || self.taking_part(&claim.seeker).is_none() {
            return Ok(());
        }
        let body = ReviewResult { claim_id, status: ReviewStatus::Closed, wanted_fields: Vec::new() };
        self.post(step, &claim.seeker, Lane::Bag, kind::REVIEW_RESULT, None, &body)
    }

    /// The seeker reported what came of it.
    pub(super) fn outcome_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        outcome: &Outcome,
    ) -> Result<(), Refusal> {
        let mut claim = Self::foreign_claim(step, &outcome.claim_id, &from)?;
        claim.state = claim.state.next(HolderEvent::Outcome).ok_or(Refusal::State)?;
        claim.outcome = Some(outcome.result);
        step.put(&outcome.claim_id, &claim);
        trail::record(step, None, Act::Outcome, &outcome.claim_id.0, Some(from))?;
        Ok(())
    }

    /// The records were opened: what waited for them goes on.
    pub(super) fn unpark<V: View>(&mut self, step: &mut Step<'_, V>) {
        let Ok(waiting) = step.under::<ParkedRow>(&row_key(2, &()), limits::DUE_ROWS_A_STEP) else {
            step.notify(NoticeCode::Damaged, None, 9);
            return;
        };
        let more = waiting.len() == limits::DUE_ROWS_A_STEP;
        for ((what, claim), _) in waiting {
            let outcome = match what {
                parked::SEND_ATTRIBUTES => self.send_attributes(step, claim),
                parked::COMPARE => self.compare_claim(step, claim),
                _ => Ok(()),
            };
            step.remove::<ParkedRow>(&(what, claim));
            if outcome.is_err() {
                step.notify(NoticeCode::Damaged, None, 10);
            }
        }
        if more {
            self.due(step, step.wall(), Due::Unpark);
        }
    }

    pub(super) fn candidate_list<V: View>(&self, step: &Step<'_, V>, limit: u32) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let limit = usize::try_from(limit).unwrap_or(limits::PAGE_ROWS).clamp(1, limits::PAGE_ROWS);
        let mut candidates = Vec::new();
        for (claim_id, claim) in step.pages::<ClaimIn>(&row_key(2, &()), LIST_PAGES)? {
            if candidates.len() == limit {
                break;
            }
            // What was answered `none`, or waits, is not shown: raw hits are nobody's business here.
            if matches!(
                claim.state,
                HolderState::Delayed | HolderState::None | HolderState::AwaitAttributes | HolderState::Claimed
            ) {
                continue;
            }
            candidates.push(self.candidate_line(step, claim_id, &claim)?);
        }
        Ok(Answer::Candidates { candidates })
    }

    fn candidate_line<V: View>(&self, step: &Step<'_, V>, claim_id: ClaimId, claim: &ClaimIn) -> Result<CandidateLine, Failure> {
        let record = step.get::<CandidateRecord>(&claim_id)?;
        // No band before a verdict: it would anchor the reader.
        let judged = record.as_ref().is_some_and(|record| !record.reviews.is_empty()) || claim.state == HolderState::Closed;
        let score = record.as_ref().and_then(|record| record.score_milli);
        // Most claims meet the person itself; only the others need the record for the word of the relation.
        let own = match (claim.mention, claim.person) {
            (Some(_), Some(person)) => step.get::<PersonRecord>(&person)?,
            _ => None,
        };
        let named_as = own.as_ref().and_then(|own| met::member(claim, own)).map(|member| member.relation.word().to_owned());
        Ok(CandidateLine {
            candidate: claim_id,
            seeker: claim.seeker,
            person: claim.person,
            named_as,
            state: claim.state.word().to_owned(),
            band: score.filter(|_| judged).map(Band::of),
            outcome: claim.outcome.map(|outcome| super::disclosures::outcome_word(outcome).to_owned()),
        })
    }

    pub(super) fn candidate_show<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
    ) -> Result<Answer, Failure> {
        let (claim_id, claim) = lookup::find::<V, ClaimIn>(step, text, 2, ClaimId::LETTER)?;
        let record = step.get::<CandidateRecord>(&claim_id)?.ok_or(Failure::Unknown)?;
        let own = match claim.person {
            Some(person) => step.get::<PersonRecord>(&person)?.ok_or(Failure::Unknown)?,
            None => return Err(Failure::Unknown),
        };
        let comparison = compare(&describe::of_attributes(&record.attributes), &met::description(&claim, &own));
        trail::record(step, Some(user), Act::CandidateViewed, &claim_id.0, Some(claim.seeker))?;
        let salted = claim.person.map(|person| step.get::<SaltedPerson>(&person)).transpose()?.flatten();
        let registered = met::registered(&claim, &own, salted.map_or_else(Vec::new, |salted| salted.fields));
        let sought: Vec<_> = record.attributes.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
        let mut rows: Vec<CandidateRow> = comparison
            .fields
            .iter()
            .map(|field| {
                let names = fields_of(field.field);
                CandidateRow {
                    field: word_of(field.field).to_owned(),
                    sought: met::values(&sought, names),
                    registered: met::values(&registered, names),
                    verdict: field.verdict,
                    reason: field.reason.text().to_owned(),
                }
            })
            .collect();
        rows.extend(met::identifier_rows(&claim, &record, &own));
        Ok(Answer::Candidate(Box::new(CandidateShown {
            line: self.candidate_line(step, claim_id, &claim)?,
            rows,
            band: comparison.band,
            possible_relative: comparison.possible_relative,
            verdicts: record.reviews.iter().map(|review| review.verdict).collect(),
            decision: record.consent.as_ref().map(|consent| consent.decision),
            asked: claim.asked,
            enquirer: Self::enquirer_shown(step, &claim_id)?,
        })))
    }

    pub(super) fn candidate_review<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        verdict: Verdict,
        note: Sensitive<String>,
    ) -> Result<Answer, Failure> {
        let (candidate, mut claim) = lookup::find::<V, ClaimIn>(step, text, 2, ClaimId::LETTER)?;
        if note.expose().len() > limits::DISCLOSURE_TEXT_BYTES {
            return Err(Failure::TooMany { limit: u32::try_from(limits::DISCLOSURE_TEXT_BYTES).unwrap_or(u32::MAX) });
        }
        let mut record = step.get::<CandidateRecord>(&candidate)?.ok_or(Failure::Unknown)?;
        if claim.state != HolderState::InReview || record.score_milli.is_none() {
            return Err(Failure::State { state: claim.state.word().to_owned() });
        }
        record.reviews.push(Review { user, verdict, note, at: step.wall() });
        step.put(&candidate, &record);
        trail::record(step, Some(user), Act::Reviewed, &candidate.0, Some(claim.seeker))?;
        let state = match verdict {
            Verdict::Same => {
                claim.state = claim.state.next(HolderEvent::Same).ok_or(Failure::Stale)?;
                step.put(&candidate, &claim);
                claim.state
            }
            Verdict::Different => {
                self.close(step, candidate, claim)?;
                HolderState::Closed
            }
            Verdict::Unsure => claim.state,
        };
        Ok(Answer::Reviewed { candidate, state: state.word().to_owned() })
    }
}

/// The record's fields behind a compared one.
const fn fields_of(field: ComparedField) -> &'static [Field] {
    match field {
        ComparedField::Given => &[Field::Given],
        ComparedField::OwnNames => &[Field::Given, Field::Family],
        ComparedField::Father => &[Field::Father],
        ComparedField::Mother => &[Field::Mother],
        ComparedField::Birth => &[Field::Birth],
        ComparedField::Place => &[Field::BirthPlace, Field::LastPlace],
        ComparedField::Sex => &[Field::Sex],
    }
}

const fn word_of(field: ComparedField) -> &'static str {
    match field {
        ComparedField::Given => "given",
        ComparedField::OwnNames => "names",
        ComparedField::Father => "father",
        ComparedField::Mother => "mother",
        ComparedField::Birth => "birth",
        ComparedField::Place => "places",
        ComparedField::Sex => "sex",
    }
}
