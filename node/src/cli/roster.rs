//! `roster show`, and the arguments of the ceremony's steps: who is a member, and by whose signatures.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{Answer, RosterView};
use kinmesh_protocol::engine::command::Command;

use super::audit::utc;
use super::context::Context;
use super::errors::{CommandError, Kind, NodeProblem};
use super::member::Reason;
use super::output::Output;
use super::table::{Flow, Table, own, theirs};
use crate::exchange::bundle_file::{Replace, write_bundle};

/// Verbs of `roster`.
#[derive(Debug, Subcommand)]
pub(super) enum RosterVerb {
    /// Shows the roster that counts at this node.
    #[command(after_help = "Example:\n  kinmesh roster show")]
    Show,
    /// Writes an unsigned roster from a description in TOML and the members' enrolments.
    Propose(RosterProposeArgs),
    /// Says what a proposed roster or a suspension changes, and who has signed it.
    Diff(RosterDiffArgs),
    /// Adds a custodian's signature to a proposed roster or a suspension.
    Sign(RosterSignArgs),
    /// Joins the signatures and hands the roster or suspension to this folder's node.
    Publish(RosterPublishArgs),
    /// Checks a roster's signatures and says what it holds.
    Verify(RosterVerifyArgs),
    /// Writes an emergency suspension for the few custodians that may suspend to sign.
    Suspend(RosterSuspendArgs),
    /// Hands in a society's printed revocation: its node's key is void from then on.
    Revoke(RosterRevokeArgs),
    /// Gives this node what came by hand: a later roster, a suspension, a timestamp.
    Take(RosterTakeArgs),
    /// Coordination node: confirms its roster at once; its daemon does so every day.
    Timestamp(RosterTimestampArgs),
}

/// Arguments of `roster propose`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster propose --out roster.kmr --from roster.toml --enrol north.kme south.kme")]
pub struct RosterProposeArgs {
    /// File to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Description of the network: its pace, custodians and coordination node.
    #[arg(long, value_name = "ROSTER.toml", required_unless_present = "held")]
    pub from: Option<PathBuf>,
    /// The roster that it follows, with which it is compared.
    #[arg(long, value_name = "FILE")]
    pub held: Option<PathBuf>,
    /// Members to be suspended.
    #[arg(long, value_name = "ID", num_args = 1.., requires = "held")]
    pub suspend: Vec<MemberId>,
    /// Members to take part in full: readmitted, past their probation, or cleared of an emergency suspension.
    #[arg(long, value_name = "ID", num_args = 1.., requires = "held")]
    pub active: Vec<MemberId>,
    /// Members that leave.
    #[arg(long, value_name = "ID", num_args = 1.., requires = "held")]
    pub left: Vec<MemberId>,
    /// Puts another key in a custodian's place: the place from 1, and the file that `ceremony replace` wrote.
    #[arg(long, value_name = "N=FILE", num_args = 1.., requires = "held")]
    pub replace_custodian: Vec<Replacement>,
    /// Enrolments that the members' nodes wrote.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub enrol: Vec<PathBuf>,
}

/// Another key in a custodian's place, written as `4=custodian-4.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The place, from 1.
    pub place: usize,
    /// The file with the key.
    pub file: PathBuf,
}

impl std::str::FromStr for Replacement {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (place, file) = text.split_once('=').ok_or("a place and a file, as in 4=custodian-4.toml")?;
        let place = place.parse().map_err(|_| "the place is a number, as in 4=custodian-4.toml")?;
        Ok(Self { place, file: PathBuf::from(file) })
    }
}

/// Arguments of `roster diff`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster diff roster.kmr --held invitation.kmb")]
pub struct RosterDiffArgs {
    /// The proposed roster or the suspension.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The roster that counts; a proposal that follows another one is refused.
    #[arg(long, value_name = "FILE")]
    pub held: Option<PathBuf>,
}

