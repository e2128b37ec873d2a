//! Opening and reading cases.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{CaseId, ClaimId, PersonId, Sensitive, SubjectId, UserId, limits};
use crate::casework::candidate::DisclosureRecord;
use crate::casework::case::{CaseRecord, EndedRow, SubjectRecord};
use crate::casework::claim::{ClaimOut, SeekerState};
use crate::casework::commitment::OpenedField;
use crate::casework::sought::SubjectClaim;
use crate::engine::answer::{Answer, Block, CaseLine, CaseShown, Failure, SubjectLine};
use crate::engine::command::{CaseForm, SubjectForm};
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::people::{advice, check_links, initials, keys_of, salted_fields, shown, year};
use crate::engine::rows::Counters;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::linkage::Advice;
use crate::person::record::Role;
use crate::person::{FormError, FormProblem, LegalBasis, PersonRecord};
use crate::private_match::Family;
use crate::private_match::querier::{ClaimPolicy, HitRow, SubjectRow};

/// Owners of one subject that are looked at.
const OWNERS: usize = limits::MEMBERS;
/// Bytes of a case's rows; what the step starts besides takes the rest of a batch.
const CASE_BYTES: usize = limits::BATCH_BYTES - 2 * 1024;

impl Engine {
    pub(super) fn case_open<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, form: CaseForm) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        if form.subjects.is_empty() {
            return Err(Failure::Blocked(Block::NoSubject));
        }
        if form.subjects.len() > limits::SUBJECTS_A_CASE {
            return Err(Failure::TooMany { limit: u32::try_from(limits::SUBJECTS_A_CASE).unwrap_or(u32::MAX) });
        }
        check_text("label", form.label.expose())?;
        check_text("safety_notes", form.safety_notes.expose())?;
        let case = CaseId::draw(&mut step.draw);
        let enquirer = form
            .enquirer
            .into_record(Role::Enquirer, step.wall(), user)
            .map_err(|error| Failure::Form(prefixed("enquirer", error)))?;
        check_links(step, &enquirer).map_err(|error| Failure::Form(prefixed("enquirer", error)))?;
        let mut policy = ClaimPolicy { never: form.claim_never, ask: form.claim_ask };
        policy.never.sort();
        policy.never.dedup();
        let safe = form.safety.trim() == "safe";
        check_agreement(form.holders_may_ask, &enquirer)?;
        let (mut subjects, mut keys, mut advices) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, number) in form.subjects.into_iter().zip(1..) {
            let (id, count, advice) = self.add_subject(step, user, case, subject, number, &enquirer, &policy)?;
            subjects.push(id);
            keys.push(count);
            advices.push(advice);
            if form.holders_may_ask && safe {
                self.let_holders_ask(step, id)?;
            }
        }
        let findable = match form.enquirer_findable {
            true => self.file_enquirer(step, &enquirer, safe, &policy)?,
            false => None,
        };
        let record = CaseRecord {
            label: form.label,
            enquirer_named: form.enquirer_named,
            findable,
            enquirer,
            subjects: subjects.clone(),
            safe,
            safety_notes: form.safety_notes,
            opened_at: step.wall(),
            opened_by: user,
            accepted_by: None,
        };
        step.put(&case, &record);
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        counters.cases += 1;
        step.put(&(), &counters);
        trail::record(step, Some(user), Act::CaseOpened, &case.0, None)?;
        // A case is opened whole: very long names in very many subjects do not fit.
        if step.size() > CASE_BYTES {
            return Err(Failure::TooMany { limit: u32::try_from(subjects.len().saturating_sub(1)).unwrap_or(u32::MAX) });
        }
        Ok(Answer::CaseOpened { case, subjects, keys, advice: advices })
    }

    /// Files the enquirer of a case that may be searched among those who may be found. A member that must not learn of the
    /// search does not learn of the enquirer either.
    fn file_enquirer<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        enquirer: &PersonRecord,
        safe: bool,
        policy: &ClaimPolicy,
    ) -> Result<Option<PersonId>, Failure> {
        if enquirer.legal_basis != LegalBasis::Consent {
            let error = FormError { field: "enquirer_findable".to_owned(), problem: FormProblem::Consent };
            return Err(Failure::Form(error));
        }
        if !safe {
            return Ok(None);
        }
        let audience = enquirer.audience.without(&policy.never);
        let (person, _) = self.file_person(step, &PersonRecord { audience, ..enquirer.clone() })?;
        Ok(Some(person))
    }

    /// A subject of the case ended: with the last one the enquirer leaves the index.
    pub(super) fn case_ended<V: View>(&mut self, step: &mut Step<'_, V>, case: &CaseId) -> Result<(), ReadError> {
        let Some(record) = step.get::<CaseRecord>(case)? else { return Ok(()) };
        for subject in &record.subjects {
            if !Self::is_over(step, subject)? {
                return Ok(());
            }
        }
        match record.findable {
            Some(person) => self.unindex(step, Family::Registered, person.into()),
            None => Ok(()),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "each is a part of one subject's row")]
    fn add_subject<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        case: CaseId,
        mut form: SubjectForm,
        number: u32,
        enquirer: &PersonRecord,
        policy: &ClaimPolicy,
    ) -> Result<(SubjectId, u32, Option<Advice>), Failure> {
        check_text(&format!("subjects.{number}.relation"), &form.relation)?;
        if form.person.legal_basis.trim().is_empty() {
            form.person.legal_basis = basis_word(enquirer.legal_basis).to_owned();
        }
        let person = form
            .person
            .into_record(Role::Sought, step.wall(), user)
            .map_err(|error| Failure::Form(prefixed(&format!("subjects.{number}"), error)))?;
        check_links(step, &person).map_err(|error| Failure::Form(prefixed(&format!("subjects.{number}"), error)))?;
        let id = SubjectId::draw(&mut step.draw);
        let keys = keys_of(&person);
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let advice = advice(&person, keys.len());
        let mut salted = salted_fields(&person, &mut step.draw);
        // What a supplement may ever say is a leaf from the start (protocol.md 3.9, "Commitment").
        let name = enquirer.name().map_or_else(Sensitive::default, crate::person::PersonName::full);
        for (field, value) in [("enquirer", name), ("relation", Sensitive::from(form.relation.as_str()))] {
            salted.push(OpenedField { name: field.to_owned(), value, salt: step.draw.bytes() });
        }
        let row = SubjectRow {
            case,
            secret: Sensitive::new(step.draw.bytes()),
            keys,
            leaves: salted.iter().map(OpenedField::leaf).collect(),
            policy: policy.clone(),
            searched: false,
            holders_may_ask: false,
            decoy: false,
        };
        step.put(&id, &row);
        step.put(&id, &SubjectRecord { case, relation: Sensitive::new(form.relation), person, salted });
        Ok((id, count, advice))
    }

    pub(super) fn case_list<V: View>(&self, step: &Step<'_, V>, limit: u32) -> Result<Answer, Failure> {
        let limit = usize::try_from(limit).unwrap_or(limits::PAGE_ROWS).clamp(1, limits::PAGE_ROWS);
        let mut cases = Vec::new();
        for (case, record) in step.under::<CaseRecord>(&row_key(1, &()), limit)? {
            cases.push(self.case_line(step, case, &record)?);
        }
        Ok(Answer::Cases { cases })
    }

    pub(super) fn case_show<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, text: &str) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
        trail::record(step, Some(user), Act::CaseViewed, &case.0, None)?;
        let (mut subjects, mut claim_never, mut holders_may_ask) = (Vec::new(), Vec::new(), false);
        for subject in &record.subjects {
            let found = step.get::<SubjectRecord>(subject)?.ok_or(Failure::Damaged)?;
            subjects.push(shown(&found.person));
            if let Some(row) = step.get::<SubjectRow>(subject)? {
                claim_never = row.policy.never;
                holders_may_ask = row.holders_may_ask;
            }
        }
        let line = self.case_line(step, case, &record)?;
        // That record may have been erased by itself.
        let findable = record.findable.filter(|person| !matches!(step.get::<PersonRecord>(person), Ok(None)));
        Ok(Answer::Case(Box::new(CaseShown {
            line,
            enquirer: shown(&record.enquirer),
            subjects,
            claim_never,
            findable,
            holders_may_ask,
        })))
    }

    fn case_line<V: View>(&self, step: &Step<'_, V>, case: CaseId, record: &CaseRecord) -> Result<CaseLine, Failure> {
        let (mut subjects, mut all_ended) = (Vec::new(), true);
        for subject in &record.subjects {
            let found = step.get::<SubjectRecord>(subject)?.ok_or(Failure::Damaged)?;
            let (state, claim) = self.subject_state(step, subject)?;
            let outcome = match claim {
                Some(claim) => step.get::<DisclosureRecord>(&claim)?.and_then(|record| record.outcome),
                None => None,
            };
            let ended = Self::ended(step, subject)?;
            let outcome = outcome.or(ended.map(|(outcome, _)| outcome));
            all_ended &= ended.is_some();
            subjects.push(SubjectLine {
                subject: *subject,
                relation: found.relation.expose().clone(),
                initials: initials(&found.person),
                year: year(&found.person),
                state: state.to_owned(),
                outcome: outcome.map(|outcome| super::disclosures::outcome_word(outcome).to_owned()),
            });
        }
        let status = match (all_ended, record.safe) {
            (true, _) => "closed",
            (false, true) => "active",
            (false, false) => "draft",
        };
        Ok(CaseLine { case, label: record.label.clone(), status: status.to_owned(), subjects })
    }

    /// What the desk may know of a subject, with the claim that answered it. "Nothing found", "another person" and
    /// "declined" all look like a search that goes on.
    pub(super) fn subject_state<V: View>(
        &self,
        step: &Step<'_, V>,
        subject: &SubjectId,
    ) -> Result<(&'static str, Option<ClaimId>), ReadError> {
        let Some(row) = step.get::<SubjectRow>(subject)? else { return Ok(("not_searched", None)) };
        if let Some(ended) = step.get::<EndedRow>(subject)? {
            let word = match ended.answered {
                _ if Self::is_erased(step, *subject)? => "erased",
                Some(_) => "ended",
                None => "closed",
            };
            return Ok((word, ended.answered));
        }
        let mut state = if row.searched { "searching" } else { "not_searched" };
        let hits = step.under::<HitRow>(&row_key(HitRow::KIND, subject), OWNERS)?.into_iter().filter_map(|(_, hit)| hit.claim);
        let met = step.under::<SubjectClaim>(&row_key(SubjectClaim::KIND, subject), OWNERS)?;
        for claim in hits.chain(met.into_iter().map(|((_, claim), _)| claim)) {
            match step.get::<ClaimOut>(&claim)?.map(|claim| claim.state) {
                Some(SeekerState::Ended) => return Ok(("ended", Some(claim))),
                Some(SeekerState::Disclosed) => return Ok(("answered", Some(claim))),
                Some(SeekerState::Acknowledged | SeekerState::InReview) => state = "in_review",
                Some(SeekerState::Claimed | SeekerState::Closed) | None => {}
            }
        }
        Ok((state, None))
    }
}

/// That holders ask about the sought people takes the enquirer's consent.
fn check_agreement(holders_may_ask: bool, enquirer: &PersonRecord) -> Result<(), Failure> {
    if holders_may_ask && enquirer.legal_basis != LegalBasis::Consent {
        return Err(Failure::Form(FormError { field: "holders_may_ask".to_owned(), problem: FormProblem::Consent }));
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), Failure> {
    let problem = if text.len() > limits::RECORD_TEXT_BYTES {
        FormProblem::TooLong
    } else if text.chars().any(crate::person::form::is_inert_breaker) {
        FormProblem::Control
    } else {
        return Ok(());
    };
    Err(Failure::Form(FormError { field: field.to_owned(), problem }))
}

fn prefixed(part: &str, error: FormError) -> FormError {
    FormError { field: format!("{part}.{}", error.field), problem: error.problem }
}

const fn basis_word(basis: LegalBasis) -> &'static str {
    match basis {
        LegalBasis::Consent => "consent",
        LegalBasis::VitalInterest => "vital_interest",
        LegalBasis::PublicInterest => "public_interest",
        LegalBasis::LegitimateInterest => "legitimate_interest",
        LegalBasis::LegalObligation => "legal_obligation",
    }
}
