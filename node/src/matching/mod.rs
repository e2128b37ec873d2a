//! Level 2: how well private matching does on data whose truth is known, and why two descriptions meet.
//!
//! `match eval` and `match explain` of the command line call it. It needs no daemon and no node: it reads files of the
//! caller and gives counts, shares, words. No result and no error holds a value of a file, and nothing is kept.

mod error;
mod evaluation;
mod explanation;
mod interval;
mod labelled;
mod person_row;
mod source;
mod spellings;

pub use error::{Input, MatchError};
pub use evaluation::{EvalArgs, Figures, PeopleReport, Report, Share, eval};
pub use explanation::{Explanation, SharedKeys, explain};
pub use spellings::SpellingsReport;
