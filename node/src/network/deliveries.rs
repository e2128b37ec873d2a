//! Items on their way out: what each delivery is called, whose it is, and when it is given up.
//!
//! The swarm's task fills and empties it. Whatever libp2p reports or forgets, a delivery leaves the table once, and only
//! who takes it out can report its end: so each ends in exactly one `Sent`.

use std::collections::BTreeMap;

use kinmesh_protocol::base::{DeliveryId, PeerId};
use libp2p::request_response::OutboundRequestId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::behaviour::{DELIVERY, ITEMS_A_PEER};

/// Bytes of items on their way out, all peers together.
const BYTES: usize = 128 * 1024 * 1024;

/// The place of a `Send` among those whose `Sent` has not been taken; held until then.
pub(super) type Slot = OwnedSemaphorePermit;

/// One item on its way out.
pub(super) struct Delivery {
    /// The daemon's name of it.
    pub(super) id: DeliveryId,
    /// The receiver.
    pub(super) peer: PeerId,
    /// Its size in bytes.
    pub(super) size: usize,
    /// Its place among the open sends.
    pub(super) slot: Slot,
}

/// All items on their way out.
pub(super) struct Deliveries<R = OutboundRequestId> {
    open: BTreeMap<R, (Instant, Delivery)>,
    bytes: usize,
}

impl<R: Copy + Ord> Deliveries<R> {
    /// Nothing is under way.
    pub(super) fn new() -> Self {
        Self { open: BTreeMap::new(), bytes: 0 }
    }

    /// True if one more item fits the limits.
    pub(super) fn has_room(&self, peer: PeerId, size: usize) -> bool {
        self.count_of(peer) < ITEMS_A_PEER && self.bytes + size <= BYTES
    }

    /// How many items are under way to a peer.
    pub(super) fn count_of(&self, peer: PeerId) -> usize {
        self.open.values().filter(|(_, delivery)| delivery.peer == peer).count()
    }

    /// Notes an item that was handed to libp2p.
    pub(super) fn add(&mut self, request: R, delivery: Delivery, now: Instant) {
        self.bytes += delivery.size;
        self.open.insert(request, (now + DELIVERY, delivery));
    }

    /// Takes a delivery out; none if its end was reported before.
    pub(super) fn take(&mut self, request: R) -> Option<Delivery> {
        let (_, delivery) = self.open.remove(&request)?;
        self.bytes = self.bytes.saturating_sub(delivery.size);
        Some(delivery)
    }

    /// Takes out all deliveries to one peer.
    pub(super) fn take_of(&mut self, peer: PeerId) -> Vec<Delivery> {
        self.take_where(|_, delivery| delivery.peer == peer)
    }

    /// Takes out what has been under way for too long.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<Delivery> {
        self.take_where(|deadline, _| *deadline <= now)
    }

    /// Takes out everything.
    pub(super) fn take_all(&mut self) -> Vec<Delivery> {
        self.take_where(|_, _| true)
    }

    /// True if nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn take_where(&mut self, ended: impl Fn(&Instant, &Delivery) -> bool) -> Vec<Delivery> {
        let requests: Vec<_> =
            self.open.iter().filter(|(_, (deadline, delivery))| ended(deadline, delivery)).map(|(request, _)| *request).collect();
        requests.into_iter().filter_map(|request| self.take(request)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    const APIA: PeerId = PeerId([1; 32]);
    const MINSK: PeerId = PeerId([2; 32]);

    #[test]
    fn a_delivery_leaves_once() {
        let mut deliveries = Deliveries::new();
        deliveries.add(1, delivery(1, APIA, 10), Instant::now());
        assert_eq!(deliveries.take(1).map(|delivery| delivery.id), Some(DeliveryId(1)));
        assert!(deliveries.take(1).is_none());
        assert!(deliveries.take_of(APIA).is_empty());
        assert!(deliveries.is_empty());
    }

    #[test]
    fn what_is_under_way_for_too_long_leaves_however_it_moves() {
        let now = Instant::now();
        let mut deliveries = Deliveries::new();
        deliveries.add(1, delivery(1, APIA, 10), now);
        deliveries.add(2, delivery(2, APIA, 10), now + DELIVERY / 2);
        assert!(deliveries.take_overdue(now + DELIVERY / 2).is_empty());
        let overdue: Vec<_> = deliveries.take_overdue(now + DELIVERY).into_iter().map(|delivery| delivery.id).collect();
        assert_eq!(overdue, [DeliveryId(1)]);
    }

    #[test]
    fn a_peer_has_four_places_and_all_share_the_bytes() {
        let mut deliveries = Deliveries::new();
        for number in 0..ITEMS_A_PEER as u64 {
            assert!(deliveries.has_room(APIA, 10));
            deliveries.add(number, delivery(number, APIA, 10), Instant::now());
        }
        assert!(!deliveries.has_room(APIA, 10));
        assert!(deliveries.has_room(MINSK, BYTES - 40));
        assert!(!deliveries.has_room(MINSK, BYTES - 39));
        assert_eq!(deliveries.take_of(APIA).len(), ITEMS_A_PEER);
        assert!(deliveries.has_room(APIA, BYTES));
    }

    fn delivery(number: u64, peer: PeerId, size: usize) -> Delivery {
        let slot = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Delivery { id: DeliveryId(number), peer, size, slot }
    }
}
