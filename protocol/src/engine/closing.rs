//! Closing a case or one of its subjects, and taking that back (protocol.md 3.5).
//!
//! One small row ends a subject: whoever asks, tests or claims looks for it first, so that it counts from the commit that
//! writes it. Tags, hits and open claims go in the same step where they fit, else in the next ones. The subject's secret and
//! the pseudonyms that it had at the owners stay for two more epochs, since an auditor may ask for them; then they go too.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{CaseId, ClaimId, MemberId, Sensitive, SubjectId, Timestamp, UserId, limits};
use crate::casework::case::{CaseRecord, EndedRow, SubjectRecord};
use crate::casework::claim::{ClaimOut, SeekerEvent};
use crate::casework::claim_pace::WaitingClaim;
use crate::casework::commitment::OpenedField;
use crate::casework::messages::{Withdraw, kind};
use crate::casework::outcome::OutcomeKind;
use crate::casework::sought::SubjectClaim;
use crate::engine::answer::{Answer, ErasureProblem, Failure};
use crate::engine::asking::wait_no_more;
use crate::engine::core::Engine;
use crate::engine::decoys::MadeUpRow;
use crate::engine::due::Due;
use crate::engine::lookup;
use crate::engine::people::keys_of;
use crate::engine::rows::{Counters, Lane};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::asking::RANK;
use crate::private_match::querier::{HitRow, QueryRow, SubjectRow};

/// Why a claim is withdrawn: the matter is closed at the sender. No other reason is ever told.
const CLOSED: u8 = 1;
/// Bytes of a step's rows after which a reopening takes up no further subject.
const REOPEN_BYTES: usize = limits::BATCH_BYTES - 16 * 1024;

impl Engine {
    /// True if a subject is asked, tested and claimed for no more.
    pub(super) fn is_over<V: View>(step: &Step<'_, V>, subject: &SubjectId) -> Result<bool, ReadError> {
        Ok(step.get::<EndedRow>(subject)?.is_some())
    }

