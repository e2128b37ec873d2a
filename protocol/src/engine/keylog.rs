//! One log over every roster, announcement, revocation and suspension, in the order in which the coordination node took them
//! (protocol.md 3.9, "Key log").
//!
//! The coordination node appends and names length and head in its timestamp. A member asks it for the entries, makes the head
//! again, and so knows that the log it is shown now continues the one that it was shown before, and whether what it holds is in
//! it. A coordination node that shows two logs is found by its own signatures, which are kept. Nothing waits for the log: a
//! member that never meets the coordination node matches as well as one that does.

use minicbor::{Decode, Encode};

use crate::audit::Act;
use crate::base::cbor::{self, fixed};
use crate::base::record::{Record, row_key};
use crate::base::{Party, PeerId, Timestamp, limits};
use crate::engine::answer::LogView;
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::public::Taken;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Message, Refusal, Verified};
use crate::roster::{LOG_PART, LogHead, LogPart, PublicGet, TimestampBody};

/// Parts that a peer gets at a time.
const PARTS: usize = 8;
/// Bytes of an entry in a part: its type and the hash of its payload.
const ENTRY: usize = 33;

/// Where the log stands here: the coordination node's own, or as far as a member has made it again.
#[derive(Clone, Copy, Debug, Default, Encode, Decode)]
#[cbor(map)]
struct LogHeadRow {
    #[n(1)]
    head: LogHead,
}
crate::record!(LogHeadRow, (), Public, 7, Service);

/// One entry by its number, from 1.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
struct LogRow {
    /// Message type.
    #[n(1)]
    kind: u8,
    /// SHA-256 of its payload.
    #[cbor(n(2), with = "fixed")]
    hash: [u8; 32],
    /// The head behind it.
    #[cbor(n(3), with = "fixed")]
    head: [u8; 32],
}
crate::record!(LogRow, u64, Public, 8, Service);

/// That a payload is in the log, by the first half of its hash.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
struct LoggedRow {
    /// Its number.
    #[n(1)]
    number: u64,
}
crate::record!(LoggedRow, [u8; 16], Public, 9, Service);

/// The longest log that a timestamp has named to this member.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct LogNamedRow {
    /// Length and head.
    #[n(1)]
    named: LogHead,
    /// The timestamp.
    #[cbor(n(2), with = "minicbor::bytes")]
    timestamp: Vec<u8>,
}
crate::record!(LogNamedRow, (), Public, 10, Service);

/// Two signatures of the coordination node over two logs: evidence.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LogForkRow {
    /// A timestamp.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub one: Vec<u8>,
    /// Another timestamp, or a part of the log that does not lead to what the first one names.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub other: Vec<u8>,
    /// When the second one came.
    #[n(3)]
    pub seen: Timestamp,
}
crate::record!(LogForkRow, (), Public, 11, Service);

impl Engine {
    /// Coordination node: a message was taken for the first time. A member's node keeps no log of its own.
    pub(super) fn log_entry<V: View>(&self, step: &mut Step<'_, V>, kind: u64, payload: &[u8; 32]) -> Result<(), ReadError> {
        if self.own.member.is_none() {
            append(step, kind, payload)?;
        }
        Ok(())
    }

    /// Where the coordination node's log stands.
    pub(super) fn log_head<V: View>(step: &Step<'_, V>) -> Result<LogHead, ReadError> {
        Ok(step.get::<LogHeadRow>(&())?.unwrap_or_default().head)
    }

