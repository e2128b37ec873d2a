//! `roster show`, and the arguments of the ceremony's steps: who is a member, and by whose signatures.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{Answer, RosterView};
use kinmesh_protocol::engine::command::Command;

use super::audit::utc;
use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::table::{Flow, Table, own, theirs};

/// Verbs of `roster`.
#[derive(Debug, Subcommand)]
pub(super) enum RosterVerb {
    /// Shows the roster that counts at this node.
    #[command(after_help = "Example:\n  kinmesh roster show")]
    Show,
    /// Writes an unsigned roster from a description in TOML and the members' enrolments.
    Propose(RosterProposeArgs),
    /// Adds a custodian's signature to a proposed roster.
    Sign(RosterSignArgs),
    /// Joins the signatures and publishes the roster at the coordination node.
    Publish(RosterPublishArgs),
    /// Checks a roster's signatures and says what it holds.
    Verify(RosterVerifyArgs),
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
    /// Enrolments that the members' nodes wrote.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub enrol: Vec<PathBuf>,
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
#[command(after_help = "Example:\n  kinmesh roster publish roster.kmr --bundle invitation.kmb")]
pub struct RosterPublishArgs {
    /// The signed roster, or one file a custodian.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Enrolments whose key announcements go out with the roster.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub enrol: Vec<PathBuf>,
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
    /// The roster that is held: the file is accepted or refused as by a node that holds it.
    #[arg(long, value_name = "FILE")]
    pub held: Option<PathBuf>,
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
