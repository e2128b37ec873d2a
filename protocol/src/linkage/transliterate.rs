//! Internal spelling: a token of any script as letters for sounds (matching.md 3.2).
//!
//! Called by `phonetic` and by the second stage. The result is ASCII: `a-z`, `0-9` and upper-case letters for sounds
//! that two Latin letters would make ambiguous (`S` sh and ch, `C` accented c, `Z` zh, `K` kh, `G` hard g and dj, `Q`,
//! `D` emphatic d, `H` East Slavic g). The table of `any_ascii` 0.3.3 is part of the profile.

use any_ascii::any_ascii_char;

use super::tables::TABLES;

/// Letters of one internal spelling; a longer one is cut, which no name of a person reaches.
const SPELLING_LETTERS: usize = 128;

/// Spells a token with internal letters.
pub(super) fn internal(token: &str) -> String {
    let mut spelling = String::with_capacity(token.len());
    for c in token.chars() {
        if spelling.len() >= SPELLING_LETTERS {
            spelling.truncate(SPELLING_LETTERS);
            break;
        }
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            spelling.push(c);
        } else if let Some(letters) = TABLES.characters.find(c) {
            spelling.push_str(letters);
        } else {
            let letters = any_ascii_char(c).bytes().filter(u8::is_ascii_alphanumeric);
            spelling.extend(letters.map(|letter| char::from(letter.to_ascii_lowercase())));
        }
    }
    spelling
}

/// Whether a token is in a script that leaves out short vowels: Hebrew or Arabic letters.
pub(super) fn is_abjad(token: &str) -> bool {
    token.chars().any(|c| ('\u{0590}'..='\u{06ff}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_spelled_with_letters_for_sounds() {
        assert_eq!(internal("григорій"), "HriHoriy");
        assert_eq!(internal("خديجة"), "KdyGa");
        assert_eq!(internal("ćirić"), "CiriC");
        assert_eq!(internal("गीता"), "gita");
    }

    #[test]
    fn a_spelling_is_bounded() {
        assert_eq!(internal(&"я".repeat(64)).len(), 128);
        assert_eq!(internal(&"嶽".repeat(64)).len(), 128);
    }
}
