//! Why files cannot be evaluated or explained.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::exchange::records::ROW_BYTES;

/// Which of a command's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The registered people.
    Registered,
    /// The sought people.
    Sought,
    /// Pairs of spellings.
    Pairs,
    /// The first of two descriptions.
    First,
    /// The second of two descriptions.
    Second,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Input::Registered => "the registered people",
            Input::Sought => "the sought people",
            Input::Pairs => "the pairs",
            Input::First => "the first description",
            Input::Second => "the second description",
        })
    }
}

/// What is wrong with a file. Names the place, never a value.
#[derive(Debug, Error)]
pub enum MatchError {
    /// The system refused.
    #[error("{input} cannot be read: {source}")]
    Io {
        /// Which file.
        input: Input,
        /// What the system said.
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("the result cannot be written")]
    Output(#[source] io::Error),
    /// Neither people nor pairs to evaluate, or one file of people without the other.
    #[error("expected the registered and the sought people, or pairs, or all three")]
    NothingToDo,
    /// Two files from the same standard input.
    #[error("standard input is one file, expected it at most once")]
    InputTwice,
    /// Nothing in the file.
    #[error("{input}: expected at least one entry, found none")]
    Empty {
        /// Which file.
        input: Input,
    },
    /// Longer than a description is.
    #[error("{input}, line {line}: longer than {ROW_BYTES} bytes")]
    TooLong {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
    },
    /// Not UTF-8.
    #[error("{input}, line {line}: not UTF-8")]
    NotUtf8 {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
    },
    /// A column that the file needs is missing.
    #[error("{input}: no column `{column}` in the first line")]
    NoColumn {
        /// Which file.
        input: Input,
        /// The column's name.
        column: &'static str,
    },
    /// Other cells than the header has.
    #[error("{input}, line {line}: expected {expected} cells, found {found}")]
    Cells {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
        /// Cells of the header.
        expected: usize,
        /// Cells of the line.
        found: usize,
    },
    /// An entry without an id: its true match could not be told.
    #[error("{input}, line {line}: no id")]
    NoId {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
    },
    /// Not the object that describes a person.
    #[error("{input}, line {line}, column {column}: not the description of a person")]
    NotPerson {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
        /// Column, from 1; 0 if the object as a whole is meant.
        column: usize,
    },
    /// Not two spellings with a TAB between them.
    #[error("{input}, line {line}: expected two spellings with a TAB between them")]
    NotPair {
        /// Which file.
        input: Input,
        /// Line, from 1.
        line: u64,
    },
}
