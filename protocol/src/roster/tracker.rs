//! What a roster, a timestamp or the passing of time changes: pure decisions, without effects (protocol.md 2.12).
//!
//! The engine asks and translates the answers into rows and actions. It keeps that each question has one place: who may
//! speak now ([`standing`]), how much may be done on this roster ([`freshness`]), what is different ([`track`]). It stores
//! nothing.

use crate::base::ids::{MemberId, NetworkId};
use crate::base::time::{Millis, Timestamp};
use crate::roster::document::Roster;
use crate::roster::member::MemberStatus;
use crate::roster::messages::{Suspension, TimestampBody};
use crate::roster::verify::{Anchor, HeldRoster, RosterError, verify_roster};

/// Up to this age of the last confirmation everything is done.
const FULL: Millis = Millis::days(30);
/// Up to this age evaluations are answered.
const REDUCED: Millis = Millis::days(90);

/// What offered bytes mean to the holder of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// The roster that is held.
    Known,
    /// A later one, to be held from now on.
    Later {
        /// The later roster.
        held: Box<HeldRoster>,
        /// What it changes.
        change: RosterChange,
    },
}

/// What is different between two rosters. Every list is in ascending id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterChange {
    /// Take part and did not before, or were not on it.
    pub admitted: Vec<MemberId>,
    /// Took part and are suspended.
    pub suspended: Vec<MemberId>,
    /// Took part and have left or are not on it any more.
    pub left: Vec<MemberId>,
    /// Have another root key: their announcements are void.
    pub rekeyed: Vec<MemberId>,
    /// Must roll their VOPRF key at once.
    pub force_roll: Vec<MemberId>,
    /// The intervals differ.
    pub pace: bool,
    /// The custodians differ.
    pub custodians: bool,
}

/// Where a member stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Takes part.
    Active,
    /// Takes part in class S.
    Probation,
    /// Refused by everybody.
    Suspended,
    /// Its operational key is void by its own word; it comes back with another that its root key announces.
    Revoked,
    /// Left the network.
    Left,
    /// Not on the roster.
    Unknown,
}

/// How much may be done, by the time since the roster was last known to be current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Up to 30 days: everything.
    Full,
    /// Up to 90 days: no onboarding, no claims without a person.
    Reduced,
    /// Longer: no evaluations unless the operator overrides it.
    Stale,
    /// The roster has expired: local case work only.
    Ended,
}

/// What the coordinator's timestamp says about the held roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampVerdict {
    /// The held roster is current.
    Current,
    /// A later one exists: fetch it.
    Behind {
        /// Its version.
        version: u64,
    },
    /// It names an older version: the coordinator is behind, or freezes.
    Old {
        /// The version it names.
        version: u64,
    },
    /// It names another roster of the held version: keep it as evidence.
    SplitView,
}

impl Standing {
    /// Whether the member may send and receive.
    #[must_use]
    pub const fn takes_part(self) -> bool {
        matches!(self, Standing::Active | Standing::Probation)
    }

    /// The word for screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Standing::Active => "active",
            Standing::Probation => "probation",
            Standing::Suspended => "suspended",
            Standing::Revoked => "revoked",
            Standing::Left => "left",
            Standing::Unknown => "none",
        }
    }
}

impl Freshness {
    /// Whether anything may be begun at other members, and anything of theirs be answered.
    #[must_use]
    pub const fn may_exchange(self) -> bool {
        matches!(self, Freshness::Full | Freshness::Reduced)
    }

    /// The word for screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Freshness::Full => "fresh",
            Freshness::Reduced => "old",
            Freshness::Stale => "stale",
            Freshness::Ended => "ended",
        }
    }
}

/// Whether a second emergency suspension of one member may follow the first: it must name a later roster, else the few who
/// may suspend for 14 days could suspend for ever.
#[must_use]
pub const fn follows_suspension(previous: &Suspension, later: &Suspension) -> bool {
    later.roster_version > previous.roster_version && later.issued >= previous.issued
}

/// Verifies offered bytes against the held roster and says what they change.
///
/// # Errors
/// [`RosterError`] of the step that fails; nothing changes then.
pub fn track(held: &HeldRoster, bytes: &[u8], network: &NetworkId, now: Timestamp) -> Result<Tracked, RosterError> {
    let offered = verify_roster(bytes, &Anchor::Held(held), Some(network), now)?;
    if offered.hash == held.hash {
        return Ok(Tracked::Known);
    }
    let change = RosterChange::between(&held.roster, &offered.roster);
    Ok(Tracked::Later { held: Box::new(offered), change })
}

