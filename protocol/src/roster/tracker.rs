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
