//! The keystore: one small file outside the store that holds every secret of a node, sealed.
//!
//! The daemon opens it at start with the service secret and hands the records keys to the store when a user unlocks the
//! node; `kinmesh init` makes it. Two secrets open two things: the service secret what a locked node needs, a user's
//! secret the records. The private half of a user's key is under the user's own secret and the records root is sealed to
//! the public half, so that the root can be sealed anew with nobody present. It holds no plaintext between calls. It does
//! not slow guesses down beyond the cost of Argon2id: callers pace them. What remains: who has the file may guess
//! passphrases at that cost, and who may write it can put an older file back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{NetworkId, Sensitive, UserId, cbor};
use thiserror::Error;

use crate::keys::aead::{self, Key, SealError};
use crate::keys::hybrid::{HybridPublic, HybridSecret};
use crate::keys::keystore_file::{
    KIND, KeystoreFile, MemberPart, RolePart, SealedService, ServicePart, USERS, UserPart, inbox_place, records_place,
    secret_place, service_place,
};
use crate::keys::roots::{RecordsKeys, ServiceKeys};
use crate::keys::small_file::{self, SmallFileError};
use crate::keys::unlock::{KdfCost, Lock, LockError, SecretKind, UnlockSecret};

const INBOX_LABEL: &str = "kinmesh/1/keystore/inbox";

/// A keystore file, read and closed.
pub struct Keystore {
    path: PathBuf,
    file: KeystoreFile,
}

/// What a node is, as its keystore says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A society: people, cases, users.
    Member,
    /// A coordination node: none of these.
    Coordinator,
}

/// Why no keystore was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateError {
    /// There is one.
    #[error("a keystore is already there; it is never overwritten, since without it the store cannot be opened")]
    Exists,
    /// The cheap derivation is for drills.
    #[error("network {network} is no drill network, so the cheap cost of passphrases is refused; use the standard cost")]
    Cost {
        /// Network of the keystore.
        network: NetworkId,
    },
    /// A secret is no secret.
    #[error("the secret has {found} bytes; a passphrase has at least 1, a credential at least 32 random bytes")]
    Short {
        /// Bytes of the secret.
        found: usize,
    },
    /// The memory for the derivation is not there.
    #[error("{0} KiB of memory are not there; stop other programs or give the service more memory")]
    Memory(u32),
    /// Nothing could be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file system refused.
    #[error("the keystore cannot be written: {0}")]
    Io(ErrorKind),
}

/// Why a keystore file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenKeystoreError {
    /// There is none.
    #[error("there is no keystore; make the node with `kinmesh init`, or put the keystore file back from its backup")]
    Absent,
    /// It is not what was written.
    #[error("the keystore file is damaged; put it back from its backup")]
    Damaged,
    /// A later release wrote it.
    #[error("the keystore has version {found}, this release reads up to {known}; install the later release again")]
    Later {
        /// Version found.
        found: u16,
        /// Highest version that this release reads.
        known: u16,
    },
    /// The file system refused.
    #[error("the keystore cannot be read: {0}")]
    Io(ErrorKind),
}

/// Why a secret opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnlockError {
    /// Not the secret, or no such user: which of the two is not told.
    #[error("the secret does not open this")]
    WrongSecret,
    /// The service wants the other kind of secret.
    #[error("the service is opened by a {expected:?}, not by a {found:?}")]
    Kind {
        /// Kind that opens it.
        expected: SecretKind,
        /// Kind that was given.
        found: SecretKind,
    },
    /// A coordination node has no records.
    #[error("a coordination node has no records to open")]
    NoRecords,
    /// The memory for the derivation is not there.
    #[error("{0} KiB of memory are not there; stop other programs or give the service more memory")]
    Memory(u32),
    /// Opened, but not what was sealed there, or with parameters outside their bounds.
    #[error("the keystore file is damaged; put it back from its backup")]
    Damaged,
}

