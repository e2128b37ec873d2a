//! A bundle that an operator brings: each item is judged as if a connection had brought it (protocol.md 3.2, 3.4).
//!
//! Items come one a command, so that an import that is broken off is given once more and changes nothing twice. What was
//! committed is remembered, and the next bundle to its sender says so with type 24; then it leaves the sender's outbox. The
//! budget of decapsulations counts what a peer can cause by itself, so it does not count here.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::audit::Act;
use crate::base::{MemberId, MsgId, UserId, limits};
use crate::engine::answer::{Answer, Failure, PublicProblem};
use crate::engine::bundle_out::rows_behind;
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::input::Carrier;
use crate::engine::public::Taken;
use crate::engine::receive::kind;
use crate::engine::rows::{CarriedRow, Lane, OutRow, Outgoing};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Header, Item, Message, Refusal, Unverified};

/// Message ids in one confirmation, some 18 kB.
pub(super) const COMMITTED_IDS: usize = 1_024;
/// Evaluations of carried requests and responses that run at one time; the rest of the file waits.
const RUNNING: usize = 8;
/// How long an import waits for them.
const BUSY_MS: u32 = 200;
/// Answers that are kept for one querier, some 98 kB each at most. It asks again for those that went out before their time.
const ANSWERS: usize = 256;

/// Body of type 24: messages of the receiver that came in a bundle and are committed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CommittedBody {
    /// Their ids, 1 to 1,024.
    #[n(1)]
    pub messages: Vec<MsgId>,
}

/// What became of an item of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum BundleOutcome {
    /// A public message; true if it changed something.
    Public {
        /// False if it was known.
        changed: bool,
    },
    /// A public message that says less than what is held.
    Older,
    /// A cell that was opened.
    Cell {
        /// Who sealed it.
        from: MemberId,
        /// Messages in it.
        messages: u32,
        /// Of these, such as had not come before.
        fresh: u32,
    },
    /// Nothing was changed; the same item is given again after this time.
    Busy {
        /// Milliseconds.
        wait_ms: u32,
    },
    /// Refused whole.
    Refused {
        /// Code of protocol.md 3.7.
        code: u8,
    },
}

