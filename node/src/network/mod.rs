//! Carries items between nodes over libp2p; the only folder that names it.
//!
//! The daemon's driver is the caller: it hands over [`NetworkCommand`]s and takes [`NetworkEvent`]s. An item is opaque here
//! (a sealed cell and its frame), goes as one request and is answered with one [`Receipt`].
//!
//! Invariants: a peer that was not admitted is turned away before any application byte in both directions; every `Send` ends
//! in exactly one `Sent`; `Up` and `Down` of a peer alternate; the swarm's task never waits for the daemon.
//! A peer is called by its addresses, and where these lead nowhere through the coordination node's relay, at which a node
//! keeps a place; such a connection is encrypted from end to end and stands behind the same gate.
//! It deliberately keeps nothing: what was not acknowledged is `Lost`, and the engine's outbox sends it again.

mod api;
mod behaviour;
mod codec;
mod deliveries;
mod dials;
mod gate;
mod handle;
mod identity;
mod links;
mod outbox;
mod receipts;
mod relay;
mod roads;
mod task;
mod transport;

#[cfg(test)]
mod tests;

pub use api::{
    NetworkCommand, NetworkConfig, NetworkError, NetworkEvent, NetworkGone, REFUSED_TOO_LARGE, Receipt, SendOutcome,
    TryCommandError,
};
pub use handle::Network;
