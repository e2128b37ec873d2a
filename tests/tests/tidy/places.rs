//! Places: what the top level holds, and what a `mod.rs` holds.

use crate::finding::Finding;
use crate::tree::Tree;

/// What stands at the top level beside files that start with a dot; `target` is build output.
const TOP_LEVEL: [&str; 8] = ["Cargo.lock", "Cargo.toml", "README.md", "docs", "node", "protocol", "tests", "target"];

/// The top level holds the three crates, the docs and what cargo wants.
pub fn check_top_level(names: &[String]) -> Vec<Finding> {
    let foreign = names.iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()));
    let foreign = foreign.map(|name| Finding {
        file: name.clone(),
        line: 0,
        rule: "the top level holds Cargo.toml, Cargo.lock, README.md, node, protocol, tests, docs and dotfiles",
        found: "something else".to_owned(),
        advice: "move it under the crate or the docs that it belongs to",
    });
    let absent = TOP_LEVEL.iter().filter(|name| **name != "target" && !names.iter().any(|found| found == *name));
    let absent = absent.map(|name| Finding {
        file: (*name).to_owned(),
        line: 0,
        rule: "the top level holds Cargo.toml, Cargo.lock, README.md, node, protocol, tests, docs and dotfiles",
        found: "missing".to_owned(),
        advice: "put it back",
    });
    foreign.chain(absent).collect()
}

/// A `mod.rs` holds docs, `mod` lines and re-exports.
pub fn check_mod_files(tree: &Tree) -> Vec<Finding> {
    let product = tree.sources.iter().filter(|source| source.path.starts_with("protocol/") || source.path.starts_with("node/"));
    let mod_files = product.filter(|source| source.path.ends_with("/mod.rs"));
    let findings = mod_files.flat_map(|source| {
        source.top_items().into_iter().map(|item| Finding {
            file: source.path.clone(),
            line: item.line,
            rule: "a mod.rs holds docs, mod lines and re-exports only",
            found: format!("`{}`", item.name),
            advice: "move it to a file named after its subject and re-export it",
        })
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_file_too_many_and_a_file_too_few_at_the_top_are_found() {
        let mut names: Vec<String> = TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect();
        names.push(".ci".to_owned());
        assert!(check_top_level(&names).is_empty());
        names.push("scripts".to_owned());
        names.retain(|name| name != "README.md" && name != "target");
        let found: Vec<String> = check_top_level(&names).into_iter().map(|finding| finding.file).collect();
        assert_eq!(found, ["scripts", "README.md"]);
    }

    #[test]
    fn an_item_in_a_mod_file_is_found() {
        let text = "//! x\npub mod a;\npub use a::{B, c};\npub struct D;\n#[cfg(test)]\nmod tests { fn f() {} }\n";
        let findings = check_mod_files(&tree(&[("node/src/store/mod.rs", text)]));
        assert_eq!(findings.into_iter().map(|finding| finding.line).collect::<Vec<_>>(), [4]);
    }
}
