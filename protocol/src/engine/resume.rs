//! What a crash cut short, begun again at the start of a process: requests without an answer, tests, timers.

use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

impl Engine {
    /// Called once by `Engine::open`, after the members are admitted.
    pub(super) fn resume<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if self.held.is_some() && !Self::is_due(step, Due::PublicSync)? {
            self.due_only(step, step.wall(), Due::PublicSync)?;
        }
        if self.own.member.is_none() && !Self::is_due(step, Due::Timestamp)? {
            self.sign_daily(step)?;
        }
        self.plan_forgetting(step);
        if self.own.member.is_none() {
            return Ok(());
        }
        if self.held.is_some() && !Self::is_due(step, Due::Epoch)? {
            self.due_only(step, step.wall(), Due::Epoch)?;
        }
        self.resume_tests(step)?;
        self.resume_erasures(step)?;
        if self.records_open {
            self.due(step, step.wall(), Due::Decoys);
            self.unpark(step);
        }
        Ok(())
    }
}
