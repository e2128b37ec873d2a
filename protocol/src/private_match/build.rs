//! How an owner builds a base as a stream: labels of a snapshot's tags, count, pad, write segments.
//!
//! The state is a row: each slice of the job gives the next state, which is committed before the next slice runs, so a
//! crash repeats one slice. Memory holds one run of prefixes or the buffers of a merge, never the set.

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_secret};
use crate::base::{BlobId, Epoch, MemberId, Sensitive};
use crate::private_match::label::Family;
use crate::private_match::manifest::SegmentInfo;
use crate::private_match::runs::Cursor;
use crate::private_match::snapshot::Files;

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

/// Where the build of one peer's base stands.
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
    /// The round whose snapshot it shows.
    #[n(5)]
    pub round: u64,
    /// Salt of the labels.
    #[cbor(n(6), with = "fixed")]
    pub salt: [u8; 32],
    /// From which dummies derive.
    #[cbor(n(7), with = "fixed_secret")]
    pub pad_seed: Sensitive<[u8; 32]>,
    /// Its own files: runs and segments.
    #[n(8)]
    pub files: Files,
    /// What the next slice does.
    #[n(9)]
    pub phase: Phase,
    /// The snapshot.
    #[n(10)]
    pub snapshot: Files,
    /// Files of the snapshot that were read.
    #[n(11)]
    pub scanned: u64,
    /// Different tags of one household each in the snapshot, hidden ones included.
    #[n(12)]
    pub real: u64,
    /// Different prefixes of visible tags.
    #[n(13)]
    pub unique: u64,
    /// Dummies still to draw.
    #[n(14)]
    pub dummies: u64,
    /// Counter of the dummies.
    #[n(15)]
    pub dummy_counter: u64,
    /// Prefixes that the set will have.
    #[n(16)]
    pub total: u64,
    /// Prefixes written so far.
    #[n(17)]
    pub written: u64,
    /// Sorted runs.
    #[n(18)]
    pub runs: Vec<BlobId>,
    /// Where the merge stands.
    #[n(19)]
    pub cursor: Cursor,
    /// Segments written so far, with their files.
    #[n(20)]
    pub segments: Vec<(SegmentInfo, BlobId)>,
    /// Prefixes written so far behind which several labels or dummies stand, with how many; one more than
    /// [`crate::private_match::delta::DOUBLES`] at most.
    #[n(21)]
    pub doubles: Vec<(u64, u32)>,
}
crate::record!(SetBuild, (MemberId, Family), SetsOut, 2, Service);

impl SetBuild {
    /// The beginning of a build. `seed` names its files.
    #[must_use]
    pub const fn new(at: Beginning, salt: [u8; 32], pad_seed: Sensitive<[u8; 32]>, seed: [u8; 32]) -> Self {
        Self {
            owner: at.owner,
            peer: at.peer,
            family: at.family,
            epoch: at.epoch,
            round: at.round,
            salt,
            pad_seed,
            files: Files::new(seed),
            phase: Phase::Scan,
            snapshot: at.snapshot,
            scanned: 0,
            real: at.real,
            unique: 0,
            dummies: 0,
            dummy_counter: 0,
            total: 0,
            written: 0,
            runs: Vec::new(),
            cursor: Cursor::none(),
            segments: Vec::new(),
            doubles: Vec::new(),
        }
    }
}

/// For whom a base is built, and of what.
pub struct Beginning {
    /// This owner.
    pub owner: MemberId,
    /// The peer that the set is for.
    pub peer: MemberId,
    /// Family of the set.
    pub family: Family,
    /// Epoch of the tags.
    pub epoch: Epoch,
    /// The round whose snapshot it shows.
    pub round: u64,
    /// The snapshot.
    pub snapshot: Files,
    /// Its labels.
    pub real: u64,
}
