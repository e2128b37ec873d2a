//! The querier's side of a roll: what was evaluated under the last key of an owner is asked for again under the next.
//!
//! The same references and the same elements, so an owner charges nothing and learns nothing but that its querier goes on.
//! Until the next set is here the last one goes on counting. Some subjects a step, with the place kept in a row.

use crate::base::record::{Record, row_key};
use crate::base::{Epoch, MemberId, Millis, limits};
use crate::engine::asking::{asked, wait};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::querier::{OpenRequestRow, QueryRow, RenewRow, RequestRow};

/// Subjects that one step looks at.
const SUBJECTS_A_STEP: usize = 64;
/// Requests that one step takes back.
const REQUESTS_A_STEP: usize = 8;

impl Engine {
    /// Queues an owner's subjects for renewal; begins again with every roll.
    // EP-5.
    pub(super) fn renew<V: View>(&mut self, step: &mut Step<'_, V>, owner: MemberId) -> Result<(), ReadError> {
        let Some(epoch) = self.keys_of(&owner, step.wall()).map(|held| held.keys.voprf.epoch) else { return Ok(()) };
        if self.take_back(step, &owner, epoch)? {
            self.due(step, step.wall() + Millis(1), Due::Renew(owner));
            return Ok(());
        }
        let cursor = step.get::<RenewRow>(&owner)?.filter(|cursor| cursor.epoch == epoch);
        let from = match cursor.and_then(|cursor| row_key(QueryRow::KIND, &(owner, cursor.family, cursor.after)).after_prefix()) {
            Some(next) => next,
            None => row_key(QueryRow::KIND, &owner),
        };
        let until = row_key(QueryRow::KIND, &owner).after_prefix();
        let page = step.page::<QueryRow>(&from, until.as_ref(), SUBJECTS_A_STEP)?;
        let last = page.last().filter(|_| page.len() == SUBJECTS_A_STEP).map(|((_, family, subject), _)| (*family, *subject));
        for ((_, family, subject), query) in page {
            let is_stale = query.epoch != Epoch(0) && query.epoch != epoch && query.request.is_none();
            if !is_stale {
                continue;
            }
            if let Some(asked) = asked(step, family, &subject)?.filter(|asked| asked.is_open) {
                wait(step, (owner, family, subject), asked.rank, step.wall())?;
            }
        }
        match last {
            Some((family, after)) => {
                step.put(&owner, &RenewRow { epoch, after, family });
                self.due(step, step.wall() + Millis(1), Due::Renew(owner));
            }
            None => {
                step.remove::<RenewRow>(&owner);
                self.due(step, step.wall() + Millis(1), Due::Gather(owner));
            }
        }
        Ok(())
    }

    /// Requests of another epoch that were not answered: their subjects wait again. True if there may be more.
    fn take_back<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId, epoch: Epoch) -> Result<bool, ReadError> {
        let mut taken = 0;
        for ((_, request), _) in step.under::<OpenRequestRow>(&row_key(OpenRequestRow::KIND, owner), limits::PAGE_ROWS)? {
            let Some(row) = step.get::<RequestRow>(&request)?.filter(|row| row.epoch != epoch) else { continue };
            if taken == REQUESTS_A_STEP {
                return Ok(true);
            }
            taken += 1;
            self.ask_anew(step, request, &row, step.wall())?;
        }
        Ok(false)
    }
}
