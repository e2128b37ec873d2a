//! The breach drill as an operator runs it: what it measures, that it must be able to fail, and what it leaves behind.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops by failing")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kinmesh-under-test");

/// The program with a temporary folder of its own, so that what it leaves behind is seen.
fn run(temporary: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("TMPDIR", temporary).env("HOME", temporary).stdin(Stdio::null());
    command.output().expect("the program")
}

fn count(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}

#[test]
fn a_network_that_loses_a_node_loses_nothing_else() {
    let temporary = tempfile::tempdir().expect("a folder");
    let output = run(temporary.path(), &["--json", "drill", "breach", "--members", "4", "--people", "80"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(report["schema"], "kinmesh/drill-breach/1");
    for (field, expected) in [
        ("members", 4),
        ("people", 80),
        ("exposed_own", 20),
        ("exposed_others", 0),
        ("sets", 12),
        ("refused_by", 2),
        ("answers_after", 0),
        ("let_in", 0),
        ("matches_before", 8),
        ("lost_before", 0),
        ("matches_after", 6),
        ("lost_after", 0),
        ("restarts", 1),
        ("ended", 0),
    ] {
        assert_eq!(count(&report, field), expected, "{field}");
    }
    assert!(report["refused_max_s"].as_f64().expect("seconds") <= 5.0);
    let attacks = report["tally"]["attacks"].as_array().expect("attacks");
    assert_eq!(attacks.len(), 13, "{attacks:?}");
    for attack in attacks {
        assert!(count(attack, "tried") > 0 && attack["tried"] == attack["refused"], "{attack}");
    }
    assert!(std::fs::read_dir(temporary.path()).expect("the folder").next().is_none(), "files stay");
}

#[test]
fn sizes_that_are_no_network_are_refused() {
    let temporary = tempfile::tempdir().expect("a folder");
    let output = run(temporary.path(), &["drill", "breach", "--members", "3"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
