//! Work that takes longer than a step: slices of at most 250 ms that the node's pool runs.
//!
//! A slice is pure: the same job over the same bulk gives the same bytes (its seed is inside). It ends in one batch and,
//! where more is to do, in a next slice that the engine commits before it runs; a crash repeats one slice. The result of
//! a job whose generation is gone is dropped.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::base::{BlobId, ClaimId, Epoch, MemberId, MsgId, PersonId, ProfileId, Seed, Sensitive, SubjectId};
use crate::engine::batch::Batch;
use crate::engine::jobs::delta::Wanted;
use crate::engine::jobs::index::IndexWave;
use crate::engine::jobs::removal::Removal;
use crate::engine::view::{Bulk, ReadError};
use crate::person::PersonRecord;
use crate::private_match::build::SetBuild;
use crate::private_match::delta::{Backing, Counts, Presence, Unfit};
use crate::private_match::entry::EntryId;
use crate::private_match::label::{Family, Tag};
use crate::private_match::manifest::SegmentInfo;
use crate::private_match::oprf::{Element, EpochSecret};
use crate::private_match::round::Round;
use crate::private_match::snapshot::Files;

/// Which work the pool takes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobClass {
    /// Somebody waits for it.
    Answer,
    /// Sets that came.
    Check,
    /// Own index and sets.
    Build,
}

/// One slice of work.
pub enum Job {
    /// Blinds the inputs of up to `limits::CASES_A_REQUEST` cases.
    Blind(BlindBatch),
    /// Evaluates a querier's elements under this owner's key, with one proof.
    Evaluate(EvaluateBatch),
    /// Checks an owner's proof, unblinds and derives tags.
    Finalize(FinalizeBatch),
    /// Tests the cached tags at one owner against segments of its set.
    Test(TestSlice),
    /// Evaluates the inputs of own records or subjects.
    Index(Box<IndexWave>),
    /// Removes the tags of entries that left the index.
    Unindex(Box<Removal>),
    /// Checks a delta against the set that it changes.
    Check(Box<DeltaCheck>),
    /// One slice of a round.
    Round(Box<Round>),
    /// One slice of building a peer's base.
    Build(Box<SetBuild>),
    /// One slice of making a peer's delta.
    Delta(Box<DeltaSlice>),
    /// Removes rows that became invisible.
    Sweep(SweepSlice),
    /// Looks for what still names an erased record.
    Remains(RemainsSlice),
    /// Compares own records that may be one person.
    Compare(Vec<PairToCompare>),
    /// Looks whether made-up people share a key with own data.
    Decoys(DecoySlice),
}

/// One case of an evaluation: everything from which its elements are made again.
#[derive(Clone)]
pub struct CaseInputs {
    /// Its pseudonym at this owner.
    pub case_ref: crate::base::CaseRef,
    /// Its secret.
    pub secret: Sensitive<[u8; 32]>,
    /// Its inputs in profile order, at most 48; dummies follow.
    pub inputs: Vec<Sensitive<Vec<u8>>>,
}

/// Blinds a request.
pub struct BlindBatch {
    /// The request's message id.
    pub request: MsgId,
    /// The owner it is for.
    pub owner: MemberId,
    /// Its cases, dummies included, in the order of the batch.
    pub cases: Vec<CaseInputs>,
}

/// Evaluates a request.
pub struct EvaluateBatch {
    /// Who asks.
    pub querier: MemberId,
    /// The request's message id.
    pub request: MsgId,
    /// The epoch's key.
    pub secret: EpochSecret,
    /// Element lists of the accepted cases, in order.
    pub cases: Vec<Vec<Element>>,
    /// Makes the proof repeatable.
    pub proof_seed: Seed,
}

/// Finalizes a response.
pub struct FinalizeBatch {
    /// The request's message id.
    pub request: MsgId,
    /// The owner that answered.
    pub owner: MemberId,
    /// The epoch it answered under.
    pub epoch: Epoch,
    /// The announced public key of that epoch.
    pub public: [u8; 32],
    /// The accepted cases, in order: their inputs, and the subject they stand for (none for a dummy).
    pub cases: Vec<(Option<SubjectId>, CaseInputs)>,
    /// Evaluated elements, 48 a case.
    pub evaluated: Vec<Element>,
    /// The proof.
    pub proof: Sensitive<[u8; 64]>,
}

/// Tests tags against a set, or against what changed of it.
pub struct TestSlice {
    /// Whose set.
    pub owner: MemberId,
    /// Who tests (part of the label's key).
    pub querier: MemberId,
    /// Family of the set.
    pub family: Family,
    /// Epoch of the set.
    pub epoch: Epoch,
    /// Number of the last set that is tested: its result counts only while its base is the held one.
    pub set_seq: u64,
    /// True: against the base and all deltas. False: against some deltas, and what they do not name stays as it is.
    pub whole: bool,
    /// The set's salt.
    pub salt: [u8; 32],
    /// Its segments, those of the last delta first: the last word about a prefix counts.
    pub segments: Vec<(SegmentInfo, BlobId)>,
    /// Segments that were tested by earlier slices.
    pub done: usize,
    /// Prefixes of tags that were found in it.
    pub found: BTreeSet<u64>,
    /// Prefixes of tags that were removed from it and not added again.
    pub gone: BTreeSet<u64>,
}

