//! Whether two spellings of one name meet in their codes: the measure of the codes by themselves (matching.md 3.6).
//!
//! For lists of known pairs, such as a society's own transliterations. It looks at a name alone; keys need more than
//! a name, so agreement here is neither a hit nor a match.

use super::normalize::tokens;
use super::phonetic::codes;

/// How far two spellings meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpellingAgreement {
    /// A token has no code in common with the other's, or the tokens are not equally many.
    None,
    /// Every token has a code in common.
    AnyCode,
    /// Every token has its first code in common.
    FirstCode,
}

/// Compares two spellings token by token, in order. Texts without a token do not agree.
#[must_use]
pub fn compare_spellings(one: &str, other: &str) -> SpellingAgreement {
    let (one, other) = (tokens(one), tokens(other));
    if one.len() != other.len() {
        return SpellingAgreement::None;
    }
    let pairs = one.iter().zip(other.iter()).map(|(one, other)| {
        let (one, other) = (codes(one), codes(other));
        match (one.first(), other.first()) {
            (Some(a), Some(b)) if a == b => SpellingAgreement::FirstCode,
            _ if one.iter().any(|code| other.contains(code)) => SpellingAgreement::AnyCode,
            _ => SpellingAgreement::None,
        }
    });
    pairs.min().unwrap_or(SpellingAgreement::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet_by_their_first_code_by_any_or_not_at_all() {
        let cases = [
            ("Mohamed", "محمد", SpellingAgreement::FirstCode),
            ("Abdul Rahman", "عبد الرحمن", SpellingAgreement::FirstCode),
            ("Joseph", "يوسف", SpellingAgreement::AnyCode),
            ("Hryhorii", "Григорій", SpellingAgreement::AnyCode),
            ("Fatima", "Fadumo", SpellingAgreement::None),
            ("Amina Haddad", "أمينة", SpellingAgreement::None),
            ("", "", SpellingAgreement::None),
            ("--", "Amina", SpellingAgreement::None),
        ];
        for (one, other, expected) in cases {
            assert_eq!(compare_spellings(one, other), expected, "{one} {other}");
            assert_eq!(compare_spellings(other, one), expected, "{other} {one}");
        }
    }
}
