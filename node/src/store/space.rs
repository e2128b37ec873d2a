//! Room on the disk: a ballast file that is given up for the gravest matters, and a check before anything is written.
//!
//! `commit` asks before it writes, since sled refuses everything after the first write that failed for want of room.
//! Ordinary commits leave a margin; suspension, erasure and audit may use it and, when it is gone, the ballast's room. A ballast
//! that was given up is an empty file, and its room is still kept from ordinary commits; it is filled again when the store
//! is next opened with enough room. It does not see quotas that the file system does not report.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use kinmesh_protocol::engine::Reserve;
use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::keys::small_file::sync_folder;

/// Bytes that ordinary commits leave free.
const MARGIN_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes that every commit and the opening of the store leave free: sled's log grows by segments of 512 KiB.
const LEAST_BYTES: u64 = 2 * 1024 * 1024;
/// The ballast is made only where the disk has this many times its size.
const TIMES_BALLAST: u64 = 4;

/// The disk under a store.
pub struct Space {
    folder: PathBuf,
    ballast_bytes: u64,
    is_given_up: bool,
    free: fn(&Path) -> io::Result<u64>,
}

/// There is no room for a commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Space {
    /// The disk under a folder, with a ballast of so many bytes; 0 for none.
    pub fn new(folder: &Path, ballast_bytes: u64) -> Self {
        let mut space = Self { folder: folder.to_path_buf(), ballast_bytes, is_given_up: false, free: free_bytes };
        space.is_given_up = space.held() == Some(0);
        space
    }

    /// Gives the ballast up where there would be no room to open the store.
    pub fn make_room_to_open(&mut self) {
        if self.free_now() < LEAST_BYTES {
            self.give_up();
        }
    }

    /// Fills the ballast where it is empty or missing and there is room enough.
    pub fn make_ballast(&mut self) {
        let held = self.held();
        let is_roomy = self.free_now() >= self.ballast_bytes.saturating_mul(TIMES_BALLAST);
        if self.ballast_bytes == 0 || held.is_some_and(|bytes| bytes > 0) || !is_roomy {
            return;
        }
        let path = self.ballast();
        if allocate(&path, self.ballast_bytes).is_ok() {
            self.is_given_up = false;
        } else if held.is_none() {
            // Part of a ballast would be taken for a whole one.
            let _missing_is_as_good = fs::remove_file(&path);
        } else {
            self.give_up();
        }
    }

    /// Whether a commit of so many bytes may be written; gives up the ballast for one that may use it.
    pub fn admit(&mut self, bytes: u64, reserve: Reserve) -> Result<(), Full> {
        let least = bytes.saturating_add(LEAST_BYTES);
        match reserve {
            Reserve::None => {
                let kept = if self.is_given_up { self.ballast_bytes } else { 0 };
                let wanted = bytes.saturating_add(MARGIN_BYTES).saturating_add(kept);
                if self.free_now() >= wanted { Ok(()) } else { Err(Full) }
            }
            Reserve::Ballast if self.free_now() >= least => Ok(()),
            Reserve::Ballast => {
                self.give_up();
                if self.free_now() >= least { Ok(()) } else { Err(Full) }
            }
        }
    }

    /// Gives the ballast up; false if there is none.
    pub fn give_up(&mut self) -> bool {
        if self.held().is_none_or(|bytes| bytes == 0) {
            return false;
        }
        let emptied = File::options().write(true).open(self.ballast()).and_then(|file| {
            file.set_len(0)?;
            file.sync_all()
        });
        self.is_given_up |= emptied.is_ok();
        emptied.is_ok()
    }

    /// Puts another measure in place of the disk's.
    #[cfg(test)]
    pub fn pretend(&mut self, free: fn(&Path) -> io::Result<u64>) {
        self.free = free;
    }

    /// A disk that does not say how much is free is taken for one with room: the write itself will tell.
    fn free_now(&self) -> u64 {
        (self.free)(&self.folder).unwrap_or(u64::MAX)
    }

    /// Bytes of the ballast file, if there is one.
    fn held(&self) -> Option<u64> {
        fs::metadata(self.ballast()).map(|file| file.len()).ok()
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALLAST: u64 = 1024 * 1024;

    fn with_ballast(folder: &Path) -> Space {
        let mut space = Space::new(folder, BALLAST);
        space.pretend(|_| Ok(u64::MAX));
        space.make_ballast();
        space
    }

    #[test]
    fn the_ballast_takes_its_room_and_is_made_on_a_roomy_disk_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::new(folder.path(), BALLAST);
        space.pretend(|_| Ok(3 * BALLAST));
        space.make_ballast();
        assert_eq!(space.held(), None);
        assert_eq!(with_ballast(folder.path()).held(), Some(BALLAST));
    }

    #[test]
    fn on_a_full_disk_the_gravest_matters_get_the_ballast_and_others_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = with_ballast(folder.path());
        space.pretend(|folder| Ok(3 * BALLAST - 3 * fs::metadata(folder.join("ballast"))?.len()));
        assert_eq!(space.admit(1, Reserve::None), Err(Full));
        assert_eq!(space.held(), Some(BALLAST));
        assert_eq!(space.admit(1, Reserve::Ballast), Ok(()));
        assert_eq!(space.held(), Some(0));
        assert_eq!(space.admit(1, Reserve::None), Err(Full));
    }

    #[test]
    fn the_room_of_a_ballast_that_was_given_up_is_kept_from_ordinary_commits() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = with_ballast(folder.path());
        space.give_up();
        let mut space = Space::new(folder.path(), BALLAST);
        space.pretend(|_| Ok(MARGIN_BYTES + BALLAST));
        assert_eq!(space.admit(1, Reserve::None), Err(Full));
        assert_eq!(space.admit(0, Reserve::None), Ok(()));
        assert_eq!(space.admit(1, Reserve::Ballast), Ok(()));
        space.pretend(|_| Ok(u64::MAX));
        space.make_ballast();
        assert_eq!(space.held(), Some(BALLAST));
    }
}
