//! What the demo's desks saw, each entry with the desk that saw it. The demo plays all of them, so it may lay side by side
//! what no single party sees together.

use std::collections::BTreeMap;

use kinmesh_protocol::base::{ClaimId, MemberId, SubjectId};
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{CandidateLine, CandidateShown, DisclosureShown};
use kinmesh_protocol::linkage::Band;

/// A candidate as its holder's desk saw it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The holder.
    pub holder: MemberId,
    /// The seeker.
    pub seeker: MemberId,
    /// Its id.
    pub id: ClaimId,
    /// Band on the screen.
    pub band: Band,
    /// The verdict given.
    pub verdict: Verdict,
    /// The given name mismatched, with a parent in common.
    pub relative: bool,
    /// What the seeker's society sent, so that the demo can lay it beside its case.
    pub sought: Vec<(String, String)>,
    /// File number of the own record, once the person was asked.
    pub record: Option<String>,
    /// State in the list.
    pub state: String,
}

impl Candidate {
    /// From the screen.
    #[must_use]
    pub fn new(holder: MemberId, shown: &CandidateShown, verdict: Verdict) -> Self {
        Self {
            holder,
            seeker: shown.line.seeker,
            id: shown.line.candidate,
            band: shown.band,
            verdict,
            relative: shown.possible_relative,
            sought: shown.rows.iter().map(|row| (row.field.clone(), row.sought.expose().clone())).collect(),
            record: None,
            state: shown.line.state.clone(),
        }
    }

    /// What the seeker's society sent for a field of the comparison.
    #[must_use]
    pub fn sought(&self, field: &str) -> &str {
        self.sought.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.as_str())
    }
}

/// A disclosure as its seeker's desk saw it.
#[derive(Clone, Debug)]
pub struct Disclosed {
    /// The seeker.
    pub seeker: MemberId,
    /// The holder.
    pub holder: MemberId,
    /// Level.
    pub level: Decision,
    /// Its claim.
    pub candidate: ClaimId,
}

/// Everything that was seen.
#[derive(Default)]
pub struct Ledger {
    /// Candidates by id.
    pub candidates: BTreeMap<ClaimId, Candidate>,
    /// Disclosures by subject.
    pub disclosed: BTreeMap<SubjectId, Disclosed>,
    /// Candidates that the engine closed by itself, a holder each.
    pub closed_by_band: BTreeMap<ClaimId, MemberId>,
}

impl Ledger {
    /// A candidate was read side by side.
    pub fn note_candidate(&mut self, candidate: Candidate) {
        self.candidates.insert(candidate.id, candidate);
    }

    /// A list showed a state.
    pub fn note_state(&mut self, holder: &MemberId, line: &CandidateLine) {
        match self.candidates.get_mut(&line.candidate) {
            Some(candidate) => candidate.state.clone_from(&line.state),
            None if line.state == "closed" => {
                self.closed_by_band.insert(line.candidate, *holder);
            }
            None => {}
        }
    }

    /// The holder's desk looked up the record's file number.
    pub fn note_record(&mut self, candidate: ClaimId, number: String) {
        if let Some(candidate) = self.candidates.get_mut(&candidate) {
            candidate.record = Some(number);
        }
    }

    /// A disclosure was read.
    pub fn note_disclosure(&mut self, seeker: MemberId, shown: &DisclosureShown) {
        let disclosed = Disclosed { seeker, holder: shown.holder, level: shown.line.level, candidate: shown.line.candidate };
        self.disclosed.insert(shown.line.subject, disclosed);
    }
}
