//! `daemon stop`, `lock`, `unlock`: the daemon's life from outside, and the session of a user.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::args::DaemonRunArgs;
use super::context::Context;
use super::errors::CommandError;
use super::secrets::existing_secret;
use crate::control::{Client, ClientError};

/// A daemon that takes longer to end is reported as such.
const STOP_WAIT: Duration = Duration::from_secs(30);
const STOP_POLL: Duration = Duration::from_millis(50);

/// Verbs of `daemon`.
#[derive(Debug, Subcommand)]
pub(super) enum DaemonVerb {
    /// Runs the node in the foreground until it is stopped.
    Run(DaemonRunArgs),
    /// Stops the daemon; what is durable goes on when it runs again.
    #[command(after_help = "Example:\n  kinmesh daemon stop")]
    Stop,
    /// Closes the records and ends every session; the node goes on answering others.
    #[command(after_help = "Example:\n  kinmesh daemon lock")]
    Lock,
    /// Opens the records for a user and keeps the session in the node's folder.
    Unlock(DaemonUnlockArgs),
}

/// Arguments of `daemon unlock`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh daemon unlock --user amina")]
pub(super) struct DaemonUnlockArgs {
    /// File that opens the user's key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
}

/// Runs a verb other than `run`.
pub(super) async fn run(context: &Context, verb: DaemonVerb) -> Result<(), CommandError> {
    match verb {
        // Handed to the wiring before a runtime is made.
        DaemonVerb::Run(_) => Ok(()),
        DaemonVerb::Stop => stop(context).await,
        DaemonVerb::Lock => lock(context).await,
        DaemonVerb::Unlock(args) => unlock(context, &args).await,
    }
}

async fn stop(context: &Context) -> Result<(), CommandError> {
    let client = Client::new(&context.place.dir);
    client.stop().await?;
    let until = Instant::now() + STOP_WAIT;
    while !matches!(client.status().await, Err(ClientError::NotRunning)) {
        if Instant::now() >= until {
            return Err(ClientError::NoAnswer.into());
        }
        sleep(STOP_POLL).await;
    }
    context.place.drop_sessions()?;
    context.out.result("kinmesh/daemon-stop/1", &json!({ "stopped": true }), |_| "✓ the daemon has ended".to_owned())
}

async fn lock(context: &Context) -> Result<(), CommandError> {
    // The files go first: without the daemon they are good for nothing either.
    context.place.drop_sessions()?;
    Client::new(&context.place.dir).lock().await?;
    context.out.result("kinmesh/daemon-lock/1", &json!({ "custody": "locked" }), |_| "✓ the records are locked".to_owned())
}

async fn unlock(context: &Context, args: &DaemonUnlockArgs) -> Result<(), CommandError> {
    let client = Client::new(&context.place.dir);
    // Before anything is typed: is there a daemon at all?
    if let Err(error @ (ClientError::NotRunning | ClientError::NotOwner | ClientError::PathLength { .. })) = client.status().await
    {
        return Err(error.into());
    }
    let user = context.place.user_or_account()?;
    let secret = existing_secret(context, args.credential.as_deref(), &format!("Passphrase of {user}:"))?;
    let token = client.unlock(user, secret).await?;
    context.place.keep_session(user, &token)?;
    let value = json!({ "custody": "open", "user": user });
    context.out.result("kinmesh/daemon-unlock/1", &value, |_| format!("✓ the records are open for {user}"))?;
    context.out.hint("→ kinmesh daemon lock, when you leave");
    Ok(())
}
