//! Sorted runs and their merge: a set of 24 million prefixes is built from runs that lie in files, with little memory.
//!
//! The owner's build job sorts what fits into its slice, writes it as a run, and later merges all runs into segments. A merge
//! can stop after any number of prefixes and start again from its cursor, so it can be cut into slices that a crash repeats.
//! Invariant: the merged stream is strictly increasing whatever the runs hold; a run out of order is an error. It neither
//! opens nor writes files: the caller reads for it.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use minicbor::{Decode, Encode};
use thiserror::Error;

/// Runs of one merge. With [`BUFFER_BYTES`] each, a merge takes 8 MiB at most.
pub const RUNS: usize = 1_024;
/// Bytes of one run that are in memory: a multiple of both widths.
pub const BUFFER_BYTES: usize = 8_184;

/// Where runs are read from.
pub trait RunSource {
    /// Why a run could not be read.
    type Error: core::error::Error + 'static;

    /// Reads bytes of a run from byte `at` on; 0 means that the run ends there, fewer than asked for do not.
    ///
    /// # Errors
    /// Those of the source.
    fn read(&self, run: usize, at: u64, into: &mut [u8]) -> Result<usize, Self::Error>;
}

/// Bytes of one number in a run, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Prefixes, below 2^48.
    Six,
    /// Any number.
    Eight,
}

impl Width {
    /// Bytes of one number.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Width::Six => 6,
            Width::Eight => 8,
        }
    }
}

/// Where a merge stands: for each run the byte offset of its first number that was not given yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Cursor(#[n(0)] Vec<u64>);

impl Cursor {
    /// The beginning of `runs` runs.
    #[must_use]
    pub fn start(runs: usize) -> Self {
        Self(vec![0; runs])
    }

    /// Of no runs.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The runs that it is for.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.0.len()
    }
}

/// Why a merge cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MergeError<E> {
    /// The source failed.
    #[error("run {run} cannot be read")]
    Read {
        /// Which run.
        run: usize,
        /// Why.
        source: E,
    },
    /// A run ends within a number.
    #[error("run {run} ends within a number")]
    Torn {
        /// Which run.
        run: usize,
    },
    /// A run is not in ascending order.
    #[error("run {run} is not in ascending order")]
    Order {
        /// Which run.
        run: usize,
    },
    /// More runs than a merge takes.
    #[error("{found} runs, at most {RUNS}")]
    Runs {
        /// As asked for.
        found: usize,
    },
}

/// Sorts the numbers and writes them as a run; a repeated one stays, since the merge counts. Of a six-byte run only the low
/// 48 bits are written.
#[must_use]
pub fn run_bytes(numbers: &mut [u64], width: Width) -> Vec<u8> {
    numbers.sort_unstable();
    let mut bytes = Vec::with_capacity(numbers.len() * width.bytes());
    for number in numbers {
        let all = number.to_be_bytes();
        bytes.extend_from_slice(all.get(8 - width.bytes()..).unwrap_or(&all));
    }
    bytes
}

/// Gives the numbers of all runs in ascending order, each once. After an error it ends, and its cursor is of no use.
pub struct Merge<'s, S: RunSource> {
    source: &'s S,
    width: Width,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    times: u32,
}

impl<'s, S: RunSource> Merge<'s, S> {
    /// Starts, or goes on, at a cursor.
    ///
    /// # Errors
    /// [`MergeError`]: too many runs, or one that cannot be read.
    pub fn new(source: &'s S, width: Width, cursor: &Cursor) -> Result<Self, MergeError<S::Error>> {
        if cursor.runs() > RUNS {
            return Err(MergeError::Runs { found: cursor.runs() });
        }
        let mut merge = Self { source, width, runs: Vec::new(), heads: BinaryHeap::new(), times: 0 };
        for (index, at) in cursor.0.iter().enumerate() {
            let mut run = Run { at: *at, buffer: Vec::new(), used: 0 };
            if let Some(head) = run.head(source, index, width)? {
                merge.heads.push(Reverse((head, index)));
            }
            merge.runs.push(run);
        }
        Ok(merge)
    }

    /// The number that comes next, without taking it: the end of a segment is the beginning of the next one.
    #[must_use]
    pub fn peek(&self) -> Option<u64> {
        self.heads.peek().map(|Reverse((number, _))| *number)
    }

    /// How often the number that was given last stands in the runs.
    #[must_use]
    pub const fn times(&self) -> u32 {
        self.times
    }

    /// Where to go on after the last number that was given.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.runs.iter().map(|run| run.at).collect())
    }

    /// Moves every run that stands at `number` past it.
    fn pass(&mut self, number: u64) -> Result<(), MergeError<S::Error>> {
        self.times = 0;
        while let Some(mut top) = self.heads.peek_mut() {
            let Reverse((head, index)) = *top;
            if head != number {
                break;
            }
            self.times = self.times.saturating_add(1);
            let Some(run) = self.runs.get_mut(index) else { break };
            run.skip(self.width);
            match run.head(self.source, index, self.width)? {
                Some(next) if next < number => return Err(MergeError::Order { run: index }),
                Some(next) => *top = Reverse((next, index)),
                None => {
                    PeekMut::pop(top);
                }
            }
        }
        Ok(())
    }
}

impl<S: RunSource> Iterator for Merge<'_, S> {
    type Item = Result<u64, MergeError<S::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.peek()?;
        match self.pass(number) {
            Ok(()) => Some(Ok(number)),
            Err(error) => {
                self.heads.clear();
                Some(Err(error))
            }
        }
    }
}

