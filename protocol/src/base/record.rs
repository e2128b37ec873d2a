//! What a stored value is: a typed record under a key of one tree, sealed under one of two roots.
//!
//! Modules of every level define their own records with [`record!`]; the engine reads them through its `View` and writes
//! them as rows of a batch; the node's store is the only place that seals and keeps them. A stored value carries its
//! version, so that a later release migrates it when it reads it.

use core::fmt;

use thiserror::Error;

use crate::base::sensitive::Sensitive;

/// Names one tree of the store. The text form is the tree's name on disk and never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tree {
    /// Singletons of this node: own membership, counters, heads.
    Own,
    /// Public messages that were accepted: key announcements.
    Public,
    /// Standing of each member as the roster that counts says it.
    Standing,
    /// Timers.
    Due,
    /// Messages that wait for a carrier.
    Outbox,
    /// Messages that were accepted, by sender and id.
    Seen,
    /// What this node keeps about each peer.
    Peer,
    /// Sealing and epoch keys.
    Keys,
    /// What the private match needs of each person: inputs, audience, leaves.
    Index,
    /// Tags of an epoch's index, each with the records that carry it.
    Tags,
    /// Sets that this node offers.
    SetsOut,
    /// Sets that this node holds of others.
    SetsIn,
    /// Budgets and refs of queriers at this owner.
    Budget,
    /// What the private match needs of each subject: secret, inputs, policy.
    Subjects,
    /// Evaluations that this querier asked for, and their outputs' tags.
    Queries,
    /// Hits of subjects in owners' sets.
    Hits,
    /// Claims, in both directions.
    Claims,
    /// Audit entries, by number.
    Audit,
    /// People.
    People,
    /// Cases.
    Cases,
    /// Attributes, reviews, consents and disclosures of candidates.
    Candidates,
    /// Positions of imports.
    Imports,
}

impl Tree {
    /// Every tree, in the order of the enum.
    pub const ALL: [Tree; 22] = [
        Tree::Own,
        Tree::Public,
        Tree::Standing,
        Tree::Due,
        Tree::Outbox,
        Tree::Seen,
        Tree::Peer,
        Tree::Keys,
        Tree::Index,
        Tree::Tags,
        Tree::SetsOut,
        Tree::SetsIn,
        Tree::Budget,
        Tree::Subjects,
        Tree::Queries,
        Tree::Hits,
        Tree::Claims,
        Tree::Audit,
        Tree::People,
        Tree::Cases,
        Tree::Candidates,
        Tree::Imports,
    ];

    /// The name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Tree::Own => "own",
            Tree::Public => "public",
            Tree::Standing => "standing",
            Tree::Due => "due",
            Tree::Outbox => "outbox",
            Tree::Seen => "seen",
            Tree::Peer => "peer",
            Tree::Keys => "keys",
            Tree::Index => "index",
            Tree::Tags => "tags",
            Tree::SetsOut => "sets-out",
            Tree::SetsIn => "sets-in",
            Tree::Budget => "budget",
            Tree::Subjects => "subjects",
            Tree::Queries => "queries",
            Tree::Hits => "hits",
            Tree::Claims => "claims",
            Tree::Audit => "audit",
            Tree::People => "people",
            Tree::Cases => "cases",
            Tree::Candidates => "candidates",
            Tree::Imports => "imports",
        }
    }

    /// The trees that a coordination node may hold: no person, index or case data, by construction.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(
            self,
            Tree::Own | Tree::Public | Tree::Standing | Tree::Due | Tree::Outbox | Tree::Seen | Tree::Peer | Tree::Audit
        )
    }
}

/// Which root key a tree's values are sealed under (architecture.md, keys at rest).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Root {
    /// What a locked node needs to go on answering and searching.
    Service,
    /// People, cases, attributes, disclosures: open only while a caseworker has unlocked the node.
    Records,
}

/// The key of a row within its tree; ordered bytewise. Never derived from personal data in the clear.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RowKey(pub Vec<u8>);

impl RowKey {
    /// The first key that does not start with this one, or `None` if every byte is 0xff: the end of a prefix scan.
    #[must_use]
    pub fn after_prefix(&self) -> Option<RowKey> {
        let mut bytes = self.0.clone();
        while let Some(last) = bytes.pop() {
            if last < u8::MAX {
                bytes.push(last + 1);
                return Some(RowKey(bytes));
            }
        }
        None
    }

