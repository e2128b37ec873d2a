//! How an owner builds a peer's set as a stream: scan the tags, count, pad, write segments.
//!
//! The state is a row: each slice of the job gives the next state, which is committed before the next slice runs, so a
//! crash repeats one slice. Memory holds one run of prefixes or the buffers of a merge, never the set.

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_secret};
use crate::base::{BlobId, Epoch, MemberId, Sensitive};
use crate::private_match::label::Family;
use crate::private_match::manifest::SegmentInfo;
use crate::private_match::runs::Cursor;

/// What the next slice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Phase {
    /// Turns tags into prefixes and sorts them into runs.
    #[n(1)]
    Scan,
    /// Merges the runs once to count the different prefixes.
    #[n(2)]
    Count,
    /// Draws dummies into further runs.
    #[n(3)]
    Pad,
    /// Merges all runs into segments.
    #[n(4)]
    Write,
    /// The set is whole.
    #[n(5)]
    Done,
}

/// Where the build of one peer's set stands.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SetBuild {
    /// This owner.
    #[n(1)]
    pub owner: MemberId,
    /// The peer that the set is for.
    #[n(2)]
    pub peer: MemberId,
    /// Family of the set.
    #[n(3)]
    pub family: Family,
    /// Epoch of the tags.
    #[n(4)]
    pub epoch: Epoch,
    /// Sequence that the set will have.
    #[n(5)]
    pub set_seq: u64,
    /// Generation of the index when the build began.
    #[n(6)]
    pub generation: u64,
    /// Salt of the labels.
    #[cbor(n(7), with = "fixed")]
    pub salt: [u8; 32],
    /// From which dummies derive.
    #[cbor(n(8), with = "fixed_secret")]
    pub pad_seed: Sensitive<[u8; 32]>,
    /// From which the ids of files derive.
    #[cbor(n(9), with = "fixed")]
    pub seed: [u8; 32],
    /// Files named so far.
    #[n(10)]
    pub files: u64,
    /// What the next slice does.
    #[n(11)]
    pub phase: Phase,
    /// Key of the last tag row that was scanned.
    #[cbor(n(12), with = "minicbor::bytes")]
    pub after: Vec<u8>,
    /// Different tags of one household each so far, hidden ones included.
    #[n(13)]
    pub real: u64,
    /// Different prefixes of visible tags.
    #[n(14)]
    pub unique: u64,
    /// Dummies still to draw.
    #[n(15)]
    pub dummies: u64,
    /// Counter of the dummies.
    #[n(16)]
    pub dummy_counter: u64,
    /// Prefixes that the set will have.
    #[n(17)]
    pub total: u64,
    /// Prefixes written so far.
    #[n(18)]
    pub written: u64,
    /// Sorted runs.
    #[n(19)]
    pub runs: Vec<BlobId>,
    /// Where the merge stands.
    #[n(20)]
    pub cursor: Cursor,
    /// Segments written so far, with their files.
    #[n(21)]
    pub segments: Vec<(SegmentInfo, BlobId)>,
    /// Different tags so far that more than one household carries; they are in no set.
    #[n(22)]
    pub cut: u64,
}
crate::record!(SetBuild, (MemberId, Family), SetsOut, 2, Service);

impl SetBuild {
    /// Names the next file.
    pub fn next_file(&mut self) -> BlobId {
        use sha2::{Digest, Sha256};
        let hash: [u8; 32] = Sha256::new()
            .chain_update(b"kinmesh/file/1")
            .chain_update(self.seed)
            .chain_update(self.files.to_be_bytes())
            .finalize()
            .into();
        self.files += 1;
        let mut id = [0u8; 16];
        for (slot, byte) in id.iter_mut().zip(hash) {
            *slot = byte;
        }
        BlobId(id)
    }
}