    /// Member: a timestamp names a log. It must be the one that earlier timestamps named, gone on.
    pub(super) fn log_named<V: View>(&self, step: &mut Step<'_, V>, body: &TimestampBody, bytes: &[u8]) -> Result<(), ReadError> {
        let named = LogHead { head: body.keylog_head, len: body.keylog_len };
        if self.own.member.is_none() {
            return Ok(());
        }
        let before = step.get::<LogNamedRow>(&())?;
        if let Some(before) = &before {
            // Timestamps come in the order of their times: a later one names no shorter log.
            let is_other = named.len == before.named.len && named.head != before.named.head;
            if named.len < before.named.len || is_other {
                return self.log_forked(step, &before.timestamp, bytes);
            }
        }
        step.put(&(), &LogNamedRow { named, timestamp: bytes.to_vec() });
        self.check_named(step, bytes)
    }

    /// Member: an older timestamp that came late names a log as well; what it names was made again, or will not be.
    pub(super) fn log_seen<V: View>(&self, step: &mut Step<'_, V>, body: &TimestampBody, bytes: &[u8]) -> Result<(), ReadError> {
        let (Some(named), Some(made)) = (step.get::<LogNamedRow>(&())?, step.get::<LogRow>(&body.keylog_len)?) else {
            return Ok(());
        };
        if self.own.member.is_some() && made.head != body.keylog_head {
            self.log_forked(step, &named.timestamp, bytes)?;
        }
        Ok(())
    }

    /// Entries that this member would ask for: as far as it made the log again, where a longer one was named.
    pub(super) fn log_wanted<V: View>(&self, step: &Step<'_, V>) -> Result<Option<u64>, ReadError> {
        let head = Self::log_head(step)?;
        let named = step.get::<LogNamedRow>(&())?.map_or(0, |row| row.named.len);
        Ok((self.own.member.is_some() && named > head.len).then_some(head.len))
    }

    /// Coordination node: sends a member the entries behind what it has.
    pub(super) fn send_log<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId, get: &PublicGet) -> Result<(), Refusal> {
        let Some(from) = get.log_len.filter(|_| self.own.member.is_none()) else { return Ok(()) };
        let head = Self::log_head(step)?;
        let life = self.held.as_ref().ok_or(Refusal::RosterStale)?.roster.pace.message_life;
        let mut from = from;
        for _ in 0..PARTS {
            if from >= head.len {
                break;
            }
            let part = part_of(step, from)?;
            let count = (part.entries.len() / ENTRY) as u64;
            let message = self.sign_public(step, Party::Coordinator, LOG_PART, &cbor::encode(&part), life);
            self.links.queue_public(peer, message);
            from += count.max(1);
        }
        self.pump(step, peer);
        Ok(())
    }

    /// Member: a part of the log. Only what goes on from what was made again counts.
    pub(super) fn take_log_part<V: View>(
        &self,
        step: &mut Step<'_, V>,
        message: &Verified<Message>,
        bytes: &[u8],
    ) -> Result<Taken, Refusal> {
        if message.header.from != Party::Coordinator || self.own.member.is_none() {
            return Err(Refusal::Role);
        }
        let part: LogPart = cbor::decode(&message.body).map_err(|_| Refusal::Encoding)?;
        let length = part.entries.len();
        if length == 0 || !length.is_multiple_of(ENTRY) || length > limits::LOG_PART_ENTRIES * ENTRY {
            return Err(Refusal::Encoding);
        }
        let (head, named) = (Self::log_head(step)?, step.get::<LogNamedRow>(&())?.map_or(0, |row| row.named.len));
        if part.from != head.len || head.len >= named || named > limits::LOG_ENTRIES {
            return Ok(Taken::Known);
        }
        // No further than a timestamp names: what is behind it is asked for when one does.
        for entry in part.entries.chunks(ENTRY).take(usize::try_from(named - head.len).unwrap_or(usize::MAX)) {
            let (kind, hash) = entry.split_first().ok_or(Refusal::Encoding)?;
            let hash = <[u8; 32]>::try_from(hash).map_err(|_| Refusal::Encoding)?;
            if !LogHead::takes(u64::from(*kind)) {
                return Err(Refusal::Encoding);
            }
            append(step, u64::from(*kind), &hash)?;
        }
        self.check_named(step, bytes)?;
        Ok(Taken::Accepted)
    }

    /// Where the log has been made again as far as a timestamp names it, it must lead to the head that it names.
    fn check_named<V: View>(&self, step: &mut Step<'_, V>, shown: &[u8]) -> Result<(), ReadError> {
        let Some(row) = step.get::<LogNamedRow>(&())? else { return Ok(()) };
        let made = match row.named.len {
            0 => Some([0; 32]),
            len => step.get::<LogRow>(&len)?.map(|entry| entry.head),
        };
        match made {
            Some(made) if made != row.named.head => self.log_forked(step, &row.timestamp, shown),
            _ => Ok(()),
        }
    }

    /// The coordination node shows two logs. It goes on confirming rosters, which the custodians sign; people look into it.
    fn log_forked<V: View>(&self, step: &mut Step<'_, V>, one: &[u8], other: &[u8]) -> Result<(), ReadError> {
        if step.get::<LogForkRow>(&())?.is_some() {
            return Ok(());
        }
        // KL-2.
        step.put(&(), &LogForkRow { one: one.to_vec(), other: other.to_vec(), seen: step.wall() });
        step.notify(NoticeCode::LogForked, None, 0);
        trail::record(step, None, Act::LogForked, &[], None)
    }

    /// How the log stands, and how much of what is held here is not in it.
    pub(super) fn log_view<V: View>(&self, step: &Step<'_, V>) -> Result<LogView, ReadError> {
        let named = step.get::<LogNamedRow>(&())?.map_or(0, |row| row.named.len);
        let mut missing = 0;
        let mut look = |hash: &[u8; 32]| -> Result<(), ReadError> {
            missing += u32::from(step.get::<LoggedRow>(&half(hash))?.is_none());
            Ok(())
        };
        if let Some(held) = &self.held {
            look(&held.hash)?;
        }
        for keys in self.members.values() {
            if let Some(latest) = &keys.latest {
                look(&latest.hash)?;
            }
        }
        Ok(LogView { entries: Self::log_head(step)?.len, named, missing, forked: step.get::<LogForkRow>(&())?.is_some() })
    }
}

