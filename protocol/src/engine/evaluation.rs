//! The owner's side of an evaluation: charge first, then evaluate, the same bytes for the same request.
//!
//! The charge and the row that remembers the request are committed before any key is used; after a crash between commit
//! and answer the querier asks again, gets the same answer and is charged once (protocol.md 3.4 step 10).

use minicbor::{Decode, Encode};

use crate::audit::Act;
use crate::base::limits::KEYS_A_RECORD;
use crate::base::{CaseRef, Epoch, MemberId, MsgId, Sensitive};
use crate::engine::core::{Engine, JobFor};
use crate::engine::effect::NoticeCode;
use crate::engine::input::Carrier;
use crate::engine::job::{EvaluateBatch, Job, JobClass};
use crate::engine::receive::{body, kind};
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{CellKind, Message, Refusal, sign};
use crate::private_match::budget::Bucket;
use crate::private_match::input::elements_hash;
use crate::private_match::oprf::{Element, pk_hash};
use crate::private_match::owner::{BudgetRow, EpochKey, EvaluatedRow, IndexState, RefRow, RetiredEpoch};
use crate::private_match::{EpochSecret, EvalMode, EvalRequest, EvalResponse, EvalStatus, EvaluatedCase};

/// Type 59: a refusal as a code.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct ErrorBody {
    /// One of protocol.md 3.7.
    #[n(1)]
    pub code: u64,
    /// The message that was refused.
    #[n(2)]
    pub re: MsgId,
    /// Seconds to wait for a budget, the current epoch for another epoch.
    #[n(3)]
    pub value: Option<u64>,
}

/// A request that is being evaluated, kept until its answer is made.
pub(super) struct Evaluating {
    statuses: Vec<EvalStatus>,
    refs: Vec<CaseRef>,
    public: [u8; 32],
    epoch: crate::base::Epoch,
    by: Carrier,
}

