//! The key ceremony: makes the custodians' keys on a machine without a network.
//!
//! `ceremony run` calls it once in a network's life. It keeps that each key is in a file of its own, sealed under its
//! custodian's secret (an open key is for drills), and that nothing is left where a part failed. Randomness is the operating
//! system's. It signs no roster: that is done with the files it wrote.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{NetworkId, Sensitive};
use kinmesh_protocol::roster::Custodians;
use kinmesh_protocol::roster::custodians::CUSTODIANS;
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::custodians_file::NetworkCustodians;
use crate::exchange::{Kind, WholeFileError, write_new};
use crate::keys::aead;
use crate::keys::small_file::make_folder;
use crate::keys::{CreateKeyError, KdfCost, KeyFile, KeyUse, Protection, UnlockSecret};

/// What the ceremony makes.
pub struct CeremonyArgs {
    /// The network.
    pub network: NetworkId,
    /// Folder for the files; made if it is not there.
    pub out: PathBuf,
    /// Signatures on a roster.
    pub threshold: u64,
    /// Signatures on a change of custodians; one more than `threshold` where there are as many custodians, if not given.
    pub root_threshold: Option<u64>,
    /// Signatures on an emergency suspension; 2, or `threshold` if that is less, if not given.
    pub emergency_threshold: Option<u64>,
    /// One custodian's key each.
    pub custodians: CustodianSecrets,
}

/// How the custodians' keys are sealed.
#[derive(Clone)]
pub enum CustodianSecrets {
    /// Each under its custodian's own secret, in their order.
    Each(Vec<UnlockSecret>),
    /// Not at all, this many; drill networks only.
    Unprotected(usize),
}

/// What the ceremony made.
#[derive(Clone, Debug, Serialize)]
pub struct CeremonyReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// What operators type to trust the first roster: eight groups of four.
    pub fingerprint: String,
    /// Signatures on a roster.
    pub threshold: u64,
    /// The custodians' key files, in their order.
    pub keys: Vec<PathBuf>,
    /// The file with the public keys.
    pub custodians: PathBuf,
}

/// Why the ceremony made nothing.
#[derive(Debug, Error)]
pub enum CeremonyError {
    /// Too few or too many custodians.
    #[error("{found} custodians, expected 1 to {CUSTODIANS}")]
    Count {
        /// Custodians asked for.
        found: usize,
    },
    /// The thresholds do not fit the number of custodians.
    #[error(
        "thresholds {threshold}, {root_threshold} (custodians) and {emergency_threshold} (emergency) do not fit {custodians}"
    )]
    Thresholds {
        /// Custodians.
        custodians: usize,
        /// Signatures on a roster.
        threshold: u64,
        /// Signatures on a change of custodians.
        root_threshold: u64,
        /// Signatures on an emergency suspension.
        emergency_threshold: u64,
    },
    /// A key file.
    #[error("custodian {number}: {source}")]
    Key {
        /// Which custodian, from 1.
        number: usize,
        /// Why.
        source: CreateKeyError,
    },
    /// Another file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
}

impl CeremonyError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Count { .. } | Self::Thresholds { .. } | Self::File(WholeFileError::Exists { .. }) => Kind::Usage,
            Self::Key { source, .. } => match source {
                CreateKeyError::Exists | CreateKeyError::NoDrill { .. } | CreateKeyError::Short { .. } => Kind::Usage,
                CreateKeyError::Memory(_) | CreateKeyError::Seal(_) | CreateKeyError::Io(_) => Kind::Machine,
            },
            Self::File(_) | Self::NoRandomness => Kind::Machine,
        }
    }
}

impl CeremonyReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Network {}: {} custodians, {} sign a roster.", self.network, self.keys.len(), self.threshold)?;
        for key in &self.keys {
            writeln!(out, "  {}", key.display())?;
        }
        writeln!(out, "  {}  (public keys, for the coordinator)", self.custodians.display())?;
        writeln!(out)?;
        writeln!(out, "Root fingerprint:  {}", self.fingerprint)?;
        writeln!(out)?;
        writeln!(out, "Write the fingerprint down: every society gets it on paper and types it once, to join.")?;
        writeln!(out, "Give each custodian the key file of that number, and keep no copy on this machine.")
    }
}

/// Makes the keys.
///
/// # Errors
/// [`CeremonyError`]; files that were written are removed again.
pub fn run(args: &CeremonyArgs) -> Result<CeremonyReport, CeremonyError> {
    Ok(make(args)?.keep())
}

/// Makes the keys and keeps them in hand: what follows may fail, and then their files go again.
pub(super) fn make(args: &CeremonyArgs) -> Result<Made, CeremonyError> {
    let count = args.custodians.count();
    if !(1..=CUSTODIANS).contains(&count) {
        return Err(CeremonyError::Count { found: count });
    }
    let keys: Vec<SigningKey> = (0..count).map(|_| fresh_key()).collect::<Result<_, _>>()?;
    let custodians = custodians(args, &keys)?;
    make_folder(&args.out).map_err(WholeFileError::io(&args.out))?;
    let mut written = Written::default();
    for (number, key) in (1..).zip(&keys) {
        let path = args.out.join(format!("custodian-{number}.key"));
        let protection = args.custodians.protection(number - 1).ok_or(CeremonyError::Count { found: count })?;
        let cost = if args.network.is_drill() { KdfCost::Drill } else { KdfCost::Standard };
        KeyFile::create(&path, &args.network, KeyUse::Custodian, key, protection, cost)
            .map_err(|source| CeremonyError::Key { number, source })?;
        written.files.push(path);
    }
    let file = args.out.join("custodians.toml");
    write_new(&file, custodians.to_text().as_bytes())?;
    written.files.push(file.clone());
    Ok(Made { custodians, keys, written, file })
}

