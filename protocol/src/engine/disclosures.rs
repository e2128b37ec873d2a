//! From a found person's consent to the enquirer: consent and disclosure at the holder, receipt and outcome at the seeker.
//!
//! Nothing about a registered person leaves before its own consent, and then only what it agreed to (protocol.md 2.8).

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{ClaimId, ConsentId, Sensitive, UserId, limits};
use crate::casework::candidate::{CandidateRecord, Consent, DisclosureRecord};
use crate::casework::case::SaltedPerson;
use crate::casework::claim::{ClaimIn, ClaimOut, HolderEvent, HolderState, SeekerEvent};
use crate::casework::commitment::{Commitment, OpenedField};
use crate::casework::consent::{ConsentForm, Decision};
use crate::casework::messages::{Disclosure, DisclosureKind, Outcome, kind};
use crate::casework::outcome::OutcomeKind;
use crate::engine::answer::{Answer, Block, DisclosureLine, DisclosureShown, DisclosureView, Failure, ShownField};
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::met;
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::View;
use crate::person::{Field, PersonRecord};

impl Engine {
    /// Holder: what the found person decided. "Nothing" closes the candidate like any other no.
    pub(super) fn contact_consent<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        decision: Decision,
        form: ConsentForm,
        words: Sensitive<String>,
    ) -> Result<Answer, Failure> {
        let (candidate, mut claim) = lookup::find::<V, ClaimIn>(step, text, 2, ClaimId::LETTER)?;
        let mut record = step.get::<CandidateRecord>(&candidate)?.ok_or(Failure::Unknown)?;
        if claim.state != HolderState::Confirmed {
            return Err(Failure::State { state: claim.state.word().to_owned() });
        }
        if words.expose().len() > limits::DISCLOSURE_TEXT_BYTES {
            return Err(Failure::TooMany { limit: u32::try_from(limits::DISCLOSURE_TEXT_BYTES).unwrap_or(u32::MAX) });
        }
        if words.expose().chars().any(|letter| letter != '\n' && crate::person::form::is_inert_breaker(letter)) {
            return Err(Failure::Form(crate::person::FormError {
                field: "text".to_owned(),
                problem: crate::person::FormProblem::Control,
            }));
        }
        record.consent = Some(Consent {
            id: ConsentId::draw(&mut step.draw),
            decision,
            form,
            text: words,
            user,
            at: step.wall(),
            approved_by: None,
        });
        step.put(&candidate, &record);
        trail::record(step, Some(user), Act::ConsentRecorded, &candidate.0, None)?;
        let state = if decision == Decision::Nothing {
            self.close(step, candidate, claim)?;
            HolderState::Closed
        } else {
            claim.state = claim.state.next(HolderEvent::Consent).ok_or(Failure::Stale)?;
            step.put(&candidate, &claim);
            claim.state
        };
        Ok(Answer::ConsentRecorded { candidate, state: state.word().to_owned() })
    }

    /// Holder: shows exactly what the receiver will see, and sends it if asked to.
    pub(super) fn disclosure_propose<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        send: bool,
    ) -> Result<Answer, Failure> {
        let (candidate, mut claim) = lookup::find::<V, ClaimIn>(step, text, 2, ClaimId::LETTER)?;
        let record = step.get::<CandidateRecord>(&candidate)?.ok_or(Failure::Unknown)?;
        let Some(consent) = record.consent.filter(|_| claim.state == HolderState::Consented) else {
            return Err(match claim.state {
                HolderState::Confirmed => Failure::Blocked(Block::NoConsent),
                state => Failure::State { state: state.word().to_owned() },
            });
        };
        let fields = self.consented_fields(step, &claim, consent.decision)?;
        let shown = fields.iter().map(shown_field).collect();
        let own = claim.person.map(|person| step.get::<PersonRecord>(&person)).transpose()?.flatten();
        let named_as = own.as_ref().and_then(|own| met::member(&claim, own)).map(|member| member.relation.word().to_owned());
        if send {
            let leaves = <[[u8; 32]; limits::LEAVES]>::try_from(claim.leaves.clone()).map_err(|_| Failure::Damaged)?;
            let commitment = Commitment::from_leaves(leaves).map_err(|_| Failure::Damaged)?;
            let opening = commitment.open(fields).map_err(|_| Failure::Damaged)?;
            let body = Disclosure {
                claim_id: candidate,
                root_index: claim.root_index,
                fields: opening.fields,
                other_hashes: opening.other_hashes,
                kind: kind_of(consent.decision),
                text: consent.text.clone(),
                consent_ref: consent.id,
            };
            claim.state = claim.state.next(HolderEvent::Disclose).ok_or(Failure::Stale)?;
            step.put(&candidate, &claim);
            self.claim_left(step, &claim)?;
            self.post(step, &claim.seeker, Lane::Bag, kind::DISCLOSURE, None, &body)?;
            trail::record(step, Some(user), Act::Disclosed, &candidate.0, Some(claim.seeker))?;
        }
        Ok(Answer::Disclosure(DisclosureView {
            candidate,
            seeker: claim.seeker,
            level: consent.decision,
            fields: shown,
            text: consent.text,
            sent: send,
            named_as,
        }))
    }

    /// The fields that a decision lets out: the own name with a contact, none otherwise.
    fn consented_fields<V: View>(
        &self,
        step: &Step<'_, V>,
        claim: &ClaimIn,
        decision: Decision,
    ) -> Result<Vec<OpenedField>, Failure> {
        let person = claim.person.ok_or(Failure::Unknown)?;
        let salted = step.get::<SaltedPerson>(&person)?.ok_or(Failure::Unknown)?;
        let allowed: &[Field] = match decision {
            Decision::Contact => &[Field::Given, Field::Family],
            Decision::Nothing | Decision::AliveOnly | Decision::Message => &[],
        };
        Ok(salted.fields.into_iter().filter(|field| allowed.iter().any(|name| name.name() == field.name)).collect())
    }

    /// Seeker: disclosures that came.
    pub(super) fn disclosure_list<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let disclosures = step
            .under::<DisclosureRecord>(&row_key(2, &()), limits::PAGE_ROWS)?
            .into_iter()
            .map(|(candidate, record)| line(candidate, &record))
            .collect();
        Ok(Answer::Disclosures { disclosures })
    }

    /// Seeker: reads one, and reports the outcome once the enquirer has been told.
    pub(super) fn disclosure_receive<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        outcome: Option<OutcomeKind>,
    ) -> Result<Answer, Failure> {
        let (candidate, mut record) = lookup::find::<V, DisclosureRecord>(step, text, 2, ClaimId::LETTER)?;
        trail::record(step, Some(user), Act::DisclosureViewed, &candidate.0, Some(record.holder))?;
        if let Some(result) = outcome {
            let mut claim = step.get::<ClaimOut>(&candidate)?.ok_or(Failure::Damaged)?;
            claim.state = claim.state.next(SeekerEvent::Reported).ok_or_else(|| Failure::State { state: "ended".to_owned() })?;
            step.put(&candidate, &claim);
            record.outcome = Some(result);
            step.put(&candidate, &record);
            if !Self::is_over(step, &record.subject)? {
                self.end_subject(step, record.subject, result, Some(candidate))?;
            }
            self.case_ended(step, &record.case)?;
            self.post(step, &record.holder, Lane::Bag, kind::OUTCOME, None, &Outcome { claim_id: candidate, result })?;
            trail::record(step, Some(user), Act::Outcome, &candidate.0, Some(record.holder))?;
        }
        Ok(Answer::DisclosureShown(Box::new(DisclosureShown {
            line: line(candidate, &record),
            holder: record.holder,
            fields: record.fields.iter().map(shown_field).collect(),
            text: record.text,
        })))
    }
}

fn shown_field(field: &OpenedField) -> ShownField {
    ShownField { field: field.name.clone(), value: field.value.clone() }
}

fn line(candidate: ClaimId, record: &DisclosureRecord) -> DisclosureLine {
    let level = match record.kind {
        DisclosureKind::Contact => Decision::Contact,
        DisclosureKind::Message => Decision::Message,
        DisclosureKind::AliveNoContact | DisclosureKind::Deceased => Decision::AliveOnly,
    };
    DisclosureLine { candidate, case: record.case, subject: record.subject, level, outcome: record.outcome }
}

const fn kind_of(decision: Decision) -> DisclosureKind {
    match decision {
        Decision::Contact => DisclosureKind::Contact,
        Decision::Message => DisclosureKind::Message,
        Decision::AliveOnly | Decision::Nothing => DisclosureKind::AliveNoContact,
    }
}

/// The word of an outcome.
#[must_use]
pub(super) const fn outcome_word(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Reunited => "reunited",
        OutcomeKind::Informed => "informed",
        OutcomeKind::Closed => "closed",
    }
}
