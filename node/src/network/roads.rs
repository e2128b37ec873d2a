//! The task's part that finds ways to peers: calls, the place at the relay, and connections that are not kept.
//!
//! [`super::task`] hands over what concerns them. A peer is called by its addresses first; where these fail, or there are
//! none, through the relay, if that is connected. A call ends in `Up` or in one `DialFailed`.

use kinmesh_protocol::base::PeerId;
use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::relay;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use tokio::time::Instant;

use super::api::NetworkEvent;
use super::dials::Road;
use super::identity::{from_libp2p, to_libp2p};
use super::relay::{Place, is_circuit};
use super::task::Task;

#[cfg(test)]
mod tests;

/// Addresses of one peer.
const ADDRESSES: usize = 8;

impl Task {
    /// A call that the daemon wants.
    pub(super) fn dial(&mut self, peer: PeerId, addresses: &[String]) {
        let addresses = readable(addresses);
        if self.links.is_up(&peer) {
            self.dials.know(peer, addresses);
        } else if self.dials.want(peer, addresses) {
            self.call();
        } else {
            self.outbox.push(NetworkEvent::DialFailed { peer }, None);
        }
    }

    /// Another relay, or the same with other addresses.
    pub(super) fn use_relay(&mut self, relay: PeerId, addresses: &[String]) {
        let place = Place::at(relay, &readable(addresses), Instant::now());
        // The same relay's place stays, whatever else is known of it now.
        if place.as_ref().map(Place::address) != self.place.as_ref().map(Place::address) {
            self.place = place;
            self.ask_for_place();
        }
    }

    /// Begins as many of the waiting calls as may run.
    pub(super) fn call(&mut self) {
        while let Some((peer, road)) = self.dials.next() {
            // It may have called itself while its turn came.
            if self.links.is_up(&peer) && road != Road::Better {
                continue;
            }
            if !self.begin(peer, road) {
                self.failed(peer, road);
            }
        }
    }

    /// A call led to no connection.
    pub(super) fn call_failed(&mut self, call: ConnectionId) {
        if let Some((peer, road)) = self.dials.ended(call) {
            self.failed(peer, road);
            self.call();
        }
    }

    /// A call led to a connection.
    pub(super) fn call_ended(&mut self, call: ConnectionId) {
        if self.dials.ended(call).is_some() {
            self.call();
        }
    }

    /// A listener has closed; false if it was none of the relay's.
    pub(super) fn place_ended(&mut self, listener: ListenerId) -> bool {
        let pause = self.timings.place_pause;
        let Some(place) = &mut self.place else { return false };
        if !place.ended(listener, pause, Instant::now()) {
            return false;
        }
        self.outbox.push(NetworkEvent::Place { peer: place.relay, held: false }, None);
        true
    }

    /// What the relay granted this node.
    pub(super) fn on_granted(&mut self, event: &relay::client::Event) {
        if let relay::client::Event::ReservationReqAccepted { relay_peer_id, .. } = event
            && let Some(peer) = from_libp2p(relay_peer_id)
        {
            if let Some(place) = self.place.as_mut().filter(|place| place.relay == peer) {
                place.granted();
            }
            self.outbox.push(NetworkEvent::Place { peer, held: true }, None);
        }
    }

    /// What this node, being the relay, granted.
    pub(super) fn on_relay(&mut self, event: &relay::Event) {
        let (peer, held) = match event {
            relay::Event::ReservationReqAccepted { src_peer_id, .. } => (src_peer_id, true),
            relay::Event::ReservationTimedOut { src_peer_id } => (src_peer_id, false),
            relay::Event::ReservationReqDenied { src_peer_id, .. } => {
                tracing::warn!(peer = ?from_libp2p(src_peer_id), "a place at the relay was refused: too many");
                return;
            }
            relay::Event::CircuitReqDenied { src_peer_id, dst_peer_id, status } => {
                let (from, to) = (from_libp2p(src_peer_id), from_libp2p(dst_peer_id));
                tracing::debug!(?from, ?to, ?status, "a circuit was refused");
                return;
            }
            // A place goes with its connection, of which the daemon knows.
            _ => return,
        };
        if let Some(peer) = from_libp2p(peer) {
            self.outbox.push(NetworkEvent::Place { peer, held }, None);
        }
    }

    /// True if [`Task::keep_roads`] has something to watch.
    pub(super) fn roads_need_care(&self) -> bool {
        let place_is_missing = self.place.as_ref().is_some_and(|place| place.is_missing() && self.links.is_up(&place.relay));
        place_is_missing || self.links.has_several() || self.links.relayed().next().is_some()
    }

    /// Asks for a place that is missing, looks for better ways, closes what is not kept.
    pub(super) fn keep_roads(&mut self, now: Instant) {
        self.ask_for_place();
        self.dials.want_better(self.links.relayed(), self.timings.better_every, now);
        self.call();
        for (peer, connection) in self.links.superfluous(now) {
            // The other side does the same; what is lost on the way is sent again.
            if self.deliveries.count_of(peer) == 0 {
                self.swarm.close_connection(connection);
            }
        }
    }

    /// The relay is connected anew.
    pub(super) fn relay_is_back(&mut self, peer: PeerId) {
        if let Some(place) = self.place.as_mut().filter(|place| place.relay == peer) {
            place.try_at_once(Instant::now());
            self.ask_for_place();
        }
    }

    fn ask_for_place(&mut self) {
        let now = Instant::now();
        let Some(place) = self.place.as_mut().filter(|place| self.links.is_up(&place.relay) && place.is_due(now)) else {
            return;
        };
        match self.swarm.listen_on(place.address()) {
            Ok(listener) => place.asked(listener),
            Err(error) => tracing::error!(%error, "no place at the relay can be asked for"),
        }
    }

    fn failed(&mut self, peer: PeerId, road: Road) {
        // Where both sides called, one of the connections may well fail beside the other.
        if self.links.is_up(&peer) || (road == Road::Direct && self.begin(peer, Road::Relayed)) {
            return;
        }
        if road != Road::Better {
            self.outbox.push(NetworkEvent::DialFailed { peer }, None);
        }
    }

    /// Begins a call; false if there is no way to begin it.
    fn begin(&mut self, peer: PeerId, road: Road) -> bool {
        let Some(callee) = to_libp2p(peer) else { return false };
        let addresses: Vec<Multiaddr> = match road {
            Road::Direct | Road::Better => self.dials.addresses(&peer),
            Road::Relayed => self.circuit_to(peer, callee).into_iter().collect(),
        };
        if addresses.is_empty() {
            return false;
        }
        // A port of its own: two nodes that dial each other between their listening ports at the same moment would get one
        // TCP connection on which both are the client.
        let opts = DialOpts::peer_id(callee).condition(PeerCondition::Always).addresses(addresses).allocate_new_port().build();
        let call = opts.connection_id();
        if self.swarm.dial(opts).is_err() {
            return false;
        }
        self.dials.begun(call, peer, road);
        true
    }

    fn circuit_to(&self, peer: PeerId, callee: libp2p::PeerId) -> Option<Multiaddr> {
        let place = self.place.as_ref()?;
        (place.relay != peer && self.links.is_up(&place.relay)).then(|| place.address_of(callee))
    }
}

fn readable(addresses: &[String]) -> Vec<Multiaddr> {
    let all = addresses.iter().filter_map(|text| text.parse::<Multiaddr>().ok());
    // A circuit by another relay would be called outside all these rules.
    all.filter(|address| !is_circuit(address)).take(ADDRESSES).collect()
}
