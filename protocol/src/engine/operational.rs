//! This node's own operational key: it lives at most 90 days, and the society's offline root key signs the next one
//! (protocol.md 2.12).
//!
//! The node makes the key and asks; whoever holds the root key signs on a machine of its own; the node takes the signed
//! announcement as it takes any other. From then on it signs with the next key, while its transport identity stays the older
//! one until shortly before that one ends: whoever was away meanwhile knows it, and learns the next key at the first
//! contact. The older key signs nothing any more.

use ed25519_dalek::SigningKey;

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{MemberId, Millis, PeerId, Sensitive, Timestamp, UserId, cbor};
use crate::engine::answer::{Answer, Failure, KeysRequested};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::Action;
use crate::engine::setup::OP_KEY_LIFE;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Refusal, kid_of};
use crate::private_match::owner::OperationalSeed;
use crate::roster::MemberKeys;
use crate::roster::messages::{KeyAnnouncement, SelfRevocation};

/// Further operational keys of a node: one that counts, some that are older, some that were asked for and never signed.
const SEEDS: usize = 16;

impl Engine {
    /// The next operational key, and what the root key must sign. A key that was asked for before and never signed is
    /// forgotten.
    pub(super) fn keys_request<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId) -> Result<Answer, Failure> {
        let me = self.own.member.ok_or(Failure::Role)?;
        let keys = self.members.get(&me).and_then(|keys| keys.latest.as_ref()).cloned().ok_or(Failure::NotJoined)?;
        self.forget_seeds(step)?;
        let seed: [u8; 32] = step.draw.bytes();
        let op_key = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let until = (step.wall() + OP_KEY_LIFE).seconds();
        step.put(&kid_of(&op_key), &OperationalSeed { seed: Sensitive::new(seed), until });
        let announcement = KeyAnnouncement {
            seq: keys.keys.seq.saturating_add(1),
            prev_hash: keys.hash,
            op_key,
            op_until: until,
            peer_id: PeerId(op_key).to_bytes(),
            ..keys.keys
        };
        let revocation = SelfRevocation { op_kid: kid_of(&op_key), incarnation: announcement.incarnation, reason_code: 1 };
        trail::record(step, Some(user), Act::KeyRequested, &kid_of(&op_key).0, None)?;
        Ok(Answer::KeysRequested(Box::new(KeysRequested {
            member: me,
            network: self.own.network,
            created: step.wall().seconds(),
            until,
            roster_version: self.held.as_ref().map_or(0, |held| held.roster.version),
            announcement: cbor::encode(&announcement),
            revocation: cbor::encode(&revocation),
        })))
    }

    /// An announcement of this member must be of a key that this node has: with another one it could sign nothing.
    pub(super) fn check_mine<V: View>(&self, step: &Step<'_, V>, member: &MemberId, keys: &MemberKeys) -> Result<(), Refusal> {
        let Some(latest) = keys.latest.as_ref().filter(|_| self.own.member == Some(*member)) else { return Ok(()) };
        let is_mine = latest.keys.op_key == self.keys.first.verifying_key().to_bytes()
            || step.get::<OperationalSeed>(&latest.op_kid())?.is_some();
        if is_mine { Ok(()) } else { Err(Refusal::KeyUnknown) }
    }

    /// This node's own keys are others: it signs with the latest, and plans when to take its identity.
    pub(super) fn own_keys_changed<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        self.use_own_key(step)?;
        self.due(step, step.wall(), Due::Identity);
        Ok(())
    }

    /// Signs with the key that was announced last.
    pub(super) fn use_own_key<V: View>(&mut self, step: &Step<'_, V>) -> Result<(), ReadError> {
        let Some(latest) = self.own.member.and_then(|me| self.members.get(&me)?.latest.clone()) else { return Ok(()) };
        if latest.keys.op_key == self.keys.operational.verifying_key().to_bytes() {
            return Ok(());
        }
        if latest.keys.op_key == self.keys.first.verifying_key().to_bytes() {
            self.keys.operational = self.keys.first.clone();
        } else if let Some(row) = step.get::<OperationalSeed>(&latest.op_kid())? {
            self.keys.operational = SigningKey::from_bytes(row.seed.expose());
        }
        Ok(())
    }

    /// Takes the transport identity that counts now, if it is another, and sets the next time.
    pub(super) fn identity_due<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let Some(keys) = self.own.member.and_then(|me| self.members.get(&me)) else { return Ok(()) };
        let (identity, until) = identity_of(keys, step.wall());
        let Some(identity) = identity else { return Ok(()) };
        // The end of a key is one moment: the same row however often it is set.
        if let Some(until) = until {
            self.due(step, until, Due::Identity);
        }
        if identity == self.keys.identity {
            return Ok(());
        }
        let seed = if identity.0 == self.keys.first.verifying_key().to_bytes() {
            Sensitive::new(self.keys.first.to_bytes())
        } else {
            step.get::<OperationalSeed>(&kid_of(&identity.0))?.ok_or(ReadError::Damaged)?.seed
        };
        self.keys.identity = identity;
        self.links.forget_all();
        step.act(Action::Identify { seed });
        self.admit_members(step);
        Ok(())
    }

    fn forget_seeds<V: View>(&self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let keys = self.own.member.and_then(|me| self.members.get(&me)).cloned().unwrap_or_default();
        for (kid, _) in step.under::<OperationalSeed>(&row_key(OperationalSeed::KIND, &()), SEEDS)? {
            let is_latest = keys.latest.as_ref().is_some_and(|latest| latest.op_kid() == kid);
            if !is_latest && !keys.older.iter().any(|older| kid_of(&older.key) == kid) {
                step.remove::<OperationalSeed>(&kid);
            }
        }
        Ok(())
    }
}

/// The identity that a member uses: of its oldest key that is good for another day, and when it changes. An older one is
/// kept so long because everybody who was away knows it.
#[must_use]
pub fn identity_of(keys: &MemberKeys, now: Timestamp) -> (Option<PeerId>, Option<Timestamp>) {
    let margin = Millis::days(1);
    let revoked = |key: &[u8; 32]| keys.is_revoked(&kid_of(key));
    let older = keys.older.iter().find(|older| now + margin < Timestamp::from_seconds(older.until) && !revoked(&older.key));
    match older {
        Some(older) => {
            let end = Timestamp::from_seconds(older.until).0.saturating_sub(margin.0);
            (Some(PeerId(older.key)), Some(Timestamp(end)))
        }
        None => (keys.latest.as_ref().map(crate::roster::HeldAnnouncement::peer_id), None),
    }
}
