//! Codes: the consonant skeletons of a token, at most three (matching.md 3.3 to 3.6).
//!
//! Called for every token. Spellings of one name in different scripts and romanisations share a code; the order of the
//! codes matters, the first is the likeliest. A code is ASCII, `a-z` and `0-9`, never empty.

use zeroize::Zeroizing;

use super::tables::{Condition, Rule, TABLES};
use super::transliterate::{internal, is_abjad};

/// Codes of one token.
const ALTERNATIVES: usize = 3;

/// A piece of a token's sound with its second possibility; `*` stands for a vowel.
#[derive(Clone, Copy)]
struct Segment<'a> {
    primary: &'a str,
    secondary: &'a str,
}

/// The codes of a token, likeliest first, without repeats; wiped on drop.
pub(super) fn codes(token: &str) -> Zeroizing<Vec<String>> {
    let abjad = is_abjad(token);
    let spelling = Zeroizing::new(internal(token));
    let readings = readings(token, &spelling, abjad).map(|reading| segments(reading, abjad));
    let mut codes = Zeroizing::new(Vec::with_capacity(ALTERNATIVES));
    for reading in &readings {
        add(&mut codes, reading.iter().map(|segment| segment.primary));
    }
    if readings.iter().flatten().all(|segment| segment.primary == segment.secondary) {
        return codes;
    }
    for reading in &readings {
        add(&mut codes, reading.iter().map(|segment| segment.secondary));
    }
    for reading in &readings {
        for (doubtful, segment) in reading.iter().enumerate() {
            if segment.primary != segment.secondary && codes.len() < ALTERNATIVES {
                let one = reading.iter().enumerate();
                add(&mut codes, one.map(|(at, s)| if at == doubtful { s.secondary } else { s.primary }));
            }
        }
    }
    codes
}

/// The spelling without and with a glued article; a second reading that does not exist is empty.
fn readings<'a>(token: &str, spelling: &'a str, abjad: bool) -> [&'a str; 2] {
    let without = || spelling.get(2..).unwrap_or("");
    if abjad {
        if token.starts_with("ال") && token.chars().nth(4).is_some() {
            return [without(), spelling];
        }
    } else if spelling.len() >= 6 && (spelling.starts_with("al") || spelling.starts_with("el")) {
        let third = spelling.as_bytes().get(2).copied().unwrap_or(b'l');
        if !is_vowel(third) && third != b'l' {
            return [without(), ""];
        }
    }
    [spelling, ""]
}

/// Vowels and the letters that abjads write for long ones.
fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'w')
}

fn segments(spelling: &str, abjad: bool) -> Vec<Segment<'_>> {
    let mut segments = Vec::with_capacity(spelling.len());
    let mut at = 0;
    while let Some((rest, letter)) = spelling.get(at..).and_then(|rest| Some((rest, *rest.as_bytes().first()?))) {
        let one = rest.get(..1).unwrap_or("");
        let (primary, secondary, length) = match letter {
            b'w' => ("*", if abjad { "*" } else { "f" }, 1),
            letter if is_vowel(letter) => ("*", "*", 1),
            b'h' if at == 0 && rest.len() > 1 => (one, one, 1),
            b'h' => ("*", "*", 1),
            letter => {
                let rule = TABLES.rules(letter).iter().find(|rule| holds(rule, rest, at, abjad));
                rule.map_or((one, one, 1), |rule| (rule.primary, rule.secondary, rule.pattern.len()))
            }
        };
        segments.push(Segment { primary, secondary });
        at += length;
    }
    segments
}

fn holds(rule: &Rule, rest: &str, at: usize, abjad: bool) -> bool {
    let Some(behind) = rest.strip_prefix(rule.pattern) else { return false };
    let next = behind.bytes().next();
    match rule.condition {
        Condition::Always => true,
        Condition::BeforeFront => matches!(next, Some(b'e' | b'i' | b'y')),
        Condition::AtEnd => next.is_none(),
        Condition::AtStart => at == 0,
        Condition::NotAbjad => !abjad,
        Condition::BeforeConsonant => next.is_some_and(|letter| !is_vowel(letter) && letter != b'h'),
    }
}

fn add<'a>(codes: &mut Vec<String>, segments: impl Iterator<Item = &'a str>) {
    if codes.len() < ALTERNATIVES {
        let code = finish(segments);
        if !code.is_empty() && !codes.contains(&code) {
            codes.push(code);
        }
    }
}

/// Joins segments to a code (matching.md 3.5).
fn finish<'a>(segments: impl Iterator<Item = &'a str>) -> String {
    let mut code = String::with_capacity(16);
    let mut last = None;
    for (place, letter) in segments.flat_map(str::bytes).enumerate() {
        if letter == b'*' {
            if place == 0 {
                code.push('a');
                last = Some(b'a');
            }
        } else if last != Some(letter) {
            code.push(char::from(letter));
            last = Some(letter);
        }
    }
    if code.len() > 4 && code.starts_with("abdl") {
        code.remove(3);
    }
    if code.len() > 4 && code.ends_with("ldn") {
        code.remove(code.len() - 3);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::normalize::tokens;

    fn of(text: &str) -> Vec<Vec<String>> {
        tokens(text).iter().map(|token| codes(token).to_vec()).collect()
    }

    #[test]
    fn a_name_has_one_code_in_every_script() {
        for text in ["Mohamed", "Maxamed", "محمد", "মোহাম্মদ"] {
            assert_eq!(of(text), [["md"]], "{text}");
        }
        for text in ["Abdul Rahman", "عبد الرحمن", "Cabdiraxmaan"] {
            assert_eq!(of(text), [["abdrmn"]], "{text}");
        }
    }

    #[test]
    fn an_uncertain_sound_gives_further_codes_in_a_fixed_order() {
        assert_eq!(of("Григорій"), [["krkr", "hr", "hrkr"]]);
        assert_eq!(of("Hryhorii"), [["hr"]]);
        assert_eq!(of("Grigory"), [["krkr"]]);
        assert_eq!(of("Joseph"), [["ksf", "asf"]]);
        assert_eq!(of("يوسف"), [["asf"]]);
        assert_eq!(of("Yosef"), [["asf"]]);
    }

    #[test]
    fn a_glued_article_is_read_away() {
        assert_eq!(of("Elsayed"), [["sd"]]);
        assert_eq!(of("السيد"), [["sd", "alsd"]]);
    }
}
