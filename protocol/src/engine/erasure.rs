//! Erasing a record: one user asks, another one does it, and from that commit on nothing meets the record any more.
//!
//! One tombstone makes it invisible together with the index row, which says `off`; the record itself, its salts, its number and
//! what was asked about it go in the same step. Tags go by the index's removal job, and with them its labels leave every set by
//! the next round. What may be more than a step holds goes behind it, in `remains`. What is not reached: a set that a peer
//! holds until it fetches the next delta, what other members were told, and the free space of the disk.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{PersonId, UserId, limits};
use crate::casework::case::SaltedPerson;
use crate::casework::claim::{ClaimIn, HolderEvent, HolderState};
use crate::casework::erasure::{ErasedRow, ErasingRow, ErasureAsked, ErasureBasis};
use crate::engine::answer::{Answer, ErasureLine, ErasureProblem, ErasureView, Failure};
use crate::engine::core::Engine;
use crate::engine::effect::NoticeCode;
use crate::engine::households::ties_of;
use crate::engine::lookup;
use crate::engine::rows::Due;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::person::PersonRecord;
use crate::person::record::Role;
use crate::private_match::Family;
use crate::private_match::household::Tie;
use crate::private_match::owner::IndexRow;

/// Pages of claims that a plan looks through, as many as the list of candidates.
const CLAIM_PAGES: usize = 16;

impl Engine {
    /// Whether a record was erased: whoever writes of it what an earlier step began asks first.
    pub(super) fn is_erased<V: View>(step: &Step<'_, V>, person: &PersonId) -> Result<bool, ReadError> {
        Ok(step.get::<ErasedRow>(person)?.is_some())
    }

    /// What an erasure would take with it; changes nothing.
    pub(super) fn erase_plan<V: View>(&self, step: &Step<'_, V>, text: &str) -> Result<Answer, Failure> {
        let (person, _) = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&person)?;
        Self::view(step, person, if asked.is_some() { "asked" } else { "none" }, asked)
    }

    /// The first user asks. Nothing of the record changes.
    // ER-1.
    pub(super) fn erase_request<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
        basis: ErasureBasis,
    ) -> Result<Answer, Failure> {
        let (person, _) = self.to_erase(step, text)?;
        if step.get::<ErasureAsked>(&person)?.is_some() {
            return Err(Failure::Erasure(ErasureProblem::Asked));
        }
        let asked = ErasureAsked { basis, user, at: step.wall() };
        step.put(&person, &asked);
        trail::record(step, Some(user), Act::ErasureAsked, &person.0, None)?;
        Self::view(step, person, "asked", Some(asked))
    }

    /// Anybody takes it back before a second user did it.
    pub(super) fn erase_withdraw<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
    ) -> Result<Answer, Failure> {
        let (person, _) = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&person)?.ok_or(Failure::Erasure(ErasureProblem::NotAsked))?;
        step.remove::<ErasureAsked>(&person);
        trail::record(step, Some(user), Act::ErasureWithdrawn, &person.0, None)?;
        Self::view(step, person, "withdrawn", Some(asked))
    }

    /// The second user does it.
    pub(super) fn erase_run<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, text: &str) -> Result<Answer, Failure> {
        let (person, record) = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&person)?.ok_or(Failure::Erasure(ErasureProblem::NotAsked))?;
        if asked.user == user {
            return Err(Failure::SecondPerson);
        }
        // Told with the answer, since afterwards nothing says it.
        let answer = Self::view(step, person, "erased", Some(asked))?;
        trail::record_two(step, asked.user, user, Act::PersonErased, &person.0, None)?;
        self.erase(step, person, &record, asked.basis)?;
        Ok(answer)
    }

    /// Erasures that wait for a second user.
    pub(super) fn erase_list<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let waiting = step.under::<ErasureAsked>(&row_key(ErasureAsked::KIND, &()), limits::PAGE_ROWS)?;
        Ok(Answer::Erasures { erasures: waiting.into_iter().map(|(person, asked)| line(person, asked)).collect() })
    }

    /// The record that a text names, while the records are open; says where it was erased.
    fn to_erase<V: View>(&self, step: &Step<'_, V>, text: &str) -> Result<(PersonId, PersonRecord), Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        match lookup::find::<V, PersonRecord>(step, text, PersonRecord::KIND, PersonId::LETTER) {
            Err(Failure::Unknown) => {
                lookup::find::<V, ErasedRow>(step, text, ErasedRow::KIND, PersonId::LETTER)?;
                Err(Failure::Erasure(ErasureProblem::Erased))
            }
            found => found,
        }
    }

    // ER-2.
    /// Makes a record invisible in one step, with all of it that is small; the rest follows.
    fn erase<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        person: PersonId,
        record: &PersonRecord,
        basis: ErasureBasis,
    ) -> Result<(), ReadError> {
        // An erasure goes through on a full disk.
        step.use_ballast();
        step.put(&person, &ErasedRow { basis, at: step.wall() });
        step.put(&person, &ErasingRow {});
        step.remove::<ErasureAsked>(&person);
        // An enquirer that may be found is known by its case, and comes from no file.
        if record.role == Role::Registered {
            Self::erase_reference(step, person, record)?;
        }
        step.remove::<PersonRecord>(&person);
        step.remove::<SaltedPerson>(&person);
        let id = (Family::Registered, person.into());
        self.unindex(step, Family::Registered, person.into())?;
        if let Some(mut row) = step.get::<IndexRow>(&id)? {
            // The keys stay for the job that finds the tags by them.
            row.leaves.clear();
            step.put(&id, &row);
        }
        self.due(step, step.wall(), Due::Erase(person));
        let closed = self.erase_small(step, &person)?;
        step.notify(NoticeCode::RecordErased, None, closed);
        Ok(())
    }

    fn view<V: View>(step: &Step<'_, V>, person: PersonId, state: &str, asked: Option<ErasureAsked>) -> Result<Answer, Failure> {
        let (mut claims, mut told) = (0, Vec::new());
        for (_, claim) in step.pages::<ClaimIn>(&row_key(ClaimIn::KIND, &()), CLAIM_PAGES)? {
            if claim.person != Some(person) {
                continue;
            }
            claims += u32::from(claim.state.next(HolderEvent::Close).is_some() || claim.state == HolderState::Claimed);
            if matches!(claim.state, HolderState::Disclosed | HolderState::Ended) && !told.contains(&claim.seeker) {
                told.push(claim.seeker);
            }
        }
        let is_same = |why: &u8| why & Tie::Duplicate.bit() != 0;
        let same = ties_of(step, person)?.into_iter().filter(|(_, why)| is_same(why)).map(|(other, _)| other).collect();
        let asked = asked.map(|asked| line(person, asked));
        Ok(Answer::Erasure(Box::new(ErasureView { person, state: state.to_owned(), asked, claims, told, same })))
    }
}

fn line(person: PersonId, asked: ErasureAsked) -> ErasureLine {
    ErasureLine { person, basis: asked.basis, asked_by: asked.user, asked_at: asked.at.seconds() }
}