/// Why no user was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddUserError {
    /// There is such a user.
    #[error("user {0} is already in the keystore")]
    Known(UserId),
    /// The file is full.
    #[error("a keystore holds at most {USERS} users")]
    TooMany,
    /// The keys open other records than these.
    #[error("these keys do not open the records of this keystore")]
    OtherRecords,
    /// The user's part could not be made or written.
    #[error(transparent)]
    Create(#[from] CreateError),
}

impl Keystore {
    /// Makes the keystore of a society with its first user. Durable when it returns; the folder is made where it is missing.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create_member(
        path: &Path,
        network: &NetworkId,
        service: &UnlockSecret,
        first_user: (UserId, &UnlockSecret),
        cost: KdfCost,
    ) -> Result<Self, CreateError> {
        check_cost(network, cost)?;
        let id = aead::random()?;
        let records = RecordsKeys { root: aead::random_key()?, inbox_secret: HybridSecret::generate()? };
        let inbox_key = aead::derive(&records.root, INBOX_LABEL);
        let sealed_inbox = aead::seal(&inbox_key, &inbox_place(&id), records.inbox_secret.seed().expose())?;
        let users = vec![user_part(&id, cost, &records.root, first_user.0, first_user.1)?];
        let inbox_public = records.inbox_secret.public()?;
        let role = RolePart::Member(MemberPart { sealed_inbox, users });
        let service = seal_service(&id, network, service, cost, Some(inbox_public))?;
        Self::create(path, KeystoreFile { id, network: *network, cost, service, role })
    }

    /// Makes the keystore of a coordination node. Durable when it returns; the folder is made where it is missing.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create_coordinator(
        path: &Path,
        network: &NetworkId,
        service: &UnlockSecret,
        cost: KdfCost,
    ) -> Result<Self, CreateError> {
        check_cost(network, cost)?;
        let id = aead::random()?;
        let service = seal_service(&id, network, service, cost, None)?;
        Self::create(path, KeystoreFile { id, network: *network, cost, service, role: RolePart::Coordinator })
    }

    /// Reads a keystore file; nothing is opened by that.
    ///
    /// # Errors
    /// [`OpenKeystoreError`].
    pub fn open(path: &Path) -> Result<Self, OpenKeystoreError> {
        let (_, body) = small_file::read(path, KIND).map_err(|error| match error {
            SmallFileError::Absent => OpenKeystoreError::Absent,
            SmallFileError::Damaged => OpenKeystoreError::Damaged,
            SmallFileError::Later { found, known } => OpenKeystoreError::Later { found, known },
            SmallFileError::Io(kind) => OpenKeystoreError::Io(kind),
        })?;
        let file: KeystoreFile = cbor::decode(&body).map_err(|_| OpenKeystoreError::Damaged)?;
        if check_cost(&file.network, file.cost).is_err() {
            return Err(OpenKeystoreError::Damaged);
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// What the node is.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.file.role {
            RolePart::Member(_) => Role::Member,
            RolePart::Coordinator => Role::Coordinator,
        }
    }

    /// The network that the keystore was made for.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.file.network
    }

    /// Which kind of secret opens the service, so that a caller knows whether to ask for a passphrase.
    #[must_use]
    pub const fn service_secret_kind(&self) -> SecretKind {
        self.file.service.lock.kind()
    }

    /// Opens what a locked node needs. A passphrase takes 256 MiB and some 650 ms.
    ///
    /// # Errors
    /// [`UnlockError`], never [`UnlockError::NoRecords`].
    pub fn unlock_service(&self, secret: &UnlockSecret) -> Result<ServiceKeys, UnlockError> {
        let KeystoreFile { id, network, cost, service, .. } = &self.file;
        let (expected, found) = (service.lock.kind(), secret.kind());
        let key = service.lock.key(secret, *cost).map_err(|error| match error {
            LockError::Kind => UnlockError::Kind { expected, found },
            other => unlock_error(other),
        })?;
        let place = service_place(id, network, *cost, &service.lock);
        let opened = aead::open(&key, &place, &service.sealed).ok_or(UnlockError::WrongSecret)?;
        let ServicePart { root, operational_seed, inbox_public } =
            ServicePart::from_bytes(&opened).ok_or(UnlockError::Damaged)?;
        if inbox_public.is_some() != (self.role() == Role::Member) {
            return Err(UnlockError::Damaged);
        }
        Ok(ServiceKeys { root, operational_seed, inbox_public })
    }

    /// Opens the records as a user. A passphrase takes 256 MiB and some 650 ms, for an unknown user as well.
    ///
    /// # Errors
    /// [`UnlockError`]; an unknown user is [`UnlockError::WrongSecret`].
    pub fn unlock_records(&self, user: &UserId, secret: &UnlockSecret) -> Result<RecordsKeys, UnlockError> {
        let KeystoreFile { id, cost, .. } = &self.file;
        let member = self.file.members().ok_or(UnlockError::NoRecords)?;
        let Some(part) = self.file.user(user) else {
            spend_as_if_known(secret, *cost)?;
            return Err(UnlockError::WrongSecret);
        };
        let key = part.lock.key(secret, *cost).map_err(unlock_error)?;
        let seed = aead::open(&key, &secret_place(id, user, &part.lock), &part.sealed_secret).ok_or(UnlockError::WrongSecret)?;
        let user_secret = HybridSecret::from_seed(key_of(&seed)?);
        let root = user_secret.open(&records_place(id, user), b"", &part.sealed_records).ok_or(UnlockError::Damaged)?;
        let root = key_of(&root)?;
        let inbox = open_inbox(id, member, &root).ok_or(UnlockError::Damaged)?;
        Ok(RecordsKeys { root, inbox_secret: HybridSecret::from_seed(key_of(&inbox)?) })
    }

    /// Adds a user, who can open the records from then on. Durable when it returns.
    ///
    /// # Errors
    /// [`AddUserError`]; the file is then as it was.
    pub fn add_user(&mut self, by: &RecordsKeys, user: UserId, secret: &UnlockSecret) -> Result<(), AddUserError> {
        let id = self.file.id;
        let member = self.file.members().ok_or(AddUserError::OtherRecords)?;
        open_inbox(&id, member, &by.root).ok_or(AddUserError::OtherRecords)?;
        if self.file.user(&user).is_some() {
            return Err(AddUserError::Known(user));
        }
        if member.users.len() >= USERS {
            return Err(AddUserError::TooMany);
        }
        let part = user_part(&id, self.file.cost, &by.root, user, secret)?;
        let mut file = self.file.clone();
        if let RolePart::Member(member) = &mut file.role {
            member.users.push(part);
        }
        small_file::write(&self.path, KIND, cbor::encode(&file)).map_err(|error| CreateError::Io(error.kind()))?;
        self.file = file;
        Ok(())
    }

    fn create(path: &Path, file: KeystoreFile) -> Result<Self, CreateError> {
        small_file::create(path, KIND, cbor::encode(&file)).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => CreateError::Exists,
            other => CreateError::Io(other),
        })?;
        Ok(Self { path: path.to_path_buf(), file })
    }
}

