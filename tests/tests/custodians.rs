//! The page "Custodians at work", executed as it stands: every command, in order, by a shell, and what it says compared with
//! what the page says it does.
//!
//! What differs from run to run (keys, hashes, fingerprints, times, ports, words read out) is compared by its shape. With
//! `KINMESH_BLESS=1` the page is written anew with what the commands say.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PAGE: &str = "../docs/src/custodians.md";
/// Ports that stand in the page; free ones take their places.
const PORTS: [u16; 4] = [4201, 4202, 4203, 4204];
/// Between what one command says and what the next does.
const MARK: &str = "@@kinmesh-transcript@@";

/// One command of the page: its lines, and what the page says that it says.
struct Step {
    command: String,
    output: String,
}

fn page_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)
}

/// The page in parts: text outside the blocks, and the steps of each block in turn.
fn parse(page: &str) -> (Vec<String>, Vec<Vec<Step>>) {
    let mut texts = Vec::new();
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("```console\n") {
        let (block, after) = after.split_once("\n```").expect("the end of a block");
        texts.push(before.to_owned());
        blocks.push(steps(block));
        rest = after;
    }
    texts.push(rest.to_owned());
    (texts, blocks)
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), output: String::new() });
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| steps.last().is_some_and(|step| step.output.is_empty())) {
            let step = steps.last_mut().expect("a command");
            step.command.push('\n');
            step.command.push_str(more);
        } else {
            let step = steps.last_mut().expect("a command");
            step.output.push_str(line);
            step.output.push('\n');
        }
    }
    steps
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The commands as one script. A daemon runs in the background until the end; a command that fails ends the script, unless the
/// page shows its refusal.
fn script(blocks: &[Vec<Step>]) -> String {
    let mut script = String::from("set -u\nexec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    for step in blocks.iter().flatten() {
        let command = &step.command;
        let _infallible = writeln!(script, "echo '{MARK}'");
        if command.contains(" daemon run ") {
            let dir = command.split_whitespace().nth(2).expect("the folder");
            let _infallible = writeln!(
                script,
                "{} >> {dir}.log 2>&1 &\npid=$!\nuntil kinmesh --dir {dir} status > /dev/null 2>&1; do kill -0 $pid || {{ cat {dir}.log; exit 1; }}; sleep 0.1; done",
                command.trim_end_matches(" &")
            );
            continue;
        }
        // Times are whole seconds: what answers a suspension comes at least one later.
        // The word of the coordination node passes on by itself within the second.
        if command.contains("--active") || command.contains("roster take") {
            script.push_str("sleep 1.1\n");
        }
        let refused = step.output.contains('✗');
        let ends = if refused { "" } else { " || { echo \"exit $?\"; exit 1; }" };
        let _infallible =
            if command.contains("<<") { writeln!(script, "{command}") } else { writeln!(script, "{command}{ends}") };
    }
    let _infallible = writeln!(script, "echo '{MARK}'");
    script
}

fn run(dir: &Path, script: &str, ports: &[u16]) -> Vec<String> {
    let bin = dir.join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kinmesh-under-test"), bin.join("kinmesh")).expect("a link");
    let mut script = script.to_owned();
    for (written, free) in PORTS.iter().zip(ports) {
        script = script.replace(&format!("tcp/{written}"), &format!("tcp/{free}"));
    }
    let work = dir.join("work");
    std::fs::create_dir(&work).expect("a folder");
    let system = std::env::var("PATH").expect("a path");
    let output = Command::new("timeout")
        .args(["240", "bash", "-c", &script])
        .current_dir(&work)
        .env_clear()
        .env("PATH", format!("{}:{system}", bin.display()))
        .env("HOME", dir)
        .env("TMPDIR", dir)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    for (written, free) in PORTS.iter().zip(ports) {
        said = said.replace(&format!("tcp/{free}"), &format!("tcp/{written}"));
    }
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mark = format!("{MARK}\n");
    let mut parts: Vec<String> = said.split(&mark).map(str::to_owned).collect();
    // Before the first mark there is nothing, after the last one neither.
    parts.remove(0);
    parts.pop();
    parts
}

/// What stays the same from run to run: words that differ become their shape.
fn shape(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        // A row of a picture may be all light.
        if line.trim().is_empty() {
            continue;
        }
        if line.contains(['█', '▀', '▄']) {
            if lines.last().is_none_or(|last| last != "<picture>") {
                lines.push("<picture>".to_owned());
            }
            continue;
        }
        // The letters of a revocation are others in every run; a last line of them may be short.
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        let goes_on = lines.last().is_some_and(|last| last == "<letters>");
        if !line.is_empty() && line.bytes().all(is_letter) && (goes_on || line.len() >= 32) {
            if !goes_on {
                lines.push("<letters>".to_owned());
            }
            continue;
        }
        // Two versions of one second end at one second: whether the end moved depends on how fast the machine is.
        if line.trim_start().starts_with("· the end is moved to ") {
            continue;
        }
        // Days that are left depend on the second at which the page was written.
        let line = line.replace("365 more days", "364 more days").replace("90 more days", "89 more days");
        let words: Vec<&str> = line.split_whitespace().collect();
        let spoken = words.iter().filter(|word| is_spoken(word)).count();
        lines.push(if spoken >= 6 { "<words>".to_owned() } else { without_fingerprints(&words).join(" ") });
    }
    lines.join("\n")
}

