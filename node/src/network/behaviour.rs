//! What runs on each connection, and every limit on connections.
//!
//! The swarm's task owns one. The order of the fields is the order of the decisions on a connection: the gate and the limits
//! speak before anything that keeps state about it.

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{self, NetworkBehaviour, Swarm};
use libp2p::{memory_connection_limits, ping};

use super::api::NetworkError;
use super::codec::{ItemCodec, PROTOCOL};
use super::gate::Gate;
use super::transport::{STREAMS, transport};

/// Deliveries under way to one peer, and items of one peer that wait for their receipt.
pub(super) const ITEMS_A_PEER: usize = 4;
/// Longest life of a delivery, however slowly it moves: 1 MiB at 7 kbit/s.
pub(super) const DELIVERY: Duration = Duration::from_secs(20 * 60);

/// Connections with one peer: two, because both may dial at the same moment.
const CONNECTIONS_A_PEER: u32 = 2;
/// Connections in all: two with each of 200 members, and room for those that are closing.
const CONNECTIONS: u32 = 450;
/// Incoming connections whose peer is not proven yet.
const PENDING_INBOUND: u32 = 16;
/// Bytes of the process above which no connection is taken.
const MEMORY_BYTES: usize = 512 * 1024 * 1024;
/// Streams with items on one connection: both directions, and two that are just ending.
const ITEM_STREAMS: usize = 2 * ITEMS_A_PEER + 2;
/// The behaviour's own bound on a request is a backstop behind [`DELIVERY`].
const REQUEST: Duration = Duration::from_secs(25 * 60);
/// Pings find a peer that vanished without a word; the answer may stand behind 256 KiB at 64 kbit/s.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_ANSWER: Duration = Duration::from_secs(45);

/// How soon dialling and idling are given up.
#[derive(Clone, Copy)]
pub(super) struct Timings {
    handshake: Duration,
    idle: Duration,
}

impl Timings {
    /// The network's timings, or a rehearsal's.
    pub(super) fn of(drill: bool) -> Self {
        if drill {
            Self { handshake: Duration::from_secs(4), idle: Duration::from_secs(30) }
        } else {
            // TCP, TLS and yamux take four round trips: 8 s where one takes 2 s.
            Self { handshake: Duration::from_secs(20), idle: Duration::from_secs(120) }
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
    /// Items and receipts. Last, since it counts a connection as soon as it is asked.
    pub(super) items: request_response::Behaviour<ItemCodec>,
}

impl Behaviour {
    fn new() -> Self {
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
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_ANSWER)),
            items: request_response::Behaviour::with_codec(ItemCodec::new(), [(PROTOCOL, ProtocolSupport::Full)], requests),
        }
    }
}

/// Builds the swarm; it does not listen yet.
///
/// # Errors
/// [`NetworkError::Identity`] if no certificate can be made.
pub(super) fn swarm(keypair: &Keypair, timings: Timings) -> Result<Swarm<Behaviour>, NetworkError> {
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(timings.idle)
        .with_max_negotiating_inbound_streams(STREAMS)
        // There is one protocol a purpose, so the opener need not wait for the answer, which has 10 s only and may stand
        // behind other items on a thin link.
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    let transport = transport(keypair, timings.handshake)?;
    Ok(Swarm::new(transport, Behaviour::new(), keypair.public().to_peer_id(), config))
}
