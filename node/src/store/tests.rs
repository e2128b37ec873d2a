//! Tests of the store as a whole, on real folders: what survives, what is refused, and what is never on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kinmesh_protocol::base::limits::{BATCH_BYTES, PAGE_ROWS, VALUE_BYTES};
use kinmesh_protocol::base::record::{Root, Row, RowKey, Tree};
use kinmesh_protocol::base::{BlobId, Draw, Sensitive};
use kinmesh_protocol::engine::{Batch, Op, ReadError, Reserve, View};

use super::*;
use crate::keys::aead::{Key, random};
use crate::keys::{HybridSecret, RecordsKeys, ServiceKeys};

/// An invented person whose name must never be found on the disk.
const CANARY: &str = "Zubeyde Karahanoğlu-Ñahui";

struct Keys {
    service: ServiceKeys,
    records: RecordsKeys,
}

fn keys(byte: u8) -> Keys {
    let inbox_secret = HybridSecret::from_seed(Key::new([byte; 32]));
    let inbox_public = Some(inbox_secret.public().unwrap());
    let service = ServiceKeys { root: Key::new([byte; 32]), operational_seed: Key::new([0; 32]), inbox_public };
    Keys { service, records: RecordsKeys { root: Key::new([!byte; 32]), inbox_secret } }
}

fn config(dir: &Path) -> StoreConfig {
    StoreConfig { ballast_bytes: 1024 * 1024, ..StoreConfig::member(dir) }
}

fn open(dir: &Path) -> NodeStore {
    NodeStore::open(&config(dir), &keys(1).service).unwrap()
}

fn refusal(dir: &Path) -> OpenError {
    NodeStore::open(&config(dir), &keys(1).service).err().unwrap()
}

fn row(tree: Tree, root: Root, key: &[u8], value: &[u8]) -> Row {
    Row { tree, root, key: RowKey(key.to_vec()), version: 1, value: Sensitive::new(value.to_vec()) }
}

fn put(key: &[u8], value: &[u8]) -> Op {
    Op::Put(row(Tree::Index, Root::Service, key, value))
}

fn batch(ops: Vec<Op>) -> Batch {
    Batch { ops, ..Batch::default() }
}

fn value(store: &NodeStore, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
    let stored = store.view().read(Tree::Index, Root::Service, &RowKey(key.to_vec()))?;
    Ok(stored.map(|stored| stored.value.expose().clone()))
}

/// A closed store with one row, 40 commits old.
fn closed(dir: &Path) {
    let store = open(dir);
    for number in 0..40u8 {
        store.commit(batch(vec![put(b"a", &[number; 900])])).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            assert!(fs::copy(entry.path(), target).is_ok())
        }
    }
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() { paths.extend(files(&entry.path())) } else { paths.push(entry.path()) }
    }
    paths
}

#[test]
fn what_was_committed_is_there_after_the_store_was_closed_and_opened() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(batch(vec![put(b"a", b"one"), put(b"b", &[7; VALUE_BYTES / 2]), put(b"c", b"")])).unwrap();
    store.commit(batch(vec![put(b"a", b"two"), Op::Remove(Tree::Index, RowKey(b"c".to_vec()))])).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(value(&store, b"a"), Ok(Some(b"two".to_vec())));
    assert_eq!(value(&store, b"b"), Ok(Some(vec![7; VALUE_BYTES / 2])));
    assert_eq!(value(&store, b"c"), Ok(None));
}

