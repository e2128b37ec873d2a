//! References that an owner forgets: one that its querier did not renew for a whole epoch is closed (protocol.md 2.4).
//!
//! A search that ended is not renewed, and the padding of requests never is, so what a querier may keep open comes free
//! without a message that would tell when a search ends. Begins with every roll, some rows a step; each step removes rows
//! and counts them in one batch.

use minicbor::{Decode, Encode};

use crate::base::record::{Record, row_key};
use crate::base::{CaseRef, Epoch, MemberId, Millis};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::private_match::owner::{BudgetRow, IndexState, RefRow};

/// References that one step looks at.
const REFS_A_STEP: usize = 128;

/// How far the references of a querier were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RefsSeenRow {
    /// Family of the last one.
    #[n(1)]
    pub family: Family,
    /// The last one.
    #[n(2)]
    pub after: CaseRef,
}
crate::record!(RefsSeenRow, MemberId, Peer, 44, Service);

/// Whether a reference that was evaluated last in an epoch is closed in another.
const fn is_closed(last: Epoch, live: Epoch) -> bool {
    last.0.saturating_add(1) < live.0
}

impl Engine {
    /// This owner rolled: the references of every querier are looked through.
    pub(super) fn plan_refs<V: View>(&self, step: &mut Step<'_, V>) {
        for querier in self.peers() {
            self.due(step, step.wall(), Due::Refs(querier));
        }
    }

    /// Closes references of a querier; goes on in another step where there are more.
    pub(super) fn close_refs<V: View>(&mut self, step: &mut Step<'_, V>, querier: MemberId) -> Result<(), ReadError> {
        let live = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?.epoch;
        let all = row_key(RefRow::KIND, &querier);
        let seen = step.get::<RefsSeenRow>(&querier)?;
        let from = match seen.and_then(|seen| RefRow::key(&(querier, seen.family, seen.after)).after_prefix()) {
            Some(next) => next,
            None => all.clone(),
        };
        let page = step.page::<RefRow>(&from, all.after_prefix().as_ref(), REFS_A_STEP)?;
        let last = page.last().filter(|_| page.len() == REFS_A_STEP).map(|((_, family, after), _)| (*family, *after));
        for (id, row) in page {
            if !is_closed(row.epoch, live) {
                continue;
            }
            step.remove::<RefRow>(&id);
            if let Some(mut budget) = step.get::<BudgetRow>(&(querier, id.1))? {
                budget.refs = budget.refs.saturating_sub(1);
                step.put(&(querier, id.1), &budget);
            }
        }
        match last {
            Some((family, after)) => {
                step.put(&querier, &RefsSeenRow { family, after });
                self.due(step, step.wall() + Millis(1), Due::Refs(querier));
            }
            None => step.remove::<RefsSeenRow>(&querier),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_epoch_without_renewal_closes_a_reference() {
        assert!(!is_closed(Epoch(4), Epoch(4)) && !is_closed(Epoch(4), Epoch(5)));
        assert!(is_closed(Epoch(4), Epoch(6)));
    }
}
