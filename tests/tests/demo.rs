//! The demo as a visitor runs it: whole journeys of real processes, what they leave behind, and what nobody may see.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinmesh_node::rehearsal::data;
use kinmesh_node::rehearsal::plants::Plants;

/// A demo keeps two cores busy: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const PROGRAM: &str = env!("CARGO_BIN_EXE_kinmesh-under-test");

/// The program with a temporary folder of its own, so that what it leaves behind is seen.
fn program(temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("TMPDIR", temporary).env("HOME", temporary).stdin(Stdio::null());
    command
}

fn run(temporary: &Path, arguments: &[&str]) -> Output {
    program(temporary, arguments).output().expect("the program")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Processes whose command line names a folder.
fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
        })
        .collect()
}

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("the folder").next().is_none()
}

fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Names, dates and places of everybody in the demo.
fn plants() -> Plants {
    let play = data::built_in().expect("the play");
    let mut plants = Plants::default();
    for society in &play.societies {
        for form in data::people_of(society).expect("people") {
            plants.add(&form);
        }
    }
    for (_, form) in play.cases.iter().flat_map(|case| &case.subjects) {
        plants.add(form);
    }
    plants
}

#[test]
fn the_demo_finds_everybody_findable_and_leaves_nothing_behind() {
    let _alone = alone();
    let temporary = tempfile::tempdir().expect("a folder");
    let output = run(temporary.path(), &["demo"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Answer key: 18 of 18 findable people found, 0 wrong, 6 rightly not found"), "{text}");
    assert!(
        text.contains("coordination node 0 of") && text.contains("on the wire 0 (of") && text.contains("in the logs 0"),
        "{text}"
    );
    assert!(text.contains("registered people of others: 0") && text.contains("it was let in by 0"), "{text}");
    assert!(is_empty(temporary.path()), "files stay");
    assert_eq!(processes_of(temporary.path()), Vec::<u32>::new());
}

#[test]
fn an_interrupted_demo_cleans_up() {
    let _alone = alone();
    let temporary = tempfile::tempdir().expect("a folder");
    let mut child = program(temporary.path(), &["demo"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the demo");
    wait("the first node", || !processes_of(temporary.path()).is_empty());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(interrupted.success());
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    wait("the end of the nodes", || processes_of(temporary.path()).is_empty());
    assert!(is_empty(temporary.path()), "files stay");
}

/// A demo that was kept, stopped at the test's end whatever happens.
struct Kept {
    temporary: tempfile::TempDir,
    dir: PathBuf,
    started: Vec<Child>,
}

impl Kept {
    fn start() -> (Self, String) {
        let temporary = tempfile::tempdir().expect("a folder");
        let dir = temporary.path().join("kept");
        let kept = Self { dir: dir.clone(), temporary, started: Vec::new() };
        let output = run(kept.temporary.path(), &["demo", "--keep", dir.to_str().expect("a path")]);
        let text = said(&output);
        assert!(output.status.success(), "{text}");
        (kept, text)
    }

    fn ask(&self, node: &str, arguments: &[&str]) -> String {
        let dir = self.dir.join(node);
        let mut all = vec!["--dir", dir.to_str().expect("a path")];
        all.extend(arguments);
        said(&run(self.temporary.path(), &all))
    }

    fn kill(&self, node: &str) {
        for id in processes_of(&self.dir.join(node)) {
            Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill");
        }
        wait("the end of a node", || processes_of(&self.dir.join(node)).is_empty());
    }

    fn start_again(&mut self, node: &str) {
        let dir = self.dir.join(node);
        let credential = self.dir.join(format!("{node}.service-credential"));
        let arguments = ["--dir", dir.to_str().unwrap(), "daemon", "run", "--credential", credential.to_str().unwrap()];
        let log = std::fs::OpenOptions::new().append(true).open(self.dir.join(format!("{node}.log"))).expect("the log");
        let mut command = program(self.temporary.path(), &arguments);
        self.started.push(command.stdout(Stdio::null()).stderr(log).spawn().expect("a node"));
        wait("the node's answer", || self.ask(node, &["status"]).contains("records"));
        let credential = self.dir.join(format!("{node}.user-credential"));
        let unlocked =
            self.ask(node, &["--user", "desk", "daemon", "unlock", "--credential", credential.to_str().expect("a path")]);
        assert!(!unlocked.contains('✗'), "{unlocked}");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for id in processes_of(&self.dir) {
            let _gone = Command::new("kill").args(["-KILL", &id.to_string()]).status();
        }
        for child in &mut self.started {
            let _reaped = child.wait();
        }
    }
}

/// One test, since a kept demo takes its time: what is printed works, nothing anywhere on the disk is readable, and a node
/// that is killed in the middle of a search goes on with it; two users erase a record.
#[test]
fn a_kept_demo_can_be_explored_is_unreadable_on_disk_and_survives_a_kill() {
    let _alone = alone();
    let (mut kept, text) = Kept::start();
    let printed = text.lines().find_map(|line| line.strip_prefix("Next: kinmesh ")).expect("a printed command").to_owned();
    let words: Vec<&str> = printed.split_whitespace().collect();
    let output = run(kept.temporary.path(), &words);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("K-"), "{}", said(&output));

    // Every byte that the run wrote: stores, logs, bundles, rosters, the coordination node, names of files.
    let plants = plants();
    assert!(plants.len() > 500);
    assert_eq!(plants.count_below(&kept.dir).expect("a readable folder"), 0, "a name is readable in the kept folder");
    let planted = kept.temporary.path().join("planted");
    std::fs::write(&planted, "…, Ковальчук, …").expect("a file");
    assert_eq!(plants.count_below(&planted).expect("a file"), 1, "the search finds what is there");
    for id in processes_of(&kept.dir) {
        for part in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{id}/{part}")).unwrap_or_default();
            assert_eq!(plants.count(&bytes), 0, "{part}");
        }
    }

    // A search while one member is away and the seeker is killed in the middle of it.
    kept.kill("elba");
    let form = "label = \"C-99\"\nsafety = \"safe\"\n[enquirer]\nfamily = \"Test\"\nlegal_basis = \"consent\"\n[[subjects]]\nrelation = \"cousin\"\n[subjects.person]\ngiven = \"Nobody\"\nfamily = \"Nowhere\"\nfather = \"Noone\"\nmother = \"None Never\"\nbirth = \"1950-02-03\"\nbirth_place = \"Nonesuch\"\n";
    let file = kept.temporary.path().join("case.toml");
    std::fs::write(&file, form).expect("a form");
    let opened = kept.ask("bora", &["case", "open", "--form", file.to_str().expect("a path"), "--json"]);
    let case = opened.split("\"C-").nth(1).and_then(|rest| rest.split('"').next()).map(|id| format!("C-{id}")).expect("a case");
    let people = kept.ask("bora", &["status"]);
    let started = kept.ask("bora", &["search", "run", &case, "--yes"]);
    assert!(started.contains("4 evaluations queued"), "{started}");
    kept.kill("bora");
    kept.start_again("bora");
    let line = |text: &str| text.lines().find(|line| line.starts_with("people")).map(str::to_owned);
    assert_eq!(line(&kept.ask("bora", &["status"])), line(&people), "an acknowledged person is lost");
    kept.start_again("elba");
    wait("the end of the search", || {
        let status = kept.ask("bora", &["search", "status", &case]);
        status.lines().any(|line| line.split_whitespace().skip(2).take(3).eq(["4", "4", "4"]))
    });
    two_users_erase_a_record(&mut kept);
}

fn two_users_erase_a_record(kept: &mut Kept) {
    let credential = |name: &str| kept.dir.join(name).to_str().expect("a path").to_owned();
    let (desk, boris) = (credential("elba.user-credential"), credential("boris.credential"));
    std::fs::write(&boris, [7; 32]).expect("a file");
    std::fs::set_permissions(&boris, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    let added = kept.ask("elba", &["--user", "desk", "user", "add", "boris", "--credential", &desk, "--user-credential", &boris]);
    assert!(!added.contains('✗'), "{added}");
    // A daemon knows a user from its next start on.
    kept.kill("elba");
    kept.start_again("elba");
    let unlocked = kept.ask("elba", &["--user", "boris", "daemon", "unlock", "--credential", &boris]);
    assert!(!unlocked.contains('✗'), "{unlocked}");
    let ask = |user: &str, arguments: &[&str]| kept.ask("elba", &[&["--user", user], arguments].concat());
    let list = ask("desk", &["person", "list"]);
    let short = list.lines().find_map(|line| line.split_whitespace().next().filter(|word| word.starts_with("P-")));
    let short = short.expect("a person").to_owned();
    let shown = ask("desk", &["person", "show", &short, "--json"]);
    let record = shown.split('"').find(|word| word.starts_with(&short)).expect("the id");
    assert!(record.len() > short.len(), "{shown}");
    assert!(ask("desk", &["erase", "plan", &short]).contains("nobody has asked"));
    let asked = ask("desk", &["erase", "request", &short, "--basis", "objection"]);
    assert!(asked.contains("nothing has changed"), "{asked}");
    assert!(ask("desk", &["erase", "list"]).contains(&short));
    let refused = ask("desk", &["erase", "run", record]);
    assert!(refused.contains("KM-3018"), "one person alone: {refused}");
    let refused = ask("boris", &["erase", "run", &short]);
    assert!(refused.contains("KM-1011"), "the id has to be given whole: {refused}");
    let erased = ask("boris", &["erase", "run", record]);
    assert!(erased.contains("is erased"), "{erased}");
    assert!(ask("desk", &["person", "show", record]).contains("KM-3004"));
    assert!(!ask("desk", &["person", "list"]).contains(&short));
}

#[test]
fn a_visitors_own_files_are_taken_row_by_row() {
    let _alone = alone();
    let temporary = tempfile::tempdir().expect("a folder");
    let first = temporary.path().join("first.csv");
    let second = temporary.path().join("second.csv");
    std::fs::write(&first, "id,given,family,mother,birth,birth_place,legal_basis\n1,سليم,كمال درويش,منى حداد,1994-07-11,حلب,consent\n2,,,,,,consent\n").expect("a file");
    std::fs::write(&second, "id,given,family,mother,birth,birth_place,legal_basis\n7,Salim,Kamal Darwich,Mona Haddad,1994-11-07,Aleppo,consent\n8,Rosa,Morales,Ana,31.2.1990,Esteli,consent\n").expect("a file");
    let output = run(temporary.path(), &["demo", "--input", first.to_str().unwrap(), second.to_str().unwrap()]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("row 3") && text.contains("birth"), "a bad row is named\n{text}");
    assert!(!text.contains("31.2.1990"), "and its value is not");
    assert!(text.contains("1 of your sought people were answered"), "{text}");
}