/// One run: a window of it, from the first number that was not given yet.
struct Run {
    at: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Run {
    fn head<S: RunSource>(&mut self, source: &S, run: usize, width: Width) -> Result<Option<u64>, MergeError<S::Error>> {
        if self.used >= self.buffer.len() {
            self.fill(source, run)?;
        }
        let rest = self.buffer.get(self.used..).unwrap_or(&[]);
        if rest.is_empty() {
            return Ok(None);
        }
        let bytes = rest.get(..width.bytes()).ok_or(MergeError::Torn { run })?;
        Ok(Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
    }

    fn skip(&mut self, width: Width) {
        self.used += width.bytes();
        self.at += width.bytes() as u64;
    }

    fn fill<S: RunSource>(&mut self, source: &S, run: usize) -> Result<(), MergeError<S::Error>> {
        self.buffer.resize(BUFFER_BYTES, 0);
        self.used = 0;
        let mut filled = 0usize;
        while let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let most = room.len();
            let read =
                source.read(run, self.at + filled as u64, room).map_err(|source| MergeError::Read { run, source })?.min(most);
            if read == 0 {
                break;
            }
            filled += read;
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::base::Draw;

    #[derive(Debug, PartialEq, Eq, Clone, Copy, Error)]
    #[error("gone")]
    struct Gone;

    /// Runs in memory, read a few bytes at a time.
    struct Memory {
        runs: Vec<Vec<u8>>,
        at_once: usize,
    }

    impl RunSource for Memory {
        type Error = Gone;
        fn read(&self, run: usize, at: u64, into: &mut [u8]) -> Result<usize, Gone> {
            let run = self.runs.get(run).ok_or(Gone)?;
            let rest = &run[usize::try_from(at).unwrap().min(run.len())..];
            let count = rest.len().min(into.len()).min(self.at_once);
            into[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn memory(runs: &[Vec<u64>], width: Width) -> Memory {
        Memory { runs: runs.iter().map(|run| run_bytes(&mut run.clone(), width)).collect(), at_once: 1_000 }
    }

    #[test]
    fn a_merge_in_slices_gives_what_one_in_a_piece_gives() {
        let mut draw = Draw::new([9; 32]);
        let runs: Vec<Vec<u64>> = (0..7).map(|_| (0..3_000).map(|_| draw.below(20_000)).collect()).collect();
        let expected: Vec<u64> = runs.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for width in [Width::Six, Width::Eight] {
            let source = memory(&runs, width);
            let mut cursor = Cursor::start(runs.len());
            let mut merged = Vec::new();
            loop {
                let mut merge = Merge::new(&source, width, &cursor).unwrap();
                let slice: Vec<u64> = merge.by_ref().take(1_717).map(Result::unwrap).collect();
                assert_eq!(merge.peek(), expected.get(merged.len() + slice.len()).copied());
                if slice.is_empty() {
                    break;
                }
                merged.extend(slice);
                cursor = merge.cursor();
            }
            assert_eq!(merged, expected);
        }
    }

    #[test]
    fn a_merge_counts_how_often_a_number_stands_in_its_runs() {
        let source = memory(&[vec![4, 2, 4, 9], vec![4, 9], vec![1]], Width::Six);
        let mut merge = Merge::new(&source, Width::Six, &Cursor::start(3)).unwrap();
        let mut counted = Vec::new();
        while let Some(number) = merge.next() {
            counted.push((number.unwrap(), merge.times()));
        }
        assert_eq!(counted, [(1, 1), (2, 1), (4, 3), (9, 2)]);
    }

    #[test]
    fn damaged_runs_end_the_merge() {
        let collect = |source: &Memory| {
            Merge::new(source, Width::Six, &Cursor::start(source.runs.len()))
                .and_then(|merge| merge.collect::<Result<Vec<_>, _>>())
        };
        let mut source = memory(&[vec![1, 5], vec![2, 3]], Width::Six);
        assert_eq!(collect(&source), Ok(vec![1, 2, 3, 5]));
        source.runs[1].pop();
        assert_eq!(collect(&source), Err(MergeError::Torn { run: 1 }));
        source.runs[1] = [[0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 4]].concat();
        assert_eq!(collect(&source), Err(MergeError::Order { run: 1 }));
        let lost = Merge::new(&source, Width::Six, &Cursor::start(3)).err();
        assert_eq!(lost, Some(MergeError::Read { run: 2, source: Gone }));
        assert_eq!(Merge::new(&source, Width::Six, &Cursor::start(1_025)).err(), Some(MergeError::Runs { found: 1_025 }));
    }

    #[test]
    fn after_an_error_nothing_comes() {
        let source = Memory { runs: vec![[[0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 4]].concat()], at_once: 6 };
        let mut merge = Merge::new(&source, Width::Six, &Cursor::start(1)).unwrap();
        assert!(merge.next().unwrap().is_err());
        assert!(merge.next().is_none());
    }

    #[test]
    fn no_runs_make_an_empty_stream() {
        let source = Memory { runs: vec![Vec::new()], at_once: 1 };
        assert_eq!(Merge::new(&source, Width::Six, &Cursor::start(1)).unwrap().count(), 0);
        assert_eq!(Merge::new(&source, Width::Six, &Cursor::start(0)).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn arbitrary_runs_never_panic_and_what_comes_is_increasing(
            runs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5),
            at_once in 1usize..20,
        ) {
            let source = Memory { runs, at_once };
            if let Ok(merge) = Merge::new(&source, Width::Six, &Cursor::start(source.runs.len())) {
                let numbers: Vec<u64> = merge.map_while(Result::ok).collect();
                prop_assert!(numbers.is_sorted_by(|a, b| a < b));
            }
        }
    }
}
