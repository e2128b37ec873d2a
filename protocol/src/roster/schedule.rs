//! When a member's epoch rolls: a day of its own, so that a network's keys do not all change at once (protocol.md 2.6, 3.9).
//!
//! The engine plans rolls with it. An epoch has 28 slots of one length, days in the standard pace; a member's slot follows
//! from its id, so nobody has to agree on it and nobody can choose to roll with the others.

use sha2::{Digest, Sha256};

use crate::base::ids::MemberId;
use crate::base::time::{Millis, Timestamp};
use crate::roster::pace::{EPOCH_CEILING, Pace};

/// Slots of an epoch.
const SLOTS: u64 = 28;

/// The first moment of the member's slot that is later than `after`.
#[must_use]
pub fn regular_roll(pace: &Pace, member: &MemberId, after: Timestamp) -> Timestamp {
    let slot = (pace.epoch.0 / SLOTS).max(1);
    let period = slot.saturating_mul(SLOTS);
    let own = slot_of(member).saturating_mul(slot);
    let begun = after.0.saturating_sub(own) / period;
    let mut at = begun.saturating_mul(period).saturating_add(own);
    while at <= after.0 {
        at = at.saturating_add(period);
    }
    Timestamp(at)
}

/// Life of a key: an epoch and a quarter, so that a roll that moved by a slot or waits for its index breaks nothing; never
/// longer than any network allows.
#[must_use]
pub fn key_life(pace: &Pace) -> Millis {
    // Times of an announcement are whole seconds.
    Millis(pace.epoch.0.saturating_add(pace.epoch.0 / 4).clamp(1_000, EPOCH_CEILING.0))
}

/// u64(SHA-256(member id)[0..8]) mod 28.
fn slot_of(member: &MemberId) -> u64 {
    let hash: [u8; 32] = Sha256::digest(member.as_str().as_bytes()).into();
    hash.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte)) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn member(id: &str) -> MemberId {
        MemberId::new(id).unwrap()
    }

    #[test]
    fn a_regular_roll_falls_on_the_members_day_of_28() {
        let pace = Pace::standard();
        for id in ["KE", "BE", "ICRC", "FR"] {
            let mut at = regular_roll(&pace, &member(id), Timestamp(1_800_000_000_000));
            for _ in 0..3 {
                assert_eq!(at.0 % DAY, 0, "{id}");
                assert_eq!((at.0 / DAY) % 28, slot_of(&member(id)), "{id}");
                let next = regular_roll(&pace, &member(id), at);
                assert_eq!(next.0 - at.0, 28 * DAY, "{id}");
                at = next;
            }
        }
    }

    #[test]
    fn a_roll_is_always_ahead_in_any_pace() {
        for pace in [Pace::standard(), Pace::low(), Pace::drill(50), Pace::drill(1)] {
            for after in [0, 1, 1_800_000_000_123] {
                let at = regular_roll(&pace, &member("KE"), Timestamp(after));
                assert!(at.0 > after && at.0 - after <= pace.epoch.0.max(SLOTS), "{after}");
            }
            assert!(key_life(&pace) >= Millis(1_000) && key_life(&pace) <= EPOCH_CEILING);
        }
    }

    #[test]
    fn members_are_spread_over_the_days() {
        let days: std::collections::BTreeSet<u64> = (0..60).map(|n| slot_of(&member(&format!("M{n}")))).collect();
        assert!(days.len() >= 20, "{}", days.len());
    }
}
