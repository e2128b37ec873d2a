//! Which members a subject is asked at: every one that takes part when the search is started, and each that joins later.
//!
//! Called when a search is started and when a roster admits a member. It only queues: requests are built from what waits at
//! an owner by `search`, so that many subjects are asked for in one message.

use crate::base::record::row_key;
use crate::base::{CaseRef, Epoch, MemberId, Millis, SubjectId, limits};
use crate::engine::asking::wait;
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::Counters;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::asking::RANK;
use crate::private_match::querier::{QueryRow, SubjectRow, WaitingRow};

/// Subjects that one step looks at when a member takes part that did not.
const SUBJECTS_A_STEP: usize = 16;

impl Engine {
    /// Queues one subject at every member. A subject without keys is not asked for: there is nothing to ask.
    pub(super) fn spread<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let Some(row) = step.get::<SubjectRow>(&subject)? else { return Ok(()) };
        if row.keys.is_empty() || Self::is_over(step, &subject)? {
            return Ok(());
        }
        let mut owners = self.peers();
        step.draw.shuffle(&mut owners);
        // A decoy takes the place of a dummy where a search leaves one, and goes alone only later.
        let day = self.held.as_ref().map_or(Millis(0), |held| held.roster.pace.day());
        let not_before = if row.decoy { step.wall() + day } else { step.wall() };
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        for owner in owners {
            let id = (owner, Family::Registered, subject);
            if let Some(query) = self.query_at(step, &id, &row, &mut counters)? {
                // What waited for a member that was shut out meanwhile was swept: it waits anew.
                let waits = step.get::<WaitingRow>(&(owner, Family::Registered, RANK, subject))?.is_some();
                if query.request.is_none() && query.epoch == Epoch(0) && !waits {
                    wait(step, id, RANK, not_before)?;
                    self.due(step, not_before + Millis(1), Due::Gather(owner));
                }
                continue;
            }
            let query = QueryRow { case_ref: CaseRef::draw(&mut step.draw), request: None, epoch: Epoch(0), tags: Vec::new() };
            step.put(&id, &query);
            wait(step, id, RANK, not_before)?;
            counters.evaluations_open += u64::from(!row.decoy);
            // Every subject that is spread at this moment is in before the first request is built.
            self.due(step, not_before + Millis(1), Due::Gather(owner));
        }
        step.put(&(), &counters);
        Ok(())
    }

    /// What is there of a subject at an owner. A subject that was closed and is searched for again gets another pseudonym:
    /// its tags were destroyed, and whoever closed a search has not to be known again.
    fn query_at<V: View>(
        &self,
        step: &mut Step<'_, V>,
        id: &(MemberId, Family, SubjectId),
        row: &SubjectRow,
        counters: &mut Counters,
    ) -> Result<Option<QueryRow>, ReadError> {
        let Some(mut query) = step.get::<QueryRow>(id)? else { return Ok(None) };
        if query.epoch != Epoch(0) && query.tags.is_empty() && query.request.is_none() {
            query = QueryRow { case_ref: CaseRef::draw(&mut step.draw), request: None, epoch: Epoch(0), tags: Vec::new() };
            step.put(id, &query);
            counters.evaluations_open += u64::from(!row.decoy);
        }
        Ok(Some(query))
    }

    /// A member takes part that did not: searches that were started go to it as well, some subjects a step.
    pub(super) fn spread_from<V: View>(&mut self, step: &mut Step<'_, V>, from: SubjectId) -> Result<(), ReadError> {
        let until = row_key(1, &()).after_prefix();
        let mut page = step.page::<SubjectRow>(&row_key(1, &from), until.as_ref(), SUBJECTS_A_STEP + 1)?.into_iter();
        for (subject, row) in page.by_ref().take(SUBJECTS_A_STEP) {
            if step.size() > limits::STEP_BYTES {
                self.due(step, step.wall(), Due::SpreadFrom(subject));
                return Ok(());
            }
            if row.searched {
                self.spread(step, subject)?;
            }
        }
        if let Some((subject, _)) = page.next() {
            self.due(step, step.wall(), Due::SpreadFrom(subject));
        }
        Ok(())
    }
}
