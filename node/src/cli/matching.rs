//! `match`: how well private matching does on labelled data of one's own, and why two descriptions meet.
//!
//! Neither needs a daemon. Figures, kinds of parts and verdicts are printed, no value of a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::context::Context;
use super::errors::CommandError;
use crate::matching::{EvalArgs, Report, explain};

/// What to do about matching.
#[derive(Debug, Subcommand)]
pub(super) enum MatchVerb {
    /// Recall, strangers and kin a query on people whose true match is known; spellings that meet.
    Eval(MatchEvalArgs),
    /// The keys that two descriptions share, and how they compare.
    Explain(MatchExplainArgs),
}

/// Arguments of `match eval`.
#[derive(Debug, Args)]
#[command(after_help = "Files: JSON lines or CSV with the columns id, given, family, father, mother, dob, places\n\
    (| between places, street: before a street), perhaps household; plain or gzip; - for standard input.\n\
    A sought person's true match is the registered one of the same id.\n\n\
    Example:\n  kinmesh match eval --registered registered.csv --sought sought.csv")]
pub(super) struct MatchEvalArgs {
    /// Registered people.
    #[arg(long, value_name = "FILE", requires = "sought")]
    registered: Option<PathBuf>,
    /// Sought people.
    #[arg(long, value_name = "FILE", requires = "registered")]
    sought: Option<PathBuf>,
    /// Pairs of spellings of one name, one a line, a TAB between them.
    #[arg(long, value_name = "FILE", required_unless_present = "registered")]
    pairs: Option<PathBuf>,
    /// Leaves in the keys that several households of the registered carry.
    #[arg(long)]
    without_cut: bool,
}

/// Arguments of `match explain`.
#[derive(Debug, Args)]
#[command(after_help = "Files: the form of person add (TOML), or an object with its fields (JSON); - for standard input.\n\n\
    Example:\n  kinmesh match explain sought.toml registered.toml")]
pub(super) struct MatchExplainArgs {
    /// Description of the sought person.
    #[arg(value_name = "FILE")]
    first: PathBuf,
    /// Description of the registered person.
    #[arg(value_name = "FILE")]
    second: PathBuf,
}

/// Runs one command.
pub(super) fn run(context: &Context, verb: MatchVerb) -> Result<(), CommandError> {
    match verb {
        MatchVerb::Eval(MatchEvalArgs { registered, sought, pairs, without_cut }) => {
            let args = EvalArgs { registered, sought, pairs, without_cut, json: context.out.is_json() };
            let report = Report::of(&args)?;
            context.out.result("kinmesh/match-eval/1", &report, |_| report.text())
        }
        MatchVerb::Explain(MatchExplainArgs { first, second }) => {
            let explanation = explain(&first, &second)?;
            context.out.result("kinmesh/match-explain/1", &explanation, |_| explanation.text())
        }
    }
}