fn check_cost(network: &NetworkId, cost: KdfCost) -> Result<(), CreateError> {
    match cost {
        KdfCost::Drill if !network.is_drill() => Err(CreateError::Cost { network: *network }),
        KdfCost::Drill | KdfCost::Standard => Ok(()),
    }
}

fn seal_service(
    id: &[u8; 16],
    network: &NetworkId,
    secret: &UnlockSecret,
    cost: KdfCost,
    inbox_public: Option<HybridPublic>,
) -> Result<SealedService, CreateError> {
    let lock = secret.lock(cost).map_err(create_error)?;
    let part = ServicePart { root: aead::random_key()?, operational_seed: aead::random_key()?, inbox_public };
    let key = lock.key(secret, cost).map_err(create_error)?;
    let sealed = aead::seal(&key, &service_place(id, network, cost, &lock), part.to_bytes().expose())?;
    Ok(SealedService { lock, sealed })
}

fn user_part(
    id: &[u8; 16],
    cost: KdfCost,
    records_root: &Key,
    user: UserId,
    secret: &UnlockSecret,
) -> Result<UserPart, CreateError> {
    let lock = secret.lock(cost).map_err(create_error)?;
    let key = lock.key(secret, cost).map_err(create_error)?;
    let user_secret = HybridSecret::generate()?;
    let public = user_secret.public()?;
    let sealed_secret = aead::seal(&key, &secret_place(id, &user, &lock), user_secret.seed().expose())?;
    let sealed_records = public.seal(&records_place(id, &user), b"", records_root.expose())?;
    Ok(UserPart { user, lock, public: public.as_bytes().to_vec(), sealed_secret, sealed_records })
}

