//! What every command has at hand: its node, its output, and the way to the daemon.

use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;

use super::errors::CommandError;
use super::output::Output;
use super::place::Place;
use crate::control::Client;

/// One command's surroundings.
pub struct Context {
    /// Which node, as which user.
    pub place: Place,
    /// Where it writes.
    pub out: Output,
}

impl Context {
    /// A client of the node's daemon, acting for the user who is unlocked here.
    ///
    /// # Errors
    /// `NoUser` if several users have a session and none is named.
    pub fn client(&self) -> Result<Client, CommandError> {
        Ok(Client::new(&self.place.dir).with_session(self.place.session()?))
    }

    /// Runs one command at the daemon.
    ///
    /// # Errors
    /// The daemon's or the engine's reason.
    pub async fn ask(&self, command: Command) -> Result<Answer, CommandError> {
        Ok(self.client()?.command(command).await?)
    }
}
