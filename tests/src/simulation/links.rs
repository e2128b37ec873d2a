//! Connections of the simulated network and what travels on them: gates, loss, duplicates, delays, cuts, partitions.
//!
//! A part of the world. A connection needs both sides to run and to admit each other; an item of a peer without one is
//! never delivered. At-least-once, like the real carrier: an item whose receipt is lost was handled all the same.

use kinmesh_protocol::base::{DeliveryId, PeerId, ReceiptId};
use kinmesh_protocol::engine::{Carrier, HeadRow, Input, LinkChange, Receipt, Seat, SendOutcome};

use crate::simulation::invariants::roster_of;
use crate::simulation::world::{Event, World};

/// Items under way to one peer: one each of public messages, evaluations, sets and bags.
const IN_FLIGHT: usize = 4;
/// After so long without a receipt an item counts as lost.
const RECEIPT_WAIT_MS: u64 = 30_000;

/// An item on its way.
pub(super) struct Flight {
    /// Sender.
    pub from: usize,
    /// The sender's process.
    pub process: u64,
    /// Receiver.
    pub to: usize,
    /// The sender's name for it.
    pub delivery: DeliveryId,
    /// Its bytes.
    pub item: Vec<u8>,
    /// Whether the receipt comes back.
    pub answered: bool,
}

/// One item on the wire: when, between whom, and how long. Whoever watches the network sees no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observed {
    /// Milliseconds.
    pub at_ms: u64,
    /// The sender's place.
    pub from: usize,
    /// The receiver's place.
    pub to: usize,
    /// Bytes.
    pub bytes: usize,
}

/// Where a receipt goes.
pub(super) type Waiting = (usize, u64, DeliveryId, bool);

impl World {
    /// Nodes that cannot reach each other until [`World::heal`].
    pub fn part(&mut self, one: usize, other: usize) {
        self.apart.insert((one.min(other), one.max(other)));
        self.cut(one, other);
    }

    /// Ends a partition; the engines dial again by themselves.
    pub fn heal(&mut self, one: usize, other: usize) {
        self.apart.remove(&(one.min(other), one.max(other)));
    }

    /// Cuts a connection, if there is one.
    pub fn cut(&mut self, one: usize, other: usize) {
        self.down(one, other);
        self.down(other, one);
    }

    fn down(&mut self, node: usize, other: usize) {
        let peer = self.identity(other);
        if self.node(node).links.remove(&other) {
            self.node(node).in_flight.remove(&other);
            self.input(node, Input::Link { peer, change: LinkChange::Down });
        }
    }

    pub(super) fn admit(&mut self, node: usize, peer: PeerId) {
        self.node(node).admitted.insert(peer);
    }

    /// The gate is shut and the connection cut.
    pub(super) fn deny(&mut self, node: usize, peer: PeerId) {
        self.node(node).admitted.remove(&peer);
        if let Some(other) = self.find(&peer) {
            self.cut(node, other);
        }
    }

    pub(super) fn connect(&mut self, from: usize, to: &PeerId) {
        let (mine, theirs) = (self.identity(from), *to);
        assert_ne!(mine, theirs, "a node calls itself");
        let other = self.find(to).filter(|other| {
            let is_puppet = self.nodes[*other].is_puppet;
            let admits = is_puppet || self.nodes[*other].admitted.contains(&mine);
            let both_admit = admits && self.nodes[from].admitted.contains(&theirs);
            (is_puppet || self.runs(*other)) && both_admit && !self.apart.contains(&(from.min(*other), from.max(*other)))
        });
        let Some(other) = other else {
            self.input(from, Input::Link { peer: theirs, change: LinkChange::DialFailed });
            return;
        };
        if self.node(from).links.insert(other) {
            self.node(other).links.insert(from);
            self.input(from, Input::Link { peer: theirs, change: LinkChange::Up });
            self.input(other, Input::Link { peer: mine, change: LinkChange::Up });
        }
    }

    pub(super) fn send(&mut self, from: usize, delivery: DeliveryId, peer: &PeerId, item: Vec<u8>) {
        let process = self.node(from).process;
        self.moment(from, self.find(peer).unwrap_or(usize::MAX));
        let (after, fate, again, cut) = (self.delay(), self.below(100), self.below(100), self.below(1_000));
        self.check_addressee(from, peer);
        let Some(to) = self.find(peer).filter(|to| self.nodes[from].links.contains(to)) else {
            self.outcome_after(1, (from, process, delivery, true), SendOutcome::Lost);
            return;
        };
        let at_ms = self.now().0;
        if let Some(observed) = &mut self.observed {
            observed.push(Observed { at_ms, from, to, bytes: item.len() });
        }
        let flights = self.node(from).in_flight.entry(to).or_default();
        flights.insert(delivery);
        assert!(flights.len() <= IN_FLIGHT, "{} items under way to one peer", flights.len());
        if cut < self.faults.cuts {
            self.outcome_after(after, (from, process, delivery, true), SendOutcome::Lost);
            self.schedule(1, Event::Cut { one: from, other: to });
            return;
        }
        if fate < self.faults.loss / 2 {
            self.outcome_after(after, (from, process, delivery, true), SendOutcome::Lost);
            return;
        }
        // Lost after the receiver handled it: the sender hears nothing and sends again.
        let answered = fate >= self.faults.loss;
        if again < self.faults.twice {
            let later = after + self.delay();
            let flight = Flight { from, process, to, delivery, item: item.clone(), answered: false };
            self.schedule(later, Event::Item(Box::new(flight)));
        }
        self.schedule(after, Event::Item(Box::new(Flight { from, process, to, delivery, item, answered })));
        if !answered {
            self.outcome_after(after + RECEIPT_WAIT_MS, (from, process, delivery, true), SendOutcome::Lost);
        }
    }

