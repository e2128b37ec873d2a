//! The key log: one append-only hash chain over every roster, announcement, revocation and suspension (protocol.md 3.9).
//!
//! Nodes exchange its head at every contact and the coordinator signs it daily; two heads of one length are the evidence
//! of a split view. Only the order in which the coordinator took the entries counts.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::base::cbor::fixed;

/// Where the key log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct LogHead {
    /// Hash over everything so far, zeros for none.
    #[n(1)]
    #[cbor(with = "fixed")]
    pub head: [u8; 32],
    /// Entries so far.
    #[n(2)]
    pub len: u64,
}

impl LogHead {
    /// Whether messages of this type are entries.
    #[must_use]
    pub const fn takes(kind: u64) -> bool {
        matches!(kind, 10 | 12 | 13 | 14)
    }

    /// The head after one more entry: its type and the SHA-256 of its payload. Other types change nothing.
    #[must_use]
    pub fn append(self, kind: u64, payload_hash: &[u8; 32]) -> Self {
        let Some(kind) = u8::try_from(kind).ok().filter(|kind| Self::takes(u64::from(*kind))) else { return self };
        // KL-1.
        let mut hash = Sha256::new_with_prefix(b"kinmesh/log/1");
        hash.update(self.head);
        hash.update([kind]);
        hash.update(payload_hash);
        Self { head: hash.finalize().into(), len: self.len + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // KL-1.
    #[test]
    fn the_head_depends_on_type_content_and_order() {
        let (a, b) = ([1; 32], [2; 32]);
        let start = LogHead::default();
        let both = start.append(10, &a).append(12, &b);
        assert_eq!(both.len, 2);
        assert_ne!(both, start.append(12, &b).append(10, &a));
        assert_ne!(both, start.append(10, &a).append(13, &b));
        let by_hand = Sha256::digest([&b"kinmesh/log/1"[..], &[0; 32], &[10], &a].concat());
        assert_eq!(start.append(10, &a).head, <[u8; 32]>::from(by_hand));
    }

    #[test]
    fn other_messages_are_no_entries() {
        assert_eq!(LogHead::default().append(11, &[1; 32]), LogHead::default());
        assert_eq!(LogHead::default().append(266, &[1; 32]), LogHead::default());
    }
}