/// Opens the seed of the inbox key, which also shows that a records root is this keystore's.
fn open_inbox(id: &[u8; 16], member: &MemberPart, records_root: &Key) -> Option<Sensitive<Vec<u8>>> {
    aead::open(&aead::derive(records_root, INBOX_LABEL), &inbox_place(id), &member.sealed_inbox)
}

/// Takes the time that a known user's secret takes, so that the time does not tell who is a user.
fn spend_as_if_known(secret: &UnlockSecret, cost: KdfCost) -> Result<(), UnlockError> {
    let lock: Lock = secret.lock(cost).map_err(unlock_error)?;
    lock.key(secret, cost).map(drop).map_err(unlock_error)
}

fn key_of(bytes: &Sensitive<Vec<u8>>) -> Result<Key, UnlockError> {
    let mut key = Key::new([0; 32]);
    if bytes.expose().len() != key.expose().len() {
        return Err(UnlockError::Damaged);
    }
    key.expose_mut().copy_from_slice(bytes.expose());
    Ok(key)
}

const fn create_error(error: LockError) -> CreateError {
    match error {
        LockError::Short { found } => CreateError::Short { found },
        LockError::Memory(kib) => CreateError::Memory(kib),
        LockError::Random(error) => CreateError::Seal(error),
        // A lock is made for its own secret with parameters within their bounds.
        LockError::Kind | LockError::Cost => CreateError::Seal(SealError::Seal),
    }
}

