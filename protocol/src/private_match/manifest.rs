//! The messages that bring a set from an owner to one peer: manifest, segment, request and receipt (protocol.md 3.3, 20-23).
//!
//! The owner writes them, the querier checks a manifest with [`SetManifest::shape`] before it asks for a segment, and each
//! segment with [`SetManifest::reader`] before it reads a prefix. Invariant: of a checked manifest every length, count and
//! range is bounded, so that no more is fetched or stored than its own numbers say. The chain (sequence, previous hash, same
//! salt and key) is checked by the machine that knows the one before.
//!
//! What remains: nothing shows whether the listed prefixes belong to records; audits draw samples of that.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::label::Family;
use super::padding::{DELTA_CLASS, DELTA_LIST};
use super::set::{PREFIX_END, SegmentReader, SetCorrupt, byte_bounds, encode_segment, parameter, segment_size};
use crate::base::cbor;
use crate::base::limits::{BASE_CLASS, SEGMENT_MESSAGE_BYTES};
use crate::base::{Epoch, ProfileId, Sensitive};

/// Bits of a label that travel: L of protocol.md 3.3.
pub const PREFIX_BITS: u64 = 48;

/// Largest integer on the wire (protocol.md 3.9).
const NUMBER_MAX: u64 = i64::MAX as u64;
/// Bytes of a delta that goes out with its manifest, at most: both fit the smaller cell.
const WHOLE_BYTES: u64 = 48 * 1024;

/// Whether a set stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SetKind {
    /// All prefixes; replaces whatever came before.
    #[n(1)]
    Base = 1,
    /// Changes of a base.
    #[n(2)]
    Delta = 2,
}

/// What the prefixes of a segment are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SegmentKind {
    /// They are in the set from now on.
    #[n(1)]
    Add = 1,
    /// They are not in the set any more.
    #[n(2)]
    Remove = 2,
}

/// One segment, as the manifest announces it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SegmentInfo {
    /// Adds or removes.
    #[n(1)]
    pub kind: SegmentKind,
    /// First number of the range.
    #[n(2)]
    pub lo: u64,
    /// The number after its last.
    #[n(3)]
    pub hi: u64,
    /// Prefixes in it.
    #[n(4)]
    pub count: u64,
    /// The Rice parameter.
    #[n(5)]
    pub k: u8,
    /// Bytes of it.
    #[n(6)]
    pub len: u64,
    /// Of its bytes.
    #[n(7)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub sha256: [u8; 32],
}

impl SegmentInfo {
    /// Encodes one segment; `hi` is the first prefix of the next one, or 2^48.
    ///
    /// # Errors
    /// [`SetCorrupt`], as [`encode_segment`].
    pub fn build(kind: SegmentKind, lo: u64, hi: u64, prefixes: &[u64]) -> Result<(Self, Vec<u8>), SetCorrupt> {
        let (k, bytes) = encode_segment(lo, hi, prefixes)?;
        let (count, len) = (prefixes.len() as u64, bytes.len() as u64);
        Ok((Self { kind, lo, hi, count, k, len, sha256: Sha256::digest(&bytes).into() }, bytes))
    }

    /// Cuts a sorted list that fits into memory into its segments.
    ///
    /// # Errors
    /// [`SetCorrupt`], as [`encode_segment`].
    pub fn tile(kind: SegmentKind, prefixes: &[u64]) -> Result<Vec<(Self, Vec<u8>)>, SetCorrupt> {
        let mut segments = Vec::new();
        let mut lo = 0;
        let mut pieces = prefixes.chunks(segment_size(prefixes.len() as u64)).peekable();
        while let Some(piece) = pieces.next() {
            let hi = pieces.peek().and_then(|next| next.first()).copied().unwrap_or(PREFIX_END);
            segments.push(Self::build(kind, lo, hi, piece)?);
            lo = hi;
        }
        Ok(segments)
    }

    /// Reads the prefixes of bytes that are those announced.
    ///
    /// # Errors
    /// [`SetCorrupt`]: other bytes, or a frame that does not fit.
    pub fn reader<'b>(&self, bytes: &'b [u8]) -> Result<SegmentReader<'b>, SetCorrupt> {
        let found = bytes.len() as u64;
        if found != self.len {
            return Err(SetCorrupt::Length { least: self.len, most: self.len, found });
        }
        if <[u8; 32]>::from(Sha256::digest(bytes)) != self.sha256 {
            return Err(SetCorrupt::Hash);
        }
        SegmentReader::new(bytes, self.lo, self.hi, self.count, self.k)
    }

    fn check_frame(&self) -> Result<(), SetCorrupt> {
        let expected = parameter(self.lo, self.hi, self.count)?;
        if self.k != expected {
            return Err(SetCorrupt::Parameter { expected, found: self.k });
        }
        let (least, most) = byte_bounds(self.lo, self.hi, self.count)?;
        let most = most.min(SEGMENT_MESSAGE_BYTES as u64);
        if self.len < least || self.len > most {
            return Err(SetCorrupt::Length { least, most, found: self.len });
        }
        Ok(())
    }
}

