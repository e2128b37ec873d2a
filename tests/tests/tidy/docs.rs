//! The docs' build inputs: every page is in the summary, every relative link leads to a file of the tree.

use crate::finding::Finding;
use crate::tree::Tree;

/// The book's sources.
const BOOK: &str = "docs/src/";
/// Its list of pages.
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Summary and pages agree, and links lead somewhere.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree.texts.iter().filter(|file| file.path.ends_with(".md"));
    let broken = pages.flat_map(|page| {
        let dead = links(&page.text).filter(|(_, link)| !leads_somewhere(tree, &page.path, link));
        dead.map(|(line, link)| Finding {
            file: page.path.clone(),
            line,
            rule: "a relative link leads to a file of the tree",
            found: link.to_owned(),
            advice: "correct the link, or write the page",
        })
    });
    let listed: Vec<String> = links(tree.text(SUMMARY)).filter_map(|(_, link)| resolve(SUMMARY, link)).collect();
    let unlisted = tree.texts.iter().filter(|file| file.path.starts_with(BOOK) && file.path.ends_with(".md"));
    let unlisted = unlisted.filter(|file| file.path != SUMMARY && !listed.contains(&file.path)).map(|file| Finding {
        file: file.path.clone(),
        line: 0,
        rule: "every page of the book is in its summary",
        found: "not in docs/src/SUMMARY.md".to_owned(),
        advice: "add a line for it there",
    });
    broken.chain(unlisted).collect()
}

/// The targets of `[text](target)` in a page, those to the web and within the page left out.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
        let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
        local.map(move |target| (index + 1, target))
    })
}

fn leads_somewhere(tree: &Tree, page: &str, link: &str) -> bool {
    let Some(path) = resolve(page, link) else { return false };
    let as_folder = format!("{}/", path.trim_end_matches('/'));
    tree.texts.iter().any(|file| file.path == path || file.path.starts_with(&as_folder))
}

/// The path from the root that a link in a page means; none where it leaves the tree.
fn resolve(page: &str, link: &str) -> Option<String> {
    let target = link.split('#').next().unwrap_or(link);
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn links_that_lead_somewhere_are_in_order() {
        let tree = tree(&[
            (SUMMARY, "- [One](one.md)\n"),
            ("docs/src/one.md", "[tree](../../README.md) [web](https://github.com) [here](#part) [part](one.md#part)"),
            ("README.md", "[docs](docs/src)"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_dead_link_and_a_page_outside_the_summary_are_found() {
        let tree = tree(&[(SUMMARY, "\n- [Two](two.md)\n"), ("docs/src/one.md", "[out](../../../x)")]);
        let found: Vec<String> = check(&tree).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found, ["two.md", "../../../x", "not in docs/src/SUMMARY.md"]);
    }
}
