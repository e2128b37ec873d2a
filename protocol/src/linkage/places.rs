//! Place codes: a town by its sound, a postcode or a camp's number by its characters (matching.md 3.7).
//!
//! Called for every place of a record. It knows some forty well-known cities by several names; a gazetteer it is not.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use zeroize::Zeroizing;

use super::normalize::{first_chars, tokens};
use super::phonetic::codes;
use super::tables::TABLES;

/// Characters of a place code.
const CODE_CHARS: usize = 256;

/// What kind of place a code names; decides what it weighs where no table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeKind {
    /// A town, a district, a camp with a name.
    Town,
    /// A postcode or a place with a number.
    Numbered,
    /// A line with a street.
    Street,
}

impl CodeKind {
    /// Reads the kind off a code: streets begin with `~`, numbered places with `n` and have a digit.
    pub(super) fn of(code: &str) -> Self {
        if code.starts_with('~') {
            CodeKind::Street
        } else if code.starts_with('n') && code.chars().any(is_digit) {
            CodeKind::Numbered
        } else {
            CodeKind::Town
        }
    }
}

/// The codes of a place, one or two, the likelier first; none for a text without letters and digits.
pub(super) fn place_codes(text: &str) -> Zeroizing<Vec<String>> {
    let tokens = tokens(text);
    let mut readings = Zeroizing::new(Vec::with_capacity(2));
    if tokens.iter().any(|token| token.chars().any(is_digit)) {
        let glued = Zeroizing::new(tokens.concat());
        readings.push(format!("n{}", first_chars(&glued, CODE_CHARS - 1)));
        return readings;
    }
    let mut glued = Zeroizing::new([String::new(), String::new()]);
    for token in tokens.iter() {
        let codes = codes(token);
        let first = codes.first().map_or("", String::as_str);
        let [primary, secondary] = &mut *glued;
        primary.push_str(first);
        secondary.push_str(codes.get(1).map_or(first, String::as_str));
    }
    for code in glued.iter() {
        let code = first_chars(code, CODE_CHARS);
        let code = TABLES.place_alias.find(code).unwrap_or(code);
        if !code.is_empty() && readings.iter().all(|reading| reading != code) {
            readings.push(code.to_owned());
        }
    }
    readings
}

/// Decimal digits of every script, and the digits of scripts that count with further signs.
fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    c.general_category() == GeneralCategory::DecimalNumber
        || matches!(c, '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}'
            | '\u{2780}'..='\u{2788}' | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}'
            | '\u{11052}'..='\u{1105a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_has_one_code_under_all_its_names() {
        for text in ["Mogadishu", "Muqdisho", "Xamar", "مقديشو"] {
            assert_eq!(place_codes(text).first().map(String::as_str), Some("mkds"), "{text}");
        }
        assert_eq!(*place_codes("Buthidaung"), ["btdnk", "bsdn"]);
    }

    #[test]
    fn a_number_makes_a_place_exact() {
        assert_eq!(*place_codes("Camp 4, Block C"), ["ncamp4blockc"]);
        assert_eq!(CodeKind::of("ncamp4blockc"), CodeKind::Numbered);
        assert_eq!(CodeKind::of("nkbr"), CodeKind::Town);
        assert_eq!(CodeKind::of("~nkbr"), CodeKind::Street);
    }

    #[test]
    fn an_empty_place_has_no_code() {
        assert!(place_codes(" … ").is_empty());
    }
}