/// What a set is, for one peer (type 20).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetManifest {
    /// Which records.
    #[n(1)]
    pub family: Family,
    /// The owner's epoch that the labels are of.
    #[n(2)]
    pub epoch: Epoch,
    /// The matching rules that the keys were made by.
    #[n(3)]
    pub profile: ProfileId,
    /// Number in the chain of this owner, peer, family and epoch; from 1.
    #[n(4)]
    pub set_seq: u64,
    /// Hash of the manifest before; zeros in the first.
    #[n(5)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub prev_manifest_hash: [u8; 32],
    /// Base or delta.
    #[n(6)]
    pub kind: SetKind,
    /// The base that it stands on; its own number for a base.
    #[n(7)]
    pub base_seq: u64,
    /// The owner's public key of the epoch.
    #[n(8)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub voprf_pk: [u8; 32],
    /// What the label key of this peer and epoch is derived with.
    #[n(9)]
    #[cbor(with = "salt")]
    pub salt: Sensitive<[u8; 32]>,
    /// Bits of a prefix: 48.
    #[n(10)]
    pub prefix_bits: u64,
    /// Prefixes in all add segments.
    #[n(11)]
    pub adds_count: u64,
    /// Prefixes in all remove segments.
    #[n(12)]
    pub removes_count: u64,
    /// The segments, adds first; their index counts through both.
    #[n(13)]
    pub segments: Vec<SegmentInfo>,
    /// When the next set is due, Unix seconds.
    #[n(14)]
    pub next_due: u64,
}

impl SetManifest {
    /// Whether its segments go out with it, without a question for them: those of a small delta, so that a day of a good
    /// link takes one question and one cell.
    #[must_use]
    pub fn comes_whole(&self) -> bool {
        let bytes = self.segments.iter().fold(0u64, |sum, segment| sum.saturating_add(segment.len));
        self.kind == SetKind::Delta && bytes <= WHOLE_BYTES
    }

    /// What the next manifest of the chain names as its previous one.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(cbor::encode(self)).into()
    }

    /// Checks all that can be known without the chain and the segments' bytes; `limit` is that of the owner's attested size.
    ///
    /// # Errors
    /// [`SetCorrupt`] names the first thing that is wrong.
    pub fn shape(&self, limit: u64) -> Result<(), SetCorrupt> {
        if self.prefix_bits != PREFIX_BITS || self.set_seq == 0 || self.set_seq > NUMBER_MAX || self.next_due > NUMBER_MAX {
            return Err(SetCorrupt::Field);
        }
        self.check_base()?;
        // SE-4.
        self.check_counts(limit)?;
        // SE-5.
        let adds = self.segments.partition_point(|segment| segment.kind == SegmentKind::Add);
        let (adds, removes) = self.segments.split_at_checked(adds).unwrap_or((&self.segments, &[]));
        check_tiling(adds, SegmentKind::Add, self.adds_count, 0)?;
        check_tiling(removes, SegmentKind::Remove, self.removes_count, adds.len())
    }

    /// Reads a segment that came for this manifest.
    ///
    /// # Errors
    /// [`SetCorrupt`]: it belongs to another set or place, or its bytes are not those announced.
    pub fn reader<'b>(&self, segment: &'b SetSegment) -> Result<SegmentReader<'b>, SetCorrupt> {
        let index = usize::try_from(segment.index).unwrap_or(usize::MAX);
        let info = self.segments.get(index).ok_or(SetCorrupt::Field)?;
        if (segment.family, segment.epoch, segment.set_seq, segment.kind) != (self.family, self.epoch, self.set_seq, info.kind) {
            return Err(SetCorrupt::Field);
        }
        info.reader(&segment.bytes)
    }

    fn check_base(&self) -> Result<(), SetCorrupt> {
        let first = self.set_seq == 1;
        let fits = match self.kind {
            SetKind::Base => self.base_seq == self.set_seq && self.removes_count == 0,
            SetKind::Delta => self.base_seq > 0 && self.base_seq < self.set_seq,
        };
        if !fits || (first && self.prev_manifest_hash != [0; 32]) {
            return Err(SetCorrupt::Base { set_seq: self.set_seq, base_seq: self.base_seq });
        }
        Ok(())
    }

    fn check_counts(&self, limit: u64) -> Result<(), SetCorrupt> {
        let limit = if self.kind == SetKind::Delta { limit.min(DELTA_LIST) } else { limit };
        for found in [self.adds_count, self.removes_count] {
            if found > limit {
                return Err(SetCorrupt::Limit { limit, found });
            }
        }
        let (class, counts) = match self.kind {
            SetKind::Base => (BASE_CLASS, [self.adds_count, BASE_CLASS]),
            SetKind::Delta => (DELTA_CLASS, [self.adds_count, self.removes_count]),
        };
        match counts.into_iter().find(|count| *count == 0 || count % class != 0) {
            Some(found) => Err(SetCorrupt::Count { found }),
            None => Ok(()),
        }
    }
}

