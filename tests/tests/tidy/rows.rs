//! Kinds of stored rows: each kind of a tree belongs to one record. Two records of one kind would read each other's rows.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tree::Tree;

/// Each `record!` line names a tree and kind that no other has.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| source.path.starts_with("protocol/src/")) {
        for (line, text) in (1..).zip(tree.text(&source.path).lines()) {
            let Some((record, place)) = declared(text) else { continue };
            if let Some(first) = owners.get(&place) {
                findings.push(Finding {
                    file: source.path.clone(),
                    line,
                    rule: "a kind of a tree belongs to one record",
                    found: format!("{record} has the kind {} of the tree {}, as {first} has", place.1, place.0),
                    advice: "give it a number that is free in its tree",
                });
            }
            owners.entry(place).or_insert(record);
        }
    }
    findings
}

/// Record, tree and kind of a line `crate::record!(Record, Id, Tree, kind, Root);`.
fn declared(line: &str) -> Option<(String, (String, String))> {
    let inside = line.trim().strip_prefix("crate::record!(")?.strip_suffix(");")?;
    let mut from_behind = inside.rsplit(", ");
    let (_root, kind, tree) = (from_behind.next()?, from_behind.next()?, from_behind.next()?);
    let record = inside.split(',').next()?;
    Some((record.to_owned(), (tree.to_owned(), kind.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_declaration_is_read_whatever_its_id_is() {
        let place = |tree: &str, kind: &str| (tree.to_owned(), kind.to_owned());
        assert_eq!(declared("crate::record!(A, (MemberId, u64), Own, 3, Service);"), Some(("A".to_owned(), place("Own", "3"))));
        assert_eq!(declared("    crate::record!(B, (), Keys, 12, Records);"), Some(("B".to_owned(), place("Keys", "12"))));
        assert_eq!(declared("macro_rules! record {"), None);
    }

    #[test]
    fn two_records_of_one_kind_are_found() {
        let of = tree(&[
            ("protocol/src/a.rs", "crate::record!(A, (), Own, 3, Service);\n"),
            ("protocol/src/b.rs", "crate::record!(B, Epoch, Own, 3, Service);\ncrate::record!(C, Epoch, Own, 4, Service);\n"),
        ]);
        let found = check(&of);
        assert_eq!(found.len(), 1);
        assert!(found[0].found.contains('B') && found[0].found.contains('A'), "{}", found[0].found);
    }
}