impl Engine {
    /// One item of a bundle; `first` says that a file begins with it.
    pub(super) fn bundle_take<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        item: &[u8],
        first: bool,
    ) -> Result<Answer, Failure> {
        if self.held.is_none() {
            return Err(Failure::NotJoined);
        }
        if first {
            trail::record(step, Some(user), Act::BundleTaken, &[], None)?;
        }
        let outcome = match Item::parse(item) {
            Ok(Item::Cell(cell)) => {
                let mark = step.mark();
                let outcome = self.has_room().and_then(|()| self.accept_cell(step, &cell, Carrier::File));
                match outcome {
                    Ok((from, messages, fresh)) => BundleOutcome::Cell { from, messages, fresh },
                    Err(refusal) => {
                        self.roll_back(step, mark);
                        refused(step, refusal)
                    }
                }
            }
            Ok(_) => match self.take_item(step, item, None) {
                Ok(taken) => BundleOutcome::Public { changed: taken == Taken::Accepted },
                Err((Failure::Public(PublicProblem::Rollback | PublicProblem::Behind | PublicProblem::Expired), _)) => {
                    BundleOutcome::Older
                }
                Err((_, refusal)) => refused(step, refusal),
            },
            Err(refusal) => refused(step, refusal),
        };
        Ok(Answer::BundleTaken { outcome })
    }

    /// A file brings more at once than a connection, which waits for a receipt after each item.
    fn has_room(&self) -> Result<(), Refusal> {
        let is_free = self.running.evaluating.len() < RUNNING && self.running.finalizing.len() < RUNNING;
        if is_free { Ok(()) } else { Err(Refusal::Busy) }
    }

    /// A message came in a bundle: its sender is told so by the next one. What its sender makes anew for each bundle, or is
    /// answered by another message, needs no word.
    pub(super) fn note_carried<V: View>(step: &mut Step<'_, V>, from: MemberId, header: &Header) {
        let needs_word = !matches!(header.kind, kind::SET_MANIFEST | kind::SET_SEGMENT | kind::COMMITTED | kind::EVAL_REQUEST);
        if needs_word {
            step.put(&(from, header.msg_id), &CarriedRow { expires: header.expires });
        }
    }

    /// Type 24: these of this node's messages are committed at their receiver.
    pub(super) fn committed_received<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        body: &CommittedBody,
    ) -> Result<(), Refusal> {
        if body.messages.is_empty() || body.messages.len() > COMMITTED_IDS {
            return Err(Refusal::Encoding);
        }
        let mut named = body.messages.clone();
        named.sort_unstable();
        for lane in [Lane::Eval, Lane::Set, Lane::Bag] {
            let mut after = 0;
            loop {
                let rows = rows_behind(step, &from, lane, after)?;
                let Some(((_, _, last), _)) = rows.last() else { break };
                after = *last;
                for (id, row) in &rows {
                    if id_of(row).is_some_and(|id| named.binary_search(&id).is_ok()) {
                        Self::take_out(step, id)?;
                    }
                }
                if rows.len() < limits::PAGE_ROWS {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether the answer to a carried request waits for a carrier already.
    pub(super) fn answer_waits<V: View>(step: &Step<'_, V>, querier: &MemberId, wanted: MsgId) -> Result<bool, ReadError> {
        let rows = rows_behind(step, querier, Lane::Eval, 0)?;
        Ok(rows.iter().any(|(_, row)| matches!(row.what, Outgoing::Answer { request, .. } if request == wanted)))
    }

    /// Keeps the answer to a request that came in a bundle until a bundle or a connection takes it.
    pub(super) fn keep_answer<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        querier: &MemberId,
        request: MsgId,
        header: &Header,
        bytes: Vec<u8>,
    ) -> Result<(), ReadError> {
        let rows = rows_behind(step, querier, Lane::Eval, 0)?;
        let mut kept = rows.iter().filter(|(_, row)| matches!(row.what, Outgoing::Answer { .. }));
        let count = kept.clone().count();
        if let Some((oldest, _)) = kept.next().filter(|_| count >= ANSWERS) {
            Self::take_out(step, oldest)?;
        }
        let blob = step.add_blob(bytes);
        let what = Outgoing::Answer { id: header.msg_id, request, blob };
        self.enqueue(step, querier, Lane::Eval, what, header.expires)
    }

    /// A request is not open any more: it need not leave.
    pub(super) fn forget_request<V: View>(step: &mut Step<'_, V>, owner: &MemberId, ended: MsgId) -> Result<(), ReadError> {
        for (id, row) in rows_behind(step, owner, Lane::Eval, 0)? {
            if matches!(row.what, Outgoing::Request(request) if request == ended) {
                Self::take_out(step, &id)?;
            }
        }
        Ok(())
    }

    /// Answers for a member that was shut out: their files go with the rows that named them.
    pub(super) fn drop_answers<V: View>(step: &mut Step<'_, V>, member: &MemberId) -> Result<(), ReadError> {
        for (id, row) in rows_behind(step, member, Lane::Eval, 0)? {
            if matches!(row.what, Outgoing::Answer { .. }) {
                Self::take_out(step, &id)?;
            }
        }
        Ok(())
    }
}

/// The id of a message that waits as it is.
fn id_of(row: &OutRow) -> Option<MsgId> {
    match &row.what {
        Outgoing::Signed(bytes) => {
            let message = Unverified::<Message>::parse(bytes, limits::ITEM_BYTES).ok()?;
            message.claimed_header().ok().map(|header| header.msg_id)
        }
        Outgoing::Answer { id, .. } => Some(*id),
        Outgoing::Segment { .. } | Outgoing::SetGet(_) | Outgoing::Manifest { .. } | Outgoing::Request(_) => None,
    }
}

fn refused<V: View>(step: &mut Step<'_, V>, refusal: Refusal) -> BundleOutcome {
    if refusal == Refusal::Busy {
        return BundleOutcome::Busy { wait_ms: BUSY_MS };
    }
    step.notify(NoticeCode::Refused, None, refusal.code());
    BundleOutcome::Refused { code: u8::try_from(refusal.code()).unwrap_or(u8::MAX) }
}
