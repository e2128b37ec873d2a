//! Opening a store: everything that can be wrong with it is told apart here, before anything is read from it.
//!
//! The daemon opens its store once. The order is: the lock of the folder, the manifest, the database, what the database says of
//! itself against what the manifest says, then the sweep of what a crash left. Nothing is removed before all of that
//! agrees, but unfinished snapshots, those that `recover` copies aside first, and the ballast where there would be no room
//! to open.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use kinmesh_protocol::base::BlobId;
use thiserror::Error;

use crate::keys::ServiceKeys;
use crate::keys::aead::{self, SealError};
use crate::keys::small_file::{SmallFileError, UNFINISHED_PREFIX, make_folder};
use crate::store::blobs::Blobs;
use crate::store::database::Database;
use crate::store::layout;
use crate::store::manifest::{Manifest, ManifestError, ManifestKeys, State};
use crate::store::node_store::{Condition, Inner, NodeStore, Writer};
use crate::store::recover::open_database;
use crate::store::seal::Sealer;
use crate::store::space::Space;

/// How long a folder that is in use is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Bytes of the ballast, unless the configuration says otherwise.
const BALLAST_BYTES: u64 = 64 * 1024 * 1024;
const PAGE: usize = 1_024;

/// Where a store is and what it may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Its folder, which holds nothing else; made where it is missing, for this account alone.
    pub dir: PathBuf,
    /// What it may hold.
    pub kind: StoreKind,
    /// Bytes kept for the gravest matters on a full disk; 0 for none. Left out where the disk has less than four times as much.
    pub ballast_bytes: u64,
}

/// What a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A society's: every tree.
    Member,
    /// A coordination node's: public trees only, and no records.
    Coordinator,
}

/// A part of a store that can be damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The file that says what the database must at least hold.
    Manifest,
    /// The database.
    Database,
}

/// Why a store was not opened. What it held is then still there; sled may have written a snapshot of what it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("another daemon uses this folder; stop it, or use another folder")]
    InUse,
    /// It was made with the keys of another keystore.
    #[error("this store was made with another keystore; put back the keystore file that belongs to it, or use another folder")]
    WrongKey,
    /// The database is that of another store.
    #[error(
        "the database in this folder belongs to another store; put back its own, or keep the folder as it is and put a copy of it from before back"
    )]
    Foreign,
    /// The keystore or the configuration is a coordinator's and the store a member's, or the other way round.
    #[error("the store is that of a {found:?}, opened as that of a {expected:?}; use the folder and keystore of this node")]
    Kind {
        /// What the configuration says.
        expected: StoreKind,
        /// What the store or the keystore is.
        found: StoreKind,
    },
    /// A part is damaged or missing.
    #[error("the store is damaged ({0:?}); keep the folder as it is and put a copy of it from before back")]
    Damaged(Part),
    /// The database is older than the manifest says.
    #[error(
        "the database is at commit {found}, but commit {expected} was made: an older copy was put back; keep the folder as it is and put a copy of it from before back"
    )]
    RolledBack {
        /// Commit that the manifest tells of.
        expected: u64,
        /// Commit that the database holds.
        found: u64,
    },
    /// The database is empty or gone.
    #[error(
        "the database is empty, but commit {expected} was made; keep the folder as it is and put a copy of it from before back"
    )]
    Emptied {
        /// Commit that the manifest tells of.
        expected: u64,
    },
    /// A later release wrote it.
    #[error("the store has version {found}, this release reads up to {known}; install the later release again")]
    Later {
        /// Version found.
        found: u16,
        /// Highest version that this release reads.
        known: u16,
    },
    /// Nothing could be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file system refused.
    #[error("the file system refused ({0}); check the rights on the folder, the room on the disk and the disk itself")]
    Io(ErrorKind),
}

/// Paths in the folder of a store.
struct Paths {
    lock: PathBuf,
    manifest: PathBuf,
    database: PathBuf,
    blobs: PathBuf,
}

impl StoreConfig {
    /// The store of a society in a folder.
    #[must_use]
    pub fn member(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf(), kind: StoreKind::Member, ballast_bytes: BALLAST_BYTES }
    }

    /// The store of a coordination node in a folder.
    #[must_use]
    pub fn coordinator(dir: &Path) -> Self {
        Self { kind: StoreKind::Coordinator, ..Self::member(dir) }
    }
}

