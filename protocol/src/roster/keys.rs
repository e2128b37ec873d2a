//! Which keys each member may sign with now, and the key ring made of them (protocol.md 3.4 step 3, 3.9).
//!
//! The engine keeps one [`MemberKeys`] a member and verifies everything through [`PublicKeys`]. It keeps that nothing of a
//! suspended member, of a revoked key or of an earlier incarnation verifies, whatever time a message claims.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use minicbor::{Decode, Encode};

use crate::base::cbor::{self, fixed};
use crate::base::ids::{Kid, MemberId, Party};
use crate::base::time::Timestamp;
use crate::envelope::{KeyRing, Message, Refusal, Verified, kid_of, public_key};
use crate::roster::document::Roster;
use crate::roster::key_chain::{HeldAnnouncement, KEY_ANNOUNCEMENT, SELF_REVOCATION, accept_announcement};
use crate::roster::member::Member;
use crate::roster::messages::{SelfRevocation, Suspension};
use crate::roster::tracker::{Standing, standing};

/// Most operational keys of an incarnation that stay good beside the current one.
const OLDER_KEYS: usize = 4;
/// Most revocations that are kept of a member; operational keys live 90 days.
const REVOKED_KEYS: usize = 32;
const TIMESTAMP: u64 = 11;

/// What a member said about its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MemberKeys {
    /// The latest announcement, whether or not its key was revoked.
    #[n(1)]
    pub latest: Option<HeldAnnouncement>,
    /// Older operational keys of the same incarnation, the latest last.
    #[n(2)]
    pub older: Vec<OperationalKey>,
    /// Operational keys that are void for good.
    #[n(3)]
    pub revoked: Vec<Kid>,
}

/// An operational key that was replaced and is good until its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OperationalKey {
    /// The ed25519 key.
    #[n(1)]
    #[cbor(with = "fixed")]
    pub key: [u8; 32],
    /// Its last second, Unix.
    #[n(2)]
    pub until: u64,
}

/// What a message did to a member's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It was known.
    Known,
    /// The member has other keys.
    Announced,
    /// A key is void.
    Revoked(Kid),
}

/// The key ring over the held roster and the members' announcements.
#[derive(Clone, Copy, Debug)]
pub struct PublicKeys<'a> {
    /// The held roster.
    pub roster: &'a Roster,
    /// What the members announced.
    pub members: &'a BTreeMap<MemberId, MemberKeys>,
    /// Emergency suspensions that are held.
    pub suspensions: &'a [Suspension],
    /// The time at which keys must be good.
    pub now: Timestamp,
}

impl MemberKeys {
    /// Takes in a verified announcement or revocation.
    ///
    /// # Errors
    /// Those of [`accept_announcement`]; [`Refusal::KeyUnknown`] for an announcement of or by a revoked key;
    /// [`Refusal::Role`] for another type; [`Refusal::State`] when no more revocations are kept.
    pub fn accept(&mut self, roster: &Roster, message: &Verified<Message>) -> Result<KeyChange, Refusal> {
        match message.header.kind {
            KEY_ANNOUNCEMENT => self.announce(accept_announcement(roster, self.latest.as_ref(), message)?),
            SELF_REVOCATION => self.revoke(roster, message),
            _ => Err(Refusal::Role),
        }
    }

    /// The latest announcement, if it counts now: its key neither ran out nor was revoked, nor the key that signed it.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> Option<&HeldAnnouncement> {
        self.latest.as_ref().filter(|latest| {
            now <= Timestamp::from_seconds(latest.keys.op_until)
                && !self.is_revoked(&latest.op_kid())
                && !self.is_revoked(&latest.signed_by)
        })
    }

    /// Whether an operational key is void.
    #[must_use]
    pub fn is_revoked(&self, kid: &Kid) -> bool {
        self.revoked.contains(kid)
    }

    fn announce(&mut self, held: HeldAnnouncement) -> Result<KeyChange, Refusal> {
        if self.is_revoked(&held.op_kid()) || self.is_revoked(&held.signed_by) {
            return Err(Refusal::KeyUnknown);
        }
        if let Some(latest) = &self.latest {
            if latest.hash == held.hash {
                return Ok(KeyChange::Known);
            }
            if latest.keys.incarnation != held.keys.incarnation {
                self.older.clear();
            } else if latest.keys.op_key != held.keys.op_key {
                self.older.push(OperationalKey { key: latest.keys.op_key, until: latest.keys.op_until });
            }
        }
        self.older.retain(|older| older.key != held.keys.op_key && older.until >= held.created);
        if self.older.len() > OLDER_KEYS {
            self.older.remove(0);
        }
        self.latest = Some(held);
        Ok(KeyChange::Announced)
    }

    fn revoke(&mut self, roster: &Roster, message: &Verified<Message>) -> Result<KeyChange, Refusal> {
        let member = message.header.from.member().and_then(|id| roster.member(&id)).ok_or(Refusal::KeyUnknown)?;
        let SelfRevocation { op_kid, .. } = cbor::decode(&message.body).map_err(|_| Refusal::Encoding)?;
        if message.kid != kid_of(&member.root_key) {
            return Err(Refusal::KeyUnknown);
        }
        if self.is_revoked(&op_kid) {
            return Ok(KeyChange::Known);
        }
        if self.revoked.len() >= REVOKED_KEYS {
            return Err(Refusal::State);
        }
        self.revoked.push(op_kid);
        self.older.retain(|older| kid_of(&older.key) != op_kid);
        Ok(KeyChange::Revoked(op_kid))
    }

    /// The operational key of this name, if it may sign now.
    fn operational(&self, kid: Kid, now: Timestamp) -> Option<&[u8; 32]> {
        let current = self.live(now).map(|latest| &latest.keys.op_key);
        let older = self.older.iter().filter(|older| now <= Timestamp::from_seconds(older.until)).map(|older| &older.key);
        current.into_iter().chain(older).find(|key| kid_of(*key) == kid && !self.is_revoked(&kid))
    }
}

impl PublicKeys<'_> {
    fn member_key<'k>(&'k self, member: &'k Member, kid: Kid, kind: u64) -> Result<&'k [u8; 32], Refusal> {
        let root = || Some(&member.root_key).filter(|key| kid_of(*key) == kid);
        let keys = self.members.get(&member.id);
        let key = match kind {
            SELF_REVOCATION => root(),
            KEY_ANNOUNCEMENT => root().or_else(|| {
                let current = keys?.live(self.now)?;
                Some(&current.keys.op_key).filter(|key| kid_of(*key) == kid)
            }),
            _ => keys.and_then(|keys| keys.operational(kid, self.now)),
        };
        key.ok_or(Refusal::KeyUnknown)
    }
}

impl KeyRing for PublicKeys<'_> {
    fn verifying_key(&self, from: Party, kid: Kid, kind: u64) -> Result<VerifyingKey, Refusal> {
        let key = match from {
            Party::Member(id) => {
                let member = self.roster.member(&id).ok_or(Refusal::KeyUnknown)?;
                match standing(self.roster, self.suspensions, &id, self.now) {
                    Standing::Active | Standing::Probation => self.member_key(member, kid, kind)?,
                    Standing::Suspended => return Err(Refusal::Suspended),
                    Standing::Left | Standing::Unknown => return Err(Refusal::KeyUnknown),
                }
            }
            Party::Coordinator if kind == TIMESTAMP && kid_of(&self.roster.coordinator.key) == kid => {
                &self.roster.coordinator.key
            }
            // Custodians sign no message of one signature.
            Party::Coordinator | Party::Custodians => return Err(Refusal::KeyUnknown),
        };
        public_key(key)
    }
}
