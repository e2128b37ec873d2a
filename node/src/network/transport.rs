//! How connections are made: TCP, or a circuit of the relay, then TLS 1.3 with the peer's ed25519 key in its certificate,
//! then yamux.
//!
//! Called once, at start; a further carrier such as QUIC joins in [`transport`]. Noise is left out on purpose: it has no
//! post-quantum key exchange, while TLS prefers X25519MLKEM768. What remains: the group is preferred, not enforced, and a
//! member that offers X25519 alone gets it (cells are sealed with X-Wing inside).

use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, StreamMuxerExt, SubstreamBox};
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::core::{ConnectedPoint, Transport};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, relay, tcp, tls, yamux};
use tokio::time::{Sleep, sleep};

use super::api::NetworkError;
use super::relay::CIRCUITS_A_MEMBER;

/// Streams with items and pings of one connection, both directions; yamux ends a connection that opens more.
const STREAMS: usize = 16;
/// Streams of a direct connection. Each circuit is one, and who is at the other end is not known when yamux starts.
const DIRECT_STREAMS: usize = STREAMS + CIRCUITS_A_MEMBER + 8;
/// How long a connection that is being closed may take to say so to its peer.
const CLOSING: Duration = Duration::from_secs(5);

/// Builds the transport. `handshake` bounds everything from the first packet to the open connection.
///
/// Each stream starts with yamux's window of 256 KiB; libp2p offers no way to cap what auto-tuning adds for a peer that is
/// read quickly, and an item is not read beyond its length.
///
/// # Errors
/// [`NetworkError::Identity`] if no certificate can be made.
pub(super) fn transport(
    keypair: &Keypair,
    circuits: relay::client::Transport,
    handshake: Duration,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetworkError> {
    let tls = tls::Config::new(keypair).map_err(|_| NetworkError::Identity)?;
    let tcp = tcp::tokio::Transport::new(tcp::Config::default())
        .upgrade(Version::V1Lazy)
        .authenticate(tls.clone())
        .multiplex(streams(DIRECT_STREAMS))
        .timeout(handshake)
        .boxed();
    // Twice the way, and two round trips more.
    let circuits = circuits
        .upgrade(Version::V1Lazy)
        .authenticate(tls)
        .multiplex(streams(STREAMS))
        .timeout(handshake.saturating_mul(2))
        .boxed();
    // Circuits first: they refuse what is none, while TCP would take the relay for the peer.
    let either = circuits.or_transport(tcp).map(|connection, _| connection.into_inner());
    Ok(either
        .and_then(|(peer, muxer), endpoint| ready(only_whom_we_called(peer, &endpoint).map(|()| (peer, closing(muxer)))))
        .boxed())
}

fn streams(limit: usize) -> yamux::Config {
    let mut streams = yamux::Config::default();
    streams.set_max_num_streams(limit);
    streams
}

/// Checks that nobody else listens there. libp2p sets `SO_REUSEPORT`, with which two nodes of one user would silently share
/// a port and each get some of the other's connections.
///
/// # Errors
/// `Unsupported` for anything but an IP address and a TCP port; otherwise what the system says.
pub(super) fn check_listen_address(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(port)), None) => TcpListener::bind((ip, port)).map(drop),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Another node behind a dialled address fails that address alone; to the swarm it would be the answer to the whole dial.
fn only_whom_we_called(found: PeerId, endpoint: &ConnectedPoint) -> io::Result<()> {
    let ConnectedPoint::Dialer { address, .. } = endpoint else { return Ok(()) };
    // The last one: before it may stand the relay.
    let called = address.iter().filter_map(|part| if let Protocol::P2p(peer) = part { Some(peer) } else { None }).last();
    if called.is_some_and(|called| called != found) { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(()) }
}

fn closing(muxer: StreamMuxerBox) -> StreamMuxerBox {
    StreamMuxerBox::new(PromptClose { muxer, deadline: None })
}

/// A connection whose orderly close ends after [`CLOSING`], so that a peer that has stopped reading cannot keep its place
/// among the connections (the swarm itself waits without end).
struct PromptClose {
    muxer: StreamMuxerBox,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl StreamMuxer for PromptClose {
    type Substream = SubstreamBox;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<SubstreamBox>> {
        self.muxer.poll_inbound_unpin(cx)
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<SubstreamBox>> {
        self.muxer.poll_outbound_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(closed) = self.muxer.poll_close_unpin(cx) {
            return Poll::Ready(closed);
        }
        self.deadline.get_or_insert_with(|| Box::pin(sleep(CLOSING))).as_mut().poll(cx).map(Ok)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        self.muxer.poll_unpin(cx)
    }
}
