//! The offline bundle: cells and public messages in one file, for a memory stick or an invitation (protocol.md 3.2, 3.9).
//!
//! The node reads and writes files through it, piece by piece; `KINMESH1`, then each item behind its length (u32, big-endian).
//! It keeps both limits, an item's and the bundle's, before it holds an item. It looks into no item: whether one is a cell or a
//! public message, and whether it is genuine, is decided where items from a connection are.

use thiserror::Error;

use crate::base::limits::ITEM_BYTES;

/// The first bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"KINMESH1";
/// Bytes of a whole bundle: some 250 set cells of the largest class, the sets of a network for one laptop kit.
pub const BUNDLE_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of an item's length.
const PREFIX: usize = 4;

/// Why bytes are not a bundle, or an item does not go into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// The first bytes are others.
    #[error("not a Kinmesh bundle: it does not start with KINMESH1")]
    Magic,
    /// An item is empty or longer than a carrier may bring.
    #[error("item {number} of the bundle has {found} bytes, expected 1 to {ITEM_BYTES}")]
    Item {
        /// Number of the item, from 1.
        number: u64,
        /// Bytes that it has or announces.
        found: u64,
    },
    /// The bundle is longer than its limit.
    #[error("the bundle has more than {BUNDLE_BYTES} bytes")]
    Bundle,
    /// The bytes end within an item.
    #[error("the bundle ends within item {number}: it was cut off or copied in part")]
    Truncated {
        /// Number of the item, from 1.
        number: u64,
    },
}

/// Reads a bundle from pieces of any length: push a piece, take items until none is whole, push the next.
#[derive(Default)]
pub struct BundleReader {
    pending: Vec<u8>,
    /// Bytes of `pending` that were taken; cut off at the next push, so that many small items cost no moves.
    taken: usize,
    pushed: u64,
    started: bool,
    items: u64,
}

impl BundleReader {
    /// A reader before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece. What is held is the piece and at most one item.
    ///
    /// # Errors
    /// [`BundleError::Bundle`] if the bundle is longer than its limit.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BundleError> {
        self.pushed = self.pushed.saturating_add(piece.len() as u64);
        if self.pushed > BUNDLE_BYTES {
            return Err(BundleError::Bundle);
        }
        self.pending.drain(..self.taken.min(self.pending.len()));
        self.taken = 0;
        self.pending.extend_from_slice(piece);
        Ok(())
    }

    /// Takes the next whole item; none if more bytes are needed.
    ///
    /// # Errors
    /// [`BundleError::Magic`], [`BundleError::Item`]; the bundle is not to be read on then.
    pub fn take_item(&mut self) -> Result<Option<Vec<u8>>, BundleError> {
        if !self.started {
            let known = self.pending.len().min(MAGIC.len());
            if self.rest().get(..known) != MAGIC.get(..known) {
                return Err(BundleError::Magic);
            }
            if known < MAGIC.len() {
                return Ok(None);
            }
            self.taken = MAGIC.len();
            self.started = true;
        }
        let Some((prefix, rest)) = self.rest().split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix) as usize;
        if length == 0 || length > ITEM_BYTES {
            return Err(BundleError::Item { number: self.items + 1, found: length as u64 });
        }
        let Some(item) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.taken += PREFIX + length;
        self.items += 1;
        Ok(Some(item))
    }

    /// Ends the reading where the bytes end.
    ///
    /// # Errors
    /// [`BundleError::Truncated`] if an item is not whole, [`BundleError::Magic`] if not even the first bytes came.
    pub fn finish(self) -> Result<(), BundleError> {
        if !self.started {
            return Err(BundleError::Magic);
        }
        if self.rest().is_empty() { Ok(()) } else { Err(BundleError::Truncated { number: self.items + 1 }) }
    }

    fn rest(&self) -> &[u8] {
        self.pending.get(self.taken..).unwrap_or_default()
    }
}

/// Writes a bundle into pieces that the caller appends to its file in their order.
pub struct BundleWriter {
    written: u64,
    items: u64,
}

impl BundleWriter {
    /// A writer, and the first piece of the bundle.
    #[must_use]
    pub fn start() -> (Self, [u8; 8]) {
        (Self { written: MAGIC.len() as u64, items: 0 }, MAGIC)
    }

