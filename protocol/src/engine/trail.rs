//! Writes and reads the audit log: each entry is in the batch of what it records.

use crate::audit::{Act, AuditEntry, AuditHead, append};
use crate::base::record::row_key;
use crate::base::{MemberId, UserId, limits};
use crate::engine::answer::{Answer, AuditLine, Failure};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

/// Appends an entry. `about` is an id's bytes, never personal data.
///
/// # Errors
/// [`ReadError`] if the head cannot be read.
pub fn record<V: View>(
    step: &mut Step<'_, V>,
    user: Option<UserId>,
    act: Act,
    about: &[u8],
    member: Option<MemberId>,
) -> Result<(), ReadError> {
    put(step, (user, None), act, about, member)
}

/// Appends an entry of an act that took two people.
///
/// # Errors
/// [`ReadError`] if the head cannot be read.
pub(super) fn record_two<V: View>(
    step: &mut Step<'_, V>,
    first: UserId,
    second: UserId,
    act: Act,
    about: &[u8],
    member: Option<MemberId>,
) -> Result<(), ReadError> {
    put(step, (Some(first), Some(second)), act, about, member)
}

fn put<V: View>(
    step: &mut Step<'_, V>,
    (user, second): (Option<UserId>, Option<UserId>),
    act: Act,
    about: &[u8],
    member: Option<MemberId>,
) -> Result<(), ReadError> {
    let head = step.get::<AuditHead>(&())?.unwrap_or_else(AuditHead::empty);
    let mut entry = AuditEntry { at: step.wall(), user, second, act, about: about.to_vec(), member, previous: [0; 32] };
    let (number, head) = append(&head, &mut entry);
    step.put(&number, &entry);
    step.put(&(), &head);
    Ok(())
}

/// The head of the chain.
pub(super) fn head<V: View>(step: &Step<'_, V>) -> Result<Answer, Failure> {
    let head = step.get::<AuditHead>(&())?.unwrap_or_else(AuditHead::empty);
    Ok(Answer::AuditHead { entries: head.entries, head: hex(&head.head) })
}

/// Entries in order.
pub(super) fn list<V: View>(step: &Step<'_, V>, from: u64, limit: u32) -> Result<Answer, Failure> {
    let limit = usize::try_from(limit).unwrap_or(limits::PAGE_ROWS).min(limits::PAGE_ROWS);
    let until = row_key(1, &()).after_prefix();
    let entries = step
        .page::<AuditEntry>(&row_key(1, &from), until.as_ref(), limit)?
        .into_iter()
        .map(|(number, entry)| AuditLine {
            number,
            at: entry.at.seconds(),
            user: entry.user.map_or_else(|| "node".to_owned(), |user| user.to_string()),
            act: entry.act.word().to_owned(),
            about: (!entry.about.is_empty()).then(|| hex(entry.about.get(..4).unwrap_or(&entry.about))),
            member: entry.member,
        })
        .collect();
    Ok(Answer::Audit { entries })
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Locked => Failure::Locked,
            ReadError::Damaged => Failure::Damaged,
        }
    }
}
