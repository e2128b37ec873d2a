//! The lane of sets: what waits on it is made when it is sent, and as much of it as fits shares a cell.
//!
//! A question, a manifest or a segment waits as a row that names it, once however often it was asked for. So a bad link keeps
//! no line of old questions, and what is said is true in the moment in which it leaves (protocol.md 3.9).

use crate::base::record::{Record, row_key};
use crate::base::{MemberId, Millis, PeerId};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::receive::kind;
use crate::engine::rows::{Lane, OutRow, Outgoing, PeerRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{CellKind, capacity_class, packed_len};
use crate::private_match::Family;
use crate::private_match::manifest::{SetGet, SetSegment, WantedSegment};
use crate::private_match::owner::SetPart;
use crate::private_match::querier::{ComingSet, Repair, SetIn};

/// Segments that are asked for at once.
pub(super) const WANTED: usize = 16;
/// Rows that one cell is filled from, and at most those of which a lane knows what waits: two families' questions,
/// manifests, receipts and segments.
const ROWS: usize = 64;
/// Bytes of a segment's message beside its prefixes, at most.
const SEGMENT_FRAME: u64 = 512;

impl Engine {
    /// Lets parts of sets wait for a member, those that do not wait already, and sends what fits a cell. What is under way may
    /// have been made too early and does not count.
    pub(super) fn enqueue_new<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        parts: Vec<Outgoing>,
    ) -> Result<(), ReadError> {
        let life = self.held.as_ref().map_or(Millis(0), |held| held.roster.pace.message_life);
        let expires = (step.wall() + life).seconds();
        let rows = step.under::<OutRow>(&row_key(OutRow::KIND, &(*to, Lane::Set.number())), ROWS)?.into_iter();
        let mut waiting: Vec<Outgoing> = rows.filter(|(id, _)| !self.links.is_under_way(id)).map(|(_, row)| row.what).collect();
        let before = waiting.len();
        for part in parts {
            if !waiting.iter().any(|other| other.is_same(&part)) {
                Self::put_out(step, to, Lane::Set, part.clone(), expires)?;
                waiting.push(part);
            }
        }
        if waiting.len() > before {
            self.pump_member(step, to);
        }
        Ok(())
    }

    /// Sends one cell of what waits for a member on this lane.
    pub(super) fn send_sets<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: &PeerId,
        member: &MemberId,
    ) -> Result<(), ReadError> {
        let now = step.wall().seconds();
        let (mut messages, mut rows, mut class) = (Vec::new(), Vec::new(), 0);
        let waiting = step.under::<OutRow>(&row_key(OutRow::KIND, &(*member, Lane::Set.number())), ROWS)?;
        let may_be_more = waiting.len() == ROWS;
        for (id, row) in waiting {
            // A segment that would not fit is not read for nothing.
            if !messages.is_empty() && Self::least_len(step, member, &row.what)? + packed_len(&messages) > class {
                break;
            }
            let message = if row.expires < now { None } else { self.set_message(step, member, row.what)? };
            let Some(message) = message else {
                // It ran out, or the set moved on: nothing of it can be said any more.
                Self::take_out(step, &id)?;
                continue;
            };
            messages.push(message);
            match (capacity_class(CellKind::Set, packed_len(&messages), 0), rows.is_empty()) {
                (Some(fits), true) => class = fits,
                (Some(fits), false) if fits <= class => {}
                (_, false) => {
                    messages.pop();
                    break;
                }
                (_, true) => {
                    messages.pop();
                    Self::take_out(step, &id)?;
                    continue;
                }
            }
            rows.push(id);
        }
        if rows.is_empty() {
            if may_be_more {
                self.due(step, step.wall(), Due::Pump(*member));
            }
            return Ok(());
        }
        if let Some(cell) = self.make_cell(step, member, CellKind::Set, &messages) {
            self.links.send(step, peer, Lane::Set, cell, rows);
            return Ok(());
        }
        // The peer's sealing key ran out: it hears of the next one first, and asks again.
        rows.iter().try_for_each(|id| Self::take_out(step, id))
    }

    /// Bytes that something of a set takes at least.
    fn least_len<V: View>(step: &Step<'_, V>, member: &MemberId, what: &Outgoing) -> Result<usize, ReadError> {
        match what {
            Outgoing::Signed(bytes) => Ok(bytes.len()),
            Outgoing::Segment { family, set_seq, index } => {
                let part = step.get::<SetPart>(&(*member, *family, *set_seq))?;
                let place = usize::try_from(*index).map_err(|_| ReadError::Damaged)?;
                let len = part.and_then(|part| part.manifest.segments.get(place).map(|info| info.len + SEGMENT_FRAME));
                usize::try_from(len.unwrap_or(0)).map_err(|_| ReadError::Damaged)
            }
            _ => Ok(0),
        }
    }

    /// The message that a row of this lane stands for; none if there is nothing to say any more.
    fn set_message<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        member: &MemberId,
        what: Outgoing,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        match what {
            Outgoing::Signed(bytes) => Ok(Some(bytes)),
            Outgoing::Segment { family, set_seq, index } => self.segment_message(step, member, family, set_seq, index),
            Outgoing::Manifest { family, set_seq } => {
                let Some(part) = step.get::<SetPart>(&(*member, family, set_seq))? else { return Ok(None) };
                self.signed(step, member, kind::SET_MANIFEST, &part.manifest).map(Some)
            }
            Outgoing::SetGet(family) => self.question(step, member, family),
            Outgoing::Request(_) | Outgoing::Answer { .. } => Ok(None),
        }
    }

    /// A segment of a member's set as a message; none if it was replaced.
    pub(super) fn segment_message<V: View>(
        &self,
        step: &mut Step<'_, V>,
        member: &MemberId,
        family: Family,
        set_seq: u64,
        index: u32,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(part) = step.get::<SetPart>(&(*member, family, set_seq))? else { return Ok(None) };
        let (manifest, place) = (&part.manifest, usize::try_from(index).map_err(|_| ReadError::Damaged)?);
        let (Some(info), Some(blob)) = (manifest.segments.get(place), part.segments.get(place)) else { return Ok(None) };
        let body = SetSegment { family, epoch: manifest.epoch, set_seq, index, kind: info.kind, bytes: step.read_blob(*blob)? };
        self.signed(step, member, kind::SET_SEGMENT, &body).map(Some)
    }

    /// What is asked of an owner in this moment: what follows the set that is held, and what is missing of the next one.
    fn question<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: &MemberId,
        family: Family,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(epoch) = self.keys_of(owner, step.wall()).map(|keys| keys.keys.voprf.epoch) else { return Ok(None) };
        let id = (*owner, family);
        let mut set = step.get::<SetIn>(&id)?.unwrap_or_default();
        let held = set.held.as_ref().filter(|held| held.head.epoch == epoch && set.repair != Repair::Wanted);
        let have_seq = held.map_or(0, |held| held.head.set_seq);
        // Of a set of the last epoch no segment is given any more.
        let coming = set.coming.as_mut().filter(|coming| coming.manifest.epoch == epoch);
        let want = coming.as_deref().map_or_else(Vec::new, wanted);
        if let Some(coming) = coming {
            coming.asked = u32::try_from(want.len()).unwrap_or(u32::MAX);
            step.put(&id, &set);
        }
        Self::expect_segments(step, owner)?;
        self.signed(step, owner, kind::SET_GET, &SetGet { family, epoch, have_seq, want }).map(Some)
    }

    /// As many cells with segments of either family may come as were asked for.
    fn expect_segments<V: View>(step: &mut Step<'_, V>, owner: &MemberId) -> Result<(), ReadError> {
        let mut due = 0u32;
        for family in Family::ALL {
            let coming = step.get::<SetIn>(&(*owner, family))?.and_then(|set| set.coming);
            due = due.saturating_add(coming.map_or(0, |coming| coming.asked));
        }
        let mut peer = step.get::<PeerRow>(owner)?.unwrap_or_default();
        peer.segments_due = due;
        step.put(owner, &peer);
        Ok(())
    }
}

fn wanted(coming: &ComingSet) -> Vec<WantedSegment> {
    let set_seq = coming.manifest.set_seq;
    coming.missing(WANTED).into_iter().map(|index| WantedSegment { set_seq, index }).collect()
}
