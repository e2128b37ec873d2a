//! The querier's search: which subjects are asked where, the requests, and what their answers give.
//!
//! Requests and answers are stored on neither side: a request is made again from its row, since blinds derive from the
//! case's secret (architecture, rule 6). A member that is away is no error: its part waits and goes on when it returns.

use sha2::{Digest, Sha256};

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{CaseId, CaseRef, Epoch, MemberId, Millis, MsgId, Sensitive, SubjectId, UserId, cbor, limits};
use crate::casework::case::CaseRecord;
use crate::engine::answer::{Answer, Block, Failure, SearchPlan};
use crate::engine::asking::{asked, count, wait_no_more};
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::inputs::inputs_of;
use crate::engine::job::{BlindBatch, CaseInputs, FinalizeBatch, Job, JobClass};
use crate::engine::lookup;
use crate::engine::receive::{body, kind};
use crate::engine::rows::{Counters, Lane, Outgoing};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{CellKind, Header, Message, Refusal, sign};
use crate::linkage;
use crate::private_match::EntryId;
use crate::private_match::label::{Family, Tag};
use crate::private_match::oprf::{Element, pk_hash};
use crate::private_match::querier::{Asked, OpenRequestRow, QueryRow, RequestRow, SubjectRow, WaitingRow};
use crate::private_match::{EvalCase, EvalMode, EvalRequest, EvalResponse, EvalStatus};

/// Real cases of one own request: its finalizing stays within one slice.
pub(super) const CASES: usize = 16;

/// One case of a request.
struct AskedCase {
    /// The subject; none for a dummy.
    subject: Option<SubjectId>,
    mode: EvalMode,
    inputs: CaseInputs,
}

impl Engine {
    pub(super) fn search_plan<V: View>(&self, step: &Step<'_, V>, text: &str) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
        Ok(Answer::SearchPlan(self.plan(step, case, &record)?))
    }

    fn plan<V: View>(&self, step: &Step<'_, V>, case: CaseId, record: &CaseRecord) -> Result<SearchPlan, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        let mut claim_never = Vec::new();
        for subject in &record.subjects {
            if let Some(row) = step.get::<SubjectRow>(subject)? {
                claim_never = row.policy.never;
            }
        }
        let members = self.peers();
        let subjects = u32::try_from(record.subjects.len()).unwrap_or(u32::MAX);
        let hash = Sha256::new()
            .chain_update(b"kinmesh/plan/1")
            .chain_update(case.0)
            .chain_update(held.hash)
            .chain_update(subjects.to_be_bytes())
            .finalize();
        Ok(SearchPlan {
            plan: format!("p-{}", trail::hex(hash.get(..6).unwrap_or(&hash))),
            subjects,
            elements: subjects.saturating_mul(u32::try_from(limits::KEYS_A_RECORD).unwrap_or(0)),
            members: u32::try_from(members.len()).unwrap_or(u32::MAX),
            claim_never,
        })
    }

