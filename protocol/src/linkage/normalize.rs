//! Tokens: free text to the words that carry a name (matching.md 3.1).
//!
//! Called for every name and place, by keys and second stage alike. Letter case, Unicode form, vowel marks, apostrophes,
//! titles, articles and hyphens leave no trace. Work is bounded whatever the text: 512 characters of it count, 32 words,
//! 64 characters a word. The limits lie above every text that a record may hold.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use zeroize::Zeroizing;

use super::tables::TABLES;
use super::transliterate::is_abjad;

/// Characters of a text that count, before and after compatibility forms are resolved.
const TEXT_CHARS: usize = 512;
/// Words of a text that count.
const WORDS: usize = 32;
/// Characters of a token that count.
const TOKEN_CHARS: usize = 64;

/// The tokens of a text, in its order, wiped on drop. Empty only if the text has no letter and no digit.
pub(super) fn tokens(text: &str) -> Zeroizing<Vec<String>> {
    let clean = Zeroizing::new(clean(first_chars(text, TEXT_CHARS)));
    let words: Vec<&str> =
        clean.split(' ').filter(|word| !word.is_empty() && !TABLES.titles.contains(word)).take(WORDS).collect();
    let mut joined = joined(&words);
    if joined.is_empty() {
        joined.extend(words.iter().map(|word| (*word).to_owned()));
    }
    for token in joined.iter_mut() {
        let length = first_chars(token, TOKEN_CHARS).len();
        token.truncate(length);
    }
    joined
}

/// The beginning of a text.
pub(super) fn first_chars(text: &str, count: usize) -> &str {
    if text.len() <= count {
        return text;
    }
    text.char_indices().nth(count).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn clean(text: &str) -> String {
    if text.is_ascii() {
        return text
            .chars()
            .filter(|c| TABLES.dropped.find(*c).is_none())
            .map(|c| letter_or_space(c.to_ascii_lowercase()))
            .collect();
    }
    // Lower case needs the whole word: a capital sigma at its end has a letter of its own.
    let composed: Zeroizing<String> = Zeroizing::new(text.nfkc().take(TEXT_CHARS).collect());
    let lower = Zeroizing::new(composed.to_lowercase());
    lower.chars().filter(|c| TABLES.dropped.find(*c).is_none()).nfc().filter(|c| !is_mark(*c)).map(letter_or_space).collect()
}

fn letter_or_space(c: char) -> char {
    let kept = if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number | GeneralCategoryGroup::Mark
        )
    };
    if kept { c } else { ' ' }
}

/// Vowel points, accents that did not compose, joiners, direction marks.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0487}' | '\u{0591}'..='\u{05c7}' | '\u{0610}'..='\u{061a}' | '\u{0640}'
        | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{06d6}'..='\u{06ed}' | '\u{094d}' | '\u{09cd}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn joined(words: &[&str]) -> Zeroizing<Vec<String>> {
    let last = words.len().saturating_sub(1);
    let mut out: Zeroizing<Vec<String>> = Zeroizing::new(Vec::with_capacity(words.len()));
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Some((token, next)) = compound(words, at) {
            out.push(token);
            at = next;
            continue;
        }
        let place = at;
        at += 1;
        if TABLES.tail.contains(word)
            && let Some(before) = out.last_mut()
        {
            before.push_str(word);
        } else if !(TABLES.particles.contains(word) || (TABLES.sun.contains(word) && place > 0 && place < last)) {
            out.push(respelled(word));
        }
    }
    out
}

/// `abd`, `abu` or `umm` with the name behind it, and the index after that name.
fn compound(words: &[&str], at: usize) -> Option<(String, usize)> {
    let word = words.get(at)?;
    let forms = if TABLES.abd.contains(word) {
        ["abdu", "عبدا"]
    } else if !TABLES.abu.contains(word) {
        return None;
    } else if matches!(*word, "umm" | "أم" | "ام") {
        ["umu", "اما"]
    } else {
        ["abu", "ابو"]
    };
    let mut behind = at + 1;
    while behind + 1 < words.len()
        && words.get(behind).is_some_and(|word| TABLES.particles.contains(word) || TABLES.sun.contains(word))
    {
        behind += 1;
    }
    let name = words.get(behind)?;
    let name = name.strip_prefix("ال").filter(|rest| rest.chars().count() > 2).unwrap_or(name);
    let [latin, abjad] = forms;
    Some((format!("{}{name}", if is_abjad(name) { abjad } else { latin }), behind + 1))
}

fn respelled(word: &str) -> String {
    let word = TABLES.somali.find(word).unwrap_or(word);
    match word.strip_prefix('c') {
        Some(rest) if rest.starts_with("abd") => rest.replace('x', "h"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_articles_and_marks_leave_no_trace() {
        assert_eq!(*tokens("Dr. María de la CRUZ"), ["maría", "cruz"]);
        assert_eq!(*tokens("مُحَمَّد ابن عليّ"), ["محمد", "علي"]);
        assert_eq!(*tokens("O’Brien-Smith"), ["obrien", "smith"]);
        assert_eq!(*tokens("ΓΙΏΡΓΟΣ"), ["γιώργος"]);
    }

    #[test]
    fn a_text_of_articles_only_is_kept() {
        assert_eq!(*tokens("de la"), ["de", "la"]);
        assert!(tokens(" -- ").is_empty());
        assert!(tokens("").is_empty());
    }

    #[test]
    fn a_hostile_text_is_cut() {
        assert_eq!(tokens(&"a ".repeat(50_000)).len(), 32);
        assert!(tokens(&"ﷺ".repeat(30_000)).iter().map(String::len).sum::<usize>() <= 1024);
        assert_eq!(tokens(&"x".repeat(100_000)).iter().map(String::len).sum::<usize>(), 64);
    }
}
