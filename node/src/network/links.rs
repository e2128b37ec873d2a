//! The open connections of each peer: which are there, how they run, and which of several is kept.
//!
//! The swarm's task fills it. A direct connection counts more than one through the relay. Of two of one kind that were made
//! at about the same moment, since both sides dialled, both sides keep the one that the smaller key dialled; otherwise the
//! younger one is kept, since nobody dials a peer to whom he has a connection: the older one is dead at the other end. What
//! is not kept is closed a little later, when nothing is under way.

use std::collections::BTreeMap;
use std::time::Duration;

use kinmesh_protocol::base::PeerId;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

/// Connections made within this time were dialled without knowledge of each other: the longest handshake.
const AT_ONCE: Duration = Duration::from_secs(20);
/// How long a connection that is not kept stays open, for what is under way on it.
const GRACE: Duration = Duration::from_secs(10);

/// One open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// Whether it runs through a relay.
    pub(super) relayed: bool,
    /// Whether this node dialled it.
    pub(super) dialled: bool,
    /// When it was made.
    pub(super) since: Instant,
}

/// All open connections.
pub(super) struct Links<C = ConnectionId> {
    local: PeerId,
    peers: BTreeMap<PeerId, BTreeMap<C, Connection>>,
}

impl<C: Copy + Ord> Links<C> {
    /// No connection.
    pub(super) fn new(local: PeerId) -> Self {
        Self { local, peers: BTreeMap::new() }
    }

    /// True if a peer is connected.
    pub(super) fn is_up(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// True if this connection of the peer is open.
    pub(super) fn is_open(&self, peer: &PeerId, connection: C) -> bool {
        self.peers.get(peer).is_some_and(|open| open.contains_key(&connection))
    }

    /// True if the peer is connected and no connection is direct; none if it is not connected.
    pub(super) fn is_relayed(&self, peer: &PeerId) -> Option<bool> {
        self.peers.get(peer).map(|open| open.values().all(|connection| connection.relayed))
    }

    /// Notes a connection.
    pub(super) fn add(&mut self, peer: PeerId, id: C, connection: Connection) {
        self.peers.entry(peer).or_default().insert(id, connection);
    }

    /// Forgets a connection; true if it was the peer's last.
    pub(super) fn remove(&mut self, peer: &PeerId, connection: C) -> bool {
        let Some(open) = self.peers.get_mut(peer) else { return false };
        open.remove(&connection);
        open.is_empty()
    }

    /// Forgets all connections of a peer; false if there were none.
    pub(super) fn remove_all(&mut self, peer: &PeerId) -> bool {
        self.peers.remove(peer).is_some()
    }

    /// True if a peer has more connections than one.
    pub(super) fn has_several(&self) -> bool {
        self.peers.values().any(|open| open.len() > 1)
    }

    /// Connections whose time is over, with their peers.
    pub(super) fn superfluous(&self, now: Instant) -> Vec<(PeerId, C)> {
        let several = self.peers.iter().filter(|(_, open)| open.len() > 1);
        several.flat_map(|(peer, open)| self.others(*peer, open, now)).collect()
    }

    /// Peers that only a relay leads to at the moment.
    pub(super) fn relayed(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().filter(|(_, open)| open.values().all(|connection| connection.relayed)).map(|(peer, _)| *peer)
    }

    fn others(&self, peer: PeerId, open: &BTreeMap<C, Connection>, now: Instant) -> Vec<(PeerId, C)> {
        let mut by_age: Vec<(&C, &Connection)> = open.iter().collect();
        by_age.sort_by_key(|(id, connection)| (connection.since, **id));
        let kept = by_age.iter().copied().reduce(|kept, next| if self.replaces(peer, next.1, kept.1) { next } else { kept });
        let Some((kept, connection)) = kept.filter(|(_, kept)| now.saturating_duration_since(kept.since) >= GRACE) else {
            return Vec::new();
        };
        // A younger one that lost is given its time too: the other side may not have seen the kept one yet.
        let over = |other: &Connection| now.saturating_duration_since(other.since.max(connection.since)) >= GRACE;
        by_age.into_iter().filter(|(id, other)| *id != kept && over(other)).map(|(id, _)| (peer, *id)).collect()
    }

    fn replaces(&self, peer: PeerId, next: &Connection, kept: &Connection) -> bool {
        if next.relayed != kept.relayed {
            return kept.relayed;
        }
        if next.dialled == kept.dialled || next.since.saturating_duration_since(kept.since) >= AT_ONCE {
            return true;
        }
        next.dialled == (self.local < peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APIA: PeerId = PeerId([1; 32]);
    const MINSK: PeerId = PeerId([2; 32]);

    #[tokio::test]
    async fn both_sides_keep_the_connection_that_the_smaller_key_dialled() {
        let start = Instant::now();
        for (first, second) in [(0, 1), (1, 0)] {
            let mut at_apia = Links::new(APIA);
            at_apia.add(MINSK, 1, made(true, start + Duration::from_secs(first)));
            at_apia.add(MINSK, 2, made(false, start + Duration::from_secs(second)));
            let mut at_minsk = Links::new(MINSK);
            at_minsk.add(APIA, 1, made(false, start + Duration::from_secs(second)));
            at_minsk.add(APIA, 2, made(true, start + Duration::from_secs(first)));
            assert!(at_apia.superfluous(start + Duration::from_secs(5)).is_empty(), "there is time for what is under way");
            let later = start + Duration::from_secs(60);
            assert_eq!(at_apia.superfluous(later), [(MINSK, 2)]);
            assert_eq!(at_minsk.superfluous(later), [(APIA, 2)]);
        }
    }

    #[tokio::test]
    async fn a_peer_that_dials_again_has_lost_the_older_connection() {
        let start = Instant::now();
        for (older, younger) in [(true, false), (false, true), (false, false)] {
            for local in [APIA, MINSK] {
                let other = if local == APIA { MINSK } else { APIA };
                let mut links = Links::new(local);
                links.add(other, 1, made(older, start));
                links.add(other, 2, made(younger, start + Duration::from_secs(300)));
                assert_eq!(links.superfluous(start + Duration::from_secs(400)), [(other, 1)]);
            }
        }
    }

    #[tokio::test]
    async fn a_direct_connection_is_kept_and_the_relay_left() {
        let start = Instant::now();
        let relayed = |after| Connection { relayed: true, dialled: true, since: start + Duration::from_secs(after) };
        for (direct, other) in [(0, 500), (500, 0)] {
            let mut links = Links::new(APIA);
            links.add(MINSK, 1, made(false, start + Duration::from_secs(direct)));
            links.add(MINSK, 2, relayed(other));
            assert_eq!(links.is_relayed(&MINSK), Some(false));
            assert_eq!(links.superfluous(start + Duration::from_secs(600)), [(MINSK, 2)]);
            assert!(!links.remove(&MINSK, 1));
            assert_eq!(links.is_relayed(&MINSK), Some(true));
            assert_eq!(links.relayed().collect::<Vec<_>>(), [MINSK]);
            assert!(links.remove(&MINSK, 2));
        }
    }

    fn made(dialled: bool, since: Instant) -> Connection {
        Connection { relayed: false, dialled, since }
    }
}
