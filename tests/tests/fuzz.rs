//! The fuzz targets without a fuzzer: the corpus as it is, and inputs a few changes beside it.
//!
//! `KINMESH_FUZZ_SEED` runs a failed run again, `KINMESH_FUZZ_INPUTS` says how many inputs each target gets.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use kinmesh_protocol::base::Draw;
use kinmesh_tests::fuzzing::{TARGETS, Target, mutated};
use kinmesh_tests::fuzzing_files;
use rustix::time::{ClockId, clock_gettime};

/// CPU time of one input in a build without optimisation.
const MOST_TIME: Duration = Duration::from_secs(1);
/// What the corpora may take of the tree.
const CORPUS_FILES: usize = 200;
const CORPUS_BYTES: usize = 300_000;

#[test]
fn every_input_of_the_corpus_keeps_what_must_hold() {
    for target in all() {
        let slowest = corpus(target).iter().map(|(name, input)| attempt(target, input, name)).max();
        println!("{}: {slowest:?} of CPU time at most", target.name);
    }
}

#[test]
fn mutated_inputs_keep_what_must_hold() {
    let seed = number("KINMESH_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("KINMESH_FUZZ_SEED={seed}");
    for target in all() {
        let inputs: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, input)| input).collect();
        let mut draw = Draw::new(seed_of(seed));
        let attempts = (0..number("KINMESH_FUZZ_INPUTS").unwrap_or(target.inputs)).map(|turn| {
            let input = mutated(&inputs, target.most_bytes, &mut draw);
            attempt(target, &input, &format!("input {turn} of KINMESH_FUZZ_SEED={seed}"))
        });
        println!("{}: {:?} of CPU time at most", target.name, attempts.max());
    }
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let folder = fuzz_folder();
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let programs: Vec<&str> = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(programs, names, "tests/fuzz/Cargo.toml lists the targets of the table in its order");
    for target in &TARGETS {
        let program = fs::read_to_string(folder.join("fuzz_targets").join(target.name).with_extension("rs")).unwrap();
        assert!(program.contains(&format!("run(\"{}\", data)", target.name)), "{} runs another target", target.name);
    }
    for target in all() {
        let corpus = corpus(target);
        let bytes: usize = corpus.iter().map(|(_, input)| input.len()).sum();
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        assert!(corpus.len() <= CORPUS_FILES && bytes <= CORPUS_BYTES, "{}: {} files, {bytes} bytes", target.name, corpus.len());
    }
}

/// Those that libFuzzer runs too, then those that need the whole node.
fn all() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().chain(&fuzzing_files::TARGETS)
}

/// Runs a target and says how long it took; a failure names the input.
fn attempt(target: &Target, input: &[u8], name: &str) -> Duration {
    let began = cpu_time();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = cpu_time() - began;
    if let Err(why) = outcome {
        println!("{}, {name}: {}", target.name, HEXLOWER.encode(input));
        std::panic::resume_unwind(why);
    }
    assert!(took <= MOST_TIME, "{}, {name}: {took:?} for {} bytes", target.name, input.len());
    took
}

/// The committed inputs of a target with their names, in order.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn seed_of(number: u64) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
