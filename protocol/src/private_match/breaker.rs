//! The querier's breaker against bait: no automatic claims to an owner where too many cases hit (protocol.md 2.10).
//!
//! An owner that fills its set with a dictionary of names makes many cases hit; each claim would tell it whom this society
//! seeks. Counted are the subjects that hit there for the first time, over 28 days, against those that were tested there.
//! Decoy subjects, made up by the querier, must not hit at all. Pure decisions over one row an owner.

use minicbor::{Decode, Encode};

use crate::base::{MemberId, SubjectId, Timestamp, UserId};

/// Days over which hits are counted.
pub const DAYS: u64 = 28;
/// Hits that are always let through.
const ALWAYS: u64 = 5;
/// Of a hundred tested subjects so many may hit.
const PERCENT: u64 = 5;
/// Hits of decoys that flag an owner.
const DECOY_HITS: u32 = 2;

/// What a querier counts at one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BreakerRow {
    /// Open subjects of this node that were evaluated there, decoys not counted.
    #[n(1)]
    pub tested: u32,
    /// Subjects that hit there for the first time in the last 28 days.
    #[n(2)]
    pub lately: u32,
    /// Since when it is open: automatic claims stop.
    #[n(3)]
    pub open_since: Option<Timestamp>,
    /// A supervisor's higher number for a main route.
    #[n(4)]
    pub raised: Option<Raised>,
    /// Hits of decoys, keys counted singly.
    #[n(5)]
    pub decoys: u32,
}
crate::record!(BreakerRow, MemberId, Peer, 42, Service);

/// A supervisor's word on an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Raised {
    /// Hits in 28 days that are let through.
    #[n(1)]
    pub limit: u32,
    /// Until when.
    #[n(2)]
    pub until: Timestamp,
    /// Who said so.
    #[n(3)]
    pub by: UserId,
}

/// When a subject hit at an owner for the first time; kept for 28 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FirstHit {}
crate::record!(FirstHit, (MemberId, Timestamp, SubjectId), Hits, 41, Service);

/// What a count changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It opened: told once.
    Opened,
    /// It closed again: fewer hits are young enough, or more subjects were tested.
    Closed,
    /// Nothing.
    None,
}

impl BreakerRow {
    /// Subjects that may hit in 28 days before it opens.
    #[must_use]
    pub fn limit(&self, now: Timestamp) -> u64 {
        let of_tested = u64::from(self.tested) * PERCENT / 100;
        let raised = self.raised.filter(|raised| now < raised.until).map_or(0, |raised| u64::from(raised.limit));
        ALWAYS.max(of_tested).max(raised)
    }

    /// Whether automatic claims to the owner stop.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.is_flagged() || u64::from(self.lately) > self.limit(now)
    }

    /// Whether decoys hit there: its set holds people whom nobody registered.
    #[must_use]
    pub const fn is_flagged(&self) -> bool {
        self.decoys >= DECOY_HITS
    }

    /// Notes whether it is open, after a count.
    pub fn settle(&mut self, now: Timestamp) -> Change {
        match (self.is_open(now), self.open_since) {
            (true, None) => {
                self.open_since = Some(now);
                Change::Opened
            }
            (false, Some(_)) => {
                self.open_since = None;
                Change::Closed
            }
            _ => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn row(tested: u32, lately: u32) -> BreakerRow {
        BreakerRow { tested, lately, ..BreakerRow::default() }
    }

    #[test]
    fn five_hits_or_five_in_a_hundred_are_let_through() {
        assert!(!row(0, 5).is_open(NOW) && row(0, 6).is_open(NOW));
        assert!(!row(119, 5).is_open(NOW) && row(119, 6).is_open(NOW));
        assert!(!row(1_000, 50).is_open(NOW) && row(1_000, 51).is_open(NOW));
    }

    #[test]
    fn of_two_hundred_baited_among_a_thousand_cases_fifty_are_claimed() {
        let mut breaker = row(1_000, 0);
        let claimed = (0..200).filter(|_| {
            breaker.lately += 1;
            breaker.settle(NOW);
            !breaker.is_open(NOW)
        });
        assert_eq!(claimed.count(), 50);
    }

    #[test]
    fn a_supervisor_raises_it_for_a_time_and_never_lowers_it() {
        let by = UserId::new("amina").unwrap();
        let raised = |limit, until| BreakerRow { raised: Some(Raised { limit, until: Timestamp(until), by }), ..row(1_000, 60) };
        assert!(!raised(60, 1_001).is_open(NOW));
        assert!(raised(60, 1_000).is_open(NOW), "the time is over");
        assert_eq!(raised(3, 1_001).limit(NOW), 50);
    }

    #[test]
    fn one_hit_of_a_decoy_alarms_and_two_flag_whatever_is_raised() {
        let by = UserId::new("amina").unwrap();
        let raised = Some(Raised { limit: 1_000, until: Timestamp(2_000), by });
        assert!(!BreakerRow { decoys: 1, raised, ..row(10, 0) }.is_open(NOW));
        assert!(BreakerRow { decoys: 2, raised, ..row(10, 0) }.is_open(NOW));
    }

    #[test]
    fn its_opening_is_told_once() {
        let mut breaker = row(0, 6);
        assert_eq!(breaker.settle(NOW), Change::Opened);
        assert_eq!(breaker.settle(NOW), Change::None);
        breaker.lately = 5;
        assert_eq!(breaker.settle(NOW), Change::Closed);
    }
}