fn append<V: View>(step: &mut Step<'_, V>, kind: u64, payload: &[u8; 32]) -> Result<(), ReadError> {
    let before = step.get::<LogHeadRow>(&())?.unwrap_or_default().head;
    if before.len >= limits::LOG_ENTRIES || step.get::<LoggedRow>(&half(payload))?.is_some_and(|row| row.number <= before.len) {
        return Ok(());
    }
    let head = before.append(kind, payload);
    let kind = u8::try_from(kind).map_err(|_| ReadError::Damaged)?;
    step.put(&head.len, &LogRow { kind, hash: *payload, head: head.head });
    step.put(&half(payload), &LoggedRow { number: head.len });
    step.put(&(), &LogHeadRow { head });
    Ok(())
}

/// The entries behind a number, as many as a part holds.
fn part_of<V: View>(step: &Step<'_, V>, from: u64) -> Result<LogPart, ReadError> {
    let mut entries = Vec::new();
    let mut next = from.saturating_add(1);
    let until = row_key(LogRow::KIND, &()).after_prefix();
    while entries.len() < limits::LOG_PART_ENTRIES * ENTRY {
        let page = step.page::<LogRow>(&row_key(LogRow::KIND, &next), until.as_ref(), limits::PAGE_ROWS)?;
        let full = page.len() == limits::PAGE_ROWS;
        for (number, row) in page {
            entries.push(row.kind);
            entries.extend_from_slice(&row.hash);
            next = number.saturating_add(1);
        }
        if !full {
            break;
        }
    }
    entries.truncate(limits::LOG_PART_ENTRIES * ENTRY);
    Ok(LogPart { from, entries })
}

fn half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (slot, byte) in half.iter_mut().zip(hash) {
        *slot = *byte;
    }
    half
}