    pub(super) fn search_run<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        plan: Option<&str>,
    ) -> Result<Answer, Failure> {
        let (case, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
        if self.taking_part(&self.me()?).is_none() {
            return Err(if self.held.is_some() { Failure::Suspended } else { Failure::NotJoined });
        }
        if !self.may_exchange() {
            return Err(Failure::RosterOld);
        }
        if !record.safe {
            return Err(Failure::Blocked(Block::Safety));
        }
        if plan.is_some_and(|plan| self.plan(step, case, &record).is_ok_and(|current| current.plan != plan)) {
            return Err(Failure::Stale);
        }
        for subject in &record.subjects {
            let mut row = step.get::<SubjectRow>(subject)?.ok_or(Failure::Damaged)?;
            if !row.searched && !Self::is_over(step, subject)? {
                self.count_search(step, true)?;
            }
            row.searched = true;
            step.put(subject, &row);
            self.due(step, step.wall(), Due::Spread(*subject));
        }
        trail::record(step, Some(user), Act::SearchStarted, &case.0, None)?;
        let peers = self.peers();
        let up = peers.iter().filter(|peer| self.is_up(peer)).count();
        let (up, all) = (u32::try_from(up).unwrap_or(0), u32::try_from(peers.len()).unwrap_or(0));
        let subjects = u32::try_from(record.subjects.len()).unwrap_or(0);
        Ok(Answer::SearchStarted { queued: subjects.saturating_mul(all), members_up: up, members_down: all - up })
    }

    /// Builds the next requests for an owner, one a family, from what waits, padded to the unit of this member's class.
    pub(super) fn gather<V: View>(&mut self, step: &mut Step<'_, V>, owner: MemberId) -> Result<(), ReadError> {
        for family in Family::ALL {
            self.gather_family(step, owner, family)?;
        }
        Ok(())
    }

    fn gather_family<V: View>(&mut self, step: &mut Step<'_, V>, owner: MemberId, family: Family) -> Result<(), ReadError> {
        let Some(keys) = self.keys_of(&owner, step.wall()).map(|keys| keys.keys.voprf) else { return Ok(()) };
        if self.taking_part(&owner).is_none() || !self.may_exchange() {
            return Ok(());
        }
        let now = step.wall();
        let waiting = step.under::<WaitingRow>(&row_key(WaitingRow::KIND, &(owner, family)), CASES + 1)?;
        let more = waiting.len() > CASES;
        let ready = self.choose(step, (owner, family), waiting)?;
        if ready.is_empty() {
            return Ok(());
        }
        let request = MsgId::draw(&mut step.draw);
        let header = self.header(step, &owner, kind::EVAL_REQUEST, None)?;
        for subject in &ready {
            let id = (owner, family, *subject);
            if let Some(mut query) = step.get::<QueryRow>(&id)? {
                query.request = Some(request);
                step.put(&id, &query);
            }
        }
        let cases = u32::try_from(self.places(ready.len(), family)).unwrap_or(0);
        let row = RequestRow {
            owner,
            epoch: keys.epoch,
            created: header.created,
            expires: header.expires,
            n: header.n,
            roster_version: header.roster_version,
            seed: Sensitive::new(step.draw.bytes()),
            subjects: ready,
            cases,
            family,
        };
        step.put(&request, &row);
        step.put(&(owner, request), &OpenRequestRow {});
        self.keep_asked(step, &row)?;
        self.enqueue(step, &owner, Lane::Eval, Outgoing::Request(request), row.expires)?;
        if more {
            self.due(step, now + Millis(1), Due::Gather(owner));
        }
        Ok(())
    }

    /// What the next request asks about: cases and records first; decoys take places that padding would fill, or go alone once
    /// they have waited for a day. What is chosen does not wait any more.
    fn choose<V: View>(
        &self,
        step: &mut Step<'_, V>,
        (owner, family): (MemberId, Family),
        waiting: Vec<((MemberId, Family, u8, SubjectId), WaitingRow)>,
    ) -> Result<Vec<SubjectId>, ReadError> {
        let (mut chosen, mut decoys, now) = (Vec::new(), Vec::new(), step.wall());
        let mut room = self.room_at(step, &owner, family)?;
        for (id, row) in waiting {
            let is_due = row.not_before <= now;
            if family == Family::Registered && Self::is_decoy(step, &id.3)? {
                decoys.push((id, is_due));
                continue;
            }
            if !is_due || chosen.len() == CASES {
                continue;
            }
            let is_new = step.get::<QueryRow>(&(owner, family, id.3))?.is_none_or(|query| query.epoch == Epoch(0));
            // Beyond what the class leaves, entries wait in their order; what was opened before is renewed all the same.
            if is_new && room == 0 {
                continue;
            }
            room = room.saturating_sub(usize::from(is_new));
            chosen.push(id);
        }
        let alone = chosen.is_empty();
        let places = self.places(chosen.len().max(1), family) - chosen.len();
        chosen.extend(decoys.into_iter().filter(|(_, is_due)| *is_due || !alone).map(|(id, _)| id).take(places));
        for id in &chosen {
            wait_no_more(step, id)?;
        }
        Ok(chosen.into_iter().map(|id| id.3).collect())
    }

    /// Cases of a request that holds so many.
    fn places(&self, cases: usize, family: Family) -> usize {
        let unit = self.padding_unit(family).max(1);
        cases.div_ceil(unit) * unit
    }

    pub(super) fn padding_unit(&self, family: Family) -> usize {
        self.own.member.and_then(|me| self.class_of(&me, family)).map_or(8, crate::roster::CaseClass::padding_unit)
    }

    /// Cases of a request in the order of its batch, dummies included.
    fn cases_of<V: View>(&self, step: &Step<'_, V>, request: &RequestRow) -> Result<Vec<AskedCase>, ReadError> {
        let mut cases = Vec::new();
        for subject in &request.subjects {
            let row = asked(step, request.family, subject)?.ok_or(ReadError::Damaged)?;
            let query = step.get::<QueryRow>(&(request.owner, request.family, *subject))?.ok_or(ReadError::Damaged)?;
            let inputs = inputs_of(&linkage::profile_id(), &request.owner, &row.keys);
            // What was evaluated in an earlier epoch is renewed: the same elements, free of charge.
            let mode = if query.epoch == Epoch(0) { EvalMode::New } else { EvalMode::Renew };
            let inputs = CaseInputs { case_ref: query.case_ref, secret: row.secret, inputs };
            cases.push(AskedCase { subject: Some(*subject), mode, inputs });
        }
        for place in u32::try_from(request.subjects.len()).unwrap_or(0)..request.cases {
            let draw = |what: &[u8]| -> [u8; 32] {
                Sha256::new()
                    .chain_update(what)
                    .chain_update(request.seed.expose())
                    .chain_update(place.to_be_bytes())
                    .finalize()
                    .into()
            };
            let mut case_ref = [0u8; 16];
            for (slot, byte) in case_ref.iter_mut().zip(draw(b"kinmesh/dummy-ref/1")) {
                *slot = byte;
            }
            let secret = Sensitive::new(draw(b"kinmesh/dummy-case/1"));
            let inputs = CaseInputs { case_ref: CaseRef(case_ref), secret, inputs: Vec::new() };
            cases.push(AskedCase { subject: None, mode: EvalMode::New, inputs });
        }
        Ok(cases)
    }

    /// What stands behind each case of a request.
    pub(super) fn asked_in<V: View>(&self, step: &Step<'_, V>, request: &RequestRow) -> Result<Vec<(CaseRef, Asked)>, ReadError> {
        let asked = |case: AskedCase| {
            let asked = match (case.subject, request.family) {
                (None, _) => Asked::Dummy(case.inputs.secret),
                (Some(subject), Family::Registered) => Asked::Subject(subject),
                (Some(entry), Family::Sought) => Asked::Record(EntryId::from(entry).person()),
            };
            (case.inputs.case_ref, asked)
        };
        Ok(self.cases_of(step, request)?.into_iter().map(asked).collect())
    }

    /// The outbox wants a request sent: its elements are made first.
    pub(super) fn blind_request<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        request: MsgId,
        id: &(MemberId, u8, u64),
    ) -> Result<(), ReadError> {
        let Some(row) = step.get::<RequestRow>(&request)? else {
            self.delivered(step, &[*id]);
            return Ok(());
        };
        if !is_whole(step, &row)? {
            self.delivered(step, &[*id]);
            return self.ask_anew(step, request, &row, step.wall());
        }
        if !self.running.blinding.insert(request) {
            return Ok(());
        }
        let batch = self.blind_batch(step, request, &row)?;
        self.running.start(step, JobFor::Blind(request, row.owner), JobClass::Answer, Job::Blind(batch));
        Ok(())
    }

    /// What is to be blinded for a request.
    pub(super) fn blind_batch<V: View>(
        &self,
        step: &Step<'_, V>,
        request: MsgId,
        row: &RequestRow,
    ) -> Result<BlindBatch, ReadError> {
        let cases = self.cases_of(step, row)?.into_iter().map(|case| case.inputs).collect();
        Ok(BlindBatch { request, owner: row.owner, cases })
    }

    /// The elements are there: the request goes out, the same bytes every time.
    pub(super) fn blinded<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        request: MsgId,
        owner: MemberId,
        elements: Vec<Vec<Element>>,
    ) -> Result<(), ReadError> {
        self.running.blinding.remove(&request);
        let Some(row) = step.get::<RequestRow>(&request)? else { return Ok(()) };
        if !is_whole(step, &row)? {
            // A record was erased while its elements were made: the others are asked about anew.
            self.running.carried.remove(&request);
            return self.ask_anew(step, request, &row, step.wall());
        }
        if self.running.carried.contains_key(&request) {
            let message = self.request_message(step, request, &row, &elements)?;
            self.running.carried.insert(request, message);
        }
        let prefix = row_key(1, &(owner, Lane::Eval.number()));
        let waits = step.under::<crate::engine::rows::OutRow>(&prefix, limits::PAGE_ROWS)?;
        let id =
            waits.into_iter().find(|(_, out)| matches!(out.what, Outgoing::Request(found) if found == request)).map(|(id, _)| id);
        let (Some(id), Some(peer)) = (id, self.peer_of(&owner)) else { return Ok(()) };
        if !self.links.is_free(&peer, Lane::Eval) {
            return Ok(());
        }
        let Some(bytes) = self.request_message(step, request, &row, &elements)? else { return Ok(()) };
        if let Some(cell) = self.make_cell(step, &owner, CellKind::Eval, &[bytes]) {
            self.links.send(step, &peer, Lane::Eval, cell, vec![id]);
            self.due(step, step.wall() + self.retry_after(), Due::Retry(request));
        }
        Ok(())
    }

    fn request_message<V: View>(
        &self,
        step: &Step<'_, V>,
        request: MsgId,
        row: &RequestRow,
        elements: &[Vec<Element>],
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(keys) = self.keys_of(&row.owner, step.wall()).map(|keys| keys.keys.voprf) else { return Ok(None) };
        let cases = self.cases_of(step, row)?;
        let batch =
            cases.iter().zip(elements).map(|(case, elements)| EvalCase::new(case.inputs.case_ref, case.mode, elements)).collect();
        let body = EvalRequest { epoch: row.epoch, pk_hash: pk_hash(&keys.pk), batch, family: row.family };
        let header = Header {
            kind: kind::EVAL_REQUEST,
            from: crate::base::Party::Member(self.me()?),
            to: Some(crate::base::Party::Member(row.owner)),
            msg_id: request,
            n: row.n,
            created: row.created,
            expires: row.expires,
            roster_version: row.roster_version,
            re: None,
        };
        Ok(Some(sign(&self.own.network, &header, &cbor::encode(&body), &self.keys.operational)))
    }

    /// An owner's answer. Everything is checked before a point is unblinded; a proof that fails drops all of it.
    pub(super) fn eval_response<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        message: &Message,
    ) -> Result<(), Refusal> {
        let request = message.header.re.ok_or(Refusal::State)?;
        let row = step.get::<RequestRow>(&request)?.ok_or(Refusal::State)?;
        let response: EvalResponse = body(message)?;
        let keys = self.keys_of(&from, step.wall()).ok_or(Refusal::KeyUnknown)?.keys.voprf;
        // EV-1.
        if row.owner != from || response.epoch != row.epoch || response.epoch != keys.epoch || response.pk != keys.pk {
            return Err(Refusal::Epoch);
        }
        if !is_whole(step, &row)? {
            return self.ask_anew(step, request, &row, step.wall()).map_err(Refusal::from);
        }
        let cases = self.cases_of(step, &row)?;
        let asked = shape_of(&cases, &row, &keys.pk);
        response.shape(&asked).map_err(|_| Refusal::Encoding)?;
        let (mut accepted, mut evaluated, mut spent, mut opened) = (Vec::new(), Vec::new(), false, 0u32);
        for (case, answer) in cases.into_iter().zip(&response.batch) {
            match (answer.status, case.subject) {
                (EvalStatus::Accepted, subject) => {
                    opened += u32::from(case.mode == EvalMode::New);
                    evaluated.extend(answer.elements());
                    accepted.push((subject, case.inputs));
                }
                (EvalStatus::RenewMismatch, Some(subject)) => self.open_anew(step, &(from, row.family, subject))?,
                _ => spent = true,
            }
        }
        count(step, (from, row.family), |row| row.refs = row.refs.saturating_add(opened))?;
        let Some(proof) = response.proof().filter(|_| !accepted.is_empty()) else {
            let wait = self.held.as_ref().map_or(Millis::hours(1), |held| held.roster.pace.bag);
            return self.ask_anew(step, request, &row, step.wall() + wait).map_err(Refusal::from);
        };
        if spent {
            // The refused ones wait for the budget; the accepted ones go on.
            step.notify(crate::engine::effect::NoticeCode::Refused, Some(from), Refusal::Budget.code());
        }
        if !self.running.finalizing.insert(request) {
            return Ok(());
        }
        let batch = FinalizeBatch {
            request,
            owner: from,
            epoch: row.epoch,
            public: keys.pk,
            cases: accepted,
            evaluated,
            proof: Sensitive::new(proof),
        };
        self.running.start(step, JobFor::Finalize(request, from), JobClass::Answer, Job::Finalize(batch));
        Ok(())
    }

    /// The tags are there: they are kept with the subject, and the held set is tested.
    pub(super) fn finalized<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        request: MsgId,
        owner: MemberId,
        epoch: Epoch,
        tags: &[(SubjectId, Vec<Tag>)],
    ) -> Result<(), ReadError> {
        self.running.finalizing.remove(&request);
        let Some(row) = step.get::<RequestRow>(&request)? else { return Ok(()) };
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        for (subject, tags) in tags {
            let id = (owner, row.family, *subject);
            let Some(mut query) = step.get::<QueryRow>(&id)? else { continue };
            // Closed while it was asked for: no tag of it is kept.
            if Self::is_over(step, subject)? {
                continue;
            }
            let is_decoy = Self::is_decoy(step, subject)?;
            if query.tags.is_empty() && self.is_counted(step, &id)? {
                self.count_tested(step, &owner, true)?;
            }
            query.request = None;
            query.epoch = epoch;
            query.tags = tags.clone();
            step.put(&id, &query);
            counters.evaluations_open = counters.evaluations_open.saturating_sub(u64::from(!is_decoy));
            counters.evaluations_done += u64::from(!is_decoy);
        }
        step.put(&(), &counters);
        // Subjects whose case was refused are asked again when the budget has refilled.
        let wait = self.held.as_ref().map_or(Millis::hours(1), |held| held.roster.pace.bag);
        self.ask_anew(step, request, &row, step.wall() + wait)?;
        self.test_again(step, owner, row.family)
    }

    /// A peer's refusal as a code.
    pub(super) fn error_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        message: &Message,
    ) -> Result<(), Refusal> {
        let error: super::evaluation::ErrorBody = body(message)?;
        step.notify(crate::engine::effect::NoticeCode::Refused, Some(from), error.code);
        if let Some(peer) = self.peer_of(&from).filter(|_| error.code == Refusal::Epoch.code()) {
            // The roll was not heard of here.
            self.ask_public(step, &peer);
        }
        let Some(row) = step.get::<RequestRow>(&error.re)?.filter(|row| row.owner == from) else { return Ok(()) };
        let wait = match error.value {
            Some(seconds) if error.code == Refusal::Budget.code() => Millis::seconds(seconds.min(7 * 86_400)),
            _ => self.retry_after(),
        };
        self.ask_anew(step, error.re, &row, step.wall() + wait).map_err(Refusal::from)
    }
}

/// Whether everything that a request asks about is still there: what was erased meanwhile cannot be blinded again.
pub(super) fn is_whole<V: View>(step: &Step<'_, V>, row: &RequestRow) -> Result<bool, ReadError> {
    for subject in &row.subjects {
        let query = step.get::<QueryRow>(&(row.owner, row.family, *subject))?;
        let is_gone = Engine::is_erased(step, *subject)?;
        if is_gone || query.is_none() || asked(step, row.family, subject)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The shape of a request, without its elements: what an answer is held against.
fn shape_of(cases: &[AskedCase], row: &RequestRow, pk: &[u8; 32]) -> EvalRequest {
    let empty = |case: &AskedCase| EvalCase {
        case_ref: case.inputs.case_ref,
        mode: case.mode,
        elements: vec![0; limits::ELEMENTS_BYTES],
    };
    EvalRequest { epoch: row.epoch, pk_hash: pk_hash(pk), batch: cases.iter().map(empty).collect(), family: row.family }
}
