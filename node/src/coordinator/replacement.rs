//! `ceremony replace`: one custodian's key, made anew where the old one is lost.
//!
//! The custodian calls it alone, on a machine without a network; the others need not meet. The key counts when a roster puts
//! it in the old one's place, which the custodians that are left sign as a change of custodians.

use std::io::{self, Write};
use std::path::PathBuf;

use kinmesh_protocol::base::NetworkId;
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::ceremony::{CeremonyError, fresh_key};
use crate::coordinator::custodians_file::CustodianFile;
use crate::exchange::{Kind, WholeFileError, write_new};
use crate::keys::small_file::make_folder;
use crate::keys::{CreateKeyError, KdfCost, KeyFile, KeyUse, Protection, UnlockSecret};

/// Whose key is made.
pub struct ReplaceArgs {
    /// The network.
    pub network: NetworkId,
    /// The custodian's place, from 1: names the files.
    pub place: usize,
    /// Folder for the files; made if it is not there.
    pub out: PathBuf,
    /// Seals the key; none leaves it open, in a drill only.
    pub secret: Option<UnlockSecret>,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct ReplaceReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The place.
    pub place: usize,
    /// What the custodian reads out.
    pub fingerprint: String,
    /// The key.
    pub key: PathBuf,
    /// The public key.
    pub public: PathBuf,
}

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum ReplaceError {
    /// No randomness.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The key file.
    #[error("the key: {0}")]
    Key(#[from] CreateKeyError),
    /// The public file.
    #[error(transparent)]
    File(#[from] WholeFileError),
}

impl ReplaceError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Key(CreateKeyError::Exists | CreateKeyError::NoDrill { .. } | CreateKeyError::Short { .. })
            | Self::File(WholeFileError::Exists { .. }) => Kind::Usage,
            Self::Ceremony(_) | Self::Key(_) | Self::File(_) => Kind::Machine,
        }
    }
}

impl ReplaceReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Custodian {} of {}: {}", self.place, self.network, self.key.display())?;
        writeln!(out, "Read this out on a call with the others:  {}", self.fingerprint)?;
        writeln!(out, "Send the coordinator:  {}", self.public.display())?;
        let Self { place, public, .. } = self;
        writeln!(
            out,
            "It counts with: kinmesh roster propose --held ROSTER --replace-custodian {place}={} --out NEXT",
            public.display()
        )
    }
}

/// Makes the key.
///
/// # Errors
/// [`ReplaceError`].
pub fn run(args: &ReplaceArgs) -> Result<ReplaceReport, ReplaceError> {
    make_folder(&args.out).map_err(WholeFileError::io(&args.out))?;
    let key = fresh_key()?;
    let file = CustodianFile { network: args.network, key: key.verifying_key().to_bytes() };
    let path = args.out.join(format!("custodian-{}.key", args.place));
    let public = args.out.join(format!("custodian-{}.toml", args.place));
    let cost = if args.network.is_drill() { KdfCost::Drill } else { KdfCost::Standard };
    let protection = args.secret.as_ref().map_or(Protection::Unprotected, Protection::Secret);
    KeyFile::create(&path, &args.network, KeyUse::Custodian, &key, protection, cost)?;
    write_new(&public, file.to_text().as_bytes())?;
    Ok(ReplaceReport {
        schema: "kinmesh/ceremony-replace/1",
        network: args.network,
        place: args.place,
        fingerprint: file.fingerprint().to_string(),
        key: path,
        public,
    })
}
