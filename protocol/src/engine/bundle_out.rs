//! A bundle for a member: what waits for it, sealed in the same cells that a connection would carry (protocol.md 3.2, 3.9).
//!
//! The command line asks for one part after another and writes them into a file; the place in between is the caller's, so an
//! export that is given up costs nothing. Nothing leaves the outbox here: a message waits until its receiver confirms it, by a
//! later bundle or over a connection, or until its end (decisions/0040-bundles-confirm-messages.md). What remains: whoever
//! finds the file reads from whom and for whom it is, when it was made and how many cells of each size it holds. How much is
//! said about claims shows in steps of a doubling number of bags only.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{MemberId, MsgId, UserId, limits};
use crate::engine::answer::{Answer, Failure};
use crate::engine::bundle_in::{COMMITTED_IDS, CommittedBody};
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::job::{Job, JobClass};
use crate::engine::receive::kind;
use crate::engine::rows::{CarriedRow, Lane, OutRow, Outgoing};
use crate::engine::search::is_whole;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{CellKind, Message, Unverified, packed_len};
use crate::private_match::Family;
use crate::private_match::owner::{SetOut, SetPart};
use crate::private_match::querier::{OpenRequestRow, RequestRow};

/// Bags of a bundle at least; more are a power of two, empty ones included.
const BAGS: u32 = 4;
/// Bags of a bundle at most: 2 MiB. What is beyond them waits for the next one.
const MOST_BAGS: u32 = 64;
/// Pages of confirmations that one bundle takes along.
const CONFIRMATION_PAGES: usize = 16;
/// Requests whose elements are held until they are asked for.
const BLINDED: usize = 4;
/// How long a caller waits for a request's elements before it asks again.
const WAIT_MS: u32 = 100;

/// How far a bundle is. The caller gives back what the last answer named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case", deny_unknown_fields)]
pub enum BundlePlace {
    /// Confirmations, receipts of sets, refusals.
    Papers,
    /// Bags behind this number of the outbox.
    Bags {
        /// The last number that went out.
        after: u64,
        /// Bags made so far.
        made: u32,
    },
    /// Answers to evaluations behind this number of the outbox.
    Answers {
        /// The last number that went out.
        after: u64,
    },
    /// Requests to evaluate behind this one.
    Requests {
        /// The last one that went out.
        after: Option<MsgId>,
    },
    /// The set of a family that the member has not confirmed.
    Set {
        /// Family, from 1.
        family: u8,
        /// Sequence of the set; 0 before it is looked at.
        set_seq: u64,
        /// Segments that went out; the manifest goes before the first.
        done: u32,
    },
}

/// Why a bundle is not made, or holds public messages alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarryProblem {
    /// The member does not take part, here or in the network.
    #[error("the member does not take part")]
    NotTakingPart,
    /// No sealing key of the member is held that is good now.
    #[error("no sealing key of the member is held that is good now")]
    NoKey,
    /// The roster at this node was not confirmed for too long.
    #[error("the roster at this node was not confirmed for too long")]
    RosterOld,
}

/// Member, lane and number of a row of the outbox.
type OutId = (MemberId, u8, u64);
/// Items, and where the next part begins.
type Part = (Vec<Vec<u8>>, Option<BundlePlace>);
/// Messages of a set that is begun; its number and how many of its segments are among them.
type Begun = (Vec<Vec<u8>>, (u64, u32));

