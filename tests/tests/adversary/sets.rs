//! Sets of a hostile owner: too large, not in their one form, as full as they may be.

use std::time::Instant;

use kinmesh_protocol::base::limits::BASE_CLASS;
use kinmesh_protocol::base::{Sensitive, cbor};
use kinmesh_protocol::engine::{NoticeCode, Receipt};
use kinmesh_protocol::envelope::Refusal;
use kinmesh_protocol::linkage::profile_id;
use kinmesh_protocol::private_match::manifest::PREFIX_BITS;
use kinmesh_protocol::private_match::owner::SetOut;
use kinmesh_protocol::private_match::querier::{HeldPart, SetIn};
use kinmesh_protocol::private_match::set::{PREFIX_END, byte_bounds, encode_segment, parameter, segment_size};
use kinmesh_protocol::private_match::{
    Family, ReceiptStatus, SegmentInfo, SegmentKind, SegmentReader, SetCorrupt, SetKind, SetManifest, SetReceipt, SetSegment,
    merge_hits, padding,
};
use kinmesh_tests::simulation::Setup;
use kinmesh_tests::simulation::desks::register;
use kinmesh_tests::simulation::hostile::{Hostile, epoch_of, member_at};
use kinmesh_tests::simulation::people;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::{DAY, HOUR, noticed, two};

const MANIFEST: u64 = 20;
const SEGMENT: u64 = 21;
const RECEIPT: u64 = 23;
/// What the members of these networks attest.
const PEOPLE_CAP: u64 = 16_384;

/// Different prefixes in ascending order.
pub fn random_prefixes(seed: u64, count: u64) -> Vec<u64> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut prefixes = std::collections::BTreeSet::new();
    while (prefixes.len() as u64) < count {
        prefixes.insert(rng.next_u64() % PREFIX_END);
    }
    prefixes.into_iter().collect()
}

/// A base of any prefixes, cut and tiled as the rules say, and the bytes of its segments.
pub fn base(setup: &Setup, owner: &Hostile, querier: usize, seq: u64, prefixes: &[u64]) -> (SetManifest, Vec<Vec<u8>>) {
    let (epoch, key) = epoch_of(setup, owner.node);
    let size = segment_size(prefixes.len() as u64);
    let chunks: Vec<&[u64]> = prefixes.chunks(size).collect();
    let (mut segments, mut bytes) = (Vec::new(), Vec::new());
    for (place, chunk) in chunks.iter().enumerate() {
        let lo = if place == 0 { 0 } else { chunk[0] };
        let hi = chunks.get(place + 1).map_or(PREFIX_END, |next| next[0]);
        let (k, encoded) = encode_segment(lo, hi, chunk).expect("sorted prefixes");
        segments.push(SegmentInfo {
            kind: SegmentKind::Add,
            lo,
            hi,
            count: chunk.len() as u64,
            k,
            len: encoded.len() as u64,
            sha256: Sha256::digest(&encoded).into(),
        });
        bytes.push(encoded);
    }
    let out: Option<SetOut> = setup.world.nodes[owner.node].store.peek(&(member_at(setup, querier), Family::Registered));
    let held = out.as_ref();
    let manifest = SetManifest {
        family: Family::Registered,
        epoch,
        profile: profile_id(),
        set_seq: seq,
        prev_manifest_hash: held.map_or([0; 32], |held| held.manifest_hash),
        kind: SetKind::Base,
        base_seq: seq,
        voprf_pk: key.public,
        salt: held.map_or_else(|| Sensitive::new([5; 32]), |held| held.salt.clone()),
        prefix_bits: PREFIX_BITS,
        adds_count: prefixes.len() as u64,
        removes_count: 0,
        segments,
        next_due: setup.world.now().seconds() + 24,
    };
    (manifest, bytes)
}

/// The last set of an owner that counts at a querier.
pub fn held(setup: &Setup, owner: usize, querier: usize) -> Option<HeldPart> {
    let (owner, store) = (member_at(setup, owner), &setup.world.nodes[querier].store);
    let held = store.peek::<SetIn>(&(owner, Family::Registered)).and_then(|set| set.held)?;
    store.peek(&(owner, Family::Registered, held.head.set_seq))
}

