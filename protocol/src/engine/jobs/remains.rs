//! Looks for what names an erased record under another id: claims that met it, pairs of duplicates of which it is one.
//!
//! It reads and names; the engine removes, since it counts claims and pairs. First all claims of this node as holder, then
//! all pairs, each slice at most as much as fits the step that takes its result.

use crate::base::record::{Record, RowKey, Stored, row_key};
use crate::base::{ClaimId, PersonId};
use crate::casework::claim::ClaimIn;
use crate::casework::duplicate::DuplicateLink;
use crate::engine::batch::Batch;
use crate::engine::job::{Found, Job, JobFailure, JobOutput, RemainsFound, RemainsSlice};
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::household::SuspectRow;

/// Rows of one slice.
const ROWS: usize = 256;
/// Claims that one step can close.
const CLAIMS: usize = 8;

/// One slice.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut slice: RemainsSlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    let (tree, last) = match slice.links {
        false => (ClaimIn::TREE, ClaimIn::KIND),
        true => (DuplicateLink::TREE, DuplicateLink::KIND),
    };
    let rows = bulk.rows(tree, &slice.from, row_key(last, &()).after_prefix().as_ref(), ROWS)?;
    let mut found = RemainsFound { person: slice.person, claims: Vec::new(), pairs: Vec::new(), complete: false };
    let mut is_last = rows.len() < ROWS;
    for (key, stored) in rows {
        if found.claims.len() == CLAIMS {
            is_last = false;
            break;
        }
        if slice.links {
            found.pairs.extend(pair_of(&key, &slice.person));
        } else {
            found.claims.extend(claim_of(&key, &stored, &slice.person)?);
        }
        slice.from = key.behind();
    }
    found.complete = is_last && slice.links;
    let next = match (is_last, slice.links) {
        (true, true) => None,
        // The pairs that wait stand right before those that were compared.
        (true, false) => Some(RemainsSlice { from: row_key(SuspectRow::KIND, &()), links: true, ..slice }),
        (false, _) => Some(slice),
    };
    Ok(JobOutput { writes: Batch::default(), found: Found::Remains(found), next: next.map(Job::Remains) })
}

/// The claim of a row, if it met the person.
fn claim_of(key: &RowKey, stored: &Stored, person: &PersonId) -> Result<Option<ClaimId>, ReadError> {
    let claim = ClaimIn::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
    Ok(ClaimIn::id(key).filter(|_| claim.person == Some(*person)))
}

/// The pair of a row, if the person is one of the two.
fn pair_of(key: &RowKey, person: &PersonId) -> Option<(PersonId, PersonId)> {
    let pair = SuspectRow::id(key).or_else(|| DuplicateLink::id(key))?;
    (pair.0 == *person || pair.1 == *person).then_some(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{CaseRef, Epoch, MemberId, Timestamp};
    use crate::casework::claim::HolderState;
    use crate::casework::duplicate::{LinkState, pair};
    use crate::engine::jobs::memory::Memory;
    use crate::private_match::Family;

    fn claim(person: Option<PersonId>) -> ClaimIn {
        ClaimIn {
            seeker: MemberId::new("SOUTH").unwrap(),
            case_ref: CaseRef([1; 16]),
            epoch: Epoch(1),
            tags: Vec::new(),
            attr_root: [0; 32],
            state: HolderState::Ended,
            person,
            roots: Vec::new(),
            root_index: 0,
            leaves: Vec::new(),
            close_not_before: Timestamp(0),
            received: Timestamp(0),
            outcome: None,
            mention: None,
            family: Family::Registered,
            beyond: false,
            asked: false,
            supplemented: false,
            opened: None,
        }
    }

    fn link() -> DuplicateLink {
        DuplicateLink {
            state: LinkState::Different,
            score_milli: 0,
            at: Timestamp(0),
            by: None,
            first_revision: 1,
            second_revision: 1,
        }
    }

    #[test]
    fn every_claim_and_every_pair_of_the_person_is_named_once() {
        let (gone, other) = (PersonId([7; 16]), PersonId([8; 16]));
        let mut memory = Memory::default();
        for number in 0..600u16 {
            let [high, low] = number.to_be_bytes();
            let id = [high, low, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
            let met = if number % 29 == 0 { Some(gone) } else { Some(other).filter(|_| number % 2 == 0) };
            memory.put(&ClaimId(id), &claim(met));
            let one = if number % 31 == 0 { gone } else { other };
            memory.put(&pair(one, PersonId(id)), &link());
            memory.put(&pair(other, PersonId(id)), &SuspectRow {});
        }
        memory.put(&pair(gone, other), &SuspectRow {});
        let (mut claims, mut pairs, mut slices) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(RemainsSlice { person: gone, from: row_key(ClaimIn::KIND, &()), links: false });
        while let Some(slice) = next.take() {
            let output = run(slice, &memory).unwrap();
            assert!(output.writes.is_empty());
            let Found::Remains(found) = output.found else { panic!("another word") };
            assert!(found.claims.len() <= CLAIMS && found.person == gone);
            claims.extend(found.claims);
            pairs.extend(found.pairs);
            slices += 1;
            next = output.next.map(|job| match job {
                Job::Remains(slice) => slice,
                _ => panic!("another job"),
            });
            assert_eq!(found.complete, next.is_none());
        }
        assert_eq!((claims.len(), pairs.len()), (21, 21), "in {slices} slices");
        claims.dedup();
        assert_eq!(claims.len(), 21);
    }
}
