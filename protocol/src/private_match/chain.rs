//! The chain of one owner's sets for one peer: a base and the deltas behind it (protocol.md 3.9).
//!
//! The querier keeps the head of what it holds and asks it whether a manifest continues it. Invariant: a head moves by
//! whole, checked sets only, one number at a time, or by a base that replaces all. Counts are exact, since a delta's adds
//! were not there and its removes were.

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::manifest::{SetKind, SetManifest};
use super::padding::DELTAS;
use crate::base::cbor::{fixed, fixed_secret};
use crate::base::{Epoch, ProfileId, Sensitive};

/// Where a chain stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChainHead {
    /// The owner's epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// The matching rules that the keys were made by.
    #[n(2)]
    pub profile: ProfileId,
    /// The owner's public key of the epoch.
    #[cbor(n(3), with = "fixed")]
    pub voprf_pk: [u8; 32],
    /// What the label key is derived with.
    #[cbor(n(4), with = "fixed_secret")]
    pub salt: Sensitive<[u8; 32]>,
    /// Number of the base.
    #[n(5)]
    pub base_seq: u64,
    /// Number of the last set.
    #[n(6)]
    pub set_seq: u64,
    /// SHA-256 of the last set's manifest.
    #[cbor(n(7), with = "fixed")]
    pub hash: [u8; 32],
    /// Prefixes of the set.
    #[n(8)]
    pub count: u64,
    /// When the next set is due, Unix seconds.
    #[n(9)]
    pub next_due: u64,
}

/// Why a delta does not continue a chain. The peer sees E_SET_CHAIN for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainBreak {
    /// Another epoch, key, salt or profile.
    #[error("the delta is of another chain")]
    Other,
    /// It is not the next one, or stands on another base.
    #[error("set {set_seq} does not follow set {last}")]
    Order {
        /// The last set that is held.
        last: u64,
        /// As found.
        set_seq: u64,
    },
    /// The set before it is another one than the one that is held.
    #[error("the set before it is another one")]
    Fork,
    /// The set would be longer than the owner's attested size allows, or hold less than nothing.
    #[error("{count} prefixes after it, at most {limit}")]
    Count {
        /// By the roster.
        limit: u64,
        /// After it.
        count: u64,
    },
    /// More deltas than stand on one base.
    #[error("more than {DELTAS} deltas on one base")]
    Length,
}

impl ChainHead {
    /// The head that a base makes.
    #[must_use]
    pub fn of_base(manifest: &SetManifest) -> Self {
        Self {
            epoch: manifest.epoch,
            profile: manifest.profile,
            voprf_pk: manifest.voprf_pk,
            salt: manifest.salt.clone(),
            base_seq: manifest.set_seq,
            set_seq: manifest.set_seq,
            hash: manifest.hash(),
            count: manifest.adds_count,
            next_due: manifest.next_due,
        }
    }

    /// The head behind a set, which is a base or continues this one; `limit` is that of the owner's attested size.
    ///
    /// # Errors
    /// [`ChainBreak`].
    pub fn after(&self, manifest: &SetManifest, limit: u64) -> Result<Self, ChainBreak> {
        if manifest.kind == SetKind::Base {
            return Ok(Self::of_base(manifest));
        }
        let same = (manifest.epoch, manifest.profile, manifest.voprf_pk) == (self.epoch, self.profile, self.voprf_pk);
        if !same || manifest.salt.expose() != self.salt.expose() {
            return Err(ChainBreak::Other);
        }
        if manifest.base_seq != self.base_seq || Some(manifest.set_seq) != self.set_seq.checked_add(1) {
            return Err(ChainBreak::Order { last: self.set_seq, set_seq: manifest.set_seq });
        }
        if manifest.prev_manifest_hash != self.hash {
            return Err(ChainBreak::Fork);
        }
        if manifest.set_seq - self.base_seq > DELTAS {
            return Err(ChainBreak::Length);
        }
        let count = self.count.saturating_add(manifest.adds_count).checked_sub(manifest.removes_count);
        match count.filter(|count| *count <= limit) {
            Some(count) => {
                Ok(Self { set_seq: manifest.set_seq, hash: manifest.hash(), count, next_due: manifest.next_due, ..self.clone() })
            }
            None => Err(ChainBreak::Count { limit, count: count.unwrap_or(0) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_match::Family;

    fn manifest(kind: SetKind, set_seq: u64, base_seq: u64, prev: [u8; 32]) -> SetManifest {
        let base = kind == SetKind::Base;
        SetManifest {
            family: Family::Registered,
            epoch: Epoch(7),
            profile: ProfileId::new("v1").unwrap(),
            set_seq,
            prev_manifest_hash: prev,
            kind,
            base_seq,
            voprf_pk: [5; 32],
            salt: Sensitive::new([6; 32]),
            prefix_bits: 48,
            adds_count: if base { 4_096 } else { 512 },
            removes_count: if base { 0 } else { 1_024 },
            segments: Vec::new(),
            next_due: 1_800_000_000 + set_seq,
        }
    }

    #[test]
    fn a_delta_moves_the_head_and_a_base_replaces_it() {
        let head = ChainHead::of_base(&manifest(SetKind::Base, 1, 1, [0; 32]));
        let second = manifest(SetKind::Delta, 2, 1, head.hash);
        let next = head.after(&second, 8_192).unwrap();
        assert_eq!((next.base_seq, next.set_seq, next.count, next.hash), (1, 2, 3_584, second.hash()));
        assert_eq!(next.next_due, 1_800_000_002);
        let base = manifest(SetKind::Base, 9, 9, [3; 32]);
        assert_eq!(next.after(&base, 8_192), Ok(ChainHead::of_base(&base)));
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let head = ChainHead::of_base(&manifest(SetKind::Base, 3, 3, [0; 32]));
        type Edit = fn(&mut SetManifest);
        let edits: [(Edit, ChainBreak); 9] = [
            (|m| m.epoch = Epoch(8), ChainBreak::Other),
            (|m| m.voprf_pk = [6; 32], ChainBreak::Other),
            (|m| m.salt = Sensitive::new([7; 32]), ChainBreak::Other),
            (|m| m.profile = ProfileId::new("v2").unwrap(), ChainBreak::Other),
            (|m| m.base_seq = 2, ChainBreak::Order { last: 3, set_seq: 4 }),
            // Replayed, skipped.
            (|m| m.set_seq = 3, ChainBreak::Order { last: 3, set_seq: 3 }),
            (|m| m.set_seq = 5, ChainBreak::Order { last: 3, set_seq: 5 }),
            (|m| m.prev_manifest_hash = [9; 32], ChainBreak::Fork),
            (|m| m.removes_count = 8_192, ChainBreak::Count { limit: 4_096, count: 0 }),
        ];
        for (place, (edit, refused)) in edits.into_iter().enumerate() {
            let mut delta = manifest(SetKind::Delta, 4, 3, head.hash);
            edit(&mut delta);
            assert_eq!(head.after(&delta, 4_096), Err(refused), "edit {place}");
        }
        let growing = SetManifest { removes_count: 0, ..manifest(SetKind::Delta, 4, 3, head.hash) };
        assert_eq!(head.after(&growing, 4_096), Err(ChainBreak::Count { limit: 4_096, count: 4_608 }));
        let far = ChainHead { set_seq: 3 + DELTAS, ..head };
        let beyond = manifest(SetKind::Delta, 4 + DELTAS, 3, far.hash);
        assert_eq!(far.after(&beyond, 4_096), Err(ChainBreak::Length));
    }
}
