//! Which keys each member may sign with now, and the key ring made of them (protocol.md 3.4 step 3, 3.9).
//!
//! The engine keeps one [`MemberKeys`] a member and verifies everything through [`PublicKeys`]. It keeps that nothing of a
//! suspended member, of a revoked key or of an earlier incarnation verifies, whatever time a message claims.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use minicbor::{Decode, Encode};

use crate::base::cbor::{self, fixed};
use crate::base::ids::{Kid, MemberId, Party, PeerId};
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
/// Message type of the coordination node's timestamp.
pub const TIMESTAMP: u64 = 11;
/// Message type of a part of the key log.
pub const LOG_PART: u64 = 16;
/// Message type of an auditor's challenge.
pub const AUDIT_CHALLENGE: u64 = 60;

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
    /// The incarnation in which the member showed peers two announcements of one number: its keys do not count.
    #[n(4)]
    pub split: Option<u64>,
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
                && self.split != Some(latest.keys.incarnation)
        })
    }

    /// The transport identities that a member may have now: of its current operational key, and of older ones that are
    /// still good, the latest first. A member changes its identity late in their overlap, so that whoever knows either
    /// key lets it in.
    #[must_use]
    pub fn identities(&self, now: Timestamp) -> Vec<PeerId> {
        let current = self.live(now).map(HeldAnnouncement::peer_id);
        let older = self.older.iter().rev().filter(|older| {
            current.is_some() && now <= Timestamp::from_seconds(older.until) && !self.is_revoked(&kid_of(&older.key))
        });
        current.into_iter().chain(older.map(|older| PeerId(older.key))).collect()
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
        if self.latest.as_ref().is_some_and(|latest| self.split == Some(latest.keys.incarnation)) {
            return None;
        }
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
            // A member demands no audit of another.
            AUDIT_CHALLENGE => None,
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
    // VE-3: standing and keys as they are at this moment.
    fn verifying_key(&self, from: Party, kid: Kid, kind: u64) -> Result<VerifyingKey, Refusal> {
        let key = match from {
            Party::Member(id) => {
                let member = self.roster.member(&id).ok_or(Refusal::KeyUnknown)?;
                match standing(self.roster, self.suspensions, &id, self.now) {
                    Standing::Active | Standing::Probation | Standing::Revoked => self.member_key(member, kid, kind)?,
                    // A key that is lost stays lost when its member comes back.
                    Standing::Suspended if kind == SELF_REVOCATION => self.member_key(member, kid, kind)?,
                    Standing::Suspended => return Err(Refusal::Suspended),
                    Standing::Left | Standing::Unknown => return Err(Refusal::KeyUnknown),
                }
            }
            Party::Coordinator if matches!(kind, TIMESTAMP | LOG_PART) && kid_of(&self.roster.coordinator.key) == kid => {
                &self.roster.coordinator.key
            }
            Party::Auditor(id) if kind == AUDIT_CHALLENGE => {
                let listed = self.roster.auditors.iter().find(|auditor| auditor.id == id.as_str());
                listed.map(|auditor| &auditor.key).filter(|key| kid_of(*key) == kid).ok_or(Refusal::KeyUnknown)?
            }
            // An auditor signs nothing else, and custodians sign no message of one signature.
            Party::Auditor(_) | Party::Coordinator | Party::Custodians => return Err(Refusal::KeyUnknown),
        };
        public_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::SigningKey;
    use crate::roster::key_chain::tests::{announcement, first, incoming, public, ring_of, second};
    use crate::roster::member::MemberStatus;
    use crate::roster::messages::KeyAnnouncement;
    use crate::roster::verify::tests::{NOW, key, now, roster};

    const DAY: u64 = 86_400;
    const CLAIM: u64 = 40;

    fn be() -> Party {
        Party::Member(MemberId::new("BE").unwrap())
    }

    fn root() -> SigningKey {
        key("root BE")
    }

    fn announce(keys: &mut MemberKeys, announcement: &KeyAnnouncement, key: &SigningKey) -> Result<KeyChange, Refusal> {
        let message = incoming(KEY_ANNOUNCEMENT, &cbor::encode(announcement), announcement.op_until, key);
        keys.accept(&roster(1), &message)
    }

    fn revoke(keys: &mut MemberKeys, name: &str, key: &SigningKey) -> Result<KeyChange, Refusal> {
        let body = SelfRevocation { op_kid: kid_of(&public(name)), incarnation: 1, reason_code: 1 };
        keys.accept(&roster(1), &incoming(SELF_REVOCATION, &cbor::encode(&body), NOW + 90 * DAY, key))
    }

    fn announced() -> MemberKeys {
        let mut keys = MemberKeys::default();
        assert_eq!(announce(&mut keys, &first(), &root()), Ok(KeyChange::Announced));
        keys
    }

    /// After a change of the operational key from `op 1` to `op 2`.
    fn changed() -> MemberKeys {
        let mut keys = announced();
        let previous = keys.latest.clone().unwrap();
        let change = KeyAnnouncement { seq: 2, prev_hash: previous.hash, ..announcement("op 2", 7) };
        assert_eq!(announce(&mut keys, &change, &root()), Ok(KeyChange::Announced));
        keys
    }

    fn may_sign(keys: &MemberKeys, name: &str, kind: u64, seconds: u64) -> Result<(), Refusal> {
        let (roster, members) = (roster(1), ring_of(keys));
        let now = Timestamp::from_seconds(seconds);
        let ring = PublicKeys { roster: &roster, members: &members, suspensions: &[], now };
        ring.verifying_key(be(), kid_of(&public(name)), kind).map(|found| assert_eq!(found.to_bytes(), public(name)))
    }

    #[test]
    fn each_type_has_its_key() {
        let keys = announced();
        let unknown = Err(Refusal::KeyUnknown);
        for (name, kind, expected) in [
            ("op 1", CLAIM, Ok(())),
            ("op 1", 15, Ok(())),
            ("op 1", 1, Ok(())),
            ("op 1", KEY_ANNOUNCEMENT, Ok(())),
            ("op 1", SELF_REVOCATION, unknown),
            ("root BE", CLAIM, unknown),
            ("root BE", KEY_ANNOUNCEMENT, Ok(())),
            ("root BE", SELF_REVOCATION, Ok(())),
            ("root KE", KEY_ANNOUNCEMENT, unknown),
            ("op 2", CLAIM, unknown),
        ] {
            assert_eq!(may_sign(&keys, name, kind, NOW), expected, "{name} {kind}");
        }
    }

    #[test]
    fn the_coordinator_signs_timestamps_only() {
        let (roster, members) = (roster(1), BTreeMap::new());
        let ring = PublicKeys { roster: &roster, members: &members, suspensions: &[], now: now() };
        let kid = kid_of(&roster.coordinator.key);
        assert!(ring.verifying_key(Party::Coordinator, kid, TIMESTAMP).is_ok());
        assert!(ring.verifying_key(Party::Coordinator, kid, CLAIM).is_err());
        assert!(ring.verifying_key(Party::Coordinator, kid_of(&public("op 1")), TIMESTAMP).is_err());
        assert!(ring.verifying_key(Party::Custodians, kid_of(&public("custodian 1")), TIMESTAMP).is_err());
    }

    #[test]
    fn a_key_signs_until_its_last_second() {
        let keys = announced();
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW + 90 * DAY), Ok(()));
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW + 90 * DAY + 1), Err(Refusal::KeyUnknown));
    }

    #[test]
    fn an_older_key_of_the_same_incarnation_stays_good_until_its_end() {
        let keys = changed();
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW + DAY), Ok(()));
        assert_eq!(may_sign(&keys, "op 2", CLAIM, NOW + DAY), Ok(()));
        assert_eq!(may_sign(&keys, "op 1", KEY_ANNOUNCEMENT, NOW + DAY), Err(Refusal::KeyUnknown));
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW + 91 * DAY), Err(Refusal::KeyUnknown));
        let mut afresh = keys;
        let restored = KeyAnnouncement { incarnation: 2, ..announcement("op 3", 9) };
        let restored =
            KeyAnnouncement { voprf: crate::roster::VoprfKey { epoch: crate::base::Epoch(2), ..restored.voprf }, ..restored };
        assert_eq!(announce(&mut afresh, &restored, &root()), Ok(KeyChange::Announced));
        assert_eq!(may_sign(&afresh, "op 2", CLAIM, NOW + DAY), Err(Refusal::KeyUnknown));
        assert_eq!(may_sign(&afresh, "op 3", CLAIM, NOW + DAY), Ok(()));
    }

    #[test]
    fn a_revoked_key_is_void_and_so_is_what_it_announced() {
        let mut keys = announced();
        let rolled = second(keys.latest.as_ref().unwrap());
        assert_eq!(announce(&mut keys, &rolled, &key("op 1")), Ok(KeyChange::Announced));
        assert!(keys.live(now()).is_some());
        assert_eq!(revoke(&mut keys, "op 1", &root()), Ok(KeyChange::Revoked(kid_of(&public("op 1")))));
        assert_eq!(revoke(&mut keys, "op 1", &root()), Ok(KeyChange::Known));
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW), Err(Refusal::KeyUnknown));
        assert_eq!(may_sign(&keys, "op 1", KEY_ANNOUNCEMENT, NOW), Err(Refusal::KeyUnknown));
        assert!(keys.live(now()).is_none());
        let mut again = MemberKeys { revoked: keys.revoked.clone(), ..MemberKeys::default() };
        assert_eq!(announce(&mut again, &first(), &root()), Err(Refusal::KeyUnknown));
    }

    #[test]
    fn revoking_an_older_key_leaves_the_current_one() {
        let mut keys = changed();
        assert!(revoke(&mut keys, "op 1", &root()).is_ok());
        assert_eq!(may_sign(&keys, "op 1", CLAIM, NOW), Err(Refusal::KeyUnknown));
        assert_eq!(may_sign(&keys, "op 2", CLAIM, NOW), Ok(()));
    }

    #[test]
    fn only_the_root_key_revokes() {
        assert_eq!(revoke(&mut announced(), "op 1", &key("op 1")), Err(Refusal::KeyUnknown));
    }

    #[test]
    fn a_suspended_member_signs_nothing_whenever_it_says_it_did() {
        let mut roster = roster(1);
        let members = ring_of(&announced());
        let ask = |roster: &Roster, suspensions: &[Suspension]| {
            let ring = PublicKeys { roster, members: &members, suspensions, now: now() };
            ring.verifying_key(be(), kid_of(&public("op 1")), CLAIM).map(|_| ())
        };
        let (network_id, member) = (roster.network_id, be().member().unwrap());
        let suspension = Suspension { network_id, roster_version: 1, member, issued: NOW, until: NOW + DAY, reason_code: 1 };
        assert_eq!(ask(&roster, &[]), Ok(()));
        assert_eq!(ask(&roster, &[suspension]), Err(Refusal::Suspended));
        roster.members[0].status = MemberStatus::Probation;
        assert_eq!(ask(&roster, &[]), Ok(()));
        roster.members[0].status = MemberStatus::Suspended;
        assert_eq!(ask(&roster, &[]), Err(Refusal::Suspended));
        roster.members[0].status = MemberStatus::Left;
        assert_eq!(ask(&roster, &[]), Err(Refusal::KeyUnknown));
    }

    #[test]
    fn what_is_held_survives_its_encoding() {
        let mut keys = changed();
        revoke(&mut keys, "op 1", &root()).unwrap();
        assert_eq!(cbor::decode(&cbor::encode(&keys)), Ok(keys));
        assert_eq!(cbor::decode(&cbor::encode(&MemberKeys::default())), Ok(MemberKeys::default()));
    }
}
