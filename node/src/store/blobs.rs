//! The folder of blobs: immutable files of any length, named by their random ids.
//!
//! `commit` writes a blob durably before the row that names it and removes it after the row is gone; `open` removes what no
//! row names, which is what a crash in between leaves. A name says nothing about the content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use kinmesh_protocol::base::{BlobId, Sensitive};
use kinmesh_protocol::engine::ReadError;

use crate::keys::ServiceKeys;
use crate::keys::aead::{self, Key, SealError};
use crate::keys::small_file::{make_folder, replace, sync_folder};
use crate::store::blob_file::{self, BlobFile, CHUNK_BYTES};

/// Chunks of blobs that are kept opened: those of the runs that the median owner merges; 1 MiB.
const RECENT: usize = 16;
const LABEL: &str = "kinmesh/1/store/blob/1";

/// The folder and the key of its files.
pub struct Blobs {
    folder: PathBuf,
    kek: Key,
    recent: Mutex<Recent>,
}

/// An opened chunk.
struct Chunk {
    blob: BlobId,
    number: u64,
    /// Bytes of the whole blob.
    length: u64,
    content: Sensitive<Vec<u8>>,
}

impl Chunk {
    /// Copies from a position in the blob; 0 bytes at its end.
    fn copy(&self, position: u64, into: &mut [u8]) -> usize {
        let inside = usize::try_from(position % CHUNK_BYTES as u64).unwrap_or(usize::MAX);
        let available = self.content.expose().get(inside..).unwrap_or(&[]);
        let count = available.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        count
    }
}

/// The chunks that were read last, the latest one behind the others.
#[derive(Default)]
struct Recent(Vec<Chunk>);

impl Recent {
    /// Copies what is known of a blob from a position on; none if that chunk is not known.
    fn copy(&mut self, blob: BlobId, position: u64, into: &mut [u8]) -> Option<usize> {
        let number = position / CHUNK_BYTES as u64;
        let is_it = |chunk: &Chunk| chunk.blob == blob && (chunk.number == number || position == chunk.length);
        let place = self.0.iter().position(is_it)?;
        let last = self.0.len() - 1;
        self.0.get_mut(place..)?.rotate_left(1);
        let chunk = self.0.get(last)?;
        Some(if position >= chunk.length { 0 } else { chunk.copy(position, into) })
    }

    fn add(&mut self, chunk: Chunk) {
        if self.0.len() >= RECENT {
            self.0.remove(0);
        }
        self.0.push(chunk);
    }

    fn forget(&mut self, blob: BlobId) {
        self.0.retain(|chunk| chunk.blob != blob);
    }
}

/// Why a blob was not written.
pub enum WriteError {
    /// It could not be sealed.
    Seal(SealError),
    /// The file system refused.
    Io(io::Error),
}

impl Blobs {
    /// The blobs in a folder, which is made where it is missing.
    pub fn open(folder: &Path, keys: &ServiceKeys) -> io::Result<Self> {
        make_folder(folder)?;
        let recent = Mutex::new(Recent::default());
        Ok(Self { folder: folder.to_path_buf(), kek: aead::derive(&keys.root, LABEL), recent })
    }

    /// Writes a blob; durable when it returns.
    pub fn write(&self, blob: BlobId, content: &[u8]) -> Result<(), WriteError> {
        let sealed = blob_file::seal(&self.kek, blob, content).map_err(WriteError::Seal)?;
        replace(&self.path(blob), &sealed).map_err(WriteError::Io)
    }

    /// Opens a blob for reading.
    pub fn read(&self, blob: BlobId) -> Result<BlobFile, ReadError> {
        let file = File::open(self.path(blob)).map_err(|_| ReadError::Damaged)?;
        BlobFile::open(&self.kek, blob, file).ok_or(ReadError::Damaged)
    }

    /// Reads a part of a blob from a byte offset; fewer bytes than asked for only at the end. Jobs read blobs by small windows,
    /// several at a time: a chunk that was opened lately is not opened again.
    pub fn read_at(&self, blob: BlobId, at: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        let mut read = 0;
        while let Some(rest) = into.get_mut(read..).filter(|rest| !rest.is_empty()) {
            let position = at.saturating_add(read as u64);
            let known = self.recent().copy(blob, position, rest);
            let count = match known {
                Some(count) => count,
                None => self.open_chunk(blob, position, rest)?,
            };
            if count == 0 {
                break;
            }
            read += count;
        }
        Ok(read)
    }

    fn open_chunk(&self, blob: BlobId, position: u64, into: &mut [u8]) -> Result<usize, ReadError> {
        let file = self.read(blob)?;
        if position >= file.length() {
            return Ok(0);
        }
        let number = position / CHUNK_BYTES as u64;
        let content = file.chunk(number).ok_or(ReadError::Damaged)?;
        let chunk = Chunk { blob, number, length: file.length(), content };
        let count = chunk.copy(position, into);
        let mut recent = self.recent();
        // Nothing of a blob stays behind that was removed meanwhile.
        if self.path(blob).exists() {
            recent.add(chunk);
        }
        Ok(count)
    }

    /// What is kept is whole even after a panic elsewhere, since nothing panics while it is locked.
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes blobs. What cannot be removed is named by no row and goes when the store is opened.
    pub fn remove<'a>(&self, blobs: impl IntoIterator<Item = &'a BlobId>) {
        for blob in blobs {
            let _swept_at_open = fs::remove_file(self.path(*blob));
            self.recent().forget(*blob);
        }
    }

    /// Removes every file that is none of these blobs.
    pub fn sweep(&self, named: &BTreeSet<BlobId>) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_named = entry.file_name().to_str().and_then(blob_of).is_some_and(|blob| named.contains(&blob));
            if !is_named {
                fs::remove_file(entry.path())?;
            }
        }
        sync_folder(&self.folder)
    }

    fn path(&self, blob: BlobId) -> PathBuf {
        self.folder.join(HEXLOWER.encode(&blob.0))
    }
}

fn blob_of(name: &str) -> Option<BlobId> {
    HEXLOWER.decode(name.as_bytes()).ok()?.try_into().ok().map(BlobId)
}
