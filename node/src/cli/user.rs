//! `user add`: lets a second person open the records. The wiring does it, on the keystore's file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::UserId;

/// Verbs of `user`.
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// Lets another user open the records; a running daemon knows the user from its next start on.
    Add(UserAddArgs),
}

/// Arguments of `user add`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh user add boris --user amina")]
pub struct UserAddArgs {
    /// The name with which the user will act.
    #[arg(value_name = "USER")]
    pub added: UserId,
    /// File that opens the acting user's key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// File that will open the added user's key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub user_credential: Option<PathBuf>,
}
