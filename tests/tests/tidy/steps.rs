//! Steps of the specification: two capital letters, a dash, a number. Each that docs/src/protocol.md names stands in a
//! comment of the code that takes it and in a comment of a test that shows it; none is named that the page does not have.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tree::Tree;

/// The page that names the steps.
const PAGE: &str = "docs/src/protocol.md";

/// The page, the code and the tests name the same steps.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut specified: BTreeMap<String, usize> = BTreeMap::new();
    for (index, line) in tree.text(PAGE).lines().enumerate() {
        for id in ids(line) {
            specified.entry(id).or_insert(index + 1);
        }
    }
    let (mut in_code, mut in_tests) = (Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| !source.path.starts_with("tests/tests/tidy/")) {
        for (line, comment) in source.comments() {
            let is_test = source.path.starts_with("tests/") || source.in_tests(line);
            for id in ids(comment) {
                if !specified.contains_key(&id) {
                    findings.push(unspecified(&source.path, line, &id));
                }
                if is_test { in_tests.push(id) } else { in_code.push(id) }
            }
        }
    }
    for (id, line) in &specified {
        findings.extend((!in_code.contains(id)).then(|| unshown(*line, id, "code")));
        findings.extend((!in_tests.contains(id)).then(|| unshown(*line, id, "test")));
    }
    findings
}

fn unspecified(path: &str, line: usize, id: &str) -> Finding {
    Finding {
        file: path.to_owned(),
        line,
        rule: "a step that code names is in docs/src/protocol.md",
        found: format!("{id} is not there"),
        advice: "write the step down in protocol.md, or name the step that is meant",
    }
}

fn unshown(line: usize, id: &str, place: &str) -> Finding {
    Finding {
        file: PAGE.to_owned(),
        line,
        rule: "a step of the specification is named in the code that takes it and in a test that shows it",
        found: format!("{id} is in no comment of {place}"),
        advice: "put the id in a comment where the step is taken, and in a comment of the test that shows it",
    }
}

/// The step ids in a line: `XY-1` to `XY-99`, with nothing of a word or number around.
fn ids(line: &str) -> Vec<String> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words.filter(|word| is_id(word)).map(str::to_owned).collect()
}

fn is_id(word: &str) -> bool {
    let Some((letters, number)) = word.split_once('-') else { return false };
    let short_number = matches!(number.len(), 1 | 2) && number.bytes().all(|byte| byte.is_ascii_digit());
    letters.len() == 2 && letters.bytes().all(|byte| byte.is_ascii_uppercase()) && short_number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn found(page: &str, code: &str, test: &str) -> Vec<String> {
        let tree = tree(&[(PAGE, page), ("protocol/src/wire/x.rs", code), ("tests/tests/simulation/main.rs", test)]);
        check(&tree).into_iter().map(|finding| finding.found).collect()
    }

    #[test]
    fn a_step_in_page_code_and_test_is_in_order_and_so_is_no_step_at_all() {
        assert!(found("1. **EV-4** checks", "// EV-4: first\n", "    // EV-4\n").is_empty());
        assert!(found("SHA-256, UTF-8, RFC-9497, X-1\n", "// SHA-256\n", "").is_empty());
    }

    #[test]
    fn a_step_that_nothing_takes_or_shows_is_found() {
        assert_eq!(found("EV-4", "", ""), ["EV-4 is in no comment of code", "EV-4 is in no comment of test"]);
        let code = "// EV-4\n#[cfg(test)]\nmod tests {\n    // EV-4 holds\n}\n";
        assert!(found("EV-4", code, "").is_empty());
    }

    #[test]
    fn a_step_that_the_page_does_not_have_is_found() {
        assert_eq!(found("", "let x = 1; // EV-9 says so\n", ""), ["EV-9 is not there"]);
    }
}
