//! One broken rule at one place, printed so that it can be mended without reading the rule's code.

use std::fmt;

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the root of the tree.
    pub file: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What the rule demands.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        writeln!(f, "\n  found: {}\n  rule:  {}\n  do:    {}", self.found, self.rule, self.advice)
    }
}
