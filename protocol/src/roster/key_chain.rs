//! The members' own word on their keys: each announcement follows the one before (protocol.md 2.12, 3.9 "Key log").
//!
//! `keys` calls it for what `envelope` verified. It keeps that operational keys change only under the member's offline root
//! key, while an epoch roll needs nobody with an offline key. What remains: a thief of an operational key can announce an
//! epoch until the key is revoked; the announcements that it signed are void then.

use minicbor::{Decode, Encode};

use crate::base::cbor::{self, fixed};
use crate::base::ids::{Kid, MemberId, Party, PeerId};
use crate::base::time::{Epoch, Millis, Timestamp};
use crate::envelope::{Message, Refusal, Verified, kid_of, public_key};
use crate::roster::document::Roster;
use crate::roster::messages::{KeyAnnouncement, VoprfKey};
use crate::roster::pace::EPOCH_CEILING;

/// Message type of an announcement.
pub const KEY_ANNOUNCEMENT: u64 = 12;
/// Message type of a revocation.
pub const SELF_REVOCATION: u64 = 13;
/// Longest life of an operational key.
const OP_KEY_LIFE: Millis = Millis::days(90);

/// An announcement that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HeldAnnouncement {
    /// Whose keys.
    #[n(1)]
    pub member: MemberId,
    /// The keys.
    #[n(2)]
    pub keys: KeyAnnouncement,
    /// SHA-256 of its payload.
    #[n(3)]
    #[cbor(with = "fixed")]
    pub hash: [u8; 32],
    /// The key that signed it: the member's root, or the operational key.
    #[n(4)]
    pub signed_by: Kid,
    /// Unix seconds.
    #[n(5)]
    pub created: u64,
}

impl HeldAnnouncement {
    /// Names the operational key.
    #[must_use]
    pub fn op_kid(&self) -> Kid {
        kid_of(&self.keys.op_key)
    }

    /// The transport identity.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        PeerId(self.keys.op_key)
    }
}

/// Accepts a verified announcement that follows `previous`, the member's latest that is held.
///
/// The same one again is accepted and changes nothing. Without a previous one, and after one whose key has run out, the
/// entries between may have expired unseen: an announcement of any number is accepted then if the root key signed it.
///
/// # Errors
/// [`Refusal::Encoding`] for another body or a key that does not fit its name, [`Refusal::KeyUnknown`] for a signer that
/// may not change what is changed or a key that is another's, [`Refusal::Clock`] for times that do not fit,
/// [`Refusal::State`] for one that does not follow, [`Refusal::Epoch`] for epochs that do not.
pub fn accept_announcement(
    roster: &Roster,
    previous: Option<&HeldAnnouncement>,
    message: &Verified<Message>,
) -> Result<HeldAnnouncement, Refusal> {
    let header = &message.header;
    let member = match header.from {
        Party::Member(id) if header.kind == KEY_ANNOUNCEMENT => roster.member(&id).ok_or(Refusal::KeyUnknown)?,
        _ => return Err(Refusal::Role),
    };
    let previous = previous.filter(|previous| previous.member == member.id);
    let keys: KeyAnnouncement = cbor::decode(&message.body).map_err(|_| Refusal::Encoding)?;
    let held = HeldAnnouncement { member: member.id, keys, hash: message.hash, signed_by: message.kid, created: header.created };
    if previous.is_some_and(|previous| previous.hash == held.hash) {
        return Ok(held);
    }
    check_form(roster, &held, header.expires)?;
    let by_root = held.signed_by == kid_of(&member.root_key);
    // KA-1.
    check_signer(previous, &held, by_root)?;
    // KA-2.
    check_place(previous, &held)?;
    // KA-3.
    check_epochs(previous, &held.keys)?;
    Ok(held)
}

