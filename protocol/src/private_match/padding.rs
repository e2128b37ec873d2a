//! How many prefixes a set shows, and the dummies that fill it up (protocol.md 2.14, 3.9).
//!
//! Called by the owner's build jobs, and by the querier for the limit. Counts depend on all records alike, also those hidden
//! from a peer, so that every peer sees the same shape; hidden ones are replaced by dummies one for one. Dummies come from a
//! secret seed of the peer in an order that can be repeated, so that the oldest can be taken away first. Nothing here decides
//! which record is visible to whom.
//!
//! What remains: the padded count is an upper bound of the owner's size, and two peers that both evaluate a key can tell each
//! other what each may see.

use super::label::prefix_of;
use super::mac::hmac_sha256;
use crate::base::Sensitive;
use crate::base::limits::BASE_CLASS;

/// Prefixes a delta's adds and removes are padded to a multiple of (protocol.md 3.6).
pub const DELTA_CLASS: u64 = 512;

/// Most adds, and most removes, of a delta: more is a base (protocol.md 3.9).
pub const DELTA_LIST: u64 = 61_440;
/// Most deltas on one base.
pub const DELTAS: u64 = 64;

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

/// What the owner knows of all its records when it decides between a delta and a base. Nothing of it differs between peers
/// that have the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Labels of the last round, hidden ones included.
    pub real: u64,
    /// Labels that are in sets from now on, or shown to others than before.
    pub added: u64,
    /// Labels that are in no set any more, or shown to others than before.
    pub removed: u64,
    /// Prefixes of the peer's set.
    pub count: u64,
    /// Deltas that it stands on.
    pub deltas: u64,
    /// Most prefixes it may have.
    pub limit: u64,
}

/// Adds and removes of the next delta; none where a base is due: too few dummies are left whatever the peer may see, the
/// set would be longer than its limit, or a delta would not be shorter than the set.
#[must_use]
pub fn delta_counts(change: &Change) -> Option<(u64, u64)> {
    let (adds, removes) = (delta_count(change.added), delta_count(change.removed));
    let fits = adds <= DELTA_LIST && removes <= DELTA_LIST && change.deltas < DELTAS && adds + removes <= change.count;
    // Every label that stays is shown to every peer, in the worst case; what is left of the set is dummies, and so many of
    // them must be there to be removed.
    let has_dummies = change.count.checked_sub(removes)? >= change.real.checked_sub(change.removed)?;
    let count = change.count - removes + adds;
    (fits && has_dummies && count <= change.limit).then_some((adds, removes))
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
    /// The next `count` dummies in counter order. One may fall on a prefix that is in the set already: then two stand
    /// behind it, and another dummy is drawn for the set.
    pub fn draw(&mut self, count: u64) -> Vec<u64> {
        let end = self.next.saturating_add(count);
        let drawn = (self.next..end).map(|counter| self.candidate(counter)).collect();
        self.next = end;
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
        let first = dummies.draw(10);
        let second = dummies.draw(10);
        assert_eq!(dummies.counter(), 20);
        assert_eq!(Dummies::new(seed.clone(), 0).draw(20), [first, second.clone()].concat());
        assert_eq!(Dummies::new(seed.clone(), 10).draw(10), second);
        assert_eq!(Dummies::new(seed, 0).candidate(10), second[0]);
        assert!(second.iter().all(|prefix| *prefix < PREFIX_END));
    }

    #[test]
    fn a_base_is_due_where_a_delta_would_not_do() {
        let change = Change { real: 100, added: 0, removed: 0, count: 4_096, deltas: 0, limit: 8_192 };
        assert_eq!(delta_counts(&change), Some((512, 512)));
        for (added, removed, counts) in [(10, 0, (512, 512)), (513, 0, (1_024, 512)), (0, 100, (512, 512))] {
            assert_eq!(delta_counts(&Change { added, removed, ..change }), Some(counts), "{added} {removed}");
        }
        // 3,584 labels leave 512 dummies, which is what a day's removes may take; one more and they are too few.
        let full = Change { real: 3_584, ..change };
        assert_eq!(delta_counts(&full), Some((512, 512)));
        assert_eq!(delta_counts(&Change { real: 3_585, ..change }), None);
        assert_eq!(delta_counts(&Change { real: 3_585, removed: 1, ..change }), Some((512, 512)));
        assert_eq!(delta_counts(&Change { deltas: 64, ..change }), None);
        assert_eq!(delta_counts(&Change { added: 2_048, count: 8_192, real: 5_000, ..change }), None, "beyond the limit");
        let long = Change { real: 400_000, count: 495_616, limit: 600_000, ..change };
        assert_eq!(delta_counts(&Change { added: 61_440, ..long }), Some((61_440, 512)));
        assert_eq!(delta_counts(&Change { added: 61_441, ..long }), None);
        assert_eq!(delta_counts(&Change { added: 4_000, ..change }), None, "longer than the set");
        assert_eq!(delta_counts(&Change { removed: 101, ..change }), None);
    }
}
