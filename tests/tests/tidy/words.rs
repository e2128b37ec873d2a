//! Words: every Rust file says what it is, and no file says that it is unfinished or names one machine.

use crate::finding::Finding;
use crate::tree::{Text, Tree};

/// Marks of unfinished work, written apart so that this file does not hold them.
const UNFINISHED: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("unimpl", "emented!"),
    concat!("to", "do!"),
];
/// Beginnings of absolute paths of somebody's machine.
const MACHINE_PATHS: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
/// Hosts that may be named: public sources, and this machine.
const HOSTS: [&str; 15] = [
    "crates.io",
    "doc.rust-lang.org",
    "docs.rs",
    "eprint.iacr.org",
    "datatracker.ietf.org",
    "example.org",
    "github.com",
    "kinmesh",
    "localhost",
    "127.0.0.1",
    "rust-lang.github.io",
    "rustsec.org",
    "www.apache.org",
    "www.icrc.org",
    "www.rfc-editor.org",
];
/// Files whose text is not ours.
const FOREIGN: [&str; 3] = ["Cargo.lock", "docs/LICENSE-APACHE", "docs/LICENSE-MIT"];

/// Every Rust file starts with a module head.
pub fn check_heads(tree: &Tree) -> Vec<Finding> {
    let headless = tree.sources.iter().filter(|source| !source.text.starts_with("//! "));
    let findings = headless.map(|source| Finding {
        file: source.path.clone(),
        line: 1,
        rule: "a Rust file starts with its head, `//!`",
        found: source.text.lines().next().unwrap_or("an empty file").to_owned(),
        advice: "say in one sentence what the file is, then who calls it, its invariant and what it does not do; attributes come after",
    });
    findings.collect()
}

/// No mark of unfinished work, no path of one machine, no host but public sources.
pub fn check_words(tree: &Tree) -> Vec<Finding> {
    let own = tree.texts.iter().filter(|file| !FOREIGN.contains(&file.path.as_str()));
    own.flat_map(check_text).collect()
}

fn check_text(file: &Text) -> Vec<Finding> {
    let finding =
        |line: usize, found: &str, rule, advice| Finding { file: file.path.clone(), line, rule, found: found.to_owned(), advice };
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let at = index + 1;
        findings.extend(
            UNFINISHED.iter().filter(|mark| has_word(line, mark)).map(|mark| {
                finding(at, mark, "nothing unfinished is in the tree", "finish it, or take it out and file an issue")
            }),
        );
        findings.extend(MACHINE_PATHS.iter().filter(|start| has_word(line, start)).map(|start| {
            finding(
                at,
                start,
                "no path of one machine is in the tree",
                "use a path from the root of the tree or a temporary folder",
            )
        }));
        findings.extend(hosts(line).filter(|host| !HOSTS.contains(host)).map(|host| {
            finding(
                at,
                host,
                "only public sources are named as hosts",
                "cite a public source; if it is one, add its host to HOSTS in words.rs",
            )
        }));
    }
    findings
}

/// Whether `word` stands in the line with nothing of a word around it.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(start, _)| {
        let before = line.get(..start).and_then(|before| before.chars().next_back());
        let after = line.get(start + word.len()..).and_then(|after| after.chars().next());
        let closes = word.ends_with(|c: char| !c.is_alphanumeric());
        !is_part(before) && (closes || !is_part(after))
    })
}

/// The hosts of the addresses in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("://").zip(line.split("://").skip(1));
    let web = after.filter(|(before, _)| before.ends_with("http") || before.ends_with("https"));
    web.filter_map(|(_, rest)| rest.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).next())
        .filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn found(text: &str) -> Vec<String> {
        check_words(&tree(&[("docs/src/x.md", text)]))
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.found))
            .collect()
    }

    #[test]
    fn marks_of_unfinished_work_are_found_as_words() {
        assert_eq!(found(concat!("ok\n// TO", "DO: later\n")), [concat!("2: TO", "DO")]);
        assert!(found(concat!("MASTO", "DON\n")).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        assert_eq!(found(concat!("see /ho", "me/amina/x")), [concat!("1: /ho", "me/")]);
        assert!(found("framework/x").is_empty());
    }

    #[test]
    fn a_host_that_is_no_public_source_is_found() {
        assert_eq!(found(concat!("http", "://mirror.local:8080/index")), ["1: mirror.local"]);
        assert!(found("https://www.rfc-editor.org/rfc/rfc9497").is_empty());
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        let tree = tree(&[("node/src/a.rs", "use x;\n"), ("node/src/b.rs", "//! Is something.\n")]);
        assert_eq!(check_heads(&tree).len(), 1);
    }
}