/// Refuses keys that another member announced: a copied VOPRF key would make its owner's answers pass for the copier's.
///
/// # Errors
/// [`Refusal::KeyUnknown`].
pub fn check_unshared<'a>(
    held: &HeldAnnouncement,
    others: impl IntoIterator<Item = &'a HeldAnnouncement>,
) -> Result<(), Refusal> {
    // KA-4.
    let pks = |keys: &KeyAnnouncement| [Some(keys.voprf.pk), keys.next_voprf.map(|next| next.pk)];
    let mine = pks(&held.keys);
    for other in others.into_iter().filter(|other| other.member != held.member) {
        let theirs = pks(&other.keys);
        let shares_pk = mine.iter().flatten().any(|pk| theirs.iter().flatten().any(|their| their == pk));
        if shares_pk || other.keys.op_key == held.keys.op_key || other.keys.seal_key_id == held.keys.seal_key_id {
            return Err(Refusal::KeyUnknown);
        }
    }
    Ok(())
}

/// Keys belong to their names, and times to each other.
fn check_form(roster: &Roster, held: &HeldAnnouncement, expires: u64) -> Result<(), Refusal> {
    let keys = &held.keys;
    public_key(&keys.op_key)?;
    if keys.seal_key_id != keys.seal_key.key_id() || keys.peer_id != held.peer_id().to_bytes() {
        return Err(Refusal::Encoding);
    }
    // A key that is online must be nobody's offline key.
    let offline = roster.members.iter().map(|member| &member.root_key).chain(&roster.custodians.keys);
    if offline.chain([&roster.coordinator.key]).any(|key| *key == keys.op_key) {
        return Err(Refusal::KeyUnknown);
    }
    let longest = Timestamp::from_seconds(held.created) + OP_KEY_LIFE;
    if expires != keys.op_until || Timestamp::from_seconds(keys.op_until) > longest {
        return Err(Refusal::Clock);
    }
    let sound = |key: &VoprfKey| match key.until.checked_sub(key.from) {
        Some(life) => Millis::seconds(life) <= Millis(EPOCH_CEILING.0 + 1_000) && key.epoch >= Epoch(1),
        None => false,
    };
    let next_follows = keys
        .next_voprf
        .is_none_or(|next| sound(&next) && keys.voprf.epoch.0.checked_add(1) == Some(next.epoch.0) && next.pk != keys.voprf.pk);
    if sound(&keys.voprf) && next_follows { Ok(()) } else { Err(Refusal::Epoch) }
}

/// The root key may change anything, the operational key nothing about itself.
fn check_signer(previous: Option<&HeldAnnouncement>, held: &HeldAnnouncement, by_root: bool) -> Result<(), Refusal> {
    if by_root {
        return Ok(());
    }
    let previous = previous.ok_or(Refusal::KeyUnknown)?;
    let (old, new) = (&previous.keys, &held.keys);
    let unchanged = old.op_key == new.op_key && old.op_until == new.op_until && old.incarnation == new.incarnation;
    if unchanged && held.signed_by == previous.op_kid() { Ok(()) } else { Err(Refusal::KeyUnknown) }
}

/// Number and hash follow the announcement before; a later incarnation begins afresh.
fn check_place(previous: Option<&HeldAnnouncement>, held: &HeldAnnouncement) -> Result<(), Refusal> {
    let keys = &held.keys;
    let first = keys.seq == 1;
    if keys.incarnation == 0 || keys.seq == 0 || first != (keys.prev_hash == [0; 32]) {
        return Err(Refusal::State);
    }
    let Some(previous) = previous else { return Ok(()) };
    let old = &previous.keys;
    let follows = if keys.incarnation == old.incarnation {
        let next = old.seq.checked_add(1) == Some(keys.seq) && keys.prev_hash == previous.hash;
        next || (keys.seq > old.seq && old.op_until < held.created)
    } else {
        keys.incarnation > old.incarnation && (first || old.op_until < held.created)
    };
    if follows { Ok(()) } else { Err(Refusal::State) }
}

