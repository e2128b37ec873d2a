//! `roster suspend`: writes the suspension of a member, for the few custodians that may suspend at once to sign.
//!
//! Whoever sees the break-in first calls it, on any machine that has the roster; nothing counts before custodians have signed.
//! It names the roster that is current, and ends after 14 days.

use std::io::{self, Write};
use std::path::PathBuf;

use kinmesh_protocol::base::{MemberId, NetworkId, Timestamp};
use kinmesh_protocol::roster::{ReasonCode, Suspension};
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::changes::Change;
use crate::coordinator::proposal::{ProposalError, verify_before};
use crate::coordinator::propose::write_changes;
use crate::coordinator::suspension::SuspensionDraft;
use crate::exchange::bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
use crate::exchange::{Kind, WholeFileError};

/// Seconds that a suspension lasts: as long as a node allows.
const LIFE: u64 = 14 * 86_400;

/// Whom to suspend, and why.
pub struct SuspendArgs {
    /// Whom.
    pub member: MemberId,
    /// Why.
    pub reason: ReasonCode,
    /// The roster that is current: a bundle whose first item it is.
    pub held: PathBuf,
    /// The file to write.
    pub out: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct SuspendReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// Whom.
    pub member: MemberId,
    /// The roster that is current.
    pub version: u64,
    /// Its last second, Unix.
    pub until: u64,
    /// What it does.
    pub changes: Vec<Change>,
    /// Signatures that it needs.
    pub needed: u64,
    /// The file.
    pub file: PathBuf,
}

/// Why nothing was written.
#[derive(Debug, Error)]
pub enum SuspendError {
    /// A file.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The roster, or what it says of the member.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
}

impl SuspendError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(BundleFileError::File(WholeFileError::Io { .. })) => Kind::Machine,
            Self::File(_) | Self::Proposal(ProposalError::Roster(_)) => Kind::Usage,
            Self::Proposal(_) => Kind::Verification,
        }
    }
}

impl SuspendReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: emergency suspension (roster version {})", self.network, self.version)?;
        write_changes(out, &self.changes)?;
        writeln!(out, "{} custodians sign it: kinmesh roster sign --key custodian-N.key {}", self.needed, self.file.display())?;
        writeln!(out, "Then, at any node: kinmesh roster publish {}", self.file.display())
    }
}

/// Writes the file.
///
/// # Errors
/// [`SuspendError`]; no file is written then.
pub fn run(args: &SuspendArgs) -> Result<SuspendReport, SuspendError> {
    let first = read_bundle(&args.held)?.into_iter().next().ok_or(ProposalError::Form)?;
    let held = verify_before(&first)?;
    let issued = args.now.seconds();
    let suspension = Suspension {
        network_id: held.roster.network_id,
        roster_version: held.roster.version,
        member: args.member,
        issued,
        until: issued.saturating_add(LIFE),
        reason_code: args.reason.code(),
    };
    let draft = SuspensionDraft::new(suspension, first)?;
    let items = draft.to_items();
    write_bundle(&args.out, items.iter().map(Vec::as_slice), Replace::Never)?;
    Ok(SuspendReport {
        schema: "kinmesh/roster-suspend/1",
        network: suspension.network_id,
        member: args.member,
        version: suspension.roster_version,
        until: suspension.until,
        changes: draft.words(),
        needed: draft.signature_count().needed,
        file: args.out.clone(),
    })
}
