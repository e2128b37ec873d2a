//! `roster sign`: a custodian reads what a proposal changes and adds a signature.
//!
//! It runs on the custodian's own machine, without a network. It keeps the order: the proposal is checked whole, its changes are
//! shown, the custodian agrees, and only then is the key opened. It does not ask by itself: the command line passes in how.

use std::io::{self, Write};
use std::path::PathBuf;

use kinmesh_protocol::base::NetworkId;
use kinmesh_protocol::roster::Fingerprint;
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::changes::{Change, changes};
use crate::coordinator::proposal::{Proposal, ProposalError};
use crate::coordinator::propose::write_changes;
use crate::exchange::bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
use crate::exchange::{Kind, WholeFileError};
use crate::keys::{KeyFile, KeyUse, OpenKeyError, SecretKind, UnlockSecret};

/// What is signed, with which key.
pub struct SignArgs {
    /// The custodian's key file.
    pub key: PathBuf,
    /// The proposal; the signature is added to it.
    pub file: PathBuf,
}

/// What a custodian reads before signing.
#[derive(Clone, Debug, Serialize)]
pub struct SignReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The version.
    pub version: u64,
    /// The version that it follows; 0 for none.
    pub follows: u64,
    /// Fingerprint of the custodians who signed the version before, or of this first one's.
    pub fingerprint: String,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Signatures on it.
    pub signatures: u64,
    /// Signatures that it needs.
    pub needed: u64,
}

/// Why nothing was signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The file.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The proposal.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// The key file.
    #[error(transparent)]
    Key(#[from] OpenKeyError),
    /// A key of another network or for another use.
    #[error("the key file is not that of a custodian of {expected}")]
    OtherKey {
        /// The proposal's network.
        expected: NetworkId,
    },
    /// The custodian does not agree, or the secret was not given.
    #[error("not signed")]
    Declined,
}

impl SignError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(BundleFileError::File(WholeFileError::Io { .. }))
            | Self::Key(OpenKeyError::Io(_) | OpenKeyError::Memory(_)) => Kind::Machine,
            Self::Key(OpenKeyError::WrongSecret | OpenKeyError::Kind { .. }) => Kind::Secret,
            Self::Proposal(_) => Kind::Verification,
            _ => Kind::Usage,
        }
    }
}

impl SignReport {
    /// Reads how a proposal stands.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Self {
        let before = proposal.before().map(|held| &held.roster);
        let count = proposal.signature_count();
        Self {
            schema: "kinmesh/roster-sign/1",
            network: proposal.roster.network_id,
            version: proposal.roster.version,
            follows: before.map_or(0, |roster| roster.version),
            fingerprint: Fingerprint::of(before.unwrap_or(&proposal.roster)).to_string(),
            changes: changes(before, &proposal.roster),
            signatures: count.found,
            needed: count.needed,
        }
    }

    /// What the custodian reads.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} version {} (after {}), custodians {}", self.network, self.version, self.follows, self.fingerprint)?;
        write_changes(out, &self.changes)?;
        writeln!(out, "{} of {} signatures", self.signatures, self.needed)
    }
}

/// Shows a proposal, asks, and signs it.
///
/// `agree` is shown the report and says whether the custodian signs; `secret` gives what opens a key of that kind. Neither is
/// called for a proposal that is refused.
///
/// # Errors
/// [`SignError`]; the file is then as it was.
pub fn run(
    args: &SignArgs,
    agree: impl FnOnce(&SignReport) -> bool,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
) -> Result<SignReport, SignError> {
    let mut proposal = Proposal::from_items(&read_bundle(&args.file)?)?;
    let key = KeyFile::open(&args.key)?;
    let expected = proposal.roster.network_id;
    if key.usage() != KeyUse::Custodian || *key.network() != expected {
        return Err(SignError::OtherKey { expected });
    }
    if !agree(&SignReport::of(&proposal)) {
        return Err(SignError::Declined);
    }
    let signing = match key.secret_kind() {
        None => key.unlock(None)?,
        Some(kind) => key.unlock(Some(&secret(kind).ok_or(SignError::Declined)?))?,
    };
    proposal.sign(&signing)?;
    let items = proposal.to_items();
    write_bundle(&args.file, items.iter().map(Vec::as_slice), Replace::Allowed)?;
    Ok(SignReport::of(&proposal))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::coordinator::proposal::tests::{custodian, signed_roster};
    use crate::keys::{KdfCost, Protection};

    fn proposal_file(folder: &Path) -> PathBuf {
        let file = folder.join("roster.proposal");
        let items = signed_roster(&[1]).to_items();
        write_bundle(&file, items.iter().map(Vec::as_slice), Replace::Never).unwrap();
        file
    }

    fn key_file(folder: &Path, number: u8, network: &str, protection: Protection<'_>) -> PathBuf {
        let path = folder.join(format!("custodian-{number}.key"));
        let network = NetworkId::new(network).unwrap();
        KeyFile::create(&path, &network, KeyUse::Custodian, &custodian(number), protection, KdfCost::Drill).unwrap();
        path
    }

    #[test]
    fn a_custodian_reads_agrees_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        let file = proposal_file(folder.path());
        let args = SignArgs { key: key_file(folder.path(), 2, "drill-k", Protection::Unprotected), file: file.clone() };
        let no_secret = |_| None;
        let declined = run(&args, |report| report.changes.is_empty(), no_secret);
        assert!(matches!(declined, Err(SignError::Declined)));
        assert_eq!(Proposal::from_items(&read_bundle(&file).unwrap()).unwrap().signature_count().found, 1);
        let report = run(&args, |report| !report.changes.is_empty(), no_secret).unwrap();
        assert_eq!((report.signatures, report.needed, report.follows), (2, 2, 0));
        let mut text = Vec::new();
        report.write_text(&mut text).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("! first roster of drill-k"));
    }

    #[test]
    fn a_sealed_key_needs_its_secret_and_a_strange_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = proposal_file(folder.path());
        let right = UnlockSecret::Passphrase("three grey herons".into());
        let sealed = SignArgs { key: key_file(folder.path(), 3, "drill-k", Protection::Secret(&right)), file: file.clone() };
        let wrong = run(&sealed, |_| true, |_| Some(UnlockSecret::Passphrase("two".into())));
        assert_eq!(wrong.unwrap_err().kind(), Kind::Secret);
        assert!(run(&sealed, |_| true, |_| Some(right.clone())).is_ok());
        let elsewhere = SignArgs { key: key_file(folder.path(), 2, "drill-other", Protection::Unprotected), file: file.clone() };
        assert!(matches!(run(&elsewhere, |_| true, |_| None), Err(SignError::OtherKey { .. })));
        let stranger = SignArgs { key: key_file(folder.path(), 9, "drill-k", Protection::Unprotected), file };
        let refused = run(&stranger, |_| true, |_| None);
        assert!(matches!(refused, Err(SignError::Proposal(ProposalError::Signer(_)))));
    }
}