/// An epoch has one key for good, the announced next one comes next, and no epoch comes back.
fn check_epochs(previous: Option<&HeldAnnouncement>, keys: &KeyAnnouncement) -> Result<(), Refusal> {
    let Some(previous) = previous else { return Ok(()) };
    let (old, new) = (&previous.keys.voprf, &keys.voprf);
    let promised = previous.keys.next_voprf.filter(|next| next.epoch == new.epoch);
    let same_incarnation = previous.keys.incarnation == keys.incarnation;
    let sound = if new.epoch == old.epoch {
        new.pk == old.pk && same_incarnation
    } else {
        let kept = !same_incarnation || promised.is_none_or(|next| next.pk == new.pk);
        new.epoch > old.epoch && new.pk != old.pk && kept
    };
    if sound { Ok(()) } else { Err(Refusal::Epoch) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::ids::MsgId;
    use crate::envelope::{Addressee, Header, KeyRing, SealSecret, SigningKey, Unverified, sign};
    use crate::roster::keys::{MemberKeys, PublicKeys};
    use crate::roster::verify::tests::{NOW, key, now, roster};

    const DAY: u64 = 86_400;

    pub(in crate::roster) fn public(name: &str) -> [u8; 32] {
        key(name).verifying_key().to_bytes()
    }

    fn voprf(epoch: u32, pk: u8) -> VoprfKey {
        VoprfKey { epoch: Epoch(epoch), pk: [pk; 32], from: NOW, until: NOW + 28 * DAY }
    }

    /// The first announcement of BE, with operational key `op 1`.
    pub(in crate::roster) fn first() -> KeyAnnouncement {
        announcement("op 1", 7)
    }

    pub(in crate::roster) fn announcement(op: &str, seal: u8) -> KeyAnnouncement {
        let op_key = public(op);
        let seal_key = SealSecret::from_bytes([seal; 32]).public();
        KeyAnnouncement {
            incarnation: 1,
            seq: 1,
            prev_hash: [0; 32],
            op_key,
            op_until: NOW + 90 * DAY,
            seal_key_id: seal_key.key_id(),
            seal_key,
            seal_until: NOW + 28 * DAY,
            voprf: voprf(1, seal),
            next_voprf: None,
            peer_id: PeerId(op_key).to_bytes(),
        }
    }

    /// The second one, an epoch further.
    pub(in crate::roster) fn second(previous: &HeldAnnouncement) -> KeyAnnouncement {
        KeyAnnouncement { seq: 2, prev_hash: previous.hash, voprf: voprf(2, 8), ..previous.keys.clone() }
    }

    /// Signs and verifies a public message of BE, as it would have come in. Its signer is whoever the ring is told.
    pub(in crate::roster) fn incoming(kind: u64, body: &[u8], expires: u64, key: &SigningKey) -> Verified<Message> {
        incoming_at(kind, body, NOW, expires, key)
    }

    fn incoming_at(kind: u64, body: &[u8], created: u64, expires: u64, key: &SigningKey) -> Verified<Message> {
        struct Any<'k>(&'k SigningKey);
        impl KeyRing for Any<'_> {
            fn verifying_key(&self, _: Party, _: Kid, _: u64) -> Result<crate::envelope::VerifyingKey, Refusal> {
                Ok(self.0.verifying_key())
            }
        }
        let from = Party::Member(MemberId::new("BE").unwrap());
        let (msg_id, roster_version) = (MsgId([1; 16]), 1);
        let header = Header { kind, from, to: None, msg_id, n: 1, created, expires, roster_version, re: None };
        let network = roster(1).network_id;
        let bytes = sign(&network, &header, body, key);
        let message = Unverified::<Message>::parse(&bytes, bytes.len()).unwrap();
        let (skew, life) = (Millis::hours(24), Millis::days(35));
        message.verify(&network, Addressee::Public, &Any(key), Timestamp::from_seconds(created), skew, life).unwrap()
    }

    fn announced(keys: &KeyAnnouncement, key: &SigningKey) -> Verified<Message> {
        incoming(KEY_ANNOUNCEMENT, &cbor::encode(keys), keys.op_until, key)
    }

    fn root() -> SigningKey {
        key("root BE")
    }

    fn held() -> HeldAnnouncement {
        accept_announcement(&roster(1), None, &announced(&first(), &root())).unwrap()
    }

    fn refused(previous: Option<&HeldAnnouncement>, keys: &KeyAnnouncement, key: &SigningKey) -> Refusal {
        accept_announcement(&roster(1), previous, &announced(keys, key)).unwrap_err()
    }

    #[test]
    fn the_root_key_announces_and_the_operational_key_rolls_the_epoch() {
        let held = held();
        assert_eq!((held.keys.clone(), held.op_kid()), (first(), kid_of(&public("op 1"))));
        let rolled = accept_announcement(&roster(1), Some(&held), &announced(&second(&held), &key("op 1"))).unwrap();
        assert_eq!(rolled.keys.voprf.epoch, Epoch(2));
        assert_eq!(cbor::decode(&cbor::encode(&rolled)), Ok(rolled));
    }

    #[test]
    fn the_same_announcement_changes_nothing() {
        let again = accept_announcement(&roster(1), Some(&held()), &announced(&first(), &root()));
        assert_eq!(again, Ok(held()));
    }

    // KA-1.
    #[test]
    fn the_operational_key_changes_nothing_about_itself() {
        let held = held();
        let op = key("op 1");
        let changes: [fn(&mut KeyAnnouncement); 3] = [
            |keys| keys.op_until -= 1,
            |keys| {
                keys.op_key = public("op 2");
                keys.peer_id = PeerId(keys.op_key).to_bytes();
            },
            |keys| keys.incarnation = 2,
        ];
        for change in changes {
            let mut keys = second(&held);
            change(&mut keys);
            assert_eq!(refused(Some(&held), &keys, &op), Refusal::KeyUnknown);
        }
        assert_eq!(refused(None, &first(), &op), Refusal::KeyUnknown);
        assert_eq!(refused(Some(&held), &second(&held), &key("root KE")), Refusal::KeyUnknown);
    }

    // KA-2.
    #[test]
    fn numbers_and_hashes_follow() {
        let held = held();
        let changes: [fn(&mut KeyAnnouncement); 6] = [
            |keys| keys.seq = 3,
            |keys| keys.seq = 0,
            |keys| keys.prev_hash = [5; 32],
            |keys| keys.prev_hash = [0; 32],
            |keys| keys.incarnation = 0,
            |keys| (keys.seq, keys.prev_hash) = (1, [0; 32]),
        ];
        for change in changes {
            let mut keys = second(&held);
            change(&mut keys);
            assert_eq!(refused(Some(&held), &keys, &root()), Refusal::State);
        }
        let ahead = KeyAnnouncement { incarnation: 2, ..second(&held) };
        assert_eq!(refused(Some(&held), &ahead, &root()), Refusal::State);
    }

    #[test]
    fn a_later_incarnation_begins_afresh() {
        let held = held();
        let afresh = KeyAnnouncement { incarnation: 2, voprf: voprf(2, 9), ..announcement("op 2", 9) };
        assert!(accept_announcement(&roster(1), Some(&held), &announced(&afresh, &root())).is_ok());
        let old_epoch = KeyAnnouncement { voprf: held.keys.voprf, ..afresh };
        assert_eq!(refused(Some(&held), &old_epoch, &root()), Refusal::Epoch);
    }

    #[test]
    fn entries_that_expired_unseen_do_not_lock_a_member_out() {
        let held = held();
        let created = NOW + 91 * DAY;
        let keys = KeyAnnouncement {
            seq: 9,
            prev_hash: [5; 32],
            op_until: created + DAY,
            voprf: voprf(6, 9),
            ..announcement("op 3", 9)
        };
        let late = incoming_at(KEY_ANNOUNCEMENT, &cbor::encode(&keys), created, keys.op_until, &root());
        assert!(accept_announcement(&roster(1), Some(&held), &late).is_ok());
        assert!(accept_announcement(&roster(1), None, &late).is_ok());
    }

    // KA-3.
    #[test]
    fn an_epoch_has_one_key_and_the_announced_one_comes_next() {
        let mut held = held();
        held.keys.next_voprf = Some(voprf(2, 8));
        let with = |voprf| KeyAnnouncement { voprf, next_voprf: None, ..second(&held) };
        assert!(accept_announcement(&roster(1), Some(&held), &announced(&with(voprf(2, 8)), &root())).is_ok());
        for other in [voprf(2, 9), voprf(1, 9), voprf(2, 7), voprf(0, 7)] {
            assert_eq!(refused(Some(&held), &with(other), &root()), Refusal::Epoch);
        }
        let skips = KeyAnnouncement { next_voprf: Some(voprf(4, 9)), ..second(&held) };
        assert_eq!(refused(Some(&held), &skips, &root()), Refusal::Epoch);
        let endless = VoprfKey { until: NOW + 36 * DAY, ..voprf(2, 8) };
        assert_eq!(refused(Some(&held), &with(endless), &root()), Refusal::Epoch);
    }

    #[test]
    fn keys_belong_to_their_names() {
        let changes: [fn(&mut KeyAnnouncement); 3] = [
            |keys| keys.seal_key_id = Kid([0; 8]),
            |keys| keys.peer_id[0] = 1,
            |keys| keys.peer_id = PeerId(public("op 2")).to_bytes(),
        ];
        for change in changes {
            let mut keys = first();
            change(&mut keys);
            assert_eq!(refused(None, &keys, &root()), Refusal::Encoding);
        }
        let mut weak = [0; 32];
        weak[0] = 1;
        for op_key in [public("root KE"), public("custodian 1"), public("coordinator"), weak] {
            let keys = KeyAnnouncement { op_key, peer_id: PeerId(op_key).to_bytes(), ..first() };
            assert_eq!(refused(None, &keys, &root()), Refusal::KeyUnknown);
        }
    }

    #[test]
    fn an_operational_key_lives_ninety_days_and_its_announcement_as_long() {
        let long = KeyAnnouncement { op_until: NOW + 90 * DAY + 1, ..first() };
        assert_eq!(refused(None, &long, &root()), Refusal::Clock);
        let shorter = incoming(KEY_ANNOUNCEMENT, &cbor::encode(&first()), NOW + DAY, &root());
        assert_eq!(accept_announcement(&roster(1), None, &shorter), Err(Refusal::Clock));
    }

    // KA-4.
    #[test]
    fn a_copied_key_is_refused() {
        let mine = held();
        let other = |keys| HeldAnnouncement { member: MemberId::new("FR").unwrap(), keys, ..held() };
        let copies: [fn(&mut KeyAnnouncement); 4] = [
            |keys| keys.voprf.pk = first().voprf.pk,
            |keys| keys.next_voprf = Some(first().voprf),
            |keys| keys.op_key = first().op_key,
            |keys| keys.seal_key_id = first().seal_key_id,
        ];
        for copy in copies {
            let mut keys = announcement("op FR", 30);
            assert_eq!(check_unshared(&mine, [&other(keys.clone())]), Ok(()));
            copy(&mut keys);
            assert_eq!(check_unshared(&mine, [&other(keys)]), Err(Refusal::KeyUnknown));
        }
        assert_eq!(check_unshared(&mine, [&held()]), Ok(()));
    }

    #[test]
    fn other_bodies_and_types_are_refused() {
        let empty = incoming(KEY_ANNOUNCEMENT, &[0xa0], NOW + DAY, &root());
        assert_eq!(accept_announcement(&roster(1), None, &empty), Err(Refusal::Encoding));
        let other = incoming(15, &cbor::encode(&first()), NOW + DAY, &root());
        assert_eq!(accept_announcement(&roster(1), None, &other), Err(Refusal::Role));
    }

    /// A ring over one member's keys.
    pub(in crate::roster) fn ring_of(keys: &MemberKeys) -> BTreeMap<MemberId, MemberKeys> {
        BTreeMap::from([(MemberId::new("BE").unwrap(), keys.clone())])
    }

    #[test]
    fn an_announcement_passes_through_the_ring_that_it_belongs_to() {
        let roster = roster(1);
        let mut keys = MemberKeys::default();
        keys.accept(&roster, &announced(&first(), &root())).unwrap();
        let members = ring_of(&keys);
        let ring = PublicKeys { roster: &roster, members: &members, suspensions: &[], now: now() };
        let be = Party::Member(MemberId::new("BE").unwrap());
        assert!(ring.verifying_key(be, kid_of(&public("root BE")), KEY_ANNOUNCEMENT).is_ok());
        assert!(ring.verifying_key(be, kid_of(&public("op 1")), KEY_ANNOUNCEMENT).is_ok());
    }
}
