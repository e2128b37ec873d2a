//! What a hostile owner's set and a hostile sender's cell cost: memory in proportion to their own bytes, and little time.
//!
//! One test alone in its program, because the count of bytes is the process's. protocol.md 3.4 and 3.6 say the bounds.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::time::{Duration, Instant};

use ed25519_dalek::{SigningKey, VerifyingKey};
use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{CellId, Draw, Epoch, Kid, MemberId, Millis, NetworkId, Party, Sensitive, Timestamp, cbor};
use kinmesh_protocol::engine::bundle_in::CommittedBody;
use kinmesh_protocol::envelope::{Addressee, Cell, CellHeader, CellKind, KeyRing, Refusal, SealSecret, Unverified, kid_of, seal};
use kinmesh_protocol::linkage::profile_id;
use kinmesh_protocol::private_match::manifest::{PREFIX_BITS, SegmentInfo, SegmentKind, SetKind, SetManifest};
use kinmesh_protocol::private_match::set::PREFIX_END;
use kinmesh_protocol::private_match::{EvalRequest, Family, SegmentReader};
use kinmesh_protocol::wire::bundle::BundleReader;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes that any judgement may take beside what it judges: errors, a growing list's first steps.
const SLACK: usize = 64 * 1024;
/// Time for any of them, on a busy machine without optimisation.
const MOST_TIME: Duration = Duration::from_secs(1);
/// Prefixes of a large segment.
const LARGE: usize = 61_440;

#[test]
fn hostile_sets_and_cells_cost_in_proportion_to_their_bytes() {
    segments();
    manifests();
    bodies();
    cells();
    bundles();
}

/// Runs something and holds what it allocates at one time, and how long it takes, against its bounds.
fn cost(name: &str, declared: usize, mut judge: impl FnMut()) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let began = Instant::now();
    judge();
    let (took, peak) = (began.elapsed(), ALLOCATED.peak_usage().saturating_sub(before));
    println!("{name}: {peak} bytes for {declared} declared, {took:?}");
    assert!(peak <= 2 * declared + SLACK, "{name}: {peak} bytes for {declared}");
    assert!(took <= MOST_TIME, "{name}: {took:?}");
}

fn segments() {
    let mut draw = Draw::new([1; 32]);
    let mut prefixes: Vec<u64> = (0..LARGE).map(|_| draw.below(PREFIX_END)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    let (info, sound) = SegmentInfo::build(SegmentKind::Add, 0, PREFIX_END, &prefixes).expect("a segment");
    let read = |bytes: &[u8], count: u64| {
        if let Ok(reader) = SegmentReader::new(bytes, 0, PREFIX_END, count, info.k) {
            assert!(reader.take_while(Result::is_ok).count() as u64 <= count);
        }
    };
    let mut garbage = vec![0; sound.len()];
    garbage.iter_mut().for_each(|byte| *byte = draw.below(256) as u8);
    for (name, bytes) in [
        ("a sound segment", sound.clone()),
        ("ones alone", vec![0xff; sound.len()]),
        ("zeros alone", vec![0; sound.len()]),
        ("random bytes", garbage),
        ("another end", [&sound[..sound.len() - 1], &[0xff]].concat()),
    ] {
        cost(name, bytes.len(), || read(&bytes, info.count));
        cost("the same with a count that the bytes cannot hold", bytes.len(), || read(&bytes, u64::MAX));
        cost("the same with the largest count", bytes.len(), || read(&bytes, PREFIX_END));
    }
}

fn manifest(segments: Vec<SegmentInfo>, adds_count: u64) -> SetManifest {
    SetManifest {
        family: Family::Registered,
        epoch: Epoch(1),
        profile: profile_id(),
        set_seq: 1,
        prev_manifest_hash: [0; 32],
        kind: SetKind::Base,
        base_seq: 1,
        voprf_pk: [1; 32],
        salt: Sensitive::new([2; 32]),
        prefix_bits: PREFIX_BITS,
        adds_count,
        removes_count: 0,
        segments,
        next_due: 1,
    }
}

/// As many segments as 64 KiB name, each with numbers of its sender's choice.
fn manifests() {
    let info = |lo: u64, hi: u64, count: u64, len: u64| SegmentInfo {
        kind: SegmentKind::Add,
        lo,
        hi,
        count,
        k: 1,
        len,
        sha256: [3; 32],
    };
    let many = |of: fn(u64) -> (u64, u64, u64, u64)| -> Vec<SegmentInfo> {
        (0..800)
            .map(|place| {
                let (lo, hi, count, len) = of(place);
                info(lo, hi, count, len)
            })
            .collect()
    };
    for (name, segments, adds) in [
        ("numbers as large as they go", many(|_| (0, i64::MAX as u64, i64::MAX as u64, i64::MAX as u64)), i64::MAX as u64),
        ("overlapping ranges", many(|_| (0, PREFIX_END, 61_440, 200_000)), 800 * 61_440),
        ("ranges of nothing", many(|place| (place, place, 0, 0)), 0),
        ("one number a segment", many(|place| (place, place + 1, 1, 1)), 800),
    ] {
        let bytes = cbor::encode(&manifest(segments, adds));
        assert!(bytes.len() < 64 * 1024);
        cost(name, 2 * bytes.len(), || {
            let read: Result<SetManifest, _> = cbor::decode(&bytes);
            assert!(read.is_err() || read.is_ok_and(|read| read.shape(1 << 40).is_err()), "{name} is taken for a set");
        });
    }
}

/// Lists that announce more than they hold.
fn bodies() {
    let announced = |head: &[u8]| [head, &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0; 4_000]].concat();
    let committed = announced(&[0xa1, 0x01]);
    cost("a list of 2^63 ids", committed.len(), || assert!(cbor::decode::<CommittedBody>(&committed).is_err()));
    let request = announced(&[&[0xa4, 0x01, 0x07, 0x02, 0x58, 0x20][..], &[0; 32], &[0x03]].concat());
    cost("a batch of 2^63 cases", request.len(), || assert!(cbor::decode::<EvalRequest>(&request).is_err()));
    let deep = vec![0x81; 64 * 1024];
    cost("65,536 levels", deep.len(), || assert!(cbor::decode::<SetManifest>(&deep).is_err()));
}

