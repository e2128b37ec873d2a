//! Level 0 of the node: custody of its secrets. The keystore file, the unlock secrets that open it, and the sealing that
//! the store builds on.
//!
//! The daemon opens a [`Keystore`] at start and hands what it yields to the store and the engine. The invariant of the
//! folder: a secret is on disk only sealed, in memory only as `Sensitive`, and nowhere else. It deliberately knows no
//! store and no network.

pub mod aead;
pub mod hybrid;
pub mod key_file;
pub mod keystore;
mod keystore_file;
pub mod roots;
pub mod small_file;
pub mod unlock;

pub use hybrid::{HybridPublic, HybridSecret};
pub use key_file::{CreateKeyError, KeyFile, KeyUse, OpenKeyError, Protection};
pub use keystore::{AddUserError, CreateError, Keystore, OpenKeystoreError, Role, UnlockError};
pub use roots::{RecordsKeys, ServiceKeys};
pub use unlock::{KdfCost, SecretKind, UnlockSecret};