/// What a ceremony made, before its last act.
pub(super) struct Made {
    /// The custodians.
    pub(super) custodians: NetworkCustodians,
    /// Their keys, in their order.
    pub(super) keys: Vec<SigningKey>,
    /// The files: the custodians' keys in their order, then the public ones.
    pub(super) written: Written,
    file: PathBuf,
}

impl Made {
    /// Keeps the files.
    pub(super) fn keep(self) -> CeremonyReport {
        let keys = self.written.keep();
        CeremonyReport {
            schema: "kinmesh/ceremony/1",
            network: self.custodians.network,
            fingerprint: self.custodians.fingerprint().to_string(),
            threshold: self.custodians.custodians.threshold,
            keys: keys.into_iter().filter(|file| *file != self.file).collect(),
            custodians: self.file,
        }
    }
}

impl CustodianSecrets {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Each(secrets) => secrets.len(),
            Self::Unprotected(count) => *count,
        }
    }

    fn protection(&self, place: usize) -> Option<Protection<'_>> {
        match self {
            Self::Each(secrets) => secrets.get(place).map(Protection::Secret),
            Self::Unprotected(_) => Some(Protection::Unprotected),
        }
    }
}

/// Key files that are removed again unless the ceremony comes to its end.
#[derive(Default)]
pub(super) struct Written {
    /// What is there so far.
    pub(super) files: Vec<PathBuf>,
}

impl Written {
    fn keep(mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.files)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for file in &self.files {
            if let Err(error) = fs::remove_file(file) {
                tracing::error!(file = %file.display(), %error, "a key file of a ceremony that failed was not removed");
            }
        }
    }
}

fn custodians(args: &CeremonyArgs, keys: &[SigningKey]) -> Result<NetworkCustodians, CeremonyError> {
    let count = keys.len() as u64;
    let threshold = args.threshold;
    let custodians = Custodians {
        keys: keys.iter().map(|key| key.verifying_key().to_bytes()).collect(),
        threshold,
        root_threshold: args.root_threshold.unwrap_or_else(|| threshold.saturating_add(1).min(count)),
        emergency_threshold: args.emergency_threshold.unwrap_or_else(|| threshold.min(2)),
    };
    if custodians.is_sound() {
        return Ok(NetworkCustodians { network: args.network, custodians });
    }
    Err(CeremonyError::Thresholds {
        custodians: keys.len(),
        threshold,
        root_threshold: custodians.root_threshold,
        emergency_threshold: custodians.emergency_threshold,
    })
}

pub(super) fn fresh_key() -> Result<SigningKey, CeremonyError> {
    let seed = Sensitive::new(aead::random::<32>().map_err(|_| CeremonyError::NoRandomness)?);
    Ok(SigningKey::from_bytes(seed.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::read_bounded;

    fn args(network: &str, out: PathBuf, custodians: CustodianSecrets) -> CeremonyArgs {
        CeremonyArgs {
            network: NetworkId::new(network).unwrap(),
            out,
            threshold: 2,
            root_threshold: None,
            emergency_threshold: None,
            custodians,
        }
    }

    #[test]
    fn each_custodian_gets_a_key_file_and_the_fingerprint_covers_all() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |byte| UnlockSecret::Credential(Sensitive::new(vec![byte; 32]));
        let secrets = CustodianSecrets::Each(vec![secret(1), secret(2), secret(3)]);
        let report = run(&args("drill-k", folder.path().join("ceremony"), secrets)).unwrap();
        assert_eq!((report.keys.len(), report.threshold), (3, 2));
        let text = String::from_utf8(read_bounded(&report.custodians, 10_000).unwrap()).unwrap();
        let custodians = NetworkCustodians::parse(&text).unwrap();
        assert_eq!(custodians.fingerprint().to_string(), report.fingerprint);
        let second = KeyFile::open(&report.keys[1]).unwrap();
        assert_eq!(second.public(), &custodians.custodians.keys[1]);
        assert!(second.unlock(Some(&secret(1))).is_err());
        assert!(second.unlock(Some(&secret(2))).is_ok());
    }

    #[test]
    fn a_ceremony_that_fails_leaves_no_key_behind() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_owned();
        let real = run(&args("kin-rcrc", out.clone(), CustodianSecrets::Unprotected(3)));
        assert!(matches!(real, Err(CeremonyError::Key { number: 1, source: CreateKeyError::NoDrill { .. } })));
        fs::write(out.join("custodian-3.key"), b"an older key").unwrap();
        let second = run(&args("drill-k", out.clone(), CustodianSecrets::Unprotected(3)));
        assert!(matches!(second, Err(CeremonyError::Key { number: 3, source: CreateKeyError::Exists })));
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        assert_eq!(fs::read(out.join("custodian-3.key")).unwrap(), b"an older key");
    }

    #[test]
    fn thresholds_that_cannot_be_met_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = run(&args("drill-k", folder.path().to_owned(), CustodianSecrets::Unprotected(1)));
        assert!(matches!(refused, Err(CeremonyError::Thresholds { custodians: 1, threshold: 2, .. })));
        assert!(matches!(
            run(&args("drill-k", folder.path().to_owned(), CustodianSecrets::Unprotected(0))),
            Err(CeremonyError::Count { found: 0 })
        ));
    }
}
