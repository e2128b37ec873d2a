//! `roster sign`: a custodian reads what a proposed roster or a suspension changes and adds a signature.
//!
//! It runs on the custodian's own machine, without a network. It keeps the order: the proposal is checked whole, its changes are
//! shown, the custodian agrees, and only then is the key opened. It does not ask by itself: the command line passes in how.

use std::path::PathBuf;

use kinmesh_protocol::base::NetworkId;
use thiserror::Error;

use crate::coordinator::draft::{Draft, DraftReport};
use crate::coordinator::proposal::ProposalError;
use crate::exchange::bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
use crate::exchange::{Kind, WholeFileError};
use crate::keys::{KeyFile, KeyUse, OpenKeyError, SecretKind, UnlockSecret};

/// Kind and version of the report.
const SCHEMA: &str = "kinmesh/roster-sign/1";

/// What is signed, with which key.
pub struct SignArgs {
    /// The custodian's key file.
    pub key: PathBuf,
    /// The proposal or suspension; the signature is added to it.
    pub file: PathBuf,
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

/// Shows a proposal, asks, and signs it.
///
/// `agree` is shown the report and says whether the custodian signs; `secret` gives what opens a key of that kind. Neither is
/// called for a proposal that is refused.
///
/// # Errors
/// [`SignError`]; the file is then as it was.
pub fn run(
    args: &SignArgs,
    agree: impl FnOnce(&DraftReport) -> bool,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
) -> Result<DraftReport, SignError> {
    let mut draft = Draft::from_items(&read_bundle(&args.file)?)?;
    let key = KeyFile::open(&args.key)?;
    let expected = draft.network();
    if key.usage() != KeyUse::Custodian || *key.network() != expected {
        return Err(SignError::OtherKey { expected });
    }
    if !agree(&draft.report(SCHEMA)) {
        return Err(SignError::Declined);
    }
    let signing = match key.secret_kind() {
        None => key.unlock(None)?,
        Some(kind) => key.unlock(Some(&secret(kind).ok_or(SignError::Declined)?))?,
    };
    draft.sign(&signing)?;
    let items = draft.to_items();
    write_bundle(&args.file, items.iter().map(Vec::as_slice), Replace::Allowed)?;
    Ok(draft.report(SCHEMA))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::coordinator::Proposal;
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
