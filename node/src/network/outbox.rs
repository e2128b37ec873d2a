//! Events that the daemon has not taken yet.
//!
//! The swarm's task must not wait for a full channel, and no `Sent`, `Up` or `Down` may get lost. So what does not fit the
//! channel waits here, in order, and is bounded by what it is about: a `Sent` holds its send's slot, links are folded to at
//! most four events a peer, everything else to one. Items never wait here: their sender is told to come back.

use std::collections::VecDeque;

use kinmesh_protocol::base::PeerId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Permit, Sender};

use super::api::NetworkEvent;
use super::deliveries::Slot;

/// The way to the daemon.
pub(super) struct Outbox {
    channel: Sender<NetworkEvent>,
    waiting: VecDeque<(NetworkEvent, Option<Slot>)>,
}

impl Outbox {
    /// An empty outbox in front of a bounded channel.
    pub(super) fn new(channel: Sender<NetworkEvent>) -> Self {
        Self { channel, waiting: VecDeque::new() }
    }

    /// Hands an event over, at once if there is room.
    pub(super) fn push(&mut self, event: NetworkEvent, slot: Option<Slot>) {
        let event = if self.waiting.is_empty() {
            match self.channel.try_send(event) {
                // With the receiver gone the task ends on its own, and nobody is left to tell.
                Ok(()) | Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        if !self.folds(&event) {
            self.waiting.push_back((event, slot));
        }
    }

    /// A place for an item; none while anything waits, so that a peer's items never overtake its `Up`.
    pub(super) fn room_for_item(&self) -> Option<Permit<'_, NetworkEvent>> {
        if self.waiting.is_empty() { self.channel.try_reserve().ok() } else { None }
    }

    /// Hands over the oldest event.
    pub(super) fn hand_over(&mut self, place: Permit<'_, NetworkEvent>) {
        if let Some((event, _slot)) = self.waiting.pop_front() {
            place.send(event);
        }
    }

    /// True while events wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hands over what still fits.
    pub(super) fn flush(&mut self) {
        while let Some((event, _slot)) = self.waiting.pop_front() {
            if self.channel.try_send(event).is_err() {
                return;
            }
        }
    }

    /// True if the event says nothing beside those that wait. A `Down` takes back an `Up` that nobody has seen.
    fn folds(&mut self, event: &NetworkEvent) -> bool {
        match event {
            NetworkEvent::Down { peer } => {
                let last = self.waiting.iter().rposition(|(waiting, _)| link_of(waiting) == Some(*peer));
                let up = last.filter(|at| matches!(self.waiting.get(*at), Some((NetworkEvent::Up { .. }, _))));
                up.and_then(|at| self.waiting.remove(at)).is_some()
            }
            NetworkEvent::DialFailed { .. } | NetworkEvent::StrangerRefused | NetworkEvent::Listening { .. } => {
                self.waiting.iter().any(|(waiting, _)| waiting == event)
            }
            NetworkEvent::Path { peer, .. } => {
                self.drop_older(|waiting| matches!(waiting, NetworkEvent::Path { peer: other, .. } if other == peer))
            }
            NetworkEvent::Place { peer, .. } => {
                self.drop_older(|waiting| matches!(waiting, NetworkEvent::Place { peer: other, .. } if other == peer))
            }
            NetworkEvent::Up { .. } | NetworkEvent::Item { .. } | NetworkEvent::Sent { .. } => false,
        }
    }

    /// Only the newest word about a matter waits; it goes to the end, behind the link's own events.
    fn drop_older(&mut self, is_older: impl Fn(&NetworkEvent) -> bool) -> bool {
        self.waiting.retain(|(waiting, _)| !is_older(waiting));
        false
    }
}

fn link_of(event: &NetworkEvent) -> Option<PeerId> {
    match event {
        NetworkEvent::Up { peer, .. } | NetworkEvent::Down { peer } => Some(*peer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kinmesh_protocol::base::DeliveryId;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;
    use crate::network::SendOutcome;

    const NAIROBI: PeerId = PeerId([1; 32]);
    const BERN: PeerId = PeerId([2; 32]);

    #[tokio::test]
    async fn events_keep_their_order_behind_a_full_channel() {
        let (channel, mut events) = mpsc::channel(1);
        let mut outbox = Outbox::new(channel.clone());
        for number in 0..3 {
            outbox.push(sent(number), None);
        }
        assert!(outbox.room_for_item().is_none());
        for number in 0..3 {
            assert_eq!(events.recv().await, Some(sent(number)));
            outbox.hand_over(channel.reserve().await.unwrap());
        }
        assert!(outbox.room_for_item().is_some());
    }

    #[test]
    fn a_flapping_link_waits_as_two_events_at_most() {
        let (mut outbox, mut events) = full();
        for _ in 0..100 {
            outbox.push(up(BERN), None);
            outbox.push(down(BERN), None);
        }
        assert!(!outbox.is_waiting(), "a link that nobody saw leaves nothing");
        outbox.push(down(NAIROBI), None);
        for _ in 0..100 {
            outbox.push(up(NAIROBI), None);
            outbox.push(down(NAIROBI), None);
        }
        outbox.push(up(NAIROBI), None);
        assert_eq!(events.try_recv(), Ok(NetworkEvent::StrangerRefused));
        outbox.flush();
        assert_eq!(events.try_recv(), Ok(down(NAIROBI)));
        assert!(events.try_recv().is_err(), "the channel holds one");
    }

    #[test]
    fn what_repeats_waits_once() {
        let (mut outbox, _events) = full();
        for _ in 0..100 {
            outbox.push(NetworkEvent::StrangerRefused, None);
            outbox.push(NetworkEvent::DialFailed { peer: BERN }, None);
        }
        assert_eq!(outbox.waiting.len(), 2);
    }

    #[test]
    fn a_send_keeps_its_slot_until_its_end_is_taken() {
        let (mut outbox, mut events) = full();
        let slots = Arc::new(Semaphore::new(1));
        outbox.push(sent(1), Some(Arc::clone(&slots).try_acquire_owned().unwrap()));
        assert_eq!(slots.available_permits(), 0);
        assert!(events.try_recv().is_ok());
        outbox.flush();
        assert_eq!(slots.available_permits(), 1);
    }

    fn full() -> (Outbox, mpsc::Receiver<NetworkEvent>) {
        let (channel, events) = mpsc::channel(1);
        let mut outbox = Outbox::new(channel);
        outbox.push(NetworkEvent::StrangerRefused, None);
        (outbox, events)
    }

    fn up(peer: PeerId) -> NetworkEvent {
        NetworkEvent::Up { peer, address: None }
    }

    fn down(peer: PeerId) -> NetworkEvent {
        NetworkEvent::Down { peer }
    }

    fn sent(number: u64) -> NetworkEvent {
        NetworkEvent::Sent { delivery: DeliveryId(number), outcome: SendOutcome::Lost }
    }
}
