//! Golden vectors: what this program writes for fixed seeds, held against the files in `tests/vectors`.
//!
//! `KINMESH_VECTORS=write cargo test -p kinmesh-tests --test vectors` writes the files anew: a change of them is a change of the
//! protocol. `tests/vectors/check.py` reads them without a line of this program.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

mod bodies;
mod cells;
mod fixture;
mod matching;
mod messages;
mod sets;

use std::path::Path;

use fixture::folder;
use serde_json::Value;

/// What the files take of the tree.
const MOST_BYTES: u64 = 1_500_000;

/// Compares a file with what was made, or writes it.
fn hold(name: &str, made: &[u8]) {
    let path = folder().join(name);
    if std::env::var("KINMESH_VECTORS").is_ok_and(|word| word == "write") {
        std::fs::write(&path, made).expect("the file is written");
        return;
    }
    let committed = std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    if committed != made {
        let place = committed.iter().zip(made).position(|(one, other)| one != other).unwrap_or(committed.len().min(made.len()));
        panic!("{name} differs from byte {place} on: the protocol changed, or KINMESH_VECTORS=write was not run");
    }
}

fn hold_json(name: &str, made: &Value) {
    let mut text = serde_json::to_string_pretty(made).expect("JSON");
    text.push('\n');
    hold(name, text.as_bytes());
}

#[test]
fn every_message_type_has_its_bytes() {
    hold_json("messages.json", &messages::vectors());
}

#[test]
fn every_message_type_of_the_specification_has_a_vector() {
    let page = include_str!("../../../docs/src/protocol.md");
    let table = page.split("### 3.3 Messages").nth(1).and_then(|rest| rest.split("### ").next()).expect("the section");
    let named: Vec<(u64, &str)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            Some((cells.next()?.parse().ok()?, cells.next()?))
        })
        .collect();
    let vectors = messages::vectors();
    let made = vectors["messages"].as_array().expect("a list").iter();
    let made: Vec<(u64, &str)> =
        made.map(|vector| (vector["type"].as_u64().expect("a type"), vector["name"].as_str().expect("a name"))).collect();
    assert_eq!(made, named);
}

#[test]
fn the_claim_is_that_of_the_specification() {
    let page: String = include_str!("../../../docs/src/protocol.md").split_whitespace().collect();
    let claim = messages::vectors()["messages"].as_array().expect("a list").iter().find(|vector| vector["type"] == 40).cloned();
    assert!(page.contains(claim.expect("a claim")["bytes"].as_str().expect("hex")));
}

#[test]
fn every_kind_and_class_of_cell_has_its_bytes_and_opens() {
    for (name, bytes) in cells::files() {
        hold(&name, &bytes);
    }
    hold_json("cells.json", &cells::vectors());
}

#[test]
fn inputs_blinds_tags_labels_and_commitments_have_their_bytes() {
    hold_json("match.json", &matching::vectors());
}

#[test]
fn sets_have_their_bytes() {
    hold_json("sets.json", &sets::vectors());
}

#[test]
fn a_bundle_has_its_bytes() {
    hold("bundle.kmb", &cells::bundle());
}

#[test]
fn every_file_is_described_and_they_stay_small() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("the description");
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder()).expect("the folder") {
        let entry = entry.expect("a file");
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|end| end == "pyc") || name == "__pycache__" {
            continue;
        }
        bytes += entry.metadata().expect("its size").len();
        let shown = if name.ends_with(".bin") { "cell-KIND-KIB.bin" } else { &name };
        assert!(name == "README.md" || readme.contains(shown), "{name} is not in the description");
    }
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    for vector in messages::vectors()["messages"].as_array().expect("a list") {
        let name = vector["name"].as_str().expect("a name");
        assert!(readme.contains(&format!("| {} | {name} |", vector["type"])), "{name} is not in the description");
    }
}
