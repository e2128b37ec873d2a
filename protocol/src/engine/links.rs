//! Connections, and what is under way on them: at most one item in flight a peer and lane.
//!
//! All of it is volatile. What must arrive is a row of the outbox; what is only in these queues (public messages, answers to
//! evaluations) is asked for again by whoever misses it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{DeliveryId, MemberId, Millis, PeerId, Timestamp};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::{Action, NoticeCode};
use crate::engine::input::{LinkChange, Path, SendOutcome};
use crate::engine::rows::{Lane, PeerRow};
use crate::engine::step::Step;
use crate::engine::view::View;

/// Items that a volatile queue holds; older ones are dropped and asked for again.
const QUEUE: usize = 2 * crate::base::limits::MEMBERS + 8;

/// Every connection of this process.
#[derive(Default)]
pub(super) struct Links {
    peers: BTreeMap<PeerId, Link>,
    flights: BTreeMap<DeliveryId, Flight>,
    next: u64,
    /// When members (none: the coordination node) are called again; timers of an earlier process are not in it.
    redialling: BTreeMap<Option<MemberId>, Timestamp>,
    /// Calls to members that failed in a row, 255 at most.
    failures: BTreeMap<MemberId, u8>,
}

/// How a connected peer is reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Road {
    /// Directly or through the relay.
    pub path: Path,
    /// Whether a place at the relay is held.
    pub place: bool,
}

#[derive(Default)]
struct Link {
    /// When all heads were said to it last.
    heads_said: Option<Timestamp>,
    road: Road,
    busy: BTreeSet<Lane>,
    public: VecDeque<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
}

/// One item under way.
struct Flight {
    peer: PeerId,
    lane: Lane,
    /// Rows of the outbox that it carries.
    rows: Vec<(MemberId, u8, u64)>,
}

impl Links {
    /// Connected peers.
    pub fn up(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    /// Whether a peer is connected.
    pub fn is_up(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// Drops everything about every peer: this node takes another identity.
    pub fn forget_all(&mut self) {
        self.peers.clear();
        self.flights.clear();
    }

    /// How a peer is reached; none if it is not connected.
    pub fn road(&self, peer: &PeerId) -> Option<Road> {
        self.peers.get(peer).map(|link| link.road)
    }

    /// Calls to a member that failed since it was last connected.
    pub fn failures(&self, member: &MemberId) -> u32 {
        self.failures.get(member).copied().unwrap_or(0).into()
    }

    /// Drops everything about a peer.
    pub fn forget(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
        self.flights.retain(|_, flight| flight.peer != *peer);
    }

    /// Whether all heads may be said to a peer now; if so, it counts as done.
    pub fn may_say_heads(&mut self, peer: &PeerId, now: Timestamp, wait: Millis) -> bool {
        let Some(link) = self.peers.get_mut(peer) else { return false };
        let may = link.heads_said.is_none_or(|said| said + wait <= now);
        if may {
            link.heads_said = Some(now);
        }
        may
    }

    /// Queues a public message.
    pub fn queue_public(&mut self, peer: &PeerId, item: Vec<u8>) {
        if let Some(link) = self.peers.get_mut(peer) {
            push(&mut link.public, item);
        }
    }

    /// Queues the answer to an evaluation.
    pub fn queue_answer(&mut self, peer: &PeerId, item: Vec<u8>) {
        if let Some(link) = self.peers.get_mut(peer) {
            push(&mut link.answers, item);
        }
    }

    /// Whether an item may go out on a lane.
    pub fn is_free(&self, peer: &PeerId, lane: Lane) -> bool {
        self.peers.get(peer).is_some_and(|link| !link.busy.contains(&lane))
    }

    /// Whether a row of the outbox is under way.
    pub fn is_under_way(&self, row: &(MemberId, u8, u64)) -> bool {
        self.flights.values().any(|flight| flight.rows.contains(row))
    }

    /// Sends an item and marks its lane busy.
    pub fn send<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: &PeerId,
        lane: Lane,
        item: Vec<u8>,
        rows: Vec<(MemberId, u8, u64)>,
    ) {
        let Some(link) = self.peers.get_mut(peer) else { return };
        link.busy.insert(lane);
        let delivery = DeliveryId(self.next);
        self.next += 1;
        self.flights.insert(delivery, Flight { peer: *peer, lane, rows });
        step.act(Action::Send { delivery, peer: *peer, item });
    }

    /// Ends a delivery: its lane is free.
    fn land(&mut self, delivery: DeliveryId) -> Option<Flight> {
        let flight = self.flights.remove(&delivery)?;
        if let Some(link) = self.peers.get_mut(&flight.peer) {
            link.busy.remove(&flight.lane);
        }
        Some(flight)
    }

    fn next_volatile(&mut self, peer: &PeerId, lane: Lane) -> Option<Vec<u8>> {
        let link = self.peers.get_mut(peer)?;
        match lane {
            Lane::Public => link.public.pop_front(),
            Lane::Eval => link.answers.pop_front(),
            Lane::Set | Lane::Bag => None,
        }
    }
}

fn push(queue: &mut VecDeque<Vec<u8>>, item: Vec<u8>) {
    if queue.len() >= QUEUE {
        queue.pop_front();
    }
    queue.push_back(item);
}

impl Engine {
    /// Whether a member is connected.
    pub(super) fn is_up(&self, member: &MemberId) -> bool {
        self.peer_of(member).is_some_and(|peer| self.links.is_up(&peer))
    }

