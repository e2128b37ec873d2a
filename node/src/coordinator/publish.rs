//! `roster publish`: joins the custodians' signatures on a roster or a suspension and makes the files that the network gets.
//!
//! The coordinator calls it when enough custodians have signed. It keeps that nothing is published that a node would refuse.
//! It writes the invitation and returns its items: the caller hands them to the coordination node, which verifies them against
//! the roster that it holds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{MemberId, NetworkId, Timestamp};
use kinmesh_protocol::roster::{Fingerprint, RosterError};
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::draft::Draft;
use crate::coordinator::proposal::{Proposal, ProposalError, SignatureCount};
use crate::coordinator::suspension::SuspensionDraft;
use crate::exchange::bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
use crate::exchange::enrolment::{ENROLMENT_BYTES, Enrolment, EnrolmentError, Part};
use crate::exchange::{Kind, WholeFileError, read_bounded, utc};

/// What is published.
pub struct PublishArgs {
    /// The signed proposal, or copies of it with one signature each.
    pub files: Vec<PathBuf>,
    /// Enrolments whose announcements go into the invitation as well.
    pub enrol: Vec<PathBuf>,
    /// The invitation to write: the bundle with which societies join.
    pub bundle: Option<PathBuf>,
    /// The version that the caller means; another one is refused.
    pub version: Option<u64>,
    /// The time.
    pub now: Timestamp,
}

/// What was published, and what the coordination node takes.
pub struct Published {
    /// The report.
    pub report: PublishReport,
    /// Public messages, the roster first.
    pub items: Vec<Vec<u8>>,
    /// The fingerprint that a coordination node without a roster needs.
    pub fingerprint: Fingerprint,
}

/// What was published.
#[derive(Clone, Debug, Serialize)]
pub struct PublishReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// `roster` or `suspension`.
    pub what: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The version.
    pub version: u64,
    /// Fingerprint of its custodians.
    pub fingerprint: String,
    /// Custodians who signed.
    pub signatures: u64,
    /// Members on it; of a suspension, 1.
    pub members: usize,
    /// Whom a suspension suspends.
    pub suspended: Option<MemberId>,
    /// The last second of a suspension, Unix.
    pub until: Option<u64>,
    /// Members whose announcement is in the invitation.
    pub announced: Vec<MemberId>,
    /// The invitation.
    pub bundle: Option<PathBuf>,
}

/// Why nothing was published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// No proposal.
    #[error("no proposal was named")]
    NoFile,
    /// A file.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The proposal.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// An enrolment.
    #[error("{path}: {source}")]
    Enrolment {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EnrolmentError,
    },
    /// Another version than the caller means.
    #[error("this is version {found}, not {wanted}")]
    Version {
        /// What the caller means.
        wanted: u64,
        /// What the file has.
        found: u64,
    },
    /// Too few signatures.
    #[error("{} of {} custodians signed", .0.found, .0.needed)]
    Signatures(SignatureCount),
    /// The roster does not verify.
    #[error("the signed roster: {0}")]
    Roster(#[from] RosterError),
}

impl PublishError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(BundleFileError::File(WholeFileError::Io { .. })) => Kind::Machine,
            Self::Signatures(_) | Self::Roster(_) | Self::Proposal(_) => Kind::Verification,
            Self::Enrolment { source: EnrolmentError::Fingerprint, .. } => Kind::Verification,
            Self::NoFile | Self::File(_) | Self::Enrolment { .. } | Self::Version { .. } => Kind::Usage,
        }
    }
}

impl PublishReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { network, version, signatures, members, announced, fingerprint, .. } = self;
        if let (Some(member), Some(until)) = (self.suspended, self.until) {
            writeln!(out, "{network}: {member} is suspended until {}, {signatures} signatures", utc(until))?;
            return writeln!(
                out,
                "Every node that hears of it refuses {member} at once. To go on after that, confirm it in a roster."
            );
        }
        writeln!(out, "{network} version {version}: {signatures} signatures, {members} members, {} announced", announced.len())?;
        writeln!(out, "Custodians' fingerprint:  {fingerprint}")?;
        if let Some(bundle) = &self.bundle {
            writeln!(out, "Invitation: {}; a society joins with: kinmesh join {}", bundle.display(), bundle.display())?;
        }
        Ok(())
    }
}

/// Joins the signatures, verifies the roster and writes the invitation.
///
/// # Errors
/// [`PublishError`]; no file is written then.
pub fn run(args: &PublishArgs) -> Result<Published, PublishError> {
    let mut copies = args.files.iter().map(|file| Ok(Draft::from_items(&read_bundle(file)?)?));
    let mut draft: Draft = copies.next().ok_or(PublishError::NoFile)??;
    for copy in copies {
        let copy: Result<Draft, PublishError> = copy;
        draft.join(copy?)?;
    }
    match draft {
        Draft::Roster(proposal) => roster(args, *proposal),
        Draft::Suspension(draft) => suspension(args, &draft),
    }
}

