//! Evaluates the keys of entries that wait and files them under their tags, and names the records that share one.
//!
//! Entries are taken in waves: the keys of up to some thousand of them are evaluated, and then all their tags are written in
//! ascending order, so that a page is read and written once a wave and not once a tag. Nothing of a wave is kept before its
//! tags are written: a crash evaluates it again. A record that shares a key with another may be the same person,
//! registered twice: the pairs go to the engine, which compares them while the records are open. Rows are read as they
//! stood when the entry was evaluated; an entry that changes meanwhile is queued again by the engine.

use std::collections::BTreeMap;

use crate::base::record::{Record, RowKey, row_key};
use crate::base::{Epoch, MemberId, PersonId, ProfileId, limits};
use crate::casework::duplicate::{DuplicateLink, LinkState, pair};
use crate::engine::batch::Batch;
use crate::engine::inputs::inputs_of;
use crate::engine::job::{Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::shared::Shared;
use crate::engine::jobs::tags::{Lookup, apply};
use crate::engine::view::{Bulk, ReadError};
use crate::person::{Audience, MatchMode};
use crate::private_match::household::HouseholdRow;
use crate::private_match::label::tag;
use crate::private_match::owner::{IndexRow, PendingRow};
use crate::private_match::tag_page::{Bearer, TagChange};
use crate::private_match::{EntryId, EpochSecret, Family};

/// Entries of a wave: what a crash costs is their evaluation, some 8 s; their tags take 5 MB.
pub const WAVE: usize = 4_096;
/// Members named in the audiences of a wave: 5 MB.
const NAMED: usize = 256 * 1024;
/// Entries of one slice: 48 evaluations of 40 us each.
const EVALUATED: usize = 64;
/// Tags looked up in one slice: a page may be read for each.
const LOOKED_UP: usize = 8 * 1024;
/// Tags that one batch may have room for.
const WRITTEN: usize = 1_024;
/// Bytes of entries and pairs that are reported at once, as rows that the engine removes and writes in the same batch.
const REPORTED: usize = limits::BATCH_BYTES / 4;
/// Bytes of the key of a row of an entry, and of that of a pair, with its value.
const ENTRY_BYTES: usize = 1 + 4 + 1 + 16;
const PAIR_BYTES: usize = 1 + 16 + 16 + 2;

/// Indexes entries that wait in an epoch.
pub struct IndexWave {
    /// This owner.
    owner: MemberId,
    /// The epoch whose key it is.
    epoch: Epoch,
    /// The key.
    secret: EpochSecret,
    /// The family of the entries.
    family: Family,
    /// Profile of the inputs.
    profile: ProfileId,
    /// Whether it counts who shares keys with whom.
    compares: bool,
    entries: Vec<Waiting>,
    /// Members named in their audiences.
    named: usize,
    /// The tags of all entries; in the order of their spots once all are evaluated.
    keys: Vec<Key>,
    shared: Shared,
    phase: Phase,
}

/// An entry of the wave, as its rows were when it was evaluated.
struct Waiting {
    entry: EntryId,
    waiting: PendingRow,
    household: EntryId,
    audience: Audience,
    mode: MatchMode,
    /// How many keys it has.
    keys: usize,
}

/// One key: its tag, the number of its entry in the wave, and the family member whom it describes.
struct Key {
    tag: [u8; 16],
    of: u32,
    mention: Option<u8>,
}

/// What is done next, and from where on.
enum Phase {
    /// Entries behind a row are evaluated.
    Evaluate(Option<RowKey>),
    /// It is looked who else stands under the tags from a place on.
    LookUp(usize),
    /// Tags from a place on are written.
    Write(usize),
    /// Entries from a place on are done.
    Report(usize),
}

/// What a slice gives.
#[derive(Default)]
struct Slice {
    writes: Batch,
    entries: Vec<(EntryId, u64)>,
    suspects: Vec<(PersonId, PersonId)>,
}

impl IndexWave {
    /// A wave that has not begun. `is_live` says whether the epoch is the one that counts: who shares a key is seen there.
    #[must_use]
    pub fn new(
        (owner, profile): (MemberId, ProfileId),
        (epoch, secret): (Epoch, EpochSecret),
        family: Family,
        is_live: bool,
    ) -> Self {
        Self {
            owner,
            epoch,
            secret,
            family,
            profile,
            compares: is_live || family == Family::Sought,
            entries: Vec::new(),
            named: 0,
            keys: Vec::new(),
            shared: Shared::default(),
            phase: Phase::Evaluate(None),
        }
    }

    /// Evaluates the next entries. True if those of the wave are evaluated and little is done in this slice.
    fn evaluate(&mut self, after: Option<RowKey>, bulk: &dyn Bulk) -> Result<bool, ReadError> {
        let all = row_key(PendingRow::KIND, &(self.epoch, self.family));
        let from = after.map_or_else(|| all.clone(), RowKey::behind);
        let rows = bulk.rows(PendingRow::TREE, &from, all.after_prefix().as_ref(), EVALUATED)?;
        let last = rows.last().filter(|_| rows.len() == EVALUATED).map(|(key, _)| key.clone());
        for (key, stored) in rows {
            let (_, _, entry) = PendingRow::id(&key).ok_or(ReadError::Damaged)?;
            let waiting = PendingRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
            self.add(entry, waiting, bulk)?;
        }
        let is_full = self.entries.len() >= WAVE || self.named >= NAMED;
        if let Some(last) = last.filter(|_| !is_full) {
            self.phase = Phase::Evaluate(Some(last));
            return Ok(false);
        }
        self.sort();
        self.phase = if self.compares { Phase::LookUp(0) } else { Phase::Write(0) };
        Ok(self.entries.len() <= EVALUATED)
    }

    fn add(&mut self, entry: EntryId, waiting: PendingRow, bulk: &dyn Bulk) -> Result<(), ReadError> {
        // ER-4.
        // Who left the index meanwhile is not written into it again.
        let row = read::<IndexRow>(bulk, &(self.family, entry))?.filter(|row| row.mode != MatchMode::Off);
        let household = household_of(bulk, self.family, entry, row.as_ref())?;
        let of = u32::try_from(self.entries.len()).map_err(|_| ReadError::Damaged)?;
        let inputs = row.as_ref().map_or_else(Vec::new, |row| inputs_of(&self.profile, &self.owner, &row.keys));
        for (position, input) in inputs.iter().enumerate() {
            let mention = row.as_ref().and_then(|row| row.mention_at(position));
            self.keys.push(Key { tag: tag(&self.secret.evaluate(input.expose())).0, of, mention });
        }
        let (audience, mode) = row.map_or((Audience::All, MatchMode::Off), |row| (row.audience, row.mode));
        self.named += audience.named();
        self.entries.push(Waiting { entry, waiting, household, audience, mode, keys: inputs.len() });
        Ok(())
    }

    /// Brings the keys in the order of their spots, each spot once: a person's own key comes before a mention.
    fn sort(&mut self) {
        let entries = &self.entries;
        let spot = |key: &Key| (key.tag, entries.get(key.of as usize).map(|waiting| waiting.entry));
        self.keys.sort_by_key(spot);
        self.keys.dedup_by_key(|key| spot(key));
    }

    /// Looks who stands under the next tags. True if that was all and little is done in this slice.
    fn look_up(&mut self, at: usize, bulk: &dyn Bulk) -> Result<bool, ReadError> {
        let mut lookup = Lookup::new(bulk, (self.epoch, self.family));
        let numbers: BTreeMap<EntryId, u32> = (0..).zip(&self.entries).map(|(of, waiting)| (waiting.entry, of)).collect();
        let mut end = at;
        for bearers in self.keys.get(at..).unwrap_or(&[]).chunk_by(|one, other| one.tag == other.tag) {
            let Some(tag) = bearers.first().map(|key| key.tag) else { break };
            // One more, since one of them may be the entry itself.
            let stored = lookup.under(&tag, limits::SUSPECTS_A_TAG + 1)?;
            let mut of: Vec<u32> = bearers.iter().map(|key| key.of).collect();
            of.sort_unstable();
            self.shared.count(&of, &stored, &numbers, |of| self.entries.get(of as usize).map(|waiting| waiting.entry));
            end += bearers.len();
            if end >= at + LOOKED_UP {
                break;
            }
        }
        self.shared.trim();
        if end < self.keys.len() {
            self.phase = Phase::LookUp(end);
            return Ok(false);
        }
        if self.family == Family::Sought {
            self.join_households(&numbers);
        }
        self.phase = Phase::Write(0);
        Ok(at == 0)
    }

    /// Takes a subject that is the same person as one of another case, as far as the keys tell, into its household. One entry
    /// after the other, since an earlier one of the wave may have been taken into another household before.
    fn join_households(&mut self, numbers: &BTreeMap<EntryId, u32>) {
        for of in 0..self.entries.len() {
            let others = self.shared.of(of).map(|(other, count, household)| {
                let earlier = numbers.get(&other).map(|number| *number as usize).filter(|number| *number < of);
                let household = earlier.and_then(|earlier| self.entries.get(earlier)).map_or(household, |one| one.household);
                (count, household)
            });
            let keys = self.entries.get(of).map_or(0, |waiting| waiting.keys);
            let joined = household_of_same(others, keys);
            if let (Some(household), Some(waiting)) = (joined, self.entries.get_mut(of)) {
                waiting.household = household;
            }
        }
    }

    /// Writes the next tags. True if that were all and the batch has room for what is reported.
    fn write(&mut self, at: usize, bulk: &dyn Bulk, slice: &mut Slice) -> Result<bool, ReadError> {
        let changes: Vec<TagChange> = self.keys.iter().skip(at).take(WRITTEN).filter_map(|key| self.bearer(key)).collect();
        let done = at + apply(bulk, (self.epoch, self.family), &changes, &mut slice.writes)?;
        let is_done = done >= self.keys.len();
        self.phase = if is_done { Phase::Report(0) } else { Phase::Write(done) };
        Ok(is_done && slice.writes.size() <= limits::BATCH_BYTES / 2)
    }

    fn bearer(&self, key: &Key) -> Option<TagChange> {
        let of = self.entries.get(key.of as usize)?;
        Some(TagChange::Put(Bearer {
            tag: key.tag,
            entry: of.entry,
            audience: of.audience.clone(),
            mode: of.mode,
            household: of.household,
            mention: key.mention,
        }))
    }

    /// Says which entries are done. True if these were the last.
    fn report(&mut self, at: usize, bulk: &dyn Bulk, slice: &mut Slice) -> Result<bool, ReadError> {
        let (mut next, mut size) = (at, 0);
        while let Some(waiting) = self.entries.get(next).filter(|_| size < REPORTED) {
            slice.entries.push((waiting.entry, waiting.waiting.turn));
            if self.family == Family::Registered && self.compares {
                let chosen = choose(bulk, waiting.entry.person(), waiting.waiting.revised, &self.shared, next)?;
                size += chosen.len() * PAIR_BYTES;
                slice.suspects.extend(chosen);
            }
            size += ENTRY_BYTES;
            next += 1;
        }
        self.phase = Phase::Report(next);
        Ok(next >= self.entries.len())
    }
}

/// One slice of a wave. A small wave has but one.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut wave: Box<IndexWave>, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let mut slice = Slice::default();
    let mut goes_on = true;
    let mut is_done = false;
    while goes_on && !is_done {
        goes_on = match core::mem::replace(&mut wave.phase, Phase::Report(0)) {
            Phase::Evaluate(after) => wave.evaluate(after, bulk)?,
            Phase::LookUp(at) => wave.look_up(at, bulk)?,
            Phase::Write(at) => wave.write(at, bulk, &mut slice)?,
            Phase::Report(at) => {
                is_done = wave.report(at, bulk, &mut slice)?;
                false
            }
        };
    }
    let found = Found::Indexed {
        epoch: wave.epoch,
        family: wave.family,
        entries: slice.entries,
        suspects: slice.suspects,
        is_last: is_done,
    };
    Ok(JobOutput { writes: slice.writes, found, next: (!is_done).then_some(Job::Index(wave)) })
}

