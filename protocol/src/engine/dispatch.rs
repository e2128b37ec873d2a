//! Which handler gets which command.
//!
//! Called by `core` for each command; it decides nothing but the way. What the coordination node cannot do, since it holds
//! neither people nor cases, is refused here.

use crate::engine::answer::{Answer, Failure};
use crate::engine::command::Command;
use crate::engine::core::Engine;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::View;

impl Engine {
    /// Answers a command in this step; what goes on is durable.
    pub(super) fn command<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: crate::base::UserId,
        command: Command,
    ) -> Result<Answer, Failure> {
        match command {
            Command::Status => self.status(step),
            Command::RosterShow => self.roster_view(),
            Command::PublicTake { items, fingerprint } => self.take_public(step, &items, fingerprint.as_deref()),
            Command::PublicGive => self.give_public(step),
            Command::KeysRequest => self.keys_request(step, user),
            Command::TimestampSign => self.timestamp_sign(step),
            Command::MemberList => self.member_list(),
            Command::MemberShow { member } => self.member_show(&member),
            Command::MemberDeny { member, reason } => self.member_deny(step, user, member, reason),
            Command::MemberAllow { member } => self.member_allow(step, user, member),
            Command::MemberAccept { member } => self.member_accept(step, user, member),
            Command::MemberPolicy { accept } => self.member_policy(step, user, accept),
            Command::AuditHead => trail::head(step),
            Command::AuditList { from, limit } => trail::list(step, from, limit),
            // From here on the node holds people and cases: the coordination node does not.
            _ if self.own.member.is_none() => Err(Failure::Role),
            Command::BundlePart { to, place } => self.bundle_part(step, user, to, place),
            Command::BundleTake { item, first } => self.bundle_take(step, user, &item, first),
            Command::PersonAdd { form } => self.person_add(step, user, *form),
            Command::PersonImport { rows } => self.person_import(step, user, rows),
            Command::PersonList { after, limit, merged } => self.person_list(step, after, limit, merged),
            Command::PersonShow { person } => self.person_show(step, user, &person),
            Command::PersonDuplicates { all, after, limit } => self.person_duplicates(step, all, after, limit),
            Command::PersonMerge { shown, other } => self.person_merge(step, user, &shown, &other),
            Command::PersonUnmerge { one, other } => self.person_unmerge(step, user, &one, &other),
            Command::ErasePlan { record } => self.erase_plan(step, &record),
            Command::EraseRequest { record, basis } => self.erase_request(step, user, &record, basis),
            Command::EraseWithdraw { record } => self.erase_withdraw(step, user, &record),
            Command::EraseRun { record } => self.erase_run(step, user, &record),
            Command::EraseList => self.erase_list(step),
            Command::CaseOpen { form } => self.case_open(step, user, *form),
            Command::CaseList { limit } => self.case_list(step, limit),
            Command::CaseShow { case } => self.case_show(step, user, &case),
            Command::CaseSought { case, allow } => self.case_sought(step, user, &case, allow),
            Command::CaseClose { case, subject, outcome } => self.case_close(step, user, &case, subject.as_deref(), outcome),
            Command::CaseReopen { case, subject } => self.case_reopen(step, user, &case, subject.as_deref()),
            other => self.matching_command(step, user, other),
        }
    }

    /// What the search, its claims and what follows them are asked for.
    fn matching_command<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: crate::base::UserId,
        command: Command,
    ) -> Result<Answer, Failure> {
        match command {
            Command::SearchPlan { case } => self.search_plan(step, &case),
            Command::SearchRun { case, plan } => self.search_run(step, user, &case, plan.as_deref()),
            Command::SearchStatus { case } => self.search_status(step, case.as_deref()),
            Command::SearchHeld => self.search_held(step),
            Command::SearchClaim { subject, owner } => self.search_claim(step, user, &subject, owner),
            Command::AskHits => self.ask_hits(step, user),
            Command::AskClaim { person, member } => self.ask_claim(step, user, &person, member),
            Command::AskPriority { person, rank } => self.ask_priority(step, user, &person, rank),
            Command::BreakerList => self.breaker_list(step),
            Command::BreakerRaise { member, limit, days } => self.breaker_raise(step, user, member, limit, days),
            Command::BreakerReset { member } => self.breaker_reset(step, user, member),
            Command::BagSend { member } => self.bag_send(step, user, member),
            Command::CandidateList { limit } => self.candidate_list(step, limit),
            Command::CandidateShow { candidate } => self.candidate_show(step, user, &candidate),
            Command::CandidateReview { candidate, verdict, note } => self.candidate_review(step, user, &candidate, verdict, note),
            Command::CandidateAsk { candidate } => self.candidate_ask(step, user, &candidate),
            Command::QuestionList => self.question_list(step),
            Command::QuestionRelease { candidate } => self.question_release(step, user, &candidate),
            Command::QuestionRefuse { candidate } => self.question_refuse(step, user, &candidate),
            Command::ContactConsent { candidate, decision, form, text } => {
                self.contact_consent(step, user, &candidate, decision, form, text)
            }
            Command::DisclosurePropose { candidate, send } => self.disclosure_propose(step, user, &candidate, send),
            Command::AuditReport { challenge, part } => self.audit_report(step, user, &challenge, part),
            Command::AuditTake { papers } => self.audit_take(step, user, &papers),
            Command::AuditOpen { audit, from } => self.audit_open(step, audit, from),
            Command::AuditSign { audit, counts } => self.audit_sign(step, user, audit, counts),
            Command::DisclosureList => self.disclosure_list(step),
            Command::DisclosureReceive { candidate, outcome } => self.disclosure_receive(step, user, &candidate, outcome),
            // Everything else was answered above.
            _ => Err(Failure::Role),
        }
    }
}
