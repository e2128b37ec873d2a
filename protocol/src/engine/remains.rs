//! What an erasure leaves for the steps behind it: claims that met the record, its household, links of duplicates that name it.
//!
//! Where it fits, all of it goes in the step that erases (`erasure`). Claims of long ago and pairs that were told apart stand
//! under other ids, so a job looks for them, a slice at a time. A row says that it goes on, so that a restart begins it again;
//! every piece changes nothing when it is repeated.

use crate::base::record::{Record, row_key};
use crate::base::{PersonId, limits};
use crate::casework::claim::ClaimIn;
use crate::casework::claim_pace::RecordClaim;
use crate::casework::duplicate::{DuplicateLink, LinkState};
use crate::casework::erasure::ErasingRow;
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::job::{Job, JobClass, RemainsFound, RemainsSlice};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

impl Engine {
    /// Closes the claims that are known to have met the record, then parts its household, as far as the step has room. Gives
    /// how many claims were parted from it.
    pub(super) fn erase_small<V: View>(&mut self, step: &mut Step<'_, V>, person: &PersonId) -> Result<u64, ReadError> {
        let mut parted = 0;
        for (id, _) in step.under::<RecordClaim>(&row_key(RecordClaim::KIND, person), limits::PAGE_ROWS)? {
            if step.size() > limits::STEP_BYTES {
                return Ok(parted);
            }
            step.remove::<RecordClaim>(&id);
            parted += u64::from(self.part_claim(step, id.2, person)?);
        }
        if step.size() <= limits::STEP_BYTES {
            Self::part_household(step, *person)?;
        }
        Ok(parted)
    }

    /// Goes on with a record that was erased.
    pub(super) fn erase_on<V: View>(&mut self, step: &mut Step<'_, V>, person: PersonId) -> Result<(), ReadError> {
        if step.get::<ErasingRow>(&person)?.is_none() || self.running.erasing.contains(&person) {
            return Ok(());
        }
        self.erase_small(step, &person)?;
        let claims = step.under::<RecordClaim>(&row_key(RecordClaim::KIND, &person), 1)?;
        if !claims.is_empty() || Self::has_household(step, person)? {
            self.due(step, step.wall(), Due::Erase(person));
            return Ok(());
        }
        self.running.erasing.insert(person);
        let slice = RemainsSlice { person, from: row_key(ClaimIn::KIND, &()), links: false };
        self.running.start(step, JobFor::Remains(person), JobClass::Build, Job::Remains(slice));
        Ok(())
    }

    /// A slice found what still names the record.
    pub(super) fn remains_found<V: View>(&mut self, step: &mut Step<'_, V>, found: &RemainsFound) -> Result<(), ReadError> {
        for claim in &found.claims {
            self.part_claim(step, *claim, &found.person)?;
        }
        for pair in &found.pairs {
            Self::drop_pair(step, *pair)?;
        }
        if found.complete {
            self.running.erasing.remove(&found.person);
            step.remove::<ErasingRow>(&found.person);
        }
        Ok(())
    }

    /// At the start of a process: erasures that a crash cut short.
    pub(super) fn resume_erasures<V: View>(&self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        for (person, _) in step.under::<ErasingRow>(&row_key(ErasingRow::KIND, &()), limits::PAGE_ROWS)? {
            self.due(step, step.wall(), Due::Erase(person));
        }
        Ok(())
    }

    /// What is known of a pair goes, and is counted no more.
    pub(super) fn drop_pair<V: View>(step: &mut Step<'_, V>, pair: (PersonId, PersonId)) -> Result<(), ReadError> {
        Self::settle_suspect(step, pair)?;
        if let Some(link) = step.get::<DuplicateLink>(&pair)? {
            // One that waits for nobody is counted by nobody.
            Self::put_link(step, pair, &DuplicateLink { state: LinkState::Different, ..link })?;
            step.remove::<DuplicateLink>(&pair);
        }
        Ok(())
    }
}
