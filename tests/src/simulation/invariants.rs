//! What must hold whatever happens, looked at before each commit: no disclosure without consent, an audit entry beside
//! each effect, life cycles that follow their tables, a roster version that never falls, an audit chain without a gap.
//!
//! The simulator calls it with the store before a batch and the batch. It reads what a locked node may not.

use kinmesh_protocol::audit::{AuditEntry, AuditHead, append};
use kinmesh_protocol::base::limits::{BATCH_BYTES, VALUE_BYTES};
use kinmesh_protocol::base::record::{Record, Row, Tree};
use kinmesh_protocol::base::{ClaimId, cbor};
use kinmesh_protocol::casework::candidate::CandidateRecord;
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderEvent, HolderState, SeekerEvent, SeekerState};
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::{Batch, HeadRow, Op, View};
use kinmesh_protocol::private_match::Family;
use kinmesh_protocol::private_match::owner::EvaluatedRow;
use kinmesh_protocol::roster::{Roster, parse_signed};

use crate::simulation::store::SimStore;

const SEEKER_EVENTS: [SeekerEvent; 7] = [
    SeekerEvent::AnsweredNone,
    SeekerEvent::AnsweredCandidate,
    SeekerEvent::AttributesSent,
    SeekerEvent::Closed,
    SeekerEvent::Disclosed,
    SeekerEvent::Reported,
    SeekerEvent::Withdrawn,
];
const HOLDER_EVENTS: [HolderEvent; 9] = [
    HolderEvent::FoundNone,
    HolderEvent::FoundRecord,
    HolderEvent::Attributes,
    HolderEvent::Close,
    HolderEvent::Same,
    HolderEvent::Consent,
    HolderEvent::Disclose,
    HolderEvent::Outcome,
    HolderEvent::Withdrawn,
];

/// Checks a batch against the state that it changes.
///
/// # Panics
/// When an invariant is broken: that is a failed test.
pub fn check(store: &SimStore, batch: &Batch) {
    assert!(batch.size() <= BATCH_BYTES, "a batch of {} bytes", batch.size());
    let rows = || batch.ops.iter().filter_map(|op| if let Op::Put(row) = op { Some(row) } else { None });
    let audited = rows().any(|row| AuditEntry::id(&row.key).is_some() && row.tree == Tree::Audit);
    for row in rows() {
        assert!(row.value.expose().len() <= VALUE_BYTES, "a value of {} bytes", row.value.expose().len());
        let has_effect = match row.tree {
            Tree::Claims => seeker(store, row) || holder(store, row),
            Tree::Seen => read::<EvaluatedRow>(row).is_some(),
            Tree::Own => {
                head(store, row);
                false
            }
            _ => false,
        };
        assert!(audited || !has_effect, "an effect without an audit entry in {:?}", row.tree);
    }
}

/// Reads the audit log of a store from its first entry to its head.
///
/// # Panics
/// When an entry is missing or was changed.
pub fn audit_holds(store: &SimStore) {
    let head = store.peek::<AuditHead>(&()).unwrap_or_else(AuditHead::empty);
    let mut chain = AuditHead::empty();
    for number in 1..=head.entries {
        let entry = store.peek::<AuditEntry>(&number).expect("each entry up to the head");
        let mut again = entry.clone();
        (_, chain) = append(&chain, &mut again);
        assert_eq!(entry, again, "entry {number} does not follow the one before it");
    }
    assert_eq!(chain, head, "the head is not that of the entries");
}

/// The roster that a store holds, with its version.
#[must_use]
pub fn roster_of(store: &SimStore) -> Option<Roster> {
    let head = store.peek::<HeadRow>(&())?;
    let bytes = store.read_blob(head.blob, usize::MAX).ok()?;
    let (payload, _) = parse_signed(&bytes).ok()?;
    cbor::decode(&payload).ok()
}

fn read<R: Record>(row: &Row) -> Option<(R::Id, R)> {
    Some((R::id(&row.key)?, R::decode(row.version, row.value.expose()).expect("a row that decodes")))
}

/// A claim at the seeker; true if it is one that was not there before.
fn seeker(store: &SimStore, row: &Row) -> bool {
    let Some((id, claim)) = read::<ClaimOut>(row) else { return false };
    match store.peek::<ClaimOut>(&id) {
        None => {
            // A holder's claim that met a subject begins with the answer, and may be with the attributes.
            let begins = match claim.family {
                Family::Registered => claim.state == SeekerState::Claimed,
                Family::Sought => matches!(claim.state, SeekerState::Acknowledged | SeekerState::InReview),
            };
            assert!(begins, "{id:?} begins as {:?}", claim.state);
            claim.state != SeekerState::Acknowledged
        }
        Some(old) => {
            let follows = SEEKER_EVENTS.iter().any(|event| {
                let next = old.state.next(*event);
                next == Some(claim.state) || next.is_some_and(|next| next.next(SeekerEvent::AttributesSent) == Some(claim.state))
            });
            assert!(old.state == claim.state || follows, "{id:?} from {:?} to {:?}", old.state, claim.state);
            false
        }
    }
}

/// A claim at the holder; true if something was done that the audit log must show.
fn holder(store: &SimStore, row: &Row) -> bool {
    let Some((id, claim)) = read::<ClaimIn>(row) else { return false };
    let Some(old) = store.peek::<ClaimIn>(&id) else {
        let (begins, is_own) = match claim.family {
            Family::Registered => (HolderState::Delayed, false),
            Family::Sought => (HolderState::Claimed, true),
        };
        assert_eq!(claim.state, begins);
        return is_own;
    };
    if old.state == claim.state {
        return false;
    }
    // What came and was closed by itself goes two steps at once, one more where the answer to an own claim came in one cell
    // with the attributes.
    let follows = HOLDER_EVENTS.iter().filter_map(|event| old.state.next(*event)).any(|next| {
        let came = next.next(HolderEvent::Attributes);
        let closed = [Some(next), came].into_iter().flatten().filter_map(|state| state.next(HolderEvent::Close));
        [Some(next), came].into_iter().flatten().chain(closed).any(|state| state == claim.state)
    });
    assert!(follows, "{id:?} from {:?} to {:?}", old.state, claim.state);
    if claim.state == HolderState::Disclosed {
        assert!(agreed(store, &id), "{id:?} was disclosed without the person's consent");
    }
    claim.state != HolderState::InReview
}

/// A caseworker said that it is the same person, and that person agreed to something being told.
fn agreed(store: &SimStore, id: &ClaimId) -> bool {
    store.peek::<CandidateRecord>(id).is_some_and(|record| {
        record.consent.is_some_and(|consent| consent.decision != Decision::Nothing)
            && record.reviews.last().is_some_and(|review| review.verdict == Verdict::Same)
    })
}

fn head(store: &SimStore, row: &Row) {
    let Some((_, head)) = read::<HeadRow>(row) else { return };
    let before = store.peek::<HeadRow>(&()).map_or(0, |head| head.version);
    assert!(head.version > before, "a roster version fell from {before} to {}", head.version);
}