    /// The piece that goes in front of an item; the item itself follows as it is.
    ///
    /// # Errors
    /// [`BundleError::Item`], [`BundleError::Bundle`]; the item does not count then.
    pub fn prefix(&mut self, item: &[u8]) -> Result<[u8; 4], BundleError> {
        let unfit = BundleError::Item { number: self.items + 1, found: item.len() as u64 };
        if item.is_empty() || item.len() > ITEM_BYTES {
            return Err(unfit);
        }
        let length = u32::try_from(item.len()).map_err(|_| unfit)?;
        let after = self.written + (PREFIX + item.len()) as u64;
        if after > BUNDLE_BYTES {
            return Err(BundleError::Bundle);
        }
        self.written = after;
        self.items += 1;
        Ok(length.to_be_bytes())
    }
}

/// Writes items into one bundle.
///
/// # Errors
/// [`BundleError::Item`], [`BundleError::Bundle`].
pub fn write<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let (mut writer, magic) = BundleWriter::start();
    let mut bytes = magic.to_vec();
    for item in items {
        bytes.extend_from_slice(&writer.prefix(item)?);
        bytes.extend_from_slice(item);
    }
    Ok(bytes)
}

/// Reads all items of a bundle that is held whole.
///
/// # Errors
/// [`BundleError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BundleError> {
    let mut reader = BundleReader::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(ITEM_BYTES) {
        reader.push(piece)?;
        while let Some(item) = reader.take_item()? {
            items.push(item);
        }
    }
    reader.finish()?;
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_the_bytes_of_the_specification() {
        let bytes = write([&[0xd2, 0x84][..], &[0x01][..]]).unwrap();
        assert_eq!(bytes, b"KINMESH1\x00\x00\x00\x02\xd2\x84\x00\x00\x00\x01\x01");
        assert_eq!(read(&bytes).unwrap(), [vec![0xd2, 0x84], vec![0x01]]);
        assert_eq!(read(&write([]).unwrap()).unwrap(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_bundle_read_byte_by_byte_gives_the_same_items() {
        let bytes = write([&[7; 300][..], &[8; 5][..]]).unwrap();
        let mut reader = BundleReader::new();
        let mut items = Vec::new();
        for byte in &bytes {
            reader.push(&[*byte]).unwrap();
            items.extend(reader.take_item().unwrap());
        }
        reader.finish().unwrap();
        assert_eq!(items, [vec![7; 300], vec![8; 5]]);
    }

    #[test]
    fn the_largest_item_goes_through_and_a_larger_one_does_not() {
        let largest = vec![1; ITEM_BYTES];
        assert_eq!(read(&write([&largest[..]]).unwrap()).unwrap(), [largest]);
        let larger = vec![1; ITEM_BYTES + 1];
        assert_eq!(write([&larger[..]]), Err(BundleError::Item { number: 1, found: larger.len() as u64 }));
        assert_eq!(write([&[][..]]), Err(BundleError::Item { number: 1, found: 0 }));
    }

    #[test]
    fn an_announced_length_above_the_limit_is_refused_before_it_is_held() {
        let bytes = b"KINMESH1\xff\xff\xff\xff";
        assert_eq!(read(bytes), Err(BundleError::Item { number: 1, found: u64::from(u32::MAX) }));
    }

    #[test]
    fn a_cut_or_foreign_file_is_refused() {
        let bytes = write([&[1, 2, 3][..], &[4][..]]).unwrap();
        assert_eq!(read(&bytes[..bytes.len() - 1]), Err(BundleError::Truncated { number: 2 }));
        assert_eq!(read(&bytes[..10]), Err(BundleError::Truncated { number: 1 }));
        for foreign in [&b""[..], b"KIN", b"PK\x03\x04rest of a zip"] {
            assert_eq!(read(foreign), Err(BundleError::Magic));
        }
    }

    #[test]
    fn a_bundle_above_its_limit_is_refused() {
        let mut reader = BundleReader::new();
        reader.pushed = BUNDLE_BYTES;
        assert_eq!(reader.push(&[0]), Err(BundleError::Bundle));
        let mut writer = BundleWriter { written: BUNDLE_BYTES - 4, items: 3 };
        assert_eq!(writer.prefix(&[0]), Err(BundleError::Bundle));
    }
}
