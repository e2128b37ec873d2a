//! Calls to peers: which are wanted, which are under way, and by which road.
//!
//! The swarm's task owns it. A few calls run at a time, so that a node that starts among many does not meet the limits of
//! those whom it calls, nor its own; the others wait in order. Each wanted call ends once. When to call again is the
//! engine's to say, except that a peer reached through the relay is tried directly now and then.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use kinmesh_protocol::base::PeerId;
use libp2p::Multiaddr;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use super::gate::PEERS;

/// Calls under way at once. Below the ten that libp2p's relay takes of one connection.
const AT_ONCE: usize = 8;

/// How a peer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Road {
    /// By its own addresses.
    Direct,
    /// Through the relay, since no address led to it or there is none.
    Relayed,
    /// By its own addresses, although the relay leads to it already.
    Better,
}

/// All calls.
pub(super) struct Dials<C = ConnectionId> {
    addresses: BTreeMap<PeerId, Vec<Multiaddr>>,
    waiting: VecDeque<(PeerId, Road)>,
    open: BTreeMap<C, (PeerId, Road)>,
    tried: BTreeMap<PeerId, Instant>,
}

impl<C: Copy + Ord> Dials<C> {
    /// No call.
    pub(super) fn new() -> Self {
        Self { addresses: BTreeMap::new(), waiting: VecDeque::new(), open: BTreeMap::new(), tried: BTreeMap::new() }
    }

    /// Notes a wanted call and the addresses that count from now on; false if there are too many peers. A peer that is being
    /// called already is not called twice.
    pub(super) fn want(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        if !self.know(peer, addresses) {
            return false;
        }
        if !self.is_wanted(&peer) {
            self.waiting.push_back((peer, Road::Direct));
        }
        true
    }

    /// Notes addresses; false if there are too many peers.
    pub(super) fn know(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        if self.addresses.len() >= PEERS && !self.addresses.contains_key(&peer) {
            return false;
        }
        self.addresses.insert(peer, addresses);
        true
    }

    /// Tries peers directly to whom no try was made for a while. The wait differs from peer to peer, so that they are not all
    /// tried at one moment.
    pub(super) fn want_better(&mut self, relayed: impl Iterator<Item = PeerId>, every: Duration, now: Instant) {
        for peer in relayed {
            let PeerId([byte, ..]) = peer;
            let wait = every + every * u32::from(byte) / 256;
            let tried = *self.tried.entry(peer).or_insert(now);
            if self.has_address(&peer) && now.saturating_duration_since(tried) >= wait && !self.is_wanted(&peer) {
                self.tried.insert(peer, now);
                self.waiting.push_back((peer, Road::Better));
            }
        }
    }

    /// The next call that may begin.
    pub(super) fn next(&mut self) -> Option<(PeerId, Road)> {
        if self.open.len() < AT_ONCE { self.waiting.pop_front() } else { None }
    }

    /// A peer's addresses.
    pub(super) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.addresses.get(peer).cloned().unwrap_or_default()
    }

    /// Notes a call that has begun.
    pub(super) fn begun(&mut self, call: C, peer: PeerId, road: Road) {
        self.open.insert(call, (peer, road));
    }

    /// Ends a call; none if it was none of these.
    pub(super) fn ended(&mut self, call: C) -> Option<(PeerId, Road)> {
        self.open.remove(&call)
    }

    /// Forgets a peer's addresses and what was to be called; calls under way end by themselves.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.addresses.remove(peer);
        self.tried.remove(peer);
        self.waiting.retain(|(waiting, _)| waiting != peer);
    }

    fn is_wanted(&self, peer: &PeerId) -> bool {
        self.waiting.iter().chain(self.open.values()).any(|(wanted, _)| wanted == peer)
    }

    fn has_address(&self, peer: &PeerId) -> bool {
        self.addresses.get(peer).is_some_and(|addresses| !addresses.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_calls_run_at_a_time_and_the_others_follow() {
        let mut dials = Dials::new();
        for number in 0..20 {
            assert!(dials.want(peer(number), Vec::new()));
            assert!(dials.want(peer(number), Vec::new()), "a second wish is the same call");
        }
        let mut order = Vec::new();
        while let Some((peer, road)) = dials.next() {
            dials.begun(order.len(), peer, road);
            order.push(peer);
        }
        assert_eq!(order.len(), AT_ONCE);
        for call in 0..20 {
            assert_eq!(dials.ended(call), Some((peer(call as u8), Road::Direct)));
            assert_eq!(dials.ended(call), None, "a call ends once");
            if let Some((peer, road)) = dials.next() {
                dials.begun(order.len(), peer, road);
                order.push(peer);
            }
        }
        assert_eq!(order, (0..20).map(peer).collect::<Vec<_>>());
    }

    #[test]
    fn peers_are_bounded_and_forgotten_ones_make_room() {
        let mut dials = Dials::<usize>::new();
        let numbered = |number: usize| PeerId([(number / 256) as u8, (number % 256) as u8].repeat(16).try_into().unwrap());
        for number in 0..PEERS {
            assert!(dials.want(numbered(number), Vec::new()));
        }
        assert!(!dials.want(numbered(PEERS), Vec::new()));
        dials.forget(&numbered(0));
        assert!(dials.want(numbered(PEERS), Vec::new()));
        assert_eq!(dials.next(), Some((numbered(1), Road::Direct)));
    }

    #[tokio::test]
    async fn a_relayed_peer_with_an_address_is_tried_directly_now_and_then() {
        let every = Duration::from_secs(600);
        let start = Instant::now();
        let mut dials = Dials::<usize>::new();
        dials.know(peer(1), vec!["/ip4/198.51.100.7/tcp/4001".parse().unwrap()]);
        dials.know(peer(2), Vec::new());
        for (seconds, calls) in [(0, 0), (599, 0), (1200, 1), (1300, 0), (2400, 1)] {
            dials.want_better([peer(1), peer(2)].into_iter(), every, start + Duration::from_secs(seconds));
            let found: Vec<_> = std::iter::from_fn(|| dials.next()).collect();
            assert_eq!(found, vec![(peer(1), Road::Better); calls], "after {seconds} s");
        }
    }

    fn peer(number: u8) -> PeerId {
        PeerId([number; 32])
    }
}