    /// True for the transport identity of a member that does not take part, here or in the network.
    pub(super) fn is_shut_out(&self, peer: &PeerId) -> bool {
        !self.is_coordinator(peer) && self.member_of(peer).is_some_and(|member| self.taking_part(&member).is_none())
    }

    /// The transport identity of a member, if its keys are held.
    ///
    /// Of several the one that is connected: a member whose operational keys overlap may still use the older one.
    pub(super) fn peer_of(&self, member: &MemberId) -> Option<PeerId> {
        let keys = self.members.get(member)?;
        let latest = keys.latest.as_ref()?.peer_id();
        let older = keys.older.iter().map(|older| PeerId(older.key)).find(|peer| self.links.is_up(peer));
        if self.links.is_up(&latest) { Some(latest) } else { older.or(Some(latest)) }
    }

    /// A connection came or went.
    pub(super) fn link_changed<V: View>(&mut self, step: &mut Step<'_, V>, peer: PeerId, change: LinkChange) {
        let member = self.member_of(&peer);
        match change {
            LinkChange::Up if self.is_shut_out(&peer) => step.act(Action::Deny { peer }),
            LinkChange::Up => {
                self.links.peers.entry(peer).or_default();
                self.show_own_links(step, &peer);
                self.note_seen(step, &peer);
                self.ask_public(step, &peer);
                match member {
                    Some(member) => {
                        self.links.failures.remove(&member);
                        self.peer_returned(step, &member);
                    }
                    None if self.is_coordinator(&peer) => self.relay_returned(step),
                    None => {}
                }
            }
            LinkChange::Path(path) => {
                if let Some(link) = self.links.peers.get_mut(&peer) {
                    link.road.path = path;
                }
            }
            LinkChange::Place(place) => {
                if let Some(link) = self.links.peers.get_mut(&peer) {
                    link.road.place = place;
                }
            }
            LinkChange::Down | LinkChange::DialFailed => {
                if change == LinkChange::Down {
                    self.note_seen(step, &peer);
                    self.links.forget(&peer);
                } else if let Some(member) = member {
                    let failures = self.links.failures.entry(member).or_default();
                    *failures = failures.saturating_add(1);
                }
                let is_known = member.is_some() || self.is_coordinator(&peer);
                if !self.links.is_up(&peer) && is_known && !self.links.redialling.contains_key(&member) {
                    let at = step.wall() + self.redial_wait(step, member);
                    self.links.redialling.insert(member, at);
                    self.due(step, at, Due::Redial(member));
                }
            }
        }
    }

    /// With the coordination node its relay is back: members that were called in vain are called again soon.
    fn relay_returned<V: View>(&mut self, step: &mut Step<'_, V>) {
        self.links.failures.clear();
        let base = self.redial_after();
        for member in self.peers() {
            if self.is_up(&member) {
                continue;
            }
            let at = step.wall() + step.draw.between(Millis(0), base);
            if self.links.redialling.get(&member.into()).is_none_or(|planned| *planned > at) {
                self.links.redialling.insert(Some(member), at);
                self.due(step, at, Due::Redial(Some(member)));
            }
        }
    }

    /// A sixtieth of the bag's interval, within a quarter of a second and a minute: 60 s in a real network.
    pub(super) fn redial_after(&self) -> Millis {
        let bag = self.held.as_ref().map_or(60_000, |held| held.roster.pace.bag.0);
        Millis((bag / 60).clamp(250, 60_000))
    }

