//! Items that came in and wait for the daemon's receipt.
//!
//! The swarm's task fills it and answers from it. An item that is not answered in time is dropped: its sender sees the
//! stream end without a receipt and sends it again later. An answer reaches the sender at most once.

use std::collections::BTreeMap;
use std::time::Duration;

use kinmesh_protocol::base::{PeerId, ReceiptId};
use libp2p::request_response::ResponseChannel;
use tokio::time::Instant;

use super::api::Receipt;
use super::behaviour::ITEMS_A_PEER;

/// How long the daemon has to answer.
const ANSWER: Duration = Duration::from_secs(60);

/// All items that wait for their receipt.
pub(super) struct Receipts<S = ResponseChannel<Receipt>> {
    waiting: BTreeMap<ReceiptId, Waiting<S>>,
    last: u64,
}

struct Waiting<S> {
    peer: PeerId,
    sender: S,
    deadline: Instant,
}

impl<S> Receipts<S> {
    /// Nothing waits.
    pub(super) fn new() -> Self {
        Self { waiting: BTreeMap::new(), last: 0 }
    }

    /// True if the peer may have one more item waiting.
    pub(super) fn has_room(&self, peer: PeerId) -> bool {
        self.waiting.values().filter(|waiting| waiting.peer == peer).count() < ITEMS_A_PEER
    }

    /// Notes an item and names it.
    pub(super) fn add(&mut self, peer: PeerId, sender: S, now: Instant) -> ReceiptId {
        self.last += 1;
        let id = ReceiptId(self.last);
        self.waiting.insert(id, Waiting { peer, sender, deadline: now + ANSWER });
        id
    }

    /// Takes the way back to an item's sender.
    pub(super) fn take(&mut self, id: ReceiptId) -> Option<S> {
        self.waiting.remove(&id).map(|waiting| waiting.sender)
    }

    /// Drops what a peer that is gone was waiting for.
    pub(super) fn drop_of(&mut self, peer: PeerId) {
        self.waiting.retain(|_, waiting| waiting.peer != peer);
    }

    /// Drops what waited too long.
    pub(super) fn drop_overdue(&mut self, now: Instant) {
        self.waiting.retain(|_, waiting| waiting.deadline > now);
    }

    /// True if nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUVA: PeerId = PeerId([1; 32]);
    const QUITO: PeerId = PeerId([2; 32]);

    #[test]
    fn an_item_is_answered_once_and_under_its_own_name() {
        let now = Instant::now();
        let mut receipts = Receipts::new();
        let (first, second) = (receipts.add(SUVA, "first", now), receipts.add(SUVA, "second", now));
        assert_eq!(receipts.take(second), Some("second"));
        assert_eq!(receipts.take(second), None);
        assert_eq!(receipts.take(first), Some("first"));
        assert!(receipts.is_empty());
    }

    #[test]
    fn an_item_without_a_receipt_is_dropped_after_its_time() {
        let now = Instant::now();
        let mut receipts = Receipts::new();
        receipts.add(SUVA, (), now);
        let later = receipts.add(SUVA, (), now + ANSWER / 2);
        receipts.drop_overdue(now + ANSWER);
        assert_eq!(receipts.waiting.keys().copied().collect::<Vec<_>>(), [later]);
    }

    #[test]
    fn each_peer_has_its_own_room_and_leaves_none_behind() {
        let now = Instant::now();
        let mut receipts = Receipts::new();
        for _ in 0..ITEMS_A_PEER {
            assert!(receipts.has_room(SUVA));
            receipts.add(SUVA, (), now);
        }
        assert!(!receipts.has_room(SUVA));
        assert!(receipts.has_room(QUITO));
        receipts.drop_of(SUVA);
        assert!(receipts.is_empty());
    }
}
