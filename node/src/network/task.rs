//! The one task that drives the swarm: commands in, events out.
//!
//! [`super::Network`] starts it. It waits for nothing but its own inputs: a full events channel makes peers wait, never this
//! loop. libp2p's reports of failed requests are taken as hints; the tables here decide when a delivery or an item ends.

use std::time::Duration;

use futures::StreamExt;
use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{DeliveryId, PeerId};
use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message, ResponseChannel};
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Multiaddr, ping};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::api::{NetworkCommand, NetworkEvent, REFUSED_TOO_LARGE, Receipt, SendOutcome};
use super::behaviour::{Behaviour, BehaviourEvent, Timings};
use super::codec::Item;
use super::deliveries::{Deliveries, Delivery, Slot};
use super::dials::Dials;
use super::gate;
use super::handle::Queued;
use super::identity::{from_libp2p, to_libp2p};
use super::links::{Connection, Links};
use super::outbox::Outbox;
use super::receipts::Receipts;
use super::relay::{Place, is_circuit};

/// What a peer, or this node's engine, waits when there is no room for an item.
const RETRY_MS: u32 = 2_000;
/// How often deadlines are looked at while anything waits.
const LOOK: Duration = Duration::from_secs(1);
/// Shortest time between two reports of strangers.
const STRANGERS_EVERY: Duration = Duration::from_secs(1);

/// The state of the task.
pub(super) struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    channel: mpsc::Sender<NetworkEvent>,
    pub(super) outbox: Outbox,
    pub(super) links: Links,
    pub(super) dials: Dials,
    /// The relay that is used; none before the daemon has named one.
    pub(super) place: Option<Place>,
    pub(super) timings: Timings,
    pub(super) deliveries: Deliveries,
    receipts: Receipts,
    strangers_reported: Option<Instant>,
}

impl Task {
    /// A task for a swarm that listens already.
    pub(super) fn new(swarm: Swarm<Behaviour>, local: PeerId, timings: Timings, channel: mpsc::Sender<NetworkEvent>) -> Self {
        Self {
            swarm,
            outbox: Outbox::new(channel.clone()),
            channel,
            links: Links::new(local),
            dials: Dials::new(),
            place: None,
            timings,
            deliveries: Deliveries::new(),
            receipts: Receipts::new(),
            strangers_reported: None,
        }
    }

