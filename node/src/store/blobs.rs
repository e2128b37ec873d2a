//! The folder of blobs: immutable files of any length, named by their random ids.
//!
//! `commit` writes a blob durably before the row that names it and removes it after the row is gone; `open` removes what no
//! row names, which is what a crash in between leaves. A name says nothing about the content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use kinmesh_protocol::base::BlobId;
use kinmesh_protocol::engine::ReadError;

use crate::keys::ServiceKeys;
use crate::keys::aead::{self, Key, SealError};
use crate::keys::small_file::{make_folder, replace, sync_folder};
use crate::store::blob_file::{self, BlobFile};

const LABEL: &str = "kinmesh/1/store/blob/1";

/// The folder and the key of its files.
pub struct Blobs {
    folder: PathBuf,
    kek: Key,
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
        Ok(Self { folder: folder.to_path_buf(), kek: aead::derive(&keys.root, LABEL) })
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

    /// Removes blobs. What cannot be removed is named by no row and goes when the store is opened.
    pub fn remove<'a>(&self, blobs: impl IntoIterator<Item = &'a BlobId>) {
        for blob in blobs {
            let _swept_at_open = fs::remove_file(self.path(*blob));
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
