//! What comes in: the verification order of protocol.md 3.4 from step 1 to the act, one item a step.
//!
//! A carrier's receipt says `Committed` when the item's effect is in this step's batch. An item that is refused changes
//! nothing; one that cannot be judged at the moment (a damaged read) is `Busy`.

use crate::base::cbor;
use crate::base::{MemberId, Party, PeerId, ReceiptId, limits};
use crate::engine::core::Engine;
use crate::engine::effect::{Action, NoticeCode, Receipt};
use crate::engine::input::Carrier;
use crate::engine::rows::{PeerRow, SeenRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Addressee, Cell, CellKind, Item, Message, Refusal, SealSecret, Unverified, Verified, message_limit};
use crate::private_match::owner::{EvaluatedRow, SealingKey};

/// Message types that travel in cells, but case work's.
pub mod kind {
    /// A set's manifest.
    pub const SET_MANIFEST: u64 = 20;
    /// A set's segment.
    pub const SET_SEGMENT: u64 = 21;
    /// Messages that came in a bundle are committed.
    pub const COMMITTED: u64 = 24;
    /// A request for a set.
    pub const SET_GET: u64 = 22;
    /// What became of a set.
    pub const SET_RECEIPT: u64 = 23;
    /// A request to evaluate.
    pub const EVAL_REQUEST: u64 = 30;
    /// Its response.
    pub const EVAL_RESPONSE: u64 = 31;
    /// A refusal as a code.
    pub const ERROR: u64 = 59;
}

/// How long a peer is asked to wait when a step could not read.
const BUSY_MS: u32 = 2_000;

impl Engine {
    /// One item from a carrier.
    pub(super) fn item<V: View>(&mut self, step: &mut Step<'_, V>, receipt: ReceiptId, carrier: Carrier, bytes: &[u8]) {
        let mark = step.mark();
        let sender = sender_of(carrier);
        let outcome = self.accept(step, carrier, bytes);
        let answer = match outcome {
            Ok(()) => Receipt::Committed,
            Err(Refusal::Busy) => {
                self.roll_back(step, mark);
                Receipt::Busy(BUSY_MS)
            }
            Err(refusal) => {
                self.roll_back(step, mark);
                let member = sender.and_then(|peer| self.member_of(&peer));
                step.notify(NoticeCode::Refused, member, refusal.code());
                // A suspended member is not told so (protocol.md 3.7): to it this node knows no such key.
                let shown = if refusal == Refusal::Suspended { Refusal::KeyUnknown } else { refusal };
                Receipt::Refused(u8::try_from(shown.code()).unwrap_or(u8::MAX))
            }
        };
        step.act(Action::Receipt { of: receipt, answer });
    }

    fn accept<V: View>(&mut self, step: &mut Step<'_, V>, carrier: Carrier, bytes: &[u8]) -> Result<(), Refusal> {
        let sender = sender_of(carrier);
        // Nothing of a member that is shut out is looked at, public or not: the gate may still have let it through.
        if sender.is_some_and(|peer| self.is_shut_out(&peer)) {
            return Err(Refusal::Suspended);
        }
        match Item::parse(bytes)? {
            Item::Roster(bytes) => self.take_cosigned(step, &bytes, None).map(|_| ()).map_err(|_| Refusal::Signature),
            Item::Message(message) if message.claimed_kind() == super::gossip::PUBLIC_GET => match sender {
                Some(peer) => self.answer_public(step, &peer, &message),
                None => Err(Refusal::Role),
            },
            Item::Message(message) => self.take_message(step, &message, bytes).map(|_| ()),
            // A coordination node opens nothing: it holds no sealing key, and stops here.
            Item::Cell(_) if self.own.member.is_none() => Err(Refusal::Role),
            Item::Cell(cell) => self.accept_cell(step, &cell, carrier).map(|_| ()),
        }
    }

