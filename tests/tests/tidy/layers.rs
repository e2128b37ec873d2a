//! Who may use whom: the levels of folders and the homes of foreign crates.
//!
//! Both tables are read from docs/src/architecture.md, where they are explained, so that they are stated once.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::source::Source;
use crate::tree::Tree;

/// The page that holds both tables.
const PAGE: &str = "docs/src/architecture.md";

/// Folders of a crate's sources with their level.
type Levels = BTreeMap<String, u32>;

/// A folder names lower levels only, and every folder has a level.
pub fn check_levels(tree: &Tree) -> Vec<Finding> {
    let levels = levels(tree.text(PAGE));
    let mut findings: Vec<Finding> = Vec::new();
    let mut unlisted_folders = BTreeSet::new();
    if levels.is_empty() {
        findings.push(unread_table("Levels"));
    }
    for source in &tree.sources {
        findings.extend(source.fault.as_ref().map(|fault| unlexed(source, fault)));
        let Some((crate_src, folder)) = place(&source.path) else { continue };
        let Some(own) = levels.get(&format!("{crate_src}{folder}")) else {
            if unlisted_folders.insert((crate_src, folder.clone())) {
                findings.push(unlisted(source, &folder));
            }
            continue;
        };
        for named in source.own_modules().into_iter().filter(|named| named.name != folder) {
            let Some(other) = levels.get(&format!("{crate_src}{}", named.name)) else { continue };
            if other >= own {
                findings.push(Finding {
                    file: source.path.clone(),
                    line: named.line,
                    rule: "a folder uses lower levels only, never a sibling of its level (architecture.md, Levels)",
                    found: format!("`{folder}` (level {own}) names `{}` (level {other})", named.name),
                    advice: "move what both need to a lower level, or pass it in as a value from the caller above",
                });
            }
        }
    }
    findings
}

/// A foreign crate is named in its home only.
pub fn check_homes(tree: &Tree) -> Vec<Finding> {
    let homes = homes(tree.text(PAGE));
    let mut findings: Vec<Finding> = Vec::new();
    if homes.is_empty() {
        findings.push(unread_table("Homes of foreign crates"));
    }
    let product = tree.sources.iter().filter(|source| place(&source.path).is_some() || is_root(&source.path));
    for source in product {
        for (name, places) in &homes {
            if places.iter().any(|home| is_within(&source.path, home)) {
                continue;
            }
            findings.extend(source.names_crate(name).into_iter().map(|named| Finding {
                file: source.path.clone(),
                line: named.line,
                rule: "a foreign crate has one home (architecture.md, Homes of foreign crates)",
                found: format!("`{}` outside {}", named.name, places.join(", ")),
                advice: "use what the home's folder offers, or add to that folder what is missing there",
            }));
        }
    }
    findings
}

/// Rows `| `protocol/src/base` | L0 | ...` of the section on levels.
fn levels(page: &str) -> Levels {
    let rows = rows(page, "## Levels");
    let levels = rows.filter_map(|(first, second)| {
        let level = second.trim_start_matches(['L', 'N']).parse().ok()?;
        Some((first.trim_matches('`').to_owned(), level))
    });
    levels.collect()
}

/// Rows `| `sled` | `node/src/store` | ...` of the section on homes.
fn homes(page: &str) -> BTreeMap<String, Vec<String>> {
    let rows = rows(page, "## Homes of foreign crates").filter(|(first, _)| first.starts_with('`'));
    let homes = rows.map(|(first, second)| {
        let places = second.split(',').map(|place| place.trim().trim_matches('`').to_owned());
        (first.trim_matches('`').to_owned(), places.collect())
    });
    homes.collect()
}

/// First and second cell of each table row below a heading.
fn rows<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let section = page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    section.filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    })
}

/// The crate's source folder and the folder (or single file) below it; none for the root files and outside.
fn place(path: &str) -> Option<(String, String)> {
    let crate_src = ["protocol/src/", "node/src/"].into_iter().find(|prefix| path.starts_with(prefix))?;
    if is_root(path) {
        return None;
    }
    let folder = path.strip_prefix(crate_src)?.split('/').next()?;
    Some((crate_src.to_owned(), folder.trim_end_matches(".rs").to_owned()))
}

fn is_root(path: &str) -> bool {
    ["protocol/src/lib.rs", "node/src/lib.rs", "node/src/main.rs"].contains(&path)
}

fn is_within(path: &str, home: &str) -> bool {
    path == home || path.strip_prefix(home).is_some_and(|rest| rest.starts_with('/'))
}

fn unread_table(section: &'static str) -> Finding {
    Finding {
        file: PAGE.to_owned(),
        line: 0,
        rule: "the checks of layers read their tables from this page",
        found: format!("no table under `## {section}`"),
        advice: "keep the heading and a table whose first two cells are the folder or crate and its level or home",
    }
}

fn unlexed(source: &Source, fault: &str) -> Finding {
    Finding {
        file: source.path.clone(),
        line: 0,
        rule: "every Rust file can be read",
        found: fault.to_owned(),
        advice: "make the file compile",
    }
}

fn unlisted(source: &Source, folder: &str) -> Finding {
    Finding {
        file: source.path.clone(),
        line: 0,
        rule: "every folder of a crate has a level (architecture.md, Levels)",
        found: format!("`{folder}` has none"),
        advice: "add the folder with its level to that table, or move the file into the folder whose subject it is",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    const TABLES: &str = "## Levels\n\n| folder | level |\n| --- | --- |\n| `protocol/src/base` | L0 |\n| `protocol/src/person` | L1 |\n\
        | `protocol/src/audit` | L1 |\n| `node/src/store` | N1 |\n\n## Homes of foreign crates\n\n| crate | home |\n| --- | --- |\n\
        | `sled` | `node/src/store` |\n";

    fn found_in(path: &str, text: &str) -> Vec<String> {
        let tree = tree(&[(PAGE, TABLES), (path, text)]);
        let findings = check_levels(&tree).into_iter().chain(check_homes(&tree));
        findings.map(|finding| format!("{}: {}", finding.line, finding.found)).collect()
    }

    #[test]
    fn lower_levels_and_the_own_folder_may_be_used() {
        let text = "use crate::base::Draw;\nuse crate::person::names::Name;";
        assert!(found_in("protocol/src/person/record.rs", text).is_empty());
    }

    #[test]
    fn a_sibling_and_a_higher_level_are_found() {
        assert_eq!(
            found_in("protocol/src/person/record.rs", "\nuse crate::audit::Entry;"),
            ["2: `person` (level 1) names `audit` (level 1)"]
        );
        assert_eq!(
            found_in("protocol/src/base/ids.rs", "fn f() { super::super::person::g() }"),
            ["1: `base` (level 0) names `person` (level 1)"]
        );
    }

    #[test]
    fn a_folder_without_a_level_is_found() {
        assert_eq!(found_in("protocol/src/extra/mod.rs", ""), ["0: `extra` has none"]);
    }

    #[test]
    fn a_crate_is_at_home_in_its_folder_only() {
        assert!(found_in("node/src/store/tree.rs", "use sled::Db;").is_empty());
        assert_eq!(found_in("node/src/main.rs", "use sled::Db;"), ["1: `sled` outside node/src/store"]);
    }

    #[test]
    fn a_page_without_tables_is_found() {
        let tree = tree(&[(PAGE, "# Architecture\n")]);
        assert_eq!((check_levels(&tree).len(), check_homes(&tree).len()), (1, 1));
    }
}
