//! Whole nodes on loopback: ports that the system picks, waits that end with an event.
//!
//! A hostile peer is a swarm of its own here, with the same TLS and a codec that lies.

use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{DeliveryId, PeerId, ReceiptId, Sensitive};
use libp2p::core::upgrade::Version;
use libp2p::request_response::{self, Codec, ProtocolSupport};
use libp2p::swarm::{self, Swarm, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

/// Longest wait for one event.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events that a node of these tests may leave untaken.
const EVENTS: usize = 64;

pub(super) struct Node {
    pub(super) network: Network,
    events: mpsc::Receiver<NetworkEvent>,
    address: String,
}

impl Node {
    pub(super) async fn start(number: u8) -> Node {
        Self::with_channel(number, EVENTS).await
    }

    async fn with_channel(number: u8, capacity: usize) -> Node {
        Self::listening(number, capacity, false).await
    }

    /// The coordination node.
    pub(super) async fn relay(number: u8) -> Node {
        Self::listening(number, EVENTS, true).await
    }

    async fn listening(number: u8, capacity: usize, relay: bool) -> Node {
        let mut node = Self::with(number, vec!["/ip4/127.0.0.1/tcp/0".to_owned()], capacity, relay).await;
        let NetworkEvent::Listening { address } = node.next().await else { panic!("the node listens first") };
        node.address = address;
        node
    }

    /// A node to which nobody can connect.
    pub(super) async fn behind_nat(number: u8) -> Node {
        Self::with(number, Vec::new(), EVENTS, false).await
    }

    async fn with(number: u8, listen: Vec<String>, capacity: usize, relay: bool) -> Node {
        let (sender, events) = mpsc::channel(capacity);
        let config = NetworkConfig { identity: Sensitive::new([number; 32]), listen, relay, drill: true };
        let network = Network::start(config, sender).await.unwrap();
        Node { network, events, address: String::new() }
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn peer(&self) -> PeerId {
        self.network.local_peer()
    }

    pub(super) async fn command(&self, command: NetworkCommand) {
        self.network.command(command).await.unwrap();
    }

    pub(super) async fn admit(&self, other: &Node) {
        self.command(NetworkCommand::Admit { peer: other.peer() }).await;
    }

    pub(super) async fn dial(&self, other: &Node) {
        self.command(NetworkCommand::Dial { peer: other.peer(), addresses: vec![other.address.clone()] }).await;
    }

    pub(super) async fn send(&self, number: u64, to: &Node, item: Vec<u8>) {
        self.command(NetworkCommand::Send { delivery: DeliveryId(number), peer: to.peer(), item }).await;
    }

    pub(super) async fn answer(&self, of: ReceiptId, answer: Receipt) {
        self.command(NetworkCommand::Receipt { of, answer }).await;
    }

    pub(super) async fn next(&mut self) -> NetworkEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a running network")
    }

    /// What happens within a time, if anything does.
    pub(super) async fn next_within(&mut self, time: Duration) -> Option<NetworkEvent> {
        timeout(time, self.events.recv()).await.ok().flatten()
    }

    pub(super) async fn expect_up(&mut self, other: &Node) -> Option<String> {
        match self.next().await {
            NetworkEvent::Up { peer, address } if peer == other.peer() => address,
            event => panic!("{event:?} where Up was expected"),
        }
    }

    pub(super) async fn expect_item(&mut self, from: PeerId) -> (ReceiptId, Vec<u8>) {
        match self.next().await {
            NetworkEvent::Item { receipt, peer, bytes } if peer == from => (receipt, bytes),
            event => panic!("{event:?} where Item was expected"),
        }
    }

    pub(super) async fn expect_sent(&mut self, number: u64, outcome: SendOutcome) {
        assert_eq!(self.next().await, NetworkEvent::Sent { delivery: DeliveryId(number), outcome });
    }

    pub(super) async fn expect_down(&mut self, peer: PeerId) {
        assert_eq!(self.next().await, NetworkEvent::Down { peer });
    }
}

/// Two nodes that admitted each other; the first has dialled the second.
async fn linked_pair() -> (Node, Node) {
    let (mut kampala, mut lima) = (Node::start(1).await, Node::start(2).await);
    link(&mut kampala, &mut lima).await;
    (kampala, lima)
}

pub(super) async fn link(dialler: &mut Node, listener: &mut Node) {
    dialler.admit(listener).await;
    listener.admit(dialler).await;
    // The listener's queue is in order, but the dial is another node's: wait until the admission is in effect.
    listener.command(NetworkCommand::Dial { peer: PeerId([0; 32]), addresses: Vec::new() }).await;
    assert_eq!(listener.next().await, NetworkEvent::DialFailed { peer: PeerId([0; 32]) });
    dialler.dial(listener).await;
    assert_eq!(dialler.expect_up(listener).await, Some(listener.address.clone()));
    assert_eq!(listener.expect_up(dialler).await, None);
}

#[tokio::test]
async fn items_up_to_the_largest_size_go_both_ways_and_are_answered() {
    let (mut kampala, mut lima) = linked_pair().await;
    for (number, size) in (1..).zip([0, 1, 32 * 1024, 1024 * 1024, ITEM_BYTES]) {
        let item: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
        kampala.send(number, &lima, item.clone()).await;
        let (receipt, bytes) = lima.expect_item(kampala.peer()).await;
        assert_eq!(bytes, item);
        lima.answer(receipt, Receipt::Committed).await;
        kampala.expect_sent(number, SendOutcome::Committed).await;

        lima.send(number, &kampala, item.clone()).await;
        let (receipt, bytes) = kampala.expect_item(lima.peer()).await;
        assert_eq!(bytes, item);
        kampala.answer(receipt, Receipt::Refused { code: 9 }).await;
        lima.expect_sent(number, SendOutcome::Refused { code: 9 }).await;
    }
}

#[tokio::test]
async fn four_items_are_under_way_and_further_ones_wait() {
    let (mut kampala, mut lima) = linked_pair().await;
    for number in 1..=5 {
        kampala.send(number, &lima, vec![number as u8; 1000]).await;
    }
    let NetworkEvent::Sent { delivery: DeliveryId(5), outcome: SendOutcome::Busy { .. } } = kampala.next().await else {
        panic!("the fifth has no room")
    };
    let mut answered = Vec::new();
    for _ in 0..4 {
        let (receipt, bytes) = lima.expect_item(kampala.peer()).await;
        lima.answer(receipt, Receipt::Busy { retry_ms: u32::from(bytes[0]) }).await;
    }
    for _ in 0..4 {
        let NetworkEvent::Sent { delivery, outcome: SendOutcome::Busy { retry_ms } } = kampala.next().await else {
            panic!("an end for each")
        };
        assert_eq!(delivery.0, u64::from(retry_ms), "each receipt belongs to its item");
        answered.push(delivery.0);
    }
    answered.sort_unstable();
    assert_eq!(answered, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_stranger_is_turned_away_and_neither_side_sees_an_item() {
    let (mut stranger, mut lima) = (Node::start(3).await, Node::start(2).await);
    stranger.admit(&lima).await;
    stranger.dial(&lima).await;
    // TLS ends on the dialler's side first, so it may see a connection that is closed at once.
    let mut number = 0;
    loop {
        match stranger.next().await {
            NetworkEvent::Up { .. } => {
                number += 1;
                stranger.send(number, &lima, vec![1; 100]).await;
                lima.send(number, &stranger, vec![2; 100]).await;
            }
            NetworkEvent::Sent { outcome, .. } => assert_eq!(outcome, SendOutcome::Lost),
            NetworkEvent::Down { .. } | NetworkEvent::DialFailed { .. } => break,
            event => panic!("{event:?} at a stranger"),
        }
    }
    loop {
        match lima.next().await {
            NetworkEvent::StrangerRefused => break,
            NetworkEvent::Sent { outcome, .. } => assert_eq!(outcome, SendOutcome::Lost),
            event => panic!("{event:?} from a stranger"),
        }
    }
}

#[tokio::test]
async fn a_peer_that_is_not_admitted_is_not_dialled() {
    let (mut kampala, lima) = (Node::start(1).await, Node::start(2).await);
    kampala.dial(&lima).await;
    assert_eq!(kampala.next().await, NetworkEvent::DialFailed { peer: lima.peer() });
}

#[tokio::test]
async fn a_dial_that_leads_nowhere_fails_once() {
    let (mut kampala, lima) = (Node::start(1).await, Node::start(2).await);
    let oslo = Node::start(4).await;
    kampala.admit(&lima).await;
    kampala.admit(&oslo).await;
    for addresses in
        [vec![], vec!["no address".to_owned()], vec!["/dns4/node.example/tcp/1".to_owned()], vec![oslo.address.clone()]]
    {
        kampala.command(NetworkCommand::Dial { peer: lima.peer(), addresses }).await;
        assert_eq!(kampala.next().await, NetworkEvent::DialFailed { peer: lima.peer() });
    }
    // One address of two leads to the peer.
    lima.admit(&kampala).await;
    lima.command(NetworkCommand::Dial { peer: kampala.peer(), addresses: vec![oslo.address.clone(), kampala.address.clone()] })
        .await;
    kampala.expect_up(&lima).await;
}

#[tokio::test]
async fn an_item_above_the_limit_is_refused_before_it_leaves() {
    let (mut kampala, lima) = linked_pair().await;
    kampala.send(1, &lima, vec![0; ITEM_BYTES + 1]).await;
    kampala.expect_sent(1, SendOutcome::Refused { code: REFUSED_TOO_LARGE }).await;
}

#[tokio::test]
async fn an_item_for_a_peer_without_a_link_is_lost_at_once() {
    let (mut kampala, lima) = (Node::start(1).await, Node::start(2).await);
    kampala.admit(&lima).await;
    kampala.send(1, &lima, vec![1]).await;
    kampala.expect_sent(1, SendOutcome::Lost).await;
}

#[tokio::test]
async fn deny_disconnects_and_keeps_the_peer_out_until_it_is_admitted_again() {
    let (mut kampala, mut lima) = linked_pair().await;
    kampala.send(1, &lima, vec![1]).await;
    let (receipt, _) = lima.expect_item(kampala.peer()).await;
    lima.command(NetworkCommand::Deny { peer: kampala.peer() }).await;
    lima.expect_down(kampala.peer()).await;
    lima.answer(receipt, Receipt::Committed).await;
    kampala.expect_sent(1, SendOutcome::Lost).await;
    kampala.expect_down(lima.peer()).await;

    kampala.dial(&lima).await;
    loop {
        match kampala.next().await {
            NetworkEvent::Up { .. } => {}
            NetworkEvent::Down { .. } | NetworkEvent::DialFailed { .. } => break,
            event => panic!("{event:?} behind a closed gate"),
        }
    }
    assert_eq!(lima.next().await, NetworkEvent::StrangerRefused);

    link(&mut kampala, &mut lima).await;
    kampala.send(2, &lima, vec![2]).await;
    let (receipt, _) = lima.expect_item(kampala.peer()).await;
    lima.answer(receipt, Receipt::Committed).await;
    kampala.expect_sent(2, SendOutcome::Committed).await;
}

#[tokio::test]
async fn what_a_peer_had_not_answered_when_it_died_is_lost() {
    let (mut kampala, mut lima) = linked_pair().await;
    for number in 1..=3 {
        kampala.send(number, &lima, vec![0; 1024 * 1024]).await;
    }
    lima.expect_item(kampala.peer()).await;
    let peer = lima.peer();
    lima.network.stop().await;
    let mut lost = Vec::new();
    for _ in 1..=3 {
        let NetworkEvent::Sent { delivery, outcome: SendOutcome::Lost } = kampala.next().await else { panic!("all are lost") };
        lost.push(delivery.0);
    }
    lost.sort_unstable();
    assert_eq!(lost, [1, 2, 3]);
    kampala.expect_down(peer).await;
}

#[tokio::test]
async fn a_node_that_stops_reports_the_end_of_each_delivery() {
    let (mut kampala, mut lima) = linked_pair().await;
    kampala.send(1, &lima, vec![1]).await;
    lima.expect_item(kampala.peer()).await;
    kampala.network.stop().await;
    assert_eq!(kampala.events.recv().await, Some(NetworkEvent::Sent { delivery: DeliveryId(1), outcome: SendOutcome::Lost }));
    assert_eq!(kampala.events.recv().await, None);
}

#[tokio::test]
async fn nodes_that_dial_each_other_at_once_are_up_once_and_exchange_items() {
    for round in 0..5 {
        let (mut kampala, mut lima) = (Node::start(1).await, Node::start(2).await);
        kampala.admit(&lima).await;
        lima.admit(&kampala).await;
        tokio::join!(kampala.dial(&lima), lima.dial(&kampala));
        kampala.expect_up(&lima).await;
        lima.expect_up(&kampala).await;
        for number in 0..8 {
            kampala.send(number, &lima, vec![round; 5000]).await;
            let (receipt, _) = lima.expect_item(kampala.peer()).await;
            lima.answer(receipt, Receipt::Committed).await;
            kampala.expect_sent(number, SendOutcome::Committed).await;
            lima.send(number, &kampala, vec![round; 5000]).await;
            let (receipt, _) = kampala.expect_item(lima.peer()).await;
            kampala.answer(receipt, Receipt::Committed).await;
            lima.expect_sent(number, SendOutcome::Committed).await;
        }
    }
}

#[tokio::test]
async fn a_daemon_that_takes_no_events_makes_its_peers_wait_and_nothing_is_lost() {
    let mut kampala = Node::start(1).await;
    let mut lima = Node::with_channel(2, 1).await;
    link(&mut kampala, &mut lima).await;
    kampala.send(1, &lima, vec![1]).await;
    kampala.send(2, &lima, vec![2]).await;
    // The first item fills the channel; the one behind it is sent back.
    let NetworkEvent::Sent { delivery, outcome: SendOutcome::Busy { .. } } = kampala.next().await else {
        panic!("the second has no room")
    };
    // Ends of own deliveries wait in order.
    for number in 1..=20 {
        lima.send(number, &kampala, vec![0; ITEM_BYTES + 1]).await;
    }
    let (receipt, bytes) = lima.expect_item(kampala.peer()).await;
    assert_eq!(u64::from(bytes[0]), 3 - delivery.0);
    lima.answer(receipt, Receipt::Committed).await;
    kampala.expect_sent(3 - delivery.0, SendOutcome::Committed).await;
    for number in 1..=20 {
        lima.expect_sent(number, SendOutcome::Refused { code: REFUSED_TOO_LARGE }).await;
    }
}

#[tokio::test]
async fn garbage_and_silence_on_the_port_do_no_harm() {
    let (mut kampala, mut lima) = (Node::start(1).await, Node::start(2).await);
    let port: Multiaddr = lima.address.parse().unwrap();
    let port =
        port.iter().find_map(|part| if let libp2p::multiaddr::Protocol::Tcp(port) = part { Some(port) } else { None }).unwrap();
    let mut open = Vec::new();
    for byte in 0..12u8 {
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let garbage: Vec<u8> = (0..20_000u32).map(|place| (place * 7 + u32::from(byte)) as u8).collect();
        // The node may close before it has read everything.
        let _closed = socket.write_all(garbage.get(..usize::from(byte) * 1000).unwrap()).await;
        open.push(socket);
    }
    link(&mut kampala, &mut lima).await;
    kampala.send(1, &lima, vec![1]).await;
    let (receipt, _) = lima.expect_item(kampala.peer()).await;
    lima.answer(receipt, Receipt::Committed).await;
    kampala.expect_sent(1, SendOutcome::Committed).await;
}

#[tokio::test]
async fn an_admitted_peer_that_declares_too_much_or_stops_half_way_delivers_nothing() {
    let mut lima = Node::start(2).await;
    for lie in [Lie::TooLong, Lie::CutShort] {
        let mut liar = lying_swarm(lie);
        let liar_peer = super::identity::from_libp2p(liar.local_peer_id()).unwrap();
        lima.command(NetworkCommand::Admit { peer: liar_peer }).await;
        let target = super::identity::to_libp2p(lima.peer()).unwrap();
        let request = liar.behaviour_mut().send_request_with_addresses(&target, (), vec![lima.address.parse().unwrap()]);
        let failed = async {
            loop {
                match liar.select_next_some().await {
                    SwarmEvent::Behaviour(request_response::Event::OutboundFailure { request_id, .. }) => break request_id,
                    SwarmEvent::Behaviour(event) => panic!("{event:?}"),
                    _ => {}
                }
            }
        };
        assert_eq!(timeout(PATIENCE, failed).await.unwrap(), request);
        assert_eq!(lima.next().await, NetworkEvent::Up { peer: liar_peer, address: None });
        drop(liar);
        lima.expect_down(liar_peer).await;
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_named_by_their_place() {
    let taken = Node::start(1).await;
    let cases = [
        ("nonsense", None),
        ("/ip4/127.0.0.1/udp/1", Some(std::io::ErrorKind::Unsupported)),
        (taken.address.as_str(), Some(std::io::ErrorKind::AddrInUse)),
    ];
    for (address, expected) in cases {
        let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned(), address.to_owned()];
        let config = NetworkConfig { identity: Sensitive::new([9; 32]), listen, relay: false, drill: false };
        let refusal = Network::start(config, mpsc::channel(EVENTS).0).await.err().unwrap();
        match (refusal, expected) {
            (NetworkError::Address { place: 2 }, None) => {}
            (NetworkError::Listen { place: 2, kind }, Some(expected)) => assert_eq!(kind, expected, "{address}"),
            (refusal, _) => panic!("{refusal:?} for {address}"),
        }
    }
}

#[tokio::test]
async fn a_network_without_a_receiver_ends() {
    let node = Node::start(1).await;
    drop(node.events);
    let ended = async { while node.network.command(NetworkCommand::Admit { peer: PeerId([5; 32]) }).await.is_ok() {} };
    timeout(PATIENCE, ended).await.unwrap();
    node.network.stop().await;
}

#[derive(Clone, Copy)]
enum Lie {
    TooLong,
    CutShort,
}

#[derive(Clone)]
struct LyingCodec(Lie);

impl Codec for LyingCodec {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = ();

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, _: &mut T) -> std::io::Result<()> {
        Ok(())
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> std::io::Result<()> {
        io.read_exact(&mut [0; 5]).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        (): (),
    ) -> std::io::Result<()> {
        let declared = match self.0 {
            Lie::TooLong => ITEM_BYTES as u32 + 1,
            Lie::CutShort => 1000,
        };
        io.write_all(&declared.to_be_bytes()).await?;
        io.write_all(&[1; 999]).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        (): (),
    ) -> std::io::Result<()> {
        Ok(())
    }
}

fn lying_swarm(lie: Lie) -> Swarm<request_response::Behaviour<LyingCodec>> {
    let keypair = libp2p::identity::Keypair::generate_ed25519();
    let (circuits, _client) = libp2p::relay::client::new(keypair.public().to_peer_id());
    let transport = transport::transport(&keypair, circuits, PATIENCE).unwrap();
    let behaviour = request_response::Behaviour::with_codec(
        LyingCodec(lie),
        [(codec::PROTOCOL, ProtocolSupport::Outbound)],
        request_response::Config::default(),
    );
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(PATIENCE)
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    Swarm::new(transport, behaviour, keypair.public().to_peer_id(), config)
}
