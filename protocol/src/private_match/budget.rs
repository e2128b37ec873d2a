//! What one querier may have evaluated at one owner: a bucket of elements that refills by the day (protocol.md 2.4).
//!
//! The owner keeps one bucket a querier and family, as a row. Invariant: in any stretch of time no more is charged than the
//! capacity and the refill of that stretch; a clock that steps back, or a restart, refills nothing. The length of a day is an
//! argument because a drill runs it in seconds. It counts elements, since an owner cannot see that 48 of them are 48 people;
//! open references and claims have counters of their own.

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::base::limits::KEYS_A_RECORD;
use crate::base::{Millis, Timestamp};

/// Days of refill that a bucket holds.
const DAYS: u64 = 7;
/// The unit of the level, so that short stretches of time add up.
const MILLI: u64 = 1_000;

/// The bucket does not hold enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the budget of elements is used up")]
pub struct RetryAfter {
    /// After how long it holds enough; none where it never will.
    pub wait: Option<Millis>,
}

/// The level of one querier's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bucket {
    /// Thousandths of an element that may be charged, as of `at`.
    #[n(1)]
    pub elements_milli: u64,
    /// Until when the refill is counted in. Lies ahead of the clock where the clock stepped back, or after a restore.
    #[n(2)]
    pub at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn full(new_a_day: u32, now: Timestamp) -> Self {
        Self { elements_milli: capacity(new_a_day) * MILLI, at: now }
    }

    /// An empty bucket that begins to refill a day later: what a restored store starts from (protocol.md 2.13).
    #[must_use]
    pub fn exhausted(now: Timestamp, day: Millis) -> Self {
        Self { elements_milli: 0, at: now + day }
    }

    /// Takes `cost` elements out, after the refill that is due. `new_a_day` is that of the querier's class.
    ///
    /// # Errors
    /// [`RetryAfter`]; nothing is taken then.
    pub fn charge(&mut self, new_a_day: u32, now: Timestamp, day: Millis, cost: u32) -> Result<(), RetryAfter> {
        self.refill(new_a_day, now, day);
        let cost = u64::from(cost) * MILLI;
        match self.elements_milli.checked_sub(cost) {
            Some(left) => {
                self.elements_milli = left;
                Ok(())
            }
            None => Err(RetryAfter { wait: self.wait(new_a_day, now, day, cost) }),
        }
    }

    /// Elements that could be charged now.
    #[must_use]
    pub fn available(&self, new_a_day: u32, now: Timestamp, day: Millis) -> u64 {
        let mut bucket = *self;
        bucket.refill(new_a_day, now, day);
        bucket.elements_milli / MILLI
    }

    // BU-3.
    fn refill(&mut self, new_a_day: u32, now: Timestamp, day: Millis) {
        let full = capacity(new_a_day) * MILLI;
        // A class that was lowered lowers what was saved up.
        self.elements_milli = self.elements_milli.min(full);
        let elapsed = now.since(self.at).0;
        let a_day = u128::from(refill_a_day(new_a_day) * MILLI);
        if elapsed == 0 || a_day == 0 {
            return;
        }
        let day = u128::from(day.0.max(1));
        let earned = u128::from(elapsed) * a_day / day;
        let room = u128::from(full - self.elements_milli);
        if earned >= room {
            (self.elements_milli, self.at) = (full, now);
            return;
        }
        // Only the time that gave whole units counts as used; the rest goes on to the next charge.
        let used = u64::try_from((earned * day).div_ceil(a_day)).unwrap_or(elapsed);
        self.elements_milli += u64::try_from(earned).unwrap_or(0);
        self.at = self.at + Millis(used);
    }

    fn wait(&self, new_a_day: u32, now: Timestamp, day: Millis, cost: u64) -> Option<Millis> {
        let a_day = u128::from(refill_a_day(new_a_day) * MILLI);
        if a_day == 0 || cost > capacity(new_a_day) * MILLI {
            return None;
        }
        let missing = u128::from(cost.saturating_sub(self.elements_milli));
        let time = u64::try_from((missing * u128::from(day.0.max(1))).div_ceil(a_day)).ok()?;
        Some((self.at + Millis(time)).since(now))
    }
}

/// Elements that a bucket holds: seven days of new cases.
#[must_use]
pub const fn capacity(new_a_day: u32) -> u64 {
    DAYS * refill_a_day(new_a_day)
}

