//! Every interval of the network, as data of the roster (protocol.md 2.9).
//!
//! The engine reads its intervals here and nowhere else. The floors keep custodians from switching the traffic protection
//! of the real network off by data; only a network whose id starts with `drill-` may go below them.

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::base::time::Millis;

/// Sizes of a bag that a pace may choose, in bytes.
pub const BAG_SIZES: [u64; 2] = [16 * 1024, 32 * 1024];
/// Longest epoch of any network: so long an erased person could be tested for.
pub const EPOCH_CEILING: Millis = Millis::days(35);

/// The intervals of a network, the same for all members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pace {
    /// Bytes of a bag.
    #[n(1)]
    pub bag_bytes: u64,
    /// From one bag to the next, for each ordered pair.
    #[n(2)]
    pub bag: Millis,
    /// How far a bag strays from its time, either way.
    #[n(3)]
    pub bag_jitter: Millis,
    /// Least delay of an answer to a claim.
    #[n(4)]
    pub answer_min: Millis,
    /// Longest delay of an answer to a claim.
    #[n(5)]
    pub answer_max: Millis,
    /// Least time from attributes to a result.
    #[n(6)]
    pub review_min: Millis,
    /// From one delta of a set to the next.
    #[n(7)]
    pub delta: Millis,
    /// Life of a VOPRF key.
    #[n(8)]
    pub epoch: Millis,
    /// How long ahead an epoch's key is announced.
    #[n(9)]
    pub announce: Millis,
    /// How long evaluations in flight are answered after a roll; then the key is destroyed.
    #[n(10)]
    pub drain_evaluations: Millis,
    /// How long claims of the last epoch are answered.
    #[n(11)]
    pub drain_claims: Millis,
    /// Within which everybody's key rolls after a suspension.
    #[n(12)]
    pub early_roll: Millis,
    /// How long a holder waits for attributes.
    #[n(13)]
    pub attributes_wait: Millis,
    /// Longest life of a message.
    #[n(14)]
    pub message_life: Millis,
    /// How far ahead of the clock a message may be created.
    #[n(15)]
    pub clock_skew: Millis,
}

/// Why a pace is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PaceError {
    /// Below the floor, in a network that is no drill.
    #[error("{field} is {found:?}, at least {floor:?} outside drills")]
    Floor {
        /// The field of the pace.
        field: &'static str,
        /// The least value.
        floor: Millis,
        /// The value found.
        found: Millis,
    },
    /// The intervals contradict each other, or are none.
    #[error("{field} does not fit the other intervals")]
    Order {
        /// The field of the pace.
        field: &'static str,
    },
    /// A bag of another size than cells have.
    #[error("bags of {found} bytes, cells have 16,384 or 32,768")]
    BagBytes {
        /// The size found.
        found: u64,
    },
}