/// Where a member stands by roster and suspensions in force. A status that the custodians set after a suspension counts
/// more than it.
#[must_use]
pub fn standing(roster: &Roster, suspensions: &[Suspension], id: &MemberId, now: Timestamp) -> Standing {
    let Some(member) = roster.member(id) else { return Standing::Unknown };
    let in_force = |suspension: &Suspension| {
        suspension.member == *id
            && now <= Timestamp::from_seconds(suspension.until)
            && !(roster.version > suspension.roster_version && member.status_since > suspension.issued)
    };
    match member.status {
        MemberStatus::Left => Standing::Left,
        MemberStatus::Suspended => Standing::Suspended,
        MemberStatus::Active | MemberStatus::Probation if suspensions.iter().any(in_force) => Standing::Suspended,
        MemberStatus::Active => Standing::Active,
        MemberStatus::Probation => Standing::Probation,
    }
}

/// How much may be done. `confirmed` is when the roster was last known to be current: the latest timestamp that named it,
/// or when it was issued.
#[must_use]
pub fn freshness(roster: &Roster, confirmed: Timestamp, now: Timestamp) -> Freshness {
    // RO-12.
    let confirmed = confirmed.max(Timestamp::from_seconds(roster.issued));
    let age = now.since(confirmed);
    if now > Timestamp::from_seconds(roster.expires) {
        Freshness::Ended
    } else if age > REDUCED {
        Freshness::Stale
    } else if age > FULL {
        Freshness::Reduced
    } else {
        Freshness::Full
    }
}

/// Compares the coordinator's timestamp with the held roster.
#[must_use]
pub fn check_timestamp(held: &HeldRoster, body: &TimestampBody) -> TimestampVerdict {
    let version = body.roster_version;
    match version.cmp(&held.roster.version) {
        core::cmp::Ordering::Greater => TimestampVerdict::Behind { version },
        core::cmp::Ordering::Less => TimestampVerdict::Old { version },
        core::cmp::Ordering::Equal if body.roster_hash == held.hash => TimestampVerdict::Current,
        core::cmp::Ordering::Equal => TimestampVerdict::SplitView,
    }
}

