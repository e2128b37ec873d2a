//! Who may connect: admitted peers only, in both directions, decided when TLS has proven the peer's key and before any
//! stream is opened.
//!
//! The swarm's task admits and denies; the list itself is libp2p's allow list, which also closes what is open with a peer
//! that is taken off. It does not know the roster: the engine says whom to admit.

use std::error::Error;

use kinmesh_protocol::base::PeerId;
use kinmesh_protocol::base::limits::MEMBERS;
use libp2p::allow_block_list::{self, AllowedPeers, NotAllowed};
use libp2p::swarm::{ConnectionDenied, ListenError};

use super::identity::to_libp2p;

/// Peers admitted at once: the members, and as many again while keys change.
pub(super) const PEERS: usize = 2 * MEMBERS;

/// The part of the behaviour that turns strangers away.
pub(super) type Gate = allow_block_list::Behaviour<AllowedPeers>;

/// Admits a peer; false if the list is full.
pub(super) fn admit(gate: &mut Gate, peer: PeerId) -> bool {
    let Some(peer) = to_libp2p(peer) else { return false };
    if gate.allowed_peers().len() >= PEERS && !gate.allowed_peers().contains(&peer) {
        return false;
    }
    gate.allow_peer(peer);
    true
}

/// Takes the admission back; open connections are closed by the gate itself.
pub(super) fn deny(gate: &mut Gate, peer: PeerId) {
    if let Some(peer) = to_libp2p(peer) {
        gate.disallow_peer(peer);
    }
}

/// True if an incoming connection failed because its peer is not admitted.
pub(super) fn is_stranger(error: &ListenError) -> bool {
    let ListenError::Denied { cause } = error else { return false };
    caused_by_gate(cause)
}

/// The cause is behind the connection's error as its source.
fn caused_by_gate(denied: &ConnectionDenied) -> bool {
    denied.source().is_some_and(|source| source.is::<NotAllowed>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_admitted_peers_is_bounded() {
        let mut gate = Gate::default();
        for number in 0..PEERS {
            assert!(admit(&mut gate, numbered(number)));
        }
        assert!(!admit(&mut gate, numbered(PEERS)));
        assert!(admit(&mut gate, numbered(0)), "a peer that is on the list stays");
        deny(&mut gate, numbered(0));
        assert!(admit(&mut gate, numbered(PEERS)));
    }

    fn numbered(number: usize) -> PeerId {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(number as u64).to_be_bytes());
        PeerId(key)
    }
}