impl Pace {
    /// The intervals of the real network.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            bag_bytes: 32 * 1024,
            bag: Millis::hours(6),
            bag_jitter: Millis::hours(1),
            answer_min: Millis::hours(6),
            answer_max: Millis::hours(48),
            review_min: Millis::hours(24),
            delta: Millis::hours(24),
            epoch: Millis::days(28),
            announce: Millis::hours(72),
            drain_evaluations: Millis::hours(72),
            drain_claims: Millis::days(14),
            early_roll: Millis::days(7),
            attributes_wait: Millis::days(30),
            message_life: Millis::days(35),
            clock_skew: Millis::hours(24),
        }
    }

    /// The same for networks with little bandwidth: smaller bags, once a day.
    #[must_use]
    pub const fn low() -> Self {
        Self { bag_bytes: 16 * 1024, bag: Millis::hours(24), bag_jitter: Millis::hours(4), ..Self::standard() }
    }

    /// The same for a drill in which an hour takes `hour_ms` milliseconds.
    ///
    /// A message's life and an epoch are at least ten minutes and the skew at least one: times on the wire are whole seconds,
    /// a roll costs the same work however short an hour is, and a drill need not fail because its machine was busy.
    #[must_use]
    pub fn drill(hour_ms: u64) -> Self {
        let scaled = |length: Millis| Millis((length.0 / 3_600_000).saturating_mul(hour_ms).max(1));
        let real = Self::standard();
        Self {
            bag_bytes: real.bag_bytes,
            bag: scaled(real.bag),
            bag_jitter: scaled(real.bag_jitter),
            answer_min: scaled(real.answer_min),
            answer_max: scaled(real.answer_max),
            review_min: scaled(real.review_min),
            delta: scaled(real.delta),
            epoch: scaled(real.epoch).max(Millis::seconds(600)),
            announce: scaled(real.announce),
            drain_evaluations: scaled(real.drain_evaluations),
            drain_claims: scaled(real.drain_claims),
            early_roll: scaled(real.early_roll),
            attributes_wait: scaled(real.attributes_wait),
            message_life: scaled(real.message_life).max(Millis::seconds(600)),
            clock_skew: scaled(real.clock_skew).max(Millis::seconds(60)),
        }
    }

    /// A drill's pace with an epoch of its own, if that is longer: one that must not end while its world is built.
    #[must_use]
    pub fn long_drill(hour_ms: u64, epoch: Millis) -> Self {
        let drill = Self::drill(hour_ms);
        Self { epoch: drill.epoch.max(epoch), ..drill }
    }

    /// A day of this network, in which sets are renewed once: 24 hours in the standard and the low pace.
    #[must_use]
    pub const fn day(&self) -> Millis {
        self.delta
    }

    /// Time between two rounds of sets, and between two questions for them: a day, but no more than 40 rounds an epoch. In a
    /// drill whose epoch is longer than its hours say a round would else cost more than its day has.
    #[must_use]
    pub const fn round(&self) -> Millis {
        let least = self.epoch.0 / 40;
        if self.delta.0 > least { self.delta } else { Millis(least) }
    }

    /// Longest time from one bag to the next.
    #[must_use]
    pub const fn latest_bag(&self) -> Millis {
        Millis(self.bag.0.saturating_add(self.bag_jitter.0))
    }

    /// An hour of this network, at least a millisecond.
    #[must_use]
    pub const fn hour(&self) -> Millis {
        let hour = self.delta.0 / 24;
        Millis(if hour == 0 { 1 } else { hour })
    }

    /// Checks what holds in every network, and the floors unless it is a drill.
    ///
    /// # Errors
    /// [`PaceError`] names the first field that is wrong.
    pub fn check(&self, is_drill: bool) -> Result<(), PaceError> {
        if !BAG_SIZES.contains(&self.bag_bytes) {
            return Err(PaceError::BagBytes { found: self.bag_bytes });
        }
        let fits = [
            ("bag", self.bag.0 > 0),
            ("bag_jitter", self.bag_jitter < self.bag),
            ("answer_max", self.answer_min <= self.answer_max),
            ("delta", self.delta.0 > 0 && self.delta < self.epoch),
            ("epoch", self.epoch <= EPOCH_CEILING),
            ("announce", self.announce < self.epoch),
            ("message_life", self.message_life.0 > 0),
        ];
        if let Some((field, _)) = fits.into_iter().find(|(_, fits)| !fits) {
            return Err(PaceError::Order { field });
        }
        if is_drill {
            return Ok(());
        }
        match self.floors().into_iter().find(|(_, floor, found)| found < floor) {
            Some((field, floor, found)) => Err(PaceError::Floor { field, floor, found }),
            None => Ok(()),
        }
    }

    /// Field, least value outside drills, value.
    fn floors(&self) -> [(&'static str, Millis, Millis); 14] {
        [
            // Slower than a person acts, so that the moment of a bag says nothing about what was done.
            ("bag", Millis::hours(2), self.bag),
            ("bag_jitter", Millis::seconds(1_200), self.bag_jitter),
            // An answer must not show whether a look-up found something or when a person was at work.
            ("answer_min", Millis::hours(3), self.answer_min),
            ("answer_max", Millis::hours(24), self.answer_max),
            ("review_min", Millis::hours(24), self.review_min),
            // Days, so that a delta dates a registration to no more than its day (F11).
            ("delta", Millis::hours(24), self.delta),
            ("epoch", Millis::days(21), self.epoch),
            ("announce", Millis::hours(48), self.announce),
            ("drain_evaluations", Millis::hours(24), self.drain_evaluations),
            ("drain_claims", Millis::days(7), self.drain_claims),
            ("early_roll", Millis::hours(72), self.early_roll),
            ("attributes_wait", Millis::days(7), self.attributes_wait),
            ("message_life", Millis::days(7), self.message_life),
            ("clock_skew", Millis::hours(1), self.clock_skew),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paces_that_are_offered_hold() {
        assert_eq!(Pace::standard().check(false), Ok(()));
        assert_eq!(Pace::low().check(false), Ok(()));
        for hour_ms in [1, 10, 50, 1_000] {
            assert_eq!(Pace::drill(hour_ms).check(true), Ok(()), "{hour_ms}");
            assert_eq!(Pace::long_drill(hour_ms, Millis::days(2)).check(true), Ok(()), "{hour_ms}");
        }
        assert_eq!(Pace::long_drill(50, Millis(1)), Pace::drill(50));
        assert_eq!(Pace::drill(3_600_000), Pace::standard());
    }

    #[test]
    fn a_day_is_a_day_whatever_the_rhythm_of_the_bags() {
        assert_eq!(Pace::standard().day(), Millis::hours(24));
        assert_eq!(Pace::low().day(), Millis::hours(24));
        assert_eq!(Pace::low().hour(), Millis::hours(1));
        assert_eq!(Pace::drill(33).hour(), Millis(33));
        assert_eq!(Pace::drill(33).round(), Millis::seconds(15));
        for pace in [Pace::standard(), Pace::low(), Pace::drill(1_000)] {
            assert_eq!(pace.round(), pace.day());
        }
    }

    #[test]
    fn only_a_drill_goes_below_the_floors() {
        let fast = Pace { answer_min: Millis(10), ..Pace::standard() };
        let refused = PaceError::Floor { field: "answer_min", floor: Millis::hours(3), found: Millis(10) };
        assert_eq!(fast.check(false), Err(refused));
        assert_eq!(fast.check(true), Ok(()));
        assert!(Pace::drill(50).check(false).is_err());
    }

    #[test]
    fn contradictions_are_refused_in_drills_as_well() {
        let cases = [
            ("answer_max", Pace { answer_max: Millis(0), ..Pace::standard() }),
            ("bag_jitter", Pace { bag_jitter: Millis::hours(7), ..Pace::standard() }),
            ("epoch", Pace { epoch: Millis::days(36), ..Pace::standard() }),
            ("announce", Pace { announce: Millis::days(28), ..Pace::standard() }),
        ];
        for (field, pace) in cases {
            assert_eq!(pace.check(true), Err(PaceError::Order { field }));
        }
        let odd = Pace { bag_bytes: 20_000, ..Pace::standard() };
        assert_eq!(odd.check(true), Err(PaceError::BagBytes { found: 20_000 }));
    }
}
