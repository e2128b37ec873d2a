//! What custodians sign, whichever of the two it is: a roster, or an emergency suspension.
//!
//! `sign`, `diff` and `publish` read their file through it, so that one command serves both and each shows what it is. It
//! keeps that a file is told by what is signed, never by its name.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::NetworkId;
use kinmesh_protocol::envelope::CosignedKind;
use kinmesh_protocol::roster::{Fingerprint, signed_kind};
use serde::Serialize;

use crate::coordinator::changes::{Change, changes};
use crate::coordinator::proposal::{Proposal, ProposalError, SignatureCount};
use crate::coordinator::propose::write_changes;
use crate::coordinator::suspension::SuspensionDraft;

/// A file that custodians sign.
#[derive(Clone, Debug)]
pub enum Draft {
    /// A roster.
    Roster(Box<Proposal>),
    /// A suspension.
    Suspension(Box<SuspensionDraft>),
}

/// What a custodian reads before signing.
#[derive(Clone, Debug, Serialize)]
pub struct DraftReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// `roster` or `suspension`.
    pub what: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The version; of a suspension, that of the roster which is current.
    pub version: u64,
    /// The version that it follows; 0 for none.
    pub follows: u64,
    /// Fingerprint of the custodians who signed the version before, or of this first one's.
    pub fingerprint: String,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Custodians who signed, by place on the roster before, from 1.
    pub signed_by: Vec<usize>,
    /// Signatures on it.
    pub signatures: u64,
    /// Signatures that it needs.
    pub needed: u64,
}

impl Draft {
    /// Reads the items of a file and checks all of them.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub fn from_items(items: &[Vec<u8>]) -> Result<Self, ProposalError> {
        match items.first().and_then(|first| signed_kind(first)) {
            Some(CosignedKind::Suspension) => SuspensionDraft::from_items(items).map(Box::new).map(Self::Suspension),
            _ => Proposal::from_items(items).map(Box::new).map(Self::Roster),
        }
    }

    /// The items of the file.
    #[must_use]
    pub fn to_items(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Roster(proposal) => proposal.to_items(),
            Self::Suspension(draft) => draft.to_items(),
        }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        match self {
            Self::Roster(proposal) => proposal.roster.network_id,
            Self::Suspension(draft) => draft.suspension.network_id,
        }
    }

    /// Adds a custodian's signature.
    ///
    /// # Errors
    /// [`ProposalError::Signer`] for a key that is no custodian's.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), ProposalError> {
        match self {
            Self::Roster(proposal) => proposal.sign(key),
            Self::Suspension(draft) => draft.sign(key),
        }
    }

    /// Takes over the signatures on another copy.
    ///
    /// # Errors
    /// [`ProposalError::Different`].
    pub fn join(&mut self, other: Self) -> Result<(), ProposalError> {
        match (self, other) {
            (Self::Roster(own), Self::Roster(other)) => own.join(*other),
            (Self::Suspension(own), Self::Suspension(other)) => own.join(*other),
            _ => Err(ProposalError::Different),
        }
    }

    /// How far the signatures are.
    #[must_use]
    pub fn signature_count(&self) -> SignatureCount {
        match self {
            Self::Roster(proposal) => proposal.signature_count(),
            Self::Suspension(draft) => draft.signature_count(),
        }
    }

    /// How it stands, in plain words.
    #[must_use]
    pub fn report(&self, schema: &'static str) -> DraftReport {
        let SignatureCount { found: signatures, needed } = self.signature_count();
        match self {
            Self::Roster(proposal) => {
                let before = proposal.before().map(|held| &held.roster);
                DraftReport {
                    schema,
                    what: "roster",
                    network: proposal.roster.network_id,
                    version: proposal.roster.version,
                    follows: before.map_or(0, |roster| roster.version),
                    fingerprint: Fingerprint::of(before.unwrap_or(&proposal.roster)).to_string(),
                    changes: changes(before, &proposal.roster),
                    signed_by: proposal.signed_by(),
                    signatures,
                    needed,
                }
            }
            Self::Suspension(draft) => DraftReport {
                schema,
                what: "suspension",
                network: draft.suspension.network_id,
                version: draft.suspension.roster_version,
                follows: draft.suspension.roster_version,
                fingerprint: Fingerprint::of(&draft.held().roster).to_string(),
                changes: draft.words(),
                signed_by: draft.signed_by(),
                signatures,
                needed,
            },
        }
    }
}

impl DraftReport {
    /// What the custodian reads.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let Self { what, network, version, follows, fingerprint, signatures, needed, .. } = self;
        match *what {
            "suspension" => {
                writeln!(out, "{network}: emergency suspension (roster version {version}), custodians {fingerprint}")?
            }
            _ => writeln!(out, "{network} version {version} (after {follows}), custodians {fingerprint}")?,
        }
        write_changes(out, &self.changes)?;
        let names: Vec<String> = self.signed_by.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            writeln!(out, "{signatures} of {needed} signatures")
        } else {
            writeln!(out, "{signatures} of {needed} signatures: custodian {}", names.join(", "))
        }
    }
}
