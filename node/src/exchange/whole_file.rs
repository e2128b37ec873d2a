//! Small files that are there wholly or not at all.
//!
//! The daemon and the coordinator's commands read and write through it: temporary file, fsync, rename, fsync of the folder.
//! What is written is for its owner only (0600). Errors name the file, since the operator chose its name; never its content.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::keys::small_file;

/// A file could not be read or written.
#[derive(Debug, Error)]
pub enum WholeFileError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is longer than its kind may be.
    #[error("{path}: more than {limit} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        limit: u64,
    },
    /// A file of that name is there, and is not to be replaced.
    #[error("{path} is there already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl WholeFileError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// [`WholeFileError::Io`], [`WholeFileError::TooLong`].
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, WholeFileError> {
    let file = File::open(path).map_err(WholeFileError::io(path))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(WholeFileError::io(path))?;
    if bytes.len() as u64 > limit {
        return Err(WholeFileError::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// [`WholeFileError::Exists`], [`WholeFileError::Io`]; nothing is left behind then.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WholeFileError> {
    let file = written(path, bytes)?;
    file.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists => WholeFileError::Exists { path: path.to_owned() },
        _ => WholeFileError::Io { path: path.to_owned(), source: refused.error },
    })?;
    sync_folder(folder_of(path))
}

/// Writes a file, replacing the one of that name at once.
///
/// # Errors
/// [`WholeFileError::Io`]; the earlier file is as it was then.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), WholeFileError> {
    small_file::replace(path, bytes).map_err(WholeFileError::io(path))
}

/// Makes the names in a folder durable.
///
/// # Errors
/// [`WholeFileError::Io`].
pub fn sync_folder(folder: &Path) -> Result<(), WholeFileError> {
    small_file::sync_folder(folder).map_err(WholeFileError::io(folder))
}

/// The folder that a file is in; the current one for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn written(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, WholeFileError> {
    let mut file = NamedTempFile::new_in(folder_of(path)).map_err(WholeFileError::io(path))?;
    file.write_all(bytes).map_err(WholeFileError::io(path))?;
    file.as_file().sync_all().map_err(WholeFileError::io(path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enrol-CIR.toml");
        write_new(&path, b"one").unwrap();
        assert!(matches!(write_new(&path, b"two"), Err(WholeFileError::Exists { .. })));
        assert_eq!(read_bounded(&path, 3).unwrap(), b"one");
        replace(&path, b"three").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"three");
        assert!(matches!(read_bounded(&path, 4), Err(WholeFileError::TooLong { limit: 4, .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