const fn unlock_error(error: LockError) -> UnlockError {
    match error {
        LockError::Kind | LockError::Short { .. } => UnlockError::WrongSecret,
        LockError::Memory(kib) => UnlockError::Memory(kib),
        LockError::Cost | LockError::Random(_) => UnlockError::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> UnlockSecret {
        UnlockSecret::Passphrase(text.into())
    }

    fn credential(byte: u8) -> UnlockSecret {
        UnlockSecret::Credential(Sensitive::new(vec![byte; 32]))
    }

    fn user(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    fn drill() -> NetworkId {
        NetworkId::new("drill-delta").unwrap()
    }

    fn member(path: &Path) -> Keystore {
        let secret = passphrase("seven quiet rivers");
        Keystore::create_member(path, &drill(), &credential(7), (user("amina"), &secret), KdfCost::Drill).unwrap()
    }

    #[test]
    fn a_keystore_gives_the_same_keys_after_it_was_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/keystore");
        let made = member(&path);
        let read = Keystore::open(&path).unwrap();
        let (before, after) = (made.unlock_service(&credential(7)).unwrap(), read.unlock_service(&credential(7)).unwrap());
        assert!(before.root == after.root && before.operational_seed == after.operational_seed);
        assert!(after.root != after.operational_seed);
        let records = read.unlock_records(&user("amina"), &passphrase("seven quiet rivers")).unwrap();
        assert_eq!(records.inbox_secret.public().unwrap(), after.inbox_public.unwrap());
        assert_eq!((read.role(), read.service_secret_kind()), (Role::Member, SecretKind::Credential));
    }

    #[test]
    fn a_wrong_secret_and_an_unknown_user_are_told_alike() {
        let folder = tempfile::tempdir().unwrap();
        let keystore = member(&folder.path().join("keystore"));
        assert_eq!(keystore.unlock_service(&credential(8)).err(), Some(UnlockError::WrongSecret));
        let expected = SecretKind::Credential;
        let found = SecretKind::Passphrase;
        assert_eq!(keystore.unlock_service(&passphrase("x")).err(), Some(UnlockError::Kind { expected, found }));
        for (name, secret) in [
            ("amina", passphrase("seven quiet river")),
            ("amina", credential(7)),
            ("yusuf", passphrase("seven quiet rivers")),
            ("yusuf", credential(1)),
        ] {
            assert_eq!(keystore.unlock_records(&user(name), &secret).err(), Some(UnlockError::WrongSecret), "{name}");
        }
    }

    #[test]
    fn an_added_user_opens_the_same_records_with_an_own_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystore");
        let mut keystore = member(&path);
        let by = keystore.unlock_records(&user("amina"), &passphrase("seven quiet rivers")).unwrap();
        keystore.add_user(&by, user("wei"), &credential(9)).unwrap();
        assert_eq!(keystore.add_user(&by, user("wei"), &credential(9)), Err(AddUserError::Known(user("wei"))));
        let records = Keystore::open(&path).unwrap().unlock_records(&user("wei"), &credential(9)).unwrap();
        assert!(records.root == by.root);
    }

    #[test]
    fn a_user_is_added_by_keys_of_the_same_records_only() {
        let folder = tempfile::tempdir().unwrap();
        let other = member(&folder.path().join("other"));
        let by = other.unlock_records(&user("amina"), &passphrase("seven quiet rivers")).unwrap();
        let mut keystore = member(&folder.path().join("keystore"));
        assert_eq!(keystore.add_user(&by, user("wei"), &credential(9)), Err(AddUserError::OtherRecords));
    }

    #[test]
    fn a_coordinator_has_no_inbox_no_records_and_no_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystore");
        let keystore = Keystore::create_coordinator(&path, &drill(), &passphrase("nine small boats"), KdfCost::Drill).unwrap();
        assert!(keystore.unlock_service(&passphrase("nine small boats")).unwrap().inbox_public.is_none());
        assert_eq!(keystore.unlock_records(&user("amina"), &credential(1)).err(), Some(UnlockError::NoRecords));
        assert_eq!(Keystore::open(&path).unwrap().role(), Role::Coordinator);
    }

    #[test]
    fn the_cheap_cost_is_refused_outside_drills_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystore");
        let network = NetworkId::new("family-links").unwrap();
        let refused = Keystore::create_coordinator(&path, &network, &credential(1), KdfCost::Drill);
        assert_eq!(refused.err(), Some(CreateError::Cost { network }));
        assert_eq!(Keystore::open(&path).err(), Some(OpenKeystoreError::Absent));
    }

    #[test]
    fn a_keystore_is_never_overwritten_and_a_damaged_one_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystore");
        drop(member(&path));
        let again = Keystore::create_coordinator(&path, &drill(), &credential(1), KdfCost::Drill);
        assert_eq!(again.err(), Some(CreateError::Exists));
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Keystore::open(&path).err(), Some(OpenKeystoreError::Damaged));
    }

    #[test]
    fn no_secret_stands_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystore");
        let keystore = member(&path);
        let service = keystore.unlock_service(&credential(7)).unwrap();
        let records = keystore.unlock_records(&user("amina"), &passphrase("seven quiet rivers")).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for secret in [&service.root, &service.operational_seed, &records.root, records.inbox_secret.seed()] {
            assert!(!bytes.windows(8).any(|window| secret.expose().windows(8).any(|part| part == window)));
        }
    }
}
