//! The dependency graph, as Cargo.lock records it: what the protocol crate must not stand on, and where crates come from.
//!
//! The lock lists dependencies of every platform and of tests too, so this is stricter than `cargo tree`.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::finding::Finding;
use crate::tree::Tree;

/// The file read here.
const LOCK: &str = "Cargo.lock";
/// The crate that touches nothing.
const PURE: &str = "kinmesh-protocol";
/// What it must not stand on: a runtime, a network, a store, a command line.
const BARRED: [&str; 8] = ["tokio", "mio", "socket2", "libp2p", "sled", "clap", "axum", "hyper"];
/// The one registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The protocol crate's graph is free of the barred crates, and every crate comes from the registry or this tree.
///
/// # Errors
/// The file is no TOML.
pub fn check(tree: &Tree) -> Result<Vec<Finding>, toml::de::Error> {
    let lock: Table = tree.text(LOCK).parse()?;
    let none = Vec::new();
    let packages = lock.get("package").and_then(Value::as_array).unwrap_or(&none);
    let mut findings: Vec<Finding> = packages.iter().filter(has_foreign_source).map(foreign_source).collect();
    let graph: BTreeMap<&str, Vec<&str>> = packages.iter().filter_map(node).fold(BTreeMap::new(), |mut graph, (name, needs)| {
        graph.entry(name).or_insert_with(Vec::new).extend(needs);
        graph
    });
    if !graph.contains_key(PURE) {
        findings.push(finding(format!("no package `{PURE}`"), "keep Cargo.lock in the tree"));
    }
    let reached = reach(&graph, PURE);
    let barred = reached.iter().filter(|name| BARRED.contains(*name) || BARRED.iter().any(|barred| is_part_of(name, barred)));
    findings.extend(barred.map(|name| finding(format!("`{name}`"), "do the work in node, and hand the protocol crate a value")));
    Ok(findings)
}

/// A package's name and the names of what it needs.
fn node(package: &Value) -> Option<(&str, Vec<&str>)> {
    let name = package.get("name")?.as_str()?;
    let needs = package.get("dependencies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // An entry is `name`, `name version` or `name version source`.
    let needs = needs.iter().filter_map(|need| need.as_str()?.split(' ').next());
    Some((name, needs.collect()))
}

fn reach<'a>(graph: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(graph.get(name).into_iter().flatten());
        }
    }
    reached
}

fn is_part_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.starts_with(['-', '_']))
}

fn has_foreign_source(package: &&Value) -> bool {
    package.get("source").is_some_and(|source| source.as_str() != Some(REGISTRY))
}

fn foreign_source(package: &Value) -> Finding {
    Finding {
        file: LOCK.to_owned(),
        line: 0,
        rule: "every crate comes from crates.io or from this tree",
        found: package.get("name").map(ToString::to_string).unwrap_or_default(),
        advice: "depend on a release of it",
    }
}

fn finding(found: String, advice: &'static str) -> Finding {
    Finding {
        file: LOCK.to_owned(),
        line: 0,
        rule: "kinmesh-protocol stands on no runtime, network, store or command line",
        found,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn found(lock: &str) -> Vec<String> {
        check(&tree(&[(LOCK, lock)])).unwrap().into_iter().map(|finding| finding.found).collect()
    }

    #[test]
    fn a_barred_crate_is_found_through_others_but_not_beside_them() {
        let lock = "[[package]]\nname = \"kinmesh-protocol\"\ndependencies = [\"a 1.0.0\"]\n\
            [[package]]\nname = \"a\"\ndependencies = [\"tokio-util\"]\n[[package]]\nname = \"tokio-util\"\n\
            [[package]]\nname = \"kinmesh-node\"\ndependencies = [\"sled\"]\n[[package]]\nname = \"sled\"\n";
        assert_eq!(found(lock), ["`tokio-util`"]);
    }

    #[test]
    fn a_crate_from_elsewhere_is_found() {
        let lock = "[[package]]\nname = \"kinmesh-protocol\"\n[[package]]\nname = \"b\"\nsource = \"git+elsewhere\"\n";
        assert_eq!(found(lock), ["\"b\""]);
    }
}
