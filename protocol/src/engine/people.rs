//! Registering people and reading them.
//!
//! Everything that a locked node must answer with is prepared here: keys, audience, leaves of the commitment.

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{Draw, PersonId, Sensitive, UserId, limits};
use crate::casework::case::SaltedPerson;
use crate::casework::commitment::OpenedField;
use crate::casework::describe;
use crate::casework::duplicate::MergedRow;
use crate::engine::answer::{Answer, Failure, PersonAdded, PersonLine, PersonShown, RowResult, ShownField};
use crate::engine::command::ImportRow;
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::references::Reference;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::linkage::{Advice, RecordKeys, STRONG_KEYS, match_keys, record_keys, strength};
use crate::person::record::Role;
use crate::person::share::attributes;
use crate::person::{FormError, FormProblem, MatchMode, PersonForm, PersonRecord};
use crate::private_match::Family;
use crate::private_match::owner::{IndexRow, IndexState};

/// Bytes of a step's rows at which an import stops; the caller sends the rest again.
const IMPORT_STOP: usize = limits::BATCH_BYTES - 24 * 1024;

impl Engine {
    pub(super) fn person_add<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        form: PersonForm,
    ) -> Result<Answer, Failure> {
        self.register(step, user, form).map(Answer::PersonAdded)
    }

    pub(super) fn person_import<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        rows: Vec<ImportRow>,
    ) -> Result<Answer, Failure> {
        if rows.len() > limits::IMPORT_ROWS {
            return Err(Failure::TooMany { limit: u32::try_from(limits::IMPORT_ROWS).unwrap_or(u32::MAX) });
        }
        self.expect_more(step);
        let mut results = Vec::new();
        for ImportRow { row, form } in rows {
            // Rows that do not fit this batch have no result: the caller sends them again.
            if step.size() > IMPORT_STOP {
                break;
            }
            let result = match self.register(step, user, form) {
                Ok(added) => RowResult { row, added: Some(added), error: None },
                Err(Failure::Form(error)) => RowResult { row, added: None, error: Some(error) },
                Err(other) => return Err(other),
            };
            results.push(result);
        }
        Ok(Answer::Imported { rows: results })
    }

    fn register<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, form: PersonForm) -> Result<PersonAdded, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let record = form.into_record(Role::Registered, step.wall(), user).map_err(Failure::Form)?;
        match Self::reference_of(step, &record)? {
            Reference::Free => {}
            Reference::Same(person) => {
                let count = step.get::<IndexRow>(&(Family::Registered, person.into()))?.map_or(0, |row| row.keys.len());
                let (keys, advice) = (u32::try_from(count).unwrap_or(u32::MAX), advice(&record, count));
                return Ok(PersonAdded { person, keys, known: true, too_little: count == 0, advice });
            }
            Reference::Erased => {
                return Err(Failure::Form(FormError { field: "id".to_owned(), problem: FormProblem::Erased }));
            }
            Reference::Other(person) => {
                return Err(Failure::Form(FormError { field: "id".to_owned(), problem: FormProblem::Taken { person } }));
            }
        }
        check_links(step, &record).map_err(Failure::Form)?;
        let (person, count) = self.file_person(step, &record)?;
        Self::put_reference(step, person, &record)?;
        let advice = advice(&record, usize::try_from(count).unwrap_or(usize::MAX));
        trail::record(step, Some(user), Act::PersonAdded, &person.0, None)?;
        Ok(PersonAdded { person, keys: count, known: false, too_little: count == 0, advice })
    }

    /// Files somebody who may be found: the record, its commitment's fields, and what the private match needs.
    pub(super) fn file_person<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        record: &PersonRecord,
    ) -> Result<(PersonId, u32), ReadError> {
        let person = PersonId::draw(&mut step.draw);
        let RecordKeys { keys, mentions } = keys_with_mentions(record);
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let salted = salted_fields(record, &mut step.draw);
        let row = IndexRow {
            keys: keys.iter().map(|key| key.label().into()).collect(),
            audience: record.audience.clone(),
            mode: record.match_mode,
            leaves: salted.iter().map(OpenedField::leaf).collect(),
            mentions,
            household: None,
        };
        self.index_person(step, person, row)?;
        if record.match_mode == MatchMode::AskOnly {
            self.begin_asking(step, person);
        }
        step.put(&person, record);
        step.put(&person, &SaltedPerson { fields: salted });
        // A household that is full joins nobody further, and says so.
        for other in record.family.iter().filter_map(|member| member.person) {
            let _full_is_noticed = Self::join_household(step, person, other)?;
        }
        Ok((person, count))
    }

    /// Files what the private match needs, and queues the evaluation of its keys.
    fn index_person<V: View>(&mut self, step: &mut Step<'_, V>, person: PersonId, row: IndexRow) -> Result<(), ReadError> {
        let mut state = step.get::<IndexState>(&())?.ok_or(ReadError::Damaged)?;
        state.registered.entries += 1;
        step.put(&(), &state);
        step.put(&(Family::Registered, person.into()), &row);
        // Records that no peer may find are indexed as well: the cut counts over all of them.
        Self::queue_person(step, person, true)
    }

    pub(super) fn person_list<V: View>(
        &self,
        step: &Step<'_, V>,
        after: Option<PersonId>,
        limit: u32,
        merged: bool,
    ) -> Result<Answer, Failure> {
        let limit = usize::try_from(limit).unwrap_or(limits::PAGE_ROWS).clamp(1, limits::PAGE_ROWS);
        let from = match after.and_then(|person| row_key(1, &person).after_prefix()) {
            Some(next) => next,
            None => row_key(1, &()),
        };
        let page = step.page::<PersonRecord>(&from, row_key(1, &()).after_prefix().as_ref(), limit)?;
        let next = (page.len() == limit).then(|| page.last().map(|(person, _)| *person)).flatten();
        let mut people = Vec::with_capacity(page.len());
        for (person, record) in page.iter().filter(|(_, record)| record.role == Role::Registered) {
            let line = line(step, *person, record)?;
            if merged || line.same_as.is_none() {
                people.push(line);
            }
        }
        Ok(Answer::People { people, next })
    }

    pub(super) fn person_show<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, text: &str) -> Result<Answer, Failure> {
        let (person, record) = lookup::find::<V, PersonRecord>(step, text, 1, PersonId::LETTER)?;
        trail::record(step, Some(user), Act::PersonViewed, &person.0, None)?;
        let keys = step.get::<IndexRow>(&(Family::Registered, person.into()))?.map_or(0, |row| row.keys.len());
        Ok(Answer::Person(Box::new(PersonShown {
            person,
            fields: shown(&record),
            match_mode: mode_word(record.match_mode).to_owned(),
            visible_to: record.audience.as_text(),
            keys: u32::try_from(keys).unwrap_or(u32::MAX),
            advice: advice(&record, keys),
            revision: record.revision,
            same_as: step.get::<MergedRow>(&person)?.map(|row| row.shown),
            merged: Self::merged_into(step, person)?,
        })))
    }
}

