//! Joins own records to households and parts them again.
//!
//! Called where a link between two own records begins or ends: duplicates, `family[].person`, a case file. A household is
//! the component of its ties; its id is its smallest member. Whoever changes household is indexed again, since each of its
//! tags carries the household: that costs some 2 ms a person, the evaluation of 48 keys, on the job pool. Keeping the
//! tags' ids beside the person would save it and double the index.

use std::collections::BTreeSet;

use crate::base::record::{Record, row_key};
use crate::base::{PersonId, limits};
use crate::casework::duplicate::{MergedRow, pair};
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::person::MatchMode;
use crate::private_match::household::{HouseholdRow, Tie, TieRow};
use crate::private_match::owner::{IndexRow, IndexState, PendingRow};
use crate::private_match::{EntryId, Family};

impl Engine {
    /// One record names the other as family: they stand in one household from now on. False if that would be too large.
    pub(super) fn join_household<V: View>(step: &mut Step<'_, V>, a: PersonId, b: PersonId) -> Result<bool, ReadError> {
        Self::tie(step, a, b, Tie::Family)
    }

    /// The record does not name the other as family any more.
    #[allow(dead_code, reason = "for whoever removes family links between records")]
    pub(super) fn leave_household<V: View>(step: &mut Step<'_, V>, a: PersonId, b: PersonId) -> Result<(), ReadError> {
        Self::untie(step, a, b, Tie::Family)
    }

    /// Ties two records. False, and a notice, if their household would have more than `limits::HOUSEHOLD` members.
    pub(super) fn tie<V: View>(step: &mut Step<'_, V>, a: PersonId, b: PersonId, tie: Tie) -> Result<bool, ReadError> {
        if a == b {
            return Ok(true);
        }
        if let Some(mut row) = step.get::<TieRow>(&(a, b))? {
            row.why |= tie.bit();
            put_both(step, a, b, &row);
            return Ok(true);
        }
        let mut members = members_of(step, a)?;
        members.append(&mut members_of(step, b)?);
        if members.len() > limits::HOUSEHOLD {
            step.notify(NoticeCode::HouseholdFull, None, limits::HOUSEHOLD as u64);
            return Ok(false);
        }
        put_both(step, a, b, &TieRow { why: tie.bit() });
        name_household(step, &members)?;
        Ok(true)
    }

    /// Ends one reason of a tie; with the last one the household may fall into two.
    pub(super) fn untie<V: View>(step: &mut Step<'_, V>, a: PersonId, b: PersonId, tie: Tie) -> Result<(), ReadError> {
        let Some(mut row) = step.get::<TieRow>(&(a, b))? else { return Ok(()) };
        row.why &= !tie.bit();
        if row.why != 0 {
            put_both(step, a, b, &row);
            return Ok(());
        }
        step.remove::<TieRow>(&(a, b));
        step.remove::<TieRow>(&(b, a));
        for side in [a, b] {
            let members = members_of(step, side)?;
            name_household(step, &members)?;
        }
        Ok(())
    }

    /// A record was erased: its ties and all that hangs on them end; what is left of its household may fall into several.
    pub(super) fn part_household<V: View>(step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        let ties = ties_of(step, person)?;
        for (other, _) in &ties {
            step.remove::<TieRow>(&(person, *other));
            step.remove::<TieRow>(&(*other, person));
            Self::drop_pair(step, pair(person, *other))?;
            if step.get::<MergedRow>(other)?.is_some_and(|row| row.shown == person) {
                step.remove::<MergedRow>(other);
            }
        }
        step.remove::<HouseholdRow>(&person);
        step.remove::<MergedRow>(&person);
        let mut named = BTreeSet::new();
        for (other, _) in ties {
            if !named.contains(&other) {
                let members = members_of(step, other)?;
                name_household(step, &members)?;
                named.extend(members);
            }
        }
        Ok(())
    }

    /// Whether an erased record is still tied to others.
    pub(super) fn has_household<V: View>(step: &Step<'_, V>, person: PersonId) -> Result<bool, ReadError> {
        Ok(!step.under::<TieRow>(&row_key(TieRow::KIND, &person), 1)?.is_empty())
    }

    /// Queues the evaluation of a record's keys; `revised` where the record itself is fresh or changed.
    pub(super) fn queue_person<V: View>(step: &mut Step<'_, V>, person: PersonId, revised: bool) -> Result<(), ReadError> {
        if Self::queue_entry(step, Family::Registered, person.into(), revised)? {
            // A link was found by keys that the changed record may not have any more.
            for (other, why) in ties_of(step, person)? {
                if why & Tie::Duplicate.bit() != 0 {
                    Self::suspect(step, pair(person, other))?;
                }
            }
        }
        Ok(())
    }

    /// Queues the evaluation of an entry's keys in the live epoch and in the next one. True if the entry itself is fresh or
    /// changed, by this call or by one that waits; false as well where it is in no index.
    pub(super) fn queue_entry<V: View>(
        step: &mut Step<'_, V>,
        family: Family,
        entry: EntryId,
        revised: bool,
    ) -> Result<bool, ReadError> {
        if step.get::<IndexRow>(&(family, entry))?.is_none_or(|row| row.mode == MatchMode::Off) {
            return Ok(false);
        }
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        let id = (state.epoch, family, entry);
        let waiting = step.get::<PendingRow>(&id)?;
        let index = state.of_mut(family);
        index.generation += 1;
        index.pending += u64::from(waiting.is_none());
        let turn = index.generation;
        let revised = revised || waiting.is_some_and(|waiting| waiting.revised);
        step.put(&id, &PendingRow { turn, revised });
        if let Some(next) = &mut state.next {
            let id = (next.epoch, family, entry);
            next.pending += u64::from(step.get::<PendingRow>(&id)?.is_none());
            step.put(&id, &PendingRow { turn, revised: false });
        }
        step.put(&(), &state);
        Ok(revised)
    }
}

/// Members of a record's household, itself included; one more than a household may have, at most.
fn members_of<V: View>(step: &Step<'_, V>, person: PersonId) -> Result<BTreeSet<PersonId>, ReadError> {
    let mut members = BTreeSet::from([person]);
    let mut open = vec![person];
    while let Some(next) = open.pop() {
        for (other, _) in ties_of(step, next)? {
            if members.len() <= limits::HOUSEHOLD && members.insert(other) {
                open.push(other);
            }
        }
    }
    Ok(members)
}

/// The records that a record is tied to, each with the bits of [`Tie`].
pub(super) fn ties_of<V: View>(step: &Step<'_, V>, person: PersonId) -> Result<Vec<(PersonId, u8)>, ReadError> {
    let ties = step.under::<TieRow>(&row_key(3, &person), limits::HOUSEHOLD)?;
    Ok(ties.into_iter().map(|((_, other), row)| (other, row.why)).collect())
}

/// Gives the members their household and queues those for whom it is another one.
fn name_household<V: View>(step: &mut Step<'_, V>, members: &BTreeSet<PersonId>) -> Result<(), ReadError> {
    let Some(household) = members.first().copied() else { return Ok(()) };
    for member in members {
        let held = step.get::<HouseholdRow>(member)?.map_or(*member, |row| row.household);
        if held == household {
            continue;
        }
        if household == *member {
            step.remove::<HouseholdRow>(member);
        } else {
            step.put(member, &HouseholdRow { household });
        }
        Engine::queue_person(step, *member, false)?;
    }
    Ok(())
}

fn put_both<V: View>(step: &mut Step<'_, V>, a: PersonId, b: PersonId, row: &TieRow) {
    step.put(&(a, b), row);
    step.put(&(b, a), row);
}
