//! What a holder's people do with hits of protected records: they look, and two of them may claim (protocol.md 2.14).
//!
//! A claim tells the seeker's society that this node holds such a record, so it is never automatic and no policy makes it so:
//! one user asks for it, a second one confirms. From the answer on it is a candidate like any other: attributes come from the
//! seeker, people review, the person consents, the disclosure opens what the claim committed to.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{ClaimId, MemberId, PersonId, UserId, limits};
use crate::casework::claim::{ClaimIn, HolderEvent, HolderState};
use crate::casework::commitment::Commitment;
use crate::casework::messages::{CLAIM_ROOT, Claim, ClaimAnswer, ClaimStatus, kind};
use crate::engine::answer::{Answer, AskHitLine, AskingLine, Block, Failure};
use crate::engine::asking::{asked, entry_of, wait, wait_no_more};
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::rows::Lane;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::person::PersonRecord;
use crate::private_match::asking::{AskHit, AskRow, LAST_RANK, OpenedRow, Proposal};
use crate::private_match::owner::IndexRow;
use crate::private_match::querier::{QueryRow, WaitingRow};
use crate::private_match::{Family, Tag};

/// Pages of hits that a list looks through.
const LIST_PAGES: usize = 16;

impl Engine {
    /// Hits of protected records, for the people who decide about them: only where the records are open, and each look is
    /// recorded.
    pub(super) fn ask_hits<V: View>(&self, step: &mut Step<'_, V>, user: UserId) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let mut hits = Vec::new();
        for ((person, member), hit) in step.pages::<AskHit>(&row_key(AskHit::KIND, &()), LIST_PAGES)? {
            let is_open = asked(step, Family::Sought, &entry_of(person))?.is_some_and(|asked| asked.is_open);
            if !is_open || self.taking_part(&member).is_none() {
                continue;
            }
            let state = match hit.claim {
                Some(claim) => claim_word(step, claim)?,
                None if hit.proposed.is_some() => "asked",
                None => "held",
            };
            hits.push(AskHitLine {
                person,
                member,
                hits: u32::try_from(hit.keys.len()).unwrap_or(u32::MAX),
                state: state.to_owned(),
                asked_by: hit.proposed.map(|proposal| proposal.user),
                candidate: hit.claim,
            });
        }
        trail::record(step, Some(user), Act::AskHitsViewed, &[], None)?;
        Ok(Answer::AskHits { hits })
    }

