//! Duplicates at the operator's desk: the list, merge, unmerge.
//!
//! A merge keeps both records: it ties them and says which of them is shown, so that it can be undone. Nothing of it leaves
//! the node; peers see at most that keys of two records that were cut come back into the sets.

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{PersonId, UserId, limits};
use crate::casework::describe;
use crate::casework::duplicate::{DuplicateCounts, DuplicateLink, LinkState, MergedRow, pair};
use crate::engine::answer::{Answer, DuplicateField, DuplicateLine, Duplicates, Failure, PairProblem};
use crate::engine::core::Engine;
use crate::engine::households::ties_of;
use crate::engine::lookup;
use crate::engine::people::line;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::linkage::{Band, compare};
use crate::person::PersonRecord;
use crate::private_match::household::{CutRow, Tie};

/// Pairs of one answer: each is compared anew for its reasons.
const LINES: usize = 16;
/// Records between one that was merged and the one that is shown for it, at most.
const CHAIN: usize = limits::HOUSEHOLD;

impl Engine {
    /// One page of pairs. Rows that are not asked for are passed over, so a page may be short, or empty, and have a next.
    pub(super) fn person_duplicates<V: View>(
        &self,
        step: &Step<'_, V>,
        all: bool,
        after: Option<(PersonId, PersonId)>,
        limit: u32,
    ) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let lines = usize::try_from(limit).unwrap_or(LINES).clamp(1, LINES);
        let from = after.and_then(|pair| row_key(6, &pair).after_prefix()).unwrap_or_else(|| row_key(6, &()));
        let page = step.page::<DuplicateLink>(&from, row_key(6, &()).after_prefix().as_ref(), limits::PAGE_ROWS)?;
        let is_full = page.len() == limits::PAGE_ROWS;
        let (mut pairs, mut last, mut has_more) = (Vec::new(), None, is_full);
        for (id, link) in page {
            if pairs.len() == lines {
                has_more = true;
                break;
            }
            last = Some(id);
            if all || link.state.is_linked() {
                pairs.extend(duplicate_line(step, id, &link)?);
            }
        }
        let cut = step.get::<CutRow>(&())?.unwrap_or_default();
        let counts = step.get::<DuplicateCounts>(&())?.unwrap_or_default();
        Ok(Answer::Duplicates(Box::new(Duplicates {
            pairs,
            next: last.filter(|_| has_more),
            suspects: counts.suspects,
            keys_cut: cut.cut,
            keys: cut.keys,
            cut_warning: cut.over,
        })))
    }

    pub(super) fn person_merge<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        shown: &str,
        other: &str,
    ) -> Result<Answer, Failure> {
        let ((shown, first), (other, second)) = self.two(step, shown, other)?;
        match step.get::<MergedRow>(&other)? {
            // Asked for again: it is done.
            Some(row) if row.shown == shown => return Ok(Answer::Merged { shown, other }),
            Some(row) => return Err(Failure::Pair(PairProblem::Merged { person: other, shown: row.shown })),
            None => {}
        }
        if is_shown_by(step, shown, other)? {
            return Err(Failure::Pair(PairProblem::Merged { person: shown, shown: other }));
        }
        let pair = pair(shown, other);
        if !Self::tie(step, shown, other, Tie::Duplicate)? {
            return Err(Failure::Pair(PairProblem::Household));
        }
        self.decide(step, user, pair, LinkState::Merged { shown }, (&first, &second))?;
        step.put(&other, &MergedRow { shown });
        trail::record(step, Some(user), Act::PersonMerged, &[shown.0, other.0].concat(), None)?;
        Ok(Answer::Merged { shown, other })
    }

    pub(super) fn person_unmerge<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        one: &str,
        other: &str,
    ) -> Result<Answer, Failure> {
        let ((one, first), (other, second)) = self.two(step, one, other)?;
        let pair = pair(one, other);
        let Some(link) = step.get::<DuplicateLink>(&pair)?.filter(|link| link.state.is_linked()) else {
            return Err(Failure::Pair(PairProblem::NotLinked));
        };
        if let LinkState::Merged { shown } = link.state {
            step.remove::<MergedRow>(if shown == one { &other } else { &one });
        }
        self.decide(step, user, pair, LinkState::Different, (&first, &second))?;
        Self::untie(step, one, other, Tie::Duplicate)?;
        trail::record(step, Some(user), Act::PersonUnmerged, &[one.0, other.0].concat(), None)?;
        Ok(Answer::Unmerged { one, other })
    }

    /// Records that an operator said are the same person as this one.
    pub(super) fn merged_into<V: View>(step: &Step<'_, V>, person: PersonId) -> Result<Vec<PersonId>, ReadError> {
        let mut merged = Vec::new();
        for (other, _) in ties_of(step, person)? {
            if step.get::<MergedRow>(&other)?.is_some_and(|row| row.shown == person) {
                merged.push(other);
            }
        }
        Ok(merged)
    }

    /// Both records of a pair.
    #[allow(clippy::type_complexity, reason = "two of the same")]
    fn two<V: View>(
        &self,
        step: &Step<'_, V>,
        one: &str,
        other: &str,
    ) -> Result<((PersonId, PersonRecord), (PersonId, PersonRecord)), Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let one = lookup::find::<V, PersonRecord>(step, one, 1, PersonId::LETTER)?;
        let other = lookup::find::<V, PersonRecord>(step, other, 1, PersonId::LETTER)?;
        if one.0 == other.0 {
            return Err(Failure::Pair(PairProblem::Same));
        }
        Ok((one, other))
    }

    /// An operator's word on a pair, with the revisions that it is about.
    fn decide<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        id: (PersonId, PersonId),
        state: LinkState,
        records: (&PersonRecord, &PersonRecord),
    ) -> Result<(), ReadError> {
        Self::settle_suspect(step, id)?;
        let revision = |person: PersonId| step.get::<PersonRecord>(&person).map(|record| record.map_or(0, |one| one.revision));
        let (first_revision, second_revision) = (revision(id.0)?, revision(id.1)?);
        let score_milli = compare(&describe::of_record(records.0), &describe::of_record(records.1)).score_milli;
        let link = DuplicateLink { state, score_milli, at: step.wall(), by: Some(user), first_revision, second_revision };
        Self::put_link(step, id, &link)?;
        self.running.look_at_suspects = true;
        Ok(())
    }
}