    /// The least key above this one: where a scan goes on behind its row.
    #[must_use]
    pub fn behind(mut self) -> RowKey {
        self.0.push(0);
        self
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(12) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A value as the store gives it back: its version and its bytes, opened.
pub struct Stored {
    /// Version it was written with.
    pub version: u16,
    /// The record's own encoding.
    pub value: Sensitive<Vec<u8>>,
}

/// One row to write.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Tree it goes into.
    pub tree: Tree,
    /// Root it is sealed under.
    pub root: Root,
    /// Its key.
    pub key: RowKey,
    /// Its version.
    pub version: u16,
    /// The record's own encoding, at most `limits::VALUE_BYTES`.
    pub value: Sensitive<Vec<u8>>,
}

impl Row {
    /// A record under its id.
    #[must_use]
    pub fn of<R: Record>(id: &R::Id, record: &R) -> Self {
        Self { tree: R::TREE, root: R::ROOT, key: R::key(id), version: R::VERSION, value: record.encode() }
    }
}

/// A stored value is not what its tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Written by a later release.
    #[error("written as version {found}, this release reads up to {known}")]
    Later {
        /// Highest version that this release reads.
        known: u16,
        /// Version found.
        found: u16,
    },
    /// The bytes are not the record's encoding.
    #[error("the bytes are not a value of this kind")]
    Form,
}

/// One kind of stored value.
pub trait Record: Sized {
    /// What names one of them.
    type Id: Ord + Clone;
    /// Tree that holds them.
    const TREE: Tree;
    /// Root that seals them.
    const ROOT: Root;
    /// Version that is written.
    const VERSION: u16;
    /// First byte of its row keys: several kinds share a tree.
    const KIND: u8;

    /// The row key of an id; keys are ordered as ids are where a reader pages through them.
    fn key(id: &Self::Id) -> RowKey;
    /// The id of a row key, if it is one.
    fn id(key: &RowKey) -> Option<Self::Id>;
    /// The encoding that is stored.
    fn encode(&self) -> Sensitive<Vec<u8>>;
    /// Reads a stored encoding of this or an earlier version.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode(version: u16, bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// An id that is a row key and back.
pub trait KeyPart: Ord + Clone {
    /// Bytes it takes in a key.
    const LENGTH: usize;
    /// Appends the bytes, in an order that keeps the ids' order.
    fn write(&self, key: &mut Vec<u8>);
    /// Reads exactly [`KeyPart::LENGTH`] bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl KeyPart for () {
    const LENGTH: usize = 0;
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &[u8]) -> Option<Self> {
        Some(())
    }
}

macro_rules! key_bytes {
    ($($name:ty => $length:literal),* $(,)?) => {$(
        impl KeyPart for $name {
            const LENGTH: usize = $length;
            fn write(&self, key: &mut Vec<u8>) {
                key.extend_from_slice(&self.0);
            }
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }
    )*};
}

key_bytes! {
    crate::base::ids::PersonId => 16, crate::base::ids::CaseId => 16, crate::base::ids::SubjectId => 16,
    crate::base::ids::ClaimId => 16, crate::base::ids::MsgId => 16, crate::base::ids::CaseRef => 16,
    crate::base::ids::AuditId => 16,
    crate::base::ids::BlobId => 16, crate::base::ids::Kid => 8, crate::base::ids::ConsentId => 16,
}

macro_rules! key_number {
    ($($name:ty => $length:literal),* $(,)?) => {$(
        impl KeyPart for $name {
            const LENGTH: usize = $length;
            fn write(&self, key: &mut Vec<u8>) {
                key.extend_from_slice(&self.to_be_bytes());
            }
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }
        }
    )*};
}

key_number! { u8 => 1, u32 => 4, u64 => 8 }

impl KeyPart for [u8; 16] {
    const LENGTH: usize = 16;
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl KeyPart for crate::base::time::Timestamp {
    const LENGTH: usize = 8;
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_be_bytes).map(Self)
    }
}

impl KeyPart for crate::base::time::Epoch {
    const LENGTH: usize = 4;
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u32::from_be_bytes).map(Self)
    }
}