    /// Steps 3 to 14 for a cell: its sender, its messages, and how many of them had not come before.
    pub(super) fn accept_cell<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        cell: &Unverified<Cell>,
        by: Carrier,
    ) -> Result<(MemberId, u32, u32), Refusal> {
        let me = self.own.member.ok_or(Refusal::Role)?;
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        let pace = held.roster.pace;
        let ring = self.ring(held, step.wall());
        let addressee = Addressee::Party(Party::Member(me));
        let cell = cell.verify(&self.own.network, addressee, &ring, step.wall(), pace.clock_skew, pace.message_life)?;
        let from = cell.header.from;
        // This node's own refusal, which the ring does not know.
        if self.taking_part(&from).is_none() {
            return Err(Refusal::Suspended);
        }
        if !self.may_exchange() {
            return Err(Refusal::RosterStale);
        }
        // What an operator brings costs its peer nothing and is not charged to it.
        if by != Carrier::File {
            self.count_opening(step, &from, cell.header.kind)?;
        }
        let messages = self.open_cell(step, &cell)?;
        let (mut count, mut fresh) = (0, 0);
        for bytes in messages {
            let message = self.verify_inner(step, &from, &bytes)?;
            // EN-2.
            if kind_of_cell(message.header.kind) != Some(cell.header.kind) {
                return Err(Refusal::Role);
            }
            count += 1;
            fresh += u32::from(self.once(step, from, message, by)?);
        }
        Ok((from, count, fresh))
    }

    // VE-8: the budget; the rest is in `Cell::open`.
    /// Step 8, first half: a decapsulation costs 0.2 ms, so a peer may cause so many an hour.
    fn count_opening<V: View>(&self, step: &mut Step<'_, V>, from: &MemberId, kind: CellKind) -> Result<(), Refusal> {
        let Some(held) = &self.held else { return Err(Refusal::RosterStale) };
        let mut peer = step.get::<PeerRow>(from)?.unwrap_or_default();
        let hour = step.wall().0 / held.roster.pace.hour().0;
        if peer.hour != hour {
            peer.hour = hour;
            peer.opened = 0;
        }
        if kind == CellKind::Set && peer.segments_due > 0 {
            peer.segments_due -= 1;
        } else if peer.opened >= limits::DECAPSULATIONS_AN_HOUR {
            return Err(Refusal::Busy);
        } else {
            peer.opened += 1;
        }
        step.put(from, &peer);
        Ok(())
    }

    fn open_cell<V: View>(&self, step: &Step<'_, V>, cell: &Verified<Cell>) -> Result<Vec<Vec<u8>>, Refusal> {
        let key = step.get::<SealingKey>(&cell.header.recipient_key_id)?.ok_or(Refusal::Seal)?;
        cell.open(&self.own.network, &SealSecret::from_bytes(*key.secret.expose()))
    }

    // VE-9.
    /// Steps 2 to 7 again, for a message in a cell.
    fn verify_inner<V: View>(&self, step: &Step<'_, V>, from: &MemberId, bytes: &[u8]) -> Result<Message, Refusal> {
        let me = self.own.member.ok_or(Refusal::Role)?;
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        let pace = held.roster.pace;
        let ring = self.ring(held, step.wall());
        let message = Unverified::<Message>::parse(bytes, limits::ITEM_BYTES)?;
        if bytes.len() > message_limit(message.claimed_kind()) || message.claimed_from() != Party::Member(*from) {
            return Err(Refusal::Context);
        }
        let addressee = Addressee::Party(Party::Member(me));
        let message = message.verify(&self.own.network, addressee, &ring, step.wall(), pace.clock_skew, pace.message_life)?;
        if message.header.to != Some(Party::Member(me)) {
            return Err(Refusal::Context);
        }
        Ok(message.into_inner())
    }

    // VE-10.
    /// Step 10: the same message has no second effect; another one under its id is refused. What a message causes and the
    /// row that remembers it are in one batch. A message that is refused for what it says is remembered as well: the
    /// others of its cell count. True if it had not come before.
    fn once<V: View>(&mut self, step: &mut Step<'_, V>, from: MemberId, message: Message, by: Carrier) -> Result<bool, Refusal> {
        // A request to evaluate is remembered by its own row, since the same request is answered again.
        if message.header.kind == kind::EVAL_REQUEST {
            let is_fresh = step.get::<EvaluatedRow>(&(from, message.header.msg_id))?.is_none();
            return self.eval_request(step, from, &message, by).map(|()| is_fresh);
        }
        let id = (from, message.header.msg_id);
        if by == Carrier::File {
            Self::note_carried(step, from, &message.header);
        }
        if let Some(seen) = step.get::<SeenRow>(&id)? {
            return if seen.hash == message.hash { Ok(false) } else { Err(Refusal::State) };
        }
        step.put(&id, &SeenRow { hash: message.hash, expires: message.header.expires });
        let mark = step.mark();
        // VE-13: the act and the row that remembers it are one batch.
        match self.act_on(step, from, &message) {
            Err(Refusal::Busy) => Err(Refusal::Busy),
            Err(refusal) => {
                self.roll_back(step, mark);
                step.notify(NoticeCode::Refused, Some(from), refusal.code());
                Ok(true)
            }
            Ok(()) => Ok(true),
        }
    }

    // VE-11, VE-12: role, state and what a budget allows.
    /// Steps 11 to 13.
    fn act_on<V: View>(&mut self, step: &mut Step<'_, V>, from: MemberId, message: &Message) -> Result<(), Refusal> {
        use crate::casework::messages::kind as casework;
        match message.header.kind {
            kind::SET_MANIFEST => self.set_manifest(step, from, &body(message)?),
            kind::SET_SEGMENT => self.set_segment(step, from, &body(message)?),
            kind::SET_GET => self.set_get(step, from, &body(message)?),
            kind::SET_RECEIPT => self.set_receipt(step, from, &body(message)?),
            kind::COMMITTED => self.committed_received(step, from, &body(message)?),
            kind::EVAL_RESPONSE => self.eval_response(step, from, message),
            kind::ERROR => self.error_received(step, from, message),
            casework::CLAIM => self.claim_received(step, from, body(message)?),
            casework::CLAIM_ANSWER => self.claim_answered(step, from, &body(message)?),
            casework::ATTRIBUTES => self.attributes_received(step, from, body(message)?),
            casework::REVIEW_RESULT => self.review_received(step, from, &body(message)?),
            casework::DISCLOSURE => self.disclosure_received(step, from, body(message)?),
            casework::WITHDRAW => self.withdraw_received(step, from, &body(message)?),
            casework::OUTCOME => self.outcome_received(step, from, &body(message)?),
            _ => Err(Refusal::Role),
        }
    }
}

const fn sender_of(carrier: Carrier) -> Option<PeerId> {
    match carrier {
        Carrier::Link(peer) => Some(peer),
        Carrier::File => None,
    }
}

/// The body of a message, in its one form.
pub(super) fn body<T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>>(message: &Message) -> Result<T, Refusal> {
    cbor::decode(&message.body).map_err(|_| Refusal::Encoding)
}

/// Which kind of cell a message travels in: a claim in any other than a bag would show its time.
const fn kind_of_cell(kind: u64) -> Option<CellKind> {
    match kind {
        20..=24 => Some(CellKind::Set),
        30 | 31 | 59 => Some(CellKind::Eval),
        40..=46 => Some(CellKind::Bag),
        _ => None,
    }
}

impl From<ReadError> for Refusal {
    /// Whatever cannot be read at the moment is tried again; nothing about records shows in a code.
    fn from(_: ReadError) -> Self {
        Refusal::Busy
    }
}
