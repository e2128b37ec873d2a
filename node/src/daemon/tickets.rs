//! Open requests of the desk: each ticket ends in exactly one reply.
//!
//! The driver opens one a command and closes it with the engine's reply; after a refused commit all end as failed. It keeps
//! that no more are open than the limit, and that a caller who left is told of once.

use std::collections::BTreeMap;

use kinmesh_protocol::base::Ticket;
use kinmesh_protocol::base::limits::TICKETS;
use kinmesh_protocol::engine::answer::{Answer, Failure};
use tokio::sync::oneshot;

type Reply = oneshot::Sender<Result<Answer, Failure>>;

/// Requests that wait for their reply.
#[derive(Default)]
pub(super) struct Tickets {
    last: u64,
    open: BTreeMap<Ticket, Reply>,
}

impl Tickets {
    /// Opens a ticket; none if too many are open, which the caller is told.
    pub(super) fn open(&mut self, reply: Reply) -> Option<Ticket> {
        if self.open.len() >= TICKETS {
            let _caller_left = reply.send(Err(Failure::Busy));
            return None;
        }
        self.last += 1;
        self.open.insert(Ticket(self.last), reply);
        Some(Ticket(self.last))
    }

    /// Ends a ticket. One that is not open belongs to an engine that was dropped.
    pub(super) fn reply(&mut self, ticket: Ticket, answer: Result<Answer, Failure>) {
        if let Some(reply) = self.open.remove(&ticket) {
            let _caller_left = reply.send(answer);
        }
    }

    /// Ends all tickets.
    pub(super) fn fail_all(&mut self, failure: &Failure) {
        for (_, reply) in std::mem::take(&mut self.open) {
            let _caller_left = reply.send(Err(failure.clone()));
        }
    }

    /// Takes out the tickets whose callers have left.
    pub(super) fn take_gone(&mut self) -> Vec<Ticket> {
        let gone: Vec<Ticket> = self.open.iter().filter(|(_, reply)| reply.is_closed()).map(|(ticket, _)| *ticket).collect();
        self.open.retain(|_, reply| !reply.is_closed());
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticket_ends_once() {
        let mut tickets = Tickets::default();
        let (first, mut first_reply) = oneshot::channel();
        let (second, mut second_reply) = oneshot::channel();
        let (third, third_reply) = oneshot::channel();
        let first = tickets.open(first).unwrap();
        tickets.open(second).unwrap();
        let third = tickets.open(third).unwrap();
        drop(third_reply);
        assert_eq!(tickets.take_gone(), [third]);
        assert_eq!(tickets.take_gone(), []);
        tickets.reply(first, Err(Failure::Unknown));
        tickets.reply(first, Err(Failure::Stale));
        tickets.fail_all(&Failure::Store);
        assert_eq!(first_reply.try_recv().unwrap().unwrap_err(), Failure::Unknown);
        assert_eq!(second_reply.try_recv().unwrap().unwrap_err(), Failure::Store);
    }

    #[test]
    fn one_ticket_too_many_is_told_so() {
        let mut tickets = Tickets::default();
        let mut replies = Vec::new();
        for _ in 0..TICKETS {
            let (reply, answer) = oneshot::channel();
            assert!(tickets.open(reply).is_some());
            replies.push(answer);
        }
        let (reply, mut answer) = oneshot::channel();
        assert!(tickets.open(reply).is_none());
        assert_eq!(answer.try_recv().unwrap().unwrap_err(), Failure::Busy);
    }
}
