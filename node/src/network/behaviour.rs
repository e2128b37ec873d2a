//! What runs on each connection, and every limit on connections.
//!
//! The swarm's task owns one. The order of the fields is the order of the decisions on a connection: the gate and the limits
//! speak before anything that keeps state about it.

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{self, NetworkBehaviour, Swarm};
use libp2p::{memory_connection_limits, ping, relay};

use super::api::NetworkError;
use super::codec::{ItemCodec, PROTOCOL};
use super::gate::Gate;
use super::relay::server;
use super::transport::transport;

/// Deliveries under way to one peer, and items of one peer that wait for their receipt.
pub(super) const ITEMS_A_PEER: usize = 4;
/// Longest life of a delivery, however slowly it moves: 1 MiB at 7 kbit/s.
pub(super) const DELIVERY: Duration = Duration::from_secs(20 * 60);

/// Connections with one peer: both may dial at the same moment, by both roads.
const CONNECTIONS_A_PEER: u32 = 4;
/// Connections in all: one with each of 256 members, and as many that are closing or will not be kept.
const CONNECTIONS: u32 = 512;
/// Incoming connections whose peer is not proven yet. Sixty nodes that start at one moment all call one: with 16 of them at a
/// time it took 12 s until the last was in.
const PENDING_INBOUND: u32 = 96;
/// Streams of one connection whose protocol is being settled.
const NEW_STREAMS: usize = 32;
/// Bytes of the process above which no connection is taken.
const MEMORY_BYTES: usize = 512 * 1024 * 1024;
/// Streams with items on one connection: both directions, and two that are just ending.
const ITEM_STREAMS: usize = 2 * ITEMS_A_PEER + 2;
/// The behaviour's own bound on a request is a backstop behind [`DELIVERY`].
const REQUEST: Duration = Duration::from_secs(25 * 60);
/// Connections stay: making one costs as much as a day of pings, and a suspension reaches who is connected. Without end
/// would be right too, but libp2p adds it to a clock.
const IDLE: Duration = Duration::from_secs(365 * 24 * 3600);

/// How soon dialling and silence are given up.
#[derive(Clone, Copy)]
pub(super) struct Timings {
    handshake: Duration,
    /// Pings find a peer that vanished without a word, and keep a NAT's entry alive. To 59 peers they cost 4.5 MB a day in
    /// each direction for each minute less in ten.
    ping_every: Duration,
    /// The answer may stand behind 256 KiB at 64 kbit/s.
    ping_answer: Duration,
    /// How often a peer that only the relay leads to is tried directly, at the least.
    pub(super) better_every: Duration,
    /// Shortest wait for another try after a place at the relay was refused.
    pub(super) place_pause: Duration,
}

impl Timings {
    /// The network's timings, or a rehearsal's.
    pub(super) fn of(drill: bool) -> Self {
        if drill {
            Self {
                // Sixty nodes on two cores let each other wait: with 4 and 10 s links fell and were dialled again all the time.
                handshake: Duration::from_secs(15),
                ping_every: Duration::from_secs(10),
                ping_answer: Duration::from_secs(30),
                better_every: Duration::from_secs(10),
                place_pause: Duration::from_secs(1),
            }
        } else {
            Self {
                // TCP, TLS and yamux take four round trips: 8 s where one takes 2 s.
                handshake: Duration::from_secs(20),
                ping_every: Duration::from_secs(120),
                ping_answer: Duration::from_secs(60),
                better_every: Duration::from_secs(600),
                place_pause: Duration::from_secs(10),
            }
        }
    }
}

/// The behaviour of every connection.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    /// Admitted peers only.
    pub(super) gate: Gate,
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    ping: ping::Behaviour,
    /// At the coordination node only.
    relay: Toggle<relay::Behaviour>,
    client: relay::client::Behaviour,
    /// Items and receipts. Last, since it counts a connection as soon as it is asked.
    pub(super) items: request_response::Behaviour<ItemCodec>,
}

impl Behaviour {
    fn new(client: relay::client::Behaviour, relay: Option<relay::Behaviour>, timings: Timings) -> Self {
        let limits = ConnectionLimits::default()
            .with_max_pending_incoming(Some(PENDING_INBOUND))
            .with_max_established(Some(CONNECTIONS))
            .with_max_established_per_peer(Some(CONNECTIONS_A_PEER));
        let requests =
            request_response::Config::default().with_request_timeout(REQUEST).with_max_concurrent_streams(ITEM_STREAMS);
        Self {
            gate: Gate::default(),
            limits: connection_limits::Behaviour::new(limits),
            memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY_BYTES),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(timings.ping_every).with_timeout(timings.ping_answer)),
            relay: relay.into(),
            client,
            items: request_response::Behaviour::with_codec(ItemCodec::new(), [(PROTOCOL, ProtocolSupport::Full)], requests),
        }
    }
}

/// Builds the swarm, with the relay's side where this node `is_relay`; it does not listen yet.
///
/// # Errors
/// [`NetworkError::Identity`] if no certificate can be made.
pub(super) fn swarm(keypair: &Keypair, is_relay: bool, timings: Timings) -> Result<Swarm<Behaviour>, NetworkError> {
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(NEW_STREAMS)
        // There is one protocol a purpose, so the opener need not wait for the answer, which has 10 s only and may stand
        // behind other items on a thin link.
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    let local = keypair.public().to_peer_id();
    let (circuits, client) = relay::client::new(local);
    let transport = transport(keypair, circuits, timings.handshake)?;
    let behaviour = Behaviour::new(client, is_relay.then(|| server(local)), timings);
    Ok(Swarm::new(transport, behaviour, local, config))
}
