//! How many prefixes a set shows, and the dummies that fill it up (protocol.md 2.14, 3.9).
//!
//! Called by the owner's build jobs, and by the querier for the limit. Counts depend on all records alike, also those hidden
//! from a peer, so that every peer sees the same shape; hidden ones are replaced by dummies one for one. Dummies come from a
//! secret seed of the peer in an order that can be repeated, so that the oldest can be taken away first. Nothing here decides
//! which record is visible to whom.
//!
//! What remains: the padded count is an upper bound of the owner's size, and two peers that both evaluate a key can tell each
//! other what each may see.

use std::collections::BTreeSet;

use super::label::prefix_of;
use super::mac::hmac_sha256;
use crate::base::Sensitive;
use crate::base::limits::BASE_CLASS;

/// Prefixes a delta's adds and removes are padded to a multiple of (protocol.md 3.6).
pub const DELTA_CLASS: u64 = 512;

/// Labels that a person of the attested size is counted with: 48 and a quarter (protocol.md 2.10).
const LABELS_A_PERSON: u64 = 60;
/// Dummies a base has at least, for later removes.
const RESERVE: u64 = 512;
/// The same where the list is long, so that it keeps its segment size while it shrinks.
const LARGE_RESERVE: u64 = 14_336;
/// Longest list with the small reserve.
const SMALL_LIST: u64 = 184_320;

/// Prefixes of a base for `real` labels, those hidden from the peer included.
#[must_use]
pub const fn base_count(real: u64) -> u64 {
    let reserve = if real > SMALL_LIST { LARGE_RESERVE } else { RESERVE };
    real.saturating_add(reserve).div_ceil(BASE_CLASS).saturating_mul(BASE_CLASS)
}

/// Adds of a delta for `n` true ones, or removes for `n` true ones: never none.
#[must_use]
pub const fn delta_count(n: u64) -> u64 {
    let classes = n.div_ceil(DELTA_CLASS);
    if classes == 0 { DELTA_CLASS } else { classes.saturating_mul(DELTA_CLASS) }
}

/// Most prefixes that a set of an owner of this attested size may have, after every delta.
#[must_use]
pub const fn limit(people_cap: u64) -> u64 {
    people_cap.saturating_mul(LABELS_A_PERSON).div_ceil(BASE_CLASS).saturating_add(1).saturating_mul(BASE_CLASS)
}

/// The dummies of one peer's sets, in the order of their counter.
#[derive(Clone, Debug)]
pub struct Dummies {
    seed: Sensitive<[u8; 32]>,
    next: u64,
}

impl Dummies {
    /// Continues at counter `next`; the first of a chain is 0.
    #[must_use]
    pub const fn new(pad_seed: Sensitive<[u8; 32]>, next: u64) -> Self {
        Self { seed: pad_seed, next }
    }

    /// The counter to continue at, to be kept with the chain.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.next
    }

    /// The candidate of one counter, used or not.
    #[must_use]
    pub fn candidate(&self, counter: u64) -> u64 {
        prefix_of(&hmac_sha256(self.seed.expose(), &[b"kinmesh/pad/1", &counter.to_be_bytes()]))
    }

    // HI-2.
    /// The next `count` dummies in counter order, each with its counter; `taken` tells of a prefix whether it is in the set
    /// or in this delta, and such a candidate is skipped.
    ///
    /// Where the set is too long to ask, `taken` is answered from the candidates that a join with the set's stream found:
    /// one in 10 million for a set of 24 million.
    pub fn draw(&mut self, count: usize, mut taken: impl FnMut(u64) -> bool) -> Vec<(u64, u64)> {
        let mut drawn = Vec::new();
        let mut own = BTreeSet::new();
        while drawn.len() < count && self.next < u64::MAX {
            let counter = self.next;
            self.next += 1;
            let prefix = self.candidate(counter);
            if !taken(prefix) && own.insert(prefix) {
                drawn.push((counter, prefix));
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_match::set::PREFIX_END;

    #[test]
    fn a_base_has_a_multiple_of_4096_with_a_reserve() {
        for (real, padded) in [
            (0, 4_096),
            (1, 4_096),
            (3_584, 4_096),
            (3_585, 8_192),
            (184_320, 188_416),
            (184_321, 200_704),
            (24_000_000, 24_014_848),
        ] {
            assert_eq!(base_count(real), padded, "{real}");
        }
    }

    #[test]
    fn a_day_without_a_change_looks_like_one_with_ten_people() {
        for (n, padded) in [(0, 512), (1, 512), (480, 512), (512, 512), (513, 1_024), (528, 1_024)] {
            assert_eq!(delta_count(n), padded, "{n}");
        }
    }

    #[test]
    fn the_limit_follows_the_attested_size() {
        assert_eq!(limit(0), 4_096);
        assert_eq!(limit(64), 8_192);
        assert_eq!(limit(8_192), 495_616);
        assert!(limit(8_192) >= base_count(48 * 8_192));
    }

    #[test]
    fn dummies_can_be_drawn_again_and_continue_where_they_stopped() {
        let seed = Sensitive::new([3; 32]);
        let mut dummies = Dummies::new(seed.clone(), 0);
        let first = dummies.draw(10, |_| false);
        let second = dummies.draw(10, |_| false);
        assert_eq!(dummies.counter(), 20);
        assert_eq!(Dummies::new(seed.clone(), 0).draw(20, |_| false), [first, second.clone()].concat());
        assert_eq!(Dummies::new(seed, 10).draw(10, |_| false), second);
        assert!(second.iter().all(|(_, prefix)| *prefix < PREFIX_END));
    }

    #[test]
    fn a_dummy_that_is_in_the_set_is_skipped() {
        let mut dummies = Dummies::new(Sensitive::new([3; 32]), 0);
        let taken = dummies.candidate(1);
        let drawn = dummies.draw(2, |prefix| prefix == taken);
        assert_eq!(drawn.iter().map(|(counter, _)| *counter).collect::<Vec<_>>(), [0, 2]);
    }
}
