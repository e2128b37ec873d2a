//! A reference implementation in Python, in a process of its own, on the same records.
//!
//! The caller names its folder; nothing of it is in the tree. It is asked pass by pass and times itself in CPU time, so
//! that starting it does not count.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::paired::{Paired, Spread};
use crate::clock;

const DRIVER: &str = include_str!("reference.py");

/// What a pass does.
#[derive(Clone, Copy)]
pub enum Work {
    /// All records to keys.
    Keys,
    /// All pairs to scores.
    Scores,
}

/// The running reference; stopped on drop.
pub struct Reference {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts `python3` from the path on the reference in a folder. The error says why there is none, for the reader.
    pub fn start(folder: &Path, records: &[Value], pairs: &[(Value, Value)]) -> Result<Self, String> {
        let mut child = Command::new("python3")
            .args(["-c", DRIVER])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| format!("no python3: {why}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes to python3".to_owned());
        };
        let mut reference = Self { child, input, output: BufReader::new(output) };
        // A reference that cannot start closes its input early; what counts is that it never answers.
        let _ = writeln!(reference.input, "{}", json!({ "records": records, "pairs": pairs }));
        match reference.answer() {
            Some(true) => Ok(reference),
            _ => Err("the reference did not start; its words are above (pip install anyascii==0.3.3 jellyfish)".to_owned()),
        }
    }

    /// The labels of all records, one after the other.
    pub fn labels(&mut self) -> Vec<String> {
        self.ask("labels")
    }

    /// The scores of all pairs, in thousandths.
    pub fn scores(&mut self) -> Vec<i64> {
        self.ask("scores")
    }

    /// Ours, reference, reference, ours; as [`super::paired::paired`] does within one process.
    pub fn beside(&mut self, rounds: usize, work: Work, mut ours: impl FnMut()) -> Paired {
        let mut timed = || {
            let began = clock::cpu();
            ours();
            (clock::cpu() - began).as_nanos() as f64
        };
        let (mut our_times, mut reference_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        timed();
        self.pass(work);
        for _ in 0..rounds {
            let (first, second, third, fourth) = (timed(), self.pass(work), self.pass(work), timed());
            our_times.push((first + fourth) / 2.0);
            reference_times.push((second + third) / 2.0);
            ratios.push((first + fourth) / (second + third));
        }
        Paired {
            ours_ns: Spread::of(our_times).median,
            reference_ns: Spread::of(reference_times).median,
            ratio: Spread::of(ratios),
        }
    }

    fn pass(&mut self, work: Work) -> f64 {
        self.ask(match work {
            Work::Keys => "time keys",
            Work::Scores => "time scores",
        })
    }

    fn ask<T: DeserializeOwned>(&mut self, word: &str) -> T {
        writeln!(self.input, "{word}").expect("the reference runs");
        self.answer().expect("the reference answers every word")
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