/// A member id takes 16 bytes in a key, zero-padded: its order is kept, since no id holds a zero byte.
impl KeyPart for crate::base::ids::MemberId {
    const LENGTH: usize = 16;
    fn write(&self, key: &mut Vec<u8>) {
        let text = self.as_str().as_bytes();
        key.extend_from_slice(text);
        key.resize(key.len() + 16 - text.len(), 0);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let used = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        if bytes.len() != 16 || bytes.iter().skip(used).any(|byte| *byte != 0) {
            return None;
        }
        let text = bytes.get(..used).and_then(|used| core::str::from_utf8(used).ok())?;
        Self::new(text).ok()
    }
}

macro_rules! key_tuple {
    ($($part:ident . $index:tt),+) => {
        impl<$($part: KeyPart),+> KeyPart for ($($part,)+) {
            const LENGTH: usize = 0 $(+ $part::LENGTH)+;
            fn write(&self, key: &mut Vec<u8>) {
                $(self.$index.write(key);)+
            }
            fn read(bytes: &[u8]) -> Option<Self> {
                let mut rest = bytes;
                let value = ($({
                    let (head, tail) = rest.split_at_checked($part::LENGTH)?;
                    rest = tail;
                    $part::read(head)?
                },)+);
                rest.is_empty().then_some(value)
            }
        }
    };
}

key_tuple!(A.0, B.1);
key_tuple!(A.0, B.1, C.2);
key_tuple!(A.0, B.1, C.2, D.3);

/// The row key of a [`KeyPart`], behind one byte that keeps kinds apart which share a tree.
#[must_use]
pub fn row_key<K: KeyPart>(kind: u8, id: &K) -> RowKey {
    let mut bytes = Vec::with_capacity(1 + K::LENGTH);
    bytes.push(kind);
    id.write(&mut bytes);
    RowKey(bytes)
}

/// The id of a row key written by [`row_key`].
#[must_use]
pub fn row_id<K: KeyPart>(kind: u8, key: &RowKey) -> Option<K> {
    let (head, rest) = key.0.split_first()?;
    (*head == kind).then(|| K::read(rest)).flatten()
}

/// Makes a minicbor type a [`Record`]: `record!(Type, Id, Tree, kind, Root)`; `kind` tells records apart that share a tree.
#[macro_export]
macro_rules! record {
    ($name:ty, $id:ty, $tree:ident, $kind:literal, $root:ident) => {
        impl $crate::base::record::Record for $name {
            type Id = $id;
            const TREE: $crate::base::record::Tree = $crate::base::record::Tree::$tree;
            const ROOT: $crate::base::record::Root = $crate::base::record::Root::$root;
            const VERSION: u16 = 1;
            const KIND: u8 = $kind;
            fn key(id: &Self::Id) -> $crate::base::record::RowKey {
                $crate::base::record::row_key($kind, id)
            }
            fn id(key: &$crate::base::record::RowKey) -> Option<Self::Id> {
                $crate::base::record::row_id($kind, key)
            }
            fn encode(&self) -> $crate::base::Sensitive<Vec<u8>> {
                $crate::base::Sensitive::new($crate::base::cbor::encode(self))
            }
            fn decode(version: u16, bytes: &[u8]) -> Result<Self, $crate::base::record::DecodeError> {
                if version > Self::VERSION {
                    return Err($crate::base::record::DecodeError::Later { known: Self::VERSION, found: version });
                }
                $crate::base::cbor::decode(bytes).map_err(|_| $crate::base::record::DecodeError::Form)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{MemberId, PersonId};
    use crate::base::time::Timestamp;

    #[test]
    fn a_key_gives_its_id_back_and_keeps_the_order() {
        let ke = MemberId::new("KE").unwrap();
        let ke_b = MemberId::new("KE-B").unwrap();
        let early = row_key(1, &(ke, Timestamp(5)));
        let late = row_key(1, &(ke, Timestamp(256)));
        let other = row_key(1, &(ke_b, Timestamp(0)));
        assert!(early < late && late < other);
        assert_eq!(row_id::<(MemberId, Timestamp)>(1, &late), Some((ke, Timestamp(256))));
        assert_eq!(row_id::<(MemberId, Timestamp)>(2, &late), None);
        assert_eq!(row_id::<PersonId>(1, &late), None);
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_key() {
        assert_eq!(RowKey(vec![1, 0xff]).after_prefix(), Some(RowKey(vec![2])));
        assert_eq!(RowKey(vec![0xff]).after_prefix(), None);
    }
}
