//! The standing search: what is evaluated is tested against each set that is held, and against each delta that follows it.
//!
//! No message leaves for it. A delta is tested alone: what it adds may be a hit, what it removes is none any more. Who is
//! evaluated later is tested against the base and all deltas. One test of an owner's family runs at a time; how far the
//! set is tested stands in a row, so that a restart goes on there.

use crate::base::{Epoch, MemberId, PersonId, SubjectId, limits};
use crate::engine::chain_parts::segments;
use crate::engine::core::{Engine, JobFor};
use crate::engine::job::{Job, JobClass, TestSlice};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::private_match::asking::AskHit;
use crate::private_match::querier::{HeldPart, HitRow, SetIn};
use crate::private_match::{EntryId, Family, Tag};

/// A test that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Testing {
    /// What follows it.
    pub again: Again,
    /// Epoch and number of the base that is tested.
    pub base: (Epoch, u64),
}

/// What follows a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Again {
    /// What came meanwhile, if something did.
    Rest,
    /// The same once more: not all of what it found was taken, or somebody is to be tested whom it did not know.
    Same,
}

/// What one slice of a test found.
pub(super) struct Tested {
    pub owner: MemberId,
    pub family: Family,
    pub set_seq: u64,
    pub hits: Vec<(SubjectId, u8, Tag)>,
    pub lost: Vec<(SubjectId, Vec<u8>)>,
    pub complete: bool,
}

