//! Decoys: made-up subjects that are asked, renewed and tested like any other, and never claimed for (protocol.md 2.10).
//!
//! An honest owner holds no such person, so a hit shows a set that was filled with guesses. Each is put together from parts
//! of different own records, one part a record, and shares no match key with anybody of this node's data. They stand in no
//! list, have no case, and take the places of a request's padding, so that no real search waits for one. While the records
//! are locked, or there is too little own data to mix, none is made. What remains: guesses at single persons meet no decoy.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::base::record::{Record, row_key};
use crate::base::{CaseId, PersonId, Sensitive, SubjectId, limits};
use crate::casework::case::SubjectRecord;
use crate::casework::commitment::OpenedField;
use crate::casework::describe;
use crate::casework::outcome::OutcomeKind;
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::job::{DecoySlice, Job, JobClass};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::linkage::{self, match_keys};
use crate::person::share::attributes;
use crate::person::{Field, PersonRecord};
use crate::private_match::EpochSecret;
use crate::private_match::owner::{EpochKey, IndexState};
use crate::private_match::querier::{ClaimPolicy, SubjectRow};

/// Fewest decoys of a node that searches.
const FEWEST: u64 = 3;
/// One decoy for so many open subjects.
const SUBJECTS_A_DECOY: u64 = 50;
/// Decoys made in one go.
const MADE_AT_ONCE: u64 = 4;
/// Records that are drawn for one decoy.
const DONORS: usize = 12;
/// Fewest match keys of a decoy: one that is hardly searched for shows nothing.
const FEWEST_KEYS: usize = 4;
/// The parts, in the order in which they are drawn; the sex comes with the given name.
const PARTS: [Field; 7] =
    [Field::Given, Field::Family, Field::Birth, Field::LastPlace, Field::Father, Field::Mother, Field::BirthPlace];
/// Of them, those without which there is no decoy.
const NEEDED: [Field; 3] = [Field::Given, Field::Family, Field::Birth];

/// The attributes of one record.
type Donor = Vec<(Field, Sensitive<String>)>;

/// Searches that go on, and decoys beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SearchCounts {
    /// Subjects of cases that are searched for.
    #[n(1)]
    pub open: u64,
    /// Decoys.
    #[n(2)]
    pub decoys: u64,
}
crate::record!(SearchCounts, (), Own, 40, Service);

/// A decoy, so that one is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DecoyRow {}
crate::record!(DecoyRow, SubjectId, Subjects, 41, Service);

/// What a decoy's keys were made of, kept as long as its secret: an audit opens it like a person.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct MadeUpRow {
    /// Its attributes, without salts.
    #[n(1)]
    pub fields: Vec<OpenedField>,
}
crate::record!(MadeUpRow, SubjectId, Cases, 41, Records);

/// How many decoys go with so many searches.
const fn wanted(open: u64) -> u64 {
    let share = open.div_ceil(SUBJECTS_A_DECOY);
    match (open, share) {
        (0, _) => 0,
        (_, share) if share < FEWEST => FEWEST,
        (_, share) => share,
    }
}

impl Engine {
    /// A search began, or ended.
    pub(super) fn count_search<V: View>(&self, step: &mut Step<'_, V>, more: bool) -> Result<(), ReadError> {
        let mut counts = step.get::<SearchCounts>(&())?.unwrap_or_default();
        counts.open = if more { counts.open + 1 } else { counts.open.saturating_sub(1) };
        step.put(&(), &counts);
        self.due(step, step.wall(), Due::Decoys);
        Ok(())
    }

