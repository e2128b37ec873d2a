//! `join`: enters a network with an invitation and the fingerprint from the custodians' letter.
//!
//! The command line calls it. It keeps that the invitation is verified against the typed fingerprint before a node sees it, and
//! that a node enters the network that it was made for only. How the node gets it, through the daemon or without one, is the
//! caller's choice of `give`.

use std::io::{self, Write};
use std::path::PathBuf;

use kinmesh_protocol::base::{MemberId, NetworkId, Timestamp};
use kinmesh_protocol::engine::Seat;
use kinmesh_protocol::roster::{Anchor, Fingerprint, FingerprintError, HeldRoster, MemberStatus, RosterError, verify_roster};
use serde::Serialize;
use thiserror::Error;

use crate::daemon::folder::{FolderError, NodeFolder};
use crate::exchange::bundle_file::{BundleFileError, read_bundle};
use crate::exchange::{Kind, WholeFileError};

/// Which invitation, for which node.
pub struct JoinArgs {
    /// The node's folder.
    pub dir: PathBuf,
    /// The invitation.
    pub bundle: PathBuf,
    /// The fingerprint as typed.
    pub fingerprint: String,
    /// The time.
    pub now: Timestamp,
}

/// An invitation that was verified.
pub struct Invitation {
    /// The roster.
    pub held: HeldRoster,
    /// Public messages, the roster first.
    pub items: Vec<Vec<u8>>,
    /// What is said of it.
    pub report: JoinReport,
}

/// What was joined.
#[derive(Clone, Debug, Serialize)]
pub struct JoinReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// Version of the roster.
    pub version: u64,
    /// Signatures on it.
    pub signatures: usize,
    /// Custodians.
    pub custodians: usize,
    /// Signatures that it needs.
    pub threshold: u64,
    /// Members that take part.
    pub members: usize,
    /// Unix seconds of its end.
    pub expires: u64,
    /// This node's member; none for a coordination node.
    pub member: Option<MemberId>,
    /// Where it stands: `active`, `probation`, `suspended`, `left`, `unlisted` or `coordinator`.
    pub standing: &'static str,
}

/// Why an invitation is refused.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The node's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The invitation's file.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The fingerprint is none.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
    /// The file is empty.
    #[error("the invitation holds nothing")]
    Empty,
    /// The roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
}

impl JoinError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Folder(FolderError::File(_)) | Self::File(BundleFileError::File(WholeFileError::Io { .. })) => Kind::Machine,
            Self::Roster(RosterError::Expired { .. } | RosterError::Protocol { .. }) => Kind::Roster,
            Self::Roster(_) => Kind::Verification,
            Self::Folder(_) | Self::File(_) | Self::Fingerprint(_) | Self::Empty => Kind::Usage,
        }
    }
}

impl JoinReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { network, version, signatures, custodians, threshold, members, standing, .. } = self;
        writeln!(out, "✓ root matches; {signatures} of {custodians} custodians signed, {threshold} needed")?;
        writeln!(out, "✓ network {network}, roster version {version}, {members} members")?;
        match (self.member, *standing) {
            (None, _) => writeln!(out, "✓ this is its coordination node"),
            (Some(member), "unlisted") => {
                writeln!(out, "! {member} is not on the roster yet: nobody answers it before a version lists it")
            }
            (Some(member), standing) => writeln!(out, "✓ you are listed as {member}, {standing}"),
        }
    }
}

/// Reads and verifies an invitation for a node; gives nothing to it yet.
///
/// # Errors
/// [`JoinError`].
pub fn read(args: &JoinArgs) -> Result<Invitation, JoinError> {
    let config = NodeFolder::new(&args.dir).read_config()?;
    let fingerprint: Fingerprint = args.fingerprint.parse()?;
    let items = read_bundle(&args.bundle)?;
    let first = items.first().ok_or(JoinError::Empty)?;
    let held = verify_roster(first, &Anchor::Fingerprint(fingerprint), Some(&config.network), args.now)?;
    let (member, standing) = match config.seat {
        Seat::Coordinator => (None, "coordinator"),
        Seat::Member(member) => (Some(member), held.roster.member(&member).map_or("unlisted", |entry| standing(entry.status))),
    };
    let report = JoinReport {
        schema: "kinmesh/join/1",
        network: held.roster.network_id,
        version: held.roster.version,
        signatures: kinmesh_protocol::roster::parse_signed(first)?.1.len(),
        custodians: held.roster.custodians.keys.len(),
        threshold: held.roster.custodians.threshold,
        members: held.roster.taking_part().count(),
        expires: held.roster.expires,
        member,
        standing,
    };
    Ok(Invitation { held, items, report })
}

const fn standing(status: MemberStatus) -> &'static str {
    match status {
        MemberStatus::Active => "active",
        MemberStatus::Probation => "probation",
        MemberStatus::Suspended => "suspended",
        MemberStatus::Left => "left",
    }
}
