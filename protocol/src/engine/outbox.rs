//! Messages that wait for a carrier, and the cells that are made of them when they are sent.
//!
//! The outbox keeps messages, never cells: a message leaves it when its receiver has committed it, or at its expiry.

use crate::base::record::row_key;
use crate::base::{CellId, MemberId, MsgId, Party, PeerId, Timestamp, cbor, limits};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::{Counters, Lane, OutRow, Outgoing, PeerRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Addressee, CellHeader, CellKind, Header, Message, Unverified, capacity_class, packed_len, seal, sign};

/// Rows of the outbox that one cell is filled from.
const ROWS_A_CELL: usize = 32;

impl Engine {
    /// The sender's part of a message to a member.
    pub(super) fn header<V: View>(
        &self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        kind: u64,
        re: Option<MsgId>,
    ) -> Result<Header, ReadError> {
        let held = self.held.as_ref().ok_or(ReadError::Damaged)?;
        let mut peer = step.get::<PeerRow>(to)?.unwrap_or_default();
        peer.n += 1;
        step.put(to, &peer);
        Ok(Header {
            kind,
            from: Party::Member(self.me()?),
            to: Some(Party::Member(*to)),
            msg_id: MsgId::draw(&mut step.draw),
            n: peer.n,
            created: step.wall().seconds(),
            expires: (step.wall() + held.roster.pace.message_life).seconds(),
            roster_version: held.roster.version,
            re,
        })
    }

