//! A round: once a day an owner looks at all of its tags and brings every peer's set up to date, changed or not.
//!
//! The state is a row. A round takes a snapshot, compares it with that of the last round, and then makes each peer's delta
//! or base of it, so that all peers see the same moment and nobody sees by the time or the size of a set that something
//! was added. The next round begins when every peer has this one.

use minicbor::{Decode, Encode};

use crate::base::{Epoch, Timestamp};
use crate::private_match::label::Family;
use crate::private_match::snapshot::{Files, Place};

/// What the next slice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RoundPhase {
    /// Turns the pages of tags into a snapshot.
    #[n(1)]
    Scan,
    /// Compares it with the last one.
    #[n(2)]
    Compare,
    /// Peers' sets are made of it.
    #[n(3)]
    Peers,
}

/// Where the building of one family's sets stands.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Round {
    /// Family of the sets.
    #[n(1)]
    pub family: Family,
    /// Epoch of the tags.
    #[n(2)]
    pub epoch: Epoch,
    /// Counts up from 1, over epochs too.
    #[n(3)]
    pub number: u64,
    /// When it began.
    #[n(4)]
    pub begun: Timestamp,
    /// Generation of the index when it began.
    #[n(5)]
    pub generation: u64,
    /// What the next slice does.
    #[n(6)]
    pub phase: RoundPhase,
    /// Key of the last place that was scanned.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub after: Vec<u8>,
    /// The snapshot.
    #[n(8)]
    pub snapshot: Files,
    /// Different tags of one household each, hidden ones included.
    #[n(9)]
    pub real: u64,
    /// Different tags that more than one household carries; they are in no set.
    #[n(10)]
    pub cut: u64,
    /// The snapshot of the last round of this epoch.
    #[n(11)]
    pub last: Option<LastRound>,
    /// Where the comparison stands in the snapshot.
    #[n(12)]
    pub place: Place,
    /// What changed, in files of lists.
    #[n(13)]
    pub changes: Files,
    /// Labels that peers see from now on, or that are shown to others than before.
    #[n(14)]
    pub added: u64,
    /// Labels that are in no set any more, or that are shown to others than before.
    #[n(15)]
    pub removed: u64,
    /// True if there is nothing to compare with, or more changed than deltas hold: every peer gets a base.
    #[n(16)]
    pub bases: bool,
    /// Files of earlier rounds that are of no use any more and still to be removed.
    #[n(17)]
    pub litter: Vec<Files>,
}
crate::record!(Round, Family, SetsOut, 4, Service);

/// What a round keeps of the one before it, until both are compared.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LastRound {
    /// Its snapshot.
    #[n(1)]
    pub snapshot: Files,
    /// Where the comparison stands in it.
    #[n(2)]
    pub place: Place,
    /// Its labels, hidden ones included.
    #[n(3)]
    pub real: u64,
}

impl Round {
    /// The next round, of an epoch that may be another. `seeds` name its files.
    #[must_use]
    pub fn next(
        before: Option<Self>,
        family: Family,
        epoch: Epoch,
        begun: Timestamp,
        generation: u64,
        seeds: [[u8; 32]; 2],
    ) -> Self {
        let [snapshot, changes] = seeds.map(Files::new);
        let mut next = Self {
            family,
            epoch,
            number: 1,
            begun,
            generation,
            phase: RoundPhase::Scan,
            after: Vec::new(),
            snapshot,
            real: 0,
            cut: 0,
            last: None,
            place: Place::default(),
            changes,
            added: 0,
            removed: 0,
            bases: false,
            litter: Vec::new(),
        };
        let Some(before) = before else { return next };
        next.number = before.number.saturating_add(1);
        next.litter = before.litter;
        next.litter.push(before.changes);
        // A round that did not come to its end has a snapshot that no peer's set was made of.
        if before.epoch == epoch && before.phase == RoundPhase::Peers {
            next.last = Some(LastRound { snapshot: before.snapshot, place: Place::default(), real: before.real });
        } else {
            next.litter.push(before.snapshot);
            next.litter.extend(before.last.map(|last| last.snapshot));
        }
        next.litter.retain(|files| files.count > 0);
        next
    }

    /// Takes the names of at most `most` files that are to be removed.
    pub fn sweep(&mut self, most: usize) -> Vec<crate::base::BlobId> {
        let mut names = Vec::new();
        while let Some(files) = self.litter.last_mut().filter(|_| names.len() < most) {
            if files.count == 0 {
                self.litter.pop();
                continue;
            }
            files.count -= 1;
            names.push(files.name(files.count));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(before: Option<Round>, epoch: u32) -> Round {
        let number = u8::try_from(before.as_ref().map_or(0, |before| before.number)).unwrap();
        Round::next(before, Family::Registered, Epoch(epoch), Timestamp(5), 9, [[2 * number; 32], [2 * number + 1; 32]])
    }

    #[test]
    fn a_round_compares_with_the_last_one_of_its_epoch_that_peers_have() {
        let mut first = round(None, 1);
        assert_eq!((first.number, first.last.is_none()), (1, true));
        (first.snapshot.count, first.changes.count, first.real, first.phase) = (3, 1, 70, RoundPhase::Peers);
        let second = round(Some(first.clone()), 1);
        assert_eq!(second.number, 2);
        assert_eq!(second.last.as_ref().map(|last| (last.snapshot.clone(), last.real)), Some((first.snapshot.clone(), 70)));
        assert_eq!(second.litter, [first.changes.clone()]);
        // The epoch rolled while the second one was made: nothing of both is of use.
        let third = round(Some(Round { snapshot: Files { count: 2, ..second.snapshot.clone() }, ..second }), 2);
        assert!(third.last.is_none());
        assert_eq!(third.litter.iter().map(|files| files.count).sum::<u64>(), 1 + 2 + 3);
        let of_another_epoch = round(Some(first), 2);
        assert!(of_another_epoch.last.is_none());
    }

    #[test]
    fn what_is_swept_is_named_once() {
        let mut one = round(None, 1);
        one.litter =
            vec![Files { seed: [1; 32], count: 3 }, Files { seed: [2; 32], count: 0 }, Files { seed: [3; 32], count: 2 }];
        let expected: std::collections::BTreeSet<_> =
            Files { seed: [1; 32], count: 3 }.names().chain(Files { seed: [3; 32], count: 2 }.names()).collect();
        let mut swept = one.sweep(4);
        assert_eq!(swept.len(), 4);
        swept.extend(one.sweep(4));
        assert_eq!((swept.len(), swept.into_iter().collect::<std::collections::BTreeSet<_>>()), (5, expected));
        assert!(one.sweep(4).is_empty() && one.litter.is_empty());
    }
}
