//! The segments of a set: sorted 48-bit prefixes in a Golomb-Rice code that has one form for each list (protocol.md 3.9).
//!
//! The owner's build jobs encode; the querier's jobs read a segment as a stream and join it with the prefixes of its own tags.
//! Invariant: a reader that has given every prefix of its count has seen the only encoding of that list; anything else (order,
//! range, parameter, length, padding bits) ends it with an error and never with a panic or an allocation. It knows no hash, no
//! chain and no sum of counts: the manifest does.
//!
//! What remains: an owner may list prefixes of its choice, so a random label hits a set of n prefixes with n/2^48, no more.

use thiserror::Error;

/// Prefixes are below this bound.
pub const PREFIX_END: u64 = 1 << 48;

/// Prefixes of every segment but the last, in a list of at most [`SMALL_LIST`].
const SMALL_SEGMENT: usize = 12_288;
/// The same in a longer list.
const LARGE_SEGMENT: usize = 61_440;
/// Longest list that is cut into small segments.
const SMALL_LIST: u64 = 184_320;
/// Longest run of one bits. Honest gaps stay below 64 times the mean; a run of 2^40 would cost a reader its time.
const RUN: u64 = 1 << 16;

/// Why a set is refused, or cannot be made. The peer sees E_SET_CORRUPT for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SetCorrupt {
    /// The range is empty, reversed or beyond 2^48, or has too few numbers for the count.
    #[error("{count} prefixes from {lo} to {hi}")]
    Range {
        /// First number of the range.
        lo: u64,
        /// The number after its last.
        hi: u64,
        /// Prefixes in it.
        count: u64,
    },
    /// The parameter is not the one that range and count give.
    #[error("parameter {found}, expected {expected}")]
    Parameter {
        /// As computed.
        expected: u8,
        /// As stated.
        found: u8,
    },
    /// A segment that does not begin at 0 begins with its first prefix.
    #[error("the first prefix is not the segment's beginning")]
    First,
    /// Prefixes to encode are not strictly increasing.
    #[error("prefix {position} is not above the one before it")]
    Order {
        /// Place in the list, from 0.
        position: usize,
    },
    /// A prefix lies outside the segment's range.
    #[error("prefix {position} is outside the segment's range")]
    Outside {
        /// Place in the segment, from 0.
        position: u64,
    },
    /// A gap takes more one bits than any honest list.
    #[error("prefix {position} is more than {RUN} steps from the one before it")]
    Run {
        /// Place in the segment, from 0.
        position: u64,
    },
    /// The bytes end before the count is reached.
    #[error("the segment ends within prefix {position}")]
    Truncated {
        /// Place in the segment, from 0.
        position: u64,
    },
    /// A bit behind the last prefix is set, or a byte is left over.
    #[error("something stands behind the last prefix")]
    Trailing,
    /// The bytes of a segment are not as many as stated, or those that are stated cannot hold its prefixes.
    #[error("{found} bytes in a segment, expected {least} to {most}")]
    Length {
        /// Fewest.
        least: u64,
        /// Most.
        most: u64,
        /// As found.
        found: u64,
    },
    /// The bytes are not those that the manifest names.
    #[error("the segment has another hash than the manifest says")]
    Hash,
    /// Segments do not lie end to end from 0 to 2^48, adds first.
    #[error("segment {index} does not continue the one before it")]
    Tiling {
        /// Place in the manifest, from 0.
        index: usize,
    },
    /// A segment has another size than the length of its list asks for.
    #[error("segment {index} holds {found} prefixes, expected {expected}")]
    Size {
        /// Place in the manifest, from 0.
        index: usize,
        /// By the rule.
        expected: u64,
        /// As stated.
        found: u64,
    },
    /// The list is not padded to its class, or the segments hold more or fewer than the list.
    #[error("{found} prefixes are not what the padding rule gives")]
    Count {
        /// As stated.
        found: u64,
    },
    /// More prefixes than the owner's attested size allows.
    #[error("{found} prefixes, at most {limit}")]
    Limit {
        /// By the roster.
        limit: u64,
        /// As stated.
        found: u64,
    },
    /// Prefixes of another width than 48 bits, or a number that no honest sender writes.
    #[error("a field of the manifest is out of its range")]
    Field,
    /// A base with removes, a base that is not its own base, or a delta on a later one.
    #[error("set {set_seq} cannot stand on set {base_seq}")]
    Base {
        /// Number of this set in its chain.
        set_seq: u64,
        /// Number of the base it names.
        base_seq: u64,
    },
}