impl NodeStore {
    /// Opens the store in a folder, or makes it where the folder holds none. The records are locked.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open(config: &StoreConfig, service: &ServiceKeys) -> Result<Self, OpenError> {
        let keystore_kind = if service.inbox_public.is_some() { StoreKind::Member } else { StoreKind::Coordinator };
        check_kind(config.kind, keystore_kind)?;
        make_folder(&config.dir)?;
        let paths = Paths::new(&config.dir);
        let lock = lock(&paths.lock)?;
        let keys = ManifestKeys::new(service);
        let manifest = manifest_of(&paths, &keys, config.kind)?;
        let mut space = Space::new(&config.dir, config.ballast_bytes);
        space.make_room_to_open();
        let (database, state) = open_database(&paths.database, |database| check(database, &keys, manifest.state))?;
        sweep_unfinished(&config.dir)?;
        let blobs = Blobs::open(&paths.blobs, service)?;
        blobs.sweep(&named_blobs(&database)?)?;
        let in_manifest = manifest.state.generation;
        let inner = Inner {
            kind: config.kind,
            sealer: Sealer::new(service),
            database,
            blobs,
            keys,
            manifest_path: paths.manifest,
            writer: Mutex::new(Writer { state, in_manifest, space }),
            gate: RwLock::new(Condition::Serving),
            _lock: lock,
        };
        inner.settle()?;
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// Writes the manifest and fills the ballast, last.
    fn settle(&self) -> Result<(), OpenError> {
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if writer.in_manifest != writer.state.generation {
            self.write_manifest(&mut writer)?;
        }
        writer.space.make_ballast();
        Ok(())
    }
}

impl Paths {
    fn new(dir: &Path) -> Self {
        Self { lock: dir.join("store.lock"), manifest: dir.join("manifest"), database: dir.join("db"), blobs: dir.join("blobs") }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        OpenError::Io(error.kind())
    }
}

fn check_kind(expected: StoreKind, found: StoreKind) -> Result<(), OpenError> {
    if expected == found { Ok(()) } else { Err(OpenError::Kind { expected, found }) }
}

/// The lock is on the open file, so that it goes with the process however that ends. A process that was just killed may hold it
/// a moment longer than it is seen: who starts a node again at once must not be sent away.
fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_WAIT / 100),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Reads the manifest, or makes the first one in a folder that holds no store.
fn manifest_of(paths: &Paths, keys: &ManifestKeys, kind: StoreKind) -> Result<Manifest, OpenError> {
    let manifest = match keys.read(&paths.manifest) {
        Ok(manifest) => manifest,
        Err(ManifestError::File(SmallFileError::Absent)) if !paths.database.exists() && !paths.blobs.exists() => {
            let state = State { store: aead::random()?, generation: 0, rows: 0 };
            let first = Manifest { holds_people: kind == StoreKind::Member, state };
            keys.write(&paths.manifest, first)?;
            first
        }
        Err(error) => return Err(manifest_error(error)),
    };
    let found = if manifest.holds_people { StoreKind::Member } else { StoreKind::Coordinator };
    check_kind(kind, found)?;
    // sled would make an empty database where there is none.
    if manifest.state.generation > 0 && !paths.database.join("db").exists() {
        return Err(OpenError::Emptied { expected: manifest.state.generation });
    }
    Ok(manifest)
}

/// Compares what the database says of itself with what the manifest says; starts an empty one that was never used.
fn check(database: &Database, keys: &ManifestKeys, least: State) -> Result<State, OpenError> {
    let Some(sealed) = database.value(&layout::STATE_KEY)? else {
        return first_state(database, keys, least);
    };
    let state = keys.open_state(&sealed).filter(|state| state.store == least.store).ok_or(OpenError::Foreign)?;
    if state.generation < least.generation {
        return Err(OpenError::RolledBack { expected: least.generation, found: state.generation });
    }
    if state.generation == least.generation && state.rows != least.rows {
        return Err(OpenError::Damaged(Part::Database));
    }
    Ok(state)
}

fn first_state(database: &Database, keys: &ManifestKeys, least: State) -> Result<State, OpenError> {
    let (from, until) = layout::every_head();
    if !database.page(&from, &until, 1)?.is_empty() {
        return Err(OpenError::Foreign);
    }
    if least.generation > 0 {
        return Err(OpenError::Emptied { expected: least.generation });
    }
    let state = State { generation: 1, ..least };
    let mut batch = sled::Batch::default();
    batch.insert(&layout::STATE_KEY, keys.seal_state(state)?);
    database.apply(batch)?;
    Ok(state)
}

fn named_blobs(database: &Database) -> Result<BTreeSet<BlobId>, OpenError> {
    let (mut from, until) = layout::every_blob();
    let mut named = BTreeSet::new();
    loop {
        let page = database.page(&from, &until, PAGE)?;
        named.extend(page.iter().filter_map(|(key, _)| layout::blob_of(key)));
        match page.last() {
            Some((key, _)) if page.len() == PAGE => from = [key, [0].as_slice()].concat(),
            _ => return Ok(named),
        }
    }
}

/// Removes files that a crash left before they got their name.
fn sweep_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

const fn manifest_error(error: ManifestError) -> OpenError {
    match error {
        ManifestError::OtherKey => OpenError::WrongKey,
        ManifestError::File(SmallFileError::Absent | SmallFileError::Damaged) => OpenError::Damaged(Part::Manifest),
        ManifestError::File(SmallFileError::Later { found, known }) => OpenError::Later { found, known },
        ManifestError::File(SmallFileError::Io(kind)) => OpenError::Io(kind),
    }
}