/// One segment's bytes (type 21).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetSegment {
    /// As in the manifest.
    #[n(1)]
    pub family: Family,
    /// As in the manifest.
    #[n(2)]
    pub epoch: Epoch,
    /// As in the manifest.
    #[n(3)]
    pub set_seq: u64,
    /// Place in the manifest's list, from 0.
    #[n(4)]
    pub index: u32,
    /// As in the manifest.
    #[n(5)]
    pub kind: SegmentKind,
    /// The encoded prefixes.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

/// A peer asks for its set (type 22).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetGet {
    /// Which records.
    #[n(1)]
    pub family: Family,
    /// The owner's epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// The last set of the chain that is applied; 0 for none.
    #[n(3)]
    pub have_seq: u64,
    /// Segments that are missing.
    #[n(4)]
    pub want: Vec<WantedSegment>,
}

/// One segment that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct WantedSegment {
    /// The set it belongs to.
    #[n(0)]
    pub set_seq: u64,
    /// Place in its manifest, from 0.
    #[n(1)]
    pub index: u32,
}

/// What became of a set (type 23): the owner's evidence that the peer has it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetReceipt {
    /// Which records.
    #[n(1)]
    pub family: Family,
    /// The owner's epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Number in the chain.
    #[n(3)]
    pub set_seq: u64,
    /// Of the manifest that is meant.
    #[n(4)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub manifest_hash: [u8; 32],
    /// What became of it.
    #[n(5)]
    pub status: ReceiptStatus,
}

/// What became of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ReceiptStatus {
    /// It is in use.
    #[n(1)]
    Applied = 1,
    /// It was refused: [`SetCorrupt`].
    #[n(2)]
    Corrupt = 2,
    /// It does not continue the chain that the peer knows.
    #[n(3)]
    Chain = 3,
}

/// Segments of one kind lie end to end from 0 to 2^48, all but the last of one size.
fn check_tiling(segments: &[SegmentInfo], kind: SegmentKind, total: u64, offset: usize) -> Result<(), SetCorrupt> {
    let size = segment_size(total) as u64;
    let (mut lo, mut left) = (0, total);
    for (place, segment) in segments.iter().enumerate() {
        let index = offset.saturating_add(place);
        let expected = left.min(size);
        if segment.count != expected {
            return Err(SetCorrupt::Size { index, expected, found: segment.count });
        }
        left -= expected;
        let ends = if left == 0 { segment.hi == PREFIX_END } else { segment.hi < PREFIX_END };
        if segment.kind != kind || segment.lo != lo || !ends {
            return Err(SetCorrupt::Tiling { index });
        }
        segment.check_frame()?;
        lo = segment.hi;
    }
    if left == 0 { Ok(()) } else { Err(SetCorrupt::Count { found: total }) }
}

/// The salt as a byte string: a secret, though it crosses the wire in a sealed message.
mod salt {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    use crate::base::Sensitive;
    use crate::base::cbor::fixed;

    pub(super) fn encode<C, W: Write>(
        salt: &Sensitive<[u8; 32]>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        fixed::encode(salt.expose(), e, ctx)
    }