/// Whether a record is, over however many merges, shown as another one.
fn is_shown_by<V: View>(step: &Step<'_, V>, person: PersonId, by: PersonId) -> Result<bool, ReadError> {
    let mut next = person;
    for _ in 0..CHAIN {
        match step.get::<MergedRow>(&next)? {
            Some(row) if row.shown == by => return Ok(true),
            Some(row) => next = row.shown,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn duplicate_line<V: View>(
    step: &Step<'_, V>,
    (a, b): (PersonId, PersonId),
    link: &DuplicateLink,
) -> Result<Option<DuplicateLine>, Failure> {
    let (Some(first), Some(second)) = (step.get::<PersonRecord>(&a)?, step.get::<PersonRecord>(&b)?) else {
        // One of the two was erased; the pair is about to go.
        return Ok(None);
    };
    let comparison = compare(&describe::of_record(&first), &describe::of_record(&second));
    let fields = comparison
        .fields
        .iter()
        .map(|field| DuplicateField { field: field.field, verdict: field.verdict, reason: field.reason.text().to_owned() })
        .collect();
    let shown = if let LinkState::Merged { shown } = link.state { Some(shown) } else { None };
    Ok(Some(DuplicateLine {
        first: line(step, a, &first)?,
        second: line(step, b, &second)?,
        state: link.state.word().to_owned(),
        band: Band::of(link.score_milli),
        possible_relative: comparison.possible_relative,
        fields,
        decided_by: link.by,
        shown,
    }))
}
