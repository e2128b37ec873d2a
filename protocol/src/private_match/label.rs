//! Tags and labels: what both sides keep of an output, and what an owner ships to one peer in one epoch.
//!
//! The owner's index maps tags to records and the querier caches tags a case; a label is the tag under a key of this owner,
//! peer, epoch and family, and only its first 48 bits travel (protocol.md 2.2). SHA-2 alone, so that any language can check
//! it. It tests nothing against a set.
//!
//! What remains: a tag can be claimed by whoever had its key evaluated, so the owner still checks that the record is visible.

use core::fmt;

use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::mac::hmac_sha256;
use super::oprf::Output;
use crate::base::cbor::lp;
use crate::base::{Epoch, MemberId, Sensitive};

/// Which records a set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Family {
    /// People who may be found; the seeker asks.
    #[n(1)]
    Registered = 1,
    /// People who are looked for, with the enquirer's consent; the holder of a protected record asks.
    #[n(2)]
    Sought = 2,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Registered, Self::Sought];

    /// Its number in labels, messages and row keys.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What both sides keep of an output: 16 bytes that name one key at one owner in one epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub [u8; 16]);

impl Zeroize for Tag {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag([sensitive])")
    }
}

impl<C> Encode<C> for Tag {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Tag {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        <[u8; 16]>::try_from(d.bytes()?).map(Self).map_err(|_| DecodeError::message("tag"))
    }
}

/// The tag of an output.
#[must_use]
pub fn tag(y: &Output) -> Tag {
    // TL-1.
    let hash: [u8; 32] = Sha256::new().chain_update(b"kinmesh/tag/1").chain_update(y.expose()).finalize().into();
    let mut tag = [0u8; 16];
    for (slot, byte) in tag.iter_mut().zip(hash) {
        *slot = byte;
    }
    Tag(tag)
}

/// Turns tags into the labels of one (owner, peer, epoch, family).
#[derive(Clone, Debug)]
pub struct LabelKey(Sensitive<[u8; 32]>);

impl LabelKey {
    /// Derives the key from the salt that the owner drew for this peer and epoch and sent sealed in the manifest.
    #[must_use]
    pub fn derive(salt: &[u8; 32], owner: &MemberId, peer: &MemberId, epoch: Epoch, family: Family) -> Self {
        // TL-2.
        let (owner, peer) = (lp(owner.as_str().as_bytes()), lp(peer.as_str().as_bytes()));
        let parts: [&[u8]; 5] = [b"kinmesh/label/1", &owner, &peer, &epoch.0.to_be_bytes(), &[family as u8]];
        Self(Sensitive::new(hmac_sha256(salt, &parts)))
    }

    /// The label of a tag, 32 bytes.
    #[must_use]
    pub fn label(&self, tag: &Tag) -> [u8; 32] {
        Sha256::new().chain_update(self.0.expose()).chain_update(tag.0).finalize().into()
    }

    /// What stands in the set: the label's first 6 bytes as a big-endian number, below 2^48.
    #[must_use]
    pub fn prefix(&self, tag: &Tag) -> u64 {
        // TL-3.
        prefix_of(&self.label(tag))
    }
}

/// The first 6 bytes of a hash as a big-endian number.
pub(super) fn prefix_of(hash: &[u8; 32]) -> u64 {
    hash.iter().take(6).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::base::cbor;
    use crate::private_match::example;

    // TL-1, TL-3.
    #[test]
    fn the_example_of_the_specification_holds() {
        let tag = tag(&example::epoch_secret().evaluate(&example::input()));
        assert_eq!(HEXLOWER.encode(&tag.0), "0acc25196a936c9425972e74489791f2");
        let key = example::label_key();
        assert_eq!(HEXLOWER.encode(key.0.expose()), "7ed7173ee8f4f58b84f73080b66cb0d82429004e6ad2eaefb7393da986e4f26e");
        assert_eq!(HEXLOWER.encode(&key.label(&tag)), "4d7c7f268b5319c4954af33b3adbcac20e5bb6ab4a73f264c1d0d6ac9339f1ad");
        assert_eq!(key.prefix(&tag), 0x4d7c_7f26_8b53);
    }

    // TL-2.
    #[test]
    fn every_part_of_the_context_changes_the_label() {
        let (ke, be) = (MemberId::new("KE").unwrap(), MemberId::new("BE").unwrap());
        let tag = Tag([3; 16]);
        let one = LabelKey::derive(&[1; 32], &ke, &be, Epoch(7), Family::Registered).prefix(&tag);
        for other in [
            LabelKey::derive(&[2; 32], &ke, &be, Epoch(7), Family::Registered),
            LabelKey::derive(&[1; 32], &be, &ke, Epoch(7), Family::Registered),
            LabelKey::derive(&[1; 32], &ke, &be, Epoch(8), Family::Registered),
            LabelKey::derive(&[1; 32], &ke, &be, Epoch(7), Family::Sought),
        ] {
            assert_ne!(other.prefix(&tag), one);
        }
    }

    #[test]
    fn tags_travel_as_bytes_and_do_not_print() {
        let tag = Tag([0xab; 16]);
        assert_eq!(cbor::encode(&tag)[0], 0x50);
        assert_eq!(cbor::decode::<Tag>(&cbor::encode(&tag)), Ok(tag));
        assert!(!format!("{tag:?}").contains("ab"));
        assert_eq!(cbor::encode(&Family::Sought), [2]);
        assert!(cbor::decode::<Family>(&[3]).is_err());
        assert_eq!(format!("{:?}", example::label_key()), "LabelKey([sensitive])");
    }
}
