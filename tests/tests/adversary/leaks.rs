//! What must not be readable anywhere: names, dates, keys in logs, errors, metrics, the coordination node and core files.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::record::{Record, Tree, row_key};
use kinmesh_protocol::engine::{Bulk, Failure};
use kinmesh_protocol::private_match::owner::IndexRow;
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::hostile::epoch_of;
use kinmesh_tests::simulation::people;

use crate::{DAY, two};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kinmesh-under-test");
/// Names, a place and dates that stand nowhere else.
const CANARIES: [&str; 5] = ["Zquilvorna", "Phthembrix", "Wxolderberg", "1943-02-17", "+4479460958"];

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("TMPDIR", folder).env("HOME", folder).current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A society's node in a folder of its own, made and not started.
fn node(folder: &Path) {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("a folder");
    for (name, byte) in [("service", 1_u8), ("user", 2)] {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(folder.join(name)).expect("a file");
        std::io::Write::write_all(&mut file, &[byte; 32]).expect("a credential");
    }
    let arguments = [
        "--dir",
        "node",
        "init",
        "--member",
        "NORTH",
        "--society",
        "North Red Cross",
        "--network",
        "drill-leaks",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
        "--user",
        "nadia",
        "--credential",
        "service",
        "--user-credential",
        "user",
    ];
    let made = run(folder, &arguments);
    assert!(made.status.success(), "{}", said(&made));
}

/// A daemon that is stopped at the test's end, whatever happens.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn daemon(folder: &Path) -> Daemon {
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    let mut command = program(folder, &["--dir", "node", "daemon", "run", "--credential", "service"]);
    let daemon = Daemon(command.env("KINMESH_LOG", "debug").stdout(Stdio::null()).stderr(log).spawn().expect("a daemon"));
    let began = Instant::now();
    while !run(folder, &["--dir", "node", "status"]).status.success() {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(50));
    }
    daemon
}

#[test]
fn attack_42_a_daemon_does_not_start_where_session_keys_would_be_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    node(folder.path());
    let keys = folder.path().join("session-keys");
    let mut command = program(folder.path(), &["--dir", "node", "daemon", "run", "--credential", "service"]);
    let output = command.env("SSLKEYLOGFILE", &keys).output().expect("the program");
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("SSLKEYLOGFILE"), "{}", said(&output));
    assert!(!keys.exists(), "a file was written");
}

#[test]
fn attack_44_canaries_are_in_no_log_no_error_no_file_and_no_core() {
    let folder = tempfile::tempdir().expect("a folder");
    node(folder.path());
    let daemon = daemon(folder.path());
    let dir = ["--dir", "node", "--user", "nadia"];
    let ask = |arguments: &[&str]| run(folder.path(), &[&dir[..], arguments].concat());
    let unlocked = ask(&["daemon", "unlock", "--credential", "user"]);
    assert!(unlocked.status.success(), "{}", said(&unlocked));
    let people = folder.path().join("people.csv");
    let header = "id,given,family,birth,last_place,phone,legal_basis";
    let [given, family, place, birth, phone] = CANARIES;
    // Some rows that are taken, and every kind of row that is not.
    let rows = [
        format!("1,{given},{family},{birth},{place},{phone},consent"),
        format!("2,{given},{family},{birth}x,{place},{phone},consent"),
        format!("3,{given},{family},{birth},{place},{phone},{family}"),
        format!("4,\u{1b}{given},{family},{birth},{place},{phone},consent"),
        format!("5,{given},{family},{birth},{place},{phone},consent,{given},{given}"),
        format!("6,\"{given},{family}"),
    ];
    std::fs::write(&people, format!("{header}\n{}\n", rows.join("\n"))).expect("a file");
    let mut errors = String::new();
    for arguments in [
        &["person", "import", "people.csv"][..],
        &["person", "import", "people.csv"],
        &["person", "show", given],
        &["case", "show", family],
        &["search", "run", family, "--yes"],
        &["candidate", "show", given],
        &["status", "--json"],
        &["audit", "list"],
    ] {
        let output = ask(arguments);
        // An operator's own screen may show what the operator typed as an argument; what the node says may not.
        errors.push_str(&said(&output).replace(arguments.get(2).copied().unwrap_or("\u{0}"), ""));
        errors.push('\n');
    }
    std::fs::remove_file(&people).expect("the input");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.0.id())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    for part in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{part}", daemon.0.id())).unwrap_or_default();
        assert!(CANARIES.iter().all(|canary| !String::from_utf8_lossy(&bytes).contains(canary)), "{part}");
    }
    drop(daemon);
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    assert!(log.len() > 100, "the log says something: {log}");
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary} is in the log");
        assert!(!errors.contains(canary), "{canary} is in what the node said: {errors}");
        assert_eq!(readable(folder.path(), canary.as_bytes()), Vec::<String>::new(), "{canary} is on the disk");
    }
}

/// Files below a folder that hold some bytes, in their text or their name.
fn readable(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(readable(&path, bytes));
        } else {
            let held = std::fs::read(&path).unwrap_or_default();
            let is_in = |text: &[u8]| text.windows(bytes.len()).any(|window| window == bytes);
            found.extend((is_in(&held) || is_in(name.as_bytes())).then_some(name));
        }
    }
    found
}

#[test]
fn attack_44_the_wire_and_the_coordination_node_hold_no_name_no_key_and_no_tag() {
    let (mut setup, north, south) = two(44);
    register(&mut setup, north, people::registered());
    search(&mut setup, south, &[]);
    work(&mut setup, south, north, 20 * DAY).expect("a disclosure");
    let (epoch, key) = epoch_of(&setup, north);
    let mut secrets: Vec<(String, Vec<u8>)> = vec![("k".to_owned(), key.seed.expose().to_vec())];
    for form in [people::registered(), people::sought()] {
        let texts: [&Sensitive<String>; 6] =
            [&form.given, &form.family, &form.father, &form.mother, &form.birth, &form.last_place];
        let words = texts.iter().flat_map(|text| text.expose().split(' ')).filter(|word| word.len() > 4);
        secrets.extend(words.map(|word| (format!("a word of {} bytes", word.len()), word.as_bytes().to_vec())));
    }
    let store = setup.world.nodes[north].store.clone();
    let live = store.bearers().into_iter().filter(|(of, _, _)| *of == epoch);
    secrets.extend(live.map(|(_, _, bearer)| ("a tag".to_owned(), bearer.tag.to_vec())));
    let from = row_key(IndexRow::KIND, &());
    for (_, row) in store.rows(Tree::Index, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows") {
        let row = IndexRow::decode(row.version, row.value.expose()).expect("a row");
        secrets.extend(row.keys.iter().map(|key| ("a match key".to_owned(), key.expose().as_bytes().to_vec())));
    }
    assert!(secrets.len() > 60, "{} secrets", secrets.len());
    let coordinator = setup.world.nodes[setup.coordinator].store.clone();
    for (what, secret) in &secrets {
        assert!(!coordinator.holds(secret), "{what} at the coordination node");
        let has = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_slice());
        assert!(setup.world.delivered.iter().all(|(_, _, bytes)| !has(bytes)), "{what} on the wire");
    }
    assert!(store.holds(&secrets[0].1), "the search finds what is there");
    // What an engine says for the log is a code, a member and a number; its failures name no person either.
    let notices = format!("{:?}", setup.world.notices);
    let failures = format!("{:?} {}", Failure::Unknown, Failure::Locked);
    for (what, secret) in &secrets {
        let text = String::from_utf8_lossy(secret);
        assert!(!notices.contains(text.as_ref()) && !failures.contains(text.as_ref()), "{what}");
    }
}
