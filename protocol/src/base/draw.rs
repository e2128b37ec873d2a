//! Randomness as a value: each engine step gets 32 fresh bytes and expands them.
//!
//! In production the seed is OS randomness, in the simulator it is the run's; the expansion (ChaCha20) is the same, so
//! a run can be repeated to the byte.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::base::time::Millis;

/// Fresh randomness for one step, 32 bytes.
pub type Seed = [u8; 32];

/// Expands one seed into everything that a step draws.
pub struct Draw(ChaCha20Rng);

impl Draw {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0u8; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `bound` (0 if `bound` is 0), by rejection, so that all are equally likely.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        let zone = u64::MAX - (u64::MAX % bound);
        loop {
            let number = self.0.next_u64();
            if number < zone {
                return number % bound;
            }
        }
    }

    /// A length of time, evenly from `least` to `most`, both included.
    pub fn between(&mut self, least: Millis, most: Millis) -> Millis {
        let span = most.0.saturating_sub(least.0).saturating_add(1);
        Millis(least.0.saturating_add(self.below(span)))
    }

    /// Puts the items in a random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }

    /// The generator itself, for crates that take one.
    pub fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut a, mut b) = (Draw::new([1; 32]), Draw::new([1; 32]));
        assert_eq!(a.bytes::<16>(), b.bytes::<16>());
        assert_eq!(a.below(1_000), b.below(1_000));
    }

    #[test]
    fn a_length_of_time_stays_between_its_bounds() {
        let mut draw = Draw::new([2; 32]);
        for _ in 0..1_000 {
            let length = draw.between(Millis(10), Millis(12));
            assert!((10..=12).contains(&length.0));
        }
        assert_eq!(draw.between(Millis(5), Millis(5)), Millis(5));
    }
}
