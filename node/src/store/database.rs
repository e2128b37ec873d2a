//! sled 0.34.7, used so that it is durable and never takes the process down.
//!
//! The rest of the store calls it with raw keys and values. sled's `flush` ends in `sync_file_range`, which is no fsync
//! (spacejam/sled#1452, #1351): after each batch the log file is fdatasynced through a handle of our own, and batches are
//! bounded by the caller so that little is written between two of these. sled panics on some damaged files: every call
//! runs guarded. It does no sealing and decides nothing about rows.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sled::{Batch, IVec, Mode};
use thiserror::Error;

use crate::keys::small_file::sync_folder;

/// Bytes of sled's cache; it takes several times as much.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// sled's own threads may hold its lock for a moment after the last handle was dropped.
const HELD_TRIES: u32 = 100;
const HELD_PAUSE: Duration = Duration::from_millis(20);

/// Rows as they lie in sled.
pub type RawRows = Vec<(IVec, IVec)>;

/// An open sled database.
pub struct Database {
    /// Taken out when dropped, which is guarded as well.
    db: Option<sled::Db>,
    /// The file that sled logs to, for fdatasync.
    log: File,
}

/// What sled says, in the terms of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// The files are not what sled wrote, or sled gave up.
    #[error("the database is damaged")]
    Damaged,
    /// The file system refused.
    #[error("the file system refused: {0}")]
    Io(ErrorKind),
}

impl Database {
    /// Opens the database in a folder, or makes it there.
    pub fn open(folder: &Path) -> Result<Self, DatabaseError> {
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).mode(Mode::HighThroughput).flush_every_ms(None);
        let mut tries = 0;
        let db = loop {
            match catch_unwind(AssertUnwindSafe(|| config.open())) {
                Ok(Ok(db)) => break db,
                Ok(Err(error)) if is_held(&error) && tries < HELD_TRIES => {
                    tries += 1;
                    thread::sleep(HELD_PAUSE);
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(DatabaseError::Damaged),
            }
        };
        let log = File::options().read(true).write(true).open(folder.join("db"))?;
        let database = Self { db: Some(db), log };
        database.sync_made(folder)?;
        Ok(database)
    }

    /// The value under a key.
    pub fn value(&self, key: &[u8]) -> Result<Option<IVec>, DatabaseError> {
        self.guarded(|db| db.get(key))
    }

    /// At most `limit` rows with `from <= key < until`, in ascending order.
    pub fn page(&self, from: &[u8], until: &[u8], limit: usize) -> Result<RawRows, DatabaseError> {
        if from >= until {
            return Ok(Vec::new());
        }
        self.guarded(|db| db.range(from..until).take(limit).collect())
    }

    /// Applies a batch whole or not at all. Durable when it returns Ok; after an error the database is to be closed, since
    /// memory may hold what the disk does not.
    pub fn apply(&self, batch: Batch) -> Result<(), DatabaseError> {
        self.guarded(|db| db.apply_batch(batch).and_then(|()| db.flush()))?;
        self.log.sync_data()?;
        Ok(())
    }

    /// Lets every later fdatasync fail: a pipe has none.
    #[cfg(test)]
    pub fn break_log(&mut self) {
        self.log = std::io::pipe().map(|(_, writer)| File::from(std::os::fd::OwnedFd::from(writer))).unwrap();
    }

    /// Makes what sled's open made durable: it fsyncs neither its folder nor its settings.
    fn sync_made(&self, folder: &Path) -> Result<(), DatabaseError> {
        self.log.sync_all()?;
        File::open(folder.join("conf"))?.sync_all()?;
        sync_folder(folder)?;
        Ok(())
    }

    fn guarded<T>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, DatabaseError> {
        let db = self.db.as_ref().ok_or(DatabaseError::Damaged)?;
        match catch_unwind(AssertUnwindSafe(|| work(db))) {
            Ok(outcome) => outcome.map_err(DatabaseError::from),
            Err(_) => Err(DatabaseError::Damaged),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let db = self.db.take();
        // sled unwraps an fsync when it is dropped. What was acknowledged is durable already, so nothing is lost by that.
        let _acknowledged_is_durable = catch_unwind(AssertUnwindSafe(move || drop(db)));
    }
}

impl From<sled::Error> for DatabaseError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => error.into(),
            _ => DatabaseError::Damaged,
        }
    }
}

impl From<io::Error> for DatabaseError {
    /// What the machine refuses is told from what sled cannot read, such as a file that ends too early.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof
            | ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::Other => DatabaseError::Damaged,
            kind => DatabaseError::Io(kind),
        }
    }
}

/// sled names the reason in text only.
fn is_held(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}