/// Elements that a day adds.
#[must_use]
pub const fn refill_a_day(new_a_day: u32) -> u64 {
    KEYS_A_RECORD as u64 * new_a_day as u64
}

// BU-6.
/// Cases that a request of a querier of this class holds a multiple of, dummies included and charged.
#[must_use]
pub const fn padding_unit(new_a_day: u32) -> u32 {
    match new_a_day {
        50.. => 8,
        10..=49 => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Millis = Millis::days(1);
    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
    /// New cases a day of class M.
    const M: u32 = 10;

    fn spend_all(bucket: &mut Bucket, now: Timestamp) -> u64 {
        let mut spent = 0;
        while bucket.charge(M, now, DAY, 1).is_ok() {
            spent += 1;
        }
        spent
    }

    #[test]
    fn an_enumerator_of_class_m_gets_16_800_elements_in_28_days() {
        let mut bucket = Bucket::full(M, START);
        let mut spent = 0;
        for quarter in 0..=28 * 96 {
            spent += spend_all(&mut bucket, START + Millis(quarter * 900_000));
        }
        assert_eq!(spent, 16_800);
    }

    #[test]
    fn frequent_charges_lose_nothing_and_gain_nothing() {
        let mut bucket = Bucket { elements_milli: 0, at: START };
        let mut now = START;
        for _ in 0..86_400 {
            now = now + Millis(1_000);
            assert!(bucket.charge(M, now, DAY, 0).is_ok());
        }
        assert_eq!(bucket.available(M, now, DAY), 480);
        assert!(bucket.elements_milli <= 480 * MILLI);
    }

    #[test]
    fn a_clock_that_steps_back_refills_nothing() {
        let mut bucket = Bucket::full(M, START);
        spend_all(&mut bucket, START);
        for hours in [72, 1, 48, 24, 0] {
            let back = Timestamp(START.0 - Millis::hours(hours).0);
            assert_eq!(spend_all(&mut bucket, back), 0);
        }
        assert_eq!(spend_all(&mut bucket, START), 0);
        assert_eq!(spend_all(&mut bucket, START + DAY), 480);
    }

    #[test]
    fn a_refusal_says_when_it_is_enough_and_takes_nothing() {
        let mut bucket = Bucket::full(M, START);
        spend_all(&mut bucket, START);
        let refused = bucket.charge(M, START, DAY, 48).unwrap_err();
        let wait = refused.wait.unwrap();
        assert_eq!(wait, Millis(8_640_000));
        assert!(bucket.charge(M, START + Millis(wait.0 - 1), DAY, 48).is_err());
        assert!(bucket.charge(M, START + wait, DAY, 48).is_ok());
        assert_eq!(bucket.charge(M, START, DAY, 48 * 70 + 1), Err(RetryAfter { wait: None }));
        assert_eq!(bucket.charge(0, START, DAY, 1), Err(RetryAfter { wait: None }));
    }

    #[test]
    fn a_drill_runs_a_day_in_seconds() {
        let day = Millis::seconds(2);
        let mut bucket = Bucket { elements_milli: 0, at: START };
        assert_eq!(bucket.available(M, START + Millis(1_000), day), 240);
        assert!(bucket.charge(M, START + Millis(14_000), day, 3_360).is_ok());
        assert_eq!(bucket.available(M, START + Millis(14_000), day), 0);
    }

    #[test]
    fn a_restored_bucket_stays_empty_for_a_day() {
        let bucket = Bucket::exhausted(START, DAY);
        assert_eq!(bucket.available(M, START + DAY, DAY), 0);
        assert_eq!(bucket.available(M, START + DAY + DAY, DAY), 480);
        let mut asked = bucket;
        let wait = asked.charge(M, START, DAY, 48).unwrap_err().wait.unwrap();
        assert_eq!(wait, Millis(DAY.0 + 8_640_000));
    }

    #[test]
    fn a_lowered_class_lowers_what_was_saved() {
        let mut bucket = Bucket::full(50, START);
        assert_eq!(bucket.available(2, START, DAY), 672);
        assert!(bucket.charge(2, START, DAY, 673).is_err());
    }

    #[test]
    fn requests_are_padded_to_the_unit_of_the_class() {
        assert_eq!([2, 10, 50, 200].map(padding_unit), [2, 4, 8, 8]);
    }
}
