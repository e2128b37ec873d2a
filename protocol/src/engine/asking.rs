//! Asking about protected records: an `ask_only` record is in no set, so its holder asks every owner of a set of sought
//! people (protocol.md 2.14).
//!
//! It goes through the search's own queue, requests and tests, in a family of its own. What is found stays in this node and
//! does nothing: `engine::ask_claims` shows it to people, who claim or leave it. Whoever looks at this node from outside sees
//! the same requests, padding and bags whether a record is looked for or not. What remains: an owner counts how many records
//! are asked about, padded to the unit of this member's class.

use crate::base::record::{Record, row_key};
use crate::base::{CaseRef, Epoch, MemberId, Millis, PersonId, Sensitive, SubjectId, Timestamp, limits};
use crate::casework::case::EndedRow;
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::person::MatchMode;
use crate::private_match::asking::{AskHit, AskRow, OpenedRow, RANK};
use crate::private_match::label::Tag;
use crate::private_match::owner::IndexRow;
use crate::private_match::querier::{QueryRow, SubjectRow, WaitingRow, add_keys, by_entry};
use crate::private_match::{EntryId, Family};

/// Records that one step looks at when a member takes part that did not.
const RECORDS_A_STEP: usize = 16;

/// A query's place: the owner, the family of the sets, and the entry that is asked about, by its id.
pub(super) type QueryId = (MemberId, Family, SubjectId);

/// What a query asks about.
pub(super) struct Asked {
    /// From which blinds and dummies derive.
    pub secret: Sensitive<[u8; 32]>,
    /// Labels of its keys in profile order, at most 48.
    pub keys: Vec<Sensitive<String>>,
    /// Its place in the queue.
    pub rank: u8,
    /// False where it is not asked about any more.
    pub is_open: bool,
}

/// What a query asks about: a subject in `registered`, a record in `sought`; none where it is gone.
pub(super) fn asked<V: View>(step: &Step<'_, V>, family: Family, subject: &SubjectId) -> Result<Option<Asked>, ReadError> {
    if family == Family::Registered {
        let Some(row) = step.get::<SubjectRow>(subject)? else { return Ok(None) };
        let is_open = row.searched && step.get::<EndedRow>(subject)?.is_none();
        return Ok(Some(Asked { secret: row.secret, keys: row.keys, rank: RANK, is_open }));
    }
    let person = EntryId::from(*subject).person();
    let (Some(row), Some(mut index)) =
        (step.get::<AskRow>(&person)?, step.get::<IndexRow>(&(Family::Registered, person.into()))?)
    else {
        return Ok(None);
    };
    index.keys.truncate(index.keys.len().saturating_sub(index.mentions.len()));
    let is_open = index.mode == MatchMode::AskOnly;
    Ok(Some(Asked { secret: row.secret, keys: index.keys, rank: row.rank, is_open }))
}

/// The entry of `sought` queries that stands for a record.
pub(super) fn entry_of(person: PersonId) -> SubjectId {
    EntryId::from(person).subject()
}

/// Puts a query into its owner's queue. `not_before` is a spent budget or a refused request.
pub(super) fn wait<V: View>(
    step: &mut Step<'_, V>,
    (owner, family, subject): QueryId,
    rank: u8,
    not_before: Timestamp,
) -> Result<(), ReadError> {
    let id = (owner, family, rank, subject);
    if step.get::<WaitingRow>(&id)?.is_none() {
        count(step, (owner, family), |row| row.waiting = row.waiting.saturating_add(1))?;
    }
    step.put(&id, &WaitingRow { not_before });
    Ok(())
}

/// Takes a query out of the queue.
pub(super) fn wait_no_more<V: View>(step: &mut Step<'_, V>, id: &(MemberId, Family, u8, SubjectId)) -> Result<(), ReadError> {
    if step.get::<WaitingRow>(id)?.is_some() {
        step.remove::<WaitingRow>(id);
        count(step, (id.0, id.1), |row| row.waiting = row.waiting.saturating_sub(1))?;
    }
    Ok(())
}

/// Changes what is counted at an owner; nothing is counted for a node's own searches.
pub(super) fn count<V: View>(
    step: &mut Step<'_, V>,
    id: (MemberId, Family),
    change: impl FnOnce(&mut OpenedRow),
) -> Result<(), ReadError> {
    if id.1 == Family::Sought {
        let mut row = step.get::<OpenedRow>(&id)?.unwrap_or_default();
        change(&mut row);
        step.put(&id, &row);
    }
    Ok(())
}

/// Queues an entry at an owner, if it was not asked about there. True if the query is a fresh one.
pub(super) fn queue_query<V: View>(step: &mut Step<'_, V>, id: QueryId, rank: u8) -> Result<bool, ReadError> {
    let (owner, family, subject) = id;
    let query = step.get::<QueryRow>(&id)?;
    let is_fresh = query.is_none();
    // What waited for a member that was shut out meanwhile was swept: it waits anew.
    let waits = step.get::<WaitingRow>(&(owner, family, rank, subject))?.is_some();
    if query.is_none_or(|query| query.request.is_none() && query.epoch == Epoch(0) && !waits) {
        if is_fresh {
            let case_ref = CaseRef::draw(&mut step.draw);
            step.put(&id, &QueryRow { case_ref, request: None, epoch: Epoch(0), tags: Vec::new() });
        }
        wait(step, id, rank, step.wall())?;
    }
    Ok(is_fresh)
}