/// Prefixes that every segment but the last has, in a list of `total` (protocol.md 3.9).
#[must_use]
pub const fn segment_size(total: u64) -> usize {
    if total <= SMALL_LIST { SMALL_SEGMENT } else { LARGE_SEGMENT }
}

/// The Rice parameter of a segment: the bit length of the mean gap, minus 1.
///
/// # Errors
/// [`SetCorrupt::Range`] where the count is 0 or does not fit.
pub const fn parameter(lo: u64, hi: u64, count: u64) -> Result<u8, SetCorrupt> {
    if lo >= hi || hi > PREFIX_END || count == 0 || count > hi - lo {
        return Err(SetCorrupt::Range { lo, hi, count });
    }
    // At most 48: the mean gap is at most 2^48.
    Ok(((hi - lo) / count).ilog2() as u8)
}

/// Fewest and most bytes of a segment: `(hi - lo) >> k` is below twice the count, so all runs together are, too.
///
/// # Errors
/// [`SetCorrupt::Range`] where the count is 0 or does not fit.
pub fn byte_bounds(lo: u64, hi: u64, count: u64) -> Result<(u64, u64), SetCorrupt> {
    let fixed = count.saturating_mul(u64::from(parameter(lo, hi, count)?) + 1);
    Ok((fixed.div_ceil(8), fixed.saturating_add(count.saturating_mul(2)).div_ceil(8)))
}

/// Encodes one segment: the parameter and the bytes.
///
/// # Errors
/// [`SetCorrupt`]: not strictly increasing, outside the range, or so uneven that no reader would take it.
pub fn encode_segment(lo: u64, hi: u64, prefixes: &[u64]) -> Result<(u8, Vec<u8>), SetCorrupt> {
    let count = prefixes.len() as u64;
    let k = parameter(lo, hi, count)?;
    if lo > 0 && prefixes.first() != Some(&lo) {
        return Err(SetCorrupt::First);
    }
    let (_, most) = byte_bounds(lo, hi, count)?;
    let mut bits = BitWriter { bytes: Vec::with_capacity(usize::try_from(most).unwrap_or(0)), word: 0, used: 0 };
    let mut least = lo;
    for (position, prefix) in prefixes.iter().enumerate() {
        if *prefix >= hi || (position == 0 && *prefix < lo) {
            return Err(SetCorrupt::Outside { position: position as u64 });
        }
        let gap = prefix.checked_sub(least).ok_or(SetCorrupt::Order { position })?;
        let run = gap >> k;
        if run > RUN {
            return Err(SetCorrupt::Run { position: position as u64 });
        }
        bits.ones(run);
        bits.push(0, 1);
        bits.push(gap & ((1 << k) - 1), u32::from(k));
        least = prefix.saturating_add(1);
    }
    Ok((k, bits.finish()))
}

/// Gives the prefixes of one segment in ascending order, and checks each thing that makes its form the only one.
///
/// The last prefix comes only if nothing stands behind it. After an error it ends.
#[derive(Clone, Debug)]
pub struct SegmentReader<'a> {
    bytes: &'a [u8],
    bit: usize,
    k: u32,
    hi: u64,
    /// The least that the next prefix may be.
    least: u64,
    /// For a segment that does not begin at 0: its first prefix.
    first: Option<u64>,
    count: u64,
    read: u64,
}