    /// Nothing leaves for a member that the sender's own roster does not let take part.
    fn check_addressee(&mut self, from: usize, peer: &PeerId) {
        let Some(Seat::Member(member)) = self.find(peer).map(|to| self.nodes[to].seat) else { return };
        let store = &self.nodes[from].store;
        let Some(head) = store.peek::<HeadRow>(&()) else { return };
        // Read once: a large network sends thousands of items under one roster.
        let takes_part = self.rosters.entry(head.hash).or_insert_with(|| {
            let roster = roster_of(store).expect("the roster of the head");
            roster.members.iter().filter(|member| member.takes_part()).map(|member| member.id).collect()
        });
        assert!(takes_part.contains(&member), "an item for {member}, which does not take part");
    }

    pub(super) fn outcome_after(&mut self, after: u64, (from, process, delivery, answered): Waiting, outcome: SendOutcome) {
        if answered {
            self.schedule(after, Event::Outcome { node: from, process, delivery, outcome });
        }
    }

    /// What became of a delivery; one of an earlier process or connection means nothing to the engine.
    pub(super) fn outcome(&mut self, node: usize, process: u64, delivery: DeliveryId, outcome: SendOutcome) {
        if self.node(node).process != process {
            return;
        }
        for flights in self.node(node).in_flight.values_mut() {
            flights.remove(&delivery);
        }
        self.input(node, Input::Sent { delivery, outcome });
    }

    pub(super) fn receipt_given(&mut self, node: usize, of: ReceiptId, answer: Receipt) {
        let Some(waiting) = self.node(node).waiting.remove(&of) else {
            self.offered = Some(answer);
            return;
        };
        let outcome = match answer {
            Receipt::Committed => SendOutcome::Committed,
            Receipt::Busy(wait) => SendOutcome::Busy(wait),
            Receipt::Refused(code) => SendOutcome::Refused(code),
        };
        let after = self.delay();
        self.outcome_after(after, waiting, outcome);
    }

    pub(super) fn arrive(&mut self, flight: Flight) {
        let Flight { from, process, to, delivery, item, answered } = flight;
        let waiting = (from, process, delivery, answered);
        if self.nodes[to].is_puppet && self.nodes[to].links.contains(&from) {
            self.delivered.push((to, self.identity(from), item));
            self.outcome_after(1, waiting, SendOutcome::Committed);
            return;
        }
        if !self.runs(to) || !self.nodes[to].links.contains(&from) {
            self.outcome_after(1, waiting, SendOutcome::Lost);
            return;
        }
        let receipt = self.receipt(to);
        self.node(to).waiting.insert(receipt, waiting);
        let peer = self.identity(from);
        if self.keep_delivered {
            self.delivered.push((to, peer, item.clone()));
        }
        self.input(to, Input::Cell { receipt, carrier: Carrier::Link(peer), bytes: item });
    }

    /// Brings bytes over a member's link and gives the receipt.
    ///
    /// # Panics
    /// When the engine gives none: that is a failed test.
    pub fn offer(&mut self, to: usize, from: PeerId, bytes: Vec<u8>) -> Receipt {
        self.offered = None;
        self.replay(to, from, bytes);
        self.offered.take().expect("a receipt for every item")
    }

    /// Delivers bytes once more, as a replaying carrier would.
    pub fn replay(&mut self, to: usize, from: PeerId, bytes: Vec<u8>) {
        let receipt = self.receipt(to);
        self.input(to, Input::Cell { receipt, carrier: Carrier::Link(from), bytes });
    }

    /// Brings bytes by a file and gives the receipt.
    ///
    /// # Panics
    /// When the engine gives none: that is a failed test.
    pub fn offer_file(&mut self, to: usize, bytes: Vec<u8>) -> Receipt {
        self.offered = None;
        let receipt = self.receipt(to);
        self.input(to, Input::Cell { receipt, carrier: Carrier::File, bytes });
        self.offered.take().expect("a receipt for every item")
    }

    fn receipt(&mut self, node: usize) -> ReceiptId {
        let this = self.node(node);
        this.next_receipt += 1;
        ReceiptId(this.next_receipt)
    }
}