#[test]
fn random_commits_leave_what_a_map_holds_and_the_count_is_right() {
    let seed = random().unwrap();
    println!("seed {seed:?}");
    let mut draw = Draw::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for step in 0..120 {
        let mut ops = Vec::new();
        for _ in 0..draw.below(6) {
            let key = vec![draw.below(3) as u8; draw.below(4) as usize];
            if draw.below(3) == 0 {
                model.remove(&key);
                ops.push(Op::Remove(Tree::Index, RowKey(key)));
            } else {
                let length = if draw.below(4) == 0 { draw.below(9_000) } else { draw.below(100) };
                let value = vec![draw.below(256) as u8; length as usize];
                ops.push(put(&key, &value));
                model.insert(key, value);
            }
        }
        store.commit(batch(ops)).unwrap();
        if step % 30 == 29 {
            drop(store);
            store = open(dir.path());
        }
        let rows = store.bulk().rows(Tree::Index, &RowKey(vec![]), None, usize::MAX).unwrap();
        let rows: Vec<_> = rows.into_iter().map(|(key, stored)| (key.0, stored.value.expose().clone())).collect();
        assert_eq!(rows, model.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(store.inner.writer.lock().unwrap().state.rows, model.len() as u64);
    }
}

#[test]
fn a_locked_store_takes_records_in_and_gives_them_back_once_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let key = RowKey(b"p".to_vec());
    let read = |store: &NodeStore, key: &RowKey| {
        store.view().read(Tree::People, Root::Records, key).map(|stored| stored.map(|stored| stored.value.expose().clone()))
    };
    store.commit(batch(vec![Op::Put(row(Tree::People, Root::Records, b"p", CANARY.as_bytes()))])).unwrap();
    assert_eq!(read(&store, &key), Err(ReadError::Locked));
    assert_eq!(read(&store, &RowKey(b"q".to_vec())), Ok(None));
    let page = store.view().read_page(Tree::People, Root::Records, &RowKey(vec![]), None, 10);
    assert_eq!(page.err(), Some(ReadError::Locked));
    assert_eq!(store.open_records(keys(2).records), Err(RecordsError::OtherRecords));
    assert!(!store.records_open());
    store.open_records(keys(1).records).unwrap();
    store.commit(batch(vec![Op::Put(row(Tree::People, Root::Records, b"r", "Nguyễn Thị Mai".as_bytes()))])).unwrap();
    assert_eq!(read(&store, &key), Ok(Some(CANARY.as_bytes().to_vec())));
    assert_eq!(read(&store, &RowKey(b"r".to_vec())), Ok(Some("Nguyễn Thị Mai".as_bytes().to_vec())));
    store.lock_records();
    assert_eq!(read(&store, &key), Err(ReadError::Locked));
}

#[test]
fn a_folder_that_is_let_go_of_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        let again = scope.spawn(|| NodeStore::open(&config(dir.path()), &keys(1).service).map(drop));
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(store);
        assert_eq!(again.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_second_open_another_key_and_another_kind_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(refusal(dir.path()), OpenError::InUse);
    drop(store);
    assert_eq!(NodeStore::open(&config(dir.path()), &keys(2).service).err(), Some(OpenError::WrongKey));
    let kind = |expected, found| Some(OpenError::Kind { expected, found });
    let coordinator = StoreConfig { kind: StoreKind::Coordinator, ..config(dir.path()) };
    let refused = NodeStore::open(&coordinator, &keys(1).service).err();
    assert_eq!(refused, kind(StoreKind::Coordinator, StoreKind::Member));
    let without_inbox = ServiceKeys { inbox_public: None, ..keys(1).service };
    assert_eq!(NodeStore::open(&coordinator, &without_inbox).err(), kind(StoreKind::Coordinator, StoreKind::Member));
}

#[test]
fn a_store_can_be_opened_after_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    assert!(NodeStore::open(&config(dir.path()), &keys(2).service).is_err());
    assert_eq!(value(&open(dir.path()), b"a"), Ok(Some(vec![39; 900])));
}

#[test]
fn a_value_that_was_moved_or_changed_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(batch(vec![put(b"a", b"one"), put(b"b", b"two"), put(b"long", &[3; 9_000])])).unwrap();
    let head = |key: &[u8]| layout::head_key(Tree::Index, &RowKey(key.to_vec()));
    let database = &store.inner.database;
    let mut raw = sled::Batch::default();
    raw.insert(head(b"a"), database.value(&head(b"b")).unwrap().unwrap());
    raw.remove(layout::part_keys(&head(b"long"), 1).next().unwrap());
    database.apply(raw).unwrap();
    assert_eq!(value(&store, b"a"), Err(ReadError::Damaged));
    assert_eq!(value(&store, b"long"), Err(ReadError::Damaged));
    assert_eq!(value(&store, b"b"), Ok(Some(b"two".to_vec())));
}