impl<'a> SegmentReader<'a> {
    /// Begins at the first prefix; nothing is copied.
    ///
    /// # Errors
    /// [`SetCorrupt`]: range and count do not fit, `k` is another than they give, or the bytes cannot hold the count.
    pub fn new(bytes: &'a [u8], lo: u64, hi: u64, count: u64, k: u8) -> Result<Self, SetCorrupt> {
        let expected = parameter(lo, hi, count)?;
        if k != expected {
            return Err(SetCorrupt::Parameter { expected, found: k });
        }
        let (least, most) = byte_bounds(lo, hi, count)?;
        let found = bytes.len() as u64;
        if found < least || found > most {
            return Err(SetCorrupt::Length { least, most, found });
        }
        let first = (lo > 0).then_some(lo);
        Ok(Self { bytes, bit: 0, k: u32::from(k), hi, least: lo, first, count, read: 0 })
    }

    /// Prefixes that are still to come.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.count - self.read
    }

    fn step(&mut self) -> Result<u64, SetCorrupt> {
        let position = self.read;
        let gap = self.gap()?;
        let prefix = self.least.saturating_add(gap);
        if prefix >= self.hi {
            return Err(SetCorrupt::Outside { position });
        }
        if self.first.take().is_some_and(|first| first != prefix) {
            return Err(SetCorrupt::First);
        }
        self.least = prefix + 1;
        self.read += 1;
        if self.read == self.count {
            self.check_end()?;
        }
        Ok(prefix)
    }

    /// One gap. Most are whole within one window of 57 bits.
    fn gap(&mut self) -> Result<u64, SetCorrupt> {
        let window = window(self.bytes, self.bit);
        let run = window.leading_ones();
        let taken = run + 1 + self.k;
        if taken <= 57 {
            self.advance(taken as usize)?;
            // Shifted twice, since k may be 0 and a shift by 64 is none.
            let low = (window << (run + 1)) >> 1 >> (63 - self.k);
            return Ok((u64::from(run) << self.k) | low);
        }
        self.long_gap()
    }

    fn long_gap(&mut self) -> Result<u64, SetCorrupt> {
        let mut run = 0u64;
        loop {
            let ones = window(self.bytes, self.bit).leading_ones().min(57);
            self.advance(ones as usize)?;
            run += u64::from(ones);
            if run > RUN {
                return Err(SetCorrupt::Run { position: self.read });
            }
            if ones < 57 {
                break;
            }
        }
        self.advance(1)?;
        let low = window(self.bytes, self.bit) >> 1 >> (63 - self.k);
        self.advance(self.k as usize)?;
        Ok((run << self.k) | low)
    }

    fn advance(&mut self, bits: usize) -> Result<(), SetCorrupt> {
        self.bit += bits;
        if self.bit > self.bytes.len() * 8 { Err(SetCorrupt::Truncated { position: self.read }) } else { Ok(()) }
    }

    fn check_end(&self) -> Result<(), SetCorrupt> {
        let unused = self.bytes.len() * 8 - self.bit;
        if unused >= 8 || window(self.bytes, self.bit) != 0 { Err(SetCorrupt::Trailing) } else { Ok(()) }
    }
}

impl Iterator for SegmentReader<'_> {
    type Item = Result<u64, SetCorrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read >= self.count {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.count = self.read;
        }
        Some(step)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left()).ok())
    }
}

/// Gives those of `wanted` (ascending) that the stream (ascending) holds, each once. Reads the stream to its end, so that a
/// corrupt one gives nothing.
///
/// It serves the test of tags against a set, the check that a delta's adds are absent and its removes present, and the search
/// for dummies that would meet a label.
///
/// # Errors
/// The stream's.
pub fn merge_hits<E>(wanted: &[u64], stream: impl IntoIterator<Item = Result<u64, E>>) -> Result<Vec<u64>, E> {
    let mut wanted = wanted.iter().copied().peekable();
    let mut hits = Vec::new();
    for prefix in stream {
        let prefix = prefix?;
        while let Some(next) = wanted.next_if(|next| *next <= prefix) {
            if next == prefix && hits.last() != Some(&next) {
                hits.push(next);
            }
        }
    }
    Ok(hits)
}