/// Arguments of `roster suspend`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster suspend KE --reason stolen --held invitation.kmb --out suspend-KE.kms")]
pub struct RosterSuspendArgs {
    /// Whom.
    #[arg(value_name = "ID")]
    pub member: MemberId,
    /// Why.
    #[arg(long, value_enum)]
    pub reason: Reason,
    /// The roster that counts: the last invitation or proposal.
    #[arg(long, value_name = "FILE")]
    pub held: PathBuf,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Arguments of `roster revoke`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster revoke self-revocation.txt")]
pub struct RosterRevokeArgs {
    /// The revocation as it was printed, or the text behind its QR code; - for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `roster take`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster take today.kmb")]
pub struct RosterTakeArgs {
    /// A file of public messages.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `roster timestamp`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster timestamp --out today.kmb")]
pub(super) struct RosterTimestampArgs {
    /// Writes it to a file, to be carried to nodes without a link.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `roster sign`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster sign --key custodian-1.key roster.kmr")]
pub struct RosterSignArgs {
    /// The custodian's key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The proposed roster; the signature is added to it.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// File that opens the key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Signs without asking; the change is printed all the same.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `roster publish`.
#[derive(Debug, Args)]
#[command(
    disable_version_flag = true,
    after_help = "Example:\n  kinmesh roster publish roster.kmr --version 2 --bundle invitation.kmb"
)]
pub struct RosterPublishArgs {
    /// The signed roster, or one file a custodian.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Enrolments whose key announcements go out with the roster.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub enrol: Vec<PathBuf>,
    /// The version that is meant; another one is refused.
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
    /// Writes the bundle with which members join.
    #[arg(long, value_name = "OUT")]
    pub bundle: Option<PathBuf>,
}

/// Arguments of `roster verify`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh roster verify invitation.kmb")]
pub struct RosterVerifyArgs {
    /// A roster or a bundle.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Root fingerprint that it must have.
    #[arg(long, value_name = "TEXT")]
    pub fingerprint: Option<String>,
}

/// Shows the roster that counts. Needs no unlocked user.
pub(super) async fn show(context: &Context) -> Result<(), CommandError> {
    let Answer::Roster(roster) = context.ask(Command::RosterShow).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let mut value = serde_json::to_value(&roster).map_err(|_| Kind::Output)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("expires".to_owned(), utc(roster.expires).into());
    }
    context.out.result("kinmesh/roster-show/1", &value, |out| text(out, &roster))
}

/// Confirms the roster at the coordination node. Needs no unlocked user.
pub(super) async fn timestamp(context: &Context, args: &RosterTimestampArgs) -> Result<(), CommandError> {
    let Answer::Timestamp { roster_version, signed, until, message } = context.ask(Command::TimestampSign).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    if let Some(path) = &args.out {
        write_bundle(path, [message.as_slice()], Replace::Allowed)
            .map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
    }
    let value = serde_json::json!({
        "roster_version": roster_version,
        "signed": utc(signed),
        "until": utc(until),
        "file": args.out,
    });
    context.out.result("kinmesh/roster-timestamp/1", &value, |_| {
        format!("✓ roster version {roster_version} is confirmed on {}, passed on until {}", utc(signed), utc(until))
    })
}

fn text(out: &Output, roster: &RosterView) -> String {
    let mut text = format!(
        "{} · version {} · {} of {} custodians · expires {}\nroot fingerprint {}\n",
        roster.network,
        roster.version,
        roster.threshold,
        roster.custodians,
        utc(roster.expires),
        roster.fingerprint
    );
    let mut table = Table::new([
        ("Member", Flow::Whole),
        ("Name", Flow::Cut),
        ("Status", Flow::Whole),
        ("Keys", Flow::Whole),
        ("Link", Flow::Whole),
    ]);
    for line in &roster.members {
        table.push([
            own(line.member),
            theirs(&line.name),
            own(&line.status),
            own(if line.announced { "announced" } else { "awaited" }),
            own(if line.up { "up" } else { "down" }),
        ]);
    }
    text.push_str(&out.table(&table));
    text
}
