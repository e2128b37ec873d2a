//! A base, a delta, and segments at the edges of the code.

use kinmesh_protocol::base::{Sensitive, cbor};
use kinmesh_protocol::linkage::profile_id;
use kinmesh_protocol::private_match::manifest::{PREFIX_BITS, SegmentInfo, SegmentKind, SetKind, SetManifest};
use kinmesh_protocol::private_match::padding::Dummies;
use kinmesh_protocol::private_match::set::PREFIX_END;
use kinmesh_protocol::private_match::{EpochSecret, Family, LabelKey, SegmentReader, tag};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fixture::{EPOCH, NOW, be, epoch_secret, hex, ke, seed};
use crate::matching::inputs;

/// Prefixes of the labels of the example's two keys, and dummies: one class of a base.
fn base_prefixes() -> Vec<u64> {
    let key = LabelKey::derive(&seed("salt"), &ke(), &be(), EPOCH, Family::Registered);
    let secret: EpochSecret = epoch_secret();
    let mut prefixes: Vec<u64> = inputs().iter().take(2).map(|input| key.prefix(&tag(&secret.evaluate(input)))).collect();
    let own = prefixes.clone();
    let mut dummies = Dummies::new(Sensitive::new(seed("pad")), 0);
    prefixes.extend(dummies.draw(4_096 - own.len() as u64));
    prefixes.sort_unstable();
    prefixes
}

fn manifest(kind: SetKind, set_seq: u64, segments: Vec<SegmentInfo>, previous: [u8; 32]) -> SetManifest {
    let count = |of: SegmentKind| segments.iter().filter(|info| info.kind == of).map(|info| info.count).sum();
    SetManifest {
        family: Family::Registered,
        epoch: EPOCH,
        profile: profile_id(),
        set_seq,
        prev_manifest_hash: previous,
        kind,
        base_seq: 1,
        voprf_pk: epoch_secret().public(),
        salt: Sensitive::new(seed("salt")),
        prefix_bits: PREFIX_BITS,
        adds_count: count(SegmentKind::Add),
        removes_count: count(SegmentKind::Remove),
        segments,
        next_due: NOW + 86_400,
    }
}

/// The manifest of a base, and its one segment.
pub fn base() -> (SetManifest, Vec<u8>) {
    let mut tiled = SegmentInfo::tile(SegmentKind::Add, &base_prefixes()).expect("a segment");
    let (info, bytes) = tiled.remove(0);
    assert!(tiled.is_empty());
    (manifest(SetKind::Base, 1, vec![info], [0; 32]), bytes)
}

/// The manifest of a delta behind the base: 512 adds, 512 removes.
fn delta() -> (SetManifest, Vec<Vec<u8>>) {
    let dummies = Dummies::new(Sensitive::new(seed("pad")), 0);
    let mut adds: Vec<u64> = (10_000..10_512).map(|counter| dummies.candidate(counter)).collect();
    adds.sort_unstable();
    let removes: Vec<u64> = base_prefixes().into_iter().step_by(8).collect();
    let (base, _) = base();
    let (add, add_bytes) = SegmentInfo::tile(SegmentKind::Add, &adds).expect("a segment").remove(0);
    let (remove, remove_bytes) = SegmentInfo::tile(SegmentKind::Remove, &removes).expect("a segment").remove(0);
    (manifest(SetKind::Delta, 2, vec![add, remove], base.hash()), vec![add_bytes, remove_bytes])
}

fn shown(manifest: &SetManifest, segments: &[&[u8]], prefixes: &[Vec<u64>]) -> Value {
    let segments: Vec<Value> = manifest
        .segments
        .iter()
        .zip(segments)
        .zip(prefixes)
        .map(|((info, bytes), prefixes)| {
            let text: String = prefixes.iter().map(|prefix| format!("{prefix:012x}\n")).collect();
            json!({
                "kind": info.kind as u8, "lo": info.lo, "hi": info.hi, "count": info.count, "k": info.k, "len": info.len,
                "sha256": hex(&info.sha256), "bytes": hex(bytes),
                "prefixes_sha256": hex(&Sha256::digest(text)),
                "first": prefixes.first().map(|prefix| format!("{prefix:012x}")),
                "last": prefixes.last().map(|prefix| format!("{prefix:012x}")),
            })
        })
        .collect();
    json!({ "manifest": hex(&cbor::encode(manifest)), "manifest_hash": hex(&manifest.hash()), "segments": segments })
}

/// Segments where a reader may go wrong.
fn edges() -> Vec<Value> {
    let end = PREFIX_END;
    let cases: [(&str, u64, u64, Vec<u64>); 6] = [
        ("one prefix, the first number of all", 0, end, vec![0]),
        ("one prefix, the last number of all", 0, end, vec![end - 1]),
        ("a range without a gap", 1_000, 1_016, (1_000..1_016).collect()),
        ("all at the beginning: long unary runs at the end are none", 0, end, (0..64).collect()),
        ("all at the end: the longest unary run", 0, end, (end - 64..end).collect()),
        ("ten prefixes of the example", 0, end, crate::bodies::EXAMPLE.to_vec()),
    ];
    cases
        .into_iter()
        .map(|(name, lo, hi, prefixes)| {
            let (info, bytes) = SegmentInfo::build(SegmentKind::Add, lo, hi, &prefixes).expect(name);
            let read: Result<Vec<u64>, _> = SegmentReader::new(&bytes, lo, hi, info.count, info.k).expect(name).collect();
            assert_eq!(read.expect(name), prefixes, "{name}");
            json!({
                "name": name, "lo": lo, "hi": hi, "count": info.count, "k": info.k, "bytes": hex(&bytes),
                "prefixes": prefixes.iter().map(|prefix| format!("{prefix:012x}")).collect::<Vec<_>>(),
            })
        })
        .collect()
}

pub fn vectors() -> Value {
    let (base, base_bytes) = base();
    let (delta, delta_bytes) = delta();
    let read = |info: &SegmentInfo, bytes: &[u8]| -> Vec<u64> {
        info.reader(bytes).expect("a sound segment").map(|prefix| prefix.expect("a prefix")).collect()
    };
    let delta_prefixes: Vec<Vec<u64>> = delta.segments.iter().zip(&delta_bytes).map(|(info, bytes)| read(info, bytes)).collect();
    let delta_slices: Vec<&[u8]> = delta_bytes.iter().map(Vec::as_slice).collect();
    let dummies = Dummies::new(Sensitive::new(seed("pad")), 0);
    json!({
        "pad_seed": hex(&seed("pad")),
        "dummies": (0..8).map(|counter| format!("{:012x}", dummies.candidate(counter))).collect::<Vec<_>>(),
        "base": shown(&base, &[&base_bytes], &[base_prefixes()]),
        "delta": shown(&delta, &delta_slices, &delta_prefixes),
        "edges": edges(),
    })
}
