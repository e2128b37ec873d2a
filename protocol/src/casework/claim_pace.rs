//! How often one member may claim at another: what the holder counts, and what keeps a claimant below it (protocol.md 2.4).
//!
//! The holder's counters decide nothing that shows: a claim beyond them gets the same `none` as a miss, by the same path. The
//! claimant counts what it let go, so that an honest node never meets them; what is beyond waits. A day is the pace's; a
//! clock that steps back, or a restart, refills nothing.

use minicbor::{Decode, Encode};

use crate::base::{ClaimId, MemberId, Millis, PersonId, Timestamp};

/// Days for which claims on one record are counted.
pub const RECORD_DAYS: u64 = 90;
/// Claims a day that a claimant lets go at most, whatever the roster allows: so many times are kept.
pub const LETS_GO_A_DAY: usize = 64;

/// Whether a claim is within the caps of its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// It is answered by what it meets.
    Caps,
    /// It is answered `none`, whatever it meets.
    Nothing,
}

/// Holder: what one member claimed here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimsOfPair {
    /// When the day began in which claims are counted.
    #[n(1)]
    pub since: Timestamp,
    /// Claims within the caps in that day.
    #[n(2)]
    pub today: u32,
    /// Claims that wait for an answer, attributes or people.
    #[n(3)]
    pub open: u32,
}
crate::record!(ClaimsOfPair, MemberId, Peer, 40, Service);

impl ClaimsOfPair {
    /// Counts a claim that came, if the caps leave room for it.
    pub fn take(&mut self, a_day: u64, open: u64, now: Timestamp, day: Millis) -> Within {
        if now.since(self.since) >= day {
            (self.since, self.today) = (now, 0);
        }
        if u64::from(self.today) >= a_day || u64::from(self.open) >= open {
            return Within::Nothing;
        }
        self.today += 1;
        self.open += 1;
        Within::Caps
    }

    /// A claim that was counted does not wait any more.
    pub const fn left(&mut self) {
        self.open = self.open.saturating_sub(1);
    }
}

/// Holder: a claim that was answered, under the record that it met. A claim that met none, or was beyond the caps, stands
/// under an id that no record has, so that every answer writes the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RecordClaim {
    /// When it was answered.
    #[n(1)]
    pub at: Timestamp,
    /// Unix seconds; kept until then.
    #[n(2)]
    pub expires: u64,
}
crate::record!(RecordClaim, (PersonId, MemberId, ClaimId), Seen, 40, Service);

/// Claimant: what it let go to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimPace {
    /// When claims left, those of the last day, in the order in which they left.
    #[n(1)]
    pub times: Vec<Timestamp>,
    /// Claims that left and did not end.
    #[n(2)]
    pub open: u32,
}
crate::record!(ClaimPace, MemberId, Peer, 41, Service);

impl ClaimPace {
    /// How many claims may leave now. `under_way` of those that left were not committed by the holder yet: they reach it at
    /// this moment at the earliest. The day is counted with an hour's margin for what is on the road.
    pub fn room(&mut self, under_way: usize, a_day: u64, open: u64, now: Timestamp, day: Millis) -> usize {
        let margin = Millis(day.0.saturating_add(day.0 / 24));
        self.times.retain(|at| now.since(*at) < margin);
        for at in self.times.iter_mut().rev().take(under_way) {
            *at = now;
        }
        let today = usize::try_from(a_day).unwrap_or(usize::MAX).min(LETS_GO_A_DAY).saturating_sub(self.times.len());
        let open = usize::try_from(open.saturating_sub(u64::from(self.open))).unwrap_or(usize::MAX);
        today.min(open)
    }

    /// A claim leaves.
    pub fn leaves(&mut self, now: Timestamp) {
        self.times.push(now);
        self.open += 1;
    }

    /// A claim that left has ended.
    pub const fn ended(&mut self) {
        self.open = self.open.saturating_sub(1);
    }
}

/// Claimant: a claim that waits until it may leave, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WaitingClaim {}
crate::record!(WaitingClaim, (MemberId, Timestamp, ClaimId), Outbox, 40, Service);

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Millis = Millis::days(1);

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + hours * 3_600)
    }

    #[test]
    fn the_eleventh_claim_of_a_day_and_the_twenty_first_open_one_are_beyond() {
        let mut pair = ClaimsOfPair::default();
        let taken: Vec<Within> = (0..11).map(|_| pair.take(10, 20, at(0), DAY)).collect();
        assert_eq!(taken, [[Within::Caps; 10].as_slice(), &[Within::Nothing]].concat());
        assert_eq!(pair.take(10, 20, at(23), DAY), Within::Nothing);
        for _ in 0..10 {
            assert_eq!(pair.take(10, 20, at(24), DAY), Within::Caps);
        }
        assert_eq!(pair.take(10, 20, at(48), DAY), Within::Nothing, "twenty are open");
        pair.left();
        assert_eq!(pair.take(10, 20, at(48), DAY), Within::Caps);
    }

    #[test]
    fn a_clock_that_steps_back_refills_nothing() {
        let mut pair = ClaimsOfPair::default();
        for _ in 0..10 {
            pair.take(10, 20, at(100), DAY);
        }
        assert_eq!(pair.take(10, 20, at(0), DAY), Within::Nothing);
    }

    #[test]
    fn whatever_a_claimant_lets_go_is_within_the_holders_caps() {
        // Claims are let go every so many hours and reach the holder some time later, several at once after an absence.
        for (step, absence) in [(1, 0), (5, 0), (7, 40), (6, 90), (23, 25)] {
            let (mut pace, mut pair, mut under_way) = (ClaimPace::default(), ClaimsOfPair::default(), 0_usize);
            for hour in (0..400).step_by(step) {
                let room = pace.room(under_way, 10, 20, at(hour), DAY);
                for _ in 0..room {
                    pace.leaves(at(hour));
                }
                under_way += room;
                if hour % 97 < absence {
                    continue;
                }
                for _ in 0..std::mem::take(&mut under_way) {
                    assert_eq!(pair.take(10, 20, at(hour), DAY), Within::Caps, "step {step}, absence {absence}, hour {hour}");
                    pair.left();
                    pace.ended();
                }
            }
            assert!(pace.open < 20);
        }
    }

    #[test]
    fn a_claimant_keeps_no_more_times_than_it_lets_go() {
        let mut pace = ClaimPace::default();
        for hour in 0..200 {
            for _ in 0..pace.room(0, 1_000_000, 1_000_000, at(hour), DAY) {
                pace.leaves(at(hour));
            }
            assert!(pace.times.len() <= LETS_GO_A_DAY);
        }
    }
}