impl Engine {
    /// A querier's request.
    pub(super) fn eval_request<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        message: &Message,
        by: Carrier,
    ) -> Result<(), Refusal> {
        let request: EvalRequest = body(message)?;
        request.shape().map_err(|_| Refusal::Encoding)?;
        let state = step.get::<IndexState>(&())?.ok_or(Refusal::State)?;
        let id = message.header.msg_id;
        let key = self.answering_key(step, &state, request.epoch)?.filter(|key| request.pk_hash == pk_hash(&key.public));
        let Some(key) = key else {
            let error = ErrorBody { code: Refusal::Epoch.code(), re: id, value: Some(u64::from(state.epoch.0)) };
            return self.post(step, &from, Lane::Eval, kind::ERROR, Some(id), &error).map_err(Refusal::from);
        };
        let row = match step.get::<EvaluatedRow>(&(from, id))? {
            Some(row) if row.hash == message.hash => row,
            Some(_) => return Err(Refusal::State),
            None => self.charge(step, from, message, &request)?,
        };
        if by == Carrier::File && Self::answer_waits(step, &from, id)? {
            return Ok(());
        }
        self.start_evaluation(step, (from, by), id, &request, &row, key)
    }

    /// The key of an epoch that is live, or that drains: a request may have left before its querier heard of the roll.
    fn answering_key<V: View>(
        &self,
        step: &Step<'_, V>,
        state: &IndexState,
        epoch: Epoch,
    ) -> Result<Option<EpochKey>, ReadError> {
        let drains = || -> Result<bool, ReadError> {
            Ok(step.get::<RetiredEpoch>(&epoch)?.is_some_and(|retired| step.wall() < retired.evaluations_until))
        };
        if epoch == state.epoch || drains()? { step.get::<EpochKey>(&epoch) } else { Ok(None) }
    }

    /// Charges every case of the request, padding included, and remembers what was decided.
    fn charge<V: View>(
        &self,
        step: &mut Step<'_, V>,
        from: MemberId,
        message: &Message,
        request: &EvalRequest,
    ) -> Result<EvaluatedRow, Refusal> {
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        let class = self.class_of(&from, request.family).ok_or(Refusal::Budget)?;
        let a_day = u32::try_from(class.new_a_day).unwrap_or(u32::MAX);
        let day = held.roster.pace.day();
        let bucket_id = (from, request.family);
        let mut budget =
            step.get::<BudgetRow>(&bucket_id)?.unwrap_or_else(|| BudgetRow { bucket: Bucket::full(a_day, step.wall()), refs: 0 });
        let mut statuses = Vec::new();
        for case in &request.batch {
            let hash = elements_hash(&case.elements());
            let known = step.get::<RefRow>(&(from, request.family, case.case_ref))?;
            let known_since = known.as_ref().map(|known| (known.opened, known.first));
            // VO-3: one case alone.
            let status = match (&case.mode, known) {
                // BU-2.
                (EvalMode::Renew, Some(known)) if known.elements == hash && known.epoch < request.epoch => EvalStatus::Accepted,
                (EvalMode::Renew, _) => EvalStatus::RenewMismatch,
                // Asked in the last epoch and never answered there: the charge of then counts.
                (EvalMode::New, Some(known)) if known.elements == hash && known.epoch < request.epoch => EvalStatus::Accepted,
                (EvalMode::New, _) => {
                    // BU-4.
                    let open = u64::from(budget.refs) < class.open;
                    let cost = u32::try_from(KEYS_A_RECORD).unwrap_or(u32::MAX);
                    // BU-1, VE-12.
                    if open && budget.bucket.charge(a_day, step.wall(), day, cost).is_ok() {
                        budget.refs += 1;
                        EvalStatus::Accepted
                    } else {
                        EvalStatus::Budget
                    }
                }
            };
            if status == EvalStatus::Accepted {
                let (opened, first) = known_since.unwrap_or_else(|| (step.wall(), request.epoch));
                let row = RefRow { elements: hash, epoch: request.epoch, opened, first };
                step.put(&(from, request.family, case.case_ref), &row);
            }
            statuses.push(status);
        }
        // BU-5: in this batch; the key is used after its commit.
        step.put(&bucket_id, &budget);
        let row = EvaluatedRow {
            hash: message.hash,
            proof_seed: Sensitive::new(step.draw.bytes()),
            statuses,
            expires: message.header.expires,
        };
        step.put(&(from, message.header.msg_id), &row);
        trail::record(step, None, Act::Evaluated, &message.header.msg_id.0, Some(from))?;
        Ok(row)
    }

    fn start_evaluation<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        (from, by): (MemberId, Carrier),
        id: MsgId,
        request: &EvalRequest,
        row: &EvaluatedRow,
        key: EpochKey,
    ) -> Result<(), Refusal> {
        let statuses = row.statuses.clone();
        let cases: Vec<Vec<Element>> = request
            .batch
            .iter()
            .zip(&statuses)
            .filter(|(_, status)| **status == EvalStatus::Accepted)
            .map(|(case, _)| case.elements())
            .collect();
        let refs = request.batch.iter().map(|case| case.case_ref).collect();
        let evaluating = Evaluating { statuses, refs, public: key.public, epoch: request.epoch, by };
        if self.running.evaluating.insert((from, id), evaluating).is_some() {
            return Ok(());
        }
        if cases.is_empty() {
            return self.evaluated(step, from, id, &[], [0; 64]).map_err(Refusal::from);
        }
        let batch = EvaluateBatch {
            querier: from,
            request: id,
            secret: EpochSecret::from_seed(*key.seed.expose()),
            cases,
            proof_seed: *row.proof_seed.expose(),
        };
        self.running.start(step, JobFor::Evaluate(from, id), JobClass::Answer, Job::Evaluate(batch));
        Ok(())
    }

    /// An element was none, so the key was not used for any of them. What the request cost stays charged: an honest querier
    /// never sends such a one.
    // VE-15, VO-2: a code, to a member that takes part.
    pub(super) fn elements_refused<V: View>(&mut self, step: &mut Step<'_, V>, querier: &MemberId, request: MsgId) {
        step.notify(NoticeCode::Refused, Some(*querier), Refusal::Element.code());
        let error = ErrorBody { code: Refusal::Element.code(), re: request, value: None };
        let posted = self.taking_part(querier).is_none()
            || self.post(step, querier, Lane::Eval, kind::ERROR, Some(request), &error).is_ok();
        if !posted {
            step.notify(NoticeCode::Damaged, Some(*querier), 12);
        }
    }

    /// The answer is there. It is stored nowhere, since a querier that misses it asks again; but where the request came in a
    /// bundle no connection waits for it, and it is kept for the next one.
    // VE-14.
    pub(super) fn evaluated<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        querier: MemberId,
        request: MsgId,
        evaluated: &[Vec<Element>],
        proof: [u8; 64],
    ) -> Result<(), ReadError> {
        let Some(open) = self.running.evaluating.remove(&(querier, request)) else { return Ok(()) };
        if self.taking_part(&querier).is_none() {
            return Ok(());
        }
        let mut outputs = evaluated.iter();
        let batch = open
            .refs
            .iter()
            .zip(&open.statuses)
            .map(|(case_ref, status)| match status {
                EvalStatus::Accepted => EvaluatedCase::accepted(*case_ref, outputs.next().map_or(&[], Vec::as_slice)),
                refused => EvaluatedCase::refused(*case_ref, *refused),
            })
            .collect();
        let proof = if evaluated.is_empty() { Vec::new() } else { proof.to_vec() };
        let response = EvalResponse { epoch: open.epoch, pk: open.public, batch, proof };
        let header = self.header(step, &querier, kind::EVAL_RESPONSE, Some(request))?;
        let bytes = sign(&self.own.network, &header, &crate::base::cbor::encode(&response), &self.keys.operational);
        if open.by == Carrier::File {
            return self.keep_answer(step, &querier, request, &header, bytes);
        }
        if let (Some(cell), Some(peer)) = (self.make_cell(step, &querier, CellKind::Eval, &[bytes]), self.peer_of(&querier)) {
            self.links.queue_answer(&peer, cell);
            self.pump(step, &peer);
        }
        Ok(())
    }
}
