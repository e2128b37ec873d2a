//! Work under way: which jobs run, and for whom.
//!
//! Kept by `core` and asked by every handler before it starts a job, so that nothing is done twice at a time. All of it is
//! volatile: whoever needs a job's result starts it again from rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{JobId, MemberId, MsgId, PersonId, Timestamp};
use crate::engine::effect::Action;
use crate::engine::retest::Testing;
use crate::engine::step::Step;
use crate::engine::view::View;
use crate::private_match::Family;

/// Work under way; gone with the process, made again by whoever needs it.
#[derive(Default)]
pub(super) struct Running {
    next_job: u64,
    /// A wave of the index, or a removal from it, is running.
    pub index: bool,
    /// An import goes on: until then more people are expected.
    pub filling_until: Option<Timestamp>,
    /// Own records are being compared.
    pub comparing: bool,
    /// Erased records of which what is left is looked for.
    pub erasing: BTreeSet<PersonId>,
    /// Decoys are being made.
    pub decoys: bool,
    /// What they are made of.
    pub made_up: Vec<Vec<crate::casework::commitment::OpenedField>>,
    /// Pairs may wait to be compared.
    pub look_at_suspects: bool,
    /// A slice of a round, of a base or of a delta is running.
    pub build: bool,
    /// Peers' sets may have to be built.
    pub look_at_builds: bool,
    /// Owners whose set of a family is being tested, and what is to be tested once more.
    pub tests: BTreeMap<(MemberId, Family), Testing>,
    /// Owners whose delta of a family is being checked, with the delta's hash.
    pub checks: BTreeMap<(MemberId, Family), [u8; 32]>,
    /// Requests that are being blinded.
    pub blinding: BTreeSet<MsgId>,
    /// Requests that are being evaluated for a querier.
    pub evaluating: BTreeMap<(MemberId, MsgId), crate::engine::evaluation::Evaluating>,
    /// Requests that a bundle asks for: signed once their elements are there.
    pub carried: BTreeMap<MsgId, Option<Vec<u8>>>,
    /// Responses that are being finalized.
    pub finalizing: BTreeSet<MsgId>,
    /// The audit that is being opened.
    pub audit: Option<crate::casework::audit_file::AuditFile>,
    /// The list that is being made for an auditor.
    pub listing: Option<crate::engine::audits::Listing>,
    /// Jobs by id.
    pub jobs: BTreeMap<JobId, JobFor>,
}

/// What a job was started for, so that its failure is put to the right door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobFor {
    /// Own index.
    Index,
    /// A round's snapshot.
    Round,
    /// A peer's base.
    Build,
    /// A peer's delta.
    Delta,
    /// A test of an owner's set of one family.
    Test(MemberId, Family),
    /// A check of an owner's delta of one family.
    Check(MemberId, Family),
    /// A request to be blinded.
    Blind(MsgId, MemberId),
    /// A querier's request.
    Evaluate(MemberId, MsgId),
    /// An owner's response.
    Finalize(MsgId, MemberId),
    /// Rows that became invisible.
    Sweep,
    /// What is left of an erased record.
    Remains(PersonId),
    /// Own records that may be one person.
    Compare,
    /// Made-up people.
    Decoys,
}

impl Running {
    /// Nothing runs; what may have been cut short is looked at.
    pub fn at_start() -> Self {
        Self { look_at_builds: true, look_at_suspects: true, ..Self::default() }
    }

    /// Starts a job.
    pub fn start<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        what: JobFor,
        class: crate::engine::job::JobClass,
        work: crate::engine::job::Job,
    ) {
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.jobs.insert(job, what);
        step.act(Action::Run { job, class, work: Box::new(work) });
    }
}