/// Says a manifest and every segment of it.
pub fn ship(setup: &mut Setup, owner: &mut Hostile, querier: usize, manifest: &SetManifest, bytes: &[Vec<u8>]) {
    owner.say(setup, querier, MANIFEST, manifest);
    for (index, bytes) in bytes.iter().enumerate() {
        setup.world.run_for(10);
        let segment = SetSegment {
            family: manifest.family,
            epoch: manifest.epoch,
            set_seq: manifest.set_seq,
            index: u32::try_from(index).expect("few segments"),
            kind: manifest.segments[index].kind,
            bytes: bytes.clone(),
        };
        let (receipt, _) = owner.say(setup, querier, SEGMENT, &segment);
        assert_eq!(receipt, Receipt::Committed, "it is looked at, whatever comes of it");
    }
    setup.world.run_for(HOUR);
}

/// NORTH built its set and SOUTH holds it; from then on NORTH is the test's.
fn owner_with_a_good_set(seed: u64) -> (Setup, Hostile, usize, HeldPart) {
    let (mut setup, north, south) = two(seed);
    register(&mut setup, north, people::registered());
    assert!(setup.world.run_until(3 * DAY, |world| {
        let id = (kinmesh_protocol::base::MemberId::new("NORTH").expect("an id"), Family::Registered);
        world.nodes[south].store.peek::<SetIn>(&id).is_some_and(|set| set.held.is_some())
    }));
    setup.world.run_for(HOUR);
    let good = held(&setup, north, south).expect("a set");
    let owner = Hostile::puppet(&mut setup, 0);
    setup.world.run_for(2 * HOUR);
    (setup, owner, south, good)
}

// SE-4.
#[test]
fn attack_01_a_set_beyond_the_attested_size_is_refused() {
    let (mut setup, mut owner, south, good) = owner_with_a_good_set(1);
    let limit = padding::limit(PEOPLE_CAP);
    let seq = good.manifest.set_seq + 1;
    let (manifest, _) = base(&setup, &owner, south, seq, &random_prefixes(1, limit + BASE_CLASS));
    owner.say(&mut setup, south, MANIFEST, &manifest);
    setup.world.run_for(HOUR);
    assert_eq!(noticed(&setup, south, NoticeCode::Refused), [Refusal::SetCorrupt.code()], "an alarm");
    assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, good.manifest, "the last good set is kept");
    // The largest legal one is taken.
    let (manifest, bytes) = base(&setup, &owner, south, seq, &random_prefixes(2, limit));
    ship(&mut setup, &mut owner, south, &manifest, &bytes);
    assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, manifest);
}

/// Bits as a segment has them: from the top of each byte.
fn bits(runs: &[(u64, u64)], k: u8, ones_first: u64) -> Vec<u8> {
    let mut all: Vec<bool> = std::iter::repeat_n(true, usize::try_from(ones_first).expect("few")).collect();
    for (run, low) in runs {
        all.extend(std::iter::repeat_n(true, usize::try_from(*run).expect("few")));
        all.push(false);
        all.extend((0..k).rev().map(|place| low >> place & 1 == 1));
    }
    all.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (place, bit)| sum | u8::from(*bit) << (7 - place))).collect()
}

/// A list whose first segment does not end with a byte, so that there is a bit behind its last prefix.
fn list_with_room(setup: &Setup, owner: &Hostile, querier: usize) -> Vec<u64> {
    let has_room = |seed: &u64| {
        let (manifest, mut bytes) = base(setup, owner, querier, 0, &random_prefixes(*seed, 4 * BASE_CLASS));
        *bytes[0].last_mut().expect("bytes") |= 1;
        let segment = &manifest.segments[0];
        let reader = SegmentReader::new(&bytes[0], segment.lo, segment.hi, segment.count, segment.k).expect("a frame");
        reader.last() == Some(Err(SetCorrupt::Trailing))
    };
    random_prefixes((3..).find(has_room).expect("most lists"), 4 * BASE_CLASS)
}

