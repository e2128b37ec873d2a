//! The enquirer's name, the one thing that a holder may ask for after people there said "same" (protocol.md 2.8).
//!
//! A found person cannot decide without knowing who asks. The name and the relation are leaves of the claim's commitment
//! from the start; at the seeker's node two different users let them go, and only if the enquirer agreed. Otherwise the
//! supplement opens nothing: "not given". One question and one supplement a claim.

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{ClaimId, MemberId, UserId, limits};
use crate::casework::candidate::SupplementRecord;
use crate::casework::case::{CaseRecord, SubjectRecord};
use crate::casework::claim::{ClaimIn, ClaimOut, HolderState, Question, SeekerState};
use crate::casework::commitment::{Commitment, OpenedField, verify_opening};
use crate::casework::messages::{Attributes, ReviewResult, ReviewStatus, kind};
use crate::engine::answer::{Answer, Block, Failure, QuestionLine, ShownField};
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::lookup;
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::View;
use crate::envelope::Refusal;

/// What a holder may ask for.
const ENQUIRER: &str = "enquirer";
/// What a supplement may open.
const SUPPLEMENT: [&str; 2] = [ENQUIRER, "relation"];
/// Pages of claims that a list looks through.
const LIST_PAGES: usize = 16;

impl Engine {
    /// Holder: asks for the enquirer, once, after people said that both are one person.
    pub(super) fn candidate_ask<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, text: &str) -> Result<Answer, Failure> {
        let (candidate, mut claim) = lookup::find::<V, ClaimIn>(step, text, 2, ClaimId::LETTER)?;
        if claim.state != HolderState::Confirmed {
            return Err(Failure::State { state: claim.state.word().to_owned() });
        }
        if claim.asked {
            return Err(Failure::State { state: "asked".to_owned() });
        }
        claim.asked = true;
        step.put(&candidate, &claim);
        let wanted_fields = vec![ENQUIRER.to_owned()];
        let body = ReviewResult { claim_id: candidate, status: ReviewStatus::MoreDetail, wanted_fields };
        self.post(step, &claim.seeker, Lane::Bag, kind::REVIEW_RESULT, None, &body)?;
        trail::record(step, Some(user), Act::EnquirerAsked, &candidate.0, Some(claim.seeker))?;
        Ok(Answer::EnquirerAsked { candidate })
    }

    /// Seeker: the question came.
    pub(super) fn question_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        result: &ReviewResult,
    ) -> Result<(), Refusal> {
        let claim = step.get::<ClaimOut>(&result.claim_id)?.filter(|claim| claim.holder == from);
        let mut claim = claim.ok_or(Refusal::State)?;
        if result.wanted_fields != [ENQUIRER] {
            return Err(Refusal::Encoding);
        }
        if claim.state != SeekerState::InReview || claim.question.is_some() {
            return Err(Refusal::State);
        }
        claim.question = Some(Question { came: step.wall(), first: None, answered: false });
        step.put(&result.claim_id, &claim);
        step.notify(NoticeCode::EnquirerAsked, Some(from), 0);
        Ok(())
    }

    /// Seeker: questions that wait.
    pub(super) fn question_list<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let mut questions = Vec::new();
        for (candidate, claim) in step.pages::<ClaimOut>(&row_key(1, &()), LIST_PAGES)? {
            let Some(question) = claim.question.filter(|question| !question.answered) else { continue };
            if claim.state == SeekerState::InReview && questions.len() < limits::PAGE_ROWS {
                let agreed = step.get::<CaseRecord>(&claim.case)?.is_some_and(|case| case.enquirer_named);
                let first = question.first.map(|user| user.to_string());
                let (case, subject, holder) = (claim.case, claim.subject, claim.holder);
                questions.push(QuestionLine { candidate, case, subject, holder, agreed, first });
            }
        }
        Ok(Answer::Questions { questions })
    }

    /// Seeker: the first of two users agrees to the release, the second sends it.
    pub(super) fn question_release<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
    ) -> Result<Answer, Failure> {
        let (candidate, mut claim, mut question) = Self::open_question(step, text)?;
        if !step.get::<CaseRecord>(&claim.case)?.ok_or(Failure::Damaged)?.enquirer_named {
            return Err(Failure::Blocked(Block::EnquirerNotAgreed));
        }
        match question.first {
            Some(first) if first == user => Err(Failure::SecondPerson),
            Some(first) => {
                let subject = step.get::<SubjectRecord>(&claim.subject)?.ok_or(Failure::Damaged)?;
                let fields = subject.salted.into_iter().filter(|field| SUPPLEMENT.contains(&field.name.as_str())).collect();
                trail::record_two(step, first, user, Act::EnquirerReleased, &candidate.0, Some(claim.holder))?;
                self.send_supplement(step, candidate, claim, fields)
            }
            None => {
                question.first = Some(user);
                claim.question = Some(question);
                step.put(&candidate, &claim);
                trail::record(step, Some(user), Act::SecondAsked, &candidate.0, Some(claim.holder))?;
                Ok(Answer::Question { candidate, state: "second_person".to_owned() })
            }
        }
    }

    /// Seeker: the enquirer is not named. One person may say so.
    pub(super) fn question_refuse<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
    ) -> Result<Answer, Failure> {
        let (candidate, claim, _) = Self::open_question(step, text)?;
        trail::record(step, Some(user), Act::EnquirerWithheld, &candidate.0, Some(claim.holder))?;
        self.send_supplement(step, candidate, claim, Vec::new())
    }

    fn open_question<V: View>(step: &Step<'_, V>, text: &str) -> Result<(ClaimId, ClaimOut, Question), Failure> {
        let (candidate, claim) = lookup::find::<V, ClaimOut>(step, text, 1, ClaimId::LETTER)?;
        match claim.question {
            Some(question) if !question.answered && claim.state == SeekerState::InReview => Ok((candidate, claim, question)),
            Some(_) => Err(Failure::State { state: "answered".to_owned() }),
            None => Err(Failure::State { state: "not_asked".to_owned() }),
        }
    }

    fn send_supplement<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        candidate: ClaimId,
        mut claim: ClaimOut,
        fields: Vec<OpenedField>,
    ) -> Result<Answer, Failure> {
        let state = if fields.is_empty() { "not_given" } else { "sent" };
        let leaves = <[[u8; 32]; limits::LEAVES]>::try_from(claim.leaves.clone()).map_err(|_| Failure::Damaged)?;
        let commitment = Commitment::from_leaves(leaves).map_err(|_| Failure::Damaged)?;
        let opening = commitment.open(fields).map_err(|_| Failure::Damaged)?;
        if let Some(question) = &mut claim.question {
            question.answered = true;
        }
        step.put(&candidate, &claim);
        let body = Attributes {
            claim_id: candidate,
            root_index: claim.root_index,
            supplement: 1,
            fields: opening.fields,
            other_hashes: opening.other_hashes,
        };
        self.post(step, &claim.holder, Lane::Bag, kind::ATTRIBUTES, None, &body)?;
        Ok(Answer::Question { candidate, state: state.to_owned() })
    }

    /// Holder: the supplement. It opens the root that the attributes opened, and nothing but the enquirer.
    pub(super) fn supplement_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        mut claim: ClaimIn,
        supplement: Attributes,
    ) -> Result<(), Refusal> {
        let root = claim.seekers_root(supplement.root_index).filter(|_| claim.opened == Some(supplement.root_index));
        let root = *root.filter(|_| supplement.supplement == 1).ok_or(Refusal::Commit)?;
        if !claim.asked || claim.supplemented {
            return Err(Refusal::State);
        }
        if !supplement.fields.iter().all(|field| SUPPLEMENT.contains(&field.name.as_str())) {
            return Err(Refusal::Commit);
        }
        verify_opening(&root, &supplement.fields, &supplement.other_hashes, limits::FIELD_BYTES).map_err(|_| Refusal::Commit)?;
        // Where people went on without it, it is not kept.
        if matches!(claim.state, HolderState::Confirmed | HolderState::Consented) {
            claim.supplemented = true;
            step.put(&supplement.claim_id, &claim);
            step.put(&supplement.claim_id, &SupplementRecord { fields: supplement.fields, received: step.wall() });
        }
        Ok(())
    }

    /// Holder: what is known of the enquirer, for `candidate show`; none until the supplement came.
    pub(super) fn enquirer_shown<V: View>(step: &Step<'_, V>, candidate: &ClaimId) -> Result<Option<Vec<ShownField>>, Failure> {
        let record = step.get::<SupplementRecord>(candidate)?;
        let shown = |field: OpenedField| ShownField { field: field.name, value: field.value };
        Ok(record.map(|record| record.fields.into_iter().map(shown).collect()))
    }
}
