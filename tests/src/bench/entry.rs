//! The order of the bench and its output.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::figure::Figure;
use super::paired::ROUNDS;
use super::{answering, commits, keys, processes, search, sets};

const USAGE: &str = "bench [PART...] [--rounds N] [--json] [--gate] [--reference FOLDER]
  PART                answering, search, sets, keys, commits, idle [default: all]
  --rounds N          rounds of each figure [default: 41]
  --json              the object alone, without the table
  --gate              fails if a figure is more than 10 % beyond its goal
  --reference FOLDER  also runs the Python reference of the match keys (kinmatch.py, score.py) in that folder
";

/// The parts of the bench, in their order.
const PARTS: [&str; 6] = ["answering", "search", "sets", "keys", "commits", "idle"];

/// What the caller wants.
struct Wishes {
    parts: Vec<String>,
    rounds: usize,
    json_alone: bool,
    gate: bool,
    reference: Option<PathBuf>,
}

#[derive(Serialize)]
struct Result<'a> {
    schema: &'static str,
    rounds: usize,
    optimised: bool,
    avx512ifma: bool,
    figures: &'a [Figure],
}

/// Runs the bench; in a process that the bench started, does what its role says.
pub fn main() -> ExitCode {
    if let Some(code) = processes::in_role() {
        return code;
    }
    let Some(wishes) = wishes() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let optimised = !cfg!(debug_assertions);
    if !optimised {
        eprintln!("this is a debug build: its figures say nothing; --release");
    }
    let figures = figures(&wishes);
    let result =
        Result { schema: "kinmesh/bench/1", rounds: wishes.rounds, optimised, avx512ifma: has_avx512ifma(), figures: &figures };
    println!("{}", serde_json::to_string(&result).unwrap());
    let missed = figures.iter().any(Figure::is_missed);
    if wishes.gate && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn figures(wishes: &Wishes) -> Vec<Figure> {
    let mut all = Vec::new();
    for part in PARTS.iter().filter(|part| wishes.parts.is_empty() || wishes.parts.iter().any(|wanted| wanted == *part)) {
        let figures = measure(part, wishes);
        if !wishes.json_alone {
            figures.iter().for_each(|figure| println!("{}", figure.line()));
        }
        all.extend(figures);
    }
    all
}

fn measure(part: &str, wishes: &Wishes) -> Vec<Figure> {
    match part {
        "answering" => {
            let person = keys::person_of_48_keys();
            let index = answering::index(wishes.rounds, &person);
            index.into_iter().chain(answering::question(wishes.rounds, &person)).collect()
        }
        "search" => search::search(wishes.rounds),
        "sets" => sets::sets(wishes.rounds),
        "keys" => keys::linkage(wishes.rounds, wishes.reference.as_deref()),
        "commits" => commits::commits(wishes.rounds, &build_folder()),
        _ => processes::idle(&build_folder()),
    }
}

fn wishes() -> Option<Wishes> {
    let mut wishes = Wishes { parts: Vec::new(), rounds: ROUNDS, json_alone: false, gate: false, reference: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => wishes.rounds = words.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--json" => wishes.json_alone = true,
            "--gate" => wishes.gate = true,
            "--reference" => wishes.reference = Some(words.next()?.into()),
            part if PARTS.contains(&part) => wishes.parts.push(word),
            _ => return None,
        }
    }
    Some(wishes)
}

/// The folder of this program: on a disk, where a system's temporary folder may be memory.
fn build_folder() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.and_then(|path| path.parent().map(PathBuf::from)).unwrap_or_else(std::env::temp_dir)
}

#[cfg(target_arch = "x86_64")]
fn has_avx512ifma() -> bool {
    std::arch::is_x86_feature_detected!("avx512ifma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512ifma() -> bool {
    false
}
