//! What happened in a run, line by line: the hash that two runs of one seed share, and the last lines of a run that failed.
//!
//! Lines hold ids, sizes and codes, never a field of a person. With `KINMESH_TRACE` set every line goes to standard error.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

/// Lines that a failure shows.
const LAST: usize = 80;

/// The log of a run.
pub struct Trace {
    seed: u64,
    hash: Sha256,
    last: VecDeque<String>,
    aloud: bool,
}

impl Trace {
    /// An empty log.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let aloud = std::env::var_os("KINMESH_TRACE").is_some();
        Self { seed, hash: Sha256::new(), last: VecDeque::new(), aloud }
    }

    /// Adds a line.
    pub fn note(&mut self, now_ms: u64, line: &str) {
        let line = format!("{now_ms} {line}");
        self.hash.update(line.as_bytes());
        self.hash.update([b'\n']);
        if self.aloud {
            eprintln!("{line}");
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Hash of every line so far.
    #[must_use]
    pub fn hash(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.hash.clone().finalize())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed; the last of its trace:", self.seed);
            for line in &self.last {
                eprintln!("  {line}");
            }
        }
    }
}
