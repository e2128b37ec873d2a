//! The society's own file numbers: one of them names one registered person, so that a file may be imported twice.
//!
//! `people` asks before it registers. A number is filed under a keyed hash, since row keys lie in the clear: whoever has
//! the disk cannot try numbers without the records' root. What the row was made of is kept as a hash beside it, so that a
//! record that was changed at the node since is still known by the file that it came from. Of an erased
//! record keyed hashes of its number and of what it said stay, so that its file does not bring it back.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::base::cbor::{self, fixed, fixed_secret};
use crate::base::{PersonId, Sensitive, Timestamp, UserId};
use crate::casework::erasure::ErasedReference;
use crate::engine::core::Engine;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::person::PersonRecord;

/// Keys the hashes of file numbers; drawn with the first one.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct ReferenceKey {
    #[cbor(n(1), with = "fixed_secret")]
    key: Sensitive<[u8; 32]>,
}
crate::record!(ReferenceKey, (), People, 3, Records);

/// Who has a file number.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct ReferenceRow {
    /// The record.
    #[n(1)]
    person: PersonId,
    /// SHA-256 of what was registered.
    #[cbor(n(2), with = "fixed")]
    content: [u8; 32],
}
crate::record!(ReferenceRow, [u8; 16], People, 4, Records);

/// What a file number says of a record that is to be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// Nobody has it, or there is none.
    Free,
    /// This person, registered with the same words.
    Same(PersonId),
    /// This person, registered with other words.
    Other(PersonId),
    /// A person whose record was erased.
    Erased,
}

impl Engine {
    /// Who has the record's file number.
    pub(super) fn reference_of<V: View>(step: &mut Step<'_, V>, record: &PersonRecord) -> Result<Reference, ReadError> {
        if Self::was_erased(step, record)? {
            return Ok(Reference::Erased);
        }
        let Some(key) = key_of(step, record)? else { return Ok(Reference::Free) };
        Ok(match step.get::<ReferenceRow>(&key)? {
            None => Reference::Free,
            Some(row) if row.content == content_of(record) => Reference::Same(row.person),
            Some(row) => Reference::Other(row.person),
        })
    }

    /// Files the record's number, if it has one.
    pub(super) fn put_reference<V: View>(
        step: &mut Step<'_, V>,
        person: PersonId,
        record: &PersonRecord,
    ) -> Result<(), ReadError> {
        if let Some(key) = key_of(step, record)? {
            step.put(&key, &ReferenceRow { person, content: content_of(record) });
        }
        Ok(())
    }

    /// Whether a record with this file number, or with these words, was erased.
    fn was_erased<V: View>(step: &Step<'_, V>, record: &PersonRecord) -> Result<bool, ReadError> {
        let Some(ReferenceKey { key }) = step.get::<ReferenceKey>(&())? else { return Ok(false) };
        for key in erased_keys(&key, record)? {
            if step.get::<ErasedReference>(&key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record is erased: its number and the hash of what it said go, and its file does not bring it back.
    // ER-3.
    pub(super) fn erase_reference<V: View>(
        step: &mut Step<'_, V>,
        person: PersonId,
        record: &PersonRecord,
    ) -> Result<(), ReadError> {
        if let Some(key) = key_of(step, record)?
            && step.get::<ReferenceRow>(&key)?.is_some_and(|row| row.person == person)
        {
            step.remove::<ReferenceRow>(&key);
        }
        let (key, at) = (hash_key(step)?, step.wall());
        for key in erased_keys(&key, record)? {
            step.put(&key, &ErasedReference { at });
        }
        Ok(())
    }
}

/// The key of a record's file number; none where it has none.
fn key_of<V: View>(step: &mut Step<'_, V>, record: &PersonRecord) -> Result<Option<[u8; 16]>, ReadError> {
    if record.society_ref.expose().is_empty() {
        return Ok(None);
    }
    let key = hash_key(step)?;
    keyed(&key, b"kinmesh/file-number/1", record.society_ref.expose().as_bytes()).map(Some)
}

/// The keys under which an erased record is known again: of all that it said and, where it has one, of its file number.
fn erased_keys(key: &Sensitive<[u8; 32]>, record: &PersonRecord) -> Result<Vec<[u8; 16]>, ReadError> {
    let mut keys = vec![keyed(key, b"kinmesh/erased-content/1", &content_of(record))?];
    if !record.society_ref.expose().is_empty() {
        keys.push(keyed(key, b"kinmesh/erased-number/1", record.society_ref.expose().as_bytes())?);
    }
    Ok(keys)
}

/// The key of this node's hashes; drawn where there is none.
fn hash_key<V: View>(step: &mut Step<'_, V>) -> Result<Sensitive<[u8; 32]>, ReadError> {
    Ok(match step.get::<ReferenceKey>(&())? {
        Some(row) => row.key,
        None => {
            let key = Sensitive::new(step.draw.bytes());
            step.put(&(), &ReferenceKey { key: key.clone() });
            key
        }
    })
}

/// Half of a hash with 32 bytes of key in it, so that whoever lacks the key can try nothing.
fn keyed(key: &Sensitive<[u8; 32]>, what: &[u8], bytes: &[u8]) -> Result<[u8; 16], ReadError> {
    let hash: [u8; 32] = Sha256::new().chain_update(what).chain_update(key.expose()).chain_update(bytes).finalize().into();
    let (half, _) = hash.split_first_chunk::<16>().ok_or(ReadError::Damaged)?;
    Ok(*half)
}

/// What a form said, without who typed it when.
fn content_of(record: &PersonRecord) -> [u8; 32] {
    let mut said = record.clone();
    (said.revision, said.registered_at, said.confirmed_by) = (0, Timestamp(0), None);
    if let Ok(anybody) = UserId::new("anybody") {
        said.registered_by = anybody;
    }
    let bytes = Sensitive::new(cbor::encode(&said));
    Sha256::digest(bytes.expose()).into()
}
