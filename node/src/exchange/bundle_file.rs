//! Bundles as files: invitations, proposals, and the cells of a laptop kit.
//!
//! `join` and the coordinator's commands read and write public messages through it. Such a bundle is small; one that holds
//! cells is read piece by piece with `wire::BundleReader`, not here.

use std::path::Path;

use kinmesh_protocol::wire::bundle::{self, BundleError};
use thiserror::Error;

use crate::exchange::whole_file::{WholeFileError, read_bounded, replace, write_new};

/// Bytes of a bundle of public messages: a roster of 1 MiB, the one before it, and 256 announcements.
pub const PUBLIC_BUNDLE_BYTES: u64 = 8 * 1024 * 1024;

/// A bundle could not be read or written.
#[derive(Debug, Error)]
pub enum BundleFileError {
    /// The file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// Its content.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Whether a file of the same name may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It is an error if the file is there.
    Never,
    /// The file is replaced at once.
    Allowed,
}

/// Reads the items of a bundle of public messages.
///
/// # Errors
/// [`BundleFileError`].
pub fn read_bundle(path: &Path) -> Result<Vec<Vec<u8>>, BundleFileError> {
    Ok(bundle::read(&read_bounded(path, PUBLIC_BUNDLE_BYTES)?)?)
}

/// Writes items as a bundle.
///
/// # Errors
/// [`BundleFileError`].
pub fn write_bundle<'a>(
    path: &Path,
    items: impl IntoIterator<Item = &'a [u8]>,
    existing: Replace,
) -> Result<(), BundleFileError> {
    let bytes = bundle::write(items)?;
    match existing {
        Replace::Never => write_new(path, &bytes)?,
        Replace::Allowed => replace(path, &bytes)?,
    }
    Ok(())
}
