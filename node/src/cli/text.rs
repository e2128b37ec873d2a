//! Text of other people on a screen: harmless, in its own direction, of known width.
//!
//! Every field of a record is such text. Control and direction characters are replaced, so that a name can neither move
//! the cursor nor turn its neighbours around; on a terminal each text stands in an isolate of its own (UAX #9).

use kinmesh_protocol::person::form::is_inert_breaker;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for a character that is not shown.
const REPLACED: char = '\u{fffd}';

/// Whether a text is put into a direction isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolate {
    /// For terminals.
    Yes,
    /// For files and pipes, where the marks would be in the way.
    No,
}

/// The text on one line, without a character that acts on the terminal.
pub(super) fn inert(text: &str) -> String {
    let line_ends = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}');
    text.chars()
        .map(|c| {
            if line_ends(c) {
                ' '
            } else if is_inert_breaker(c) {
                REPLACED
            } else {
                c
            }
        })
        .collect()
}

/// A foreign text, ready to stand among others.
pub(super) fn foreign(text: &str, isolate: Isolate) -> String {
    let inert = inert(text);
    match isolate {
        Isolate::Yes if !inert.is_empty() => format!("\u{2068}{inert}\u{2069}"),
        _ => inert,
    }
}

/// Columns that a text takes on a terminal: two for Hangul, none for a combining mark.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text in at most `limit` columns, with `…` if something is left out. Never cuts a character from its marks.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    for cluster in text.graphemes(true) {
        if width(&kept) + width(cluster) + 1 > limit {
            break;
        }
        kept.push_str(cluster);
    }
    format!("{}…", kept.trim_end())
}

/// The text in lines of at most `limit` columns, broken at blanks where possible.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) <= limit {
            line.push(' ');
        } else if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for cluster in word.graphemes(true) {
            if width(&line) + width(cluster) > limit {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(cluster);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_foreign_text_acts_on_the_terminal() {
        assert_eq!(inert("a\u{1b}[2J\u{202e}b\nc"), "a\u{fffd}[2J\u{fffd}b c");
        assert_eq!(foreign("سعاد", Isolate::Yes), "\u{2068}سعاد\u{2069}");
        assert_eq!(foreign("\u{2069}x", Isolate::No), "\u{fffd}x");
    }

    #[test]
    fn width_counts_columns_and_a_cut_keeps_marks_with_their_letter() {
        assert_eq!((width("경민"), width("ሽሬ"), width("e\u{301}")), (4, 2, 1));
        assert_eq!(cut("경민준", 5), "경민…");
        assert_eq!(cut("abcde\u{301}f", 5), "abcd…");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn lines_break_at_blanks_and_inside_words_that_are_too_long() {
        assert_eq!(wrap("Mohamed Hussein Ali", 9), ["Mohamed", "Hussein", "Ali"]);
        assert_eq!(wrap("경민경민", 5), ["경민", "경민"]);
        assert_eq!(wrap("ab Cabdiraxmaan", 5), ["ab", "Cabdi", "raxma", "an"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