impl RosterChange {
    /// What `new` changes.
    #[must_use]
    pub fn between(old: &Roster, new: &Roster) -> Self {
        let took_part = |id: &MemberId| old.member(id).is_some_and(|member| member.takes_part());
        let mut change = Self {
            force_roll: new.force_roll.clone(),
            pace: old.pace != new.pace,
            custodians: old.custodians != new.custodians,
            ..Self::default()
        };
        for member in &new.members {
            match (took_part(&member.id), member.status) {
                (false, MemberStatus::Active | MemberStatus::Probation) => change.admitted.push(member.id),
                (true, MemberStatus::Suspended) => change.suspended.push(member.id),
                (true, MemberStatus::Left) => change.left.push(member.id),
                _ => {}
            }
            if old.member(&member.id).is_some_and(|before| before.root_key != member.root_key) {
                change.rekeyed.push(member.id);
            }
        }
        let gone = old.taking_part().filter(|member| new.member(&member.id).is_none());
        change.left.extend(gone.map(|member| member.id));
        change.left.sort_unstable();
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::verify::tests::{NOW, held, key, next, now, roster, signed};

    const DAY: u64 = 86_400;
    const CUSTODIANS: [&str; 3] = ["custodian 1", "custodian 2", "custodian 3"];

    fn id(text: &str) -> MemberId {
        MemberId::new(text).unwrap()
    }

    fn later(change: impl FnOnce(&mut Roster)) -> Roster {
        let mut roster = next();
        change(&mut roster);
        roster
    }

    fn suspension() -> Suspension {
        let network_id = roster(1).network_id;
        Suspension { network_id, roster_version: 1, member: id("FR"), issued: NOW, until: NOW + 14 * DAY, reason_code: 1 }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_held_roster_changes_nothing() {
        let tracked = track(&held(), &signed(&roster(1), &CUSTODIANS), &roster(1).network_id, now());
        assert_eq!(tracked, Ok(Tracked::Known));
    }

    #[test]
    fn a_suspension_by_roster_is_told_apart() {
        let roster = later(|r| r.members[1].status = MemberStatus::Suspended);
        let tracked = track(&held(), &signed(&roster, &CUSTODIANS), &roster.network_id, now()).unwrap();
        let Tracked::Later { held, change } = tracked else { panic!("not later") };
        assert_eq!(held.roster, roster);
        assert_eq!(change, RosterChange { suspended: vec![id("FR")], ..RosterChange::default() });
    }

    #[test]
    fn a_refused_roster_changes_nothing() {
        let refused = track(&held(), &signed(&next(), &CUSTODIANS[..2]), &roster(1).network_id, now());
        assert_eq!(refused, Err(RosterError::Threshold { needed: 3, found: 2 }));
    }

    #[test]
    fn every_difference_is_named() {
        let old = later(|r| r.members[1].status = MemberStatus::Suspended);
        let new = later(|r| {
            r.members[0].root_key = key("fresh").verifying_key().to_bytes();
            r.members.remove(2);
            r.members.push(crate::roster::verify::tests::member("SY"));
            r.force_roll = vec![id("BE")];
            r.pace.bag_bytes = 16 * 1024;
            r.custodians.threshold = 2;
        });
        let change = RosterChange {
            admitted: vec![id("FR"), id("SY")],
            suspended: vec![],
            left: vec![id("KE")],
            rekeyed: vec![id("BE")],
            force_roll: vec![id("BE")],
            pace: true,
            custodians: true,
        };
        assert_eq!(RosterChange::between(&old, &new), change);
        let left = later(|r| r.members[2].status = MemberStatus::Left);
        assert_eq!(RosterChange::between(&next(), &left), RosterChange { left: vec![id("KE")], ..RosterChange::default() });
    }

    #[test]
    fn an_emergency_suspension_lapses_unless_it_is_confirmed() {
        let stands = |roster: &Roster, seconds| standing(roster, &[suspension()], &id("FR"), at(seconds));
        assert_eq!(stands(&roster(1), NOW + 14 * DAY), Standing::Suspended);
        assert_eq!(stands(&roster(1), NOW + 14 * DAY + 1), Standing::Active);
        assert_eq!(standing(&roster(1), &[suspension()], &id("KE"), now()), Standing::Active);
        let confirmed = later(|r| r.members[1].status = MemberStatus::Suspended);
        assert_eq!(stands(&confirmed, NOW + 100 * DAY), Standing::Suspended);
        // A later roster that says nothing about the member does not end it; one that sets its status does.
        assert_eq!(stands(&next(), NOW + DAY), Standing::Suspended);
        let cleared = later(|r| r.members[1].status_since = NOW + DAY);
        assert_eq!(stands(&cleared, NOW + 2 * DAY), Standing::Active);
    }

    #[test]
    fn a_second_suspension_needs_a_roster_in_between() {
        let first = suspension();
        let again = Suspension { issued: NOW + 13 * DAY, until: NOW + 27 * DAY, ..first };
        assert!(!follows_suspension(&first, &again));
        assert!(follows_suspension(&first, &Suspension { roster_version: 2, ..again }));
        assert!(!follows_suspension(&first, &Suspension { roster_version: 2, issued: NOW - 1, ..again }));
    }

    #[test]
    fn standing_is_the_rosters_word() {
        for (status, expected) in [
            (MemberStatus::Active, Standing::Active),
            (MemberStatus::Probation, Standing::Probation),
            (MemberStatus::Suspended, Standing::Suspended),
            (MemberStatus::Left, Standing::Left),
        ] {
            let roster = later(|r| r.members[0].status = status);
            assert_eq!(standing(&roster, &[], &id("BE"), now()), expected);
            assert_eq!(expected.takes_part(), roster.members[0].takes_part());
        }
        assert_eq!(standing(&roster(1), &[], &id("ZZ"), now()), Standing::Unknown);
    }

    #[test]
    fn an_old_roster_is_used_for_less_and_less() {
        let fresh = |days, extra| freshness(&roster(1), at(0), at(NOW + days * DAY + extra));
        assert_eq!(fresh(30, 0), Freshness::Full);
        assert_eq!(fresh(30, 1), Freshness::Reduced);
        assert_eq!(fresh(90, 0), Freshness::Reduced);
        assert_eq!(fresh(90, 1), Freshness::Stale);
        assert_eq!(fresh(400, 1), Freshness::Ended);
        let confirmed = freshness(&roster(1), at(NOW + 99 * DAY), at(NOW + 100 * DAY));
        assert_eq!(confirmed, Freshness::Full);
    }

    #[test]
    fn a_timestamp_shows_later_rosters_and_split_views() {
        let body = |roster_version, roster_hash| TimestampBody {
            roster_version,
            roster_hash,
            keylog_head: [0; 32],
            keylog_len: 0,
            now: NOW,
        };
        let held = held();
        assert_eq!(check_timestamp(&held, &body(1, held.hash)), TimestampVerdict::Current);
        assert_eq!(check_timestamp(&held, &body(1, [9; 32])), TimestampVerdict::SplitView);
        assert_eq!(check_timestamp(&held, &body(2, [9; 32])), TimestampVerdict::Behind { version: 2 });
        assert_eq!(check_timestamp(&held, &body(0, [9; 32])), TimestampVerdict::Old { version: 0 });
    }
}