    pub(super) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Sensitive<[u8; 32]>, DecodeError> {
        fixed::decode(d, ctx).map(Sensitive::new)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::base::Draw;
    use crate::private_match::padding;

    const LIMIT: u64 = 495_616;

    fn prefixes(seed: u8, count: usize) -> Vec<u64> {
        let mut draw = Draw::new([seed; 32]);
        let mut prefixes = BTreeSet::new();
        while prefixes.len() < count {
            prefixes.insert(draw.below(PREFIX_END));
        }
        prefixes.into_iter().collect()
    }

    /// A manifest and the bytes of its segments.
    fn set(kind: SetKind, adds: usize, removes: usize) -> (SetManifest, Vec<Vec<u8>>) {
        let mut tiles = SegmentInfo::tile(SegmentKind::Add, &prefixes(1, adds)).unwrap();
        tiles.extend(SegmentInfo::tile(SegmentKind::Remove, &prefixes(2, removes)).unwrap());
        let (segments, bytes) = tiles.into_iter().unzip();
        let (set_seq, base_seq) = if kind == SetKind::Base { (1, 1) } else { (2, 1) };
        let manifest = SetManifest {
            family: Family::Registered,
            epoch: Epoch(7),
            profile: ProfileId::new("v1").unwrap(),
            set_seq,
            prev_manifest_hash: [0; 32],
            kind,
            base_seq,
            voprf_pk: [5; 32],
            salt: Sensitive::new([6; 32]),
            prefix_bits: 48,
            adds_count: adds as u64,
            removes_count: removes as u64,
            segments,
            next_due: 1_800_000_000,
        };
        (manifest, bytes)
    }

    fn message(manifest: &SetManifest, index: u32, bytes: &[u8]) -> SetSegment {
        SetSegment {
            family: manifest.family,
            epoch: manifest.epoch,
            set_seq: manifest.set_seq,
            index,
            kind: manifest.segments[index as usize].kind,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn a_base_is_cut_into_segments_that_give_it_back() {
        for count in [4_096, 12_288, 16_384, 184_320, 200_704] {
            let (manifest, bytes) = set(SetKind::Base, count, 0);
            assert_eq!(manifest.shape(LIMIT), Ok(()), "{count}");
            let mut read = Vec::new();
            for (index, bytes) in (0u32..).zip(&bytes) {
                let segment = message(&manifest, index, bytes);
                read.extend(manifest.reader(&segment).unwrap().map(Result::unwrap));
            }
            assert_eq!(read, prefixes(1, count));
        }
    }

    #[test]
    fn segments_fit_into_their_cell() {
        // The shortest and longest list of each segment size, with the most bytes that any gaps take.
        let large = padding::base_count(184_321);
        for (count, class) in [(12_288, 64), (184_320, 64), (large, 256), (24_014_848, 256)] {
            let size = segment_size(count) as u64;
            let (_, most) = byte_bounds(0, PREFIX_END / count * size, size).unwrap();
            assert!(most < class * 1024 - 1_000, "{count}: {most} bytes");
        }
    }

    #[test]
    fn a_delta_has_adds_first_and_removes_behind() {
        let (manifest, bytes) = set(SetKind::Delta, 1_024, 512);
        assert_eq!(manifest.shape(LIMIT), Ok(()));
        assert_eq!(manifest.segments.len(), 2);
        let removes = message(&manifest, 1, &bytes[1]);
        assert_eq!(manifest.reader(&removes).unwrap().map(Result::unwrap).collect::<Vec<_>>(), prefixes(2, 512));
        let (long, _) = set(SetKind::Delta, 512, 61_952);
        assert_eq!(long.shape(LIMIT), Err(SetCorrupt::Limit { limit: 61_440, found: 61_952 }));
        let mut turned = manifest.clone();
        turned.segments.swap(0, 1);
        assert!(turned.shape(LIMIT).is_err());
    }

    #[test]
    fn numbers_that_no_honest_owner_writes_are_refused() {
        type Edit = fn(&mut SetManifest);
        let edits: [(Edit, SetCorrupt); 15] = [
            (|m| m.prefix_bits = 56, SetCorrupt::Field),
            (|m| m.set_seq = 0, SetCorrupt::Field),
            (|m| m.next_due = u64::MAX, SetCorrupt::Field),
            (|m| m.base_seq = 2, SetCorrupt::Base { set_seq: 1, base_seq: 2 }),
            (|m| m.removes_count = 512, SetCorrupt::Base { set_seq: 1, base_seq: 1 }),
            (|m| m.prev_manifest_hash = [1; 32], SetCorrupt::Base { set_seq: 1, base_seq: 1 }),
            (|m| m.kind = SetKind::Delta, SetCorrupt::Base { set_seq: 1, base_seq: 1 }),
            (|m| m.adds_count = LIMIT + 4_096, SetCorrupt::Limit { limit: LIMIT, found: LIMIT + 4_096 }),
            (|m| m.adds_count += 1, SetCorrupt::Count { found: 16_385 }),
            (|m| m.adds_count = 0, SetCorrupt::Count { found: 0 }),
            (|m| m.segments[0].count -= 1, SetCorrupt::Size { index: 0, expected: 12_288, found: 12_287 }),
            (|m| m.segments[1].lo += 1, SetCorrupt::Tiling { index: 1 }),
            (|m| m.segments[1].hi -= 1, SetCorrupt::Tiling { index: 1 }),
            (|m| m.segments[0].k -= 1, SetCorrupt::Parameter { expected: 33, found: 32 }),
            (|m| m.segments.truncate(1), SetCorrupt::Count { found: 16_384 }),
        ];
        for (place, (edit, refused)) in edits.into_iter().enumerate() {
            let (mut manifest, _) = set(SetKind::Base, 16_384, 0);
            edit(&mut manifest);
            assert_eq!(manifest.shape(LIMIT), Err(refused), "edit {place}");
        }
        let (mut manifest, _) = set(SetKind::Base, 16_384, 0);
        manifest.segments[0].len = 1 << 40;
        assert!(matches!(manifest.shape(LIMIT), Err(SetCorrupt::Length { found: 1_099_511_627_776, .. })));
        let (manifest, _) = set(SetKind::Base, 16_384, 0);
        assert_eq!(manifest.shape(12_288), Err(SetCorrupt::Limit { limit: 12_288, found: 16_384 }));
    }

    #[test]
    fn segments_of_another_set_or_place_are_refused() {
        let (manifest, bytes) = set(SetKind::Base, 16_384, 0);
        let good = message(&manifest, 0, &bytes[0]);
        assert!(manifest.reader(&good).is_ok());
        for edit in [
            (|s| s.family = Family::Sought) as fn(&mut SetSegment),
            |s| s.epoch = Epoch(8),
            |s| s.set_seq = 2,
            |s| s.kind = SegmentKind::Remove,
            |s| s.index = 9,
            |s| s.index = 1,
            |s| s.bytes[100] ^= 1,
            |s| s.bytes.push(0),
        ] {
            let mut other = good.clone();
            edit(&mut other);
            assert!(manifest.reader(&other).is_err());
        }
    }

    #[test]
    fn bodies_are_maps_numbered_from_1_and_have_one_form() {
        let (manifest, bytes) = set(SetKind::Base, 4_096, 0);
        let encoded = cbor::encode(&manifest);
        assert_eq!(encoded[..7], [0xae, 1, 1, 2, 7, 3, 0x62]);
        assert_eq!(cbor::decode::<SetManifest>(&encoded).unwrap(), manifest);
        assert_ne!(manifest.hash(), set(SetKind::Delta, 512, 512).0.hash());
        let segment = message(&manifest, 0, &bytes[0]);
        assert_eq!(cbor::decode::<SetSegment>(&cbor::encode(&segment)).unwrap(), segment);
        let want = vec![WantedSegment { set_seq: 3, index: 0 }, WantedSegment { set_seq: 3, index: 5 }];
        let get = SetGet { family: Family::Sought, epoch: Epoch(7), have_seq: 0, want };
        let encoded = cbor::encode(&get);
        assert_eq!(encoded, [0xa4, 1, 2, 2, 7, 3, 0, 4, 0x82, 0x82, 3, 0, 0x82, 3, 5]);
        assert_eq!(cbor::decode::<SetGet>(&encoded).unwrap(), get);
        let status = ReceiptStatus::Chain;
        let receipt = SetReceipt { family: Family::Registered, epoch: Epoch(1), set_seq: 2, manifest_hash: [1; 32], status };
        assert_eq!(cbor::decode::<SetReceipt>(&cbor::encode(&receipt)).unwrap(), receipt);
        assert!(!format!("{manifest:?}").contains("6, 6, 6"));
    }

    proptest! {
        #[test]
        fn arbitrary_numbers_never_panic(
            set_seq: u64, base_seq: u64, adds_count: u64, removes_count: u64, limit: u64,
            segments in prop::collection::vec((any::<bool>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u8>(), any::<u64>()), 0..4),
        ) {
            let (mut manifest, _) = set(SetKind::Delta, 512, 512);
            (manifest.set_seq, manifest.base_seq) = (set_seq, base_seq);
            (manifest.adds_count, manifest.removes_count) = (adds_count, removes_count);
            manifest.segments = segments.into_iter().map(|(add, lo, hi, count, k, len)| SegmentInfo {
                kind: if add { SegmentKind::Add } else { SegmentKind::Remove },
                lo, hi, count, k, len, sha256: [0; 32],
            }).collect();
            prop_assert!(manifest.shape(limit).is_err());
        }
    }
}
