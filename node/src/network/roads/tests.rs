//! Nodes that nobody can connect to, and a relay, on loopback.
//!
//! What is behind NAT here has no listener at all, so that a connection can have come through the relay only.

use std::time::Duration;

use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{DeliveryId, PeerId};

use crate::network::tests::{Node, link};
use crate::network::{NetworkCommand, NetworkEvent, Receipt, SendOutcome};

#[tokio::test]
async fn nodes_that_listen_nowhere_exchange_items_through_the_relay() {
    let (geneva, mut kampala, mut lima) = behind_one_relay().await;
    kampala.command(call(&lima, Vec::new())).await;
    for (node, other) in [(&mut kampala, &lima.peer()), (&mut lima, &geneva.other)] {
        assert_eq!(node.next().await, NetworkEvent::Up { peer: *other, address: None });
        assert_eq!(node.next().await, NetworkEvent::Path { peer: *other, relayed: true });
    }
    for (number, size) in (1..).zip([1, ITEM_BYTES, 1024 * 1024, 1024 * 1024]) {
        kampala.send(number, &lima, vec![7; size]).await;
        let (receipt, bytes) = lima.expect_item(kampala.peer()).await;
        assert!(bytes == vec![7; size]);
        lima.answer(receipt, Receipt::Committed).await;
        kampala.expect_sent(number, SendOutcome::Committed).await;
        lima.send(number, &kampala, vec![8; size]).await;
        let (receipt, _) = kampala.expect_item(lima.peer()).await;
        kampala.answer(receipt, Receipt::Committed).await;
        lima.expect_sent(number, SendOutcome::Committed).await;
    }
    // The relay goes, and with it what ran through it.
    let relay = geneva.node.network.local_peer();
    geneva.node.network.stop().await;
    for (node, other) in [(&mut kampala, lima.peer()), (&mut lima, geneva.other)] {
        let mut down = Vec::new();
        while down.len() < 2 {
            match node.next().await {
                NetworkEvent::Down { peer } => down.push(peer),
                NetworkEvent::Place { peer, held: false } if peer == relay => {}
                event => panic!("{event:?} after the relay's end"),
            }
        }
        assert!(down.contains(&other) && down.contains(&relay));
    }
}

#[tokio::test]
async fn a_peer_that_the_other_end_does_not_admit_gets_nothing_through_the_relay() {
    let (_geneva, mut kampala, mut lima) = behind_one_relay().await;
    lima.command(NetworkCommand::Deny { peer: kampala.peer() }).await;
    kampala.command(call(&lima, Vec::new())).await;
    // TLS ends on the dialler's side first, so it may see a connection that is closed at once.
    loop {
        match kampala.next().await {
            NetworkEvent::Up { .. } => kampala.send(1, &lima, vec![1]).await,
            NetworkEvent::Path { .. } => {}
            NetworkEvent::Sent { outcome, .. } => assert_eq!(outcome, SendOutcome::Lost),
            NetworkEvent::Down { .. } | NetworkEvent::DialFailed { .. } => break,
            event => panic!("{event:?} behind a closed gate"),
        }
    }
    assert_eq!(lima.next().await, NetworkEvent::StrangerRefused);
}

#[tokio::test]
async fn a_stranger_gets_no_place_and_no_circuit() {
    let (geneva, mut kampala, mut lima) = behind_one_relay().await;
    let mut stranger = Node::behind_nat(9).await;
    for peer in [geneva.node.peer(), lima.peer()] {
        stranger.command(NetworkCommand::Admit { peer }).await;
    }
    // Even a member that would let it in is not reached.
    lima.admit(&stranger).await;
    stranger.command(use_relay(&geneva.node)).await;
    stranger.dial(&geneva.node).await;
    let mut calls = 0;
    while calls < 3 {
        match stranger.next().await {
            NetworkEvent::Up { peer, .. } => {
                assert_eq!(peer, geneva.node.peer());
                stranger.command(call(&lima, Vec::new())).await;
            }
            NetworkEvent::Down { .. } | NetworkEvent::DialFailed { .. } => {
                calls += 1;
                stranger.dial(&geneva.node).await;
            }
            NetworkEvent::Place { held: false, .. } => {}
            event => panic!("{event:?} at a stranger"),
        }
    }
    // Nothing arrived at the member, and what the relay serves to members goes on.
    kampala.command(call(&lima, Vec::new())).await;
    assert_eq!(lima.next().await, NetworkEvent::Up { peer: kampala.peer(), address: None });
    kampala.expect_up(&lima).await;
}

