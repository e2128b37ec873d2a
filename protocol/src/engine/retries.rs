//! Requests that were not answered: sent again, made anew, or taken back into what waits.
//!
//! `search` makes them and takes their answers; `renewal` and bundles take them back, too. A request is the same to the byte
//! until its end, so that one which came after all is answered again and charged once.

use crate::base::record::{Record, row_key};
use crate::base::{CaseRef, Epoch, MemberId, Millis, MsgId, SubjectId, Timestamp, limits};
use crate::engine::asking::{asked, wait};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::{Lane, OutRow, Outgoing};
use crate::engine::search::CASES;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::asking::RANK;
use crate::private_match::querier::{OpenRequestRow, QueryRow, RequestRow};

impl Engine {
    /// How long an answer may take before the request is sent again: a bag's interval, at least three seconds.
    pub(super) fn retry_after(&self) -> Millis {
        Millis(self.held.as_ref().map_or(0, |held| held.roster.pace.bag.0).max(3_000))
    }

    /// A request that was not answered is sent again; one that expired is made anew.
    pub(super) fn retry_request<V: View>(&mut self, step: &mut Step<'_, V>, request: MsgId) -> Result<(), ReadError> {
        let Some(row) = step.get::<RequestRow>(&request)? else { return Ok(()) };
        if self.running.finalizing.contains(&request) || self.running.blinding.contains(&request) {
            self.due(step, step.wall() + self.retry_after(), Due::Retry(request));
            return Ok(());
        }
        if row.expires <= step.wall().seconds() {
            return self.ask_anew(step, request, &row, step.wall());
        }
        if self.is_up(&row.owner) {
            return self.send_again(step, request, &row);
        }
        // It goes on when the owner returns.
        Ok(())
    }

    fn send_again<V: View>(&mut self, step: &mut Step<'_, V>, request: MsgId, row: &RequestRow) -> Result<(), ReadError> {
        let prefix = row_key(OutRow::KIND, &(row.owner, Lane::Eval.number()));
        let queued = step
            .under::<OutRow>(&prefix, limits::PAGE_ROWS)?
            .iter()
            .any(|(_, out)| matches!(out.what, Outgoing::Request(found) if found == request));
        if queued {
            self.pump_member(step, &row.owner);
            return Ok(());
        }
        self.enqueue(step, &row.owner, Lane::Eval, Outgoing::Request(request), row.expires)
    }

    /// An owner lost what it kept of a reference: the subject gets another one and is asked for as if it were new.
    pub(super) fn open_anew<V: View>(&self, step: &mut Step<'_, V>, id: &(MemberId, Family, SubjectId)) -> Result<(), ReadError> {
        let Some(mut query) = step.get::<QueryRow>(id)? else { return Ok(()) };
        if !query.tags.is_empty() && self.is_counted(step, id)? {
            self.count_tested(step, &id.0, false)?;
        }
        query.case_ref = CaseRef::draw(&mut step.draw);
        query.epoch = Epoch(0);
        query.tags.clear();
        step.put(id, &query);
        Ok(())
    }

    /// Takes a request's subjects back into what waits.
    pub(super) fn ask_anew<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        request: MsgId,
        row: &RequestRow,
        not_before: Timestamp,
    ) -> Result<(), ReadError> {
        let mut waits = false;
        for subject in &row.subjects {
            let id = (row.owner, row.family, *subject);
            let Some(mut query) = step.get::<QueryRow>(&id)? else { continue };
            if query.request == Some(request) {
                query.request = None;
                step.put(&id, &query);
                let rank = asked(step, row.family, subject)?.map_or(RANK, |asked| asked.rank);
                wait(step, id, rank, not_before)?;
                waits = true;
            }
        }
        step.remove::<RequestRow>(&request);
        step.remove::<OpenRequestRow>(&(row.owner, request));
        Self::forget_request(step, &row.owner, request)?;
        if waits {
            self.due(step, not_before + Millis(1), Due::Gather(row.owner));
        }
        Ok(())
    }

    /// An owner returned: requests that it did not answer are sent again.
    pub(super) fn resume_requests<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId) -> Result<(), ReadError> {
        for ((_, request), _) in step.under::<OpenRequestRow>(&row_key(OpenRequestRow::KIND, owner), CASES)? {
            self.retry_request(step, request)?;
        }
        Ok(())
    }
}
