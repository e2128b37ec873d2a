//! One durable commit of the store, beside the least that durability costs: the same bytes written over old
//! ones and synced, so that the file does not grow.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use kinmesh_node::keys::{HybridSecret, ServiceKeys};
use kinmesh_node::store::{NodeStore, StoreConfig};
use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::record::{Root, Row, RowKey, Tree};
use kinmesh_protocol::engine::{Batch, Op};

use super::figure::Figure;
use super::paired::{Paired, paired};
use crate::clock;

/// Rows of one step, as an accepted message makes them, and bytes of each.
const ROWS: u8 = 4;
const ROW_BYTES: usize = 400;
/// Bytes of the reference's file.
const FILE_BYTES: usize = 1 << 20;

/// Wall and CPU time of a commit.
pub fn commits(rounds: usize, folder: &Path) -> Vec<Figure> {
    let on = |clock| measure(clock, rounds, folder);
    vec![
        Figure::paired("store: durable commit, wall", "us", 1e-3, "write and fdatasync", on(clock::wall))
            .note("4 rows of 400 bytes, on the disk of the build folder"),
        Figure::paired("store: durable commit, CPU", "us", 1e-3, "write and fdatasync", on(clock::cpu))
            .note("of the committing thread"),
    ]
}

fn measure(clock: clock::Clock, rounds: usize, folder: &Path) -> Paired {
    let dir = tempfile::tempdir_in(folder).unwrap();
    let inbox_public = Some(HybridSecret::generate().unwrap().public().unwrap());
    let keys = ServiceKeys { root: Sensitive::new([1; 32]), operational_seed: Sensitive::new([2; 32]), inbox_public };
    let config = StoreConfig { ballast_bytes: 0, ..StoreConfig::member(&dir.path().join("store")) };
    let store = NodeStore::open(&config, &keys).unwrap();
    let file = File::create(dir.path().join("raw")).unwrap();
    file.write_all_at(&vec![0; FILE_BYTES], 0).unwrap();
    file.sync_all().unwrap();
    let bytes = vec![7u8; usize::from(ROWS) * ROW_BYTES];
    let mut at = 0;
    let mut number = 0u32;
    paired(
        clock,
        rounds,
        || {
            number += 1;
            let row = |at: u8| Row {
                tree: Tree::Index,
                root: Root::Service,
                key: RowKey([&number.to_be_bytes()[..], &[at]].concat()),
                version: 1,
                value: Sensitive::new(vec![at; ROW_BYTES]),
            };
            let ops = (0..ROWS).map(|at| Op::Put(row(at))).collect();
            store.commit(Batch { ops, ..Batch::default() }).unwrap();
        },
        || {
            file.write_all_at(&bytes, at).unwrap();
            file.sync_data().unwrap();
            at = (at + bytes.len() as u64) % (FILE_BYTES - bytes.len()) as u64;
        },
    )
}