    /// Makes decoys where there are too few, ends one where there are too many.
    // BR-2.
    pub(super) fn tend_decoys<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let counts = step.get::<SearchCounts>(&())?.unwrap_or_default();
        let wanted = wanted(counts.open);
        if counts.decoys > wanted {
            return self.end_decoy(step, counts);
        }
        if counts.decoys == wanted || self.running.decoys || !self.records_open {
            return Ok(());
        }
        let state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        let Some(key) = step.get::<EpochKey>(&state.epoch)? else { return Ok(()) };
        let mut made_up = Vec::new();
        for _ in 0..(wanted - counts.decoys).min(MADE_AT_ONCE) {
            made_up.extend(mix(step)?);
        }
        let decoys: Vec<_> = made_up.iter().map(|fields| labels(fields)).collect();
        if decoys.is_empty() {
            return Ok(());
        }
        let slice = DecoySlice {
            owner: self.me()?,
            epoch: state.epoch,
            secret: EpochSecret::from_seed(*key.seed.expose()),
            profile: linkage::profile_id(),
            decoys,
            after: None,
        };
        self.running.decoys = true;
        self.running.made_up = made_up;
        self.running.start(step, JobFor::Decoys, JobClass::Build, Job::Decoys(slice));
        Ok(())
    }

    fn end_decoy<V: View>(&mut self, step: &mut Step<'_, V>, mut counts: SearchCounts) -> Result<(), ReadError> {
        let page = step.under::<DecoyRow>(&row_key(DecoyRow::KIND, &()), limits::PAGE_ROWS)?;
        let place = usize::try_from(step.draw.below(page.len() as u64)).unwrap_or(0);
        let Some((decoy, _)) = page.get(place) else { return Ok(()) };
        step.remove::<DecoyRow>(decoy);
        counts.decoys = counts.decoys.saturating_sub(1);
        step.put(&(), &counts);
        self.end_subject(step, *decoy, OutcomeKind::Closed, None)?;
        self.due(step, step.wall(), Due::Decoys);
        Ok(())
    }

    /// Made-up people who share no key with anybody here: they are searched for from this commit on.
    pub(super) fn decoys_made<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        decoys: Vec<Vec<Sensitive<String>>>,
    ) -> Result<(), ReadError> {
        self.running.decoys = false;
        let made_up = std::mem::take(&mut self.running.made_up);
        let mut counts = step.get::<SearchCounts>(&())?.unwrap_or_default();
        if !decoys.is_empty() && counts.decoys < wanted(counts.open) {
            // There may be more to make.
            self.due(step, step.wall() + crate::base::Millis(1), Due::Decoys);
        }
        for keys in decoys {
            if counts.decoys >= wanted(counts.open) {
                break;
            }
            let Some(fields) = made_up.iter().find(|fields| labels(fields) == keys) else { continue };
            let decoy = SubjectId::draw(&mut step.draw);
            step.put(&decoy, &MadeUpRow { fields: fields.clone() });
            let row = SubjectRow {
                case: CaseId::draw(&mut step.draw),
                secret: Sensitive::new(step.draw.bytes()),
                keys,
                leaves: Vec::new(),
                policy: ClaimPolicy { never: Vec::new(), ask: true },
                searched: true,
                holders_may_ask: false,
                decoy: true,
            };
            step.put(&decoy, &row);
            step.put(&decoy, &DecoyRow {});
            self.due(step, step.wall(), Due::Spread(decoy));
            counts.decoys += 1;
        }
        step.put(&(), &counts);
        Ok(())
    }

    /// Whether a subject is a decoy.
    pub(super) fn is_decoy<V: View>(step: &Step<'_, V>, subject: &SubjectId) -> Result<bool, ReadError> {
        Ok(step.get::<SubjectRow>(subject)?.is_some_and(|row| row.decoy))
    }
}

/// Labels of the match keys of made-up attributes.
fn labels(fields: &[OpenedField]) -> Vec<Sensitive<String>> {
    match_keys(&describe::of_attributes(fields)).iter().map(|key| key.label().into()).collect()
}

/// A person who is put together from several; none where the own data does not give enough parts.
fn mix<V: View>(step: &mut Step<'_, V>) -> Result<Option<Vec<OpenedField>>, ReadError> {
    let mut donors = donors(step)?;
    let (mut fields, mut parts) = (Vec::new(), BTreeSet::new());
    for part in PARTS {
        let has = |donor: &Donor| donor.iter().any(|(field, _)| *field == part);
        let Some(place) = donors.iter().position(has) else { continue };
        // A record gives one part only.
        for (field, value) in donors.swap_remove(place) {
            if field == part || (part == Field::Given && field == Field::Sex) {
                fields.push(OpenedField { name: field.name().to_owned(), value, salt: [0; 16] });
                parts.insert(field);
            }
        }
    }
    if NEEDED.iter().any(|part| !parts.contains(part)) {
        return Ok(None);
    }
    Ok((labels(&fields).len() >= FEWEST_KEYS).then_some(fields))
}

/// Attributes of some own records, registered and sought, in a random order.
fn donors<V: View>(step: &mut Step<'_, V>) -> Result<Vec<Donor>, ReadError> {
    let (mut people, mut sought) = (BTreeSet::new(), BTreeSet::new());
    let mut donors = Vec::new();
    for _ in 0..DONORS {
        let (person, subject) = (PersonId::draw(&mut step.draw), SubjectId::draw(&mut step.draw));
        if let Some((id, record)) = any::<V, PersonRecord, PersonId>(step, person)?
            && people.insert(id)
        {
            donors.push(attributes(&record));
        }
        if let Some((id, record)) = any::<V, SubjectRecord, SubjectId>(step, subject)?
            && sought.insert(id)
        {
            donors.push(attributes(&record.person));
        }
    }
    step.draw.shuffle(&mut donors);
    Ok(donors)
}

/// The first record from an id on, the first of all behind the last.
fn any<V: View, R: Record<Id = I>, I: crate::base::record::KeyPart + Ord + Clone>(
    step: &Step<'_, V>,
    from: I,
) -> Result<Option<(I, R)>, ReadError> {
    let all = row_key(R::KIND, &());
    let until = all.after_prefix();
    let found = step.page::<R>(&row_key(R::KIND, &from), until.as_ref(), 1)?.into_iter().next();
    match found {
        Some(found) => Ok(Some(found)),
        None => Ok(step.page::<R>(&all, until.as_ref(), 1)?.into_iter().next()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_a_hundred_and_at_least_three() {
        assert_eq!([0, 1, 150, 151, 1_000].map(wanted), [0, 3, 3, 4, 20]);
    }
}
