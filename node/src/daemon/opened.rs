//! A node's folder, opened: its keystore unlocked for the service, its store, and how its engine opens.
//!
//! `run` and `join` call it. The order is: configuration, keystore, secret, store; the store's lock keeps a second process out.
//! It opens no records: that needs a user.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{NetworkId, Sensitive};
use kinmesh_protocol::engine::{Batch, Engine, NodeKeys, Seat};
use thiserror::Error;

use crate::daemon::desk::{UnlockInput, UnlockProblem};
use crate::daemon::driver::{CommitRefused, FindRecordsKey, OpenEngine, Store};
use crate::daemon::folder::{Config, FolderError, NodeFolder};
use crate::exchange::Kind;
use crate::keys::unlock::CREDENTIAL_BYTES;
use crate::keys::{Keystore, OpenKeystoreError, RecordsKeys, Role, SecretKind, UnlockError, UnlockSecret};
use crate::store::{CommitError, NodeStore, OpenError as OpenStoreError, RecordsError, StoreConfig, StoreView};

/// A node that is open for the service.
pub struct OpenedNode {
    /// Its configuration.
    pub config: Config,
    /// Its keystore.
    pub keystore: Arc<Keystore>,
    /// Its store.
    pub store: NodeStore,
    /// Seed of the operational key.
    pub operational_seed: Sensitive<[u8; 32]>,
}

/// Why a node does not open.
#[derive(Debug, Error)]
pub enum OpenNodeError {
    /// The folder or its configuration.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] OpenKeystoreError),
    /// The configuration says another role or network than the keystore.
    #[error("the configuration is not the one of this keystore: network {network}, role {role:?}")]
    OtherNode {
        /// The keystore's network.
        network: NetworkId,
        /// The keystore's role.
        role: Role,
    },
    /// Nobody gave a secret.
    #[error("a secret is needed to open the node's own keys: {kind:?}")]
    NoSecret {
        /// Which kind.
        kind: SecretKind,
    },
    /// The secret.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
}

impl OpenNodeError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Folder(FolderError::NoNode(_) | FolderError::Config { .. }) | Self::OtherNode { .. } => Kind::Usage,
            Self::Keystore(OpenKeystoreError::Absent) => Kind::Usage,
            Self::Folder(FolderError::File(_)) | Self::Keystore(_) => Kind::Machine,
            Self::Unlock(UnlockError::WrongSecret | UnlockError::Kind { .. }) | Self::NoSecret { .. } => Kind::Secret,
            Self::Store(OpenStoreError::InUse) => Kind::InUse,
            Self::Unlock(_) | Self::Store(_) => Kind::Machine,
        }
    }
}

/// Opens a node's folder. `secret` gives what opens a keystore of that kind.
///
/// # Errors
/// [`OpenNodeError`].
pub fn open_node(
    folder: &NodeFolder,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
) -> Result<OpenedNode, OpenNodeError> {
    let config = folder.read_config()?;
    let keystore = Keystore::open(&folder.keystore())?;
    let role = match config.seat {
        Seat::Member(_) => Role::Member,
        Seat::Coordinator => Role::Coordinator,
    };
    if keystore.role() != role || *keystore.network() != config.network {
        return Err(OpenNodeError::OtherNode { network: *keystore.network(), role: keystore.role() });
    }
    let kind = keystore.service_secret_kind();
    let service = keystore.unlock_service(&secret(kind).ok_or(OpenNodeError::NoSecret { kind })?)?;
    let store_config = match role {
        Role::Member => StoreConfig::member(&folder.store()),
        Role::Coordinator => StoreConfig::coordinator(&folder.store()),
    };
    let store = NodeStore::open(&store_config, &service)?;
    Ok(OpenedNode { config, keystore: Arc::new(keystore), store, operational_seed: service.operational_seed })
}

impl OpenedNode {
    /// How the engine opens on this node's store.
    #[must_use]
    pub fn engine_opener(&self) -> OpenEngine<Engine, StoreView> {
        let (seat, seed) = (self.config.seat, self.operational_seed.clone());
        Box::new(move |now, step_seed, records_open, view| {
            let keys = NodeKeys::new(SigningKey::from_bytes(seed.expose()));
            Engine::open(seat, keys, now, step_seed, records_open, view)
        })
    }

    /// How a user's word becomes the records' keys.
    #[must_use]
    pub fn records_opener(&self) -> FindRecordsKey<RecordsKeys> {
        let keystore = Arc::clone(&self.keystore);
        Arc::new(move |user, input| keystore.unlock_records(&user, &unlock_secret(input)?).map_err(problem_of))
    }
}

impl Store for NodeStore {
    type View = StoreView;
    type RecordsKey = RecordsKeys;

    fn view(&self) -> StoreView {
        NodeStore::view(self)
    }

    fn commit(&self, batch: Batch) -> Result<(), CommitRefused> {
        NodeStore::commit(self, batch).map_err(|error| {
            tracing::error!(%error, "the store did not take a step");
            match error {
                CommitError::DiskFull => CommitRefused::Full,
                CommitError::Failed(_) => CommitRefused::Broken,
                CommitError::Io(_) | CommitError::Seal(_) => CommitRefused::Failed,
                CommitError::TooLarge { found } | CommitError::TooManyRows { found, .. } => CommitRefused::TooLarge { found },
                CommitError::Value { .. } | CommitError::Key { .. } | CommitError::NotHere { .. } => CommitRefused::Unfit,
            }
        })
    }

    fn open_records(&self, key: RecordsKeys) -> Result<(), UnlockProblem> {
        NodeStore::open_records(self, key).map_err(|error| match error {
            RecordsError::NoRecords => UnlockProblem::Role,
            RecordsError::OtherRecords => UnlockProblem::KeyFile,
        })
    }

    fn lock_records(&self) {
        NodeStore::lock_records(self);
    }

    fn records_are_open(&self) -> bool {
        NodeStore::records_open(self)
    }
}

fn unlock_secret(input: UnlockInput) -> Result<UnlockSecret, UnlockProblem> {
    match input {
        UnlockInput::Passphrase(text) => Ok(UnlockSecret::Passphrase(text)),
        UnlockInput::Credential(bytes) if bytes.expose().len() < CREDENTIAL_BYTES => Err(UnlockProblem::ShortCredential),
        UnlockInput::Credential(bytes) => Ok(UnlockSecret::Credential(bytes)),
    }
}

fn problem_of(error: UnlockError) -> UnlockProblem {
    match error {
        UnlockError::WrongSecret | UnlockError::Kind { .. } => UnlockProblem::Wrong,
        UnlockError::NoRecords => UnlockProblem::Role,
        UnlockError::Memory(_) => UnlockProblem::Busy,
        UnlockError::Damaged => UnlockProblem::KeyFile,
    }
}