    /// Signs a message and puts it into a member's outbox.
    pub(super) fn post<V: View, B: minicbor::Encode<()>>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        lane: Lane,
        kind: u64,
        re: Option<MsgId>,
        body: &B,
    ) -> Result<(), ReadError> {
        let header = self.header(step, to, kind, re)?;
        let bytes = sign(&self.own.network, &header, &cbor::encode(body), &self.keys.operational);
        self.enqueue(step, to, lane, Outgoing::Signed(bytes), header.expires)
    }

    /// A message to a member that leaves in this step: nothing keeps it.
    pub(super) fn signed<V: View, B: minicbor::Encode<()>>(
        &self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        kind: u64,
        body: &B,
    ) -> Result<Vec<u8>, ReadError> {
        let header = self.header(step, to, kind, None)?;
        Ok(sign(&self.own.network, &header, &cbor::encode(body), &self.keys.operational))
    }

    /// Puts something into a member's outbox and sends it, if its lane is free and is not the bags'.
    pub(super) fn enqueue<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        lane: Lane,
        what: Outgoing,
        expires: u64,
    ) -> Result<(), ReadError> {
        Self::put_out(step, to, lane, what, expires)?;
        if lane != Lane::Bag {
            self.pump_member(step, to);
        }
        Ok(())
    }

    /// Puts something into a member's outbox, to be sent later.
    pub(super) fn put_out<V: View>(
        step: &mut Step<'_, V>,
        to: &MemberId,
        lane: Lane,
        what: Outgoing,
        expires: u64,
    ) -> Result<(), ReadError> {
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        counters.out_seq += 1;
        counters.outbox += 1;
        step.put(&(*to, lane.number(), counters.out_seq), &OutRow { what, expires });
        step.put(&(), &counters);
        Ok(())
    }

    /// A message that ran out before its receiver came back is signed anew: the same claim under another message id
    /// (protocol.md 2.8). None if this node could not have signed it with keys that are known.
    pub(super) fn make_anew<V: View>(
        &self,
        step: &mut Step<'_, V>,
        id: &(MemberId, u8, u64),
        bytes: &[u8],
        expires: u64,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let held = self.held.as_ref().ok_or(ReadError::Damaged)?;
        let pace = held.roster.pace;
        // As it stood in its last second: its times and this node's key were good then.
        let then = Timestamp::from_seconds(expires);
        let ring = self.ring(held, then);
        let addressee = Addressee::Party(Party::Member(id.0));
        let old = Unverified::<Message>::parse(bytes, limits::MESSAGE_BYTES)
            .and_then(|message| message.verify(&self.own.network, addressee, &ring, then, pace.clock_skew, pace.message_life));
        let Ok(old) = old else { return Ok(None) };
        let header = self.header(step, &id.0, old.header.kind, old.header.re)?;
        let anew = sign(&self.own.network, &header, &old.body, &self.keys.operational);
        step.put(id, &OutRow { what: Outgoing::Signed(anew.clone()), expires: header.expires });
        Ok(Some(anew))
    }

    /// Takes a row out, and with it the file that it names.
    pub(super) fn take_out<V: View>(step: &mut Step<'_, V>, id: &(MemberId, u8, u64)) -> Result<(), ReadError> {
        let Some(row) = step.get::<OutRow>(id)? else { return Ok(()) };
        if let Outgoing::Answer { blob, .. } = row.what {
            step.drop_blob(blob);
        }
        step.remove::<OutRow>(id);
        let mut counters = step.get::<Counters>(&())?.unwrap_or_default();
        counters.outbox = counters.outbox.saturating_sub(1);
        step.put(&(), &counters);
        Ok(())
    }

    /// The receiver has committed these.
    pub(super) fn delivered<V: View>(&mut self, step: &mut Step<'_, V>, rows: &[(MemberId, u8, u64)]) {
        for id in rows {
            if Self::take_out(step, id).is_err() {
                step.notify(crate::engine::effect::NoticeCode::Damaged, Some(id.0), 8);
            }
        }
    }

    /// The receiver refused the cell: what it carried would be refused again. A spent budget or a busy peer is not a
    /// refusal of that kind: true says that it waits.
    pub(super) fn refused<V: View>(&mut self, step: &mut Step<'_, V>, rows: &[(MemberId, u8, u64)], code: u8) -> bool {
        use crate::envelope::Refusal;
        let waits = [Refusal::Busy, Refusal::Seal, Refusal::KeyUnknown, Refusal::RosterStale]
            .iter()
            .any(|refusal| refusal.code() == u64::from(code));
        if waits {
            if let Some((member, _, _)) = rows.first() {
                // A roster is not confirmed within seconds: the peer asks again when it is.
                let wait = if u64::from(code) == Refusal::RosterStale.code() { 3_600_000 } else { 5_000 };
                self.due(step, step.wall() + crate::base::Millis(wait), Due::Pump(*member));
            }
            return !rows.is_empty();
        }
        self.delivered(step, rows);
        false
    }

    /// Sends the first thing that waits for a member on a lane.
    pub(super) fn send_waiting<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: &PeerId,
        member: &MemberId,
        lane: Lane,
    ) -> Result<(), ReadError> {
        if lane == Lane::Set {
            return self.send_sets(step, peer, member);
        }
        loop {
            let first = step.under::<OutRow>(&row_key(1, &(*member, lane.number())), 1)?.into_iter().next();
            let Some((id, row)) = first else { return Ok(()) };
            if row.expires < step.wall().seconds() {
                Self::take_out(step, &id)?;
                continue;
            }
            let bytes = match row.what {
                Outgoing::Signed(bytes) => Some(bytes),
                Outgoing::Request(request) => return self.blind_request(step, request, &id),
                Outgoing::Answer { blob, .. } => Some(step.read_blob(blob)?),
                // Of the other lane.
                Outgoing::Segment { .. } | Outgoing::SetGet(_) | Outgoing::Manifest { .. } => None,
            };
            match bytes.and_then(|bytes| self.make_cell(step, member, CellKind::Eval, &[bytes])) {
                Some(cell) => {
                    self.links.send(step, peer, lane, cell, vec![id]);
                    return Ok(());
                }
                // The peer's sealing key ran out: nothing of this row can be sent any more.
                None => Self::take_out(step, &id)?,
            }
        }
    }

    /// Seals messages for a member; none if its sealing key is not known or ran out, or they fit no class.
    pub(super) fn make_cell<V: View>(
        &self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        kind: CellKind,
        messages: &[Vec<u8>],
    ) -> Option<Vec<u8>> {
        let pace = self.held.as_ref()?.roster.pace;
        let keys = &self.keys_of(to, step.wall())?.keys;
        let bag = usize::try_from(pace.bag_bytes).ok()?;
        let class = capacity_class(kind, packed_len(messages), bag)?;
        let header = CellHeader {
            kind,
            from: self.own.member?,
            to: *to,
            cell_id: CellId::draw(&mut step.draw),
            created: step.wall().seconds(),
            expires: (step.wall() + pace.message_life).seconds(),
            recipient_key_id: keys.seal_key_id,
        };
        seal(&self.own.network, &header, messages, class, &keys.seal_key, &self.keys.operational, &mut step.draw).ok()
    }

    /// The time of a peer's bag: one cell of one size, empty or not; if the peer is away, one is owed.
    // BG-1.
    pub(super) fn bag_due<V: View>(&mut self, step: &mut Step<'_, V>, member: MemberId) -> Result<(), ReadError> {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        // The timer goes on for a member that is suspended: it may come back.
        let early = pace.bag.0.saturating_sub(pace.bag_jitter.0);
        let next = step.draw.between(crate::base::Millis(early), pace.latest_bag());
        self.due(step, step.wall() + next, Due::Bag(member));
        self.make_bag(step, member)
    }

    /// One bag, outside the regular ones where one is owed.
    pub(super) fn make_bag<V: View>(&mut self, step: &mut Step<'_, V>, member: MemberId) -> Result<(), ReadError> {
        if self.taking_part(&member).is_none() {
            return Ok(());
        }
        match self.peer_of(&member).filter(|peer| self.may_exchange() && self.links.is_free(peer, Lane::Bag)) {
            Some(peer) => self.send_bag(step, &peer, &member),
            None => {
                let mut row = step.get::<PeerRow>(&member)?.unwrap_or_default();
                row.bag_owed = true;
                step.put(&member, &row);
                Ok(())
            }
        }
    }

    /// A bag at this moment, filled with what waits.
    pub(super) fn send_bag<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: &PeerId,
        member: &MemberId,
    ) -> Result<(), ReadError> {
        self.release_claims(step, member)?;
        let prefix = row_key(1, &(*member, Lane::Bag.number()));
        let most = self.held.as_ref().map_or(0, |held| usize::try_from(held.roster.pace.bag_bytes).unwrap_or(0));
        let (mut messages, mut rows) = (Vec::new(), Vec::new());
        for (id, row) in step.under::<OutRow>(&prefix, ROWS_A_CELL)? {
            let Outgoing::Signed(mut bytes) = row.what else { continue };
            if row.expires <= step.wall().seconds() {
                if step.size() > limits::STEP_BYTES {
                    break;
                }
                let Some(anew) = self.make_anew(step, &id, &bytes, row.expires)? else {
                    Self::take_out(step, &id)?;
                    continue;
                };
                bytes = anew;
            }
            if bytes.len() > limits::MESSAGE_BYTES {
                Self::take_out(step, &id)?;
                continue;
            }
            messages.push(bytes);
            if packed_len(&messages) > most {
                messages.pop();
                break;
            }
            rows.push(id);
        }
        if let Some(cell) = self.make_cell(step, member, CellKind::Bag, &messages) {
            self.links.send(step, peer, Lane::Bag, cell, rows);
        }
        Ok(())
    }
}
