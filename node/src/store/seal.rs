//! How one value is sealed: a random key of its own, wrapped by the key of its root; or to the records inbox.
//!
//! `commit` seals rows, `view` and `bulk` open them. The associated data is the tree's name, the root, the form, the
//! version and the row key, so that a sealed value opens only in its own place. A locked node seals what belongs to the
//! records to the inbox's public key and cannot open it again; an open node reads both forms. What remains: an older sealed
//! value of the same place opens there, which is for the manifest to find, and lengths are visible.

use std::sync::{Arc, PoisonError, RwLock};

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::record::{Root, Row, RowKey, Stored, Tree};
use kinmesh_protocol::engine::ReadError;

use crate::keys::aead::{self, Key, NONCE_BYTES, SealError, TAG_BYTES};
use crate::keys::{HybridPublic, HybridSecret, RecordsKeys, ServiceKeys};

/// Number of the key that wraps; written with every value, so that a later one can take its place value by value.
const KEK: u16 = 1;
const SERVICE_LABEL: &str = "kinmesh/1/store/service/1";
const RECORDS_LABEL: &str = "kinmesh/1/store/records/1";
const INBOX_INFO: &[u8] = b"kinmesh/1/store/inbox";
/// Sealed by a key of its own.
const OWN_KEY: u8 = 1;
/// Sealed to the inbox.
const TO_INBOX: u8 = 2;
/// A key that seals one value needs no nonce that differs from value to value.
const ONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];
/// Bytes of a wrapped key.
pub const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;

/// Seals and opens values with the roots that are open.
pub struct Sealer {
    service: Key,
    inbox: Option<HybridPublic>,
    records: RwLock<Option<Arc<RecordsCipher>>>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its tree.
    pub tree: Tree,
    /// Its root.
    pub root: Root,
    /// Its key.
    pub key: &'a RowKey,
}

struct RecordsCipher {
    kek: Key,
    inbox: HybridSecret,
}

/// What stands in the clear before a sealed value: `form (1) || kek (2) || version (2)`.
#[derive(Clone, Copy)]
struct Prefix {
    form: u8,
    kek: u16,
    version: u16,
}

impl Sealer {
    /// With the service open and the records locked.
    pub fn new(keys: &ServiceKeys) -> Self {
        let service = aead::derive(&keys.root, SERVICE_LABEL);
        Self { service, inbox: keys.inbox_public.clone(), records: RwLock::new(None) }
    }

    /// Opens the records; false if the keys are not those of the inbox.
    pub fn open_records(&self, keys: RecordsKeys) -> bool {
        if self.inbox.is_none() || keys.inbox_secret.public().ok() != self.inbox {
            return false;
        }
        let kek = aead::derive(&keys.root, RECORDS_LABEL);
        let cipher = Arc::new(RecordsCipher { kek, inbox: keys.inbox_secret });
        *self.records.write().unwrap_or_else(PoisonError::into_inner) = Some(cipher);
        true
    }

    /// Drops and wipes the keys of the records.
    pub fn lock_records(&self) {
        *self.records.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the records are open.
    pub fn records_open(&self) -> bool {
        self.records().is_some()
    }

    /// Whether there are records at all.
    pub const fn has_records(&self) -> bool {
        self.inbox.is_some()
    }

    /// Seals a row's value for its place: 93 bytes longer, or 1,141 to the inbox.
    pub fn seal(&self, row: &Row) -> Result<Vec<u8>, SealError> {
        let place = Place { tree: row.tree, root: row.root, key: &row.key };
        match (row.root, self.records()) {
            (Root::Service, _) => seal_own_key(&self.service, place, row),
            (Root::Records, Some(records)) => seal_own_key(&records.kek, place, row),
            (Root::Records, None) => {
                let inbox = self.inbox.as_ref().ok_or(SealError::Seal)?;
                let prefix = Prefix { form: TO_INBOX, kek: KEK, version: row.version };
                let sealed = inbox.seal(INBOX_INFO, &prefix.associated(place), row.value.expose())?;
                Ok([prefix.to_bytes().as_slice(), &sealed].concat())
            }
        }
    }

    /// Opens a sealed value in its place.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Stored, ReadError> {
        let records = match place.root {
            Root::Service => None,
            Root::Records => Some(self.records().ok_or(ReadError::Locked)?),
        };
        let (prefix, sealed) = Prefix::split(sealed).ok_or(ReadError::Damaged)?;
        let value = match (prefix.form, &records) {
            (OWN_KEY, None) => open_own_key(&self.service, place, prefix, sealed),
            (OWN_KEY, Some(records)) => open_own_key(&records.kek, place, prefix, sealed),
            (TO_INBOX, Some(records)) => records.inbox.open(INBOX_INFO, &prefix.associated(place), sealed),
            _ => None,
        };
        value.map(|value| Stored { version: prefix.version, value }).ok_or(ReadError::Damaged)
    }

    fn records(&self) -> Option<Arc<RecordsCipher>> {
        self.records.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Prefix {
    const BYTES: usize = 5;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([kek_high, kek_low], [high, low]) = (self.kek.to_be_bytes(), self.version.to_be_bytes());
        [self.form, kek_high, kek_low, high, low]
    }

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let ([form, kek_high, kek_low, high, low], rest) = bytes.split_first_chunk::<{ Self::BYTES }>()?;
        let (kek, version) = (u16::from_be_bytes([*kek_high, *kek_low]), u16::from_be_bytes([*high, *low]));
        (kek == KEK).then_some((Self { form: *form, kek, version }, rest))
    }

