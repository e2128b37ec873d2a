//! `ceremony verify`: checks a ceremony's transcript and first roster against the plan.
//!
//! Anybody may call it, with the plan, the enrolments that it names, the transcript and the roster. It keeps that nothing is
//! believed: the signatures of the transcript are checked, and the roster is made again from the plan, byte for byte. It cannot
//! show that a key was made with good randomness, nor that no copy of it was kept.

use std::path::PathBuf;

use kinmesh_protocol::base::Timestamp;
use kinmesh_protocol::roster::{Anchor, Custodians, Fingerprint, RosterError, parse_signed, verify::payload_hash, verify_roster};
use thiserror::Error;

use crate::coordinator::ceremony_plan::{CeremonyPlanError, ReadPlan};
use crate::coordinator::propose::{ProposeError, first_roster};
use crate::coordinator::transcript::{TRANSCRIPT_BYTES, Transcript, TranscriptError};
use crate::coordinator::verify::{VerifyReport, VerifyStep};
use crate::exchange::bundle_file::{BundleFileError, read_bundle};
use crate::exchange::{Kind, WholeFileError, read_bounded};

/// What is checked.
pub struct CeremonyVerifyArgs {
    /// The plan.
    pub plan: PathBuf,
    /// The transcript.
    pub transcript: PathBuf,
    /// The first roster, or the invitation made of it.
    pub roster: PathBuf,
}

/// Which step failed, and why.
#[derive(Debug, Error)]
pub enum CeremonyVerifyError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] CeremonyPlanError),
    /// A file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The transcript.
    #[error("the transcript: {0}")]
    Transcript(#[from] TranscriptError),
    /// The roster's file.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
    /// The roster.
    #[error("the roster: {0}")]
    Roster(#[from] RosterError),
    /// The transcript was made from another plan.
    #[error("the transcript names another plan than this one")]
    OtherPlan,
    /// The roster is not the one that the transcript names.
    #[error("the transcript names another roster than this one")]
    OtherRoster,
    /// The roster cannot be made from the plan.
    #[error("the roster cannot be made from the plan: {0}")]
    Propose(#[from] ProposeError),
    /// The roster says something else than the plan.
    #[error("the roster is not what the plan says")]
    NotThePlan,
}

impl CeremonyVerifyError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Plan(error) => error.kind(),
            Self::File(WholeFileError::Io { .. }) | Self::Bundle(BundleFileError::File(WholeFileError::Io { .. })) => {
                Kind::Machine
            }
            Self::File(_) | Self::Bundle(_) => Kind::Usage,
            Self::Propose(error) => error.kind(),
            _ => Kind::Verification,
        }
    }
}

/// Checks a ceremony.
///
/// # Errors
/// [`CeremonyVerifyError`] of the first step that fails.
pub fn run(args: &CeremonyVerifyArgs) -> Result<VerifyReport, CeremonyVerifyError> {
    let read = ReadPlan::read(&args.plan)?;
    let mut steps = Vec::new();
    let mut step = |step, found| steps.push(VerifyStep { step, found });
    step("plan", format!("{}, {} custodians", read.plan.network, read.plan.custodians.len()));
    let bytes = read_bounded(&args.transcript, TRANSCRIPT_BYTES)?;
    let transcript = Transcript::parse(&String::from_utf8_lossy(&bytes))?;
    step("transcript", format!("signed by all {} keys", transcript.custodians.len()));
    let offices: Vec<&String> = transcript.custodians.iter().map(|custodian| &custodian.office).collect();
    if transcript.plan != read.hash
        || transcript.network != read.plan.network
        || offices != read.plan.custodians.iter().collect::<Vec<_>>()
    {
        return Err(CeremonyVerifyError::OtherPlan);
    }
    step("same plan", read.hash_text());
    let first = read_bundle(&args.roster)?.into_iter().next().unwrap_or_default();
    let (payload, signatures) = parse_signed(&first)?;
    if payload_hash(&payload) != transcript.roster {
        return Err(CeremonyVerifyError::OtherRoster);
    }
    let custodians = Custodians {
        keys: transcript.custodians.iter().map(|custodian| custodian.key).collect(),
        threshold: read.plan.threshold,
        root_threshold: read.plan.root_threshold,
        emergency_threshold: read.plan.emergency_threshold,
    };
    let fingerprint = Fingerprint::of_custodians(&read.plan.network, &custodians);
    let issued = Timestamp::from_seconds(transcript.issued);
    let held = verify_roster(&first, &Anchor::Fingerprint(fingerprint), Some(&read.plan.network), issued)?;
    step("signatures", format!("{} of {} custodians", signatures.len(), custodians.keys.len()));
    let again = first_roster(&read.roster_plan(), &read.folder, custodians, &read.member_files(), issued)?;
    if again.roster != held.roster {
        return Err(CeremonyVerifyError::NotThePlan);
    }
    step("roster", format!("version 1 as the plan says, {} members", held.roster.members.len()));
    step("fingerprint", fingerprint.to_string());
    Ok(VerifyReport {
        schema: "kinmesh/ceremony-verify/1",
        network: read.plan.network,
        version: held.roster.version,
        fingerprint: fingerprint.to_string(),
        steps,
    })
}
