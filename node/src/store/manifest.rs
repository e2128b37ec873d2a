//! The manifest: a small file beside the database that says what the database must at least hold.
//!
//! `open` compares both, `commit` writes the manifest every [`COMMITS`] commits and `node_store` when the store is closed. It
//! is replaced whole and only after the commits that it tells of are durable, so that a database behind it was rolled back
//! or emptied. The id of the key stands in the clear, so that a wrong key is told from damage; everything is
//! authenticated under the service root. What remains: who may write the disk can put back the whole folder of an
//! earlier day, which only others can witness.

use std::path::Path;

use kinmesh_protocol::base::cbor;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::keys::ServiceKeys;
use crate::keys::aead::{self, Key, SealError};
use crate::keys::small_file::{self, Kind, SmallFileError};

/// Commits between two writings of the manifest.
pub const COMMITS: u64 = 1_000;

const KIND: Kind = Kind { name: "kinmesh store", version: 1 };
const KEY_LABEL: &str = "kinmesh/1/store/manifest";
const KEY_ID_LABEL: &str = "kinmesh/1/store/key-id";
const STATE_LABEL: &str = "kinmesh/1/store/state";

/// What the database must at least hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whether people may be in it.
    pub holds_people: bool,
    /// The least state of the database.
    pub state: State,
}

/// Where a database stands. Kept in a row that every commit writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Tells this store from every other.
    pub store: [u8; 16],
    /// Commits since the store was made.
    pub generation: u64,
    /// Rows, the blobs' and this one's not counted.
    pub rows: u64,
}

/// Keys of the manifest and of the state's row.
pub struct ManifestKeys {
    manifest: Key,
    state: Key,
    id: [u8; 16],
}

/// Why there is no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The file gives no body.
    #[error(transparent)]
    File(#[from] SmallFileError),
    /// Another key made it.
    #[error("the store was made with another keystore")]
    OtherKey,
}

#[derive(Encode, Decode)]
struct Body {
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    key_id: [u8; 16],
    #[n(1)]
    content: Content,
    /// An empty value sealed under the manifest's key for this content.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    seal: Vec<u8>,
}

#[derive(Encode, Decode)]
struct Content {
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    store: [u8; 16],
    #[n(1)]
    holds_people: bool,
    #[n(2)]
    generation: u64,
    #[n(3)]
    rows: u64,
}

impl ManifestKeys {
    /// Derived from the service root.
    pub fn new(keys: &ServiceKeys) -> Self {
        let id = aead::derive(&keys.root, KEY_ID_LABEL);
        let id = id.expose().first_chunk::<16>().copied().unwrap_or_default();
        Self { manifest: aead::derive(&keys.root, KEY_LABEL), state: aead::derive(&keys.root, STATE_LABEL), id }
    }

    /// Reads a manifest.
    pub fn read(&self, path: &Path) -> Result<Manifest, ManifestError> {
        let (_, body) = small_file::read(path, KIND)?;
        let Body { key_id, content, seal } = cbor::decode(&body).map_err(|_| SmallFileError::Damaged)?;
        if key_id != self.id {
            return Err(ManifestError::OtherKey);
        }
        aead::open(&self.manifest, &cbor::encode(&content), &seal).ok_or(SmallFileError::Damaged)?;
        let Content { store, holds_people, generation, rows } = content;
        Ok(Manifest { holds_people, state: State { store, generation, rows } })
    }

    /// Writes a manifest durably.
    pub fn write(&self, path: &Path, manifest: Manifest) -> Result<(), std::io::Error> {
        let State { store, generation, rows } = manifest.state;
        let content = Content { store, holds_people: manifest.holds_people, generation, rows };
        let seal = aead::seal(&self.manifest, &cbor::encode(&content), b"").map_err(std::io::Error::other)?;
        small_file::write(path, KIND, cbor::encode(&Body { key_id: self.id, content, seal }))
    }

    /// The value of the state's row.
    pub fn seal_state(&self, state: State) -> Result<Vec<u8>, SealError> {
        let plain = [state.store.as_slice(), &state.generation.to_be_bytes(), &state.rows.to_be_bytes()].concat();
        aead::seal(&self.state, b"", &plain)
    }

    /// Reads [`ManifestKeys::seal_state`]; none if another store's key sealed it.
    pub fn open_state(&self, sealed: &[u8]) -> Option<State> {
        let plain = aead::open(&self.state, b"", sealed)?;
        let (store, rest) = plain.expose().split_first_chunk::<16>()?;
        let (generation, rows) = rest.split_first_chunk::<8>()?;
        let rows = u64::from_be_bytes(rows.try_into().ok()?);
        Some(State { store: *store, generation: u64::from_be_bytes(*generation), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> ManifestKeys {
        ManifestKeys::new(&ServiceKeys { root: Key::new([byte; 32]), operational_seed: Key::new([0; 32]), inbox_public: None })
    }

    #[test]
    fn a_manifest_is_read_back_and_another_key_is_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest");
        let state = State { store: [1; 16], generation: 70_000, rows: 3 };
        let manifest = Manifest { holds_people: true, state };
        keys(1).write(&path, manifest).unwrap();
        assert_eq!(keys(1).read(&path), Ok(manifest));
        assert_eq!(keys(2).read(&path), Err(ManifestError::OtherKey));
    }

    #[test]
    fn a_state_opens_with_the_key_of_its_store_only() {
        let state = State { store: [1; 16], generation: 70_000, rows: 3 };
        let sealed = keys(1).seal_state(state).unwrap();
        assert_eq!(keys(1).open_state(&sealed), Some(state));
        assert_eq!(keys(2).open_state(&sealed), None);
    }
}