/// Bytes that are no form of the first segment of a set.
fn corrupt(honest: &SetManifest, bytes: &[Vec<u8>]) -> [(&'static str, Vec<u8>); 8] {
    let (first, whole) = (&honest.segments[0], &bytes[0]);
    let (_, most) = byte_bounds(first.lo, first.hi, first.count).expect("a frame");
    let mut last_bit = whole.clone();
    *last_bit.last_mut().expect("bytes") |= 1;
    // Every one bit is a step of 2^k: the list goes beyond its range at once.
    let mut outside = bits(&[(1 << 15, 0)], first.k, 0);
    outside.resize(whole.len(), 0);
    [
        ("a bit behind the last prefix", last_bit),
        ("a byte behind the last prefix", [&whole[..], &[0]].concat()),
        ("truncated", whole[..whole.len() - 3].to_vec()),
        ("one unary run without an end", vec![0xff; usize::try_from(most).expect("small")]),
        ("a prefix outside its range", outside),
        ("another segment's bytes", bytes[1].clone()),
        ("nothing", Vec::new()),
        ("zeros: every prefix follows the one before", vec![0; whole.len()]),
    ]
}

// SE-3, SE-5, SE-7.
#[test]
fn attack_02_a_set_that_is_not_in_its_one_form_is_thrown_away() {
    let (mut setup, mut owner, south, good) = owner_with_a_good_set(2);
    let prefixes = list_with_room(&setup, &owner, south);
    let (honest, honest_bytes) = base(&setup, &owner, south, 0, &prefixes);
    let mut seq = good.manifest.set_seq;
    for (what, bytes) in corrupt(&honest, &honest_bytes) {
        seq += 1;
        let (mut manifest, _) = base(&setup, &owner, south, seq, &prefixes);
        manifest.segments[0].len = bytes.len() as u64;
        manifest.segments[0].sha256 = Sha256::digest(&bytes).into();
        let mark = setup.world.delivered.len();
        let discarded = noticed(&setup, south, NoticeCode::SetDiscarded).len();
        let refused = noticed(&setup, south, NoticeCode::Refused).len();
        let began = Instant::now();
        ship(&mut setup, &mut owner, south, &manifest, &[bytes]);
        assert!(began.elapsed().as_secs_f64() < 1.0, "{what}: {:?}", began.elapsed());
        let said = noticed(&setup, south, NoticeCode::SetDiscarded).len() + noticed(&setup, south, NoticeCode::Refused).len();
        assert!(said > discarded + refused, "{what}: no alarm");
        assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, good.manifest, "{what}: it counts");
        if noticed(&setup, south, NoticeCode::SetDiscarded).len() > discarded {
            let receipts = owner.heard(&setup, mark).into_iter().filter(|heard| heard.message.header.kind == RECEIPT);
            let told = receipts.map(|heard| cbor::decode::<SetReceipt>(&heard.message.body).expect("a receipt"));
            assert!(
                told.into_iter().any(|told| (told.set_seq, told.status) == (seq, ReceiptStatus::Corrupt)),
                "{what}: not told"
            );
        }
    }
    // The honest one of the same list is taken after all of that.
    let (manifest, bytes) = base(&setup, &owner, south, seq + 1, &prefixes);
    ship(&mut setup, &mut owner, south, &manifest, &bytes);
    assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, manifest);
}

#[test]
fn attack_02_a_manifest_that_does_not_add_up_is_refused() {
    let (mut setup, mut owner, south, good) = owner_with_a_good_set(102);
    let prefixes = random_prefixes(4, 4 * BASE_CLASS);
    let mut seq = good.manifest.set_seq;
    type Change = fn(&mut SetManifest);
    let changes: [(&str, Change); 9] = [
        ("counts that do not add up", |set| set.segments[0].count -= 1),
        ("a count that is no class", |set| set.adds_count -= 1),
        ("a gap between segments", |set| set.segments[0].hi -= 1),
        ("a segment that begins elsewhere", |set| set.segments[1].lo += 1),
        ("another parameter", |set| set.segments[0].k -= 1),
        ("segments the other way round", |set| set.segments.reverse()),
        ("a count that no bytes hold", |set| set.segments[0].len = 1),
        ("a range beyond the end", |set| set.segments.last_mut().expect("one").hi = PREFIX_END + 1),
        ("another width", |set| set.prefix_bits = 32),
    ];
    for (what, change) in changes {
        seq += 1;
        let (mut manifest, _) = base(&setup, &owner, south, seq, &prefixes);
        change(&mut manifest);
        let refused = noticed(&setup, south, NoticeCode::Refused).len();
        owner.say(&mut setup, south, MANIFEST, &manifest);
        setup.world.run_for(100);
        let said = noticed(&setup, south, NoticeCode::Refused);
        assert_eq!(said.get(refused..), Some(&[Refusal::SetCorrupt.code()][..]), "{what}");
        assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, good.manifest, "{what}");
    }
}

