//! Files and functions that can be read in one sitting.

use crate::finding::Finding;
use crate::source::Source;
use crate::tree::Tree;

/// Lines of a file, its tests not counted.
const FILE_LINES: usize = 500;
/// Lines of a function.
const FUNCTION_LINES: usize = 60;

/// No file and no function is longer than its limit.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let lines = source.lines_without_tests();
    let long_file = (lines > FILE_LINES).then(|| Finding {
        file: source.path.clone(),
        line: 0,
        rule: "a file has at most 500 lines without its tests",
        found: format!("{lines} lines"),
        advice: "split by subject: one file a subject, named after it",
    });
    let long_functions = source.functions().into_iter().filter(|function| function.lines > FUNCTION_LINES);
    let long_functions = long_functions.map(|function| Finding {
        file: source.path.clone(),
        line: function.line,
        rule: "a function has at most 60 lines",
        found: format!("`{}` has {} lines", function.name, function.lines),
        advice: "give a step of it a name and move it below its caller",
    });
    long_file.into_iter().chain(long_functions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: usize, test_lines: usize) -> Vec<String> {
        let body = "    let _ = 1;\n".repeat(lines);
        let test_body = "    let _ = 1;\n".repeat(test_lines);
        let text = format!("fn long() {{\n{body}}}\n#[cfg(test)]\nmod tests {{\n    fn t() {{\n{test_body}}}\n}}\n");
        check_source(&Source::lex("node/src/daemon/x.rs", &text)).into_iter().map(|finding| finding.found).collect()
    }

    #[test]
    fn the_limit_itself_is_allowed_and_tests_do_not_count() {
        assert!(found(58, 600).is_empty());
    }

    #[test]
    fn a_line_more_is_found() {
        assert_eq!(found(59, 0), ["`long` has 61 lines"]);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(found(499, 0), ["501 lines", "`long` has 501 lines"]);
    }
}
