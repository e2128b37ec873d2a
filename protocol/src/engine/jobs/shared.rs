//! Which entries share keys with those of a wave, and how many.
//!
//! The index job counts while it goes through the tags in their order, so the counts of one entry grow until the last tag.
//! What would not fit is forgotten from below: tags are random, so who shares many keys has shared some early.

use std::collections::BTreeMap;

use crate::base::limits;
use crate::private_match::EntryId;
use crate::private_match::tag_page::Bearer;

/// Counts that are kept: 16 MB.
const MOST: usize = 256 * 1024;

/// For each entry of the wave, by its number, the others with the keys in common and their household.
#[derive(Default)]
pub struct Shared {
    counts: BTreeMap<(u32, EntryId), (u32, EntryId)>,
}

impl Shared {
    /// Counts one tag: the entries of the wave that carry it, by ascending numbers, and those that stand under it already.
    ///
    /// Of two entries of the wave the later one shares with the earlier one. An entry of the wave that stands under the tag
    /// already is indexed again: it counts once.
    pub fn count(
        &mut self,
        of: &[u32],
        stored: &[Bearer],
        numbers: &BTreeMap<EntryId, u32>,
        entry: impl Fn(u32) -> Option<EntryId>,
    ) {
        for (place, number) in of.iter().enumerate() {
            let earlier = of.iter().take(place).take(limits::SUSPECTS_A_TAG);
            for other in earlier.filter_map(|other| entry(*other)) {
                self.add(*number, other, other);
            }
            let is_earlier = |bearer: &&Bearer| numbers.get(&bearer.entry).is_none_or(|other| other > number);
            for bearer in stored.iter().filter(is_earlier).take(limits::SUSPECTS_A_TAG) {
                self.add(*number, bearer.entry, bearer.household);
            }
        }
    }

    fn add(&mut self, number: u32, other: EntryId, household: EntryId) {
        self.counts.entry((number, other)).or_insert((0, household)).0 += 1;
    }

    /// Forgets, where there is too much, all but those with the most keys in common with each entry.
    pub fn trim(&mut self) {
        if self.counts.len() <= MOST {
            return;
        }
        let mut kept = BTreeMap::new();
        let mut one: Vec<(EntryId, (u32, EntryId))> = Vec::new();
        let mut of = 0;
        for ((number, other), count) in core::mem::take(&mut self.counts) {
            if number != of {
                keep(&mut kept, of, &mut one);
                of = number;
            }
            one.push((other, count));
        }
        keep(&mut kept, of, &mut one);
        self.counts = kept;
    }

    /// The others of one entry: each with the keys in common and its household.
    pub fn of(&self, number: usize) -> impl Iterator<Item = (EntryId, u32, EntryId)> + '_ {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let range = (number, EntryId([0; 16]))..=(number, EntryId([u8::MAX; 16]));
        self.counts.range(range).map(|((_, other), (count, household))| (*other, *count, *household))
    }
}

fn keep(kept: &mut BTreeMap<(u32, EntryId), (u32, EntryId)>, number: u32, one: &mut Vec<(EntryId, (u32, EntryId))>) {
    one.sort_by_key(|(other, (count, _))| (core::cmp::Reverse(*count), *other));
    kept.extend(one.drain(..).take(limits::SUSPECTS_A_PERSON).map(|(other, count)| ((number, other), count)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::{Audience, MatchMode};

    fn id(number: u32) -> EntryId {
        EntryId(u128::from(number).to_be_bytes())
    }

    fn stored(number: u32) -> Bearer {
        let (entry, household) = (id(number), id(number + 1_000_000));
        Bearer { tag: [7; 16], entry, audience: Audience::All, mode: MatchMode::Answer, household, mention: None }
    }

    fn of(shared: &Shared, number: usize) -> Vec<(EntryId, u32)> {
        shared.of(number).map(|(other, count, _)| (other, count)).collect()
    }

    #[test]
    fn the_later_one_shares_with_the_earlier_ones_and_with_what_stands_there_but_once() {
        // Entries 0 to 3 of the wave are 100 to 103; 102 stands under the tag already, as does 200.
        let numbers: BTreeMap<EntryId, u32> = (0..4).map(|number| (id(100 + number), number)).collect();
        let mut shared = Shared::default();
        let entry = |number: u32| Some(id(100 + number));
        shared.count(&[1, 2, 3], &[stored(102), stored(200)], &numbers, entry);
        assert_eq!(of(&shared, 0), []);
        assert_eq!(of(&shared, 1), [(id(102), 1), (id(200), 1)]);
        assert_eq!(of(&shared, 2), [(id(101), 1), (id(200), 1)]);
        assert_eq!(of(&shared, 3), [(id(101), 1), (id(102), 1), (id(200), 1)]);
        shared.count(&[2, 3], &[], &numbers, entry);
        assert_eq!(of(&shared, 3), [(id(101), 1), (id(102), 2), (id(200), 1)]);
        assert_eq!(shared.of(3).last().unwrap().2, id(1_000_200));
    }

    #[test]
    fn what_is_too_much_is_forgotten_from_below() {
        let mut shared = Shared::default();
        let crowd = u32::try_from(MOST / 8).unwrap();
        for number in 0..9 {
            for other in 0..crowd {
                shared.add(number, id(other), id(other));
            }
            for _ in 0..2 {
                shared.add(number, id(crowd - 1 - number), id(0));
            }
        }
        shared.trim();
        for number in 0..9 {
            let left = of(&shared, number as usize);
            assert_eq!(left.len(), limits::SUSPECTS_A_PERSON);
            assert_eq!(left.iter().find(|(other, _)| *other == id(crowd - 1 - number)).map(|(_, count)| *count), Some(3));
        }
    }
}
