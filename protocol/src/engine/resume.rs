//! What a crash cut short, begun again at the start of a process: requests without an answer, tests, timers.

use crate::base::record::row_key;
use crate::engine::core::Engine;
use crate::engine::rows::{Due, DueRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

impl Engine {
    /// Called once by `Engine::open`, after the members are admitted.
    pub(super) fn resume<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.held.is_some() && !self.has_timer(step, Due::PublicSync)? {
            self.due(step, step.wall(), Due::PublicSync);
        }
        if self.own.member.is_none() && !self.has_timer(step, Due::Timestamp)? {
            self.sign_daily(step)?;
        }
        self.plan_forgetting(step);
        if self.own.member.is_none() {
            return Ok(());
        }
        if self.held.is_some() && !self.has_timer(step, Due::Epoch)? {
            self.due(step, step.wall(), Due::Epoch);
        }
        self.resume_tests(step)?;
        self.resume_erasures(step)?;
        if self.records_open {
            self.due(step, step.wall(), Due::Decoys);
            self.unpark(step);
        }
        Ok(())
    }

    /// Whether a timer of this kind stands among the next ones.
    fn has_timer<V: View>(&self, step: &Step<'_, V>, due: Due) -> Result<bool, ReadError> {
        let (_, kind, _) = due.at(step.wall());
        let next = step.under::<DueRow>(&row_key(1, &()), crate::base::limits::PAGE_ROWS)?;
        Ok(next.iter().any(|((_, found, _), _)| *found == kind))
    }
}
