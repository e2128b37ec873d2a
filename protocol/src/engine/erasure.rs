//! Erasing a record: one user asks, another one does it, and from that commit on nothing meets the record any more.
//!
//! One tombstone makes it invisible together with the index row, which says `off`; the record itself, its salts, its number and
//! what was asked about it go in the same step. Tags go by the index's removal job, and with them its labels leave every set by
//! the next round. What may be more than a step holds goes behind it, in `remains`. A sought person's record ends its search as
//! `case close` does, and takes its pseudonyms with it. What is not reached: a set that a peer holds until it fetches the next
//! delta, what other members were told, and the free space of the disk.

use crate::audit::Act;
use crate::base::record::{Record, row_key};
use crate::base::{PersonId, Sensitive, SubjectId, UserId, limits};
use crate::casework::candidate::DisclosureRecord;
use crate::casework::case::{SaltedPerson, SubjectRecord};
use crate::casework::claim::{ClaimIn, HolderEvent, HolderState};
use crate::casework::erasure::{ErasedRow, ErasingRow, ErasureAsked, ErasureBasis, RecordId};
use crate::casework::outcome::OutcomeKind;
use crate::engine::answer::{Answer, ErasureLine, ErasureProblem, ErasureView, Failure};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::households::ties_of;
use crate::engine::lookup;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::person::record::Role;
use crate::person::{MatchMode, PersonRecord, PlaceName, Sex};
use crate::private_match::household::Tie;
use crate::private_match::owner::IndexRow;
use crate::private_match::querier::SubjectRow;
use crate::private_match::{EntryId, Family};

/// Pages of claims, or of disclosures, that are looked through, as many as their lists show.
const PAGES: usize = 16;

impl Engine {
    /// Whether a record was erased: whoever writes of it what an earlier step began asks first.
    pub(super) fn is_erased<V: View>(step: &Step<'_, V>, record: impl Into<EntryId>) -> Result<bool, ReadError> {
        Ok(step.get::<ErasedRow>(&record.into().person())?.is_some())
    }