    /// Connects again, unless a later timer will: two of them would each set a next one for ever.
    pub(super) fn redial<V: View>(&mut self, step: &mut Step<'_, V>, member: Option<MemberId>) {
        if self.links.redialling.get(&member).is_some_and(|at| *at > step.wall()) {
            return;
        }
        self.links.redialling.remove(&member);
        match member {
            Some(member) if !self.is_up(&member) => self.admit(step, &member),
            None => {
                let Some(held) = &self.held else { return };
                let peer = PeerId(held.roster.coordinator.key);
                if !self.links.is_up(&peer) && !held.roster.coordinator.addresses.is_empty() {
                    step.act(Action::Dial { peer, addresses: held.roster.coordinator.addresses.clone() });
                }
            }
            Some(_) => {}
        }
    }

    /// What waited for a peer goes on: an owed bag, evaluations that were not answered, its set.
    pub(super) fn peer_returned<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) {
        if self.own.member.is_none() {
            return;
        }
        if self.taking_part(member).is_none() || !self.may_exchange() {
            return;
        }
        let outcome = self
            .owe_bag(step, member)
            .and_then(|()| self.resume_requests(step, member))
            .and_then(|()| self.ask_sets(step, member));
        if outcome.is_err() {
            step.notify(NoticeCode::Damaged, Some(*member), 6);
        }
        self.due(step, step.wall(), Due::Gather(*member));
        self.pump_member(step, member);
    }

    /// A bag that fell due while the peer was away is made after a random part of the jitter, once.
    fn owe_bag<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) -> Result<(), crate::engine::view::ReadError> {
        let Some(mut row) = step.get::<PeerRow>(member)? else { return Ok(()) };
        if !row.bag_owed {
            return Ok(());
        }
        row.bag_owed = false;
        step.put(member, &row);
        let jitter = self.held.as_ref().map_or(Millis(0), |held| held.roster.pace.bag_jitter);
        let wait = step.draw.between(Millis(0), jitter);
        self.due(step, step.wall() + wait, Due::OwedBag(*member));
        Ok(())
    }

    /// What became of a delivery.
    pub(super) fn sent<V: View>(&mut self, step: &mut Step<'_, V>, delivery: DeliveryId, outcome: SendOutcome) {
        let Some(flight) = self.links.land(delivery) else { return };
        let member = self.member_of(&flight.peer);
        match outcome {
            SendOutcome::Committed => self.delivered(step, &flight.rows),
            SendOutcome::Refused(code) => {
                step.notify(NoticeCode::Refused, member, u64::from(code));
                // Sent again at once it would be refused again at once.
                if self.refused(step, &flight.rows, code) {
                    return;
                }
            }
            SendOutcome::Busy(_) | SendOutcome::Lost => {
                let wait = if let SendOutcome::Busy(wait) = outcome { u64::from(wait).clamp(50, 60_000) } else { 500 };
                if let Some(member) = member {
                    self.due(step, step.wall() + Millis(wait), Due::Pump(member));
                }
                return;
            }
        }
        self.pump(step, &flight.peer);
    }

    /// An item does not leave after all: its step was rolled back. Its rows wait for the next time.
    pub(super) fn did_not_leave<V: View>(&mut self, step: &mut Step<'_, V>, delivery: DeliveryId) {
        let member = self.links.land(delivery).and_then(|flight| self.member_of(&flight.peer));
        if let Some(member) = member {
            self.due(step, step.wall() + Millis(500), Due::Pump(member));
        }
    }

    /// Sends what waits for a member, if it is connected.
    pub(super) fn pump_member<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) {
        if let Some(peer) = self.peer_of(member) {
            self.pump(step, &peer);
        }
    }

    /// Sends what waits for a peer on every free lane but the bags', which have their own time.
    pub(super) fn pump<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId) {
        for lane in [Lane::Public, Lane::Eval, Lane::Set] {
            if !self.links.is_free(peer, lane) || lane != Lane::Public && !self.may_exchange() {
                continue;
            }
            if let Some(item) = self.links.next_volatile(peer, lane) {
                self.links.send(step, peer, lane, item, Vec::new());
            } else if lane != Lane::Public
                && let Some(member) = self.member_of(peer)
                && self.taking_part(&member).is_some()
                && self.send_waiting(step, peer, &member, lane).is_err()
            {
                step.notify(NoticeCode::Damaged, Some(member), 7);
            }
        }
    }
}
