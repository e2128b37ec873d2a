//! The relay (circuit relay v2): what the coordination node grants, and the place that a member keeps there.
//!
//! A circuit carries the same TLS and yamux as a direct connection, from end to end, behind the same gate: the relay learns
//! who talks with whom, when and how much, and never what. Since only admitted peers get a connection, only they get a place
//! or a circuit. What remains: a member can use up the circuits granted to one member, and the relay can delay or cut.

use std::num::NonZeroU32;
use std::time::Duration;

use kinmesh_protocol::base::PeerId;
use kinmesh_protocol::base::limits::MEMBERS;
use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::relay;
use tokio::time::Instant;

use super::identity::to_libp2p;

/// Circuits of one member, in both directions. libp2p grants one more than it is told.
pub(super) const CIRCUITS_A_MEMBER: usize = 128;
/// Circuits in all: each pair of 64 members behind NAT. An idle one costs the relay about 20 KiB.
const CIRCUITS: usize = 2048;
/// Places. A member has one on each of its connections, two for a moment while it comes back on a new one.
const PLACES: usize = 2 * MEMBERS;
/// libp2p grants one more than it is told, so this is two.
const PLACES_A_MEMBER: usize = 1;
/// A place lasts as long as its connection: renewing it would only be a way to be without.
const PLACE: Duration = Duration::from_secs(365 * 24 * 3600);
/// After this time a circuit ends and is made anew.
const CIRCUIT: Duration = Duration::from_secs(12 * 3600);
/// Bytes of a circuit, both directions: forty sets of 1.5 MB.
const CIRCUIT_BYTES: u64 = 64 * 1024 * 1024;
/// New circuits of one member: as many at once as there are members, and one every five seconds after that.
const NEW_CIRCUITS: NonZeroU32 = NonZeroU32::new(MEMBERS as u32).unwrap();
const NEW_CIRCUIT_EVERY: Duration = Duration::from_secs(5);
/// New places of one member.
const NEW_PLACES: NonZeroU32 = NonZeroU32::new(32).unwrap();
const NEW_PLACE_EVERY: Duration = Duration::from_secs(10);
/// Longest wait for another try after a place was refused, in multiples of the first.
const LONGEST: u32 = 5;

/// The relay's side. Limits by IP address are left out: societies may share one, and each peer is a proven member.
pub(super) fn server(local: libp2p::PeerId) -> relay::Behaviour {
    let config = relay::Config {
        max_reservations: PLACES,
        max_reservations_per_peer: PLACES_A_MEMBER,
        reservation_duration: PLACE,
        reservation_rate_limiters: Vec::new(),
        max_circuits: CIRCUITS,
        max_circuits_per_peer: CIRCUITS_A_MEMBER,
        max_circuit_duration: CIRCUIT,
        max_circuit_bytes: CIRCUIT_BYTES,
        circuit_src_rate_limiters: Vec::new(),
    };
    let config =
        config.reservation_rate_per_peer(NEW_PLACES, NEW_PLACE_EVERY).circuit_src_per_peer(NEW_CIRCUITS, NEW_CIRCUIT_EVERY);
    let mut server = relay::Behaviour::new(local, config);
    server.set_status(Some(relay::Status::Enable));
    server
}

/// True if an address leads through a relay.
pub(super) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::P2pCircuit))
}

/// The relay that is used, and the place there.
pub(super) struct Place {
    /// The relay.
    pub(super) relay: PeerId,
    address: Multiaddr,
    listener: Option<ListenerId>,
    try_at: Instant,
    failures: u32,
}

impl Place {
    /// No place yet at this relay; none if it has no address that can be read.
    pub(super) fn at(relay: PeerId, addresses: &[Multiaddr], now: Instant) -> Option<Self> {
        let address = addresses.first()?.clone();
        let address = address.with(Protocol::P2p(to_libp2p(relay)?)).with(Protocol::P2pCircuit);
        Some(Self { relay, address, listener: None, try_at: now, failures: 0 })
    }

    /// The address at which a place is asked for.
    pub(super) fn address(&self) -> Multiaddr {
        self.address.clone()
    }

    /// The address of a peer behind the relay.
    pub(super) fn address_of(&self, peer: libp2p::PeerId) -> Multiaddr {
        self.address.clone().with(Protocol::P2p(peer))
    }

    /// True if a place is to be asked for, once the relay is connected.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.listener.is_none() && self.try_at <= now
    }

    /// True if no place is held or asked for.
    pub(super) fn is_missing(&self) -> bool {
        self.listener.is_none()
    }

    /// Notes that a place was asked for.
    pub(super) fn asked(&mut self, listener: ListenerId) {
        self.listener = Some(listener);
    }

    /// Notes that it was granted.
    pub(super) fn granted(&mut self) {
        self.failures = 0;
    }

    /// Notes that it ended or was refused; false if the listener is another one. The next try waits twice as long as the one
    /// before.
    pub(super) fn ended(&mut self, listener: ListenerId, pause: Duration, now: Instant) -> bool {
        if self.listener != Some(listener) {
            return false;
        }
        self.listener = None;
        self.try_at = now + pause * (1 << self.failures);
        self.failures = (self.failures + 1).min(LONGEST);
        true
    }

    /// A new connection with the relay: what was refused on an older one says nothing.
    pub(super) fn try_at_once(&mut self, now: Instant) {
        self.try_at = now;
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: PeerId = PeerId([3; 32]);

    #[tokio::test]
    async fn a_place_that_is_refused_is_asked_for_again_at_a_slower_pace() {
        let mut now = Instant::now();
        let pause = Duration::from_secs(10);
        let mut place = Place::at(RELAY, &["/ip4/198.51.100.7/tcp/4001".parse().unwrap()], now).unwrap();
        for wait in [10, 20, 40, 80, 160, 320, 320] {
            assert!(place.is_due(now));
            let listener = ListenerId::next();
            place.asked(listener);
            assert!(!place.is_due(now) && !place.is_missing());
            assert!(!place.ended(ListenerId::next(), pause, now), "another listener's end");
            assert!(place.ended(listener, pause, now));
            assert!(!place.is_due(now + Duration::from_secs(wait - 1)), "{wait}");
            now += Duration::from_secs(wait);
        }
        place.try_at_once(now);
        assert!(place.is_due(now));
    }

    #[tokio::test]
    async fn a_peer_behind_the_relay_has_an_address_there() {
        let place = Place::at(RELAY, &["/ip4/198.51.100.7/tcp/4001".parse().unwrap()], Instant::now()).unwrap();
        let peer = to_libp2p(PeerId([4; 32])).unwrap();
        let relay = to_libp2p(RELAY).unwrap();
        let expected = format!("/ip4/198.51.100.7/tcp/4001/p2p/{relay}/p2p-circuit/p2p/{peer}");
        assert_eq!(place.address_of(peer).to_string(), expected);
        assert!(is_circuit(&place.address()));
        assert!(Place::at(RELAY, &[], Instant::now()).is_none());
    }
}
