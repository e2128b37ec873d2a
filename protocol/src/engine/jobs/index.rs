//! Evaluates the keys of own records and files them under their tags, and names the records that share one.
//!
//! A record that shares a key with another may be the same person, registered twice: the pairs go to the engine, which
//! compares them while the records are open. Households are read as they stood when the slice began; a record whose
//! household changes meanwhile is queued again by the engine.

use std::collections::BTreeMap;

use crate::base::record::{Record, Row, row_key};
use crate::base::{PersonId, limits};
use crate::casework::duplicate::{DuplicateLink, LinkState, pair};
use crate::engine::batch::{Batch, Op};
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, IndexSlice, JobFailure, JobOutput};
use crate::engine::view::{Bulk, ReadError};
use crate::person::MatchMode;
use crate::private_match::household::HouseholdRow;
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, TagRow};
use crate::private_match::{EntryId, Family};

/// Bytes of a tag row's key: kind, epoch, family, tag, entry.
const TAG_KEY_BYTES: usize = 1 + 4 + 1 + 16 + 16;
/// Bytes of the pairs of one person, as rows that the engine writes into the same batch.
const SUSPECTS_BYTES: usize = limits::SUSPECTS_A_PERSON * (1 + 16 + 16 + 2);

/// One slice: of the entries of the job as many as fit a batch, a tag row a key.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(slice: &IndexSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut writes = Batch::default();
    let (mut size, mut entries, mut suspects) = (0, Vec::new(), Vec::new());
    // Entries of this slice are not in the store yet.
    let mut of_slice = Bearers::new();
    for (entry, waiting) in &slice.entries {
        // ER-4.
        // Who left the index meanwhile is not written into it again.
        let row = read::<IndexRow>(bulk, &(slice.family, *entry))?.filter(|row| row.mode != MatchMode::Off);
        let household = household_of(bulk, slice.family, *entry, row.as_ref())?;
        let value = row
            .as_ref()
            .map(|row| TagRow { audience: row.audience.clone(), mode: row.mode, mention: Some(u8::MAX), household }.encode());
        // A tag row repeats the audience: what does not fit this batch waits for the next slice.
        let keys = row.as_ref().map_or(0, |row| row.keys.len());
        let needed = keys * (TAG_KEY_BYTES + value.as_ref().map_or(0, |value| value.expose().len())) + SUSPECTS_BYTES;
        if !entries.is_empty() && size + needed > limits::BATCH_BYTES * 3 / 4 {
            break;
        }
        size += needed;
        entries.push((*entry, waiting.turn));
        let Some(row) = row else { continue };
        let shared = file(slice, bulk, (*entry, household), &row, &mut of_slice, &mut writes)?;
        if slice.family == Family::Registered {
            suspects.extend(choose(bulk, entry.person(), waiting.revised, shared)?);
        }
    }
    let found = Found::Indexed { epoch: slice.epoch, family: slice.family, entries, suspects };
    Ok(JobOutput { writes, found, next: None })
}

/// Entries of a slice by their tags, each with its household.
type Bearers = BTreeMap<[u8; 16], Vec<(EntryId, EntryId)>>;
/// Entries that share keys with one, each with how many and its household.
type Shared = BTreeMap<EntryId, (usize, EntryId)>;

/// Files one entry under its tags; says how many keys it shares with which other ones.
fn file(
    slice: &IndexSlice,
    bulk: &dyn Bulk,
    (entry, mut household): (EntryId, EntryId),
    row: &IndexRow,
    of_slice: &mut Bearers,
    writes: &mut Batch,
) -> Result<Shared, JobFailure> {
    let mut shared = Shared::new();
    let mut tags = Vec::with_capacity(row.keys.len());
    for input in inputs_of(&slice.profile, &slice.owner, &row.keys) {
        let tag = tag(&slice.secret.evaluate(input.expose())).0;
        let bearers = of_slice.get(&tag).map_or(&[][..], Vec::as_slice);
        for (other, household) in bearers.iter().take(limits::SUSPECTS_A_TAG).copied().chain(under(bulk, slice, &tag)?) {
            shared.entry(other).or_insert((0, household)).0 += 1;
        }
        tags.push(tag);
    }
    shared.remove(&entry);
    if slice.family == Family::Sought {
        household = household_of_same(&shared, tags.len()).unwrap_or(household);
    }
    for (position, tag) in tags.into_iter().enumerate() {
        let value = TagRow { audience: row.audience.clone(), mode: row.mode, mention: row.mention_at(position), household };
        writes.ops.push(Op::Put(Row {
            tree: TagRow::TREE,
            root: TagRow::ROOT,
            key: TagRow::key(&(slice.epoch, slice.family, tag, entry)),
            version: TagRow::VERSION,
            value: value.encode(),
        }));
        of_slice.entry(tag).or_default().push((entry, household));
    }
    Ok(shared)
}

