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
    check_signer(previous, &held, by_root)?;
    check_place(previous, &held)?;
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