    /// Runs until the handle or the receiver of the events is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Queued>) {
        let channel = self.channel.clone();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                queued = commands.recv() => match queued {
                    Some(queued) => self.on_command(queued),
                    None => break,
                },
                place = channel.reserve(), if self.outbox.is_waiting() => match place {
                    Ok(place) => self.outbox.hand_over(place),
                    Err(_) => break,
                },
                () = channel.closed() => break,
                _ = look.tick(), if self.has_deadlines() => self.on_look(Instant::now()),
            }
        }
        for delivery in self.deliveries.take_all() {
            self.end(delivery, SendOutcome::Lost);
        }
        self.outbox.flush();
    }

    fn on_command(&mut self, queued: Queued) {
        match (queued.command, queued.slot) {
            (NetworkCommand::Send { delivery, peer, item }, Some(slot)) => self.send(delivery, peer, item, slot),
            (NetworkCommand::Send { delivery, .. }, None) => self.sent(delivery, SendOutcome::Lost, None),
            (NetworkCommand::Receipt { of, answer }, _) => {
                if let Some(sender) = self.receipts.take(of) {
                    self.answer(sender, answer);
                }
            }
            (NetworkCommand::Admit { peer }, _) => {
                if !gate::admit(&mut self.swarm.behaviour_mut().gate, peer) {
                    tracing::error!(?peer, "too many peers are admitted; this one is not");
                }
            }
            // The handle's owner starts another network under another identity.
            (NetworkCommand::Identify { .. }, _) => {}
            (NetworkCommand::Deny { peer }, _) => {
                gate::deny(&mut self.swarm.behaviour_mut().gate, peer);
                self.dials.forget(&peer);
                self.link_down(peer);
            }
            (NetworkCommand::Dial { peer, addresses }, _) => self.dial(peer, &addresses),
            (NetworkCommand::Relay { peer, addresses }, _) => self.use_relay(peer, &addresses),
        }
    }

    fn send(&mut self, id: DeliveryId, peer: PeerId, item: Vec<u8>, slot: Slot) {
        if item.len() > ITEM_BYTES {
            return self.sent(id, SendOutcome::Refused { code: REFUSED_TOO_LARGE }, Some(slot));
        }
        // Without a connection the behaviour would dial on its own.
        let linked = to_libp2p(peer)
            .filter(|_| self.links.is_up(&peer))
            .filter(|receiver| self.swarm.behaviour().items.is_connected(receiver));
        let Some(receiver) = linked else {
            return self.sent(id, SendOutcome::Lost, Some(slot));
        };
        if !self.deliveries.has_room(peer, item.len()) {
            return self.sent(id, SendOutcome::Busy { retry_ms: RETRY_MS }, Some(slot));
        }
        let delivery = Delivery { id, peer, size: item.len(), slot };
        let request = self.swarm.behaviour_mut().items.send_request(&receiver, Item::new(item));
        self.deliveries.add(request, delivery, Instant::now());
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            // A place at the relay is reported as such.
            SwarmEvent::NewListenAddr { address, .. } if !is_circuit(&address) => {
                self.outbox.push(NetworkEvent::Listening { address: address.to_string() }, None);
                // What a relay tells of itself to those who take a place; without any it grants none.
                self.swarm.add_external_address(address);
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                if let Some(peer) = from_libp2p(&peer_id) {
                    self.connected(peer, connection_id, &endpoint);
                }
                self.call_ended(connection_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                if let Some(peer) = from_libp2p(&peer_id) {
                    self.closed(peer, connection_id);
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, .. } => self.call_failed(connection_id),
            SwarmEvent::IncomingConnectionError { error, .. } if gate::is_stranger(&error) => self.stranger(Instant::now()),
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                let is_place = self.place_ended(listener_id) || addresses.iter().any(is_circuit);
                match reason {
                    Err(error) if is_place => tracing::debug!(%error, "the relay granted no place"),
                    _ if is_place => {}
                    reason => tracing::error!(?reason, "a listener has closed; nobody can connect to its address"),
                }
            }
            // A peer without pings is none of ours, but no reason to cut it off.
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { connection, result: Err(failure), .. }))
                if !matches!(failure, ping::Failure::Unsupported) =>
            {
                self.swarm.close_connection(connection);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Items(event)) => self.on_items(event),
            SwarmEvent::Behaviour(BehaviourEvent::Client(event)) => self.on_granted(&event),
            SwarmEvent::Behaviour(BehaviourEvent::Relay(event)) => self.on_relay(&event),
            _ => {}
        }
    }

    fn on_items(&mut self, event: request_response::Event<Item, Receipt>) {
        match event {
            request_response::Event::Message { peer, connection_id, message } => match message {
                Message::Request { request, channel, .. } => {
                    if let Some(peer) = from_libp2p(&peer).filter(|peer| self.links.is_open(peer, connection_id)) {
                        self.arrived(peer, request, channel);
                    }
                }
                Message::Response { request_id, response } => {
                    if let Some(delivery) = self.deliveries.take(request_id) {
                        self.end(delivery, response.into());
                    }
                }
            },
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                if let Some(delivery) = self.deliveries.take(request_id) {
                    tracing::debug!(delivery = ?delivery.id, %error, "no receipt");
                    self.end(delivery, SendOutcome::Lost);
                }
            }
            // What waits for a receipt is dropped by its own deadline.
            request_response::Event::InboundFailure { .. } | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn arrived(&mut self, peer: PeerId, item: Item, sender: ResponseChannel<Receipt>) {
        if self.receipts.has_room(peer)
            && let Some(place) = self.outbox.room_for_item()
        {
            let receipt = self.receipts.add(peer, sender, Instant::now());
            place.send(NetworkEvent::Item { receipt, peer, bytes: item.into_bytes() });
        } else {
            self.answer(sender, Receipt::Busy { retry_ms: RETRY_MS });
        }
    }

    fn answer(&mut self, sender: ResponseChannel<Receipt>, answer: Receipt) {
        if self.swarm.behaviour_mut().items.send_response(sender, answer).is_err() {
            tracing::debug!("the sender of an item is gone; it will send it again");
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let before = self.links.is_relayed(&peer);
        let (relayed, dialled) = (endpoint.is_relayed(), endpoint.is_dialer());
        self.links.add(peer, id, Connection { relayed, dialled, since: Instant::now() });
        if before.is_none() {
            let address = match endpoint {
                ConnectedPoint::Dialer { address, .. } if !relayed => Some(without_peer(address)),
                ConnectedPoint::Dialer { .. } | ConnectedPoint::Listener { .. } => None,
            };
            self.outbox.push(NetworkEvent::Up { peer, address }, None);
        }
        self.tell_path(peer, before.unwrap_or(false));
        if !relayed {
            self.relay_is_back(peer);
        }
    }

    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(before) = self.links.is_relayed(&peer) else { return };
        if self.links.remove(&peer, connection) {
            self.link_down(peer);
        } else {
            self.tell_path(peer, before);
        }
    }

    fn tell_path(&mut self, peer: PeerId, before: bool) {
        if let Some(relayed) = self.links.is_relayed(&peer).filter(|relayed| *relayed != before) {
            self.outbox.push(NetworkEvent::Path { peer, relayed }, None);
        }
    }

    /// Ends everything with a peer. Connections that are still closing are not in the table any more.
    fn link_down(&mut self, peer: PeerId) {
        if !self.links.remove_all(&peer) {
            return;
        }
        self.receipts.drop_of(peer);
        for delivery in self.deliveries.take_of(peer) {
            self.end(delivery, SendOutcome::Lost);
        }
        self.outbox.push(NetworkEvent::Down { peer }, None);
    }

    fn stranger(&mut self, now: Instant) {
        if self.strangers_reported.is_none_or(|last| now - last >= STRANGERS_EVERY) {
            self.strangers_reported = Some(now);
            self.outbox.push(NetworkEvent::StrangerRefused, None);
        }
    }

    fn on_look(&mut self, now: Instant) {
        self.receipts.drop_overdue(now);
        for delivery in self.deliveries.take_overdue(now) {
            self.end(delivery, SendOutcome::Lost);
        }
        self.keep_roads(now);
    }

    fn has_deadlines(&self) -> bool {
        !self.deliveries.is_empty() || !self.receipts.is_empty() || self.roads_need_care()
    }

    fn end(&mut self, delivery: Delivery, outcome: SendOutcome) {
        self.sent(delivery.id, outcome, Some(delivery.slot));
    }

    fn sent(&mut self, delivery: DeliveryId, outcome: SendOutcome, slot: Option<Slot>) {
        self.outbox.push(NetworkEvent::Sent { delivery, outcome }, slot);
    }
}

/// The address as a roster would have it, without the peer that it was dialled for.
fn without_peer(address: &Multiaddr) -> String {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect::<Multiaddr>().to_string()
}
