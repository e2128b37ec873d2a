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
#[derive(Default)]
pub(super) struct Receipts {
    waiting: BTreeMap<ReceiptId, Waiting>,
    last: u64,
}

struct Waiting {
    peer: PeerId,
    sender: ResponseChannel<Receipt>,
    deadline: Instant,
}

impl Receipts {
    /// True if the peer may have one more item waiting.
    pub(super) fn has_room(&self, peer: PeerId) -> bool {
        self.waiting.values().filter(|waiting| waiting.peer == peer).count() < ITEMS_A_PEER
    }

    /// Notes an item and names it.
    pub(super) fn add(&mut self, peer: PeerId, sender: ResponseChannel<Receipt>, now: Instant) -> ReceiptId {
        self.last += 1;
        let id = ReceiptId(self.last);
        self.waiting.insert(id, Waiting { peer, sender, deadline: now + ANSWER });
        id
    }

    /// Takes the way back to an item's sender.
    pub(super) fn take(&mut self, id: ReceiptId) -> Option<ResponseChannel<Receipt>> {
        self.waiting.remove(&id).map(|waiting| waiting.sender)
    }

    /// Drops what a peer that is gone was waiting for.
    pub(super) fn drop_of(&mut self, peer: PeerId) {
        self.waiting.retain(|_, waiting| waiting.peer != peer);
    }

    /// Drops what waited too long or whose sender has given up.
    pub(super) fn drop_overdue(&mut self, now: Instant) {
        self.waiting.retain(|_, waiting| waiting.deadline > now && waiting.sender.is_open());
    }

    /// True if nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