/// The household of a subject that is the same person as one of another case, as far as the keys tell: the one with which it
/// shares at least half of them. Two enquirers who seek one person would otherwise cut each other's keys. A locked node knows
/// no more than keys, and nobody is told who was taken for whom.
fn household_of_same(shared: impl Iterator<Item = (u32, EntryId)>, keys: usize) -> Option<EntryId> {
    let (count, household) = shared.max_by_key(|(count, household)| (*count, core::cmp::Reverse(*household)))?;
    (count as usize * 2 >= keys).then_some(household)
}

/// The household that an entry counts for.
fn household_of(bulk: &dyn Bulk, family: Family, entry: EntryId, row: Option<&IndexRow>) -> Result<EntryId, ReadError> {
    Ok(match family {
        Family::Registered => read::<HouseholdRow>(bulk, &entry.person())?.map_or(entry, |row| row.household.into()),
        Family::Sought => row.and_then(|row| row.household).unwrap_or(entry),
    })
}

/// The pairs to compare, those with the most keys in common first: what is settled already is left out, unless the record
/// is fresh or changed.
fn choose(
    bulk: &dyn Bulk,
    person: PersonId,
    revised: bool,
    shared: &Shared,
    of: usize,
) -> Result<Vec<(PersonId, PersonId)>, ReadError> {
    let mut others: Vec<(EntryId, u32)> = shared.of(of).map(|(other, keys, _)| (other, keys)).collect();
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
        let household = |byte: u8| EntryId([byte; 16]);
        let shared = [(20, household(11)), (24, household(12))];
        assert_eq!(household_of_same(shared.into_iter(), 48), Some(household(12)));
        assert_eq!(household_of_same(shared.into_iter(), 49), None);
        assert_eq!(household_of_same(core::iter::empty(), 0), None);
    }
}
