//! Citations: a page that a comment names by its file, and the number behind it, are in the book.

use crate::finding::Finding;
use crate::tree::Tree;

/// Where a cited page may lie.
const PLACES: [&str; 3] = ["docs/src/", "docs/src/decisions/", ""];

/// Every `page.md` in a comment is a page of the book, and `page.md 3.9` has a heading that starts with 3.9.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| !source.path.starts_with("tests/tests/tidy/")) {
        for (line, comment) in source.comments() {
            let dead = citations(comment).filter(|citation| !stands(tree, citation));
            findings.extend(dead.map(|(page, section)| Finding {
                file: source.path.clone(),
                line,
                rule: "a page that a comment cites is in the book, with the section's number in a heading",
                found: format!("{page} {}", section.unwrap_or_default()).trim_end().to_owned(),
                advice: "cite a page of docs/src that says it, or give the reason in the comment itself",
            }));
        }
    }
    findings
}

/// Pages cited in a comment, with the section number that follows.
fn citations(comment: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let ends = comment.match_indices(".md").map(|(start, mark)| start + mark.len());
    ends.filter_map(|end| {
        let (before, after) = comment.split_at_checked(end)?;
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || "-_./".contains(c))).map_or(0, |at| at + 1);
        let page = before.get(start..)?.trim_start_matches('/');
        let number =
            after.strip_prefix(' ').map(|rest| rest.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or(rest));
        let number = number.map(|number| number.trim_end_matches('.')).filter(|number| !number.is_empty());
        Some((page, number))
    })
}

fn stands(tree: &Tree, (page, section): &(&str, Option<&str>)) -> bool {
    let texts = PLACES.iter().map(|place| tree.text(&format!("{place}{page}"))).filter(|text| !text.is_empty());
    let mut texts = texts.peekable();
    let Some(section) = section else { return texts.peek().is_some() };
    texts.any(|text| text.lines().any(|line| heading_number(line) == Some(section)))
}

/// The number a heading starts with.
fn heading_number(line: &str) -> Option<&str> {
    line.strip_prefix('#')?.trim_start_matches('#').split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn found(comment: &str) -> Vec<String> {
        let page = "# The protocol\n\n## 3 Specification\n\n### 3.9 Exact encodings\n";
        let tree = tree(&[("docs/src/protocol.md", page), ("node/src/daemon/x.rs", comment)]);
        check(&tree).into_iter().map(|finding| finding.found).collect()
    }

    #[test]
    fn a_page_and_a_section_of_the_book_may_be_cited() {
        assert!(found("//! Exact form: protocol.md 3.9. The whole: docs/src/protocol.md.\n").is_empty());
        assert!(found("//! See protocol.md, limits (protocol.md 3).\n").is_empty());
    }

    #[test]
    fn a_page_or_a_section_that_is_not_there_is_found() {
        assert_eq!(found("// plan.md 6 and protocol.md 3.10\n"), ["plan.md 6", "protocol.md 3.10"]);
    }
}
