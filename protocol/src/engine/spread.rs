//! Which members a subject is asked at: every one that takes part when the search is started, and each that joins later.
//!
//! Called when a search is started and when a roster admits a member. It only queues: requests are built from what waits at
//! an owner by `search`, so that many subjects are asked for in one message.

use crate::base::record::row_key;
use crate::base::{Millis, SubjectId, limits};
use crate::engine::asking::queue_query;
use crate::engine::core::Engine;
use crate::engine::rows::{Counters, Due};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::asking::RANK;
use crate::private_match::querier::SubjectRow;

/// Subjects that one step looks at when a member takes part that did not.
const SUBJECTS_A_STEP: usize = 16;

impl Engine {
    /// Queues one subject at every member. A subject without keys is not asked for: there is nothing to ask.
    pub(super) fn spread<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let Some(row) = step.get::<SubjectRow>(&subject)? else { return Ok(()) };
        if row.keys.is_empty() || row.ended {
            return Ok(());
        }
        let mut owners = self.peers();
        step.draw.shuffle(&mut owners);
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        for owner in owners {
            counters.evaluations_open += u64::from(queue_query(step, (owner, Family::Registered, subject), RANK)?);
            // Every subject that is spread at this moment is in before the first request is built.
            self.due(step, step.wall() + Millis(1), Due::Gather(owner));
        }
        step.put(&(), &counters);
        Ok(())
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