#[test]
fn damage_to_any_file_is_named_or_harmless_and_never_gives_a_wrong_value() {
    let seed = random().unwrap();
    println!("seed {seed:?}");
    let mut draw = Draw::new(seed);
    let (whole, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    closed(whole.path());
    for trial in 0..40 {
        let dir = dir.path().join(trial.to_string());
        copy(whole.path(), &dir);
        let paths: Vec<_> = files(&dir).into_iter().filter(|path| !path.ends_with("store.lock")).collect();
        let path = &paths[draw.below(paths.len() as u64) as usize];
        let mut bytes = fs::read(path).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let at = draw.below(used.max(1) as u64) as usize;
        if draw.below(2) == 0 {
            bytes.truncate(at)
        } else if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << draw.below(8)
        }
        fs::write(path, bytes).unwrap();
        match NodeStore::open(&config(&dir), &keys(1).service) {
            Ok(store) => {
                let found = value(&store, b"a");
                assert!(
                    found == Err(ReadError::Damaged) || found == Ok(Some(vec![39; 900])),
                    "trial {trial} {path:?} at {at}: {found:?}"
                );
            }
            Err(error) => {
                assert!(!matches!(error, OpenError::InUse | OpenError::Io(_)), "trial {trial} {path:?} at {at}: {error}")
            }
        }
    }
}

#[test]
fn a_database_cut_short_is_refused_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let log = dir.path().join("db/db");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..1_000]).unwrap();
    let first = refusal(dir.path());
    let is_named = matches!(first, OpenError::Damaged(_) | OpenError::Emptied { .. } | OpenError::RolledBack { .. });
    assert!(is_named, "{first}");
    assert_eq!(refusal(dir.path()), first);
    assert!(!dir.path().join("db.damaged-1").exists());
}

#[test]
fn a_store_opens_without_its_snapshot_and_with_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    drop(open(dir.path()));
    let snapshot = || files(dir.path()).into_iter().find(|path| path.to_string_lossy().contains("/db/snap."));
    fs::remove_file(snapshot().unwrap()).unwrap();
    let store = open(dir.path());
    assert_eq!(value(&store, b"a"), Ok(Some(vec![39; 900])));
    drop(store);
    let path = snapshot().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = open(dir.path());
    assert_eq!(value(&store, b"a"), Ok(Some(vec![39; 900])));
    assert!(dir.path().join("db.damaged-1/db").exists());
}

#[test]
fn a_snapshot_that_was_not_finished_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    fs::write(dir.path().join("db/snap.0000000000FFFFFF.generating"), b"").unwrap();
    assert_eq!(value(&open(dir.path()), b"a"), Ok(Some(vec![39; 900])));
    assert!(!dir.path().join("db.damaged-1").exists());
}

#[test]
fn an_emptied_an_older_and_another_stores_database_are_told_apart() {
    let (dir, kept, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = dir.path().join("db");
    drop(open(dir.path()));
    copy(&db, kept.path());
    closed(dir.path());
    fs::remove_dir_all(&db).unwrap();
    assert_eq!(refusal(dir.path()), OpenError::Emptied { expected: 41 });
    assert!(!db.exists());
    copy(kept.path(), &db);
    assert_eq!(refusal(dir.path()), OpenError::RolledBack { expected: 41, found: 1 });
    closed(other.path());
    fs::remove_dir_all(&db).unwrap();
    copy(&other.path().join("db"), &db);
    assert_eq!(refusal(dir.path()), OpenError::Foreign);
    fs::remove_file(dir.path().join("manifest")).unwrap();
    assert_eq!(refusal(dir.path()), OpenError::Damaged(Part::Manifest));
}

#[test]
fn what_is_too_large_is_refused_and_nothing_of_it_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = |ops| store.commit(batch(ops)).err();
    let large = [1; BATCH_BYTES];
    assert_eq!(refused(vec![put(b"a", b"x"), put(b"b", &large)]), Some(CommitError::TooLarge { found: BATCH_BYTES + 3 }));
    let value_bytes = VALUE_BYTES + 1;
    let error = CommitError::Value { tree: Tree::Index, found: value_bytes };
    assert_eq!(refused(vec![put(b"a", &vec![1; value_bytes])]), Some(error));
    assert_eq!(refused(vec![put(&[1; 256], b"x")]), Some(CommitError::Key { tree: Tree::Index, found: 256 }));
    let many = (0..2_000u16).map(|number| put(&number.to_be_bytes(), b"")).collect();
    assert!(matches!(refused(many), Some(CommitError::TooManyRows { rows: 2_000, .. })));
    assert_eq!(value(&store, b"a"), Ok(None));
    assert_eq!(refused(vec![put(b"b", &large[1..])]), None);
}