#[tokio::test]
async fn a_member_that_is_shut_out_loses_its_circuits() {
    let (geneva, mut kampala, mut lima) = behind_one_relay().await;
    kampala.command(call(&lima, Vec::new())).await;
    kampala.expect_up(&lima).await;
    lima.next().await;
    lima.next().await;
    geneva.node.command(NetworkCommand::Deny { peer: kampala.peer() }).await;
    lima.expect_down(kampala.peer()).await;
    lima.command(call(&kampala, Vec::new())).await;
    assert_eq!(lima.next().await, NetworkEvent::DialFailed { peer: kampala.peer() });
}

#[tokio::test]
async fn a_direct_way_is_found_later_and_kept() {
    let mut geneva = Node::relay(3).await;
    let (mut kampala, mut lima) = (Node::behind_nat(1).await, Node::start(2).await);
    for node in [&mut kampala, &mut lima] {
        take_place(node, &mut geneva).await;
    }
    kampala.admit(&lima).await;
    lima.admit(&kampala).await;
    // The address is wrong at first.
    let nowhere = vec!["/ip4/127.0.0.1/tcp/1".to_owned()];
    kampala.command(call(&lima, nowhere)).await;
    assert_eq!(kampala.expect_up(&lima).await, None);
    assert_eq!(kampala.next().await, NetworkEvent::Path { peer: lima.peer(), relayed: true });
    kampala.command(call(&lima, vec![lima.address()])).await;
    assert_eq!(kampala.next().await, NetworkEvent::Path { peer: lima.peer(), relayed: false });
    // The way through the relay is closed, and nobody notices.
    assert_eq!(kampala.next_within(Duration::from_secs(15)).await, None);
    kampala.send(1, &lima, vec![1]).await;
    loop {
        if let NetworkEvent::Item { receipt, .. } = lima.next().await {
            break lima.answer(receipt, Receipt::Committed).await;
        }
    }
    kampala.expect_sent(1, SendOutcome::Committed).await;
}

#[tokio::test]
async fn sixty_nodes_that_call_one_at_the_same_moment_are_all_let_in() {
    let mut geneva = Node::relay(3).await;
    let mut members = Vec::new();
    for number in 10..70 {
        let member = Node::behind_nat(number).await;
        geneva.admit(&member).await;
        member.admit(&geneva).await;
        members.push(member);
    }
    let unknown = PeerId([0; 32]);
    geneva.command(NetworkCommand::Dial { peer: unknown, addresses: Vec::new() }).await;
    assert_eq!(geneva.next().await, NetworkEvent::DialFailed { peer: unknown });
    for member in &members {
        member.dial(&geneva).await;
    }
    for member in &mut members {
        member.expect_up(&geneva).await;
    }
}

/// A relay with the peer that its second member is to see.
struct Relay {
    node: Node,
    other: PeerId,
}

/// Two members that admit each other and hold places at one relay.
async fn behind_one_relay() -> (Relay, Node, Node) {
    let mut geneva = Node::relay(3).await;
    let (mut kampala, mut lima) = (Node::behind_nat(1).await, Node::behind_nat(2).await);
    for node in [&mut kampala, &mut lima] {
        take_place(node, &mut geneva).await;
    }
    kampala.admit(&lima).await;
    lima.admit(&kampala).await;
    // A command of no effect shows that those before it are in effect.
    lima.command(NetworkCommand::Send { delivery: DeliveryId(0), peer: PeerId([0; 32]), item: Vec::new() }).await;
    lima.expect_sent(0, SendOutcome::Lost).await;
    let other = kampala.peer();
    (Relay { node: geneva, other }, kampala, lima)
}

async fn take_place(member: &mut Node, relay: &mut Node) {
    member.command(use_relay(relay)).await;
    link(member, relay).await;
    assert_eq!(member.next().await, NetworkEvent::Place { peer: relay.peer(), held: true });
    assert_eq!(relay.next().await, NetworkEvent::Place { peer: member.peer(), held: true });
}

fn use_relay(relay: &Node) -> NetworkCommand {
    NetworkCommand::Relay { peer: relay.peer(), addresses: vec![relay.address()] }
}

fn call(node: &Node, addresses: Vec<String>) -> NetworkCommand {
    NetworkCommand::Dial { peer: node.peer(), addresses }
}
