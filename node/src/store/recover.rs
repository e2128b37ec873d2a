//! Opening the database where sled refuses: with its snapshot files put aside.
//!
//! sled refuses to open when a snapshot file is damaged, although the log holds everything. So the folder
//! is copied aside, the snapshots are removed and sled reads the whole log. A snapshot that sled did not finish, on a full
//! disk or in a crash, is one that sled takes for damaged, so these go first. Only a database that holds every row that its
//! state counts is taken; otherwise the folder is put back as it was, for a restore.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::keys::small_file::{make_folder, sync_folder};
use crate::store::database::{Database, DatabaseError};
use crate::store::layout;
use crate::store::manifest::State;
use crate::store::open::{OpenError, Part};

/// Copies kept of damaged folders, at most.
const COPIES: u32 = 100;
const PAGE: usize = 1_024;

/// Opens the database in a folder and checks it; tries again without snapshots where sled finds it damaged.
pub fn open_database(
    folder: &Path,
    check: impl Fn(&Database) -> Result<State, OpenError>,
) -> Result<(Database, State), OpenError> {
    let damaged = OpenError::Damaged(Part::Database);
    remove_files(folder, is_unfinished).map_err(io_error)?;
    match opened(folder, &check) {
        Err(error) if error == damaged && !files(folder, is_snapshot).map_err(io_error)?.is_empty() => {}
        other => return other,
    }
    let aside = copy_aside(folder).map_err(io_error)?;
    remove_files(folder, is_snapshot).map_err(io_error)?;
    let second = opened(folder, &check).and_then(|(database, state)| {
        let rows = count_rows(&database)?;
        if rows == state.rows { Ok((database, state)) } else { Err(damaged) }
    });
    if second.is_err() {
        put_back(folder, &aside).map_err(io_error)?;
    }
    second
}

fn opened(folder: &Path, check: impl Fn(&Database) -> Result<State, OpenError>) -> Result<(Database, State), OpenError> {
    let database = Database::open(folder)?;
    let state = check(&database)?;
    Ok((database, state))
}

fn count_rows(database: &Database) -> Result<u64, OpenError> {
    let (mut from, until) = layout::every_head();
    let mut rows = 0;
    loop {
        let page = database.page(&from, &until, PAGE)?;
        rows += page.len() as u64;
        match page.last() {
            Some((key, _)) if page.len() == PAGE => from = [key, [0].as_slice()].concat(),
            _ => return Ok(rows),
        }
    }
}

fn is_snapshot(name: &str) -> bool {
    name.starts_with("snap.")
}

/// sled gives a snapshot its name only once it is whole and fsynced.
fn is_unfinished(name: &str) -> bool {
    is_snapshot(name) && name.ends_with(".generating")
}

fn remove_files(folder: &Path, is_meant: fn(&str) -> bool) -> io::Result<()> {
    let paths = files(folder, is_meant)?;
    for path in &paths {
        fs::remove_file(path)?;
    }
    if paths.is_empty() { Ok(()) } else { sync_folder(folder) }
}

/// Files of a folder by their names; none of one that is not there.
fn files(folder: &Path, is_meant: fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    if !folder.exists() {
        return Ok(paths);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_meant(&entry.file_name().to_string_lossy()) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// Copies the folder beside itself, as `db.damaged-N`.
fn copy_aside(folder: &Path) -> io::Result<PathBuf> {
    let free = (1..=COPIES).map(|number| folder.with_extension(format!("damaged-{number}"))).find(|path| !path.exists());
    let aside = free.ok_or(io::ErrorKind::AlreadyExists)?;
    if let Err(error) = copy_folder(folder, &aside) {
        // Part of a copy is of no use, and it may be what filled the disk.
        let _first_error_is_told = fs::remove_dir_all(&aside);
        return Err(error);
    }
    Ok(aside)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    sync_folder(to)
}

/// Makes the copy the database's folder again, so that a later try finds what this one found.
fn put_back(folder: &Path, aside: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder)?;
    fs::rename(aside, folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

fn io_error(error: io::Error) -> OpenError {
    OpenError::Io(error.kind())
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Damaged => OpenError::Damaged(Part::Database),
            DatabaseError::Io(kind) => OpenError::Io(kind),
        }
    }
}
