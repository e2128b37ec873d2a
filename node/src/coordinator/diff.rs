//! `roster diff`: what a proposal or a suspension changes, in plain words, and who has signed it.
//!
//! Anybody may call it, on any machine; it signs nothing. It keeps that the file is checked as `sign` checks it, and where the
//! reader brings the roster that counts, that the proposal follows that one and no other.

use std::path::PathBuf;

use kinmesh_protocol::base::Timestamp;
use kinmesh_protocol::roster::{parse_signed, verify::payload_hash};
use thiserror::Error;

use crate::coordinator::draft::{Draft, DraftReport};
use crate::coordinator::proposal::ProposalError;
use crate::exchange::bundle_file::{BundleFileError, read_bundle};
use crate::exchange::{Kind, WholeFileError};

/// What is compared.
pub struct DiffArgs {
    /// The proposal or suspension.
    pub file: PathBuf,
    /// The roster that counts, where the reader has it.
    pub held: Option<PathBuf>,
    /// The time.
    pub now: Timestamp,
}

/// Why nothing is shown.
#[derive(Debug, Error)]
pub enum DiffError {
    /// A file.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The proposal.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// It was made from another roster than the one that counts.
    #[error("it follows another roster than the one in the file given as held")]
    OtherBefore,
}

impl DiffError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(BundleFileError::File(WholeFileError::Io { .. })) => Kind::Machine,
            Self::File(_) => Kind::Usage,
            Self::Proposal(_) | Self::OtherBefore => Kind::Verification,
        }
    }
}

/// Reads a file and says what it changes.
///
/// # Errors
/// [`DiffError`].
pub fn run(args: &DiffArgs) -> Result<DraftReport, DiffError> {
    let draft = Draft::from_items(&read_bundle(&args.file)?)?;
    if let Some(path) = &args.held {
        let items = read_bundle(path)?;
        let first = items.first().ok_or(ProposalError::Form)?;
        let (payload, _) = parse_signed(first).map_err(ProposalError::Before)?;
        let before = match &draft {
            Draft::Roster(proposal) => proposal.before(),
            Draft::Suspension(draft) => Some(draft.held()),
        };
        if before.map(|held| held.hash) != Some(payload_hash(&payload)) {
            return Err(DiffError::OtherBefore);
        }
    }
    Ok(draft.report("kinmesh/roster-diff/1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::proposal::tests::{NOW, signed_roster};
    use crate::exchange::bundle_file::{Replace, write_bundle};

    #[test]
    fn a_proposal_is_shown_with_its_signers_and_against_the_held_roster_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roster.proposal");
        let items = signed_roster(&[1, 3]).to_items();
        write_bundle(&file, items.iter().map(Vec::as_slice), Replace::Never).unwrap();
        let report = run(&DiffArgs { file: file.clone(), held: None, now: NOW }).unwrap();
        assert_eq!((report.version, report.signed_by), (1, vec![1, 3]));
        assert!(report.changes.iter().any(|change| change.text.starts_with("first roster")));
        let refused = run(&DiffArgs { file: file.clone(), held: Some(file), now: NOW });
        assert!(matches!(refused, Err(DiffError::OtherBefore)), "a first roster follows none");
    }
}