    /// `length of the name (1) || name || root (1) || prefix (5) || key`: no two places are the same bytes.
    fn associated(self, place: Place<'_>) -> Vec<u8> {
        let name = place.tree.name();
        let root = match place.root {
            Root::Service => 1,
            Root::Records => 2,
        };
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        [&[length], name.as_bytes(), &[root], &self.to_bytes(), &place.key.0].concat()
    }
}

/// A key of one use, wrapped: `(key, nonce || ciphertext || tag)`.
pub fn fresh_wrapped(kek: &Key, associated: &[u8]) -> Result<(Key, Vec<u8>), SealError> {
    let key = aead::random_key()?;
    let wrapped = aead::seal(kek, associated, key.expose())?;
    Ok((key, wrapped))
}

/// Unwraps a key.
pub fn unwrap(kek: &Key, associated: &[u8], wrapped: &[u8]) -> Option<Key> {
    let opened = aead::open(kek, associated, wrapped)?;
    let mut key = Key::new([0; 32]);
    key.expose_mut().copy_from_slice(opened.expose().first_chunk::<32>()?);
    Some(key)
}

fn seal_own_key(kek: &Key, place: Place<'_>, row: &Row) -> Result<Vec<u8>, SealError> {
    let prefix = Prefix { form: OWN_KEY, kek: KEK, version: row.version };
    let associated = prefix.associated(place);
    let (key, wrapped) = fresh_wrapped(kek, &associated)?;
    let sealed = aead::seal_with_nonce(&key, &ONCE, &associated, row.value.expose())?;
    Ok([prefix.to_bytes().as_slice(), &wrapped, &sealed].concat())
}

fn open_own_key(kek: &Key, place: Place<'_>, prefix: Prefix, sealed: &[u8]) -> Option<Sensitive<Vec<u8>>> {
    let (wrapped, sealed) = sealed.split_at_checked(WRAPPED_BYTES)?;
    let associated = prefix.associated(place);
    let key = unwrap(kek, &associated, wrapped)?;
    aead::open_with_nonce(&key, &ONCE, &associated, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> (Sealer, RecordsKeys) {
        let inbox_secret = HybridSecret::generate().unwrap();
        let inbox_public = Some(inbox_secret.public().unwrap());
        let service = ServiceKeys { root: Key::new([1; 32]), operational_seed: Key::new([2; 32]), inbox_public };
        (Sealer::new(&service), RecordsKeys { root: Key::new([3; 32]), inbox_secret })
    }

    fn row(tree: Tree, root: Root) -> Row {
        Row { tree, root, key: RowKey(vec![1, 2]), version: 4, value: Sensitive::new("Mariam Oyelaran".into()) }
    }

    fn place(row: &Row) -> Place<'_> {
        Place { tree: row.tree, root: row.root, key: &row.key }
    }

    #[test]
    fn a_value_opens_in_its_own_place_only() {
        let (sealer, _) = sealer();
        let row = row(Tree::Index, Root::Service);
        let sealed = sealer.seal(&row).unwrap();
        assert_eq!(sealed.len(), row.value.expose().len() + 93);
        let stored = sealer.open(place(&row), &sealed).unwrap();
        assert_eq!((stored.version, stored.value.expose()), (4, row.value.expose()));
        let other_key = RowKey(vec![1, 3]);
        assert_eq!(sealer.open(Place { key: &other_key, ..place(&row) }, &sealed).err(), Some(ReadError::Damaged));
        assert_eq!(sealer.open(Place { tree: Tree::Tags, ..place(&row) }, &sealed).err(), Some(ReadError::Damaged));
    }

    #[test]
    fn every_changed_byte_of_a_sealed_value_is_found() {
        let (sealer, records) = sealer();
        let row = row(Tree::People, Root::Records);
        let to_inbox = sealer.seal(&row).unwrap();
        assert!(sealer.open_records(records));
        let own_key = sealer.seal(&row).unwrap();
        assert!(sealer.open(place(&row), &to_inbox).is_ok() && sealer.open(place(&row), &own_key).is_ok());
        let late = to_inbox.len() - 60;
        for (sealed, from) in [(own_key, 0), (to_inbox, late)] {
            for at in from..sealed.len() {
                let mut bytes = sealed.clone();
                bytes[at] ^= 1;
                assert_eq!(sealer.open(place(&row), &bytes).err(), Some(ReadError::Damaged), "byte {at}");
                assert_eq!(sealer.open(place(&row), &bytes[..at]).err(), Some(ReadError::Damaged), "{at} bytes");
            }
        }
    }

    #[test]
    fn a_locked_sealer_seals_to_the_inbox_and_opens_nothing_of_the_records() {
        let (sealer, records) = sealer();
        let row = row(Tree::People, Root::Records);
        let sealed = sealer.seal(&row).unwrap();
        assert_eq!(sealer.open(place(&row), &sealed).err(), Some(ReadError::Locked));
        assert!(sealer.open_records(records));
        assert_eq!(sealer.open(place(&row), &sealed).unwrap().value.expose(), row.value.expose());
        sealer.lock_records();
        assert_eq!(sealer.open(place(&row), &sealed).err(), Some(ReadError::Locked));
    }

    #[test]
    fn keys_of_other_records_are_refused() {
        let (sealer, _) = sealer();
        let inbox_secret = HybridSecret::generate().unwrap();
        assert!(!sealer.open_records(RecordsKeys { root: Key::new([3; 32]), inbox_secret }));
        assert!(!sealer.records_open());
    }
}