/// Checks a delta against the set that it changes.
pub struct DeltaCheck {
    /// Whose set.
    pub owner: MemberId,
    /// Family of the set.
    pub family: Family,
    /// The delta's manifest: its result counts only while that is the one that is coming.
    pub manifest_hash: [u8; 32],
    /// The delta's segments.
    pub delta: Vec<(SegmentInfo, BlobId)>,
    /// The set's segments, in the order of their sets.
    pub held: Vec<(SegmentInfo, BlobId)>,
    /// Segments of the set that were streamed.
    pub done: usize,
    /// The delta's adds and removes, and which of them were found so far; none before the first slice.
    pub lists: Option<(Vec<u64>, Vec<u64>, Presence)>,
}

/// Makes one peer's delta.
pub struct DeltaSlice {
    /// This owner.
    pub owner: MemberId,
    /// The peer that it is for.
    pub peer: MemberId,
    /// Family of the set.
    pub family: Family,
    /// Epoch of the tags.
    pub epoch: Epoch,
    /// The round whose changes it brings.
    pub round: u64,
    /// Salt of the labels.
    pub salt: [u8; 32],
    /// From which dummies derive.
    pub pad_seed: Sensitive<[u8; 32]>,
    /// What stands behind the peer's set.
    pub backing: Backing,
    /// How many prefixes it adds and removes.
    pub counts: Counts,
    /// The list of changes.
    pub changes: Files,
    /// Names its own files.
    pub files: Files,
    /// The set's segments, in the order of their sets.
    pub held: Vec<(SegmentInfo, BlobId)>,
    /// Segments of the set that were streamed.
    pub done: usize,
    /// What is looked for; none before the first slice.
    pub wanted: Option<Wanted>,
}

/// A delta that was made: its segments with their files, and what stands behind the set after it.
pub type DeltaMade = (Vec<(SegmentInfo, BlobId)>, Backing);

/// Made-up people to be checked against own data.
pub struct DecoySlice {
    /// This node's member.
    pub owner: MemberId,
    /// The epoch of its index.
    pub epoch: Epoch,
    /// The epoch's key.
    pub secret: EpochSecret,
    /// Profile of the inputs.
    pub profile: ProfileId,
    /// The labels of each one's match keys.
    pub decoys: Vec<Vec<Sensitive<String>>>,
    /// Where the next slice goes on among the sought people; none at the start.
    pub after: Option<crate::base::record::RowKey>,
}

/// Two own records to compare. The whole records: what of them is compared is not the engine's to say.
pub struct PairToCompare {
    /// Their ids, the smaller first.
    pub pair: (PersonId, PersonId),
    /// The record of the first id.
    pub first: Box<PersonRecord>,
    /// The record of the second id.
    pub second: Box<PersonRecord>,
}

/// What comparing two own records gave.
pub struct ComparedPair {
    /// Their ids, the smaller first.
    pub pair: (PersonId, PersonId),
    /// Revision of the first record that was compared.
    pub first_revision: u32,
    /// Revision of the second record that was compared.
    pub second_revision: u32,
    /// The score, in thousandths of a bit.
    pub score_milli: i64,
    /// Whether the node takes them for one person.
    pub is_duplicate: bool,
}

/// Removes rows of one tree in a key range: what became invisible, or the memory of messages that ran out.
pub struct SweepSlice {
    /// The tree.
    pub tree: crate::base::record::Tree,
    /// First key.
    pub from: crate::base::record::RowKey,
    /// First key that stays.
    pub until: Option<crate::base::record::RowKey>,
    /// Unix seconds: only what is kept until before then; all of the range, if none.
    pub expired: Option<u64>,
}

/// Looks for what names an erased record under another id.
pub struct RemainsSlice {
    /// The record.
    pub person: PersonId,
    /// First key.
    pub from: crate::base::record::RowKey,
    /// False while claims are looked through, true for pairs of duplicates.
    pub links: bool,
}

/// What still names an erased record.
pub struct RemainsFound {
    /// The record.
    pub person: PersonId,
    /// Claims that met it.
    pub claims: Vec<ClaimId>,
    /// Pairs of which it is one.
    pub pairs: Vec<(PersonId, PersonId)>,
    /// True with the last slice.
    pub complete: bool,
}

/// What a slice gives.
pub struct JobOutput {
    /// Rows and blobs to commit.
    pub writes: Batch,
    /// What the engine needs to know.
    pub found: Found,
    /// The next slice, run after the commit.
    pub next: Option<Job>,
}