    /// `case close`: the whole case, or one of its subjects.
    pub(super) fn case_close<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        subject: Option<&str>,
        outcome: OutcomeKind,
    ) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
        let mut closed = Vec::new();
        for subject in Self::chosen(step, &case, &record, subject)? {
            if !Self::is_over(step, &subject)? {
                self.end_subject(step, subject, outcome, None)?;
                trail::record(step, Some(user), Act::SubjectClosed, &subject.0, None)?;
                closed.push(subject);
            }
        }
        if closed.is_empty() {
            return Err(Failure::State { state: "closed".to_owned() });
        }
        self.case_ended(step, &case)?;
        Ok(Answer::CaseClosed { case, subjects: closed, outcome })
    }

    /// `case reopen`: what was closed is searched for again, under new pseudonyms.
    pub(super) fn case_reopen<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        subject: Option<&str>,
    ) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
        let mut open = Vec::new();
        for subject in Self::chosen(step, &case, &record, subject)? {
            if !Self::is_over(step, &subject)? {
                continue;
            }
            if Self::is_erased(step, subject)? {
                return Err(Failure::Erasure(ErasureProblem::Erased));
            }
            if step.size() > REOPEN_BYTES {
                return Err(Failure::TooMany { limit: u32::try_from(open.len()).unwrap_or(u32::MAX) });
            }
            step.remove::<EndedRow>(&subject);
            self.count_search(step, true)?;
            self.restore_subject(step, &subject)?;
            self.refresh_sought(step, subject)?;
            trail::record(step, Some(user), Act::SubjectReopened, &subject.0, None)?;
            self.due(step, step.wall(), Due::Spread(subject));
            open.push(subject);
        }
        if open.is_empty() {
            return Err(Failure::State { state: "open".to_owned() });
        }
        Ok(Answer::CaseReopened { case, subjects: open })
    }

    fn chosen<V: View>(
        step: &Step<'_, V>,
        case: &CaseId,
        record: &CaseRecord,
        subject: Option<&str>,
    ) -> Result<Vec<SubjectId>, Failure> {
        let Some(text) = subject else { return Ok(record.subjects.clone()) };
        let (subject, row) = lookup::find::<V, SubjectRow>(step, text, 1, SubjectId::LETTER)?;
        if row.case == *case { Ok(vec![subject]) } else { Err(Failure::Unknown) }
    }

    /// Ends a subject: from this commit on nothing is asked, tested or claimed for it. `answered` is the claim that answered
    /// it and is not withdrawn.
    pub(super) fn end_subject<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        subject: SubjectId,
        outcome: OutcomeKind,
        answered: Option<ClaimId>,
    ) -> Result<(), ReadError> {
        if step.get::<SubjectRow>(&subject)?.is_some_and(|row| row.searched && !row.decoy) {
            self.count_search(step, false)?;
        }
        let epoch = self.held.as_ref().map_or(crate::base::Millis::days(28), |held| held.roster.pace.epoch);
        // An audit may ask for it for two epochs (protocol.md 2.11).
        let forget = step.wall() + crate::base::Millis(epoch.0.saturating_mul(2));
        step.put(&subject, &EndedRow { outcome, at: step.wall(), answered, forget });
        self.due(step, forget, Due::Forgotten(subject));
        self.refresh_sought(step, subject)?;
        self.destroy(step, subject)
    }

    /// Destroys tags, hits and what waits of an ended subject, and withdraws its open claims; goes on in another step where
    /// this one is full.
    pub(super) fn destroy<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let Some(ended) = step.get::<EndedRow>(&subject)? else { return Ok(()) };
        self.withdraw_from_holders(step, &subject, ended.answered)?;
        for owner in self.listed() {
            if step.size() > limits::STEP_BYTES {
                self.due(step, step.wall(), Due::Destroy(subject));
                return Ok(());
            }
            self.destroy_at(step, &owner, &subject, ended.answered)?;
        }
        // What holders of protected records claimed of it.
        for ((_, claim), _) in step.under::<SubjectClaim>(&row_key(SubjectClaim::KIND, &subject), limits::MEMBERS)? {
            if Some(claim) != ended.answered {
                self.withdraw(step, claim)?;
            }
        }
        Ok(())
    }

    /// Everybody on the roster but this member, whatever its standing.
    fn listed(&self) -> Vec<MemberId> {
        let members = self.held.iter().flat_map(|held| &held.roster.members).map(|member| member.id);
        members.filter(|member| self.own.member != Some(*member)).collect()
    }

    fn destroy_at<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: &MemberId,
        subject: &SubjectId,
        answered: Option<ClaimId>,
    ) -> Result<(), ReadError> {
        wait_no_more(step, &(*owner, Family::Registered, RANK, *subject))?;
        if let Some(mut query) = step.get::<QueryRow>(&(*owner, Family::Registered, *subject))? {
            let is_decoy = Self::is_decoy(step, subject)?;
            if query.tags.is_empty() {
                if !is_decoy && query.epoch == crate::base::Epoch(0) {
                    let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
                    counters.evaluations_open = counters.evaluations_open.saturating_sub(1);
                    step.put(&(), &counters);
                }
            } else if !is_decoy {
                self.count_tested(step, owner, false)?;
            }
            if Self::is_erased(step, *subject)? {
                // Its pseudonym goes at once: an erasure outranks the audit.
                step.remove::<QueryRow>(&(*owner, Family::Registered, *subject));
            } else if !query.tags.is_empty() || query.request.is_some() {
                query.tags.clear();
                query.request = None;
                step.put(&(*owner, Family::Registered, *subject), &query);
            }
        }
        if let Some(hit) = step.get::<HitRow>(&(*subject, *owner))? {
            step.remove::<HitRow>(&(*subject, *owner));
            if let Some(claim) = hit.claim.filter(|claim| Some(*claim) != answered) {
                self.withdraw(step, claim)?;
            }
        }
        Ok(())
    }

    /// Ends an own claim; its holder is told where the claim has left.
    pub(super) fn withdraw<V: View>(&mut self, step: &mut Step<'_, V>, claim_id: ClaimId) -> Result<(), ReadError> {
        let Some(mut claim) = step.get::<ClaimOut>(&claim_id)? else { return Ok(()) };
        let Some(next) = claim.state.next(SeekerEvent::Withdrawn) else { return Ok(()) };
        claim.state = next;
        step.put(&claim_id, &claim);
        self.claim_ended(step, &claim)?;
        if !claim.left {
            step.remove::<WaitingClaim>(&(claim.holder, claim.made, claim_id));
            return Ok(());
        }
        trail::record(step, None, Act::ClaimWithdrawn, &claim_id.0, Some(claim.holder))?;
        if self.taking_part(&claim.holder).is_none() {
            return Ok(());
        }
        let body = Withdraw { claim_id: Some(claim_id), case_ref: None, reason_code: CLOSED };
        self.post(step, &claim.holder, Lane::Bag, kind::WITHDRAW, None, &body)
    }

    /// Two epochs after its end: secret, keys and pseudonyms of a subject go.
    pub(super) fn forgotten<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        // It may have been reopened, and closed again later.
        if step.get::<EndedRow>(&subject)?.is_none_or(|ended| ended.forget > step.wall()) {
            return Ok(());
        }
        for owner in self.listed() {
            if step.get::<QueryRow>(&(owner, Family::Registered, subject))?.is_some() {
                step.remove::<QueryRow>(&(owner, Family::Registered, subject));
            }
        }
        if Self::is_decoy(step, &subject)? {
            step.remove::<SubjectRow>(&subject);
            step.remove::<MadeUpRow>(&subject);
            step.remove::<EndedRow>(&subject);
        } else if let Some(mut row) = step.get::<SubjectRow>(&subject)? {
            row.secret = Sensitive::new([0; 32]);
            row.keys.clear();
            row.leaves.clear();
            step.put(&subject, &row);
        }
        Ok(())
    }

    /// Makes what was forgotten of a subject again, from its record.
    fn restore_subject<V: View>(&mut self, step: &mut Step<'_, V>, subject: &SubjectId) -> Result<(), Failure> {
        let mut row = step.get::<SubjectRow>(subject)?.ok_or(Failure::Damaged)?;
        row.searched = true;
        if row.leaves.is_empty() {
            let record = step.get::<SubjectRecord>(subject)?.ok_or(Failure::Damaged)?;
            row.secret = Sensitive::new(step.draw.bytes());
            row.keys = keys_of(&record.person);
            row.leaves = record.salted.iter().map(OpenedField::leaf).collect();
        }
        step.put(subject, &row);
        Ok(())
    }

    /// When a subject ended, and how; none while it is open.
    pub(super) fn ended<V: View>(step: &Step<'_, V>, subject: &SubjectId) -> Result<Option<(OutcomeKind, Timestamp)>, ReadError> {
        Ok(step.get::<EndedRow>(subject)?.map(|ended| (ended.outcome, ended.at)))
    }
}