impl Engine {
    /// A record that says `ask_only` was filed: it is asked about from now on.
    pub(super) fn begin_asking<V: View>(&self, step: &mut Step<'_, V>, person: PersonId) {
        let secret = Sensitive::new(step.draw.bytes());
        step.put(&person, &AskRow { secret, rank: RANK });
        self.due(step, step.wall(), Due::Ask(person));
    }

    /// A record left the index: nothing is asked about it any more, and what was found of it is gone with this step.
    pub(super) fn forget_asking<V: View>(&self, step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        let Some(row) = step.get::<AskRow>(&person)? else { return Ok(()) };
        step.remove::<AskRow>(&person);
        let subject = entry_of(person);
        for (id, _) in step.under::<AskHit>(&row_key(AskHit::KIND, &person), limits::MEMBERS)? {
            step.remove::<AskHit>(&id);
        }
        for owner in self.held.iter().flat_map(|held| &held.roster.members).map(|member| member.id) {
            // Only what is there: beside it other rows go in the same batch.
            if step.get::<QueryRow>(&(owner, Family::Sought, subject))?.is_some() {
                step.remove::<QueryRow>(&(owner, Family::Sought, subject));
            }
            wait_no_more(step, &(owner, Family::Sought, row.rank, subject))?;
        }
        Ok(())
    }

    /// Queues a record at every member. One without keys of its own is not asked about.
    pub(super) fn ask_about<V: View>(&mut self, step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        let subject = entry_of(person);
        let Some(asked) = asked(step, Family::Sought, &subject)?.filter(|asked| asked.is_open && !asked.keys.is_empty()) else {
            return Ok(());
        };
        let mut owners = self.peers();
        step.draw.shuffle(&mut owners);
        for owner in owners {
            queue_query(step, (owner, Family::Sought, subject), asked.rank)?;
            // Everything that is queued at this moment is in before the first request is built.
            self.due(step, step.wall() + Millis(1), Due::Gather(owner));
        }
        Ok(())
    }

    /// A member takes part that did not: protected records are asked about there as well, some a step.
    pub(super) fn ask_from<V: View>(&mut self, step: &mut Step<'_, V>, from: PersonId) -> Result<(), ReadError> {
        let until = row_key(AskRow::KIND, &()).after_prefix();
        let page = step.page::<AskRow>(&row_key(AskRow::KIND, &from), until.as_ref(), RECORDS_A_STEP + 1)?;
        for (place, (person, _)) in page.into_iter().enumerate() {
            if place == RECORDS_A_STEP || step.size() > limits::STEP_BYTES {
                self.due(step, step.wall(), Due::AskFrom(person));
                return Ok(());
            }
            self.ask_about(step, person)?;
        }
        Ok(())
    }

    /// How many cases of the next request may be new at an owner: what its class leaves this member there, in whole requests.
    pub(super) fn room_at<V: View>(&self, step: &Step<'_, V>, owner: &MemberId, family: Family) -> Result<usize, ReadError> {
        if family == Family::Registered {
            return Ok(usize::MAX);
        }
        let open = self.own.member.and_then(|me| self.class_of(&me, family)).map_or(0, |class| class.open);
        let refs = step.get::<OpenedRow>(&(*owner, family))?.unwrap_or_default().refs;
        let left = usize::try_from(open.saturating_sub(u64::from(refs))).unwrap_or(usize::MAX);
        let unit = self.padding_unit(family).max(1);
        Ok(left / unit * unit)
    }

    /// Hits of one slice of a test in a set of sought people: they are kept and do nothing. Repeating a slice changes
    /// nothing. False if not all of them fitted into this step.
    pub(super) fn ask_hits_found<V: View>(
        &self,
        step: &mut Step<'_, V>,
        owner: MemberId,
        set_seq: u64,
        hits: &[(SubjectId, u8, Tag)],
    ) -> Result<bool, ReadError> {
        for (subject, keys) in by_entry(hits) {
            if step.size() > limits::STEP_BYTES {
                return Ok(false);
            }
            let Some(query) = step.get::<QueryRow>(&(owner, Family::Sought, subject))? else { continue };
            let id = (EntryId::from(subject).person(), owner);
            let old = step.get::<AskHit>(&id)?;
            let mut row = old.clone().filter(|row| row.epoch == query.epoch).unwrap_or_else(|| AskHit {
                keys: Vec::new(),
                epoch: query.epoch,
                set_seq,
                proposed: old.as_ref().and_then(|row| row.proposed),
                claim: old.as_ref().and_then(|row| row.claim),
            });
            row.set_seq = set_seq;
            add_keys(&mut row.keys, keys);
            if old.as_ref() != Some(&row) {
                step.put(&id, &row);
            }
        }
        Ok(true)
    }
}
