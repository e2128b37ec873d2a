//! `keys request`, `sign`, `take`: the operational key of a node ends after 90 days, and the root key signs the next one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;
use serde_json::json;

use super::audit::utc;
use super::context::Context;
use super::errors::{CommandError, Kind, NodeProblem};
use crate::exchange::{key_request, read_bundle, write_new};

/// Verbs of `keys`.
#[derive(Debug, Subcommand)]
pub(super) enum KeysVerb {
    /// Makes the node's next operational key and writes what the root key must sign.
    #[command(after_help = "Example:\n  kinmesh keys request --out next.kmk")]
    Request {
        /// File to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Signs a request, on the machine that holds the society's root key.
    Sign(KeysSignArgs),
    /// Takes the signed key: the node signs with it from then on.
    #[command(after_help = "Example:\n  kinmesh keys take next.kmb")]
    Take {
        /// What `keys sign` wrote.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Arguments of `keys sign`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh keys sign next.kmk --root-key root.key --out next.kmb --revocation revocation.txt")]
pub struct KeysSignArgs {
    /// What `keys request` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The society's root key.
    #[arg(long, value_name = "FILE")]
    pub root_key: PathBuf,
    /// File to write, for the node.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// File for the next key's revocation, to be printed and kept apart.
    #[arg(long, value_name = "FILE")]
    pub revocation: PathBuf,
    /// File that opens the key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Signs without asking; what is signed is printed all the same.
    #[arg(long)]
    pub yes: bool,
}

/// Runs a verb that the daemon answers.
pub(super) async fn run(context: &Context, verb: KeysVerb) -> Result<(), CommandError> {
    match verb {
        KeysVerb::Request { out } => request(context, out).await,
        KeysVerb::Take { file } => take(context, file).await,
        // Handed over before a runtime is made: the root key is on a machine without a node.
        KeysVerb::Sign(_) => Ok(()),
    }
}

async fn request(context: &Context, out: PathBuf) -> Result<(), CommandError> {
    let Answer::KeysRequested(asked) = context.ask(Command::KeysRequest).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    write_new(&out, key_request::to_text(&asked).as_bytes())
        .map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
    let until = utc(asked.until);
    let value = json!({ "member": asked.member, "until": until });
    context.out.result("kinmesh/keys-request/1", &value, |_| {
        format!("✓ the next operational key of {} is made; it would be good until {until}\n", asked.member)
    })?;
    context.out.hint(
        "→ take the file to the machine with the root key: kinmesh keys sign FILE --root-key KEY --out ... --revocation ...",
    );
    Ok(())
}

async fn take(context: &Context, file: PathBuf) -> Result<(), CommandError> {
    let items = read_bundle(&file).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
    let Answer::PublicTaken { accepted, known, .. } = context.ask(Command::PublicTake { items, fingerprint: None }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let value = json!({ "accepted": accepted, "known": known });
    context.out.result("kinmesh/keys-take/1", &value, |_| match accepted {
        0 => "the node had this key already\n".to_owned(),
        _ => "✓ the node signs with its next operational key; peers hear of it now or at their next contact\n".to_owned(),
    })
}