    /// One user asks for a claim, another one confirms it. The same user twice changes nothing.
    pub(super) fn ask_claim<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        member: MemberId,
    ) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let (person, _) = lookup::find::<V, AskRow>(step, text, AskRow::KIND, PersonId::LETTER)?;
        let mut hit = step.get::<AskHit>(&(person, member))?.ok_or(Failure::Unknown)?;
        if !asked(step, Family::Sought, &entry_of(person))?.is_some_and(|asked| asked.is_open) {
            return Err(Failure::Unknown);
        }
        if let Some(claim) = hit.claim {
            return Err(Failure::State { state: claim_word(step, claim)?.to_owned() });
        }
        if self.taking_part(&member).is_none() {
            return Err(Failure::Unknown);
        }
        let record = step.get::<PersonRecord>(&person)?.ok_or(Failure::Damaged)?;
        if !record.audience.admits(&member) {
            return Err(Failure::Blocked(Block::Audience));
        }
        if !self.may_exchange() {
            return Err(Failure::RosterOld);
        }
        let first = match hit.proposed {
            Some(proposal) if proposal.user != user => proposal.user,
            Some(_) => return Ok(Answer::SecondNeeded { person, member, asked_by: user }),
            None => {
                hit.proposed = Some(Proposal { user, at: step.wall() });
                step.put(&(person, member), &hit);
                trail::record(step, Some(user), Act::SecondAsked, &person.0, Some(member))?;
                return Ok(Answer::SecondNeeded { person, member, asked_by: user });
            }
        };
        // An honest holder does not run into the seeker's caps, beyond which a claim meets nothing.
        if !self.take_room(step, &member)? {
            return Err(Failure::State { state: "too_many_claims".to_owned() });
        }
        let claim = self.claim_for_record(step, person, member, hit)?;
        trail::record(step, Some(first), Act::Claimed, &claim.0, Some(member))?;
        trail::record(step, Some(user), Act::Claimed, &claim.0, Some(member))?;
        Ok(Answer::Claimed { claim })
    }

    fn claim_for_record<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        person: PersonId,
        member: MemberId,
        mut hit: AskHit,
    ) -> Result<ClaimId, ReadError> {
        let query = step.get::<QueryRow>(&(member, Family::Sought, entry_of(person)))?.ok_or(ReadError::Damaged)?;
        let index = step.get::<IndexRow>(&(Family::Registered, person.into()))?.ok_or(ReadError::Damaged)?;
        // Fresh for each claim: what a disclosure will open is fixed before any attribute is seen (protocol.md 2.8).
        let commitment = Commitment::draw(&index.leaves, &mut step.draw).map_err(|_| ReadError::Damaged)?;
        let attr_root = commitment.root().map_err(|_| ReadError::Damaged)?;
        let claim_id = ClaimId::draw(&mut step.draw);
        let tags: Vec<Tag> = hit.keys.iter().take(limits::TAGS_A_CLAIM).map(|(_, tag)| *tag).collect();
        let row = ClaimIn {
            seeker: member,
            case_ref: query.case_ref,
            epoch: hit.epoch,
            tags: tags.clone(),
            attr_root,
            state: HolderState::Claimed,
            person: Some(person),
            roots: Vec::new(),
            root_index: CLAIM_ROOT,
            leaves: commitment.leaves().to_vec(),
            close_not_before: step.wall(),
            received: step.wall(),
            outcome: None,
            mention: None,
            family: Family::Sought,
            beyond: false,
            asked: false,
            supplemented: false,
            opened: None,
        };
        step.put(&claim_id, &row);
        let body = Claim {
            claim_id,
            case_ref: query.case_ref,
            epoch: hit.epoch,
            set_seq: hit.set_seq,
            family: Family::Sought,
            tags,
            attr_root,
        };
        hit.claim = Some(claim_id);
        step.put(&(person, member), &hit);
        self.post(step, &member, Lane::Bag, kind::CLAIM, None, &body)?;
        Ok(claim_id)
    }

    /// The seeker's answer to a claim of this holder: three roots, one of which its attributes may open.
    pub(super) fn ask_answered<V: View>(
        &self,
        step: &mut Step<'_, V>,
        from: MemberId,
        answer: &ClaimAnswer,
    ) -> Result<(), Refusal> {
        let claim = step.get::<ClaimIn>(&answer.claim_id)?;
        let mut claim = claim.filter(|claim| claim.seeker == from && claim.family == Family::Sought).ok_or(Refusal::State)?;
        let event = match answer.status {
            ClaimStatus::Candidate => HolderEvent::FoundRecord,
            ClaimStatus::None => HolderEvent::FoundNone,
        };
        // Any other state has no place for an answer; `Delayed` is the other side's own.
        if claim.state != HolderState::Claimed {
            return Err(Refusal::State);
        }
        claim.state = claim.state.next(event).ok_or(Refusal::State)?;
        claim.roots.clone_from(&answer.roots);
        step.put(&answer.claim_id, &claim);
        if event == HolderEvent::FoundNone {
            self.claim_left(step, &claim)?;
        } else {
            self.await_attributes(step, answer.claim_id);
        }
        trail::record(step, None, Act::AnswerCame, &answer.claim_id.0, Some(from))?;
        Ok(())
    }

    /// The operator's order among the records that wait at owners whose budget is short.
    pub(super) fn ask_priority<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        rank: u8,
    ) -> Result<Answer, Failure> {
        if rank > LAST_RANK {
            return Err(Failure::TooMany { limit: u32::from(LAST_RANK) });
        }
        let (person, mut row) = lookup::find::<V, AskRow>(step, text, AskRow::KIND, PersonId::LETTER)?;
        let old = row.rank;
        row.rank = rank;
        step.put(&person, &row);
        for owner in self.peers() {
            let id = (owner, Family::Sought, old, entry_of(person));
            if let Some(waiting) = step.get::<WaitingRow>(&id)?.filter(|_| old != rank) {
                wait_no_more(step, &id)?;
                wait(step, (owner, Family::Sought, entry_of(person)), rank, waiting.not_before)?;
            }
        }
        trail::record(step, Some(user), Act::AskPrioritySet, &person.0, None)?;
        Ok(Answer::AskPriority { person, rank })
    }

    /// How far asking is: the records, the members, and how many records wait where most do.
    pub(super) fn asking_line<V: View>(&self, step: &Step<'_, V>) -> Result<AskingLine, ReadError> {
        let records = step.pages::<AskRow>(&row_key(AskRow::KIND, &()), LIST_PAGES)?.len();
        let mut waiting = 0;
        let peers = self.peers();
        for owner in &peers {
            waiting = waiting.max(step.get::<OpenedRow>(&(*owner, Family::Sought))?.unwrap_or_default().waiting);
        }
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        Ok(AskingLine { records, members: u32::try_from(peers.len()).unwrap_or(u32::MAX), waiting })
    }
}

/// The word for a claim that was made: raw answers are told to nobody, a candidate is in its own list.
fn claim_word<V: View>(step: &Step<'_, V>, claim: ClaimId) -> Result<&'static str, ReadError> {
    let state = step.get::<ClaimIn>(&claim)?.map(|claim| claim.state);
    Ok(match state {
        Some(HolderState::None) | None => "nothing",
        Some(HolderState::Claimed) => "claimed",
        Some(state) => state.word(),
    })
}
