//! Two real nodes that both run and never reach each other: the whole journey by bundles, through the command line.
//!
//! A shell plays the two operators and the person who carries files. Each node listens elsewhere than its roster says, and the
//! coordination node does not run, so that no road leads from one to the other.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = include_str!("../data/carriers/journey.sh");

#[test]
fn two_nodes_without_a_network_between_them_find_a_person_by_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kinmesh-under-test"), bin.join("kinmesh")).expect("a link");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/readme");
    let system = std::env::var("PATH").expect("a path");
    let output = Command::new("timeout")
        .args(["180", "bash", "-c", SCRIPT])
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", format!("{}:{system}", bin.display()))
        .env("DATA", &data)
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for wanted in ["cell bag", "KM-1502", "KM-1505", "KM-1501", "again: 0 messages", "+999 50 555 0114"] {
        assert!(said.contains(wanted), "{wanted} is missing in\n{said}");
    }
    // A file shows who, when and how much, never what.
    let shown = said.split("== inspect").nth(1).and_then(|rest| rest.split("== ").next()).expect("the inspection");
    for secret in ["Salim", "salim", "Idris", "C-", "K-"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