    /// What an erasure would take with it; changes nothing.
    pub(super) fn erase_plan<V: View>(&self, step: &Step<'_, V>, text: &str) -> Result<Answer, Failure> {
        let record = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&record.key())?;
        Self::view(step, record, if asked.is_some() { "asked" } else { "none" }, asked)
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
        let record = self.to_erase(step, text)?;
        if step.get::<ErasureAsked>(&record.key())?.is_some() {
            return Err(Failure::Erasure(ErasureProblem::Asked));
        }
        let asked = ErasureAsked { basis, user, at: step.wall() };
        step.put(&record.key(), &asked);
        trail::record(step, Some(user), Act::ErasureAsked, &record.key().0, None)?;
        Self::view(step, record, "asked", Some(asked))
    }

    /// Anybody takes it back before a second user did it.
    pub(super) fn erase_withdraw<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        text: &str,
    ) -> Result<Answer, Failure> {
        let record = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&record.key())?.ok_or(Failure::Erasure(ErasureProblem::NotAsked))?;
        step.remove::<ErasureAsked>(&record.key());
        trail::record(step, Some(user), Act::ErasureWithdrawn, &record.key().0, None)?;
        Self::view(step, record, "withdrawn", Some(asked))
    }

    /// The second user does it.
    pub(super) fn erase_run<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, text: &str) -> Result<Answer, Failure> {
        let record = self.to_erase(step, text)?;
        let asked = step.get::<ErasureAsked>(&record.key())?.ok_or(Failure::Erasure(ErasureProblem::NotAsked))?;
        if asked.user == user {
            return Err(Failure::SecondPerson);
        }
        // Told with the answer, since afterwards nothing says it.
        let answer = Self::view(step, record, "erased", Some(asked))?;
        trail::record_two(step, asked.user, user, Act::RecordErased, &record.key().0, None)?;
        // An erasure goes through on a full disk.
        step.use_ballast();
        step.put(&record.key(), &ErasedRow { basis: asked.basis, at: step.wall() });
        step.remove::<ErasureAsked>(&record.key());
        match record {
            RecordId::Person(person) => self.erase_person(step, person)?,
            RecordId::Subject(subject) => self.erase_subject(step, subject)?,
        }
        Ok(answer)
    }

    /// Erasures that wait for a second user.
    pub(super) fn erase_list<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let mut erasures = Vec::new();
        for (key, asked) in step.under::<ErasureAsked>(&row_key(ErasureAsked::KIND, &()), limits::PAGE_ROWS)? {
            let subject = SubjectId(key.0);
            let is_subject = step.get::<SubjectRecord>(&subject)?.is_some();
            erasures.push(line(if is_subject { RecordId::Subject(subject) } else { RecordId::Person(key) }, asked));
        }
        Ok(Answer::Erasures { erasures })
    }

    /// The record that a text names, while the records are open; says where it was erased.
    fn to_erase<V: View>(&self, step: &Step<'_, V>, text: &str) -> Result<RecordId, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        match lookup::find::<V, SubjectRecord>(step, text, SubjectRecord::KIND, SubjectId::LETTER) {
            Ok((subject, _)) if Self::is_erased(step, subject)? => {
                return Err(Failure::Erasure(ErasureProblem::Erased));
            }
            Ok((subject, _)) => return Ok(RecordId::Subject(subject)),
            // Another letter: it may be a person's.
            Err(Failure::NotAnId) => {}
            Err(other) => return Err(other),
        }
        match lookup::find::<V, PersonRecord>(step, text, PersonRecord::KIND, PersonId::LETTER) {
            Ok((person, _)) => Ok(RecordId::Person(person)),
            Err(Failure::Unknown) => {
                lookup::find::<V, ErasedRow>(step, text, ErasedRow::KIND, PersonId::LETTER)?;
                Err(Failure::Erasure(ErasureProblem::Erased))
            }
            Err(other) => Err(other),
        }
    }

    // ER-2.
    /// Makes a person's record invisible in one step, with all of it that is small; the rest follows.
    fn erase_person<V: View>(&mut self, step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        let record = step.get::<PersonRecord>(&person)?.ok_or(ReadError::Damaged)?;
        step.put(&person, &ErasingRow {});
        // An enquirer that may be found is known by its case, and comes from no file.
        if record.role == Role::Registered {
            Self::erase_reference(step, person, &record)?;
        }
        step.remove::<PersonRecord>(&person);
        step.remove::<SaltedPerson>(&person);
        let id = (Family::Registered, EntryId::from(person));
        self.unindex(step, id.0, id.1)?;
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

    // ER-6.
    /// Ends the search for a sought person as a closing does, and takes what a closing keeps for audits: secret, keys,
    /// pseudonyms; and what was told of the person. The case keeps its place, empty.
    fn erase_subject<V: View>(&mut self, step: &mut Step<'_, V>, subject: SubjectId) -> Result<(), ReadError> {
        let record = step.get::<SubjectRecord>(&subject)?.ok_or(ReadError::Damaged)?;
        let case = record.case;
        let empty = SubjectRecord { relation: Sensitive::default(), person: emptied(record.person), salted: Vec::new(), case };
        step.put(&subject, &empty);
        if Self::is_over(step, &subject)? {
            // Its pseudonyms are still there.
            self.destroy(step, subject)?;
        } else {
            self.end_subject(step, subject, OutcomeKind::Closed, None)?;
        }
        if let Some(mut row) = step.get::<SubjectRow>(&subject)? {
            (row.secret, row.keys, row.leaves) = (Sensitive::new([0; 32]), Vec::new(), Vec::new());
            step.put(&subject, &row);
        }
        if let Some(mut row) = step.get::<IndexRow>(&(Family::Sought, EntryId::from(subject)))? {
            row.leaves.clear();
            step.put(&(Family::Sought, EntryId::from(subject)), &row);
        }
        for (claim, disclosed) in step.pages::<DisclosureRecord>(&row_key(DisclosureRecord::KIND, &()), PAGES)? {
            if disclosed.subject == subject {
                step.remove::<DisclosureRecord>(&claim);
            }
        }
        self.case_ended(step, &case)?;
        step.notify(NoticeCode::RecordErased, None, 0);
        Ok(())
    }

    fn view<V: View>(step: &Step<'_, V>, record: RecordId, state: &str, asked: Option<ErasureAsked>) -> Result<Answer, Failure> {
        let (mut claims, mut told, mut same) = (0, Vec::new(), Vec::new());
        if let RecordId::Person(person) = record {
            for (_, claim) in step.pages::<ClaimIn>(&row_key(ClaimIn::KIND, &()), PAGES)? {
                if claim.person != Some(person) {
                    continue;
                }
                claims += u32::from(claim.state.next(HolderEvent::Close).is_some() || claim.state == HolderState::Claimed);
                if matches!(claim.state, HolderState::Disclosed | HolderState::Ended) && !told.contains(&claim.seeker) {
                    told.push(claim.seeker);
                }
            }
            let ties = ties_of(step, person)?.into_iter().filter(|(_, why)| why & Tie::Duplicate.bit() != 0);
            same.extend(ties.map(|(other, _)| other));
        }
        let asked = asked.map(|asked| line(record, asked));
        Ok(Answer::Erasure(Box::new(ErasureView { record, state: state.to_owned(), asked, claims, told, same })))
    }
}

fn line(record: RecordId, asked: ErasureAsked) -> ErasureLine {
    ErasureLine { record, basis: asked.basis, asked_by: asked.user, asked_at: asked.at.seconds() }
}

/// A record that says nothing of anybody.
fn emptied(record: PersonRecord) -> PersonRecord {
    PersonRecord {
        society_ref: Sensitive::default(),
        names: Vec::new(),
        father: Sensitive::default(),
        mother: Sensitive::default(),
        sex: Sex::Unknown,
        birth: None,
        birth_place: PlaceName { text: Sensitive::default() },
        last_place: PlaceName { text: Sensitive::default() },
        phones: Vec::new(),
        note: Sensitive::default(),
        held_back: Vec::new(),
        match_mode: MatchMode::Off,
        flags: Vec::new(),
        documents: Vec::new(),
        family: Vec::new(),
        ..record
    }
}
