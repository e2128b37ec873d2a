//! Small files that are replaced whole: written beside, fsynced, renamed, the folder fsynced.
//!
//! The keystore and the store's manifest are such files. A reader finds the former or the latter content, never a mixture, after a
//! crash at any point. A frame around the body (kind, version, SHA-256) tells a damaged file from one of a later release
//! and from one that another key sealed; it is no protection against an attacker, who can compute it.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use kinmesh_protocol::base::cbor;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// How the name of a file begins that was not yet renamed; what a crash left of these is swept.
pub const UNFINISHED_PREFIX: &str = ".incoming-";

/// Bytes of a small file, at most.
const FILE_BYTES: u64 = 1024 * 1024;

/// Why a small file gives no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SmallFileError {
    /// There is no such file.
    #[error("there is no such file")]
    Absent,
    /// It is not what was written, or a file of another kind.
    #[error("the file is damaged")]
    Damaged,
    /// A later release wrote it.
    #[error("the file has version {found}, this release reads up to {known}")]
    Later {
        /// Version found.
        found: u16,
        /// Highest version that this release reads.
        known: u16,
    },
    /// The file system refused.
    #[error("the file cannot be read: {0}")]
    Io(ErrorKind),
}

/// What a file is, and the version that this release writes.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Name in the file.
    pub name: &'static str,
    /// Version written, and the highest read.
    pub version: u16,
}

#[derive(Encode, Decode)]
struct Frame {
    #[n(0)]
    kind: String,
    #[n(1)]
    version: u16,
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    body: Vec<u8>,
    #[n(3)]
    #[cbor(with = "cbor::fixed")]
    checksum: [u8; 32],
}

/// Reads the body of a small file with its version.
///
/// # Errors
/// [`SmallFileError`].
pub fn read(path: &Path, kind: Kind) -> Result<(u16, Vec<u8>), SmallFileError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => SmallFileError::Absent,
        other => SmallFileError::Io(other),
    })?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES).read_to_end(&mut bytes).map_err(|error| SmallFileError::Io(error.kind()))?;
    let frame: Frame = cbor::decode(&bytes).map_err(|_| SmallFileError::Damaged)?;
    if frame.kind != kind.name || frame.checksum != checksum(&frame) {
        return Err(SmallFileError::Damaged);
    }
    if frame.version > kind.version {
        return Err(SmallFileError::Later { found: frame.version, known: kind.version });
    }
    Ok((frame.version, frame.body))
}

/// Replaces a small file durably.
///
/// # Errors
/// Those of the file system; what was there before is then still there.
pub fn write(path: &Path, kind: Kind, body: Vec<u8>) -> io::Result<()> {
    replace(path, &framed(kind, body))
}

/// Writes a small file durably where none is; its folder is made, for this account alone.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`], and those of the file system.
pub fn create(path: &Path, kind: Kind, body: Vec<u8>) -> io::Result<()> {
    make_folder(folder(path))?;
    finished(path, &framed(kind, body))?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder(path))
}

/// Replaces a file of any content durably. The file is for this account alone (mode 0600).
///
/// # Errors
/// Those of the file system; what was there before is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    finished(path, bytes)?.persist(path).map_err(|error| error.error)?;
    sync_folder(folder(path))
}

/// Makes a folder for this account alone (mode 0700), with those above it; one that is there is left as it is.
///
/// # Errors
/// Those of the file system.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_folder(folder(path))
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// Those of the file system.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn framed(kind: Kind, body: Vec<u8>) -> Vec<u8> {
    let mut frame = Frame { kind: kind.name.to_owned(), version: kind.version, body, checksum: [0; 32] };
    frame.checksum = checksum(&frame);
    cbor::encode(&frame)
}

fn checksum(frame: &Frame) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(frame.kind.as_bytes());
    hash.update(frame.version.to_be_bytes());
    hash.update(&frame.body);
    hash.finalize().into()
}

/// The fsynced file that only has to be renamed.
fn finished(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { name: "example", version: 1 };

    #[test]
    fn a_file_gives_its_body_back_and_names_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/file");
        assert_eq!(read(&path, KIND), Err(SmallFileError::Absent));
        create(&path, KIND, vec![1, 2]).unwrap();
        assert_eq!(read(&path, KIND), Ok((1, vec![1, 2])));
        assert_eq!(create(&path, KIND, vec![]).unwrap_err().kind(), ErrorKind::AlreadyExists);
        write(&path, Kind { version: 2, ..KIND }, vec![3]).unwrap();
        assert_eq!(read(&path, KIND), Err(SmallFileError::Later { found: 2, known: 1 }));
        write(&path, Kind { name: "other", ..KIND }, vec![3]).unwrap();
        assert_eq!(read(&path, KIND), Err(SmallFileError::Damaged));
    }

    #[test]
    fn every_changed_byte_of_a_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let whole = framed(KIND, vec![7; 40]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&path, KIND), Err(SmallFileError::Damaged), "byte {at}");
        }
    }

    #[test]
    fn the_file_and_its_folder_are_for_this_account_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/file");
        create(&path, KIND, vec![1]).unwrap();
        write(&path, KIND, vec![2]).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
}
