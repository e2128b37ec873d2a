//! Looks whether made-up people share a match key with anybody of this node's own data.
//!
//! A decoy that could be a real person of this society would hit where that person is known, and accuse an honest owner. The
//! registered people are looked up by their tags, the sought ones are read, some pages a slice.

use std::collections::BTreeSet;

use crate::base::record::{Record, row_key};
use crate::engine::batch::Batch;
use crate::engine::inputs::inputs_of;
use crate::engine::job::{DecoySlice, Found, Job, JobFailure, JobOutput};
use crate::engine::jobs::tags::Lookup;
use crate::engine::view::{Bulk, ReadError};
use crate::private_match::label::{Family, tag};
use crate::private_match::querier::SubjectRow;

/// Sought people read in one slice: each is some 4 KB.
const SUBJECTS_A_SLICE: usize = 1_024;

/// One slice: the registered people in the first one, some of the sought ones in each.
///
/// # Errors
/// [`JobFailure::Read`].
pub fn run(mut slice: DecoySlice, bulk: &dyn Bulk) -> Result<JobOutput, JobFailure> {
    if slice.after.is_none() {
        let mut free = Vec::new();
        for labels in slice.decoys {
            let mut is_free = true;
            for input in inputs_of(&slice.profile, &slice.owner, &labels) {
                let tag = tag(&slice.secret.evaluate(input.expose())).0;
                is_free &= Lookup::new(bulk, (slice.epoch, Family::Registered)).under(&tag, 1)?.is_empty();
            }
            if is_free {
                free.push(labels);
            }
        }
        slice.decoys = free;
    }
    let all = row_key(SubjectRow::KIND, &());
    let from = slice.after.clone().unwrap_or_else(|| all.clone());
    let rows = bulk.rows(SubjectRow::TREE, &from, all.after_prefix().as_ref(), SUBJECTS_A_SLICE)?;
    let last = rows.last().filter(|_| rows.len() == SUBJECTS_A_SLICE).map(|(key, _)| key.clone());
    let mut taken = BTreeSet::new();
    for (_, stored) in rows {
        let row = SubjectRow::decode(stored.version, stored.value.expose()).map_err(|_| ReadError::Damaged)?;
        taken.extend(row.keys.into_iter().map(|key| key.expose().clone()));
    }
    slice.decoys.retain(|labels| labels.iter().all(|label| !taken.contains(label.expose())));
    match last {
        Some(key) => {
            slice.after = Some(key.behind());
            Ok(JobOutput { writes: Batch::default(), found: Found::Nothing, next: Some(Job::Decoys(slice)) })
        }
        None => {
            let found = Found::Decoys { decoys: slice.decoys };
            Ok(JobOutput { writes: Batch::default(), found, next: None })
        }
    }
}
