//! Sets of the median owner: 8,600 people with 48 keys, about 413,000 labels.

use std::hint::black_box;

use kinmesh_protocol::base::Draw;
use kinmesh_protocol::private_match::set::{PREFIX_END, encode_segment, segment_size};
use kinmesh_protocol::private_match::{SegmentReader, merge_hits};

use super::figure::{Figure, Goal};
use super::paired::{alone, paired};
use crate::clock;

/// Labels of the set.
const LABELS: usize = 412_800;
/// Prefixes of 1,000 open cases.
const OPEN: usize = 48_000;

/// One encoded segment.
struct Segment {
    lo: u64,
    hi: u64,
    count: u64,
    k: u8,
    bytes: Vec<u8>,
}

/// Size, encode, decode, test.
pub fn sets(rounds: usize) -> Vec<Figure> {
    let mut draw = Draw::new([11; 32]);
    let shuffled: Vec<u64> = (0..LABELS).map(|_| draw.below(PREFIX_END)).collect();
    let mut sorted = shuffled.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let mut wanted: Vec<u64> = (0..OPEN).map(|_| draw.below(PREFIX_END)).collect();
    wanted.sort_unstable();

    let segments = encode(&sorted);
    assert!(read(&segments).map(Result::unwrap).eq(sorted.iter().copied()), "the set is read as it was written");
    let bytes: usize = segments.iter().map(|segment| segment.bytes.len()).sum();
    let labels = sorted.len() as f64;
    let encoding = paired(
        clock::cpu,
        rounds,
        || drop(black_box(encode(&sorted))),
        || {
            let mut labels = shuffled.clone();
            labels.sort_unstable();
            drop(black_box(labels));
        },
    );
    let decoding = alone(clock::cpu, rounds, || {
        black_box(read(&segments).filter_map(Result::ok).fold(0, |all, prefix| all ^ prefix));
    });
    let testing = alone(clock::cpu, rounds, || drop(black_box(merge_hits(&wanted, read(&segments)).unwrap())));
    vec![
        Figure::alone("set: size", "bytes/label", bytes as f64 / labels).goal(Goal::AtMost(31.0 / 8.0)).note(format!(
            "{} labels, {} segments, without manifest and envelopes",
            sorted.len(),
            segments.len()
        )),
        Figure::paired("set: encode", "ns/label", 1.0 / labels, "sorting the labels", encoding).goal(Goal::RatioAtMost(2.0)),
        Figure::alone("set: decode", "ns/label", decoding.median / labels).goal(Goal::AtMost(25.0)),
        Figure::alone("set: test of 48,000 prefixes", "ms", testing.median * 1e-6).goal(Goal::AtMost(25.0)),
    ]
}

fn encode(sorted: &[u64]) -> Vec<Segment> {
    let size = segment_size(sorted.len() as u64);
    let starts = (0..sorted.len()).step_by(size);
    let segment = |start: usize| {
        let end = (start + size).min(sorted.len());
        let lo = if start == 0 { 0 } else { sorted[start] };
        let hi = sorted.get(end).copied().unwrap_or(PREFIX_END);
        let prefixes = &sorted[start..end];
        let (k, bytes) = encode_segment(lo, hi, prefixes).unwrap();
        Segment { lo, hi, count: prefixes.len() as u64, k, bytes }
    };
    starts.map(segment).collect()
}

fn read(segments: &[Segment]) -> impl Iterator<Item = Result<u64, kinmesh_protocol::private_match::SetCorrupt>> {
    segments.iter().flat_map(|one| SegmentReader::new(&one.bytes, one.lo, one.hi, one.count, one.k).unwrap())
}
