//! Bundles of any size up to 256 MiB, item by item: what a member carries to another one.
//!
//! The command line writes and reads them. A bundle is there wholly or not at all, for its owner alone (0600); of one that is
//! read no more than a piece and an item is held. Whether an item is genuine is decided by the node that takes it.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::wire::{BundleReader, BundleWriter};
use tempfile::NamedTempFile;

use crate::exchange::bundle_file::BundleFileError;
use crate::exchange::whole_file::{WholeFileError, folder_of, sync_folder};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// A bundle that is being written beside its place.
pub struct BundleSink {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    writer: BundleWriter,
    /// Items so far.
    pub items: u64,
    /// Bytes so far.
    pub bytes: u64,
}

impl BundleSink {
    /// Begins a bundle that must not be there yet.
    ///
    /// # Errors
    /// [`WholeFileError::Exists`], [`WholeFileError::Io`].
    pub fn create(path: &Path) -> Result<Self, BundleFileError> {
        if path.exists() {
            return Err(WholeFileError::Exists { path: path.to_owned() }.into());
        }
        // A temporary file has mode 0600 from its first moment.
        let file = NamedTempFile::new_in(folder_of(path)).map_err(WholeFileError::io(path))?;
        let mut file = BufWriter::new(file);
        let (writer, magic) = BundleWriter::start();
        file.write_all(&magic).map_err(WholeFileError::io(path))?;
        Ok(Self { path: path.to_owned(), file, writer, items: 0, bytes: magic.len() as u64 })
    }

    /// Adds an item.
    ///
    /// # Errors
    /// [`BundleFileError`]; of an item that does not fit nothing is written.
    pub fn push(&mut self, item: &[u8]) -> Result<(), BundleFileError> {
        let prefix = self.writer.prefix(item)?;
        self.file.write_all(&prefix).and_then(|()| self.file.write_all(item)).map_err(WholeFileError::io(&self.path))?;
        self.items += 1;
        self.bytes += (prefix.len() + item.len()) as u64;
        Ok(())
    }

    /// Makes the bundle durable under its name.
    ///
    /// # Errors
    /// [`BundleFileError`]; nothing is left behind then.
    pub fn finish(self) -> Result<(), BundleFileError> {
        let path = self.path;
        let file = self.file.into_inner().map_err(|refused| WholeFileError::io(&path)(refused.into_error()))?;
        file.as_file().sync_all().map_err(WholeFileError::io(&path))?;
        file.persist_noclobber(&path).map_err(|refused| match refused.error.kind() {
            std::io::ErrorKind::AlreadyExists => WholeFileError::Exists { path: path.clone() },
            _ => WholeFileError::Io { path: path.clone(), source: refused.error },
        })?;
        Ok(sync_folder(folder_of(&path))?)
    }
}

/// A bundle that is being read.
pub struct BundleSource {
    path: PathBuf,
    file: File,
    reader: Option<BundleReader>,
    /// Bytes of the file.
    pub bytes: u64,
}

impl BundleSource {
    /// Opens a bundle.
    ///
    /// # Errors
    /// [`WholeFileError::Io`].
    pub fn open(path: &Path) -> Result<Self, BundleFileError> {
        let file = File::open(path).map_err(WholeFileError::io(path))?;
        let bytes = file.metadata().map_err(WholeFileError::io(path))?.len();
        Ok(Self { path: path.to_owned(), file, reader: Some(BundleReader::new()), bytes })
    }

    /// The next item; none after the last.
    ///
    /// # Errors
    /// [`BundleFileError`]; nothing more is read then.
    pub fn next_item(&mut self) -> Result<Option<Vec<u8>>, BundleFileError> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let mut piece = vec![0; PIECE];
        loop {
            if let Some(item) = reader.take_item()? {
                self.reader = Some(reader);
                return Ok(Some(item));
            }
            let read = self.file.read(&mut piece).map_err(WholeFileError::io(&self.path))?;
            if read == 0 {
                reader.finish()?;
                return Ok(None);
            }
            reader.push(piece.get(..read).unwrap_or_default())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use kinmesh_protocol::wire::BundleError;

    use super::*;

    #[test]
    fn a_bundle_comes_back_item_by_item_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("to-KE.kmb");
        let items: Vec<Vec<u8>> = (1..200u32).map(|number| vec![7; number as usize * 997]).collect();
        let mut sink = BundleSink::create(&path).unwrap();
        for item in &items {
            sink.push(item).unwrap();
        }
        assert!(!path.exists(), "it is there only when it is whole");
        sink.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(matches!(BundleSink::create(&path), Err(BundleFileError::File(WholeFileError::Exists { .. }))));
        let mut source = BundleSource::open(&path).unwrap();
        let mut read = Vec::new();
        while let Some(item) = source.next_item().unwrap() {
            read.push(item);
        }
        assert_eq!(read, items);
        assert_eq!(source.next_item().unwrap(), None);
    }

    #[test]
    fn a_bundle_that_is_given_up_leaves_nothing_and_a_cut_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("to-KE.kmb");
        let mut sink = BundleSink::create(&path).unwrap();
        sink.push(&[1; 300]).unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        std::fs::write(&path, b"KINMESH1\x00\x00\x00\x05abc").unwrap();
        let mut source = BundleSource::open(&path).unwrap();
        assert!(matches!(source.next_item(), Err(BundleFileError::Bundle(BundleError::Truncated { number: 1 }))));
        assert!(matches!(source.next_item(), Ok(None)));
    }
}
