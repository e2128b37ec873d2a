//! The order of the bench and its output.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::figure::Figure;
use super::paired::ROUNDS;
use super::{answering, commits, keys, processes, sets};

const USAGE: &str = "bench [--rounds N] [--json] [--gate]\n  --rounds N  rounds of each figure [default: 41]\n  --json      the object alone, without the table\n  --gate      fails if a figure is more than 10 % beyond its goal\n";

/// What the caller wants.
struct Wishes {
    rounds: usize,
    json_alone: bool,
    gate: bool,
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
    let person = keys::person_of_48_keys();
    let folder = build_folder();
    type Part<'a> = &'a dyn Fn() -> Vec<Figure>;
    let parts: [Part<'_>; 6] = [
        &|| answering::index(wishes.rounds, &person),
        &|| answering::question(wishes.rounds, &person),
        &|| sets::sets(wishes.rounds),
        &|| keys::linkage(wishes.rounds),
        &|| commits::commits(wishes.rounds, &folder),
        &|| processes::idle(&folder),
    ];
    let mut all = Vec::new();
    for part in parts {
        let figures = part();
        if !wishes.json_alone {
            figures.iter().for_each(|figure| println!("{}", figure.line()));
        }
        all.extend(figures);
    }
    all
}

fn wishes() -> Option<Wishes> {
    let mut wishes = Wishes { rounds: ROUNDS, json_alone: false, gate: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => wishes.rounds = words.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--json" => wishes.json_alone = true,
            "--gate" => wishes.gate = true,
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
