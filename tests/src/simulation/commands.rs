//! Commands of the people at a simulated node, each answered in the step that brings it.

use kinmesh_protocol::base::{Ticket, UserId};
use kinmesh_protocol::engine::{Answer, Command, Failure, Input};

use crate::simulation::world::World;

impl World {
    /// Gives a command and returns its reply.
    ///
    /// # Errors
    /// The engine's failure, or `Store` where the run refused the commit or the node does not run.
    ///
    /// # Panics
    /// When there is no reply.
    pub fn command(&mut self, node: usize, command: Command) -> Result<Answer, Failure> {
        self.command_as(node, "desk", command)
    }

    /// Gives a command as another user than the usual one.
    ///
    /// # Errors
    /// As [`World::command`].
    ///
    /// # Panics
    /// When there is no reply.
    pub fn command_as(&mut self, node: usize, user: &str, command: Command) -> Result<Answer, Failure> {
        if !self.runs(node) {
            return Err(Failure::Store);
        }
        let user = UserId::new(user).expect("a user");
        let this = self.node(node);
        let ticket = Ticket(this.next_ticket);
        this.next_ticket += 1;
        this.open.insert(ticket, None);
        self.input(node, Input::Command { ticket, user, command: Box::new(command) });
        self.node(node).open.remove(&ticket).flatten().expect("a reply to every command")
    }
}