impl Engine {
    /// Tests every evaluated subject of a family against all that is held of an owner: after other evaluations.
    pub(super) fn test_again<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: MemberId,
        family: Family,
    ) -> Result<(), ReadError> {
        let id = (owner, family);
        let Some(mut set) = step.get::<SetIn>(&id)? else { return Ok(()) };
        let Some(held) = &mut set.held else { return Ok(()) };
        if std::mem::take(&mut held.tested_seq) > 0 {
            step.put(&id, &set);
        }
        if let Some(testing) = self.running.tests.get_mut(&id) {
            testing.again = Again::Same;
            return Ok(());
        }
        self.test_rest(step, id)
    }

    /// Tests against what is held and was not tested yet: some deltas, or all of it. A test that runs goes on with it.
    pub(super) fn test_rest<V: View>(&mut self, step: &mut Step<'_, V>, id: (MemberId, Family)) -> Result<(), ReadError> {
        if self.running.tests.contains_key(&id) {
            return Ok(());
        }
        let Some(held) = step.get::<SetIn>(&id)?.and_then(|set| set.held).filter(|held| !held.is_tested()) else {
            return Ok(());
        };
        let (owner, family) = id;
        let head = &held.head;
        let whole = held.tested_seq < head.base_seq;
        let first = if whole { head.base_seq } else { held.tested_seq + 1 };
        let segments = segments::<HeldPart, V>(step, id, (first..=head.set_seq).rev())?;
        let slice = TestSlice {
            owner,
            querier: self.me()?,
            family,
            epoch: head.epoch,
            set_seq: head.set_seq,
            whole,
            salt: *head.salt.expose(),
            segments,
            done: 0,
            found: Default::default(),
            gone: Default::default(),
        };
        self.running.tests.insert(id, Testing { again: Again::Rest, base: (head.epoch, head.base_seq) });
        self.running.start(step, JobFor::Test(owner, family), JobClass::Check, Job::Test(slice));
        Ok(())
    }

    /// A slice of a test is there.
    pub(super) fn tested<V: View>(&mut self, step: &mut Step<'_, V>, tested: &Tested) -> Result<(), ReadError> {
        let id = (tested.owner, tested.family);
        let is_current = self.is_test_current(step, id)?;
        if is_current && self.taking_part(&tested.owner).is_some() {
            // What is lost first: a hit of this epoch may take the place of one of the last.
            let all = Self::hits_lost(step, tested)? && self.hits_kept(step, tested)?;
            if let Some(testing) = self.running.tests.get_mut(&id).filter(|_| !all) {
                // The rest is found again by another test.
                testing.again = Again::Same;
            }
        }
        if !tested.complete {
            return Ok(());
        }
        let again = self.running.tests.remove(&id).map_or(Again::Rest, |testing| testing.again);
        if is_current
            && again == Again::Rest
            && let Some(mut set) = step.get::<SetIn>(&id)?
            && let Some(held) = &mut set.held
        {
            held.tested_seq = tested.set_seq;
            step.put(&id, &set);
        }
        self.test_rest(step, id)
    }

    /// Whether the base that a running test reads is the one that is held.
    fn is_test_current<V: View>(&self, step: &Step<'_, V>, id: (MemberId, Family)) -> Result<bool, ReadError> {
        let held = step.get::<SetIn>(&id)?.and_then(|set| set.held).map(|held| (held.head.epoch, held.head.base_seq));
        Ok(held.is_some() && self.running.tests.get(&id).map(|testing| testing.base) == held)
    }

    fn hits_kept<V: View>(&mut self, step: &mut Step<'_, V>, tested: &Tested) -> Result<bool, ReadError> {
        match tested.family {
            Family::Registered => self.hits_found(step, tested.owner, tested.set_seq, &tested.hits),
            Family::Sought => self.ask_hits_found(step, tested.owner, tested.set_seq, &tested.hits),
        }
    }

    /// Hits that nothing followed and whose key left the set are none any more. False if not all of them fitted into this
    /// step.
    fn hits_lost<V: View>(step: &mut Step<'_, V>, tested: &Tested) -> Result<bool, ReadError> {
        for (subject, positions) in &tested.lost {
            if step.size() > limits::STEP_BYTES {
                return Ok(false);
            }
            if tested.family == Family::Sought {
                Self::ask_hit_lost(step, &(EntryId::from(*subject).person(), tested.owner), positions)?;
                continue;
            }
            let id = (*subject, tested.owner);
            let Some(mut hit) = step.get::<HitRow>(&id)?.filter(|hit| hit.claim.is_none()) else { continue };
            hit.keys.retain(|(position, _)| !positions.contains(position));
            if hit.keys.is_empty() { step.remove::<HitRow>(&id) } else { step.put(&id, &hit) }
        }
        Ok(true)
    }

    fn ask_hit_lost<V: View>(step: &mut Step<'_, V>, id: &(PersonId, MemberId), positions: &[u8]) -> Result<(), ReadError> {
        let Some(mut hit) = step.get::<AskHit>(id)?.filter(AskHit::is_idle) else { return Ok(()) };
        hit.keys.retain(|(position, _)| !positions.contains(position));
        if hit.keys.is_empty() {
            step.remove::<AskHit>(id)
        } else {
            step.put(id, &hit)
        }
        Ok(())
    }

    /// A job that read an owner's set failed since the set moved on under it: what is held now is taken up instead. False
    /// if it is another failure.
    pub(super) fn set_moved_on<V: View>(&mut self, step: &mut Step<'_, V>, what: JobFor) -> Result<bool, ReadError> {
        match what {
            JobFor::Test(owner, family) if !self.is_test_current(step, (owner, family))? => {
                self.running.tests.remove(&(owner, family));
                self.test_rest(step, (owner, family)).map(|()| true)
            }
            JobFor::Check(owner, family) => {
                let id = (owner, family);
                let coming = step.get::<SetIn>(&id)?.and_then(|set| set.coming).map(|coming| coming.manifest_hash);
                if coming == self.running.checks.get(&id).copied() {
                    return Ok(false);
                }
                self.running.checks.remove(&id);
                self.check_delta(step, id).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// At the start of a process: tests and checks that a crash cut short.
    pub(super) fn resume_tests<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        for owner in self.peers() {
            for family in Family::ALL {
                self.test_rest(step, (owner, family))?;
                self.check_delta(step, (owner, family))?;
            }
        }
        Ok(())
    }
}