/// The masked line of a record.
pub(super) fn line<V: View>(step: &Step<'_, V>, person: PersonId, record: &PersonRecord) -> Result<PersonLine, ReadError> {
    Ok(PersonLine {
        person,
        initials: initials(record),
        year: year(record),
        place: record.last_place.text.clone(),
        match_mode: mode_word(record.match_mode).to_owned(),
        same_as: step.get::<MergedRow>(&person)?.map(|row| row.shown),
    })
}

/// Match keys of a record and of the family members whom it names, within one cap.
fn keys_with_mentions(record: &PersonRecord) -> RecordKeys {
    let mentions: Vec<_> = record.family.iter().map(|member| describe::of_mention(record, member)).collect();
    record_keys(&describe::of_record(record), &mentions)
}

/// Checks that a family member's link leads to a record of this node.
pub(super) fn check_links<V: View>(step: &Step<'_, V>, record: &PersonRecord) -> Result<(), FormError> {
    for (member, number) in record.family.iter().zip(1..) {
        let Some(person) = member.person else { continue };
        // A row that cannot be read is told by whatever opens it; here it is just not there.
        if !matches!(step.get::<PersonRecord>(&person), Ok(Some(_))) {
            return Err(FormError { field: format!("family_members.{number}.person"), problem: FormProblem::Record });
        }
    }
    Ok(())
}

/// Labels of the match keys of somebody who is sought, in profile order: of the person alone, since nobody is sought for
/// being named.
pub(super) fn keys_of(record: &PersonRecord) -> Vec<Sensitive<String>> {
    match_keys(&describe::of_record(record)).iter().map(|key| key.label().into()).collect()
}

/// The attributes and identifiers of a record with a fresh salt each.
pub(super) fn salted_fields(record: &PersonRecord, draw: &mut Draw) -> Vec<OpenedField> {
    attributes(record)
        .into_iter()
        .chain(describe::identifier_fields(record))
        .map(|(field, value)| OpenedField { name: field.name().to_owned(), value, salt: draw.bytes() })
        .collect()
}

/// First letters of the primary name.
pub(super) fn initials(record: &PersonRecord) -> Sensitive<String> {
    record.name().map_or_else(Sensitive::default, crate::person::PersonName::initials)
}

/// Year of birth, `~` in front where the day is not known, the letters of its calendar behind.
pub(super) fn year(record: &PersonRecord) -> Sensitive<String> {
    record.birth.as_ref().map_or_else(Sensitive::default, |date| Sensitive::new(date.expose().year_text()))
}

/// Fields of a record that hold something, in a fixed order.
pub(super) fn shown(record: &PersonRecord) -> Vec<ShownField> {
    let mut fields = vec![ShownField { field: "society_ref".to_owned(), value: record.society_ref.clone() }];
    for (field, value) in attributes(record) {
        fields.push(ShownField { field: field.name().to_owned(), value });
    }
    for phone in &record.phones {
        fields.push(ShownField { field: "phone".to_owned(), value: phone.clone() });
    }
    for document in &record.documents {
        fields.push(ShownField { field: "document".to_owned(), value: document.line() });
    }
    for member in &record.family {
        fields.push(ShownField { field: member.relation.word().to_owned(), value: member.line() });
    }
    fields.push(ShownField { field: "note".to_owned(), value: record.note.clone() });
    fields.retain(|field| !field.value.expose().is_empty());
    fields
}

/// The word of a match mode.
pub(super) const fn mode_word(mode: MatchMode) -> &'static str {
    match mode {
        MatchMode::Answer => "answer",
        MatchMode::AskOnly => "ask_only",
        MatchMode::Off => "off",
    }
}

/// The missing field that would help most, where there are few keys.
pub(super) fn advice(record: &PersonRecord, keys: usize) -> Option<Advice> {
    if keys < STRONG_KEYS { strength(&describe::of_record(record)).advice } else { None }
}
