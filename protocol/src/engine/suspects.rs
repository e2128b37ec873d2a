//! Finds the node's own duplicates: records that share a match key are compared once both can be read.
//!
//! The index job names the pairs, `settle` starts a slice of comparisons while the records are open. A pair is a row until
//! it was compared, so a locked node keeps them and a crash repeats a slice. What the comparison says is remembered either
//! way; an operator's word is never overruled while the records stay as they were.

use crate::base::record::row_key;
use crate::base::{PersonId, limits};
use crate::casework::duplicate::{DuplicateCounts, DuplicateLink, LinkState, pair};
use crate::engine::core::{Engine, JobFor};
use crate::engine::effect::NoticeCode;
use crate::engine::job::{ComparedPair, Job, JobClass, PairToCompare};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::person::PersonRecord;
use crate::private_match::household::{SuspectRow, Tie};

/// Pairs of one slice: two records are read for each, some 10 us apiece.
const PAIRS_A_SLICE: usize = 32;

impl Engine {
    /// Files pairs that the index found.
    pub(super) fn file_suspects<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        pairs: &[(PersonId, PersonId)],
    ) -> Result<(), ReadError> {
        for (a, b) in pairs {
            Self::suspect(step, pair(*a, *b))?;
        }
        self.running.look_at_suspects |= !pairs.is_empty();
        Ok(())
    }

    /// Files one pair, the smaller id first. Beyond `limits::SUSPECTS` a pair is left out: the next epoch's index, or a
    /// change of one of its records, finds it again.
    pub(super) fn suspect<V: View>(step: &mut Step<'_, V>, pair: (PersonId, PersonId)) -> Result<(), ReadError> {
        // ER-4.
        // A slice that began before an erasure names the record still.
        if pair.0 == pair.1 || step.get::<SuspectRow>(&pair)?.is_some() || Self::one_is_erased(step, &pair)? {
            return Ok(());
        }
        let mut counts = step.get::<DuplicateCounts>(&())?.unwrap_or_default();
        if counts.suspects >= limits::SUSPECTS {
            step.notify(NoticeCode::SuspectsFull, None, limits::SUSPECTS);
            return Ok(());
        }
        counts.suspects += 1;
        step.put(&(), &counts);
        step.put(&pair, &SuspectRow {});
        Ok(())
    }

    /// A pair waits no more; false if it did not.
    pub(super) fn settle_suspect<V: View>(step: &mut Step<'_, V>, pair: (PersonId, PersonId)) -> Result<bool, ReadError> {
        if step.get::<SuspectRow>(&pair)?.is_none() {
            return Ok(false);
        }
        let mut counts = step.get::<DuplicateCounts>(&())?.unwrap_or_default();
        counts.suspects = counts.suspects.saturating_sub(1);
        step.put(&(), &counts);
        step.remove::<SuspectRow>(&pair);
        Ok(true)
    }

    fn one_is_erased<V: View>(step: &Step<'_, V>, pair: &(PersonId, PersonId)) -> Result<bool, ReadError> {
        Ok(Self::is_erased(step, pair.0)? || Self::is_erased(step, pair.1)?)
    }

    /// Whether pairs wait to be compared.
    pub(super) fn has_suspects<V: View>(&self, step: &Step<'_, V>) -> Result<bool, ReadError> {
        Ok(self.running.comparing || step.get::<DuplicateCounts>(&())?.is_some_and(|counts| counts.suspects > 0))
    }

    /// Starts the next slice of comparisons, if pairs wait, the records are open and none runs.
    pub(super) fn continue_suspects<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        if !self.records_open || self.running.comparing || !self.running.look_at_suspects {
            return Ok(());
        }
        self.running.look_at_suspects = false;
        let waiting = step.under::<SuspectRow>(&row_key(5, &()), PAIRS_A_SLICE)?;
        if waiting.is_empty() {
            self.running.look_at_builds = true;
            return Ok(());
        }
        let mut pairs = Vec::with_capacity(waiting.len());
        for (pair, _) in waiting {
            let (first, second) = (step.get::<PersonRecord>(&pair.0)?, step.get::<PersonRecord>(&pair.1)?);
            let link = step.get::<DuplicateLink>(&pair)?;
            match (first, second) {
                (Some(first), Some(second)) if !link.is_some_and(|link| link.is_settled(first.revision, second.revision)) => {
                    pairs.push(PairToCompare { pair, first: Box::new(first), second: Box::new(second) });
                }
                _ => {
                    Self::settle_suspect(step, pair)?;
                }
            }
        }
        // A slice without a pair runs as well: its end starts the next one.
        self.running.comparing = true;
        self.running.start(step, JobFor::Compare, JobClass::Build, Job::Compare(pairs));
        Ok(())
    }

    /// A slice of comparisons is there. What does not fit this batch is compared again.
    pub(super) fn compared<V: View>(&mut self, step: &mut Step<'_, V>, found: &[ComparedPair]) -> Result<(), ReadError> {
        self.running.comparing = false;
        self.running.look_at_suspects = true;
        for compared in found {
            if step.size() > limits::STEP_BYTES {
                break;
            }
            if Self::settle_suspect(step, compared.pair)? && !Self::one_is_erased(step, &compared.pair)? {
                Self::judge(step, compared)?;
            }
        }
        Ok(())
    }

    fn judge<V: View>(step: &mut Step<'_, V>, compared: &ComparedPair) -> Result<(), ReadError> {
        let (a, b) = compared.pair;
        let old = step.get::<DuplicateLink>(&compared.pair)?;
        // Somebody decided while the comparison ran.
        if old.as_ref().is_some_and(|old| old.is_settled(compared.first_revision, compared.second_revision)) {
            return Ok(());
        }
        let state = if compared.is_duplicate { LinkState::Proposed } else { LinkState::Different };
        let link = DuplicateLink {
            state,
            score_milli: compared.score_milli,
            at: step.wall(),
            by: None,
            first_revision: compared.first_revision,
            second_revision: compared.second_revision,
        };
        Self::put_link(step, compared.pair, &link)?;
        if state.is_linked() {
            Self::tie(step, a, b, Tie::Duplicate)?;
        } else {
            Self::untie(step, a, b, Tie::Duplicate)?;
        }
        Ok(())
    }

    /// Writes a link and counts it.
    pub(super) fn put_link<V: View>(
        step: &mut Step<'_, V>,
        pair: (PersonId, PersonId),
        link: &DuplicateLink,
    ) -> Result<(), ReadError> {
        let was = step.get::<DuplicateLink>(&pair)?.is_some_and(|old| old.state == LinkState::Proposed);
        let is = link.state == LinkState::Proposed;
        if was != is {
            let mut counts = step.get::<DuplicateCounts>(&())?.unwrap_or_default();
            counts.proposed = if is { counts.proposed + 1 } else { counts.proposed.saturating_sub(1) };
            step.put(&(), &counts);
        }
        step.put(&pair, link);
        Ok(())
    }
}
