//! The form of a blob: 64 KiB chunks, each sealed by itself, under a key of the blob's own.
//!
//! `blobs` writes and reads such files. A chunk's nonce is its number and whether it is the last, and the header's length is
//! bound to the wrapped key, so that chunks can be read at random, yet none can be exchanged, left out or appended. The
//! construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015) with a number in place of a counter's state. Lengths
//! are visible.

use std::fs::File;
use std::os::unix::fs::FileExt;

use kinmesh_protocol::base::{BlobId, Sensitive};

use crate::keys::aead::{self, Key, NONCE_BYTES, SealError, TAG_BYTES};
use crate::store::seal::{WRAPPED_BYTES, fresh_wrapped, unwrap};

/// Plain bytes of a chunk.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// `form (1) || kek (2) || length (8)`, before the wrapped key.
const PREFIX_BYTES: usize = 11;
const HEADER_BYTES: usize = PREFIX_BYTES + WRAPPED_BYTES;
/// Form 1, wrapping key 1.
const FORM: [u8; 3] = [1, 0, 1];

/// An open blob.
pub struct BlobFile {
    file: File,
    id: BlobId,
    key: Key,
    length: u64,
}

/// The bytes of the file of a blob.
pub fn seal(kek: &Key, id: BlobId, content: &[u8]) -> Result<Vec<u8>, SealError> {
    let length = content.len() as u64;
    let prefix = [FORM.as_slice(), &length.to_be_bytes()].concat();
    let (key, wrapped) = fresh_wrapped(kek, &associated(id, &prefix))?;
    let mut bytes = Vec::with_capacity(usize::try_from(file_bytes(length)).unwrap_or(content.len()));
    bytes.extend_from_slice(&prefix);
    bytes.extend_from_slice(&wrapped);
    for number in 0..chunks(length) {
        let start = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(CHUNK_BYTES);
        let rest = content.get(start..).unwrap_or_default();
        let chunk = rest.get(..CHUNK_BYTES).unwrap_or(rest);
        bytes.extend_from_slice(&aead::seal_with_nonce(&key, &nonce(number, length), &id.0, chunk)?);
    }
    Ok(bytes)
}

impl BlobFile {
    /// Checks header and length of a file; none if it is not this blob's.
    pub fn open(kek: &Key, id: BlobId, file: File) -> Option<Self> {
        let mut header = [0u8; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).ok()?;
        let (prefix, wrapped) = header.split_at_checked(PREFIX_BYTES)?;
        let length = u64::from_be_bytes(prefix.strip_prefix(&FORM)?.try_into().ok()?);
        let key = unwrap(kek, &associated(id, prefix), wrapped)?;
        let is_whole = file.metadata().ok()?.len() == file_bytes(length);
        is_whole.then_some(Self { file, id, key, length })
    }

    /// Bytes of the content.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Reads from a byte offset; fewer bytes than asked for only at the end. None if a chunk does not open.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> Option<usize> {
        let mut written = 0;
        while let Some(rest) = into.get_mut(written..).filter(|rest| !rest.is_empty()) {
            let position = at.saturating_add(written as u64);
            if position >= self.length {
                break;
            }
            let chunk = self.chunk(position / CHUNK_BYTES as u64)?;
            let inside = usize::try_from(position % CHUNK_BYTES as u64).ok()?;
            let available = chunk.expose().get(inside..)?;
            let count = available.len().min(rest.len());
            rest.get_mut(..count)?.copy_from_slice(available.get(..count)?);
            written += count;
        }
        Some(written)
    }

    /// The bytes of one chunk; none if it does not open, or is none of this blob's.
    pub fn chunk(&self, number: u64) -> Option<Sensitive<Vec<u8>>> {
        let start = number.checked_mul(CHUNK_BYTES as u64)?;
        let plain = usize::try_from(self.length.checked_sub(start)?).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let mut sealed = vec![0u8; plain + TAG_BYTES];
        let offset = HEADER_BYTES as u64 + number.checked_mul((CHUNK_BYTES + TAG_BYTES) as u64)?;
        self.file.read_exact_at(&mut sealed, offset).ok()?;
        aead::open_with_nonce(&self.key, &nonce(number, self.length), &self.id.0, &sealed)
    }
}

/// Chunks of a content; an empty one has one empty chunk, which authenticates that it is empty.
const fn chunks(length: u64) -> u64 {
    if length == 0 { 1 } else { length.div_ceil(CHUNK_BYTES as u64) }
}

/// Bytes of the file of a content. A length that no file has gives one that no file has.
const fn file_bytes(length: u64) -> u64 {
    (HEADER_BYTES as u64).saturating_add(length).saturating_add(chunks(length).saturating_mul(TAG_BYTES as u64))
}

fn nonce(number: u64, length: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0u8; NONCE_BYTES];
    if let Some((number_bytes, rest)) = nonce.split_first_chunk_mut::<8>() {
        *number_bytes = number.to_be_bytes();
        if let Some(last) = rest.first_mut() {
            *last = u8::from(number + 1 == chunks(length));
        }
    }
    nonce
}

fn associated(id: BlobId, prefix: &[u8]) -> Vec<u8> {
    [b"kinmesh/1/store/blob".as_slice(), &id.0, prefix].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: BlobId = BlobId([5; 16]);

    fn kek() -> Key {
        Key::new([9; 32])
    }

    fn opened(bytes: &[u8]) -> Option<BlobFile> {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        BlobFile::open(&kek(), ID, file)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_range_of_a_blob_is_the_same_range_of_its_content() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7] {
            let content = content(length);
            let blob = opened(&seal(&kek(), ID, &content).unwrap()).unwrap();
            assert_eq!(blob.length(), length as u64);
            for (at, count) in [(0, 10), (length / 2, CHUNK_BYTES), (length.saturating_sub(3), 10), (length, 10), (0, length + 1)]
            {
                let mut into = vec![0; count];
                let read = blob.read_at(at as u64, &mut into).unwrap();
                assert_eq!(&into[..read], &content[at..length.min(at + count)], "{length} at {at}");
            }
        }
    }

    #[test]
    fn chunks_cannot_be_cut_off_exchanged_or_changed() {
        let content = content(2 * CHUNK_BYTES);
        let sealed = seal(&kek(), ID, &content).unwrap();
        let sealed_chunk = CHUNK_BYTES + TAG_BYTES;
        assert!(opened(&sealed[..sealed.len() - sealed_chunk]).is_none());
        assert!(opened(&sealed[..HEADER_BYTES - 1]).is_none());
        let mut shorter = sealed[..sealed.len() - sealed_chunk].to_vec();
        shorter[3..11].copy_from_slice(&(CHUNK_BYTES as u64).to_be_bytes());
        assert!(opened(&shorter).is_none());
        let mut exchanged = sealed.clone();
        exchanged[HEADER_BYTES..].rotate_left(sealed_chunk);
        assert!(opened(&exchanged).unwrap().read_at(0, &mut [0; 4]).is_none());
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        let blob = opened(&changed).unwrap();
        assert_eq!(blob.read_at(0, &mut [0; 4]), Some(4));
        assert!(blob.read_at(CHUNK_BYTES as u64, &mut [0; 4]).is_none());
    }
}
