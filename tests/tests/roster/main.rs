//! The conformance suite of the roster: who takes part is decided by k of n custodians and by nobody else.
//!
//! Each case is a document, what it is checked against, and what must come of it. It is run against the library, the tracker,
//! a whole engine and the command line, each of which must say the same. The tables stand by subject; `attacks` holds the
//! attacks by number that need a network.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

mod attacks;
mod case;
mod custodians;
mod encoding;
mod first;
mod fixture;
mod members;
mod messages;
mod node;
mod rules;
mod run;
mod signatures;
mod suspensions;
mod times;
mod versions;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use case::{Case, Expected};
use run::Wrong;

type Table = fn() -> Vec<Case>;

const TABLES: [(&str, Table); 8] = [
    ("versions", versions::cases),
    ("signatures", signatures::cases),
    ("encoding", encoding::cases),
    ("times", times::cases),
    ("rules", rules::cases),
    ("members", members::cases),
    ("custodians", custodians::cases),
    ("first rosters", first::cases),
];

/// Cases that run at a time: the machine's two cores, most of the time in other processes.
const AT_A_TIME: usize = 2;

fn run_all(cases: &[Case]) -> Vec<Wrong> {
    let lanes: Vec<Vec<&Case>> = (0..AT_A_TIME).map(|lane| cases.iter().skip(lane).step_by(AT_A_TIME).collect()).collect();
    std::thread::scope(|scope| {
        let run_lane = |lane: Vec<&'_ Case>| {
            let folder = tempfile::tempdir().expect("a folder");
            lane.into_iter().flat_map(|case| run::run(case, folder.path())).collect::<Vec<_>>()
        };
        let running: Vec<_> = lanes.into_iter().map(|lane| scope.spawn(move || run_lane(lane))).collect();
        running.into_iter().flat_map(|lane| lane.join().expect("a lane")).collect()
    })
}

fn table(wrong: &[Wrong]) -> String {
    let mut text = String::new();
    for Wrong { name, place, expected, found } in wrong {
        let _infallible = writeln!(text, "  {place:<8} {name:<60} expected {expected:?}, found {found}");
    }
    text
}

#[test]
fn every_roster_is_judged_alike_by_library_tracker_node_and_command_line() {
    let mut wrong = Vec::new();
    let (mut valid, mut refused, mut names) = (0, 0, BTreeSet::new());
    for (subject, cases) in TABLES {
        let cases = cases();
        for case in &cases {
            assert!(names.insert(case.name.clone()), "two cases are called {:?}", case.name);
        }
        let of_valid = cases.iter().filter(|case| !matches!(case.expected, Expected::Refused(_))).count();
        println!("{subject:<14} {:>4} cases, {of_valid} of them valid", cases.len());
        valid += of_valid;
        refused += cases.len() - of_valid;
        wrong.extend(run_all(&cases));
    }
    let wrongly = |expected_refusal: bool| {
        wrong.iter().filter(|wrong| matches!(wrong.expected, Expected::Refused(_)) == expected_refusal).count()
    };
    println!("{} cases in 4 places: {valid} valid, {refused} to be refused", valid + refused);
    println!("{} wrong of those to be refused, {} wrong of the valid ones", wrongly(true), wrongly(false));
    assert!(wrong.is_empty(), "\n{}", table(&wrong));
    assert!(refused >= 120 && valid >= 25, "{valid} valid, {refused} to be refused");
}
