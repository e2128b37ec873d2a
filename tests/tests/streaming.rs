//! Building a set streams: what it holds in memory does not grow with the owner.
//!
//! The product's own slices build a base from pages of tags that are made when they are read, over files on a disk, each slice
//! followed by what the engine commits for it. One test alone in its program, because the count is the process's. The suite
//! takes the labels of the median owner; the largest owner is a command of its own, of minutes and 1 GB of disk:
//! `KINMESH_LABELS=24000000 cargo test --release -p kinmesh-tests --test streaming -- --nocapture`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test stops by failing")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kinmesh_protocol::base::limits::{BATCH_BYTES, VALUE_BYTES};
use kinmesh_protocol::base::record::{Record, RowKey, Stored, Tree};
use kinmesh_protocol::base::{BlobId, Epoch, MemberId, Sensitive, Timestamp};
use kinmesh_protocol::engine::job::{Found, Job, run};
use kinmesh_protocol::engine::{Batch, Bulk, ReadError};
use kinmesh_protocol::person::{Audience, MatchMode};
use kinmesh_protocol::private_match::build::{Beginning, SetBuild};
use kinmesh_protocol::private_match::round::Round;
use kinmesh_protocol::private_match::tag_page::{Bearer, TagPage};
use kinmesh_protocol::private_match::{EntryId, Family, LabelKey, Tag, merge_hits};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Labels of the median owner.
const MEDIAN: u64 = 412_800;
/// Bytes that the whole build may hold at one time.
const MOST: usize = 16 * 1024 * 1024;
/// Keys of one record.
const KEYS: u64 = 48;
const EPOCH: Epoch = Epoch(7);
const FAMILY: Family = Family::Registered;

/// Labels of one page.
const PAGE: u64 = 60;

/// An owner's pages of tags, made when they are read, and files in a folder.
struct Owner {
    labels: u64,
    folder: PathBuf,
}

impl Owner {
    fn path(&self, blob: BlobId) -> PathBuf {
        self.folder.join(blob.0.map(|byte| format!("{byte:02x}")).concat())
    }

    /// Ascending, as far apart as so many hashes are.
    fn tag(&self, number: u64) -> [u8; 16] {
        let spread = u64::MAX / self.labels;
        let high = number * spread + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % spread;
        (u128::from(high) << 64 | u128::from(number)).to_be_bytes()
    }

    fn bearer(&self, number: u64) -> Bearer {
        let person = number % (self.labels / KEYS).max(1);
        let entry = EntryId(u128::from(person).to_be_bytes());
        let (audience, mode, household) = (Audience::All, MatchMode::Answer, EntryId([9; 16]));
        Bearer { tag: self.tag(number), entry, audience, mode, household, mention: None }
    }

    fn pages(&self) -> u64 {
        self.labels.div_ceil(PAGE)
    }

    fn key(&self, page: u64) -> RowKey {
        let last = self.bearer((page * PAGE + PAGE).min(self.labels) - 1);
        TagPage::key(&(EPOCH, FAMILY, last.tag, last.entry))
    }

    fn page(&self, page: u64) -> Stored {
        let bearers = (page * PAGE..(page * PAGE + PAGE).min(self.labels)).map(|number| self.bearer(number)).collect();
        Stored { version: TagPage::VERSION, value: Record::encode(&TagPage { bearers }) }
    }

    /// The number of the first page that is not before a key.
    fn first(&self, key: &RowKey) -> u64 {
        let (mut low, mut high) = (0, self.pages());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) < *key { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn commit(&self, batch: Batch) {
        for (blob, bytes) in batch.blobs {
            std::fs::write(self.path(blob), bytes).expect("a file");
        }
        for blob in batch.dropped {
            std::fs::remove_file(self.path(blob)).expect("a file that was there");
        }
    }
}

impl Bulk for Owner {
    fn read_blob(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        let mut file = File::open(self.path(blob)).map_err(|_| ReadError::Damaged)?;
        file.seek(SeekFrom::Start(at)).map_err(|_| ReadError::Damaged)?;
        file.read(into).map_err(|_| ReadError::Damaged)
    }