/// Eight groups of four one behind the other are a fingerprint.
fn without_fingerprints(words: &[&str]) -> Vec<String> {
    let is_group = |word: &&str| {
        let group = word.trim_end_matches(',');
        group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let mut shaped = Vec::new();
    let mut rest = words;
    while let Some((first, others)) = rest.split_first() {
        if rest.len() >= 8 && rest[..8].iter().all(is_group) {
            shaped.push("<fingerprint>".to_owned());
            rest = &rest[8..];
        } else {
            shaped.push(shape_of(first));
            rest = others;
        }
    }
    shaped
}

fn shape_of(word: &str) -> String {
    let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let is_time = bare.len() == 20 && bare.starts_with("20") && bare.ends_with('Z');
    let is_hex =
        bare.len() >= 8 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) && bare.bytes().any(|byte| byte.is_ascii_digit());
    // Letters of base64, whatever stands at their ends.
    let is_letters =
        word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    if bare.is_empty() {
        word.to_owned()
    } else if is_time {
        word.replace(bare, "<time>")
    } else if is_hex {
        word.replace(bare, "<key>")
    } else if is_letters {
        "<letters>".to_owned()
    } else {
        word.to_owned()
    }
}

fn is_spoken(word: &str) -> bool {
    const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const LETTERS: &str = "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec \
                           Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu";
    let word = word.trim_end_matches(',');
    WORDS.contains(&word) || LETTERS.split_whitespace().any(|letter| letter == word)
}

/// The page with what the commands said.
fn write_page(texts: &[String], blocks: &[Vec<Step>], said: &[String]) -> String {
    let mut page = String::new();
    let mut said = said.iter();
    for (text, block) in texts.iter().zip(blocks) {
        page.push_str(text);
        page.push_str("```console\n");
        for step in block {
            let mut lines = step.command.lines();
            let _infallible = writeln!(page, "$ {}", lines.next().unwrap_or_default());
            for line in lines {
                let _infallible = writeln!(page, "> {line}");
            }
            let output = said.next().expect("an output a command").trim_end();
            if !output.is_empty() {
                for line in output.lines() {
                    page.push_str(line.trim_end());
                    page.push('\n');
                }
            }
        }
        page.push_str("```");
    }
    page.push_str(texts.last().expect("the end of the page"));
    page
}

#[test]
fn the_custodians_commands_say_what_the_page_says() {
    let page = std::fs::read_to_string(page_path()).expect("the page");
    let (texts, blocks) = parse(&page);
    let dir = tempfile::tempdir().expect("a folder");
    let ports: Vec<u16> = PORTS.iter().map(|_| free_port()).collect();
    let said = run(dir.path(), &script(&blocks), &ports);
    let steps: Vec<&Step> = blocks.iter().flatten().collect();
    assert_eq!(said.len(), steps.len(), "an output a command");
    if std::env::var_os("KINMESH_BLESS").is_some() {
        std::fs::write(page_path(), write_page(&texts, &blocks, &said)).expect("the page");
        return;
    }
    for (step, said) in steps.iter().zip(&said) {
        assert_eq!(shape(said), shape(&step.output), "$ {}\nsaid:\n{said}\npage:\n{}", step.command, step.output);
    }
}

#[test]
fn the_page_shows_every_command_of_custodians_members_and_suspensions() {
    let page = std::fs::read_to_string(page_path()).expect("the page");
    let (_, blocks) = parse(&page);
    let shown = |words: &str| {
        let runs = |step: &&Step| step.command.contains("kinmesh") && step.command.contains(words);
        blocks.iter().flatten().any(|step| runs(&step))
    };
    for words in [
        " init ",
        " join ",
        "ceremony plan",
        "ceremony rehearse",
        "ceremony run",
        "ceremony verify",
        "ceremony replace",
        "roster propose",
        "roster diff",
        "roster sign",
        "roster publish",
        "roster verify",
        "roster show",
        "roster suspend",
        "roster revoke",
        "roster timestamp",
        "roster take",
        "member list",
        "member show",
        "member deny",
        "member allow",
        "member accept",
        "member policy",
        "--replace-custodian",
        "--version",
    ] {
        assert!(shown(words), "{words}");
    }
}