struct OneKey(VerifyingKey);

impl KeyRing for OneKey {
    fn verifying_key(&self, _: Party, kid: Kid, _: u64) -> Result<VerifyingKey, Refusal> {
        (kid == kid_of(self.0.as_bytes())).then_some(self.0).ok_or(Refusal::KeyUnknown)
    }
}

/// The largest cell, filled with as many messages as it may hold: none of them has the shape of one.
fn cells() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let secret = SealSecret::from_bytes([9; 32]);
    let network = NetworkId::new("kin-test").expect("a network id");
    let [be, ke] = ["BE", "KE"].map(|id| MemberId::new(id).expect("a member id"));
    let header = CellHeader {
        kind: CellKind::Set,
        from: be,
        to: ke,
        cell_id: CellId([4; 16]),
        created: 1_800_000_000,
        expires: 1_800_000_100,
        recipient_key_id: secret.public().key_id(),
    };
    let class = 256 * 1_024;
    let empty = vec![Vec::new(); class - 5];
    let bytes = seal(&network, &header, &empty, class, &secret.public(), &key, &mut Draw::new([5; 32])).expect("a cell");
    drop(empty);
    let me = Addressee::Party(Party::Member(ke));
    let (now, skew, life) = (Timestamp::from_seconds(1_800_000_000), Millis::hours(24), Millis::days(35));
    // Its payload, what is signed in a list that grows, the ciphertext: five times an item of at most 1 MiB, and one at a time.
    cost("a cell of 262,139 empty messages", 5 * bytes.len() / 2, || {
        let opened = Unverified::<Cell>::parse(&bytes, ITEM_BYTES)
            .and_then(|cell| cell.verify(&network, me, &OneKey(key.verifying_key()), now, skew, life))
            .and_then(|cell| cell.open(&network, &secret));
        assert_eq!(opened, Err(Refusal::Encoding));
    });
}

/// A file that announces items which it does not hold.
fn bundles() {
    let file = [&b"KINMESH1\x00\x10\x00\x00"[..], &[1; 1_000]].concat();
    cost("a bundle that ends within an item of 1 MiB", file.len(), || {
        let mut reader = BundleReader::new();
        reader.push(&file).expect("a short file");
        assert_eq!(reader.take_item(), Ok(None));
        assert!(reader.finish().is_err());
    });
    let many = [&b"KINMESH1"[..], &[0, 0, 0, 1, 7].repeat(200_000)].concat();
    cost("a bundle of 200,000 items of a byte", many.len(), || {
        let mut reader = BundleReader::new();
        let mut items = 0;
        for piece in many.chunks(64 * 1_024) {
            reader.push(piece).expect("a short file");
            while reader.take_item().expect("items").is_some() {
                items += 1;
            }
        }
        assert_eq!(items, 200_000);
    });
}