    fn rows(&self, tree: Tree, from: &RowKey, until: Option<&RowKey>, limit: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        assert_eq!(tree, Tree::Tags);
        let rows = (self.first(from)..self.pages()).take(limit).map(|page| (self.key(page), self.page(page)));
        Ok(rows.take_while(|(key, _)| until.is_none_or(|until| key < until)).collect())
    }
}

/// Bytes of the rows that the engine commits with a slice: the state and what the slice wrote.
fn fits<R: Record>(id: &R::Id, state: &R, writes: &Batch) -> usize {
    let value = state.encode().expose().len();
    assert!(value <= VALUE_BYTES, "a row of {value} bytes");
    let size = value + R::key(id).0.len() + writes.size();
    assert!(size <= BATCH_BYTES, "a batch of {size} bytes");
    size
}

fn snapshot(owner: &Owner) -> Round {
    let mut round = Round::next(None, FAMILY, EPOCH, Timestamp(0), 1, [[1; 32], [2; 32]]);
    let mut next = Some(Job::Round(Box::new(round.clone())));
    while let Some(job) = next {
        let output = run(job, owner).expect("a slice");
        let Found::Round(state) = output.found else { panic!("a slice of a round") };
        fits(&FAMILY, &*state, &output.writes);
        owner.commit(output.writes);
        (round, next) = (*state, output.next);
    }
    round
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Builds the base; gives its state, the largest batch and the longest slice.
fn base(owner: &Owner, round: &Round, peer: MemberId) -> (SetBuild, usize, Duration) {
    let at = Beginning {
        owner: MemberId::new("NORTH").expect("a member id"),
        peer,
        family: FAMILY,
        epoch: EPOCH,
        round: round.number,
        snapshot: round.snapshot.clone(),
        real: round.real,
    };
    let mut build = SetBuild::new(at, [3; 32], Sensitive::new([4; 32]), [5; 32]);
    let mut next = Some(Job::Build(Box::new(build.clone())));
    let (mut largest, mut longest) = (0, Duration::ZERO);
    while let Some(job) = next {
        let began = cpu();
        let output = run(job, owner).expect("a slice");
        longest = longest.max(cpu() - began);
        let Found::Built(state) = output.found else { panic!("a slice of a base") };
        largest = largest.max(fits(&(peer, FAMILY), &*state, &output.writes));
        owner.commit(output.writes);
        (build, next) = (*state, output.next);
    }
    (build, largest, longest)
}

#[test]
fn the_build_of_a_set_holds_little_however_many_labels_there_are() {
    let labels = std::env::var("KINMESH_LABELS").map_or(MEDIAN, |text| text.parse().expect("a number of labels"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let owner = Owner { labels, folder: folder.path().to_path_buf() };
    let peer = MemberId::new("SOUTH").expect("a member id");

    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let began = Instant::now();
    let round = snapshot(&owner);
    let (scanned, of_scan) = (ALLOCATED.peak_usage().saturating_sub(before), began.elapsed());
    ALLOCATED.reset_peak_usage();
    let began = Instant::now();
    let (build, largest, longest) = base(&owner, &round, peer);
    let (built, of_build) = (ALLOCATED.peak_usage().saturating_sub(before), began.elapsed());
    println!("{labels} labels: snapshot {scanned} bytes at most, {of_scan:.1?}, {} files", round.snapshot.count);
    println!("base of {} prefixes: {built} bytes at most, {of_build:.1?}, {} runs", build.total, build.runs.len());
    println!("{} segments, largest batch {largest} bytes, longest slice {longest:.1?}", build.segments.len());
    assert_eq!(round.real, labels);
    assert!(scanned <= MOST && built <= MOST, "{scanned} and {built} bytes");
    holds_what_it_should(&owner, &build, peer);
}

/// The segments tile, and hold labels from everywhere in the index.
fn holds_what_it_should(owner: &Owner, build: &SetBuild, peer: MemberId) {
    let keys = LabelKey::derive(&build.salt, &build.owner, &peer, EPOCH, FAMILY);
    let mut wanted: Vec<u64> = (0..1_000).map(|part| keys.prefix(&Tag(owner.tag(part * (owner.labels - 1) / 999)))).collect();
    wanted.sort_unstable();
    let (mut count, mut hits) = (0, 0);
    for (info, blob) in &build.segments {
        let bytes = std::fs::read(owner.path(*blob)).expect("a segment");
        let prefixes: Vec<u64> = info.reader(&bytes).expect("a sound segment").map(|prefix| prefix.expect("sound")).collect();
        count += prefixes.len() as u64;
        hits += merge_hits(&wanted, prefixes.into_iter().map(Ok::<u64, std::convert::Infallible>)).expect("sound").len();
    }
    assert_eq!((count, hits), (build.total, wanted.len()));
}
