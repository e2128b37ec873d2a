//! The one identity in its two forms: a raw ed25519 key for the protocol, a multihash for libp2p (protocol.md 3.9).
//!
//! Called wherever a peer crosses that border. Both directions are exact; keys of other kinds have no protocol form.

use kinmesh_protocol::base::{PeerId, Sensitive};
use libp2p::identity::Keypair;

use super::api::NetworkError;

/// Makes the transport key from the operational key's seed. The copy that libp2p takes is wiped by it.
pub(super) fn keypair(seed: &Sensitive<[u8; 32]>) -> Result<Keypair, NetworkError> {
    let mut copy = *seed.expose();
    Keypair::ed25519_from_bytes(&mut copy[..]).map_err(|_| NetworkError::Identity)
}

/// The libp2p form. None is possible in the type only: 38 bytes of this shape are always a multihash.
pub(super) fn to_libp2p(peer: PeerId) -> Option<libp2p::PeerId> {
    libp2p::PeerId::from_bytes(&peer.to_bytes()).ok()
}

/// The protocol's form, or none if the peer has a key of another kind.
pub(super) fn from_libp2p(peer: &libp2p::PeerId) -> Option<PeerId> {
    let bytes = peer.to_bytes();
    let peer = PeerId(*bytes.last_chunk::<32>()?);
    (peer.to_bytes().as_slice() == bytes).then_some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_identity_is_the_operational_key() {
        let seed = Sensitive::new([7; 32]);
        let operational = ed25519_dalek::SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes();
        let transport = keypair(&seed).unwrap().public().to_peer_id();
        assert_eq!(from_libp2p(&transport), Some(PeerId(operational)));
        assert_eq!(to_libp2p(PeerId(operational)), Some(transport));
    }

    #[test]
    fn a_key_of_another_kind_has_no_protocol_form() {
        assert_eq!(from_libp2p(&libp2p::PeerId::random()), None);
    }
}
