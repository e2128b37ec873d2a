//! Level 3: the control API, HTTP with JSON on a Unix socket in the node's folder.
//!
//! The daemon serves it and owns what answers ([`DeskRequest`]); the command line and the rehearsal are its clients.
//! Whoever connects must be the daemon's own operating-system user; whoever opens a person must be an unlocked user of
//! the node as well. Nothing here knows the engine, the store or the network.

pub mod api;
pub mod client;
pub mod server;
pub mod sessions;
pub mod socket;

pub use crate::daemon::desk::{DeskRequest, UnlockInput, UnlockProblem};
pub use api::{Refused, SessionToken};
pub use client::{Client, ClientError};
pub use server::serve;
pub use socket::{BindError, bind, socket_path};
