//! Arguments of `ceremony`: the custodians' keys, made on a machine without a network from one reviewed plan.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::NetworkId;

/// Verbs of `ceremony`.
#[derive(Debug, Subcommand)]
pub(super) enum CeremonyVerb {
    /// Shows a plan in plain words, or prints an empty one.
    Plan(CeremonyPlanArgs),
    /// Makes the custodians' keys, each in a file of its own, and prints the root fingerprint.
    Run(CeremonyRunArgs),
    /// Checks a ceremony's transcript and first roster against the plan.
    Verify(CeremonyVerifyArgs),
    /// Runs the ceremony with keys that are thrown away.
    Rehearse(CeremonyRehearseArgs),
    /// Makes one custodian's key anew, where the old one is lost.
    Replace(CeremonyReplaceArgs),
}

/// Arguments of `ceremony plan`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh ceremony plan ceremony.toml")]
pub struct CeremonyPlanArgs {
    /// The plan.
    #[arg(value_name = "PLAN", required_unless_present = "template")]
    pub plan: Option<PathBuf>,
    /// Prints an example with every field.
    #[arg(long, conflicts_with = "plan")]
    pub template: bool,
}

/// Arguments of `ceremony run`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh ceremony run --plan ceremony.toml --out keys")]
pub struct CeremonyRunArgs {
    /// The reviewed plan; with it the first roster and a transcript are made as well.
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["custodians", "threshold", "network", "root_threshold", "emergency_threshold"])]
    pub plan: Option<PathBuf>,
    /// Folder for the key files.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of custodians, where there is no plan.
    #[arg(long, value_name = "N", required_unless_present = "plan")]
    pub custodians: Option<u32>,
    /// Signatures that a roster needs.
    #[arg(long, value_name = "K", required_unless_present = "plan")]
    pub threshold: Option<u32>,
    /// The network's id; a rehearsal's starts with drill-.
    #[arg(long, value_name = "NET", required_unless_present = "plan")]
    pub network: Option<NetworkId>,
    /// Signatures that another set of custodians needs [default: one more than the threshold, if there are as many].
    #[arg(long, value_name = "K")]
    pub root_threshold: Option<u32>,
    /// Signatures that suspend in an emergency [default: 2, or the threshold if that is less].
    #[arg(long, value_name = "K")]
    pub emergency_threshold: Option<u32>,
    /// One file of 32 random bytes or more a custodian, in place of passphrases.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub credential: Vec<PathBuf>,
    /// Leaves the key files open to whoever has them; in a drill only.
    #[arg(long, conflicts_with = "credential")]
    pub unprotected: bool,
}

/// Arguments of `ceremony verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kinmesh ceremony verify --plan ceremony.toml --transcript keys/transcript.txt keys/roster-1.kmr"
)]
pub struct CeremonyVerifyArgs {
    /// The plan; the enrolments that it names lie where it says.
    #[arg(long, value_name = "PLAN")]
    pub plan: PathBuf,
    /// The transcript.
    #[arg(long, value_name = "FILE")]
    pub transcript: PathBuf,
    /// The first roster, or the invitation made of it.
    #[arg(value_name = "ROSTER")]
    pub roster: PathBuf,
}

/// Arguments of `ceremony rehearse`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh ceremony rehearse --plan ceremony.toml")]
pub struct CeremonyRehearseArgs {
    /// The plan.
    #[arg(long, value_name = "PLAN")]
    pub plan: PathBuf,
}

/// Arguments of `ceremony replace`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh ceremony replace --network rfl --custodian 4 --out keys")]
pub struct CeremonyReplaceArgs {
    /// The network's id.
    #[arg(long, value_name = "NET")]
    pub network: NetworkId,
    /// The custodian's place on the roster, from 1; only the files are named by it.
    #[arg(long, value_name = "N")]
    pub custodian: usize,
    /// Folder for the files.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A file of 32 random bytes or more, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Leaves the key file open to whoever has it; in a drill only.
    #[arg(long, conflicts_with = "credential")]
    pub unprotected: bool,
}