fn suspension(args: &PublishArgs, draft: &SuspensionDraft) -> Result<Published, PublishError> {
    let count = draft.signature_count();
    if count.found < count.needed {
        return Err(PublishError::Signatures(count));
    }
    let suspension = draft.verify(args.now)?;
    let items = vec![draft.document()];
    if let Some(bundle) = &args.bundle {
        write_bundle(bundle, items.iter().map(Vec::as_slice), Replace::Allowed)?;
    }
    let fingerprint = Fingerprint::of(&draft.held().roster);
    let report = PublishReport {
        schema: "kinmesh/roster-publish/1",
        what: "suspension",
        network: suspension.network_id,
        version: suspension.roster_version,
        fingerprint: fingerprint.to_string(),
        signatures: count.found,
        members: 1,
        suspended: Some(suspension.member),
        until: Some(suspension.until),
        announced: Vec::new(),
        bundle: args.bundle.clone(),
    };
    Ok(Published { report, items, fingerprint })
}

fn roster(args: &PublishArgs, mut proposal: Proposal) -> Result<Published, PublishError> {
    let found = proposal.roster.version;
    if let Some(wanted) = args.version.filter(|wanted| *wanted != found) {
        return Err(PublishError::Version { wanted, found });
    }
    for path in &args.enrol {
        proposal.add_announcement(&announcement(path)?)?;
    }
    let count = proposal.signature_count();
    if count.found < count.needed {
        return Err(PublishError::Signatures(count));
    }
    let held = proposal.verify(args.now)?;
    let items: Vec<Vec<u8>> = [proposal.signed_roster()].into_iter().chain(proposal.announcements().values().cloned()).collect();
    if let Some(bundle) = &args.bundle {
        write_bundle(bundle, items.iter().map(Vec::as_slice), Replace::Allowed)?;
    }
    let fingerprint = Fingerprint::of(&held.roster);
    let report = PublishReport {
        schema: "kinmesh/roster-publish/1",
        what: "roster",
        network: held.roster.network_id,
        version: held.roster.version,
        fingerprint: fingerprint.to_string(),
        signatures: count.found,
        members: held.roster.members.len(),
        suspended: None,
        until: None,
        announced: proposal.announcements().keys().copied().collect(),
        bundle: args.bundle.clone(),
    };
    Ok(Published { report, items, fingerprint })
}

fn announcement(path: &Path) -> Result<Vec<u8>, PublishError> {
    let bytes = read_bounded(path, ENROLMENT_BYTES).map_err(BundleFileError::File)?;
    let enrolment = Enrolment::parse(&String::from_utf8_lossy(&bytes));
    match enrolment.map_err(|source| PublishError::Enrolment { path: path.to_owned(), source })?.part {
        Part::Member { announcement, .. } => Ok(announcement),
        Part::Coordinator => {
            Err(PublishError::Enrolment { path: path.to_owned(), source: EnrolmentError::Field { field: "part" } })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::proposal::tests::{NOW, roster, signed_roster};

    #[test]
    fn copies_with_one_signature_each_make_one_roster() {
        let folder = tempfile::tempdir().unwrap();
        let files = [1, 2].map(|custodian| {
            let file = folder.path().join(format!("copy-{custodian}"));
            let items = signed_roster(&[custodian]).to_items();
            write_bundle(&file, items.iter().map(Vec::as_slice), Replace::Never).unwrap();
            file
        });
        let bundle = folder.path().join("invitation.kmb");
        let args = |files: &[PathBuf]| PublishArgs {
            files: files.to_vec(),
            enrol: Vec::new(),
            bundle: Some(bundle.clone()),
            version: None,
            now: NOW,
        };
        let one = run(&args(&files[..1])).map(|published| published.report.signatures);
        assert!(matches!(one, Err(PublishError::Signatures(SignatureCount { found: 1, needed: 2 }))));
        assert!(!bundle.exists());
        let published = run(&args(&files)).unwrap();
        assert_eq!((published.report.signatures, published.report.members), (2, 1));
        assert_eq!(read_bundle(&bundle).unwrap(), published.items);
        assert_eq!(published.fingerprint, Fingerprint::of(&roster()));
        assert!(matches!(run(&args(&[])), Err(PublishError::NoFile)));
        let other = PublishArgs { version: Some(2), ..args(&files) };
        assert!(matches!(run(&other), Err(PublishError::Version { wanted: 2, found: 1 })));
    }
}
