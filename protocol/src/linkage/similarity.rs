//! Whether two spellings are nearly alike: Jaro-Winkler similarity from a bound on.
//!
//! Called by `agreement` for what has no code in common. Most such texts are far from alike, so a bound from the letters
//! that both have is tried before the similarity itself; it never decides otherwise than the similarity would. Local to
//! one node, hence floats.

use strsim::jaro_winkler;
use zeroize::Zeroize;

/// Occurrences of a letter that are counted one by one.
const OCCURRENCES: u32 = 3;
/// Letters at the beginning that raise a similarity, and by how much each.
const PREFIX: usize = 4;
const PREFIX_GAIN: f64 = 0.1;
/// Above the rounding of either computation.
const ROUNDING: f64 = 1e-9;

/// A text with the count of its letters.
#[derive(Zeroize)]
pub(super) struct Spelling {
    text: String,
    /// A bit for each of the first three occurrences of each of `a-z`, `0-9`.
    letters: u128,
    /// Characters that have no bit.
    others: u32,
    /// Characters.
    chars: u32,
}

impl Spelling {
    /// Counts a text's letters.
    pub(super) fn of(text: String) -> Self {
        let (mut letters, mut others, mut chars) = (0u128, 0u32, 0u32);
        for c in text.chars() {
            chars += 1;
            let place = match c {
                'a'..='z' => Some(u32::from(c) - u32::from('a')),
                '0'..='9' => Some(u32::from(c) - u32::from('0') + 26),
                _ => None,
            };
            let bit = place.and_then(|place| {
                let bits = (0..OCCURRENCES).map(|occurrence| 1u128 << (place * OCCURRENCES + occurrence));
                bits.into_iter().find(|bit| letters & bit == 0)
            });
            match bit {
                Some(bit) => letters |= bit,
                None => others += 1,
            }
        }
        Self { text, letters, others, chars }
    }

    /// Bytes of the text.
    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether both are alike to this degree, 0 to 1. Empty texts are alike to nothing.
    pub(super) fn is_near(&self, other: &Self, degree: f64) -> bool {
        self.at_most(other) + ROUNDING >= degree && jaro_winkler(&self.text, &other.text) >= degree
    }

    /// What the similarity cannot exceed.
    fn at_most(&self, other: &Self) -> f64 {
        if self.chars == 0 || other.chars == 0 {
            return 0.0;
        }
        let common = (self.letters & other.letters).count_ones() + self.others.min(other.others);
        if common == 0 {
            return 0.0;
        }
        let common = f64::from(common);
        let jaro = (common / f64::from(self.chars) + common / f64::from(other.chars) + 1.0) / 3.0;
        let prefix = self.text.bytes().zip(other.text.bytes()).take(PREFIX).take_while(|(a, b)| a == b).count();
        // Bytes in common are at least as many as characters in common, up to four.
        jaro + PREFIX_GAIN * prefix as f64 * (1.0 - jaro)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn alike_is_what_the_similarity_says() {
        let near = |a: &str, b: &str| Spelling::of(a.to_owned()).is_near(&Spelling::of(b.to_owned()), 0.88);
        assert!(near("shevchenko", "shevchenka") && near("a", "a"));
        assert!(!near("fatima", "fadumo") && !near("", "a") && !near("", ""));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_bound_decides_as_the_similarity_does(a in "[a-d1é]{0,9}|\\PC{0,12}", b in "[a-d1é]{0,9}|\\PC{0,12}", degree in 0.6f64..1.0) {
            let (one, other) = (Spelling::of(a.clone()), Spelling::of(b.clone()));
            let expected = !a.is_empty() && !b.is_empty() && jaro_winkler(&a, &b) >= degree;
            prop_assert_eq!(one.is_near(&other, degree), expected, "{} {}", a, b);
        }
    }
}