// SE-1, SE-2.
#[test]
fn attack_04_a_set_that_is_replayed_forked_or_meant_for_another_does_not_count() {
    let (mut setup, mut owner, south, good) = owner_with_a_good_set(4);
    let seq = good.manifest.set_seq + 1;
    let (next, bytes) = base(&setup, &owner, south, seq, &random_prefixes(41, BASE_CLASS));
    // In the making: another one of the same number is a fork.
    owner.say(&mut setup, south, MANIFEST, &next);
    let (fork, _) = base(&setup, &owner, south, seq, &random_prefixes(42, BASE_CLASS));
    owner.say(&mut setup, south, MANIFEST, &fork);
    assert_eq!(noticed(&setup, south, NoticeCode::Refused), [Refusal::SetChain.code()], "a fork");
    ship(&mut setup, &mut owner, south, &next, &bytes);
    assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, next);
    owner.say(&mut setup, south, MANIFEST, &fork);
    let codes = noticed(&setup, south, NoticeCode::Refused);
    assert_eq!(codes.get(1..), Some(&[Refusal::SetChain.code()][..]), "a fork of what is held");
    // The one before, and this one again: nothing happens to what is held, and nothing is asked for.
    let before = setup.world.nodes[south].store.peek::<SetIn>(&(owner.member, Family::Registered)).expect("sets").coming;
    for old in [&good.manifest, &next] {
        owner.say(&mut setup, south, MANIFEST, old);
        setup.world.run_for(HOUR);
        let now = setup.world.nodes[south].store.peek::<SetIn>(&(owner.member, Family::Registered)).expect("sets").coming;
        assert_eq!(now.map(|set| set.manifest), before.as_ref().map(|set| set.manifest.clone()));
        assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, next);
    }
    // Of another epoch, another key, another profile.
    type Change = fn(&mut SetManifest);
    let changes: [(Refusal, Change); 3] = [
        (Refusal::Epoch, |set| set.epoch.0 += 1),
        (Refusal::Epoch, |set| set.voprf_pk[0] ^= 1),
        (Refusal::Profile, |set| set.profile = kinmesh_protocol::base::ProfileId::new("v0").expect("a profile")),
    ];
    for (code, change) in changes {
        let (mut manifest, _) = base(&setup, &owner, south, seq + 1, &random_prefixes(43, BASE_CLASS));
        change(&mut manifest);
        let said = noticed(&setup, south, NoticeCode::Refused).len();
        owner.say(&mut setup, south, MANIFEST, &manifest);
        assert_eq!(noticed(&setup, south, NoticeCode::Refused).get(said..), Some(&[code.code()][..]));
    }
    // A manifest for another member, in a cell for this one.
    let header = kinmesh_protocol::envelope::Header {
        to: Some(kinmesh_protocol::base::Party::Member(owner.member)),
        ..owner.header(&setup, south, MANIFEST)
    };
    let message = owner.sign(&header, &next);
    let cell = owner.cell(&setup, south, kinmesh_protocol::envelope::CellKind::Set, &[message]);
    assert_eq!(owner.offer(&mut setup, south, cell), Receipt::Refused(6), "E_CONTEXT");
    assert_eq!(held(&setup, owner.node, south).expect("a set").manifest, next);
}

#[test]
fn attack_03_the_fullest_hostile_set_hits_no_random_label() {
    const LABELS: usize = 1_000_000;
    let limit = padding::limit(PEOPLE_CAP);
    let step = PREFIX_END / limit;
    // As a liar would choose them: evenly spread, in one heap, and at random.
    let shapes: [(&str, Vec<u64>); 3] = [
        ("even", (0..limit).map(|place| place * step).collect()),
        ("one heap", (0..limit).map(|place| (1 << 47) + place).collect()),
        ("random", random_prefixes(33, limit)),
    ];
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut wanted: Vec<u64> = (0..LABELS).map(|_| rng.next_u64() >> 16).collect();
    wanted.sort_unstable();
    for (what, prefixes) in shapes {
        let mut hits = 0;
        let size = segment_size(limit);
        let chunks: Vec<&[u64]> = prefixes.chunks(size).collect();
        for (place, chunk) in chunks.iter().enumerate() {
            let lo = if place == 0 { 0 } else { chunk[0] };
            let hi = chunks.get(place + 1).map_or(PREFIX_END, |next| next[0]);
            let Ok((k, bytes)) = encode_segment(lo, hi, chunk) else {
                // So uneven a list has no form that a reader takes.
                assert_eq!(what, "one heap");
                continue;
            };
            assert_eq!(k, parameter(lo, hi, chunk.len() as u64).expect("a frame"));
            let info = SegmentInfo {
                kind: SegmentKind::Add,
                lo,
                hi,
                count: chunk.len() as u64,
                k,
                len: bytes.len() as u64,
                sha256: Sha256::digest(&bytes).into(),
            };
            hits += merge_hits(&wanted, info.reader(&bytes).expect("a sound segment")).expect("a sound segment").len();
        }
        println!("{what}: {hits} of {LABELS} random labels hit a set of {limit}");
        assert!(hits <= 1, "{what}: {hits} hits, the rule gives {}", LABELS as f64 * limit as f64 / PREFIX_END as f64);
    }
}