/// What a slice found.
pub enum Found {
    /// Nothing that the engine must act on.
    Nothing,
    /// Elements of a request, a list a case.
    Blinded {
        /// The request.
        request: MsgId,
        /// The owner it is for.
        owner: MemberId,
        /// 48 elements a case, in order.
        elements: Vec<Vec<Element>>,
    },
    /// An answer to a querier.
    Evaluated {
        /// Who asked.
        querier: MemberId,
        /// The request.
        request: MsgId,
        /// 48 evaluated elements a case, in order.
        evaluated: Vec<Vec<Element>>,
        /// The proof.
        proof: [u8; 64],
    },
    /// Tags of a request's subjects.
    Finalized {
        /// The request.
        request: MsgId,
        /// The owner that answered.
        owner: MemberId,
        /// The epoch.
        epoch: Epoch,
        /// Tags of each subject's keys, in profile order.
        tags: Vec<(SubjectId, Vec<Tag>)>,
    },
    /// Tags that are in the owner's set.
    Hits {
        /// The owner.
        owner: MemberId,
        /// Family of the set.
        family: Family,
        /// Number of the last set that was tested.
        set_seq: u64,
        /// Subjects with the tags that were hit and their position among the subject's keys.
        hits: Vec<(SubjectId, u8, Tag)>,
        /// Subjects with the positions of keys that were hits and are not any more; with the last slice.
        lost: Vec<(SubjectId, Vec<u8>)>,
        /// True when the last segment was tested.
        complete: bool,
    },
    /// Entries that are indexed in this epoch.
    Indexed {
        /// The epoch.
        epoch: Epoch,
        /// Their family.
        family: Family,
        /// The entries, each with the turn at which it was queued.
        entries: Vec<(EntryId, u64)>,
        /// Pairs of records that share a key and may be one person.
        suspects: Vec<(PersonId, PersonId)>,
        /// False while the wave goes on.
        is_last: bool,
    },
    /// Entries whose tags of this epoch are gone.
    Unindexed {
        /// The epoch.
        epoch: Epoch,
        /// Their family.
        family: Family,
        /// How many.
        entries: u64,
        /// False while their tags are being removed.
        is_last: bool,
    },
    /// Made-up people who share no key with own data, each as the labels of its keys.
    Decoys {
        /// They.
        decoys: Vec<Vec<Sensitive<String>>>,
    },
    /// What still names an erased record.
    Remains(RemainsFound),
    /// Own records that were compared.
    Compared(Vec<ComparedPair>),
    /// A delta was checked.
    Checked {
        /// Whose.
        owner: MemberId,
        /// Family of the set.
        family: Family,
        /// The delta's manifest.
        manifest_hash: [u8; 32],
        /// Whether it fits the set; none if the check goes on.
        fits: Option<bool>,
    },
    /// One slice of a round is done; the state says which is next.
    Round(Box<Round>),
    /// One slice of a base is built; the state says whether it is whole.
    Built(Box<SetBuild>),
    /// One slice of a delta is made.
    Delta {
        /// The peer that it is for.
        peer: MemberId,
        /// Family of the set.
        family: Family,
        /// The round whose changes it brings.
        round: u64,
        /// What was made, or why a base takes its place; none if the making goes on.
        made: Option<Box<Result<DeltaMade, Unfit>>>,
    },
}

/// Why a slice gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JobFailure {
    /// A stored value could not be read.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// An element of the other side is the identity, not canonical or not in the group.
    #[error("an element is not acceptable")]
    Element,
    /// The owner's proof does not hold for the announced key.
    #[error("the owner's proof does not hold")]
    Proof,
    /// A segment is not what its manifest says.
    #[error("a segment is not what its manifest says")]
    Corrupt,
}

/// Runs one slice.
///
/// # Errors
/// [`JobFailure`]; nothing of the slice counts then.
pub fn run(work: Job, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    use crate::engine::jobs;
    match work {
        Job::Blind(batch) => jobs::evaluation::blind(&batch),
        Job::Evaluate(batch) => jobs::evaluation::evaluate(&batch),
        Job::Finalize(batch) => jobs::evaluation::finalize(&batch),
        Job::Test(slice) => jobs::test::run(slice, bulk),
        Job::Check(check) => jobs::check::run(*check, bulk),
        Job::Round(round) => jobs::round::run(*round, bulk),
        Job::Delta(slice) => jobs::delta::run(*slice, bulk),
        Job::Index(wave) => jobs::index::run(wave, bulk),
        Job::Unindex(removal) => jobs::removal::run(removal, bulk),
        Job::Build(state) => jobs::build::run(*state, bulk),
        Job::Remains(slice) => jobs::remains::run(slice, bulk),
        Job::Sweep(slice) => jobs::sweep::run(slice, bulk),
        Job::Decoys(slice) => jobs::decoys::run(slice, bulk),
        Job::Compare(pairs) => Ok(jobs::compare::run(&pairs)),
    }
}