impl Engine {
    /// The next part of a bundle; the first one is what is public.
    pub(super) fn bundle_part<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        to: MemberId,
        place: Option<BundlePlace>,
    ) -> Result<Answer, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        if self.me()? == to {
            return Err(Failure::OwnMember);
        }
        if !held.roster.members.iter().any(|listed| listed.id == to) {
            return Err(Failure::Unknown);
        }
        let problem = self.carry_problem(step, &to);
        if problem == Some(CarryProblem::NotTakingPart) {
            return Err(Failure::Carry(CarryProblem::NotTakingPart));
        }
        let mut wait_ms = 0;
        let (items, next) = match place {
            None => self.bundle_begins(step, user, &to, problem)?,
            // The roster ran out, or the member's key, while the bundle was made.
            Some(_) if let Some(problem) = problem => return Err(Failure::Carry(problem)),
            Some(BundlePlace::Papers) => self.papers(step, &to)?,
            Some(BundlePlace::Bags { after, made }) => self.bag_part(step, &to, after, made)?,
            Some(BundlePlace::Answers { after }) => self.answer_part(step, &to, after)?,
            Some(BundlePlace::Requests { after }) => {
                let (part, waits) = self.request_part(step, &to, after)?;
                wait_ms = if waits { WAIT_MS } else { 0 };
                part
            }
            Some(BundlePlace::Set { family, set_seq, done }) => self.set_part(step, &to, family, set_seq, done)?,
        };
        Ok(Answer::BundlePart { items, next, wait_ms, only_public: problem, made: step.wall().seconds() })
    }

    fn carry_problem<V: View>(&self, step: &Step<'_, V>, to: &MemberId) -> Option<CarryProblem> {
        if self.taking_part(to).is_none() {
            Some(CarryProblem::NotTakingPart)
        } else if !self.may_exchange() {
            Some(CarryProblem::RosterOld)
        } else if self.keys_of(to, step.wall()).is_none() {
            Some(CarryProblem::NoKey)
        } else {
            None
        }
    }

    fn bundle_begins<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        to: &MemberId,
        problem: Option<CarryProblem>,
    ) -> Result<Part, Failure> {
        trail::record(step, Some(user), Act::BundleMade, &[], Some(*to))?;
        let Answer::Public { items } = self.give_public(step)? else { return Err(Failure::NotJoined) };
        if problem.is_none() {
            self.end_old(step, to)?;
            // What waited until the member's keys were known, or a budget has refilled, becomes a request.
            self.due(step, step.wall(), Due::Gather(*to));
        }
        Ok((items, problem.is_none().then_some(BundlePlace::Papers)))
    }

    /// What ran out while no connection came: rows of sets and evaluations leave the outbox, requests are made anew.
    fn end_old<V: View>(&mut self, step: &mut Step<'_, V>, to: &MemberId) -> Result<(), ReadError> {
        let now = step.wall();
        for lane in [Lane::Eval, Lane::Set] {
            for (id, row) in rows_behind(step, to, lane, 0)? {
                if row.expires < now.seconds() && step.size() < limits::STEP_BYTES {
                    Self::take_out(step, &id)?;
                }
            }
        }
        for ((_, request), _) in step.under::<OpenRequestRow>(&row_key(OpenRequestRow::KIND, to), limits::PAGE_ROWS)? {
            let Some(row) = step.get::<RequestRow>(&request)?.filter(|row| row.expires <= now.seconds()) else { continue };
            if step.size() < limits::STEP_BYTES {
                self.ask_anew(step, request, &row, now)?;
            }
        }
        Ok(())
    }

    fn papers<V: View>(&mut self, step: &mut Step<'_, V>, to: &MemberId) -> Result<Part, ReadError> {
        let mut papers = self.confirmations(step, to)?;
        papers.extend(waiting_of(step, to, Lane::Set, kind::SET_RECEIPT)?);
        let refusals = waiting_of(step, to, Lane::Eval, kind::ERROR)?;
        let mut items = self.cells_of(step, to, CellKind::Set, papers);
        items.extend(self.cells_of(step, to, CellKind::Eval, refusals));
        Ok((items, Some(BundlePlace::Bags { after: 0, made: 0 })))
    }

    /// What came from the member in bundles: it need not send that again.
    fn confirmations<V: View>(&self, step: &mut Step<'_, V>, to: &MemberId) -> Result<Vec<Vec<u8>>, ReadError> {
        let now = step.wall().seconds();
        let rows = step.pages::<CarriedRow>(&row_key(CarriedRow::KIND, to), CONFIRMATION_PAGES)?;
        let ids: Vec<MsgId> = rows.into_iter().filter(|(_, row)| row.expires >= now).map(|((_, id), _)| id).collect();
        let mut messages = Vec::new();
        for messages_of_one in ids.chunks(COMMITTED_IDS) {
            let body = CommittedBody { messages: messages_of_one.to_vec() };
            messages.push(self.signed(step, to, kind::COMMITTED, &body)?);
        }
        Ok(messages)
    }

    /// Seals messages in order, as many in a cell as its largest class holds.
    fn cells_of<V: View>(&self, step: &mut Step<'_, V>, to: &MemberId, kind: CellKind, messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let [_, largest] = kind.classes();
        let (mut cells, mut open) = (Vec::new(), Vec::new());
        for message in messages {
            open.push(message);
            if packed_len(&open) > largest {
                let last = open.pop();
                cells.extend(self.make_cell(step, to, kind, &open));
                open = last.into_iter().collect();
            }
        }
        if !open.is_empty() {
            cells.extend(self.make_cell(step, to, kind, &open));
        }
        cells
    }

    /// One bag. Their number shows outside, so it is [`BAGS`] or a larger power of two, whatever waits.
    fn bag_part<V: View>(&mut self, step: &mut Step<'_, V>, to: &MemberId, after: u64, made: u32) -> Result<Part, Failure> {
        // Claims wait for a bag, and this is one.
        self.release_claims(step, to)?;
        let (messages, last) = self.fill_bag(step, to, after)?;
        let bag = self.make_cell(step, to, CellKind::Bag, &messages).ok_or(Failure::Carry(CarryProblem::NoKey))?;
        let made = made.saturating_add(1);
        let last = last.unwrap_or(after);
        let has_more = made < MOST_BAGS && !rows_behind(step, to, Lane::Bag, last)?.is_empty();
        let is_round = made >= BAGS && made.is_power_of_two();
        let next = if has_more || !is_round && made < MOST_BAGS {
            BundlePlace::Bags { after: last, made }
        } else {
            BundlePlace::Answers { after: 0 }
        };
        Ok((vec![bag], Some(next)))
    }

    /// Messages behind a number of the outbox that fill one bag, and the last number that was looked at.
    fn fill_bag<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        after: u64,
    ) -> Result<(Vec<Vec<u8>>, Option<u64>), ReadError> {
        let most = self.held.as_ref().map_or(0, |held| usize::try_from(held.roster.pace.bag_bytes).unwrap_or(0));
        let (mut messages, mut last) = (Vec::new(), None);
        for (id, row) in rows_behind(step, to, Lane::Bag, after)? {
            let Outgoing::Signed(mut bytes) = row.what else { continue };
            if row.expires <= step.wall().seconds() {
                if step.size() > limits::STEP_BYTES {
                    break;
                }
                match self.make_anew(step, &id, &bytes, row.expires)? {
                    Some(anew) => bytes = anew,
                    None => {
                        Self::take_out(step, &id)?;
                        continue;
                    }
                }
            }
            messages.push(bytes);
            if packed_len(&messages) > most {
                messages.pop();
                // One that fits no bag at all must not stop those behind it.
                last = last.or_else(|| messages.is_empty().then_some(id.2));
                break;
            }
            last = Some(id.2);
        }
        Ok((messages, last))
    }

    fn answer_part<V: View>(&mut self, step: &mut Step<'_, V>, to: &MemberId, after: u64) -> Result<Part, ReadError> {
        for (id, row) in rows_behind(step, to, Lane::Eval, after)? {
            let Outgoing::Answer { blob, .. } = row.what else { continue };
            let message = step.read_blob(blob)?;
            let items = self.make_cell(step, to, CellKind::Eval, &[message]).into_iter().collect();
            return Ok((items, Some(BundlePlace::Answers { after: id.2 })));
        }
        Ok((Vec::new(), Some(BundlePlace::Requests { after: None })))
    }

    /// One request; true if its elements are being made.
    fn request_part<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        after: Option<MsgId>,
    ) -> Result<(Part, bool), ReadError> {
        let kind = OpenRequestRow::KIND;
        let until = row_key(kind, to).after_prefix();
        let from = match after {
            Some(after) => row_key(kind, &(*to, after)).after_prefix().unwrap_or_default(),
            None => row_key(kind, to),
        };
        let epoch = self.keys_of(to, step.wall()).map(|keys| keys.keys.voprf.epoch);
        for ((_, request), _) in step.page::<OpenRequestRow>(&from, until.as_ref(), limits::PAGE_ROWS)? {
            let good = |row: &RequestRow| row.expires > step.wall().seconds() && Some(row.epoch) == epoch;
            let Some(row) = step.get::<RequestRow>(&request)?.filter(good) else { continue };
            // What lacks a record that was erased is asked anew, and goes with the next bundle.
            if self.running.finalizing.contains(&request) || !is_whole(step, &row)? {
                continue;
            }
            if let Some(bytes) = self.running.carried.remove(&request).flatten() {
                let items = self.make_cell(step, to, CellKind::Eval, &[bytes]).into_iter().collect();
                return Ok(((items, Some(BundlePlace::Requests { after: Some(request) })), false));
            }
            self.blind_for_bundle(step, request, &row)?;
            return Ok(((Vec::new(), Some(BundlePlace::Requests { after })), true));
        }
        let next = BundlePlace::Set { family: Family::Registered as u8, set_seq: 0, done: 0 };
        Ok(((Vec::new(), Some(next)), false))
    }

    fn blind_for_bundle<V: View>(&mut self, step: &mut Step<'_, V>, request: MsgId, row: &RequestRow) -> Result<(), ReadError> {
        self.running.carried.insert(request, None);
        if self.running.carried.len() > BLINDED {
            let other = self.running.carried.keys().find(|held| **held != request).copied();
            let _forgotten = other.map(|other| self.running.carried.remove(&other));
        }
        if self.running.blinding.insert(request) {
            let work = Job::Blind(self.blind_batch(step, request, row)?);
            self.running.start(step, JobFor::Blind(request, row.owner), JobClass::Answer, work);
        }
        Ok(())
    }

    /// A manifest or a segment of a set that the member has not confirmed.
    fn set_part<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        family: u8,
        set_seq: u64,
        done: u32,
    ) -> Result<Part, ReadError> {
        let next_family = match family {
            1 => Some(BundlePlace::Set { family: 2, set_seq: 0, done: 0 }),
            _ => None,
        };
        let of = if family == Family::Registered as u8 { Family::Registered } else { Family::Sought };
        let Some(out) = step.get::<SetOut>(&(*to, of))? else { return Ok((Vec::new(), next_family)) };
        // A set that was replaced while the bundle is made is left: what follows goes on from what the member confirmed.
        let begun = step.get::<SetPart>(&(*to, of, set_seq))?;
        let is_open = begun.as_ref().is_some_and(|part| usize::try_from(done).is_ok_and(|done| done < part.segments.len()));
        let (messages, place) = if is_open {
            let message = self.segment_message(step, to, of, set_seq, done)?;
            (message.into_iter().collect(), (set_seq, done.saturating_add(1)))
        } else {
            let have = if begun.is_some() { set_seq } else { out.confirmed_seq };
            let Some(next) = out.next_after(have) else { return Ok((Vec::new(), next_family)) };
            self.set_begins(step, to, of, next)?
        };
        let items = self.make_cell(step, to, CellKind::Set, &messages).into_iter().collect();
        Ok((items, Some(BundlePlace::Set { family, set_seq: place.0, done: place.1 })))
    }

    /// The manifest of a set, and all of it where that is little; with how far the set is then.
    fn set_begins<V: View>(
        &self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        family: Family,
        set_seq: u64,
    ) -> Result<Begun, ReadError> {
        let part = step.get::<SetPart>(&(*to, family, set_seq))?.ok_or(ReadError::Damaged)?;
        let mut messages = vec![self.signed(step, to, kind::SET_MANIFEST, &part.manifest)?];
        let mut done = 0;
        if part.manifest.comes_whole() {
            for index in (0u32..).take(part.segments.len()) {
                messages.extend(self.segment_message(step, to, family, set_seq, index)?);
                done = index.saturating_add(1);
            }
        }
        Ok((messages, (set_seq, done)))
    }
}

/// Rows of a lane behind a number, one page.
pub(super) fn rows_behind<V: View>(
    step: &Step<'_, V>,
    to: &MemberId,
    lane: Lane,
    after: u64,
) -> Result<Vec<(OutId, OutRow)>, ReadError> {
    let from = row_key(OutRow::KIND, &(*to, lane.number(), after.saturating_add(1)));
    let until = row_key(OutRow::KIND, &(*to, lane.number())).after_prefix();
    step.page::<OutRow>(&from, until.as_ref(), limits::PAGE_ROWS)
}

/// Signed messages of one type that wait on a lane.
fn waiting_of<V: View>(step: &Step<'_, V>, to: &MemberId, lane: Lane, wanted: u64) -> Result<Vec<Vec<u8>>, ReadError> {
    let rows = rows_behind(step, to, lane, 0)?.into_iter();
    Ok(rows
        .filter_map(|(_, row)| match row.what {
            Outgoing::Signed(bytes) => Some(bytes),
            _ => None,
        })
        .filter(|bytes| {
            Unverified::<Message>::parse(bytes, limits::ITEM_BYTES).is_ok_and(|message| message.claimed_kind() == wanted)
        })
        .collect())
}
