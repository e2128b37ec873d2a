//! How many pairs of spellings of one name meet in their codes.

use kinmesh_protocol::linkage::{SpellingAgreement, compare_spellings};
use serde::Serialize;

use super::error::MatchError;
use super::evaluation::Share;
use super::source::Source;

/// Counts over all pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpellingsReport {
    /// Pairs read.
    pub pairs: u64,
    /// Pairs whose first codes are equal.
    pub first_code: Share,
    /// Pairs with any code in common.
    pub any_code: Share,
}

/// Reads the pairs, one a line, a TAB between the spellings. What follows a second TAB is not looked at.
pub(super) fn measure(mut source: Source) -> Result<SpellingsReport, MatchError> {
    let input = source.input;
    let (mut pairs, mut first, mut any) = (0, 0, 0);
    while let Some((line, text)) = source.line()? {
        let (one, other) = text.expose().split_once('\t').ok_or(MatchError::NotPair { input, line })?;
        let other = other.split('\t').next().unwrap_or(other);
        let agreement = compare_spellings(one, other);
        pairs += 1;
        first += u64::from(agreement == SpellingAgreement::FirstCode);
        any += u64::from(agreement >= SpellingAgreement::AnyCode);
    }
    if pairs == 0 {
        return Err(MatchError::Empty { input });
    }
    Ok(SpellingsReport { pairs, first_code: Share::of(first, pairs), any_code: Share::of(any, pairs) })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::matching::error::Input;

    fn report(text: &str) -> Result<SpellingsReport, MatchError> {
        measure(Source::of(Input::Pairs, Box::new(Cursor::new(text.as_bytes().to_vec())))?)
    }

    #[test]
    fn first_and_any_codes_are_counted() {
        let report = report("Mohamed\tمحمد\nJoseph\tيوسف\tnote\n\nFatima\tFadumo\n").unwrap();
        assert_eq!((report.pairs, report.first_code.count, report.any_code.count), (3, 1, 2));
    }

    #[test]
    fn a_line_without_a_tab_is_named() {
        assert!(matches!(report("Yusuf\tيوسف\nYusuf يوسف\n"), Err(MatchError::NotPair { line: 2, .. })));
        assert!(matches!(report("\n"), Err(MatchError::Empty { .. })));
    }
}
