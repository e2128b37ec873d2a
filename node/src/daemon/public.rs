//! Hands public messages to a node: through its running daemon, or to its engine directly where none runs.
//!
//! `join` gives an invitation, `roster publish` a new version. It keeps the order, the roster first, and hands over few messages
//! at a time, since a step is one small batch. It verifies nothing: the engine does, against what it holds.

use kinmesh_protocol::base::{Ticket, UserId};
use kinmesh_protocol::engine::answer::{Answer, Failure};
use kinmesh_protocol::engine::{Action, Command, Engine, Input, OpenError, SendOutcome};
use thiserror::Error;

use crate::daemon::clock::{Clock, NoRandomness, seed};
use crate::daemon::driver::{CommitRefused, Store};
use crate::daemon::opened::OpenedNode;

/// Announcements in one command: some 2 KiB of row each, far below a batch.
const ANNOUNCEMENTS: usize = 8;
/// Who hands them over where no user is unlocked.
const OPERATOR: &str = "operator";

/// What a node took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicTaken {
    /// Messages that changed something.
    pub accepted: u32,
    /// Messages that were known already.
    pub known: u32,
    /// Version of the roster that counts at the node now.
    pub roster_version: u64,
}

/// Why a node took nothing more.
#[derive(Debug, Error)]
pub enum TakeError {
    /// The engine refused.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// It answered something else, or nothing.
    #[error("the node did not answer what was asked")]
    NoAnswer,
    /// The engine does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store refused.
    #[error("not committed: {0}")]
    Commit(#[from] CommitRefused),
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The commands that hand over public messages, the roster first.
#[must_use]
pub fn take_commands(items: &[Vec<u8>], fingerprint: Option<&str>) -> Vec<Command> {
    let (roster, announcements) = items.split_at(items.len().min(1));
    let groups = std::iter::once(roster).chain(announcements.chunks(ANNOUNCEMENTS)).filter(|group| !group.is_empty());
    groups.map(|items| Command::PublicTake { items: items.to_vec(), fingerprint: fingerprint.map(str::to_owned) }).collect()
}

impl PublicTaken {
    /// Adds what one command did.
    ///
    /// # Errors
    /// [`TakeError::NoAnswer`] for an answer to something else.
    pub fn add(&mut self, answer: &Answer) -> Result<(), TakeError> {
        let Answer::PublicTaken { accepted, known, roster_version } = answer else { return Err(TakeError::NoAnswer) };
        self.accepted = self.accepted.saturating_add(*accepted);
        self.known = self.known.saturating_add(*known);
        self.roster_version = *roster_version;
        Ok(())
    }
}

/// Hands the messages to the engine of a node whose daemon does not run.
///
/// # Errors
/// [`TakeError`]; what was taken before is kept.
pub fn take_without_daemon(node: &OpenedNode, commands: Vec<Command>) -> Result<PublicTaken, TakeError> {
    let clock = Clock::start();
    let store = &node.store;
    let (mut engine, effects) = (node.engine_opener())(clock.now(), seed()?, false, &Store::view(store))?;
    commit(node, effects.writes)?;
    let mut taken = PublicTaken::default();
    let mut deliveries = Vec::new();
    for (number, command) in (1..).zip(commands) {
        let user = UserId::new(OPERATOR).map_err(|_| TakeError::NoAnswer)?;
        let input = Input::Command { ticket: Ticket(number), user, command: Box::new(command) };
        taken.add(&step(node, &clock, &mut engine, input, &mut deliveries)?.ok_or(TakeError::NoAnswer)??)?;
    }
    // Nothing is sent from here: what the engine wanted to send waits in its outbox for the daemon.
    for delivery in deliveries {
        let input = Input::Sent { delivery, outcome: SendOutcome::Lost };
        step(node, &clock, &mut engine, input, &mut Vec::new())?;
    }
    Ok(taken)
}

/// One step: decide, commit, and of the actions the reply alone.
fn step(
    node: &OpenedNode,
    clock: &Clock,
    engine: &mut Engine,
    input: Input,
    deliveries: &mut Vec<kinmesh_protocol::base::DeliveryId>,
) -> Result<Option<Result<Answer, Failure>>, TakeError> {
    let effects = engine.handle(clock.now(), seed()?, input, &Store::view(&node.store));
    commit(node, effects.writes)?;
    let mut reply = None;
    for action in effects.actions {
        match action {
            Action::Reply { answer, .. } => reply = Some(*answer),
            Action::Send { delivery, .. } => deliveries.push(delivery),
            _ => {}
        }
    }
    Ok(reply)
}

fn commit(node: &OpenedNode, batch: kinmesh_protocol::engine::Batch) -> Result<(), CommitRefused> {
    if batch.is_empty() { Ok(()) } else { Store::commit(&node.store, batch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roster_goes_first_and_announcements_in_small_groups() {
        let items: Vec<Vec<u8>> = (0..20).map(|number| vec![number]).collect();
        let sizes: Vec<usize> = take_commands(&items, Some("ABCD"))
            .into_iter()
            .map(|command| match command {
                Command::PublicTake { items, fingerprint } => {
                    assert_eq!(fingerprint.as_deref(), Some("ABCD"));
                    items.len()
                }
                _ => 0,
            })
            .collect();
        assert_eq!(sizes, [1, 8, 8, 3]);
        assert!(take_commands(&[], None).is_empty());
    }
}