#[test]
fn large_values_do_not_make_sled_write_files_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 0..60u8 {
        store.commit(batch(vec![put(&[number % 20], &[number; 47 * 1024])])).unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("db/blobs")).unwrap().count(), 0);
    assert_eq!(value(&store, &[19]), Ok(Some(vec![59; 47 * 1024])));
}

#[test]
fn blobs_are_read_by_range_and_go_when_no_row_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (first, second) = (BlobId([1; 16]), BlobId([2; 16]));
    let content: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
    let blobs = vec![(first, content.clone()), (second, b"short".to_vec())];
    store.commit(Batch { blobs, ..Batch::default() }).unwrap();
    let mut part = [0; 10];
    assert_eq!(store.bulk().read_blob(first, 65_531, &mut part), Ok(10));
    assert_eq!(part, content[65_531..65_541]);
    assert_eq!(store.bulk().read_blob(first, 199_995, &mut part), Ok(5));
    assert_eq!(store.bulk().read_blob(first, 200_000, &mut part), Ok(0));
    // By windows, of two blobs in turn.
    let mut windows = Vec::new();
    for at in (0..200_000).step_by(8_184) {
        let mut window = [0; 8_184];
        let read = store.bulk().read_blob(first, at, &mut window).unwrap();
        windows.extend_from_slice(&window[..read]);
        assert_eq!(store.bulk().read_blob(second, 1, &mut window), Ok(4));
        assert_eq!(&window[..4], b"hort");
    }
    assert_eq!(windows, content);
    assert_eq!(store.view().read_blob(first, 200_000), Ok(content.clone()));
    assert_eq!(store.view().read_blob(first, 199_999), Err(ReadError::Damaged));
    store.commit(Batch { dropped: vec![second], ..Batch::default() }).unwrap();
    assert_eq!(store.view().read_blob(second, 10), Err(ReadError::Damaged));
    assert_eq!(store.bulk().read_blob(second, 0, &mut part), Err(ReadError::Damaged), "nothing of it is kept");
    drop(store);
    let orphan = dir.path().join("blobs/03030303030303030303030303030303");
    fs::write(&orphan, b"left by a crash").unwrap();
    fs::write(dir.path().join("blobs/.incoming-x"), b"left by a crash").unwrap();
    let store = open(dir.path());
    assert_eq!(store.view().read_blob(first, 200_000), Ok(content));
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 1);
}

#[test]
fn the_blobs_of_a_refused_commit_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.inner.writer.lock().unwrap().space.pretend(|_| Ok(0));
    let batch = Batch { blobs: vec![(BlobId([1; 16]), vec![1])], ..Batch::default() };
    assert_eq!(store.commit(batch), Err(CommitError::DiskFull));
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[test]
fn a_coordinators_store_takes_public_trees_only() {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { kind: StoreKind::Coordinator, ..config(dir.path()) };
    let store = NodeStore::open(&config, &ServiceKeys { inbox_public: None, ..keys(1).service }).unwrap();
    for tree in Tree::ALL {
        let outcome = store.commit(batch(vec![Op::Put(row(tree, Root::Service, b"a", b"x"))]));
        assert_eq!(outcome, if tree.is_public() { Ok(()) } else { Err(CommitError::NotHere { tree }) });
    }
    assert!(store.commit(batch(vec![Op::Put(row(Tree::Own, Root::Records, b"a", b"x"))])).is_err());
    assert_eq!(store.open_records(keys(1).records), Err(RecordsError::NoRecords));
}

