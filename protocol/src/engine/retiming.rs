//! After a change of the pace: what comes again and again comes by the new intervals.
//!
//! A bag or a question for sets that was set by a longer interval would come so late once. It is drawn anew within the new one;
//! what comes sooner stays. Some timers a step, with the place in the timer that goes on.

use crate::base::record::{Record, row_key};
use crate::base::{Millis, Timestamp};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::DueRow;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

/// Timers that one step looks at.
const ROWS_A_STEP: usize = 64;

impl Engine {
    /// Looks at the timers from a time on.
    pub(super) fn retime<V: View>(&mut self, step: &mut Step<'_, V>, from: Timestamp) -> Result<(), ReadError> {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        let until = row_key(DueRow::KIND, &()).after_prefix();
        let page = step.page::<DueRow>(&row_key(DueRow::KIND, &from), until.as_ref(), ROWS_A_STEP)?;
        for ((at, kind, id), _) in &page {
            let Some(due) = Due::read(*kind, id) else { continue };
            let longest = match due {
                Due::Bag(_) => pace.latest_bag(),
                Due::SetCheck(_) => pace.round(),
                _ => continue,
            };
            if *at > step.wall() + longest {
                step.remove::<DueRow>(&(*at, *kind, *id));
                let next = step.draw.between(Millis(0), longest);
                self.due(step, step.wall() + next, due);
            }
        }
        if let Some(((last, _, _), _)) = page.last().filter(|_| page.len() == ROWS_A_STEP) {
            // Never the same page again, whatever fell due in one millisecond.
            let next = if *last > from { *last } else { from + Millis(1) };
            self.due(step, step.wall(), Due::Retime(next));
        }
        Ok(())
    }
}