/// The household of a subject that is the same person as one of another case, as far as the keys tell: the one with which it
/// shares at least half of them. Two enquirers who seek one person would otherwise cut each other's keys. A locked node knows
/// no more than keys, and nobody is told who was taken for whom.
fn household_of_same(shared: &Shared, keys: usize) -> Option<EntryId> {
    let (count, household) = shared.values().max_by_key(|(count, household)| (*count, core::cmp::Reverse(*household)))?;
    (count * 2 >= keys).then_some(*household)
}

/// The household that an entry counts for.
fn household_of(bulk: &dyn Bulk, family: Family, entry: EntryId, row: Option<&IndexRow>) -> Result<EntryId, ReadError> {
    Ok(match family {
        Family::Registered => read::<HouseholdRow>(bulk, &entry.person())?.map_or(entry, |row| row.household.into()),
        Family::Sought => row.and_then(|row| row.household).unwrap_or(entry),
    })
}

/// Entries that stand under a tag already, each with its household.
fn under(bulk: &dyn Bulk, slice: &IndexSlice, tag: &[u8; 16]) -> Result<Vec<(EntryId, EntryId)>, ReadError> {
    let from = row_key(TagRow::KIND, &(slice.epoch, slice.family, *tag));
    let rows = bulk.rows(TagRow::TREE, &from, from.after_prefix().as_ref(), limits::SUSPECTS_A_TAG)?;
    rows.into_iter()
        .map(|(key, stored)| {
            let (_, _, _, entry) = TagRow::id(&key).ok_or(ReadError::Damaged)?;
            let row = TagRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
            Ok((entry, row.household))
        })
        .collect()
}

/// The pairs to compare, those with the most keys in common first: what is settled already is left out, unless the record
/// is fresh or changed.
fn choose(bulk: &dyn Bulk, person: PersonId, revised: bool, shared: Shared) -> Result<Vec<(PersonId, PersonId)>, ReadError> {
    let mut others: Vec<(EntryId, usize)> = shared.into_iter().map(|(other, (keys, _))| (other, keys)).collect();
    others.sort_by_key(|(other, keys)| (core::cmp::Reverse(*keys), *other));
    let mut chosen = Vec::new();
    for (other, _) in others {
        if chosen.len() == limits::SUSPECTS_A_PERSON {
            break;
        }
        let pair = pair(person, other.person());
        let is_open = match read::<DuplicateLink>(bulk, &pair)? {
            None => true,
            Some(link) => revised && !matches!(link.state, LinkState::Merged { .. }),
        };
        if is_open {
            chosen.push(pair);
        }
    }
    Ok(chosen)
}

pub(super) fn read<R: Record>(bulk: &dyn Bulk, id: &R::Id) -> Result<Option<R>, ReadError> {
    let key = R::key(id);
    let rows = bulk.rows(R::TREE, &key, key.after_prefix().as_ref(), 1)?;
    rows.into_iter()
        .next()
        .map(|(_, stored)| R::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_keys_make_one_person_of_two_subjects() {
        let entry = |byte: u8| EntryId([byte; 16]);
        let shared: Shared = [(entry(1), (20, entry(11))), (entry(2), (24, entry(12)))].into();
        assert_eq!(household_of_same(&shared, 48), Some(entry(12)));
        assert_eq!(household_of_same(&shared, 49), None);
        assert_eq!(household_of_same(&Shared::new(), 0), None);
    }
}