/// At least 57 bits from a bit position on, from the top; zeros behind the last byte.
fn window(bytes: &[u8], bit: usize) -> u64 {
    let rest = bytes.get(bit / 8..).unwrap_or(&[]);
    let word = match rest.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => rest.iter().zip([56u32, 48, 40, 32, 24, 16, 8]).fold(0, |word, (byte, shift)| word | (u64::from(*byte) << shift)),
    };
    word << (bit % 8)
}

/// Fills bytes from the top bit.
struct BitWriter {
    bytes: Vec<u8>,
    word: u64,
    used: u32,
}

impl BitWriter {
    fn ones(&mut self, count: u64) {
        for _ in 0..count / 32 {
            self.push(u64::from(u32::MAX), 32);
        }
        self.push((1 << (count % 32)) - 1, u32::try_from(count % 32).unwrap_or(0));
    }

    /// Appends the low `width` bits of `value`, at most 48 of them.
    fn push(&mut self, value: u64, width: u32) {
        // Fewer than 8 bits wait, so 56 fit in the word.
        self.word |= value.checked_shl(64 - self.used - width).unwrap_or(0);
        self.used += width;
        while self.used >= 8 {
            self.bytes.push((self.word >> 56) as u8);
            self.word <<= 8;
            self.used -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.bytes.push((self.word >> 56) as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::base::Draw;
    use crate::private_match::example::PREFIXES;

    const EXAMPLE: &str = "ab98ac4df2f9fdada6e2f8f3ae01635512ad339055329b69d0fbf189a7\
                           19d0ced62a80a5a69dc1b973d1f2b2c0054193cef5ff247d385eb28570";

    fn read(bytes: &[u8], lo: u64, hi: u64, count: u64, k: u8) -> Result<Vec<u64>, SetCorrupt> {
        SegmentReader::new(bytes, lo, hi, count, k)?.collect()
    }

    fn random_prefixes(seed: u8, count: usize) -> Vec<u64> {
        let mut draw = Draw::new([seed; 32]);
        let mut prefixes = BTreeSet::new();
        while prefixes.len() < count {
            prefixes.insert(draw.below(PREFIX_END));
        }
        prefixes.into_iter().collect()
    }

    #[test]
    fn the_example_of_the_specification_holds() {
        let (k, bytes) = encode_segment(0, PREFIX_END, &PREFIXES).unwrap();
        assert_eq!((k, bytes.len()), (44, 58));
        assert_eq!(HEXLOWER.encode(&bytes), EXAMPLE);
        assert_eq!(read(&bytes, 0, PREFIX_END, 10, 44).unwrap(), PREFIXES);
    }

    #[test]
    fn segments_of_the_extremes_survive() {
        let top = PREFIX_END - 1;
        for (lo, hi, prefixes) in [
            (0, PREFIX_END, vec![0]),
            (0, PREFIX_END, vec![top]),
            (top, PREFIX_END, vec![top]),
            (0, PREFIX_END, vec![0, 1, top]),
            (5, 9, vec![5, 6, 7, 8]),
            (0, 5_000, (0..4_096).collect()),
            (0, PREFIX_END, random_prefixes(1, 12_288)),
        ] {
            let (k, bytes) = encode_segment(lo, hi, &prefixes).unwrap();
            assert_eq!(read(&bytes, lo, hi, prefixes.len() as u64, k).unwrap(), prefixes);
        }
    }

    #[test]
    fn lists_that_no_reader_takes_are_not_encoded() {
        let cases: [(&[u64], u64, u64, SetCorrupt); 6] = [
            (&[], 0, 10, SetCorrupt::Range { lo: 0, hi: 10, count: 0 }),
            (&[1, 2, 3], 1, 3, SetCorrupt::Range { lo: 1, hi: 3, count: 3 }),
            (&[2, 1], 0, 10, SetCorrupt::Order { position: 1 }),
            (&[2, 2], 0, 10, SetCorrupt::Order { position: 1 }),
            (&[2, 10], 0, 10, SetCorrupt::Outside { position: 1 }),
            (&[3, 4], 2, 10, SetCorrupt::First),
        ];
        for (prefixes, lo, hi, refused) in cases {
            assert_eq!(encode_segment(lo, hi, prefixes), Err(refused));
        }
        // The mean gap is just below a power of two, and one gap takes nearly all of the range.
        let hi = 61_440 * ((1 << 32) - 1);
        let mut clustered: Vec<u64> = (0..61_439).collect();
        clustered.push(hi - 1);
        assert_eq!(encode_segment(0, hi, &clustered).err(), Some(SetCorrupt::Run { position: 61_439 }));
    }

    #[test]
    fn a_reader_refuses_every_other_frame() {
        let (k, bytes) = encode_segment(0, PREFIX_END, &PREFIXES).unwrap();
        let wide = PREFIX_END + 1;
        let longer = [bytes.as_slice(), &[0]].concat();
        for (bytes, lo, hi, count, k, refused) in [
            (&bytes, 0, PREFIX_END, 10, 43, SetCorrupt::Parameter { expected: 44, found: 43 }),
            (&bytes, 0, PREFIX_END, 9, k, SetCorrupt::Length { least: 51, most: 53, found: 58 }),
            (&bytes, 0, PREFIX_END, 0, k, SetCorrupt::Range { lo: 0, hi: PREFIX_END, count: 0 }),
            (&bytes, 0, wide, 10, k, SetCorrupt::Range { lo: 0, hi: wide, count: 10 }),
            (&bytes, 1, PREFIX_END, 10, k, SetCorrupt::First),
            (&bytes, 0, PREFIXES[9], 10, k, SetCorrupt::Outside { position: 9 }),
            (&longer, 0, PREFIX_END, 10, k, SetCorrupt::Trailing),
        ] {
            assert_eq!(read(bytes, lo, hi, count, k), Err(refused));
        }
        assert_eq!(read(&bytes[..57], 0, PREFIX_END, 10, k), Err(SetCorrupt::Truncated { position: 9 }));
        // Five prefixes take less than the 58 bytes, eleven take more: the length alone tells for most wrong counts.
        assert!(read(&bytes, 0, PREFIX_END, 5, 45).is_err() && read(&bytes, 0, PREFIX_END, 11, k).is_err());
    }

    #[test]
    fn a_prefix_at_the_end_of_the_range_is_refused() {
        let (k, bytes) = encode_segment(0, 16, &[1, 15]).unwrap();
        assert_eq!(parameter(0, 15, 2), Ok(2));
        assert_eq!(k, 3);
        let (_, narrow) = encode_segment(0, 15, &[1, 14]).unwrap();
        assert_eq!(read(&narrow, 0, 15, 2, 2).unwrap(), [1, 14]);
        // 1, then a gap of 13: the number 15.
        assert_eq!(read(&[0b0011_1110, 0b0100_0000], 0, 15, 2, 2), Err(SetCorrupt::Outside { position: 1 }));
        assert!(read(&bytes, 0, 16, 2, 3).is_ok());
    }

    #[test]
    fn trailing_bits_and_bytes_are_refused() {
        let (k, bytes) = encode_segment(0, 16, &[1, 15]).unwrap();
        for bit in 0..3 {
            let mut other = bytes.clone();
            *other.last_mut().unwrap() |= 1 << bit;
            assert!(read(&other, 0, 16, 2, k).is_err() || read(&other, 0, 16, 2, k).unwrap() != [1, 15]);
        }
    }

    #[test]
    fn an_endless_run_of_ones_is_refused_early() {
        let count = 61_440u64;
        let k = parameter(0, PREFIX_END, count).unwrap();
        let (least, most) = byte_bounds(0, PREFIX_END, count).unwrap();
        for length in [least, most] {
            let bytes = vec![0xff; usize::try_from(length).unwrap()];
            assert_eq!(read(&bytes, 0, PREFIX_END, count, k), Err(SetCorrupt::Run { position: 0 }));
        }
        let short = vec![0xff; 58];
        assert!(matches!(read(&short, 0, PREFIX_END, 10, 44), Err(SetCorrupt::Truncated { .. })));
    }

    #[test]
    fn a_reader_ends_after_its_first_error() {
        let short = vec![0xff; 58];
        let mut reader = SegmentReader::new(&short, 0, PREFIX_END, 10, 44).unwrap();
        assert!(reader.next().unwrap().is_err());
        assert!(reader.next().is_none());
        assert_eq!(reader.left(), 0);
    }

    #[test]
    fn random_labels_hit_a_hostile_set_by_chance_only() {
        // 200,000 labels against the prefixes that an owner finds best: the expected number of hits is 200,000 n / 2^48.
        let mut hostile = random_prefixes(2, 60_000);
        hostile.extend(0..1_000);
        hostile.sort_unstable();
        hostile.dedup();
        let (k, bytes) = encode_segment(0, PREFIX_END, &hostile).unwrap();
        let mut labels: Vec<u64> = random_prefixes(3, 200_000);
        labels.sort_unstable();
        let reader = SegmentReader::new(&bytes, 0, PREFIX_END, hostile.len() as u64, k).unwrap();
        assert!(merge_hits(&labels, reader).unwrap().len() <= 1);
    }

    #[test]
    fn a_join_gives_each_hit_once_and_nothing_from_a_corrupt_stream() {
        let stream = [1u64, 5, 9, 12].map(Ok::<u64, SetCorrupt>);
        assert_eq!(merge_hits(&[0, 5, 5, 6, 12, 20], stream), Ok(vec![5, 12]));
        let broken = [Ok(1), Ok(5), Err(SetCorrupt::Trailing)];
        assert_eq!(merge_hits(&[5], broken), Err(SetCorrupt::Trailing));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            set in prop::collection::btree_set(0u64..PREFIX_END, 1..400),
            from_first in any::<bool>(),
            spread in 0u32..40,
        ) {
            let prefixes: Vec<u64> = set.iter().map(|prefix| prefix >> spread).collect::<BTreeSet<_>>().into_iter().collect();
            let lo = if from_first { prefixes[0] } else { 0 };
            let (k, bytes) = encode_segment(lo, PREFIX_END, &prefixes).unwrap();
            prop_assert_eq!(read(&bytes, lo, PREFIX_END, prefixes.len() as u64, k).unwrap(), prefixes);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_what_is_read_is_its_only_form(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            lo in prop_oneof![Just(0u64), 0..PREFIX_END, any::<u64>()],
            hi in prop_oneof![Just(PREFIX_END), 0..PREFIX_END, any::<u64>()],
            count in prop_oneof![1u64..60, any::<u64>()],
        ) {
            if let Ok(k) = parameter(lo, hi, count)
                && let Ok(prefixes) = read(&bytes, lo, hi, count, k)
            {
                prop_assert_eq!(encode_segment(lo, hi, &prefixes).unwrap(), (k, bytes));
            }
        }

        #[test]
        fn one_flipped_bit_is_refused_or_another_set(
            set in prop::collection::btree_set(0u64..PREFIX_END, 1..100),
            at in any::<prop::sample::Index>(),
        ) {
            let prefixes: Vec<u64> = set.into_iter().collect();
            let (k, mut bytes) = encode_segment(0, PREFIX_END, &prefixes).unwrap();
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = read(&bytes, 0, PREFIX_END, prefixes.len() as u64, k) {
                prop_assert_ne!(&other, &prefixes);
                prop_assert_eq!(encode_segment(0, PREFIX_END, &other).unwrap(), (k, bytes));
            }
        }

        #[test]
        fn a_cut_segment_is_refused(set in prop::collection::btree_set(0u64..PREFIX_END, 1..100), keep in any::<prop::sample::Index>()) {
            let prefixes: Vec<u64> = set.into_iter().collect();
            let (k, bytes) = encode_segment(0, PREFIX_END, &prefixes).unwrap();
            let keep = keep.index(bytes.len());
            prop_assert!(read(&bytes[..keep], 0, PREFIX_END, prefixes.len() as u64, k).is_err());
        }
    }
}
