//! Segments of sets: one encoding of a list, refused in every other form, in memory that the bytes themselves bound.
//!
//! An input is `lo` and the width of the range, six bytes each, the count in three, `k`, then the segment's bytes.

use kinmesh_protocol::private_match::SegmentReader;
use kinmesh_protocol::private_match::set::{PREFIX_END, encode_segment};

/// Bytes before the segment's own.
const HEAD: usize = 16;

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A segment as a hostile owner sends it, and a list as a builder gives it.
pub fn segment(input: &[u8]) {
    let (head, bytes) = input.split_at(input.len().min(HEAD));
    if head.len() == HEAD {
        let lo = number(&head[..6]);
        read(lo, lo.saturating_add(number(&head[6..12])), number(&head[12..15]), head[15], bytes);
    }
    write(bytes);
}

fn read(lo: u64, hi: u64, count: u64, k: u8, bytes: &[u8]) {
    let Ok(reader) = SegmentReader::new(bytes, lo, hi, count, k) else { return };
    assert!(count <= bytes.len() as u64 * 8, "{count} prefixes in {} bytes", bytes.len());
    let mut prefixes = Vec::new();
    for prefix in reader {
        let Ok(prefix) = prefix else { return };
        assert!(prefixes.last().is_none_or(|last| *last < prefix) && prefix >= lo && prefix < hi);
        prefixes.push(prefix);
    }
    assert_eq!(prefixes.len() as u64, count);
    assert_eq!(encode_segment(lo, hi, &prefixes), Ok((k, bytes.to_vec())), "another encoding of the same list");
}

fn write(bytes: &[u8]) {
    let mut prefixes: Vec<u64> = bytes.chunks(6).map(number).filter(|prefix| *prefix < PREFIX_END).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    if let Ok((k, encoded)) = encode_segment(0, PREFIX_END, &prefixes) {
        let reader = SegmentReader::new(&encoded, 0, PREFIX_END, prefixes.len() as u64, k).expect("a written segment");
        let read: Result<Vec<u64>, _> = reader.collect();
        assert_eq!(read, Ok(prefixes));
    }
}
