//! Runs a case in each of its places: the library, the tracker, a whole engine, and the command line.

use std::path::Path;
use std::process::{Command, Output};

use kinmesh_protocol::base::Timestamp;
use kinmesh_protocol::roster::{Anchor, Tracked, track, verify_roster};

use crate::case::{Case, Expected, Trust, class};
use crate::fixture::{at, holding, signed};
use crate::node::Node;

/// What was found where, for one case that went wrong.
#[derive(Debug)]
pub struct Wrong {
    pub name: String,
    pub place: &'static str,
    pub expected: Expected,
    pub found: String,
}

/// What came of it, as text that equals that of the expectation.
type Found = String;

fn text(expected: Expected) -> String {
    match expected {
        Expected::Accepted => "accepted".to_owned(),
        Expected::Known => "known".to_owned(),
        Expected::Refused(class) => format!("refused: {class}"),
    }
}

/// Runs a case everywhere.
pub fn run(case: &Case, folder: &Path) -> Vec<Wrong> {
    let now = at();
    let library = library(case, now);
    let mut wrong = Vec::new();
    let mut compare = |place, expected: Expected, found: Found| {
        if found != text(expected) {
            wrong.push(Wrong { name: case.name.clone(), place, expected, found });
        }
    };
    compare("library", case.expected, library.as_ref().map_or_else(|(class, _)| format!("refused: {class}"), Clone::clone));
    if let Some(found) = tracker(case, now) {
        compare("tracker", case.expected, found);
    }
    let in_node = case.node.unwrap_or(case.expected);
    compare("node", as_of_node(in_node), node(case, now));
    compare("command", as_of_command(case.expected), command(case, library.err().map(|(_, said)| said).as_deref(), folder));
    wrong
}

fn library(case: &Case, now: Timestamp) -> Result<Found, (String, String)> {
    let (anchor, before) = match &case.trust {
        Trust::Held(roster, _) => (None, Some(holding(roster))),
        Trust::Typed(fingerprint) => (Some(*fingerprint), None),
    };
    let (anchor, network) = match (&anchor, &before) {
        (None, Some(held)) => (Anchor::Held(held), Some(held.roster.network_id)),
        (fingerprint, _) => (Anchor::Fingerprint(fingerprint.expect("one of the two")), None),
    };
    match verify_roster(&case.bytes, &anchor, network.as_ref(), now) {
        Ok(offered) if before.is_some_and(|held| held.hash == offered.hash) => Ok(text(Expected::Known)),
        Ok(_) => Ok(text(Expected::Accepted)),
        Err(error) => Err((class(&error), error.to_string())),
    }
}

fn tracker(case: &Case, now: Timestamp) -> Option<Found> {
    let Trust::Held(roster, _) = &case.trust else { return None };
    let found = match track(&holding(roster), &case.bytes, &roster.network_id, now) {
        Ok(Tracked::Known) => text(Expected::Known),
        Ok(Tracked::Later { .. }) => text(Expected::Accepted),
        Err(error) => format!("refused: {}", class(&error)),
    };
    Some(found)
}

/// A node's answers say less than the library: which problem in a few words for its operator.
fn as_of_node(expected: Expected) -> Expected {
    match expected {
        Expected::Refused(_) => Expected::Refused("by the node"),
        other => other,
    }
}

fn node(case: &Case, now: Timestamp) -> Found {
    let mut node = match &case.trust {
        Trust::Held(roster, signers) => match Node::holding(roster, &signed(roster, signers), now) {
            Ok(node) => node,
            Err(problem) => return format!("the held roster was not taken: {problem}"),
        },
        Trust::Typed(fingerprint) => Node::without(*fingerprint, now),
    };
    let before = node.version();
    match node.take(&case.bytes, now) {
        Ok((1, 0)) if node.version() > before => text(Expected::Accepted),
        Ok((0, 1)) if node.version() == before => text(Expected::Known),
        Ok(counts) => format!("{counts:?} at version {}", node.version()),
        Err(_) if node.version() == before => text(Expected::Refused("by the node")),
        Err(problem) => format!("{problem}, but version {} instead of {before}", node.version()),
    }
}

fn as_of_command(expected: Expected) -> Expected {
    match expected {
        Expected::Refused(_) => Expected::Refused("by the command"),
        other => other,
    }
}

/// `kinmesh roster verify`: its exit code, and that it gives the library's reason.
fn command(case: &Case, reason: Option<&str>, folder: &Path) -> Found {
    let (offered, held) = (folder.join("offered.kmb"), folder.join("held.kmb"));
    std::fs::write(&offered, bundle(&[&case.bytes])).expect("a file");
    let mut command = program(folder);
    command.args(["roster", "verify"]).arg(&offered);
    match &case.trust {
        Trust::Held(roster, signers) => {
            std::fs::write(&held, bundle(&[&signed(roster, signers)])).expect("a file");
            command.arg("--held").arg(&held);
        }
        Trust::Typed(fingerprint) => {
            command.arg("--fingerprint").arg(fingerprint.to_string());
        }
    }
    judged(&command.output().expect("the program"), reason)
}

fn judged(output: &Output, reason: Option<&str>) -> Found {
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // What is no roster at all is said in fewer words, and what no bundle may hold is refused before it is read.
    let shapes = ["does not start with a roster", "of the bundle has", "more than 8388608 bytes"];
    let gives = |reason: &str| {
        let has_no_shape = reason.starts_with("not a signed roster") && shapes.iter().any(|words| complained.contains(words));
        complained.contains(reason) || has_no_shape
    };
    match (output.status.code(), reason) {
        (Some(0), _) if said.contains("it is the same") => text(Expected::Known),
        (Some(0), _) => text(Expected::Accepted),
        (Some(2 | 21), Some(reason)) if gives(reason) => text(Expected::Refused("by the command")),
        (code, _) => format!("exit {code:?}, not for the library's reason {reason:?}: {complained}"),
    }
}

/// The program under test, without a terminal, a home or a node.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinmesh-under-test"));
    command.env_clear().env("HOME", folder).current_dir(folder).stdin(std::process::Stdio::null());
    command
}

/// A bundle, also of items that no writer would take.
pub fn bundle(items: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"KINMESH1".to_vec();
    for item in items {
        bytes.extend(u32::try_from(item.len()).expect("a length").to_be_bytes());
        bytes.extend_from_slice(item);
    }
    bytes
}
