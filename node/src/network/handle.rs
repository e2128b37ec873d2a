//! The handle that the daemon holds: starts the swarm's task, passes commands to it, stops it.
//!
//! Commands queue in a bounded channel, and a `Send` also takes one of a bounded number of slots until its `Sent` was taken.
//! The engine has one item under way a peer and kind, so it stays below that number; a caller that exceeds it waits.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::sync::Arc;

use kinmesh_protocol::base::PeerId;
use kinmesh_protocol::base::limits::MEMBERS;
use libp2p::Multiaddr;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::api::{NetworkCommand, NetworkConfig, NetworkError, NetworkEvent, NetworkGone, TryCommandError};
use super::behaviour::{ITEMS_A_PEER, Timings, swarm};
use super::deliveries::Slot;
use super::identity::{from_libp2p, keypair};
use super::task::Task;
use super::transport::check_listen_address;

/// Commands that wait for the task.
const COMMANDS: usize = 64;
/// Sends whose end has not been taken.
const SENDS: usize = MEMBERS * ITEMS_A_PEER;
/// Names the file to which TLS would write session keys.
const KEY_LOG: &str = "SSLKEYLOGFILE";

/// A command, and the slot of a `Send`.
pub(super) struct Queued {
    pub(super) command: NetworkCommand,
    pub(super) slot: Option<Slot>,
}

/// The running network. Dropping it stops the network too, without waiting.
pub struct Network {
    local: PeerId,
    commands: mpsc::Sender<Queued>,
    sends: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Network {
    /// Starts to listen, with nobody admitted. The network ends when the receiver of `events` is dropped.
    ///
    /// A full events channel stops no connection: items that come meanwhile are answered `Busy`, everything else waits.
    ///
    /// # Errors
    /// [`NetworkError`]: the key log is on, the key is unusable, or an address is.
    pub async fn start(config: NetworkConfig, events: mpsc::Sender<NetworkEvent>) -> Result<Network, NetworkError> {
        refuse_key_log(std::env::var_os(KEY_LOG).as_deref())?;
        let keypair = keypair(&config.identity)?;
        let local = from_libp2p(&keypair.public().to_peer_id()).ok_or(NetworkError::Identity)?;
        let timings = Timings::of(config.drill);
        let mut swarm = swarm(&keypair, config.relay, timings)?;
        for (place, text) in (1..).zip(&config.listen) {
            let address: Multiaddr = text.parse().map_err(|_| NetworkError::Address { place })?;
            check_listen_address(&address).map_err(|error| NetworkError::Listen { place, kind: error.kind() })?;
            swarm.listen_on(address).map_err(|_| NetworkError::Listen { place, kind: ErrorKind::Other })?;
        }
        let (commands, queue) = mpsc::channel(COMMANDS);
        let task = tokio::spawn(Task::new(swarm, local, timings, events).run(queue));
        Ok(Network { local, commands, sends: Arc::new(Semaphore::new(SENDS)), task })
    }

    /// This node's own transport identity.
    #[must_use]
    pub fn local_peer(&self) -> PeerId {
        self.local
    }

    /// Passes a command on; waits while the queue is full or 1,024 sends are open. Who also takes the events must not wait
    /// here for the ends of its own sends: [`Network::try_command`] is for a loop that does both.
    ///
    /// # Errors
    /// [`NetworkGone`] if the network has ended; the command had no effect.
    pub async fn command(&self, command: NetworkCommand) -> Result<(), NetworkGone> {
        let slot = match command {
            NetworkCommand::Send { .. } => Some(Arc::clone(&self.sends).acquire_owned().await.map_err(|_| NetworkGone)?),
            _ => None,
        };
        self.commands.send(Queued { command, slot }).await.map_err(|_| NetworkGone)
    }

    /// Passes a command on if that needs no waiting.
    ///
    /// # Errors
    /// [`TryCommandError::Full`] gives the command back; [`TryCommandError::Gone`] if the network has ended.
    pub fn try_command(&self, command: NetworkCommand) -> Result<(), TryCommandError> {
        let slot = match command {
            NetworkCommand::Send { .. } => match Arc::clone(&self.sends).try_acquire_owned() {
                Ok(slot) => Some(slot),
                Err(_) => return Err(TryCommandError::Full(command)),
            },
            _ => None,
        };
        self.commands.try_send(Queued { command, slot }).map_err(|refused| match refused {
            TrySendError::Full(queued) => TryCommandError::Full(queued.command),
            TrySendError::Closed(_) => TryCommandError::Gone(NetworkGone),
        })
    }

    /// Carries out the commands that are queued, closes all connections and returns when the task has ended.
    /// Deliveries under way end as `Lost`, as far as the events channel has room.
    pub async fn stop(self) {
        drop(self.commands);
        if self.task.await.is_err() {
            tracing::error!("the network's task did not end in order");
        }
    }
}

/// Refuses a process whose environment makes TLS write its keys, whatever the value is.
fn refuse_key_log(variable: Option<&OsStr>) -> Result<(), NetworkError> {
    if variable.is_some() { Err(NetworkError::KeyLog) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_key_log_is_refused_and_told_what_to_do() {
        assert!(refuse_key_log(None).is_ok());
        for value in ["/var/tmp/keys", ""] {
            let refusal = refuse_key_log(Some(OsStr::new(value))).unwrap_err();
            assert!(matches!(refusal, NetworkError::KeyLog));
            assert!(refusal.to_string().contains("unset"));
        }
    }
}