#[test]
fn on_a_full_disk_reads_go_on_and_the_reserve_serves_the_gravest_matters() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(batch(vec![put(b"a", b"one")])).unwrap();
    store.inner.writer.lock().unwrap().space.pretend(|dir| {
        let held = fs::metadata(dir.join("ballast"))?.len();
        Ok(if held > 0 { 0 } else { 3 * 1024 * 1024 })
    });
    assert_eq!(store.commit(batch(vec![put(b"b", b"two")])), Err(CommitError::DiskFull));
    assert_eq!((value(&store, b"a"), value(&store, b"b")), (Ok(Some(b"one".to_vec())), Ok(None)));
    let gravest = Batch { reserve: Reserve::Ballast, ..batch(vec![put(b"c", b"three")]) };
    assert_eq!(store.commit(gravest), Ok(()));
    assert_eq!(store.commit(batch(vec![put(b"b", b"two")])), Err(CommitError::DiskFull));
    store.inner.writer.lock().unwrap().space.pretend(|_| Ok(1 << 30));
    assert_eq!(store.commit(batch(vec![put(b"b", b"two")])), Ok(()));
}

#[test]
fn after_a_failed_write_nothing_is_served_until_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.commit(batch(vec![put(b"a", b"one")])).unwrap();
    std::sync::Arc::get_mut(&mut store.inner).unwrap().database.break_log();
    let failed = store.commit(batch(vec![put(b"a", b"two"), put(b"b", b"two")]));
    assert!(matches!(failed, Err(CommitError::Failed(_))));
    assert_eq!(value(&store, b"a"), Err(ReadError::Damaged));
    assert!(matches!(store.commit(batch(vec![put(b"c", b"x")])), Err(CommitError::Failed(_))));
    drop(store);
    let store = open(dir.path());
    let whole = (value(&store, b"a"), value(&store, b"b"));
    let (one, two) = (Ok(Some(b"one".to_vec())), Ok(Some(b"two".to_vec())));
    assert!(whole == (one, Ok(None)) || whole == (two.clone(), two));
}

#[test]
fn pages_are_ordered_bounded_and_of_one_tree() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for start in (0..400u16).step_by(100) {
        let ops = (start..start + 100).map(|number| put(&number.to_be_bytes(), b"x"));
        store.commit(batch(ops.collect())).unwrap();
    }
    store.commit(batch(vec![Op::Put(row(Tree::Tags, Root::Service, b"", b"y"))])).unwrap();
    let key = |number: u16| RowKey(number.to_be_bytes().to_vec());
    let page = |from: RowKey, until: Option<RowKey>, limit| {
        let rows = store.view().read_page(Tree::Index, Root::Service, &from, until.as_ref(), limit).unwrap();
        rows.into_iter().map(|(key, _)| u16::from_be_bytes(key.0.try_into().unwrap())).collect::<Vec<u16>>()
    };
    assert_eq!(page(key(3), Some(key(6)), 10), [3, 4, 5]);
    assert_eq!(page(key(398), None, 10), [398, 399]);
    assert!(page(key(6), Some(key(3)), 10).is_empty());
    assert_eq!(page(key(0), None, 2), [0, 1]);
    assert_eq!(page(RowKey(vec![]), None, usize::MAX).len(), PAGE_ROWS);
    assert_eq!(store.bulk().rows(Tree::Index, &key(1), Some(&key(399)), 1_000).unwrap().len(), 398);
    assert_eq!(store.bulk().rows(Tree::Index, &key(1), None, 300).unwrap().len(), 300);
}

#[test]
fn no_file_of_the_store_holds_what_was_put_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let person = |key| Op::Put(row(Tree::People, Root::Records, key, CANARY.as_bytes()));
    store.commit(batch(vec![person(b"a"), put(b"i", CANARY.as_bytes())])).unwrap();
    store.open_records(keys(1).records).unwrap();
    let blobs = vec![(BlobId([1; 16]), CANARY.repeat(9_000).into_bytes())];
    store.commit(Batch { blobs, ..batch(vec![person(b"b"), put(b"long", CANARY.repeat(900).as_bytes())]) }).unwrap();
    drop(store);
    for path in files(dir.path()) {
        let bytes = fs::read(&path).unwrap();
        let part = &CANARY.as_bytes()[..8];
        assert!(!bytes.windows(part.len()).any(|window| window == part), "{path:?}");
    }
}
