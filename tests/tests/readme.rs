//! The README's tour, executed as it stands: every command of its section "A network by hand", in order, by a shell.
//!
//! Only the ports are exchanged for free ones, the build is left out (the program under test is built already), and the
//! commands of the three terminals run beside each other.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const README: &str = include_str!("../../README.md");

fn commands() -> Vec<String> {
    let section = README.split("## A network by hand").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let mut lines = Vec::new();
    for block in section.split("```sh\n").skip(1) {
        lines.extend(block.split("\n```").next().expect("the end of a block").lines().map(str::to_owned));
    }
    lines
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The commands as one script. What the README runs in terminals of their own runs in the background, until it answers.
fn script() -> String {
    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT\n");
    for mut line in commands() {
        if line.starts_with("cargo build") {
            continue;
        }
        if line.starts_with("export PATH=") {
            continue;
        }
        if line.contains(" daemon run ") {
            let dir = line.split_whitespace().nth(2).expect("the folder").to_owned();
            let _infallible = writeln!(
                script,
                "{line} > {dir}.log 2>&1 &\nuntil kinmesh --dir {dir} status > /dev/null 2>&1; do kill -0 $! || {{ cat {dir}.log; exit 1; }}; sleep 0.1; done"
            );
            continue;
        }
        for (written, _) in [(4101, 0), (4102, 0), (4103, 0)] {
            if line.contains(&format!("tcp/{written}")) {
                line = line.replace(&format!("tcp/{written}"), &format!("tcp/{}", free_port()));
            }
        }
        if line.starts_with("kinmesh") {
            let _infallible = writeln!(script, "echo '$ {}'", line.replace('\'', "'\\''"));
        }
        script.push_str(&line);
        script.push('\n');
    }
    script
}

/// A folder with the program under the name that the README calls.
fn path_with_program(dir: &Path) -> PathBuf {
    let bin = dir.join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kinmesh-under-test"), bin.join("kinmesh")).expect("a link");
    bin
}

#[test]
fn the_readmes_commands_do_what_it_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let bin = path_with_program(dir.path());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/readme");
    let system = std::env::var("PATH").expect("a path");
    let output = Command::new("timeout")
        .args(["180", "bash", "-c", &script()])
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
    for wanted in [
        "Root fingerprint",
        "Salim",
        "+999 50 555 0114",
        "reunited",
        "person_added",
        "claim_answered",
        "consent_recorded",
        "disclosed",
    ] {
        assert!(said.contains(wanted), "{wanted} is missing in\n{said}");
    }
}

#[test]
fn the_tour_names_both_commands_of_a_newcomer() {
    assert!(README.contains("cargo run --release -- demo") && README.contains("cargo test --workspace"));
    assert!(commands().len() > 30);
}
